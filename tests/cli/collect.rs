//! `collect`, as a user runs it: the real program, real signals, real pipes.

#![allow(
    clippy::disallowed_methods,
    reason = "what a process takes is measured on a real clock"
)]

use std::{
    fs::File,
    io::{BufRead as _, BufReader, PipeReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;
use tempfile::TempDir;

use super::{
    common::{
        PATIENCE, clickhouse,
        process::{Process, Sim, run, text},
    },
    streamkit,
};

/// What a graceful stop may take, at the default settings.
pub const STOP: Duration = Duration::from_secs(10);

/// A user's home, empty at first.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program with these words as its arguments.
    pub fn command(&self, line: &str) -> Command {
        let mut command = streamkit(self.0.path());
        command.args(line.split(' ')).stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Output {
        run(&mut self.command(line))
    }

    /// Runs `collect …` to a good end; returns its summary.
    fn collect(&self, line: &str) -> serde_json::Value {
        let output = self.run(&format!("collect {line} -o json"));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a JSON summary")
    }

    pub fn assert_verified(&self, line: &str) {
        let output = self.run(&format!("verify {line}"));
        let told = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(told.ends_with(": no damage\n"), "{told}");
    }

    /// Asserts that `line` ends with `code`, an error that holds all of `words`, and a hint.
    fn assert_refused(&self, line: &str, code: i32, words: &[&str]) {
        let output = self.run(line);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {told}");
        assert_eq!(text(&output.stdout), "", "{line}");
        let error = told.find("error: ").expect(&told);
        for word in words {
            assert!(told[error..].contains(word), "{word:?} in {told}");
        }
        let hint = told.lines().last().unwrap_or_default();
        assert!(hint.starts_with("hint: "), "{told}");
        assert!(!told.contains("panicked"), "{told}");
    }

    /// Asserts that nothing was made here.
    fn assert_untouched(&self) {
        let left: Vec<_> = std::fs::read_dir(self.0.path())
            .expect("readable")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// An exchange of its own process, at which a day passes in some ten seconds.
fn exchange() -> Sim {
    Sim::start(
        &["--seed", "5", "--trades-per-day", "7000", "--rate", "700"],
        &["--symbols", "BTCUSDT,ETHUSDT", "--history", "3000"],
    )
}

/// The options that name it.
fn at(sim: &Sim) -> String {
    format!(
        "--exchange probe --ws-url {} --rest-url {} -t 25,250",
        sim.ws, sim.rest
    )
}

/// What stands in the summary of one symbol.
fn ids(summary: &serde_json::Value, place: usize) -> (i64, i64) {
    let id = |name: &str| summary["symbols"][place][name].as_i64().expect("an id");
    (id("first_agg_trade_id"), id("last_agg_trade_id"))
}

/// The lines that a process writes, as they come.
fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = sync_channel(100_000);
    thread::Builder::new()
        .spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let _ = sender.try_send(line);
            }
        })
        .expect("a thread");
    receiver
}

/// Waits for a line that holds `words`.
fn until(lines: &Receiver<String>, words: &str) -> String {
    let mut seen = Vec::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        if line.contains(words) {
            return line;
        }
        seen.push(line);
    }
    panic!("no line holds {words:?}: {seen:#?}");
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
    home.assert_verified("BTCUSDT ETHUSDT");
    let again = home.collect(&line);
    home.assert_verified("BTCUSDT ETHUSDT");
    for (place, symbol) in ["BTCUSDT", "ETHUSDT"].into_iter().enumerate() {
        let (first_id, last_id) = ids(&summary, place);
        let (next_id, end_id) = ids(&again, place);
        assert_eq!(next_id, last_id + 1, "{symbol} goes on");
        let count = end_id - first_id + 1;
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
        // Right after midnight, UTC, there are few trades to make bars of.
        let bars = text(&stored.stdout).lines().count() - 1;
        assert!(bars > 20 || count < 20_000, "{bars} bars of {count} trades");
    }
}

