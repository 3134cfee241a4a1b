//! Several workers on one queue, and one of them killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::common::{
    PATIENCE,
    clickhouse::{ask, clickhouse_url, fresh_database},
    process::{Process, Sim, run, streamkit, text},
};

const SYMBOLS: [&str; 3] = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
const THRESHOLDS: [&str; 2] = ["250", "500"];
const SINCE: &str = "2025-01-05";

struct Scene {
    sim: Sim,
    directory: TempDir,
}

impl Scene {
    fn new() -> Self {
        let symbols = SYMBOLS.join(",");
        Self {
            sim: Sim::start(
                &["--seed", "31", "--day", SINCE, "--trades-per-day", "8000"],
                &[
                    "--symbols",
                    &symbols,
                    "--history",
                    "20000",
                    "--rate",
                    "0.001",
                    "--weight-limit",
                    "10000000",
                ],
            ),
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    fn command(&self, store: &str, words: &[&str]) -> std::process::Command {
        let mut command = streamkit();
        command
            .args(words)
            .args(["--store", store, "--exchange", "sim"])
            .args(["--rest-url", &self.sim.rest])
            .env("HOME", self.directory.path());
        command
    }

    fn ok(&self, store: &str, words: &[&str]) -> String {
        let output = run(&mut self.command(store, words));
        assert!(
            output.status.success(),
            "{words:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    fn status(&self, store: &str) -> Value {
        let status = self.ok(store, &["backfill", "status", "-o", "json"]);
        serde_json::from_str(&status).expect("JSON")
    }

    fn worker(&self, store: &str) -> Worker {
        self.spawn(
            store,
            &[
                "backfill",
                "worker",
                "--poll",
                "500ms",
                "--lease",
                "4s",
                "--parallel",
                "1",
            ],
            "2400",
        )
    }

    /// So slow that it can be stopped in the middle.
    fn spawn(&self, store: &str, words: &[&str], weight_limit: &str) -> Worker {
        let how = [
            "--source",
            "rest",
            "--weight-limit",
            weight_limit,
            "-o",
            "json",
        ];
        let mut child = self
            .command(store, &[words, &how].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a worker");
        let lines = lines_of(&mut child);
        Worker {
            process: Process(child),
            lines,
            seen: Vec::new(),
        }
    }
}

fn lines_of(child: &mut Child) -> mpsc::Receiver<Value> {
    let out = child.stdout.take().expect("an output");
    let (tell, lines) = mpsc::sync_channel(1024);
    let read = move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).expect("JSON");
            if tell.send(line).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().spawn(read).expect("a thread");
    lines
}

/// The ids of the requests that a line is about.
fn ids(line: &Value) -> Vec<String> {
    let one = std::slice::from_ref(&line["request_id"]);
    let several = line["request_ids"].as_array().map_or(one, Vec::as_slice);
    let ids = several.iter().map(|id| id.as_str().expect("an id"));
    ids.map(str::to_owned).collect()
}

struct Worker {
    process: Process,
    lines: mpsc::Receiver<Value>,
    seen: Vec<Value>,
}

impl Worker {
    /// Waits for an event, and returns it.
    fn until(&mut self, event: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).expect("an event in time");
            self.seen.push(line.clone());
            if line["event"] == event {
                return line;
            }
        }
    }

    /// The ids of the requests that such events were about.
    fn ids_of(&mut self, event: &str) -> BTreeSet<String> {
        self.seen.extend(self.lines.try_iter());
        let lines = self.seen.iter().filter(|line| line["event"] == event);
        lines.flat_map(ids).collect()
    }

    /// The ids of the requests that it has completed.
    fn completed(&mut self) -> Vec<String> {
        self.seen.extend(self.lines.try_iter());
        let ended = self
            .seen
            .iter()
            .filter(|line| line["event"] == "request.ended");
        let completed = ended.filter(|line| line["status"] == "completed");
        completed
            .map(|line| line["request_id"].as_str().expect("an id").to_owned())
            .collect()
    }
}

/// Two workers, one of which is killed as soon as it has written a day of its first symbol.
fn each_request_is_completed_once(scene: &Scene, store: &str, other: &str) {
    for store in [store, other] {
        scene.ok(store, &["schema", "apply"]);
    }
    let (mut doomed, mut heir) = (scene.worker(store), scene.worker(store));
    // From then on they share what is asked for.
    let deadline = Instant::now() + PATIENCE;
    while scene.status(store)["workers"].as_array().map(Vec::len) != Some(2) {
        assert!(Instant::now() < deadline, "two workers in time");
    }
    let thresholds = THRESHOLDS.join(",");
    for symbol in SYMBOLS {
        let words = [
            "backfill",
            "request",
            symbol,
            "-t",
            &thresholds,
            "--since",
            SINCE,
        ];
        scene.ok(store, &words);
    }
    let own = ids(&heir.until("request.begun"));
    doomed.until("period_written");
    doomed.process.signal(rustix::process::Signal::KILL);
    doomed.process.wait();
    let deadline = Instant::now() + 2 * PATIENCE;
    let requests = loop {
        let status = scene.status(store);
        let requests = status["requests"].as_array().expect("requests").clone();
        if requests
            .iter()
            .all(|request| request["state"] == "complete")
        {
            break requests;
        }
        assert!(Instant::now() < deadline, "{requests:#?}");
        heir.until("request.ended");
    };
    assert_eq!(requests.len(), SYMBOLS.len() * THRESHOLDS.len());
    heir.process.terminate();
    assert!(heir.process.wait().success());

    let mut completed = doomed.completed();
    completed.extend(heir.completed());
    let distinct: BTreeSet<_> = completed.iter().collect();
    assert_eq!(distinct.len(), requests.len(), "{completed:#?}");
    assert_eq!(completed.len(), requests.len(), "{completed:#?}");
    // What the dead one had was begun a second time, also what it had no time to tell of, and
    // nothing else was.
    let left = heir.ids_of("request.expired");
    let taken = doomed.ids_of("request.begun");
    let completed = doomed.completed();
    assert!(
        taken
            .iter()
            .all(|id| left.contains(id) || completed.contains(id))
    );
    assert!(own.iter().all(|id| !left.contains(id)));
    for request in &requests {
        let id = request["request_id"].as_str().expect("an id").to_owned();
        let is_second = left.contains(&id);
        assert_eq!(
            request["attempt"],
            if is_second { 2 } else { 1 },
            "{request:#}"
        );
        // Two days were empty, and the third is not over; of those that the dead one had begun
        // it has filled some.
        let least = if is_second { 0.0 } else { 170_000.0 };
        let gap_seconds = request["gap_seconds"].as_f64().expect("a number");
        assert!((least..=220_000.0).contains(&gap_seconds), "{request:#}");
    }

    scene.ok(store, &["verify", "BTCUSDT", "ETHUSDT", "SOLUSDT"]);
    let mut words = vec!["backfill"];
    words.extend(SYMBOLS);
    words.extend([
        "-t",
        &thresholds,
        "--since",
        SINCE,
        "--weight-limit",
        "1000000",
    ]);
    scene.ok(other, &words);
    let output = run(streamkit().args(["seals", "diff", store, other]));
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!(counts(scene, store), counts(scene, other));
}

/// The bars of each series as they are read.
fn counts(scene: &Scene, store: &str) -> BTreeMap<(String, u64), usize> {
    let mut counts = BTreeMap::new();
    for symbol in SYMBOLS {
        let lines = scene.ok(store, &["bars", symbol, "-o", "json"]);
        for line in lines.lines() {
            let bar: Value = serde_json::from_str(line).expect("JSON");
            let dbps = bar["threshold_decimal_bps"].as_u64().expect("a threshold");
            *counts.entry((symbol.to_owned(), dbps)).or_default() += 1;
        }
    }
    assert_eq!(counts.len(), SYMBOLS.len() * THRESHOLDS.len());
    counts
}

#[test]
fn of_two_workers_one_is_killed_and_each_request_is_completed_once_in_sqlite() {
    let scene = Scene::new();
    let at = |name: &str| format!("sqlite:{}", scene.directory.path().join(name).display());
    each_request_is_completed_once(&scene, &at("a.db"), &at("b.db"));
}

#[test]
fn of_two_workers_one_is_killed_and_each_request_is_completed_once_in_clickhouse() {
    let Some(url) = clickhouse_url() else { return };
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let names = [fresh_database("workers_a"), fresh_database("workers_b")];
    let [a, b] = [0, 1].map(|index| format!("clickhouse://{host}/{}", names[index]));
    each_request_is_completed_once(&Scene::new(), &a, &b);
    for name in &names {
        ask(host, "default", &format!("DROP DATABASE {name}"));
    }
}

#[test]
fn what_is_asked_for_beside_one_by_hand_that_is_interrupted_is_done_by_a_worker() {
    let scene = Scene::new();
    let store = &format!(
        "sqlite:{}",
        scene.directory.path().join("hand.db").display()
    );
    scene.ok(store, &["schema", "apply"]);
    let (symbol, thresholds) = (SYMBOLS[0], THRESHOLDS[0]);
    let since = ["-t", thresholds, "--since", SINCE];
    let words = [&["backfill", symbol], &since[..]].concat();
    let mut by_hand = scene.spawn(store, &words, "600");
    by_hand.until("period_written");
    scene.ok(
        store,
        &[&["backfill", "request", symbol], &since[..]].concat(),
    );
    let states = || {
        let status = scene.status(store);
        let requests = status["requests"].as_array().expect("requests").clone();
        let state = |request: &Value| request["state"].as_str().expect("a state").to_owned();
        requests.iter().map(state).collect::<Vec<_>>()
    };
    assert_eq!(states(), ["running", "queued"]);
    by_hand.process.signal(rustix::process::Signal::INT);
    assert_eq!(by_hand.process.wait().code(), Some(130));
    assert_eq!(states(), ["queued", "skipped"]);
    scene.ok(store, &["backfill", "status", "--check"]);
    let once = ["backfill", "worker", "--once", "--weight-limit", "1000000"];
    scene.ok(store, &once);
    let mut states = states();
    states.sort();
    assert_eq!(states, ["complete", "skipped"]);
    // What has no end that a row can say is seen there, too.
    let rebuild = ["--from", SINCE, "--to", "2025-01-06", "--rebuild"];
    let words = ["backfill", symbol, "-t", thresholds];
    scene.ok(
        store,
        &[&words, &rebuild[..], &["--weight-limit", "1000000"]].concat(),
    );
    let status = scene.status(store);
    let requests = status["requests"].as_array().expect("requests");
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0]["since_us"], Value::Null);
    assert_eq!(requests[0]["state"], "complete");
}

