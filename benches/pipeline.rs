//! What a message costs on its whole way: from the socket through scanner, sequence and
//! ladder into the journal and out to a store, for four symbols with eight thresholds
//! each, while an exchange on loopback sends as fast as it can.
//!
//! `cargo bench --bench pipeline`. Cost is the CPU time of all threads of this process;
//! the exchange is another one. Three sides take turns on the same frames:
//!
//! - *ours*: `collect` with its default limits, the adapter for the exchange, a journal on
//!   disk, a store that confirms at once, and everything that watches over it. From the connection to the end, with
//!   everything committed and delivered and the journal closed.
//! - *receive only*: a loop over `tokio-tungstenite`, with the library's defaults and with
//!   our settings for its buffers; ours is compared with whichever is faster.
//! - *put together*: the same loop, `serde_json` into a borrowed struct, and
//!   `rangebar-core` with a processor for each symbol and threshold. No sequence check, no
//!   journal.
//!
//! `rangebar-core` makes mimalloc the allocator of every program that links it: that holds
//! for all sides here. What the path holds in memory is therefore measured by the bench
//! `memory`, with the allocator that streamkit has.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

#[path = "pipeline/blast.rs"]
mod blast;
mod interleave;
#[path = "pipeline/market.rs"]
mod market;
#[path = "pipeline/ours.rs"]
mod ours;
#[path = "pipeline/peers.rs"]
mod peers;
#[path = "ladder/same.rs"]
mod same;
#[path = "ladder/tape.rs"]
mod tape;

use std::{net::SocketAddr, time::Duration};

use interleave::Spread;
use market::SYMBOLS;
use ours::{Known, Run, Watching};
use streamkit::{
    domain::row::BarRow,
    exchange::socket::{SocketSettings, websocket_config},
};

const SEED: u64 = 20_250_901;
/// In one round. A blast of so many lasts longer than the interval between two commits.
const TRADES: usize = 1_000_000;
const ROUNDS: usize = 15;
/// 0.1 % to 2 %.
const EIGHT: [u32; 8] = [100, 250, 500, 750, 1000, 1250, 1500, 2000];
/// So tight that bars close all the time, and are committed a thousand at once: what the
/// journal costs shows here. No target.
const TIGHT: [u32; 8] = [10, 15, 20, 25, 30, 40, 50, 75];
const TIGHT_ROUNDS: usize = 5;

/// At most so many times the cost of receiving alone.
const MOST_TIMES_RECEIVING: f64 = 2.3;
/// At least so many times cheaper than what is put together.
const LEAST_TIMES_CHEAPER: f64 = 2.2;

/// The sides, in the order of the figures of a round.
const SIDES: [&str; 4] = [
    "ours",
    "receive only, defaults",
    "receive only, our buffers",
    "put together",
];
const OURS: usize = 0;
const RECEIVE_ONLY: [usize; 2] = [1, 2];
const PUT_TOGETHER: usize = 3;

fn run<'a>(server: SocketAddr, known: &'a Known, thresholds: &'a [u32]) -> Run<'a> {
    Run {
        server,
        known,
        thresholds,
        keeps_bars: false,
        watching: Watching::On,
    }
}

/// The CPU time that a side takes for one round.
fn cost(side: usize, server: SocketAddr, known: &Known, thresholds: &[u32]) -> Duration {
    match side {
        OURS => ours::collect(run(server, known, thresholds), |_| {}).cpu,
        1 => peers::receive_only(server, None, TRADES),
        2 => {
            let config = websocket_config(&SocketSettings::default());
            peers::receive_only(server, Some(config), TRADES)
        }
        _ => peers::receive_and_build(server, thresholds, TRADES).0,
    }
}

