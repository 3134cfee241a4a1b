//! What it costs to look after a collector: supervision, health, alerts and pages, on
//! against off, while an exchange on loopback sends as fast as it can; and what they hold
//! in memory while a week goes by.
//!
//! `cargo bench --bench overhead`. The collector is that of the bench `pipeline`, in both
//! cases. *Off* means that its tasks run and nobody looks at them. Cost is the CPU time of
//! all threads of this process, whoever asks for the pages included.

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
#[path = "ladder/tape.rs"]
mod tape;
#[path = "overhead/week.rs"]
mod week;

use interleave::Spread;
use ours::{Known, Run, Watching};

const SEED: u64 = 20_250_901;
/// In one round: long enough for several looks.
const TRADES: usize = 5_000_000;
const PAIRS: usize = 21;
/// 0.1 % to 2 %.
const EIGHT: [u32; 8] = [100, 250, 500, 750, 1000, 1250, 1500, 2000];

/// At most so many times the cost of a collector that nobody looks after.
const MOST_TIMES: f64 = 1.03;

fn main() {
    if let Some((seed, trades)) = blast::asked_to_serve() {
        blast::serve(seed, trades);
        return;
    }
    week::look_for_a_week();
    let server = blast::Server::start(SEED, TRADES);
    let known = Known::of(SEED, TRADES);
    let cost = |watching| {
        let run = Run {
            server: server.address,
            known: &known,
            thresholds: &EIGHT,
            keeps_bars: false,
            watching,
        };
        let collected = ours::collect(run, |_| {});
        collected.cpu.as_secs_f64() * 1e9 / TRADES as f64
    };
    let (mut on, mut off) = (Vec::new(), Vec::new());
    // The first pair only warms up.
    for pair in 0..=PAIRS {
        // The other side begins each time, so that neither always finds the caches warm.
        let costs = if pair % 2 == 0 {
            let first = cost(Watching::On);
            (first, cost(Watching::Off))
        } else {
            let first = cost(Watching::Off);
            (cost(Watching::On), first)
        };
        if pair > 0 {
            on.push(costs.0);
            off.push(costs.1);
        }
    }
    let ratio = Spread::of(on.iter().zip(&off).map(|(on, off)| on / off).collect());
    println!("{TRADES} messages a round, {EIGHT:?} dbps; min / median / max of {PAIRS} pairs:");
    for (name, figures) in [("looked after", on), ("not looked after", off)] {
        let Spread { min, median, max } = Spread::of(figures);
        println!("  {name:<18} {min:7.1} / {median:7.1} / {max:7.1} ns of CPU a message");
    }
    println!(
        "  {:<18} {:7.3} / {:7.3} / {:7.3} times",
        "on / off", ratio.min, ratio.median, ratio.max
    );
    let word = if ratio.median <= MOST_TIMES {
        "met"
    } else {
        "MISSED"
    };
    println!("  target at most {MOST_TIMES} times, by the median: {word}");
}
