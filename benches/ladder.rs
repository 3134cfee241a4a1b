//! What a trade costs: the ladder against `rangebar-core` streaming, one processor a
//! threshold, on the same seeded tape and with identical bars.
//!
//! `cargo bench --bench ladder`. The reference runs without its inter-bar and intra-bar
//! features, so that both sides compute the same figures. Both start each round afresh,
//! read their trades from memory in their own form, and hand closed bars over in batches.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

#[path = "ladder/convert.rs"]
mod convert;
mod interleave;
#[path = "ladder/same.rs"]
mod same;
#[path = "ladder/tape.rs"]
mod tape;

use std::hint::black_box;

use convert::as_theirs;
use interleave::{compare, rss_kib};
use rangebar_core::{AggTrade, RangeBar, RangeBarProcessor};
use streamkit::domain::{
    anchor::Anchor,
    bar::Bar,
    ladder::{Ladder, Rules},
    threshold::Threshold,
    trade::Trade,
};
use tape::Tape;

const SEED: u64 = 20_250_901;
const TRADES: usize = 1_000_000;
const ROUNDS: usize = 21;
/// Closed bars are handed over in batches of this size, as a collector does.
const BATCH: usize = 1000;

/// The rules of the reference: no anchor, with the gate.
const RULES: Rules = Rules {
    anchor: Anchor::None,
    gate: true,
};

/// The one threshold of the first comparison: 0.25 %.
const ONE: [u32; 1] = [250];
/// 0.1 % to 2 %: what a collector of bars for trading by hand and by machine would keep.
const EIGHT: [u32; 8] = [100, 250, 500, 750, 1000, 1250, 1500, 2000];

/// So tight that bars close all the time: what the ladder is worst at. No target.
const TIGHT: [u32; 8] = [10, 15, 20, 25, 30, 40, 50, 75];

/// The eight and 24 more between them.
fn thirty_two() -> Vec<u32> {
    let between = (1..=24).map(|step| 100 + step * 76);
    let mut all: Vec<u32> = EIGHT.into_iter().chain(between).collect();
    all.sort_unstable();
    all
}

fn ladder(thresholds: &[u32]) -> Ladder {
    let mut ladder = Ladder::new(RULES);
    for &dbps in thresholds {
        let threshold = Threshold::new(dbps).expect("a valid threshold");
        ladder.start(threshold, 1);
    }
    ladder
}

fn processors(thresholds: &[u32]) -> Vec<RangeBarProcessor> {
    thresholds
        .iter()
        .map(|&dbps| RangeBarProcessor::new(dbps).expect("a valid threshold"))
        .collect()
}

fn run_ours(thresholds: &[u32], tape: &[Trade]) -> usize {
    let mut ladder = ladder(thresholds);
    let mut closed: Vec<Bar> = Vec::with_capacity(BATCH + thresholds.len());
    let mut bars = 0;
    for trade in tape {
        ladder.push(trade, &mut closed).expect("in order");
        if closed.len() >= BATCH {
            bars += black_box(&closed).len();
            closed.clear();
        }
    }
    bars + black_box(&closed).len()
}

fn run_theirs(thresholds: &[u32], tape: &[AggTrade]) -> usize {
    let mut processors = processors(thresholds);
    let mut closed: Vec<RangeBar> = Vec::with_capacity(BATCH + thresholds.len());
    let mut bars = 0;
    for trade in tape {
        for processor in &mut processors {
            closed.extend(processor.process_single_trade(trade).expect("in order"));
        }
        if closed.len() >= BATCH {
            bars += black_box(&closed).len();
            closed.clear();
        }
    }
    bars + black_box(&closed).len()
}

