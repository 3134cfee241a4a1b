//! `collect`, as a user runs it: the real program, real signals, real pipes.

#![allow(
    clippy::disallowed_methods,
    reason = "what a process takes is measured on a real clock"
)]

use std::{io::Read as _, process::Stdio, time::Instant};

use rusqlite::{Connection, OpenFlags};

use super::{
    common::process::{Process, text},
    home::{Home, STOP, at, exchange, lines, until},
};

/// So many trades make some bars for sure.
const A_FEW: i64 = 20_000;

/// How many trades a range of ids holds.
fn count((first_id, last_id): (i64, i64)) -> i64 {
    last_id - first_id + 1
}

/// What stands in the summary of one symbol.
fn ids(summary: &serde_json::Value, place: usize) -> (i64, i64) {
    let id = |name: &str| summary["symbols"][place][name].as_i64().expect("an id");
    (id("first_agg_trade_id"), id("last_agg_trade_id"))
}

#[test]
fn the_first_command_of_the_readme_works_and_a_second_run_goes_on_where_it_left_off() {
    let readme = include_str!("../../README.md");
    let first = readme
        .lines()
        .find_map(|line| line.strip_prefix("$ cargo run --release -- collect "))
        .expect("the first command");
    let line = first.replace("--for 30s", "--for 2s");
    assert_eq!(line, "BTCUSDT ETHUSDT --exchange sim --for 2s");
    let home = Home::new();
    // On a very busy machine two seconds may be too short to begin.
    let has_begun = |summary: &serde_json::Value| {
        let symbols = summary["symbols"].as_array().expect("symbols");
        symbols.iter().all(|s| s["trades"].as_u64() > Some(0))
    };
    let summary = (0..10)
        .map(|_| home.collect(&line))
        .find(has_begun)
        .expect("it begins");
    let verify = || {
        // Right after midnight, UTC, there are too few trades to make bars of.
        if [0, 1]
            .iter()
            .all(|&place| count(ids(&summary, place)) > A_FEW)
        {
            home.assert_verified("BTCUSDT ETHUSDT");
        }
    };
    verify();
    let again = home.collect(&line);
    verify();
    for (place, symbol) in ["BTCUSDT", "ETHUSDT"].into_iter().enumerate() {
        let (first_id, last_id) = ids(&summary, place);
        let (next_id, end_id) = ids(&again, place);
        assert_eq!(next_id, last_id + 1, "{symbol} goes on");
        let count = count((first_id, end_id));
        if count <= A_FEW {
            continue;
        }
        let tape = home.run(&format!(
            "probe tape --symbol {symbol} --from-id {first_id} --count {count}"
        ));
        let path = home.path(symbol);
        std::fs::write(&path, tape.stdout).expect("written");
        let stored = home.run(&format!("bars {symbol} -o csv"));
        let built = home.run(&format!(
            "bars {symbol} -o csv --exchange sim -t 250,500,750,1000 --from-tape {}",
            path.display()
        ));
        assert_eq!(text(&stored.stdout), text(&built.stdout), "{symbol}");
        let bars = text(&stored.stdout).lines().count();
        assert!(bars > 20, "{bars} bars of {count} trades");
    }
}

