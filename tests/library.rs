//! The examples of the library do what they say.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and says what it saw"
)]

mod common;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::process::{run, streamkit, text};

/// An example, which `cargo test` has built beside the tests.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("this test");
    let directory = test.parent().and_then(Path::parent);
    let path = directory
        .expect("a target directory")
        .join("examples")
        .join(name);
    assert!(
        path.exists(),
        "{} is not there: 'cargo build --examples' makes it",
        path.display()
    );
    Command::new(path)
}

fn ran(command: &mut Command) -> Output {
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

#[test]
fn bars_from_a_csv_are_those_of_the_program() {
    let tape = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes/walk-ms.csv");
    let made = ran(example("bars_from_csv").arg(&tape).arg("10"));
    let ids = |output: &Output, columns: [usize; 2]| -> Vec<(String, String)> {
        let text = text(&output.stdout);
        let lines = text.lines().skip(1).map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let [first, last] = columns.map(|column| fields[column].to_owned());
            (first, last)
        });
        lines.collect()
    };
    let expected = ran(streamkit()
        .args(["bars", "WALK", "-t", "10", "-o", "csv", "--from-tape"])
        .arg(&tape));
    let header = text(&expected.stdout);
    let header: Vec<&str> = header
        .lines()
        .next()
        .expect("a header")
        .split(',')
        .collect();
    let columns = ["first_agg_trade_id", "last_agg_trade_id"].map(|name| {
        let found = header.iter().position(|column| *column == name);
        found.unwrap_or_else(|| panic!("{name} in {header:?}"))
    });
    let made = ids(&made, [0, 1]);
    assert!(made.len() > 5, "{made:?}");
    assert_eq!(made, ids(&expected, columns));
}

#[test]
fn an_exchange_of_ones_own_is_collected_and_verified() {
    let directory = tempfile::tempdir().expect("a directory");
    let place: PathBuf = directory.path().join("with a space");
    let told = ran(example("own_exchange").arg(&place).arg("3"));
    let told = text(&told.stdout);
    assert!(told.contains("MADEUPUSD: "), "{told}");
    let store = format!("sqlite:{}", place.join("store.sqlite").display());
    let bars = ran(streamkit()
        .args([
            "bars",
            "MADEUPUSD",
            "-t",
            "50",
            "-o",
            "csv",
            "--exchange",
            "made-up",
        ])
        .args(["--store", &store]));
    let bars = text(&bars.stdout);
    assert!(bars.lines().count() > 10, "{bars}");
}

#[test]
fn the_adapter_fits_on_two_pages() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own_exchange.rs");
    let source = std::fs::read_to_string(path).expect("the example");
    let begin = source.find("struct MadeUp;").expect("the adapter");
    let end = source.find("#[tokio::main]").expect("its user");
    let lines = source[begin..end].lines().count();
    assert!(lines < 100, "{lines} lines");
}
