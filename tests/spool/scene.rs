//! A store, a journal, and a collector beside which things are done.

use std::{
    fs::File,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use streamkit::{
    domain::{
        crash::CrashPoints,
        row::{GapRow, GapState, Rows},
    },
    journal::{Commit, Journal, Options},
};
use tempfile::TempDir;

use crate::{
    common::{
        PATIENCE,
        process::{Process, Sim, run, streamkit, text},
    },
    place::Place,
};

pub struct Scene {
    pub directory: TempDir,
    pub place: Place,
    /// Where the journal is, if not beside the store.
    pub state: Option<PathBuf>,
}

impl Scene {
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let place = Place::Sqlite(directory.path().join("store.sqlite"));
        Self {
            directory,
            place,
            state: None,
        }
    }

    pub fn clickhouse(name: &str) -> Option<Self> {
        Some(Self {
            directory: tempfile::tempdir().expect("a directory"),
            place: Place::clickhouse(name)?,
            state: None,
        })
    }

    pub fn state_dir(&self) -> PathBuf {
        let beside = || self.directory.path().join("state");
        self.state.clone().unwrap_or_else(beside)
    }

    /// Where a collector logs.
    pub fn log(&self) -> PathBuf {
        self.directory.path().join("collect.log")
    }

    pub fn logs(&self, what: &str) -> usize {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.matches(what).count()
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = streamkit();
        command
            .args(words)
            .args(["--store", &self.place.address()])
            .arg("--state-dir")
            .arg(self.state_dir());
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        run(&mut self.command(words))
    }

    /// Runs a command that must end with `code`; returns its output as JSON.
    pub fn json(&self, words: &[&str], code: i32) -> Value {
        let output = self.run(&[words, &["-o", "json"]].concat());
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{words:?}: {out}{err}");
        serde_json::from_str(&out).unwrap_or(Value::Null)
    }

    pub fn journal(&self) -> Journal {
        let options = Options {
            store: Some(self.place.bound()),
            accept_store: false,
            batch_rows: 10_000,
            batch_age_us: 1_000_000,
            most_rows: 100_000,
            max_pages: None,
            crash: CrashPoints::default(),
        };
        Journal::open(&self.state_dir(), options).expect("a journal")
    }

    /// Puts `count` rows of `gaps` into the spool, as one batch.
    pub fn spool_gaps(&self, count: i64) {
        let applied = self.run(&["schema", "apply"]);
        assert!(applied.status.success(), "{}", text(&applied.stderr));
        self.journal().commit(gaps(count)).expect("committed");
    }
}

/// A commit of so many rows of `gaps`.
pub fn gaps(count: i64) -> Commit {
    let gap = |first_id| GapRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        first_id,
        last_id: first_id,
        found_at_us: 1_700_000_000_000_000,
        cause: "a test".to_owned(),
        state: GapState::Open,
        proof: String::new(),
        version: 0,
    };
    Commit {
        rows: vec![Rows::Gaps((0..count).map(gap).collect())],
        now_us: 1_700_000_000_000_000,
        ..Commit::default()
    }
}

pub fn batches(list: &Value) -> &Vec<Value> {
    list["batches"].as_array().expect("batches")
}

#[allow(
    clippy::disallowed_methods,
    reason = "what another process does can only be looked for"
)]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited for {what} in vain");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A collector beside which things are done; its breaker stays open for long.
pub struct Collecting {
    pub sim: Sim,
    pub process: Process,
}

const TAPE: [&str; 6] = [
    "--seed",
    "21",
    "--trades-per-day",
    "1000000",
    "--rate",
    "1000",
];

impl Collecting {
    pub fn start(scene: &Scene) -> Self {
        Self::with(scene, &["--breaker-open", "1h"])
    }

    pub fn with(scene: &Scene, more: &[&str]) -> Self {
        let sim = Sim::start(&TAPE, &["--symbols", "BTCUSDT", "--history", "3000"]);
        let process = Self::process(scene, &sim, more);
        Self { sim, process }
    }

    pub fn process(scene: &Scene, sim: &Sim, more: &[&str]) -> Process {
        let child = scene
            .command(&["collect", "BTCUSDT", "-t", "10,250"])
            .args(["--ws-url", &sim.ws, "--rest-url", &sim.rest])
            .args(["--commit-interval", "20ms", "--batch-age", "100ms"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(scene.log()).expect("a file"))
            .spawn()
            .expect("collect starts");
        Process(child)
    }

    /// Stops it; the store then holds exactly the bars of the tape.
    pub fn judge(mut self, scene: &Scene) {
        self.process.terminate();
        let log = || std::fs::read_to_string(scene.log()).unwrap_or_default();
        assert!(self.process.wait().success(), "{}", log());
        // A row that was refused in the moment before the table was mended is a dead letter.
        scene.json(&["spool", "flush", "--dead"], 0);
        let verified = scene.run(&["verify", "BTCUSDT"]);
        assert!(verified.status.success(), "{}", text(&verified.stdout));
        let tape = scene.directory.path().join("BTCUSDT.csv");
        self.sim.write_tape("BTCUSDT", 60_000, &tape);
        let bars = ["bars", "BTCUSDT", "-t", "10", "-o", "csv"];
        let expected = run(streamkit().args(bars).arg("--from-tape").arg(&tape));
        let stored = scene.run(&bars);
        let (expected, stored) = (text(&expected.stdout), text(&stored.stdout));
        assert!(stored.lines().count() > 10, "{stored}");
        let differs = expected
            .lines()
            .zip(stored.lines())
            .find(|(wanted, found)| wanted != found);
        assert_eq!(differs, None, "the tape makes other bars: {}", log());
    }
}