#[test]
fn a_symbol_that_the_exchange_does_not_know_is_a_usage_error() {
    let (home, sim) = (Home::new(), exchange());
    let line = format!("collect BTCUSDT NOPE {}", at(&sim));
    home.assert_refused(&line, 64, &["NOPE", &sim.rest, "such as BTCUSDT"]);
}

#[test]
fn thresholds_out_of_range_are_usage_errors_and_nothing_is_made() {
    let home = Home::new();
    for threshold in ["0", "100001", "250,-1", "x"] {
        let line = format!("collect BTCUSDT --exchange sim -t={threshold}");
        home.assert_refused(&line, 64, &["whole decimal basis points from 1 to 100000"]);
        home.assert_untouched();
    }
}

#[test]
fn a_store_that_cannot_be_used_is_told_before_anything_is_collected() {
    let home = Home::new();
    let address = "clickhouse://127.0.0.1:1/bars";
    let line = format!("collect BTCUSDT --exchange sim --store {address}");
    home.assert_refused(
        &line,
        69,
        &["127.0.0.1:1/bars", "check that the store runs"],
    );
    std::fs::write(home.path("file"), "").expect("a file");
    let path = home.path("file/bars.db");
    let line = format!(
        "collect BTCUSDT --exchange sim --store sqlite:{}",
        path.display()
    );
    home.assert_refused(&line, 78, &[&path.to_string_lossy(), "--store"]);
}

#[test]
fn a_wrong_password_is_a_matter_of_configuration_and_is_not_told() {
    let Some(url) = clickhouse::clickhouse_url() else {
        return;
    };
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let home = Home::new();
    let line = format!(
        "collect BTCUSDT --exchange sim --store clickhouse://nobody:wr0ng-secret@{host}/test_cli"
    );
    home.assert_refused(&line, 78, &[host, "user, password"]);
    let told = text(&home.run(&line).stderr);
    assert!(!told.contains("wr0ng-secret"), "{told}");
}

#[test]
fn a_state_directory_that_cannot_be_made_is_named() {
    let home = Home::new();
    std::fs::write(home.path("file"), "").expect("a file");
    let below_a_file = home.path("file/state").to_string_lossy().into_owned();
    for directory in [below_a_file.as_str(), "/proc/streamkit"] {
        let line = format!("collect BTCUSDT --exchange sim --state-dir {directory}");
        home.assert_refused(&line, 78, &[directory, "--state-dir"]);
    }
}

#[test]
fn a_file_that_is_no_journal_is_named_and_left_alone() {
    let home = Home::new();
    let directory = home.path("state");
    std::fs::create_dir(&directory).expect("a directory");
    let path = directory.join("journal.sqlite");
    let garbage = "neither a journal nor a database\n".repeat(500);
    std::fs::write(&path, &garbage).expect("a file");
    for command in ["collect BTCUSDT --exchange sim", "spool ls"] {
        let line = format!("{command} --state-dir {}", directory.display());
        let words = [path.to_string_lossy(), "no SQLite database".into()];
        home.assert_refused(&line, 78, &words.each_ref().map(AsRef::as_ref));
    }
    assert_eq!(std::fs::read_to_string(&path).expect("readable"), garbage);
}

