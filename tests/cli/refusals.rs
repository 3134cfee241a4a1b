//! What `collect` refuses: with an exit code, an error that names what is wrong, and a hint.

use std::process::Stdio;

use super::{
    common::{
        clickhouse,
        process::{Process, text},
    },
    home::{Home, at, exchange, lines, until},
};

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
fn a_sim_that_is_half_elsewhere_is_a_usage_error_and_nothing_is_made() {
    let home = Home::new();
    for half in ["--ws-url ws://127.0.0.1:1", "--rest-url http://127.0.0.1:1"] {
        let line = format!("collect BTCUSDT --exchange sim {half} --for 1s");
        home.assert_refused(&line, 64, &["one half", "both --ws-url and --rest-url"]);
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
fn a_file_that_is_no_journal_is_named_and_kept_under_another_name() {
    let home = Home::new();
    let directory = home.path("state");
    std::fs::create_dir(&directory).expect("a directory");
    let path = directory.join("journal.sqlite");
    let garbage = "neither a journal nor a database\n".repeat(500);
    std::fs::write(&path, &garbage).expect("a file");
    let named = path.to_string_lossy().into_owned();
    let at_it = format!("--state-dir {}", directory.display());
    home.assert_refused(&format!("spool ls {at_it}"), 1, &[&named]);
    assert_eq!(std::fs::read_to_string(&path).expect("readable"), garbage);
    let collect = format!("collect BTCUSDT --exchange sim --for 1s {at_it}");
    let output = home.command(&collect).output().expect("it runs");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    let copy = directory.join("journal.damaged-1.sqlite");
    assert!(log.contains(&*copy.to_string_lossy()), "{log}");
    assert_eq!(std::fs::read_to_string(&copy).expect("readable"), garbage);
}

#[test]
fn a_second_collector_on_the_same_journal_is_told_who_has_it() {
    let (home, sim) = (Home::new(), exchange());
    let line = format!("collect BTCUSDT {}", at(&sim));
    let mut child = home
        .command(&line)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let told = lines(child.stderr.take().expect("a pipe"));
    let mut first = Process(child);
    until(&told, "BTCUSDT has caught up");
    let pid = format!("process {} is using it", first.0.id());
    home.assert_refused(&line, 75, &[&pid, "another --state-dir"]);
    first.terminate();
    assert_eq!(first.wait().code(), Some(0), "the first is not disturbed");
    home.assert_verified("BTCUSDT --exchange probe");
}
