//! The queue of backfills on the command line, over a store in a file.

use std::{io::BufRead as _, io::BufReader, process::Stdio};

use serde_json::Value;
use streamkit::{
    app::clock::Clock,
    domain::{
        backfill_request::{Change, RequestRow, Status},
        backfill_worker::WorkerRow,
    },
    exchange::sim,
    store::{self, StoreOptions, address::StoreAddress, sink::Store},
};

use super::{common::process::Process, stored::Home, streamkit};

/// A home with an empty store.
fn home() -> Home {
    let home = Home::empty();
    let (code, _, told) = home.run("schema apply");
    assert_eq!(code, Some(0), "{told}");
    home
}

fn now_us() -> i64 {
    Clock::system().wall_us()
}

/// Does something with the store beside the program.
fn with_store<T>(home: &Home, work: impl AsyncFnOnce(&dyn Store) -> T) -> T {
    let address = StoreAddress::Sqlite(home.store());
    let store = store::open(&address, StoreOptions::default()).expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(work(&*store))
}

fn put(home: &Home, row: &RequestRow) {
    let token = format!("{}:{}", row.request_id, row.version);
    let row = row.clone();
    let change = Change { row, token };
    with_store(home, async |store| store.put_request(&change).await).expect("put");
}

fn beat(home: &Home) {
    let row = WorkerRow {
        worker: "nas:4711".to_owned(),
        host: "nas".to_owned(),
        pid: 4711,
        started_at_us: now_us(),
        requests: 0,
        is_ended: false,
        heartbeat_at_us: now_us(),
    };
    with_store(home, async |store| store.put_worker(&row).await).expect("put");
}

fn status(home: &Home, line: &str) -> Value {
    let (code, out, told) = home.run(&format!("backfill status -o json{line}"));
    assert_eq!(code, Some(0), "{told}");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn what_is_asked_for_is_shown_and_not_asked_for_twice() {
    let home = home();
    let line = "backfill request BTCUSDT ethusdt -t 250,500 --exchange sim";
    let (code, out, told) = home.run(line);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("no worker has told of itself"), "{told}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 4, "{out}");
    assert!(
        lines[0].starts_with("BTCUSDT 250 dbps: asked for (request "),
        "{out}"
    );
    assert!(
        lines[3].starts_with("ETHUSDT 500 dbps: asked for (request "),
        "{out}"
    );
    beat(&home);
    let (_, out, told) = home.run("backfill request BTCUSDT -t 500,750 --exchange sim -o json");
    assert_eq!(told, "");
    let asked: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(asked["requests"][0]["is_new"], false);
    assert_eq!(asked["requests"][0]["status"], "pending");
    assert_eq!(asked["requests"][1]["is_new"], true);
    let (code, out, told) = home.run("backfill status");
    assert_eq!((code, told.as_str()), (Some(0), ""));
    assert_eq!(out.lines().count(), 1 + 5 + 1, "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert!(out.contains("1 worker: nas:4711, heartbeat "), "{out}");
    let seen = status(&home, " ETHUSDT");
    assert_eq!(seen["requests"][0]["position"], 3);
    assert_eq!(seen["requests"][0]["since_us"], Value::Null);
    assert_eq!(seen["workers"][0]["is_alive"], true);
    let (code, ..) = home.run("backfill request SOLUSDT --since 7d --exchange sim");
    assert_eq!(code, Some(0));
    let since_us = status(&home, " SOLUSDT")["requests"][0]["since_us"].as_i64();
    let ago_us = now_us() - since_us.expect("a time");
    assert!(
        (604_800_000_000..604_900_000_000).contains(&ago_us),
        "{ago_us}"
    );
}

#[test]
fn symbols_that_nobody_knows_are_refused_and_nothing_is_asked_for() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = sim::Config {
        symbols: vec!["BTCUSDT".to_owned()],
        ..sim::Config::default()
    };
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = runtime
        .block_on(sim::Server::start(config, address))
        .expect("an exchange");
    let home = home();
    let place = format!(
        "--ws-url {} --rest-url {}",
        server.ws_url(),
        server.rest_url()
    );
    let (code, out, told) = home.run(&format!("backfill request BTCUSDT NOPEUSDT {place}"));
    assert_eq!((code, out.as_str()), (Some(64), ""), "{told}");
    assert!(
        told.contains("NOPEUSDT") && told.contains("hint: "),
        "{told}"
    );
    assert_eq!(status(&home, "")["requests"], Value::Array(Vec::new()));
    let (code, _, told) = home.run(&format!("backfill request BTCUSDT {place}"));
    assert_eq!(code, Some(0), "{told}");
    // One that cannot be asked is no reason to refuse.
    let nowhere = "--ws-url ws://127.0.0.1:9 --rest-url http://127.0.0.1:9";
    let (code, _, told) = home.run(&format!("backfill request ETHUSDT {nowhere}"));
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("whether the exchange has ETHUSDT could not be found out"),
        "{told}"
    );
}

