//! An exchange of one's own: an adapter, and a collector that records it into a SQLite file.
//!
//! ```console
//! $ cargo run --example own_exchange -- target/own 3
//! ```
//!
//! The exchange is made up: every 100 ms a trade happens, whose price is a function of its id. So
//! history and live trades agree by themselves, which is what a real adapter has to see to. The
//! arguments are a directory and how many seconds to collect.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use streamkit::{
    app::{
        clock::Clock,
        collect::{self, Collector, Emit, Settings},
    },
    domain::{
        price::{Price, Quantity},
        symbol::Symbol,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::source::{LiveBatch, LiveStream, Newest, Page, Source, SourceError, StreamEnd},
    store::{self, StoreOptions},
};
use tokio_util::sync::CancellationToken;

/// A trade every so many µs, the one with id 0 in 1970.
const INTERVAL_US: i64 = 100_000;
/// How many trades a page of history has.
const PAGE: i64 = 1000;

fn newest_id() -> i64 {
    Clock::system().wall_us() / INTERVAL_US
}

/// The one trade that has this id.
fn trade(id: i64) -> Trade {
    // A price that swings by 1 % around 100 in some seconds, in 1e-8.
    let swing = (id as f64 / 100.0).sin() * 1e8;
    Trade {
        id,
        price: Price(10_000_000_000 + swing as i64),
        quantity: Quantity(100_000_000),
        first_trade_id: id,
        last_trade_id: id,
        time_us: id * INTERVAL_US,
        buyer_is_maker: id % 2 == 0,
    }
}

struct MadeUp;

#[async_trait]
impl Source for MadeUp {
    fn name(&self) -> &'static str {
        "made-up"
    }

    async fn connect(&self, symbols: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        Ok(Box::new(MadeUpStream {
            symbols: symbols.len() as u32,
            next_id: newest_id() + 1,
        }))
    }

    async fn page(&self, _: &Symbol, from_id: i64) -> Result<Page, SourceError> {
        let ids = from_id..(newest_id() + 1).min(from_id + PAGE);
        Ok(Page {
            is_full: ids.clone().count() == PAGE as usize,
            trades: ids.map(trade).collect(),
            malformed: Vec::new(),
        })
    }

    async fn latest(&self, _: &Symbol) -> Result<Option<Newest>, SourceError> {
        Ok(Some(trade(newest_id()).into()))
    }

    async fn first_since(&self, _: &Symbol, time_us: i64) -> Result<Option<Trade>, SourceError> {
        let id = (time_us + INTERVAL_US - 1) / INTERVAL_US;
        Ok((id <= newest_id()).then(|| trade(id)))
    }
}

/// What has happened since the last look, for as many symbols as were asked for.
struct MadeUpStream {
    symbols: u32,
    next_id: i64,
}

#[async_trait]
impl LiveStream for MadeUpStream {
    async fn receive(&mut self, batch: &mut LiveBatch) -> Result<(), StreamEnd> {
        while self.next_id > newest_id() {
            tokio::time::sleep(Duration::from_micros(INTERVAL_US as u64)).await;
        }
        let ids = self.next_id..=newest_id();
        self.next_id = ids.end() + 1;
        for id in ids {
            batch
                .trades
                .extend((0..self.symbols).map(|index| (index, trade(id))));
        }
        Ok(())
    }

    async fn close(&mut self) {}
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let directory = PathBuf::from(args.next().context("which directory?")?);
    let seconds = args.next().context("for how many seconds?")?;
    let seconds: u64 = seconds.to_string_lossy().parse()?;
    std::fs::create_dir_all(&directory)?;

    let thresholds = vec![Threshold::new(50)?, Threshold::new(250)?];
    let settings = Settings::new(vec!["MADEUPUSD".parse()?], thresholds);
    let address = format!("sqlite:{}", directory.join("store.sqlite").display()).parse()?;
    let collector = Collector::new(
        settings,
        Arc::new(MadeUp),
        store::open(&address, StoreOptions::default())?,
        directory.join("state"),
        Emit::new(|event| println!("{event}")),
    );
    let stop = CancellationToken::new();
    let ending = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        ending.cancel();
    });
    let summary = collect::run(collector, stop).await?;
    for symbol in &summary.shown.symbols {
        println!(
            "{}: {} trades, bars {:?}",
            symbol.symbol, symbol.trades, symbol.bars
        );
    }
    Ok(())
}
