//! The ladder makes the bars of `rangebar-core`, which others have used for years, to the
//! last bit: with the gate and without, on seeded tapes, in every field that both have.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../benches/ladder/convert.rs"]
mod convert;
#[path = "../benches/ladder/same.rs"]
mod same;
#[path = "../benches/ladder/tape.rs"]
mod tape;

use convert::as_theirs;
use rangebar_core::{RangeBar, RangeBarProcessor};
use streamkit::domain::{
    anchor::Anchor,
    bar::Bar,
    ladder::{Ladder, Rules},
    threshold::Threshold,
    trade::Trade,
};
use tape::Tape;

const TRADES: usize = 60_000;
const THRESHOLDS: [u32; 8] = [5, 10, 25, 50, 100, 250, 500, 1000];

fn theirs(dbps: u32, gate: bool, tape: &[Trade]) -> Vec<RangeBar> {
    let mut processor = RangeBarProcessor::with_options(dbps, gate).expect("a valid threshold");
    let bars = tape
        .iter()
        .map(|trade| processor.process_single_trade(&as_theirs(trade)));
    bars.filter_map(|bar| bar.expect("in order")).collect()
}

fn ours(gate: bool, tape: &[Trade]) -> Vec<Bar> {
    let rules = Rules {
        anchor: Anchor::None,
        gate,
    };
    let mut ladder = Ladder::new(rules);
    for dbps in THRESHOLDS {
        ladder.start(Threshold::new(dbps).expect("a valid threshold"), 1);
    }
    let mut bars = Vec::new();
    for trade in tape {
        ladder.push(trade, &mut bars).expect("in order");
    }
    bars
}

#[test]
fn the_bars_are_those_of_another_implementation() {
    for seed in 1..=4 {
        let tape: Vec<Trade> = Tape::new(seed).take(TRADES).collect();
        for gate in [true, false] {
            let ours = ours(gate, &tape);
            for dbps in THRESHOLDS {
                let theirs = theirs(dbps, gate, &tape);
                let of_threshold = ours.iter().filter(|bar| bar.threshold.dbps() == dbps);
                let ours: Vec<_> = of_threshold.collect();
                assert_eq!(
                    ours.len(),
                    theirs.len(),
                    "seed {seed}, {dbps} dbps, gate {gate}"
                );
                for (ours, theirs) in ours.into_iter().zip(&theirs) {
                    same::assert_same(ours, theirs);
                }
            }
        }
    }
}