#[test]
fn signals_end_it_in_time_with_everything_committed() {
    let (home, sim) = (Home::new(), exchange());
    let line = format!("collect BTCUSDT ETHUSDT {} -o json", at(&sim));
    let mut last_ids = None;
    for (signal, code) in [
        (rustix::process::Signal::INT, 130),
        (rustix::process::Signal::TERM, 0),
        (rustix::process::Signal::INT, 130),
    ] {
        let mut child = home
            .command(&line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let told = lines(child.stderr.take().expect("a pipe"));
        let mut out = child.stdout.take().expect("a pipe");
        let mut process = Process(child);
        for _ in 0..2 {
            until(&told, "has caught up");
        }
        let begun = Instant::now();
        process.signal(signal);
        assert_eq!(process.wait().code(), Some(code));
        assert!(begun.elapsed() < STOP, "{:?}", begun.elapsed());
        let mut summary = String::new();
        out.read_to_string(&mut summary).expect("text");
        let summary: serde_json::Value = serde_json::from_str(&summary).expect("a summary");
        assert_eq!(summary["spool_rows"], 0, "{summary}");
        let (first, last): (Vec<i64>, Vec<i64>) =
            [0, 1].map(|place| ids(&summary, place)).into_iter().unzip();
        if let Some(last_ids) = last_ids.replace(last) {
            let next: Vec<i64> = last_ids.iter().map(|id: &i64| id + 1).collect();
            assert_eq!(first, next, "it goes on where the last run ended");
        }
        home.assert_verified("BTCUSDT ETHUSDT --exchange probe");
    }
}

#[test]
fn a_pipe_gets_plain_heartbeat_lines() {
    let (home, sim) = (Home::new(), exchange());
    let line = format!(
        "collect BTCUSDT ETHUSDT {} --for 1s --heartbeat 100ms",
        at(&sim)
    );
    let output = home.run(&line);
    let told = text(&output.stderr);
    let beats: Vec<&str> = told.lines().filter(|l| l.contains(" heartbeat ")).collect();
    assert!(beats.len() >= 3, "{told}");
    let last = beats.last().expect("one");
    for word in [
        " INFO heartbeat BTCUSDT ",
        " ETHUSDT ",
        " trades=",
        " bars=",
        " age=",
        "; sink ok, ",
        " breaker=closed ",
        "; spool ",
    ] {
        assert!(last.contains(word), "{word:?} in {last}");
    }
    for line in told.lines() {
        assert!(!line.contains('\u{1b}'), "no colours: {line:?}");
        assert_eq!(line, line.trim_end(), "no space at the end");
    }
    let output = home.run(&format!("{line} --log-format json -q"));
    assert_eq!(text(&output.stderr), "", "quiet");
    let output = home.run(&format!("{line} --log-format json"));
    let beats = text(&output.stderr)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|line| {
            line["message"]
                .as_str()
                .is_some_and(|m| m.starts_with("heartbeat "))
        })
        .count();
    assert!(beats >= 3);
}

#[test]
fn the_json_summary_has_stable_keys() {
    let (home, sim) = (Home::new(), exchange());
    let summary = home.collect(&format!("BTCUSDT {} --for 1s", at(&sim)));
    let keys = |value: &serde_json::Value| {
        let keys = value.as_object().expect("an object").keys();
        keys.cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        keys(&summary),
        "breaker breaker_trips buffered_to_disk dead_rows duration_ms fallbacks \
         flushed_from_buffer insert_errors malformed published reconnects rows_delivered \
         spool_oldest_us spool_rows spool_size_bytes symbols"
    );
    assert_eq!(
        keys(&summary["symbols"][0]),
        "bars disputed duplicates first_agg_trade_id gaps_absent gaps_repaired hold_dropped \
         is_stopped last_agg_trade_id overlapping state symbol trades unconfirmed"
    );
    assert_eq!(
        keys(&summary["symbols"][0]["bars"][0]),
        "bars threshold_decimal_bps"
    );
}

#[test]
fn recorded_trades_are_all_in_the_store_once() {
    let (home, sim) = (Home::new(), exchange());
    let line = format!("BTCUSDT ETHUSDT {} --record-trades --for 2s", at(&sim));
    let summary = home.collect(&line);
    let store = home.path("data/streamkit/streamkit.db");
    let store = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let store = store.expect("the store");
    for (place, symbol) in ["BTCUSDT", "ETHUSDT"].into_iter().enumerate() {
        let (first_id, last_id) = ids(&summary, place);
        assert!(last_id > first_id);
        let sql = "SELECT count(*), count(DISTINCT agg_trade_id), min(agg_trade_id), \
                   max(agg_trade_id) FROM trades WHERE symbol = ?1";
        let found: (i64, i64, i64, i64) = store
            .query_row(sql, [symbol], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .expect("trades");
        let count = count((first_id, last_id));
        assert_eq!(found, (count, count, first_id, last_id), "{symbol}");
    }
}

#[test]
fn a_symbol_that_is_named_twice_is_collected_once() {
    let home = Home::new();
    let summary = home.collect("BTCUSDT btcusdt BTCUSDT --exchange sim --sim-rate 1 --for 500ms");
    let symbols = summary["symbols"].as_array().expect("symbols");
    assert_eq!(symbols.len(), 1, "{summary}");
    assert_eq!(symbols[0]["symbol"], "BTCUSDT");
}
