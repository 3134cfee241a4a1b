//! Pipes that nobody reads, and pipes whose reader is gone.

#![allow(
    clippy::disallowed_methods,
    reason = "what a process takes is measured on a real clock"
)]

use std::{
    fs::File,
    io::{PipeReader, Read as _, Write as _},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::{
    common::{PATIENCE, process::Process},
    home::{Home, STOP, at, exchange, lines, until},
};

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
    wait_for_trades(&home.path("data/streamkit/streamkit.db"), 9_000);
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
    let (home, sim) = (Home::new(), exchange());
    let (mut log, end) = full_pipe();
    let mut child = home
        .command(&format!("collect BTCUSDT {} --for 3s -vvv", at(&sim)))
        .stdout(Stdio::null())
        .stderr(end)
        .spawn()
        .map(Process)
        .expect("it starts");
    let begun = Instant::now();
    assert_eq!(child.wait().code(), Some(0));
    assert!(begun.elapsed() < STOP, "{:?}", begun.elapsed());
    home.assert_verified("BTCUSDT --exchange probe");
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
