//! What becomes of the output.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use super::{case, streamkit};

/// A tape whose CSV is larger than every pipe's buffer.
fn long_tape(directory: &std::path::Path) -> std::path::PathBuf {
    let lines = (1..=4000_i64).map(|id| {
        let price = if id % 2 == 0 { "60000.00" } else { "61000.00" };
        let time_us = 1_735_689_600_000_000 + id;
        format!("{id},{price},0.5,{id},{id},{time_us},True\n")
    });
    let text: String = lines.collect();
    let path = directory.join("LONG.csv");
    std::fs::write(&path, text).expect("a file");
    path
}

#[test]
fn a_reader_that_stops_reading_ends_the_program_quietly() {
    let home = tempfile::tempdir().expect("a directory");
    let mut child = streamkit(home.path())
        .args(["bars", "-t", "250", "-o", "csv", "--from-tape"])
        .arg(long_tape(home.path()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut lines = BufReader::new(child.stdout.take().expect("its output"));
    let mut first = String::new();
    lines.read_line(&mut first).expect("a line");
    assert!(first.starts_with("exchange,symbol,"), "{first}");
    drop(lines);
    let status = child.wait().expect("its end");
    let mut told = String::new();
    child
        .stderr
        .take()
        .expect("its messages")
        .read_to_string(&mut told)
        .expect("text");
    assert_eq!((status.code(), told.as_str()), (Some(0), ""));
}

#[test]
fn a_bad_line_leaves_no_half_of_an_answer() {
    let home = tempfile::tempdir().expect("a directory");
    let path = long_tape(home.path());
    let mut text = std::fs::read_to_string(&path).expect("the tape");
    text.push_str("4001,oops,0.5,4001,4001,1735689700000000,True\n");
    std::fs::write(&path, text).expect("a file");
    let output = streamkit(home.path())
        .args(["bars", "-t", "250", "-o", "csv", "--from-tape"])
        .arg(&path)
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("LONG.csv:4001: "), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_fails() {
    let home = tempfile::tempdir().expect("a directory");
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("the full device");
    let output = streamkit(home.path())
        .args(["bars", "-t", "250", "-o", "csv", "--from-tape"])
        .arg(case("bars.in/BTCUSDT-aggTrades-2025-01-01.csv"))
        .stdout(full)
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.starts_with("error: failed to write to standard output: "),
        "{told}"
    );
    assert!(told.contains("hint: make room"), "{told}");
}

#[test]
fn the_log_goes_to_standard_error_and_data_stays_clean() {
    let home = tempfile::tempdir().expect("a directory");
    let output = streamkit(home.path())
        .args([
            "-vvv",
            "--log-format",
            "json",
            "-o",
            "json",
            "config",
            "show",
        ])
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(0));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(shown["log_format"]["value"], "json");
    assert_eq!(shown["log"]["origin"], "flag");
}
