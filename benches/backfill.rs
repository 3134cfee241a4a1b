//! What a real backfill holds in memory, against the size of the day that it reads.
//!
//! `cargo bench --bench backfill`; the exit code is 1 when a target is missed. The program
//! itself reads a day of a simulated exchange's archive, and one that is four times as large,
//! into a SQLite store. What grows with the bars of a period is told for each bar: they are
//! held until all trades of the period have come.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use jiff::civil::date;
use streamkit::exchange::sim::{Config, Rate, Server};

const SEED: u64 = 5;
const DAY: &str = "2025-01-05";
/// The trades of the smaller day.
const TRADES: u64 = 1_000_000;
const TIMES: u64 = 4;
/// So much more for a day that is four times as large still counts as flat, where the bars are
/// few.
const FLAT: f64 = 1.25;
/// A bar may take so many bytes.
const BAR_MOST_BYTES: f64 = 1200.0;
/// How long a backfill may take.
const DEADLINE: Duration = Duration::from_secs(600);

/// What came of a backfill.
struct Peak {
    /// The most that the process has held.
    rss_kib: u64,
    bars: u64,
}

fn peak(trades: u64, thresholds: &str) -> Peak {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = Config {
        seed: SEED,
        symbols: vec!["BTCUSDT".to_owned()],
        history: Some(trades + trades / 10),
        rate: Rate::PerSecond(0.001),
        trades_per_day: Some(trades),
        day: Some(date(2025, 1, 5)),
        weight_limit: 10_000_000,
        ..Config::default()
    };
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = runtime.block_on(Server::start(config, address));
    let server = server.expect("a sim");
    let directory = tempfile::tempdir().expect("a directory");
    let database = directory.path().join("bars.db");
    let child = Command::new(env!("CARGO_BIN_EXE_streamkit"))
        .args(["backfill", "BTCUSDT", "-t", thresholds, "--from", DAY])
        .args(["--to", "2025-01-06", "--source", "archive", "-q"])
        .args(["--weight-limit", "1000000", "--exchange", "sim"])
        .args(["--store", &format!("sqlite:{}", database.display())])
        .args(["--rest-url", &server.rest_url()])
        .args(["--archive-url", &server.archive_url()])
        .env("HOME", directory.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("a backfill");
    let rss_kib = watch(child);
    Peak {
        rss_kib,
        bars: count(&database),
    }
}

/// Waits for the process; returns the most that it has held in KiB.
fn watch(mut child: Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let (ended, end) = mpsc::sync_channel(1);
    let waiting = thread::Builder::new().spawn(move || {
        let status = child.wait().expect("an exit code");
        let _ = ended.send(status);
    });
    let mut most_kib = 0;
    let mut left = DEADLINE;
    let pause = Duration::from_millis(10);
    loop {
        most_kib = most_kib.max(peak_kib(&status));
        match end.recv_timeout(pause) {
            Ok(code) => {
                assert!(code.success(), "the backfill has failed");
                break;
            }
            Err(_) => left = left.checked_sub(pause).expect("an end in time"),
        }
    }
    waiting.expect("a thread").join().expect("its end");
    most_kib
}

/// The `VmHWM` of a process; 0 when it has ended.
fn peak_kib(status: &str) -> u64 {
    let status = fs::read_to_string(status).unwrap_or_default();
    let mut lines = status.lines();
    lines
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

fn count(database: &Path) -> u64 {
    let database = rusqlite::Connection::open(database).expect("a database");
    let count = database.query_row("SELECT count(*) FROM bars", [], |row| row.get::<_, i64>(0));
    count.expect("a count").unsigned_abs()
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn main() -> ExitCode {
    let mut all_met = true;
    for (name, thresholds, is_tight) in [("few bars", "1000", false), ("many bars", "100", true)] {
        let (one, four) = (peak(TRADES, thresholds), peak(TIMES * TRADES, thresholds));
        let ratio = four.rss_kib as f64 / one.rss_kib as f64;
        let more_bytes = four.rss_kib.saturating_sub(one.rss_kib) as f64 * 1024.0;
        let bar_bytes = more_bytes / four.bars.saturating_sub(one.bars).max(1) as f64;
        println!("{name}, {thresholds} dbps:");
        for (trades, of) in [(TRADES, &one), (TIMES * TRADES, &four)] {
            let (bars, kib) = (of.bars, of.rss_kib);
            println!("  {trades:>8} trades, {bars:>7} bars: at most {kib} KiB");
        }
        let (what, figure, most) = if is_tight {
            ("bytes a bar", bar_bytes, BAR_MOST_BYTES)
        } else {
            ("times as much for 4 times the trades", ratio, FLAT)
        };
        let is_met = figure <= most;
        let word = if is_met { "met" } else { "MISSED" };
        println!("  target at most {most} {what}: {word} with {figure:.2}");
        all_met &= is_met;
    }
    if all_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
