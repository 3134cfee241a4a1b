//! `kill -9` at any moment changes nothing in the result.
//!
//! A collector is killed again and again, at random moments and at every named point of the
//! write path, while the exchange goes on. In the end the store holds exactly the bars that
//! are built straight from the tape.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and says what it saw"
)]

mod common;

use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Stdio,
    sync::mpsc,
    thread,
    time::Duration,
};

use common::{
    PATIENCE,
    clickhouse::{Dropped, clickhouse_url, fresh_database},
    process::{Process, Sim, run, streamkit, text},
    soak,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use streamkit::domain::crash::CrashPoint;
use tempfile::TempDir;

const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
const THRESHOLDS: &str = "10,50,250";
/// Trades of each symbol in a second.
const RATE: u64 = 1500;
/// `SIGKILL`.
const KILLED: i32 = 9;

struct Scene {
    sim: Sim,
    directory: TempDir,
    store: String,
    length: u64,
}

impl Scene {
    /// An exchange that comes to the end of its tape after some seconds. A UTC day of the
    /// tape passes in a few seconds as well.
    fn new(seed: u64, length: u64, store: impl FnOnce(&Path) -> String) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = store(directory.path());
        let (seed, rate) = (seed.to_string(), RATE.to_string());
        let tape = ["--seed", &seed, "--trades-per-day", "7000", "--rate", &rate];
        let (symbols, length_text) = (SYMBOLS.join(","), length.to_string());
        let serve = [
            "--symbols",
            &symbols,
            "--history",
            "3000",
            "--length",
            &length_text,
        ];
        Self {
            sim: Sim::start(&tape, &serve),
            directory,
            store,
            length,
        }
    }

    fn collect(&self, more: &[&str]) -> Process {
        self.collect_telling(more, Stdio::null())
    }

    fn collect_telling(&self, more: &[&str], stderr: Stdio) -> Process {
        let child = self
            .command("collect")
            .args(SYMBOLS)
            .args([
                "-t",
                THRESHOLDS,
                "--ws-url",
                &self.sim.ws,
                "--rest-url",
                &self.sim.rest,
            ])
            .args(["--commit-interval", "20ms"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("collect starts");
        Process(child)
    }

    fn command(&self, subcommand: &str) -> std::process::Command {
        let mut command = streamkit();
        command
            .arg(subcommand)
            .args(["--store", &self.store])
            .arg("--state-dir")
            .arg(self.directory.path().join("state"));
        command
    }

    /// Lets a first collector run until it has committed something of each symbol: a series
    /// that was never begun would begin with a later day.
    fn begin(&self) {
        for _ in 0..10 {
            let summary = self.collect_for("1s");
            let symbols = summary["symbols"].as_array().expect("symbols");
            if symbols
                .iter()
                .all(|symbol| symbol["trades"].as_u64() > Some(0))
            {
                return;
            }
        }
        panic!("collecting does not begin");
    }

    /// Collects for so long, to a graceful end.
    fn collect_for(&self, duration: &str) -> serde_json::Value {
        let output = run(self
            .command("collect")
            .args(SYMBOLS)
            .args([
                "-t",
                THRESHOLDS,
                "--ws-url",
                &self.sim.ws,
                "--rest-url",
                &self.sim.rest,
            ])
            .args(["--for", duration, "-o", "json"]));
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a JSON summary")
    }

    /// Lets a last collector run until it has taken the whole tape.
    fn complete(&self) {
        // The tape may take all its time although the kills were over early.
        for _ in 0..10 + self.length / RATE {
            let summary = self.collect_for("2s");
            assert_eq!(summary["spool_rows"], 0, "{summary}");
            let symbols = summary["symbols"].as_array().expect("symbols");
            if symbols.iter().all(|symbol| symbol["trades"] == 0) {
                return;
            }
        }
        panic!("the tape of {} trades does not end", self.length);
    }

    /// Compares what is stored with what the tape makes.
    fn judge(&self) {
        let verified = run(self.command("verify").args(SYMBOLS));
        assert!(verified.status.success(), "{}", text(&verified.stdout));
        for symbol in SYMBOLS {
            let tape = self.directory.path().join(format!("{symbol}.csv"));
            self.sim.write_tape(symbol, self.length, &tape);
            let expected = run(streamkit()
                .args(["bars", symbol, "-t", THRESHOLDS, "-o", "csv", "--from-tape"])
                .arg(&tape));
            assert!(expected.status.success(), "{}", text(&expected.stderr));
            let stored = run(self.command("bars").args([symbol, "-o", "csv"]));
            assert!(stored.status.success(), "{}", text(&stored.stderr));
            let (expected, stored) = (sorted(&expected.stdout), sorted(&stored.stdout));
            assert!(expected.len() > 100, "the tape makes bars");
            assert_eq!(stored.len(), expected.len(), "bars of {symbol}");
            for (stored, expected) in stored.iter().zip(&expected) {
                assert_eq!(stored, expected);
            }
        }
    }
}

fn sorted(csv: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = text(csv).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[allow(
    clippy::disallowed_methods,
    reason = "the moment has to be one that nothing announces"
)]
fn pause(duration_ms: u64) {
    thread::sleep(Duration::from_millis(duration_ms));
}

/// Kills collectors at random moments; the seed makes the moments repeatable.
fn kill_at_random(scene: &Scene, rounds: u64, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..rounds {
        let mut collector = scene.collect(&[]);
        pause(random.random_range(20..500));
        collector.0.kill().expect("killed");
        assert_eq!(
            collector.wait().signal(),
            Some(KILLED),
            "it was still running"
        );
    }
}

/// Dies once at each named point; each must be come to.
fn kill_at_every_point(scene: &Scene) {
    for point in CrashPoint::ALL {
        // This store takes every row, and none is of a period that is sealed already.
        if CrashPoint::ON_REFUSAL.contains(&point) || CrashPoint::ON_REWRITE.contains(&point) {
            continue;
        }
        let is_stop = point == CrashPoint::StopCommitted;
        let at = if is_stop {
            point.as_str().to_owned()
        } else {
            format!("{}:2", point.as_str())
        };
        let mut collector = if is_stop {
            let mut collector = scene.collect_telling(&["--crash-at", &at], Stdio::piped());
            until_connected(&mut collector);
            collector.terminate();
            collector
        } else {
            scene.collect(&["--crash-at", &at])
        };
        assert_eq!(
            collector.wait().signal(),
            Some(KILLED),
            "{at} was not come to"
        );
    }
}

/// Waits until a collector says that it is connected; what it says then is thrown away.
fn until_connected(collector: &mut Process) {
    let stderr = collector.0.stderr.take().expect("a pipe");
    let (sender, connected) = mpsc::sync_channel(1);
    thread::Builder::new()
        .spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if line.contains("connected: ") {
                    let _ = sender.try_send(());
                }
            }
        })
        .expect("a thread");
    connected.recv_timeout(PATIENCE).expect("it connects");
}

