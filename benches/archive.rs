//! From a zip of trades to the bars of eight thresholds: what it costs, how long it takes,
//! and what it holds in memory.
//!
//! `cargo bench --bench archive`; the exit code is 1 when a target is missed. Both sides
//! read the same seeded tape, and have to make the same number of bars. Costs are CPU time
//! of all threads.
//!
//! - The floor is what no program of this design can leave out: inflating with zlib-rs
//!   from memory, a loop over the bytes that believes everything, and the ladder.
//! - The peer is put together from the crates zip (with zlib-rs, too), csv and
//!   rangebar-core, a processor for each threshold.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

#[path = "archive/feed.rs"]
mod feed;
mod interleave;
#[path = "archive/peers.rs"]
mod peers;
#[path = "ladder/tape.rs"]
mod tape;

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use interleave::{Spread, process_cpu_time, race, rss_kib, wall_time};
use peers::{ByteScan, Content};
use streamkit::domain::{
    anchor::Anchor,
    bar::Bar,
    ladder::{Ladder, Rules},
    threshold::Threshold,
    trade::Trade,
};
use tape::Tape;

const SEED: u64 = 20_250_901;
const TRADES: usize = 3_000_000;
const ROUNDS: usize = 9;
/// Closed bars are handed over in batches of this size.
const BATCH: usize = 1000;
const NAME: &str = "BTCUSDT-aggTrades-2025-09-01.csv";

/// The rules of the reference: no anchor, with the gate.
const RULES: Rules = Rules {
    anchor: Anchor::None,
    gate: true,
};

const ONE: [u32; 1] = [250];
/// 0.1 % to 2 %.
const EIGHT: [u32; 8] = [100, 250, 500, 750, 1000, 1250, 1500, 2000];

/// So much more at the end of a file than after its first tenth still counts as flat.
const FLAT: f64 = 1.1;

/// Writes a zip as the exchange does.
fn write_zip(path: &Path, trades: usize) {
    let file = BufWriter::new(File::create(path).expect("a file"));
    let mut zip = zip::ZipWriter::new(file);
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(6));
    zip.start_file(NAME, options).expect("a file");
    let decimal = |value: i64| format!("{}.{:08}", value / 100_000_000, value % 100_000_000);
    let mut text = Vec::new();
    for trade in Tape::new(SEED).take(trades) {
        writeln!(
            text,
            "{},{},{},{},{},{},{},True",
            trade.id,
            decimal(trade.price.0),
            decimal(trade.quantity.0),
            trade.first_trade_id,
            trade.last_trade_id,
            trade.time_us,
            if trade.buyer_is_maker {
                "True"
            } else {
                "False"
            },
        )
        .expect("written");
        if text.len() > 1 << 20 {
            zip.write_all(&text).expect("written");
            text.clear();
        }
    }
    zip.write_all(&text).expect("written");
    zip.finish().expect("a zip");
}

/// A ladder that counts its bars.
struct Bars {
    ladder: Ladder,
    closed: Vec<Bar>,
    count: usize,
}

impl Bars {
    fn new(thresholds: &[u32]) -> Self {
        let mut ladder = Ladder::new(RULES);
        for &dbps in thresholds {
            ladder.start(Threshold::new(dbps).expect("a threshold"), 1);
        }
        Self {
            ladder,
            closed: Vec::with_capacity(BATCH + thresholds.len()),
            count: 0,
        }
    }

    #[inline]
    fn push(&mut self, trade: &Trade) {
        self.ladder.push(trade, &mut self.closed).expect("in order");
        if self.closed.len() >= BATCH {
            self.count += std::hint::black_box(&self.closed).len();
            self.closed.clear();
        }
    }

    fn count(self) -> usize {
        self.count + self.closed.len()
    }
}

/// Our way, as a backfill goes it: a feed, and a ladder on another thread than inflating.
/// `look` is told how many trades have been read, block by block.
fn ours(path: &Path, thresholds: &[u32], mut look: impl FnMut(usize)) -> usize {
    let mut bars = Bars::new(thresholds);
    let mut read = 0;
    feed::each_block(path, TRADES, |trades| {
        for trade in trades {
            bars.push(trade);
        }
        read += trades.len();
        look(read);
    });
    bars.count()
}

