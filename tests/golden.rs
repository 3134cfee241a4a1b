//! Bars against files that other programs made of the same trades, bit for bit.
//!
//! Beside each tape `NAME.csv` lie the bars expected at some thresholds:
//! `NAME.bars-T.csv`, and `NAME.bars-T-nogate.csv` with the gate off. The tapes in
//! `tests/tapes` and their bars were written by `examples/write_tapes`, the bars by the
//! plain reference builder. Where more such files are is told in `golden/place.rs`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

#[path = "golden/expected.rs"]
mod expected;
#[path = "golden/place.rs"]
mod place;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use expected::{Expected, lines, reference_lines};
use streamkit::{
    domain::{
        anchor::Anchor,
        bar::Bar,
        ladder::{Ladder, Rules},
        threshold::Threshold,
        trade::Trade,
    },
    exchange::binance::csv,
};

fn beside_the_manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The tapes of a directory, each with the files of bars that belong to it.
fn tapes(directory: &Path) -> BTreeMap<PathBuf, Vec<Expected>> {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    paths.sort();
    let (bars, tapes): (Vec<_>, Vec<_>) = paths
        .into_iter()
        .partition(|path| path.to_string_lossy().contains(".bars-"));
    let mut tapes: BTreeMap<_, _> = tapes.into_iter().map(|tape| (tape, Vec::new())).collect();
    for path in bars {
        let expected = Expected::read(&path);
        let tape = directory.join(format!("{}.csv", expected.tape));
        tapes
            .get_mut(&tape)
            .expect("a tape for each file of bars")
            .push(expected);
    }
    tapes
}

/// Builds all thresholds together: the closed bars and the one that is still forming.
fn build(trades: &[Trade], thresholds: &[Threshold], gate: bool) -> (Vec<Bar>, Vec<Bar>) {
    let anchor = Anchor::None;
    let mut ladder = Ladder::new(Rules { anchor, gate });
    for &threshold in thresholds {
        ladder.start(threshold, trades[0].id);
    }
    let mut closed = Vec::new();
    for trade in trades {
        ladder.push(trade, &mut closed).expect("the next trade");
    }
    (closed, ladder.forming())
}

fn assert_same(name: &str, built: &[String], expected: &Expected) {
    for (built, wanted) in built.iter().zip(&expected.lines) {
        assert!(
            expected::is_same(built, wanted),
            "{name}:\nbuilt    {built}\nexpected {wanted}"
        );
    }
    assert_eq!(
        built.len(),
        expected.lines.len(),
        "{name}: the number of bars"
    );
}

/// Compares everything in a directory; returns how many files of bars there were.
fn check(directory: &Path) -> usize {
    let mut count = 0;
    for (path, all_expected) in tapes(directory) {
        let tape = csv::read_file(&path).expect("a tape");
        assert_eq!(tape.gaps, [], "{}", path.display());
        for gate in [true, false] {
            let expected: Vec<_> = all_expected
                .iter()
                .filter(|expected| expected.gate == gate)
                .collect();
            let thresholds: Vec<_> = expected.iter().map(|expected| expected.threshold).collect();
            let (closed, forming) = build(&tape.trades, &thresholds, gate);
            for expected in expected {
                let built = lines(expected.threshold, &closed, &forming);
                assert_same(&expected.name, &built, expected);
                count += 1;
            }
        }
    }
    count
}

#[test]
fn the_golden_files_are_reproduced_bit_for_bit() {
    let Some(directory) = place::golden() else {
        return;
    };
    let count = check(&directory);
    assert!(count > 0, "there are no bars in {}", directory.display());
}

#[test]
fn our_own_tapes_give_the_bars_that_the_reference_builds() {
    assert_eq!(check(&beside_the_manifest("tests/tapes")), 13);
}

#[test]
fn the_reference_still_builds_the_bars_that_it_wrote() {
    for (path, all_expected) in tapes(&beside_the_manifest("tests/tapes")) {
        let trades = csv::read_file(&path).expect("a tape").trades;
        for expected in &all_expected {
            let built = reference_lines(&trades, expected.threshold, expected.gate);
            assert_same(&expected.name, &built, expected);
        }
    }
}
