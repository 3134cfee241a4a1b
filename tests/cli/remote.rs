//! What `status` says of collectors that it cannot ask.

use std::{process::Stdio, time::Duration};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    common::{
        PATIENCE,
        process::{Process, text},
    },
    home::{Home, at, exchange},
};

/// Asks until the exit code is `code`; returns what was printed then.
fn until(home: &Home, line: &str, code: i32) -> String {
    let mut last = None;
    for _ in 0..PATIENCE.as_millis() / 100 {
        let output = home.run(line);
        if output.status.code() == Some(code) {
            return text(&output.stdout);
        }
        last = Some(output);
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("{line} does not end with {code}: {last:?}");
}

/// The only collector in what the store tells.
fn stored(home: &Home) -> Value {
    let output = home.run("status --remote --exchange probe -o json");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let status: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(
        (&status["version"], &status["source"]),
        (&1.into(), &"store".into())
    );
    assert_eq!(
        status["collectors"].as_array().map(Vec::len),
        Some(1),
        "{status}"
    );
    status["collectors"][0].clone()
}

#[test]
fn a_collector_is_seen_through_the_store_while_it_lives_and_when_it_is_gone() {
    let (home, sim) = (Home::new(), exchange());
    let line = format!(
        "collect BTCUSDT ETHUSDT {} --health-interval 1s --collector nas",
        at(&sim)
    );
    let mut child = home.command(&line);
    let child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut collector = Process(child.expect("it starts"));
    let check = "status --remote --check --collector nas";
    assert_eq!(until(&home, check, 0), "healthy\n");
    home.assert_refused(
        "status --remote --collector vps",
        69,
        &["no collector 'vps' has written", "streamkit.db"],
    );

    let first = stored(&home);
    let ids = |collector: &Value| -> Vec<i64> {
        let symbols = collector["symbols"].as_array().expect("symbols");
        let id = |symbol: &Value| symbol["last_agg_trade_id"].as_i64().expect("an id");
        symbols.iter().map(id).collect()
    };
    let is_past = |later: &Value| {
        let (later, first) = (ids(later), ids(&first));
        later.len() == 2 && later.iter().zip(&first).all(|(later, first)| later > first)
    };
    let mut later = stored(&home);
    for _ in 0..PATIENCE.as_millis() / 100 {
        if is_past(&later) {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(100));
        later = stored(&home);
    }
    assert!(is_past(&later), "{first} and then {later}");
    assert_eq!(later["collector"], "nas");
    assert_eq!(later["symbols"][0]["heartbeat_interval_s"], 1.0);

    // The one on this machine is asked itself.
    let local = text(&home.run("status --exchange probe").stdout);
    assert!(local.starts_with("nas  "), "{local}");
    assert!(local.contains("  pid "), "{local}");

    collector.signal(Signal::KILL);
    collector.wait();
    let told = text(&home.run("status --exchange probe").stdout);
    let lines: Vec<_> = told.lines().collect();
    assert!(
        lines[0].starts_with("as collectors last wrote into the store"),
        "{told}"
    );
    assert!(told.contains("ETHUSDT"), "{told}");
    // A check of this machine is not satisfied with that.
    let checked = home.run("status --check --exchange probe");
    assert_eq!(checked.status.code(), Some(69), "{}", text(&checked.stdout));
    let checked = until(&home, check, 1);
    assert!(
        checked.starts_with("not healthy: nas: no heartbeat for "),
        "{checked}"
    );
    assert!(checked.ends_with("(BTCUSDT, ETHUSDT)\n"), "{checked}");
    let age = |collector: &Value| collector["symbols"][0]["heartbeat_age_s"].as_f64();
    let before = age(&stored(&home));
    assert!(before > Some(3.0) && age(&stored(&home)) > before);
}

#[test]
fn asking_the_store_makes_none_and_says_when_nobody_has_written() {
    let home = Home::new();
    home.assert_refused(
        "status --remote",
        69,
        &["no collector has written to stream_health in sqlite:"],
    );
    home.assert_refused("status", 69, &["find a collector at"]);
    home.assert_untouched();
    home.assert_refused("status --collector nas", 64, &["--remote"]);
    // Tables alone are not a collector.
    assert_eq!(home.run("schema apply").status.code(), Some(0));
    home.assert_refused("status --remote --check", 69, &["no collector has written"]);
    home.assert_refused("status", 69, &["find a collector at"]);
}

#[test]
fn a_collector_that_was_stopped_says_so() {
    let (home, sim) = (Home::new(), exchange());
    home.collect(&format!("BTCUSDT {} --for 1s --collector nas", at(&sim)));
    let told = home.run("status --remote --check");
    assert_eq!(told.status.code(), Some(1));
    assert_eq!(text(&told.stdout), "not healthy: nas: ended (BTCUSDT)\n");
    let shown = text(&home.run("status --remote").stdout);
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}