/// Panics unless both sides make the same bars.
fn assert_identical(server: SocketAddr, known: &Known, thresholds: &[u32]) {
    let kept = Run {
        keeps_bars: true,
        ..run(server, known, thresholds)
    };
    let ours = ours::collect(kept, |_| {});
    let (_, theirs) = peers::receive_and_build(server, thresholds, TRADES);
    for (index, name) in SYMBOLS.iter().enumerate() {
        for &dbps in thresholds {
            let of_series =
                |row: &&BarRow| row.symbol.as_str() == *name && row.bar.threshold.dbps() == dbps;
            let mut rows = ours.bars.iter().filter(of_series);
            let bars = theirs
                .iter()
                .filter(|(of, at, _)| (*of, *at) == (index, dbps));
            for (_, _, bar) in bars {
                same::assert_same(&rows.next().expect("as many bars").bar, bar);
            }
            assert!(rows.next().is_none(), "more bars than the reference has");
        }
    }
    assert_eq!(ours.bars.len(), theirs.len());
    println!(
        "  {} bars of {} symbols, identical; {} commits before the last",
        theirs.len(),
        SYMBOLS.len(),
        ours.summary.shown.totals.commits,
    );
}

fn show(name: &str, spread: Spread, unit: &str) {
    let Spread { min, median, max } = spread;
    println!("  {name:<40} {min:8.2} / {median:8.2} / {max:8.2} {unit}");
}

/// What a comparison found.
struct Found {
    times_receiving: Spread,
    times_cheaper: Spread,
}

fn compare(server: SocketAddr, known: &Known, thresholds: &[u32], rounds: usize) -> Found {
    println!("{thresholds:?} dbps, {TRADES} messages a round, seed {SEED}");
    assert_identical(server, known, thresholds);
    let mut figures: [Vec<f64>; SIDES.len()] = Default::default();
    // The first round only warms up.
    for round in 0..=rounds {
        // Another side begins each time, so that none always finds the caches warm.
        for turn in 0..SIDES.len() {
            let side = (round + turn) % SIDES.len();
            let cpu = cost(side, server, known, thresholds);
            if round > 0 {
                figures[side].push(cpu.as_secs_f64() * 1e9 / TRADES as f64);
            }
        }
    }
    println!("  min / median / max of {rounds} rounds:");
    for (name, figures) in SIDES.iter().zip(&figures) {
        show(name, Spread::of(figures.clone()), "ns of CPU a message");
    }
    let median = |side: &usize| Spread::of(figures[*side].clone()).median;
    let [first, second] = RECEIVE_ONLY;
    let faster = if median(&first) <= median(&second) {
        first
    } else {
        second
    };
    let ratio = |first: usize, second: usize| {
        let pairs = figures[first].iter().zip(&figures[second]);
        Spread::of(pairs.map(|(first, second)| first / second).collect())
    };
    let found = Found {
        times_receiving: ratio(OURS, faster),
        times_cheaper: ratio(PUT_TOGETHER, OURS),
    };
    let name = format!("ours / {}", SIDES[faster]);
    show(&name, found.times_receiving, "times");
    show("put together / ours", found.times_cheaper, "times");
    found
}

fn verdict(what: &str, is_met: bool) {
    println!("  target {what}: {}", if is_met { "met" } else { "MISSED" });
}

fn main() {
    if let Some((seed, trades)) = blast::asked_to_serve() {
        blast::serve(seed, trades);
        return;
    }
    let server = blast::Server::start(SEED, TRADES);
    let known = Known::of(SEED, TRADES);
    let found = compare(server.address, &known, &EIGHT, ROUNDS);
    verdict(
        &format!("at most {MOST_TIMES_RECEIVING} times receiving only, by the median"),
        found.times_receiving.median <= MOST_TIMES_RECEIVING,
    );
    verdict(
        &format!("at least {LEAST_TIMES_CHEAPER} times cheaper, by the median"),
        found.times_cheaper.median >= LEAST_TIMES_CHEAPER,
    );
    compare(server.address, &known, &TIGHT, TIGHT_ROUNDS);
}