#[test]
fn a_second_collector_on_the_same_journal_is_told_who_has_it() {
    let home = Home::new();
    let line = "collect BTCUSDT --exchange sim --sim-rate 1";
    let mut child = home
        .command(line)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let told = lines(child.stderr.take().expect("a pipe"));
    let mut first = Process(child);
    until(&told, "connected: BTCUSDT");
    let pid = format!("process {} is using it", first.0.id());
    home.assert_refused(line, 75, &[&pid, "another --state-dir"]);
    first.terminate();
    assert_eq!(first.wait().code(), Some(0), "the first is not disturbed");
    home.assert_verified("BTCUSDT");
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
        "bars duplicates first_agg_trade_id gaps_absent gaps_repaired hold_dropped is_stopped \
         last_agg_trade_id state symbol trades unconfirmed"
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
        let count = last_id - first_id + 1;
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

#[test]
fn a_log_that_nobody_reads_stalls_nothing_and_says_later_what_was_lost() {
    let (home, sim) = (Home::new(), exchange());
    let (log, end) = std::io::pipe().expect("a pipe");
    let line = format!("collect BTCUSDT ETHUSDT {} --record-trades -vvv", at(&sim));
    let child = home
        .command(&line)
        .stdout(Stdio::null())
        .stderr(end)
        .spawn()
        .expect("it starts");
    let mut process = Process(child);
    // Each trade is a line of the log at least: far more than pipe and queue can hold.
    wait_for_trades(&home.path("data/streamkit/streamkit.db"), 12_000);
    let told = lines(log);
    let lost = until(&told, "lines of this log are lost");
    assert!(lost.contains(" WARN "), "{lost}");
    process.terminate();
    assert_eq!(process.wait().code(), Some(0));
    home.assert_verified("BTCUSDT ETHUSDT --exchange probe");
}

/// Waits until the store holds so many trades.
fn wait_for_trades(store: &Path, count: i64) {
    let begun = Instant::now();
    let stored = || -> rusqlite::Result<i64> {
        let store = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        store.query_row("SELECT count(*) FROM trades", [], |row| row.get(0))
    };
    while stored().unwrap_or(0) < count {
        assert!(begun.elapsed() < PATIENCE, "{:?} trades", stored());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_ends_in_time_although_nobody_reads_its_log() {
    let home = Home::new();
    let (mut log, end) = full_pipe();
    let mut child = home
        .command("collect BTCUSDT --exchange sim --sim-rate 1 --for 2s -vvv")
        .stdout(Stdio::null())
        .stderr(end)
        .spawn()
        .map(Process)
        .expect("it starts");
    let begun = Instant::now();
    assert_eq!(child.wait().code(), Some(0));
    assert!(begun.elapsed() < STOP, "{:?}", begun.elapsed());
    home.assert_verified("BTCUSDT");
    let mut told = Vec::new();
    log.read_to_end(&mut told).expect("readable");
    assert!(
        told.iter().all(|byte| *byte == b'x'),
        "nothing could be written"
    );
}

#[test]
fn it_ends_in_time_although_nobody_reads_its_summary() {
    let home = Home::new();
    let (_out, end) = full_pipe();
    let mut child = home
        .command("collect BTCUSDT --exchange sim --sim-rate 1 --for 500ms")
        .stdout(end)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let told = lines(child.stderr.take().expect("a pipe"));
    let mut child = Process(child);
    let begun = Instant::now();
    assert_eq!(child.wait().code(), Some(1));
    assert!(begun.elapsed() < STOP, "{:?}", begun.elapsed());
    until(
        &told,
        "error: failed to write to standard output: nobody has read it for 3s",
    );
    until(&told, "hint: ");
}

/// A pipe that takes not one byte more.
fn full_pipe() -> (PipeReader, File) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut writer = File::from(std::os::fd::OwnedFd::from(writer));
    let flags = rustix::fs::fcntl_getfl(&writer).expect("flags");
    rustix::fs::fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("set");
    for size in [4096, 1] {
        while writer.write(&vec![b'x'; size]).is_ok() {}
    }
    rustix::fs::fcntl_setfl(&writer, flags).expect("set back");
    (reader, writer)
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    let home = Home::new();
    for line in [
        "collect BTCUSDT --exchange sim --sim-rate 1 --for 500ms",
        "probe tape --symbol BTCUSDT --count 20000",
        "config show",
        "schema print",
        "collect --help",
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child = home
            .command(line)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("it starts");
        let told = lines(child.stderr.take().expect("a pipe"));
        assert_eq!(Process(child).wait().code(), Some(0), "{line}");
        let told: Vec<String> = told.iter().collect();
        let is_bad = |line: &String| line.contains("error: ") || line.contains("panicked");
        assert!(!told.iter().any(is_bad), "{line}: {told:#?}");
    }
}
