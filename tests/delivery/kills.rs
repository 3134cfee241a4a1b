//! The collector is killed at random moments of delivery, while answers are lost.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use streamkit::domain::crash::CrashPoint;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    common::{
        clickhouse::{clickhouse_address, clickhouse_url, fresh_database},
        process::{Process, Sim, run, streamkit, text},
        proxy::{Mode, Proxy},
        soak,
    },
    scene::{DUPLICATES, DUPLICATES_FINAL},
};

const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
const THRESHOLDS: &str = "10,50,250";
/// `SIGKILL`.
const KILLED: i32 = 9;
/// Trades of each symbol in a second.
const RATE: u64 = 1000;

/// A collector and an exchange in processes of their own, and a proxy before the store.
pub struct Killing {
    sim: Sim,
    length: u64,
    directory: TempDir,
    pub proxy: Proxy,
    store: String,
    direct: clickhouse::Client,
}

impl Killing {
    pub fn new(test: &str, length: u64) -> Option<Self> {
        let url = clickhouse_url()?;
        let database = fresh_database(test);
        let direct = clickhouse::Client::default()
            .with_url(&url)
            .with_database(&database);
        let proxy = Proxy::start(&url);
        let store = clickhouse_address(&proxy.url(), "default", &database).to_string();
        let rate = RATE.to_string();
        let tape = ["--seed", "31", "--trades-per-day", "5000", "--rate", &rate];
        let (symbols, count) = (SYMBOLS.join(","), length.to_string());
        let serve = [
            "--symbols",
            &symbols,
            "--history",
            "1000",
            "--length",
            &count,
        ];
        let killing = Self {
            sim: Sim::start(&tape, &serve),
            length,
            directory: tempfile::tempdir().expect("a directory"),
            proxy,
            store,
            direct,
        };
        // A series that was never begun would begin with a later day.
        for round in 0.. {
            let summary = killing.collect_for("1s");
            let mut symbols = summary["symbols"].as_array().expect("symbols").iter();
            if symbols.all(|symbol| symbol["trades"].as_u64() > Some(0)) {
                break;
            }
            assert!(round < 10, "collecting does not begin: {summary}");
        }
        Some(killing)
    }

    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = streamkit();
        command
            .arg(subcommand)
            .args(["--store", &self.store])
            .arg("--state-dir")
            .arg(self.directory.path().join("state"));
        command
    }

    /// With short pauses and small batches, so that it is always delivering.
    fn collect(&self) -> Command {
        let mut command = self.command("collect");
        command
            .args(SYMBOLS)
            .args(["-t", THRESHOLDS])
            .args(["--ws-url", &self.sim.ws, "--rest-url", &self.sim.rest])
            .args(["--commit-interval", "20ms", "--batch-age", "40ms"])
            .args(["--batch-rows", "100"])
            .args(["--retry-min", "10ms", "--retry-max", "100ms"]);
        command
    }

    pub fn begin(&self, more: &[&str]) -> Process {
        let child = self
            .collect()
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("collect starts");
        Process(child)
    }

    pub fn collect_for(&self, duration: &str) -> serde_json::Value {
        let output = run(self.collect().args(["--for", duration, "-o", "json"]));
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a JSON summary")
    }

    /// Lets a last collector run until it has taken the whole tape, and judges.
    pub async fn finish(&self) {
        self.proxy.set(Mode::Pass);
        for round in 0.. {
            let summary = self.collect_for("2s");
            assert_eq!(summary["spool_rows"], 0, "{summary}");
            let symbols = summary["symbols"].as_array().expect("symbols");
            // On a busy machine the time may be over before anything was taken.
            let is_at_the_end =
                |symbol: &serde_json::Value| symbol["state"] == "live" && symbol["trades"] == 0;
            if symbols.iter().all(is_at_the_end) {
                break;
            }
            // The tape may take all its time although the kills were over early.
            assert!(
                round < 10 + self.length / RATE,
                "the tape of {} trades does not end",
                self.length
            );
        }
        for sql in [DUPLICATES, DUPLICATES_FINAL] {
            let count: i64 = self
                .direct
                .query_raw(&format!("SELECT toInt64(*) FROM ({sql})"))
                .fetch_one()
                .await
                .expect(sql);
            eprintln!("{count} rows are there twice");
            assert!(count == 0 || sql == DUPLICATES, "{count} rows");
        }
        for symbol in SYMBOLS {
            let tape = self.directory.path().join(format!("{symbol}.csv"));
            self.sim.write_tape(symbol, self.length, &tape);
            let stored = run(self.command("bars").args([symbol, "-o", "csv"]));
            assert!(stored.status.success(), "{}", text(&stored.stderr));
            let (expected, stored) = (expected(symbol, &tape), sorted(&stored.stdout));
            assert!(expected.len() > 100, "the tape makes bars");
            assert_eq!(stored.len(), expected.len(), "bars of {symbol}");
            for (stored, expected) in stored.iter().zip(&expected) {
                assert_eq!(stored, expected);
            }
        }
        let database = format!("DROP DATABASE {}", self.direct_database());
        self.direct
            .query_raw(&database)
            .execute()
            .await
            .expect("gone");
    }

    fn direct_database(&self) -> &str {
        self.store.rsplit('/').next().expect("a database")
    }
}

/// The bars that are made straight from the tape.
fn expected(symbol: &str, tape: &Path) -> Vec<String> {
    let bars = run(streamkit()
        .args(["bars", symbol, "-t", THRESHOLDS, "-o", "csv", "--from-tape"])
        .arg(tape));
    assert!(bars.status.success(), "{}", text(&bars.stderr));
    sorted(&bars.stdout)
}

fn sorted(csv: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = text(csv).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// Rounds of killing: 10, or 200 for each time of a soak.
fn rounds() -> u64 {
    match soak() {
        0 => 10,
        times => 200 * times,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_answers_are_lost_change_nothing() {
    let Some(killing) = Killing::new("kills", 3000 + RATE / 2 * rounds()) else {
        return;
    };
    let mut random = StdRng::seed_from_u64(31);
    let mut hits = 0;
    for _ in 0..rounds() {
        let one_in = random.random_range(1..4);
        killing.proxy.set(Mode::DropAnswer { one_in });
        let mut collector = killing.begin(&[]);
        sleep(Duration::from_millis(random.random_range(100..600))).await;
        collector.0.kill().expect("killed");
        let status = collector.wait();
        assert_eq!(status.signal(), Some(KILLED), "it was still running");
        hits += killing.proxy.hits();
    }
    eprintln!("{hits} answers dropped in {} rounds", rounds());
    // On a slow machine many a round ends before anything was sent.
    assert!(hits > 0, "no answer was dropped");
    killing.finish().await;
}

/// Around the confirmation, which is where a row could be lost or stored twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deaths_around_a_lost_confirmation_change_nothing() {
    let Some(killing) = Killing::new("deaths", 8000) else {
        return;
    };
    let points = [
        CrashPoint::BatchSealed,
        CrashPoint::BeforeSend,
        CrashPoint::StoreConfirmed,
        CrashPoint::BatchDeleted,
    ];
    for visit in 1..=1 + 2 * soak().min(10) {
        for point in points {
            killing.proxy.set(Mode::DropAnswer { one_in: 2 });
            let at = format!("{}:{}", point.as_str(), visit + 1);
            let mut collector = killing.begin(&["--crash-at", &at]);
            let status = collector.wait();
            assert_eq!(status.signal(), Some(KILLED), "{at} was not come to");
        }
    }
    killing.finish().await;
}
