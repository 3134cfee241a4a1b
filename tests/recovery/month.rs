//! Collecting with bars that are cut by the month, as a user does it.

use std::{path::Path, process::Command};

use common::process::{Sim, run, streamkit, text};

use super::*;

const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
/// The tape begins a day before the end of a month, and runs a day into the next one. The
/// first collector has to begin in the first day; that lasts for some seconds.
const LENGTH: u64 = 12_000;

fn command(subcommand: &str, directory: &Path) -> Command {
    let store = format!("sqlite:{}", directory.join("store.sqlite").display());
    let mut command = streamkit();
    command
        .args([subcommand, "--store", &store])
        .arg("--state-dir")
        .arg(directory.join("state"));
    command
}

fn collect(sim: &Sim, directory: &Path) -> serde_json::Value {
    let output = run(command("collect", directory)
        .args(SYMBOLS)
        .args(["-t", "10,50,250", "--anchor", "month"])
        .args(["--ws-url", &sim.ws, "--rest-url", &sim.rest])
        .args(["--commit-interval", "20ms", "--for", "2s", "-o", "json"]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a JSON summary")
}

fn sorted(csv: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = text(csv).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn bars_that_are_cut_by_the_month_equal_those_of_the_tape() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let (day, length) = ("2025-01-31", LENGTH.to_string());
    let sim = Sim::start(
        &[
            "--seed",
            "5",
            "--trades-per-day",
            "7000",
            "--rate",
            "1500",
            "--day",
            day,
        ],
        &[
            "--symbols",
            "BTCUSDT,ETHUSDT",
            "--history",
            "1000",
            "--length",
            &length,
        ],
    );
    for _ in 0..10 {
        let summary = collect(&sim, directory);
        let mut symbols = summary["symbols"].as_array().expect("symbols").iter();
        if symbols.all(|symbol| symbol["trades"] == 0) {
            break;
        }
    }
    let verified = run(command("verify", directory).args(SYMBOLS));
    assert!(verified.status.success(), "{}", text(&verified.stdout));
    for symbol in SYMBOLS {
        let tape = directory.join(format!("{symbol}.csv"));
        sim.write_tape(symbol, LENGTH, &tape);
        let expected = run(streamkit()
            .args(["bars", symbol, "-t", "10,50,250", "--anchor", "month"])
            .args(["-o", "csv", "--from-tape"])
            .arg(&tape));
        assert!(expected.status.success(), "{}", text(&expected.stderr));
        let stored = run(command("bars", directory).args([symbol, "-o", "csv"]));
        assert!(stored.status.success(), "{}", text(&stored.stderr));
        let (expected, stored) = (sorted(&expected.stdout), sorted(&stored.stdout));
        assert!(expected.len() > 100, "the tape makes bars");
        assert_eq!(stored.len(), expected.len(), "bars of {symbol}");
        for (stored, expected) in stored.iter().zip(&expected) {
            assert_eq!(stored, expected);
        }
        // A bar may have ended with the month by itself, and the header names the column.
        let cuts = stored.iter().filter(|line| line.contains("anchor")).count();
        assert!((2..=4).contains(&cuts), "cut {cuts} times");
    }
}