fn floor(content: &Content, thresholds: &[u32]) -> usize {
    let mut bars = Bars::new(thresholds);
    let mut scan = ByteScan::default();
    peers::inflate(content, |block| scan.scan(block, |trade| bars.push(trade)));
    bars.count()
}

/// What the process holds after the first tenth of a file, and the most afterwards.
fn memory(path: &Path) -> (u64, u64) {
    let (mut first, mut most) = (0, 0);
    let mut next = TRADES / 10;
    ours(path, &EIGHT, |read| {
        if read >= next {
            next += TRADES / 10;
            let now = rss_kib();
            if first == 0 {
                first = now;
            }
            most = most.max(now);
        }
    });
    (first, most)
}

/// How long `work` takes by this clock.
fn timed<T>(clock: fn() -> Duration, mut work: impl FnMut() -> T) -> impl FnMut() -> Duration {
    move || {
        let start = clock();
        std::hint::black_box(work());
        clock().saturating_sub(start)
    }
}

struct Verdicts {
    all_met: bool,
}

impl Verdicts {
    fn tell(&mut self, what: &str, target: &str, ratio: f64, is_met: bool) {
        let word = if is_met { "met" } else { "MISSED" };
        println!("  target {what} {target}: {word} with {ratio:.2}");
        self.all_met &= is_met;
    }
}

fn main() -> ExitCode {
    let directory = tempfile::tempdir().expect("a directory");
    let path: PathBuf = directory.path().join("tape.zip");
    write_zip(&path, TRADES);
    let mut verdicts = Verdicts { all_met: true };

    // Before anything else is allocated, so that nothing freed can hide what grows.
    let (first, most) = memory(&path);
    println!("memory: {first} KiB after a tenth of the file, {most} KiB at most");
    let growth = most as f64 / first as f64;
    verdicts.tell("memory", "flat", growth, growth <= FLAT);

    let content = Content::of(&path, NAME.len());
    let size_bytes = peers::inflate(&content, |_| {});
    println!("{TRADES} trades, {size_bytes} bytes of CSV; trades a second; {ROUNDS} rounds");
    let bars = ours(&path, &EIGHT, |_| {});
    assert_eq!(bars, floor(&content, &EIGHT), "as many bars as the floor");
    assert_eq!(
        bars,
        peers::from_parts(&path, &EIGHT),
        "as many as the peer"
    );
    println!("{EIGHT:?} dbps: {bars} bars, as many on all sides");

    let cpu = process_cpu_time;
    let eight = || ours(&path, &EIGHT, |_| {});
    let cost: Spread = race(
        "CPU against the floor",
        ("floor", timed(cpu, || floor(&content, &EIGHT))),
        ("streamkit", timed(cpu, eight)),
        TRADES,
        ROUNDS,
    );
    verdicts.tell(
        "CPU",
        "at most 1.2 times the floor",
        cost.median,
        cost.median <= 1.2,
    );
    let speed = race(
        "CPU against zip, csv, core",
        ("streamkit", timed(cpu, eight)),
        ("parts", timed(cpu, || peers::from_parts(&path, &EIGHT))),
        TRADES,
        5,
    );
    verdicts.tell(
        "CPU",
        "at least 2 times as fast as parts",
        speed.median,
        speed.median >= 2.0,
    );
    let growth = race(
        "CPU of 1 and 8 thresholds",
        ("one", timed(cpu, || ours(&path, &ONE, |_| {}))),
        ("eight", timed(cpu, eight)),
        TRADES,
        ROUNDS,
    );
    verdicts.tell(
        "8 thresholds",
        "at most 1.3 times one",
        growth.median,
        growth.median <= 1.3,
    );
    let wall = race(
        "wall time against inflating",
        (
            "inflate",
            timed(wall_time, || peers::inflate(&content, |_| {})),
        ),
        ("streamkit", timed(wall_time, eight)),
        TRADES,
        ROUNDS,
    );
    verdicts.tell(
        "wall",
        "at most 1.15 times inflating alone",
        wall.median,
        wall.median <= 1.15,
    );
    if verdicts.all_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
