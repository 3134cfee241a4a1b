//! Uptime, counted from what real collectors have told the store.

use std::process::Stdio;

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    common::{
        PATIENCE,
        process::{Process, text},
    },
    home::{Home, at, exchange, lines, until},
};

#[test]
fn a_collector_that_was_killed_is_counted_as_mended_by_a_start() {
    let (home, sim) = (Home::new(), exchange());
    let line = format!("collect BTCUSDT ETHUSDT {} -v", at(&sim));
    let start = || {
        let mut command = home.command(&line);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut collector = Process(child.expect("it starts"));
        let log = lines(collector.0.stderr.take().expect("a pipe"));
        // Both symbols are up, and what happens from then on is told.
        until(&log, "is up after");
        until(&log, "is up after");
        (collector, log)
    };
    let (mut collector, log) = start();
    // What is in the store by then is what it has told.
    until_told(&home, "symbols", |symbols| {
        symbols.as_array().map_or(0, Vec::len) == 2
    });
    collector.0.kill().expect("killed");
    collector.wait();
    drop(log);
    let (mut collector, _log) = start();
    collector.terminate();
    assert!(collector.wait().success());

    // What was lost is dated between the two starts, and names the second one.
    let store = Connection::open(home.path("data/streamkit/streamkit.db")).expect("the store");
    let row = |code: &str, order: &str| -> (i64, String) {
        let sql = format!("SELECT time, text FROM events WHERE code = ?1 ORDER BY time {order}");
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        store.query_row(&sql, [code], read).expect(code)
    };
    let (first_us, _) = row("collector.started", "ASC");
    let (second_us, _) = row("collector.started", "DESC");
    let (lost_us, lost) = row("collector.lost", "ASC");
    assert!(first_us <= lost_us && lost_us <= second_us, "{lost}");
    let started = lost.split("started again at ").nth(1).expect(&lost);
    let started: jiff::Timestamp = started
        .split(';')
        .next()
        .expect(&lost)
        .parse()
        .expect(&lost);
    assert!(
        (second_us - started.as_microsecond()).abs() < 1_000_000,
        "{lost}"
    );
    assert!(lost.ends_with(": BTCUSDT, ETHUSDT"), "{lost}");

    let output = home.run("status --since 1h -o json");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(told["version"], 1);
    let symbols = told["symbols"].as_array().expect("symbols");
    assert_eq!(symbols.len(), 2, "{told}");
    for symbol in symbols {
        // Killed and started again; the stop at the end lasts.
        assert_eq!(symbol["ended_by_start"], 1, "{told}");
        assert_eq!(symbol["ended_by_itself"], 0, "{told}");
        assert_eq!(symbol["lasting"], 1, "{told}");
        let recovered_s = symbol["recover_worst_s"].as_f64().expect("a number");
        let limit_s = PATIENCE.as_secs_f64();
        assert!(recovered_s > 0.0 && recovered_s < limit_s, "{told}");
        let uptime = symbol["uptime"].as_f64().expect("a number");
        assert!(uptime > 0.0 && uptime < 1.0, "{told}");
    }

    let output = home.run("status --since 1h ETHUSDT");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    assert!(
        table.contains("ETHUSDT") && !table.contains("BTCUSDT"),
        "{table}"
    );
    assert!(table.contains("\nuptime "), "{table}");
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );

    home.assert_refused("status --since 1h XRPUSDT", 1, &["no events of XRPUSDT"]);
}

/// Asks until what the document has under `key` is as it should be.
fn until_told(home: &Home, key: &str, is_so: impl Fn(&Value) -> bool) {
    for _ in 0..PATIENCE.as_millis() / 100 {
        let output = home.run("status --since 1h -o json");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if is_so(&told[key]) {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("{key} is not as it should be");
}

#[test]
fn what_cannot_be_counted_is_refused_and_leaves_nothing_behind() {
    let home = Home::new();
    for line in ["status --since 0s", "status --since 2999-01-01"] {
        home.assert_refused(line, 64, &["--since has to lie in the past"]);
    }
    home.assert_refused("status --since soon", 64, &["a duration such as 2h"]);
    home.assert_refused("status BTCUSDT", 64, &["--since"]);
    home.assert_refused("status --since 1h --check", 64, &["--check"]);
    home.assert_refused("status --since 1h -o csv", 64, &["csv"]);
    home.assert_refused("status --since 30d", 1, &["there is no store at sqlite:"]);
    home.assert_refused(
        "status --since 30d --store clickhouse://127.0.0.1:9/nothing",
        69,
        &["127.0.0.1:9"],
    );
    home.assert_untouched();
    let made = home.run("schema apply");
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    home.assert_refused(
        "status --since 30d",
        1,
        &["there are no events to count from in"],
    );
}