#[test]
fn a_check_fails_for_what_waits_in_vain_or_has_failed_of_late() {
    let home = home();
    let (code, ..) = home.run("backfill status --check");
    assert_eq!(code, Some(0));
    let old_us = now_us() - 301_000_000;
    let waiting = RequestRow::new("r1".to_owned(), "BTCUSDT".to_owned(), 0, old_us);
    put(&home, &waiting);
    let (code, out, _) = home.run("backfill status --check");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("no worker for 5m"), "{out}");
    let (code, ..) = home.run("backfill status");
    assert_eq!(code, Some(0));
    beat(&home);
    let (code, out, _) = home.run("backfill status --check");
    assert_eq!(code, Some(0), "{out}");
    let claimed = waiting.claimed("nas:4711", now_us(), 120_000_000).row;
    let failed = claimed.ended(Status::Failed, claimed.progress, "no luck", now_us());
    put(&home, &failed.row);
    let (code, out, _) = home.run("backfill status --check");
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("BTCUSDT, all thresholds: failed: no luck"),
        "{out}"
    );
    let (code, ..) = home.run("backfill status --check ETHUSDT");
    assert_eq!(code, Some(0));
}

#[test]
fn watching_in_a_pipe_tells_changes_and_ends_with_the_last_request() {
    let home = home();
    let asked = RequestRow::new("r1".to_owned(), "BTCUSDT".to_owned(), 250, now_us());
    put(&home, &asked);
    beat(&home);
    let child = streamkit(home.path())
        .args(["backfill", "status", "--watch"])
        .stdout(Stdio::piped())
        .spawn();
    let mut watching = Process(child.expect("it starts"));
    let out = watching.0.stdout.take().expect("its output");
    let mut lines = BufReader::new(out).lines().map(|line| line.expect("UTF-8"));
    let worker = lines.next().expect("a line");
    assert!(
        worker.starts_with("1 worker: nas:4711, heartbeat "),
        "{worker}"
    );
    assert_eq!(lines.next().as_deref(), Some("BTCUSDT 250 dbps: queued 1"));
    let claimed = asked.claimed("nas:4711", now_us(), 120_000_000).row;
    put(&home, &claimed);
    let running = lines.next().expect("a line");
    assert_eq!(running, "BTCUSDT 250 dbps: running, 0 bars, 0 trades");
    let done = claimed.ended(Status::Completed, claimed.progress, "", now_us());
    put(&home, &done.row);
    let rest: Vec<_> = lines.collect();
    assert_eq!(rest, ["BTCUSDT 250 dbps: complete, 0 bars"]);
    assert_eq!(watching.0.wait().expect("an end").code(), Some(0));
}

#[test]
fn without_a_store_there_is_nothing_to_ask_or_to_see() {
    let home = Home::empty();
    for line in ["backfill status", "backfill request BTCUSDT --exchange sim"] {
        let (code, out, told) = home.run(line);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{line}");
        assert!(told.contains("there is no store at sqlite:"), "{told}");
        assert!(told.contains("hint: name the store with --store"), "{told}");
    }
    let home = self::home();
    let (code, out, _) = home.run("backfill status");
    assert_eq!(code, Some(0));
    assert!(out.starts_with("no requests: "), "{out}");
    let (code, _, told) = home.run("backfill request BTCUSDT --since 2999-01-01");
    assert_eq!(code, Some(64), "{told}");
}