/// A period that is not whole is not completed in silence, whoever has read it.
#[test]
fn a_request_whose_days_are_not_whole_fails_and_says_so_as_a_run_by_hand_does() {
    let scene = Scene::new();
    let store = format!("sqlite:{}", scene.directory.path().join("c.db").display());
    let by_hand = ["backfill", SYMBOLS[0], "--since", SINCE, "-t", "250"];
    let both = [&by_hand[..5], &["250,500", "--weight-limit", "1000000"]].concat();
    scene.ok(&store, &both);
    // Of a threshold that nobody asks for bars are missing, on both days that are over.
    let path = store.trim_start_matches("sqlite:");
    let database = rusqlite::Connection::open(path).expect("a database");
    let damage = "DELETE FROM bars WHERE threshold_decimal_bps = 500 AND first_agg_trade_id % 8000
                  BETWEEN 1000 AND 3000; UPDATE seals SET is_deleted = 1";
    database.execute_batch(damage).expect("damaged");
    drop(database);
    let words = [
        "backfill", "request", SYMBOLS[0], "-t", "250", "--since", SINCE,
    ];
    scene.ok(&store, &words);
    let words = ["backfill", "worker", "--once", "--cooldown", "0s"];
    scene.ok(&store, &words);
    let words = [&by_hand[..], &["--cooldown", "0s"]].concat();
    let output = run(&mut scene.command(&store, &words));
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("not whole"), "{told}");
    let status = scene.ok(&store, &["backfill", "status", "-o", "json"]);
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let requests = status["requests"].as_array().expect("requests").iter();
    let failed: Vec<_> = requests
        .filter(|request| request["state"] == "failed")
        .map(|request| request["message"].as_str().expect("text"))
        .collect();
    // That of the worker, and that of the run by hand.
    assert_eq!(failed.len(), 2, "{status:#}");
    for error in failed {
        assert!(
            error.contains("seal 2025-01-05 and 1 more period of BTCUSDT")
                && error.contains("500 dbps")
                && error.contains("the bars that were asked for are written"),
            "{error}"
        );
    }
}
