//! Builds range bars from a CSV file of Binance's aggregate trades, and prints them.
//!
//! ```console
//! $ cargo run --example bars_from_csv -- tests/tapes/walk.csv 100
//! ```
//!
//! The second argument is the threshold in decimal basis points: 100 are 0.1 %.

use std::path::PathBuf;

use anyhow::Context as _;
use streamkit::{
    domain::{
        anchor::Anchor,
        ladder::{Ladder, Rules},
        threshold::Threshold,
    },
    exchange::binance::csv::Reader,
};

#[expect(clippy::print_stdout, reason = "an example shows what it makes")]
fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let path = PathBuf::from(args.next().context("which file?")?);
    let dbps = args.next().context("which threshold?")?;
    let threshold: Threshold = dbps.to_string_lossy().parse()?;

    let mut ladder = Ladder::new(Rules {
        anchor: Anchor::Day,
        gate: true,
    });
    let mut tape = Reader::open(&path)?;
    let (mut trades, mut closed) = (Vec::new(), Vec::new());
    println!("first id,last id,open,high,low,close,closed by");
    loop {
        trades.clear();
        let is_more = tape.read_block(&mut trades)?;
        for trade in &trades {
            if ladder.next_id().is_none() {
                // A series begins with a trade; all that follow have to be there.
                ladder.start(threshold, trade.id);
            }
            ladder.push(trade, &mut closed)?;
        }
        for bar in closed.drain(..) {
            println!(
                "{},{},{},{},{},{},{}",
                bar.first_agg_trade_id,
                bar.last_agg_trade_id,
                bar.open,
                bar.high,
                bar.low,
                bar.close,
                bar.closed_by.as_str()
            );
        }
        if !is_more {
            return Ok(());
        }
    }
}
