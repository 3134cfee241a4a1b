//! What the whole way of a message holds in memory while ten million trades go through
//! it: the collector of the bench `pipeline`, four symbols with eight thresholds each.
//!
//! `cargo bench --bench memory`. A program of its own, so that it has the allocator that
//! streamkit has.

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

use interleave::rss_kib;
use ours::{Known, Run, Watching};

const SEED: u64 = 20_250_901;
const TRADES: usize = 10_000_000;
/// When to look, in millions of trades.
const LOOK_AT_MILLIONS: [u64; 4] = [1, 2, 5, 10];
/// 0.1 % to 2 %.
const EIGHT: [u32; 8] = [100, 250, 500, 750, 1000, 1250, 1500, 2000];
/// So tight that bars close all the time, and are committed a thousand at once.
const TIGHT: [u32; 8] = [10, 15, 20, 25, 30, 40, 50, 75];

/// So much more at the last look than at the first one still counts as flat: caches of
/// a bounded size fill up, among them the journal's of 2 MiB.
const FLAT: f64 = 1.25;

fn show(name: &str, server: &blast::Server, known: &Known, thresholds: &[u32]) {
    println!("{name}: VmRSS in KiB before the start: {}", rss_kib());
    let mut next = LOOK_AT_MILLIONS.into_iter().peekable();
    let mut looks = Vec::new();
    let run = Run {
        server: server.address,
        known,
        thresholds,
        keeps_bars: false,
        watching: Watching::On,
    };
    let collected = ours::collect(run, |shown| {
        let trades: u64 = shown.symbols.iter().map(|symbol| symbol.trades).sum();
        while let Some(millions) = next.next_if(|millions| trades >= millions * 1_000_000) {
            looks.push(rss_kib());
            println!("  after {millions:>2} million trades: {}", rss_kib());
        }
    });
    println!(
        "  {} bars in {} commits, {:.1} s",
        collected.bar_count,
        collected.summary.shown.totals.commits,
        collected.summary.took.as_secs_f64(),
    );
    let (first, last) = (looks[0], looks[looks.len() - 1]);
    let growth = last as f64 / first as f64;
    let word = if growth <= FLAT { "met" } else { "MISSED" };
    println!("  target flat: {word}, {growth:.2} times the first look");
}

fn main() {
    if let Some((seed, trades)) = blast::asked_to_serve() {
        blast::serve(seed, trades);
        return;
    }
    let server = blast::Server::start(SEED, TRADES);
    let known = Known::of(SEED, TRADES);
    show("8 thresholds", &server, &known, &EIGHT);
    show("8 tight thresholds", &server, &known, &TIGHT);
}