/// Panics unless both sides make the same bars; returns how many there are.
fn assert_identical(thresholds: &[u32], ours: &[Trade], theirs: &[AggTrade]) -> usize {
    let mut ladder = ladder(thresholds);
    let mut closed = Vec::new();
    for trade in ours {
        ladder.push(trade, &mut closed).expect("in order");
    }
    let forming = ladder.forming();
    for &dbps in thresholds {
        let of_threshold = |bar: &&Bar| bar.threshold.dbps() == dbps;
        let mut bars = closed.iter().filter(of_threshold);
        let mut processor = RangeBarProcessor::new(dbps).expect("a valid threshold");
        for trade in theirs {
            if let Some(bar) = processor.process_single_trade(trade).expect("in order") {
                same::assert_same(bars.next().expect("as many bars"), &bar);
            }
        }
        assert!(
            bars.next().is_none(),
            "more bars than the reference at {dbps}"
        );
        let open = forming.iter().find(of_threshold);
        let their_open = processor.get_incomplete_bar();
        assert_eq!(
            open.is_some(),
            their_open.is_some(),
            "an open bar at {dbps}"
        );
        if let (Some(open), Some(their_open)) = (open, their_open) {
            same::assert_same_figures(open, &their_open);
        }
    }
    closed.len()
}

/// Feeds ten million trades that are made on the way, and prints what the process holds.
fn show_memory(thresholds: &[u32]) {
    let mut ladder = ladder(thresholds);
    let mut closed = Vec::with_capacity(BATCH + thresholds.len());
    let mut tape = Tape::new(SEED);
    let mut bars = 0;
    print!(
        "memory, {} thresholds, VmRSS in KiB after millions of trades:",
        thresholds.len()
    );
    for million in 0..=10 {
        if million > 0 {
            for trade in tape.by_ref().take(1_000_000) {
                ladder.push(&trade, &mut closed).expect("in order");
                if closed.len() >= BATCH {
                    bars += closed.len();
                    closed.clear();
                }
            }
        }
        print!("  {million}: {}", rss_kib());
    }
    println!("  ({} bars)", bars + closed.len());
}

fn verdict(what: &str, figure: f64, is_met: bool, target: &str) {
    let word = if is_met { "met" } else { "MISSED" };
    println!("  target {what} {target}: {word} with a median of {figure:.2}");
}

fn main() {
    // Before anything else is allocated, so that nothing freed can hide what grows.
    show_memory(&EIGHT);
    show_memory(&thirty_two());
    let ours: Vec<Trade> = Tape::new(SEED).take(TRADES).collect();
    let theirs: Vec<AggTrade> = ours.iter().map(as_theirs).collect();
    let thirty_two = thirty_two();
    println!(
        "{TRADES} trades, seed {SEED}; ns of CPU a trade; ratio min / median / max of {ROUNDS}"
    );
    let against_theirs = |name: &str, thresholds: &[u32]| {
        let bars = assert_identical(thresholds, &ours, &theirs);
        println!("{thresholds:?} dbps: {bars} bars, identical");
        compare(
            name,
            ("rangebar-core", || run_theirs(thresholds, &theirs)),
            ("ladder", || run_ours(thresholds, &ours)),
            TRADES,
            ROUNDS,
        )
        .ratio
        .median
    };
    let one = against_theirs("1 threshold", &ONE);
    let eight = against_theirs("8 thresholds", &EIGHT);
    against_theirs("32 thresholds", &thirty_two);
    against_theirs("8 tight thresholds", &TIGHT);
    let growth = compare(
        "32 against 8 thresholds",
        ("32", || run_ours(&thirty_two, &ours)),
        ("8", || run_ours(&EIGHT, &ours)),
        TRADES,
        ROUNDS,
    )
    .ratio
    .median;
    verdict("1 threshold", one, one >= 5.0, "at least 5 times as fast");
    verdict(
        "8 thresholds",
        eight,
        eight >= 25.0,
        "at least 25 times as fast",
    );
    verdict(
        "32 against 8",
        growth,
        growth <= 1.3,
        "at most 1.3 times the cost",
    );
}