fn rounds() -> u64 {
    match soak() {
        0 => 20,
        times => 200 * times,
    }
}

fn sqlite(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("store.sqlite").display())
}

/// The test server with a database of its own, or none when there is no server.
fn clickhouse(name: &str) -> Option<(String, Dropped)> {
    let url = clickhouse_url()?;
    let database = fresh_database(name);
    let host = url
        .strip_prefix("http://")
        .expect("an http URL")
        .trim_end_matches('/')
        .to_owned();
    let store = format!("clickhouse://{host}/{database}");
    Some((store, Dropped { host, database }))
}

#[test]
fn random_kills_change_nothing_in_sqlite() {
    let scene = Scene::new(11, 3000 + 600 * rounds(), sqlite);
    scene.begin();
    kill_at_random(&scene, rounds(), 11);
    scene.complete();
    scene.judge();
}

#[test]
fn a_kill_at_every_named_point_changes_nothing_in_sqlite() {
    let scene = Scene::new(12, 22_000, sqlite);
    scene.begin();
    kill_at_every_point(&scene);
    scene.complete();
    scene.judge();
}

#[test]
fn random_kills_change_nothing_in_clickhouse() {
    let Some((store, _dropped)) = clickhouse("kills") else {
        return;
    };
    let scene = Scene::new(13, 3000 + 600 * rounds(), |_| store);
    scene.begin();
    kill_at_random(&scene, rounds(), 13);
    scene.complete();
    scene.judge();
}

#[test]
fn a_kill_at_every_named_point_changes_nothing_in_clickhouse() {
    let Some((store, _dropped)) = clickhouse("points") else {
        return;
    };
    let scene = Scene::new(14, 22_000, |_| store);
    scene.begin();
    kill_at_every_point(&scene);
    scene.complete();
    scene.judge();
}
