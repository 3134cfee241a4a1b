//! The probe, run as a user would: what it says of a collector that works, and of one that
//! lacks what each scenario tests.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and says what it saw"
)]

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use common::{
    clickhouse::{ask, clickhouse_lib, clickhouse_url},
    process::{Process, streamkit, text},
    soak,
};
use serde_json::Value;

/// A few that take some seconds; all of them are run in the long form.
const SOME: &str = "cut-rst,id-gap,kill,poison-row";
/// A few that need not be waited for until it is sure that they have failed.
const SOME_BARE: &str = "duplicates,id-gap,kill";
/// The same of those that need a server.
const SOME_ON_A_SERVER: &str = "store-answer-lost,store-kill";
/// Longer than every scenario takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(40 * 60);

/// Runs the probe to its end, with what it leaves behind below `evidence`.
fn probe(evidence: &Path, more: &[&str]) -> Output {
    let (out, err) = (evidence.join("out"), evidence.join("err"));
    let file = |path: &Path| fs::File::create(path).expect("a file");
    let mut command: Command = streamkit();
    let child = command
        .args(["probe", "run", "-o", "json", "--evidence"])
        .arg(evidence.join("kept"))
        .args(more)
        .stdin(Stdio::null())
        .stdout(file(&out))
        .stderr(file(&err))
        .spawn()
        .expect("it starts");
    let status = Process(child).wait_for(PATIENCE);
    Output {
        status,
        stdout: fs::read(out).expect("read"),
        stderr: fs::read(err).expect("read"),
    }
}

fn matrix(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

fn scenarios(matrix: &Value) -> &[Value] {
    matrix["scenarios"].as_array().expect("a list")
}

/// Which scenarios are run: all in the long form.
fn chosen(some: &'static str) -> Vec<&'static str> {
    if soak() > 0 {
        vec!["--all"]
    } else {
        vec!["--only", some]
    }
}

/// Starts a ClickHouse as a user's command would; none when the test has to be skipped.
fn server_command() -> Option<String> {
    let lib = clickhouse_lib()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/clickhouse-server");
    Some(format!(
        "exec '{script}' --lib '{lib}' --data \"$DATA\" --port \"$PORT\""
    ))
}

#[test]
fn a_collector_keeps_within_every_budget() {
    keeps_within_every_budget(&chosen(SOME));
}

#[test]
fn a_collector_keeps_within_every_budget_with_a_clickhouse_that_fails() {
    let Some(command) = server_command() else {
        return;
    };
    let mut args = chosen(SOME_ON_A_SERVER);
    args.extend(["--clickhouse-server", &command]);
    keeps_within_every_budget(&args);
}

fn keeps_within_every_budget(args: &[&str]) {
    let directory = tempfile::tempdir().expect("a directory");
    let output = probe(directory.path(), args);
    let matrix = matrix(&output);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        (&matrix["passed"], &matrix["evidence"]),
        (&true.into(), &Value::Null)
    );
    for scenario in scenarios(&matrix) {
        if scenario["result"] == "not_run" {
            assert!(scenario["reason"].is_string(), "{scenario}");
            continue;
        }
        assert_eq!(scenario["result"], "passed", "{scenario}");
        let worst = &scenario["worst"];
        for figure in ["lost", "duplicated", "misordered", "differing"] {
            assert_eq!(worst[figure], 0, "{}: {worst}", scenario["name"]);
        }
        assert!(worst["peak_rss_bytes"].as_u64() > Some(1 << 20), "{worst}");
        assert!(
            scenario["timeline"]["samples"]
                .as_array()
                .is_some_and(|all| all.len() > 3)
        );
    }
    let kept = fs::read_dir(directory.path().join("kept")).expect("a directory");
    let kept: Vec<_> = kept.flatten().map(|entry| entry.path()).collect();
    assert!(kept.is_empty(), "what has passed leaves {kept:?} behind");
}

#[test]
fn without_its_remedy_every_scenario_reports_the_harm() {
    reports_the_harm(&chosen(SOME_BARE), "store.sqlite");
}

#[test]
fn without_its_remedy_each_failure_of_a_clickhouse_does_harm() {
    let Some(command) = server_command() else {
        return;
    };
    if soak() == 0 {
        // The server that is there already is enough for one, and is left as it was.
        let Some(url) = clickhouse_url() else { return };
        let host = url.strip_prefix("http://").expect("an address");
        let database = format!("bare_{}", std::process::id());
        let store = format!("clickhouse://{host}/{database}");
        let args = ["--only", "store-answer-lost", "--store", &store];
        reports_the_harm(&args, "bars.csv");
        let left = ask(
            host,
            "default",
            &format!("SHOW DATABASES LIKE '{database}%'"),
        );
        assert!(!left.contains(&database), "{left}");
        return;
    }
    reports_the_harm(&["--all", "--clickhouse-server", &command], "bars.csv");
}

fn reports_the_harm(args: &[&str], store_file: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let output = probe(directory.path(), &[args, &["--bare"]].concat());
    let matrix = matrix(&output);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(matrix["passed"], false);
    let evidence = Path::new(matrix["evidence"].as_str().expect("a directory"));
    for scenario in scenarios(&matrix) {
        if scenario["result"] == "not_run" {
            continue;
        }
        let name = scenario["name"].as_str().expect("a name");
        assert_eq!(
            scenario["result"], "missed",
            "{name} cannot fail: {scenario}"
        );
        let missed = scenario["runs"][0]["missed"].as_array().expect("a list");
        let is_broken = missed.iter().any(|why| {
            let why = why.as_str().expect("a sentence");
            why.starts_with("failed to")
        });
        assert!(!is_broken, "{name} was not played: {missed:?}");
        let kept = evidence.join(format!("{name}-1"));
        for file in ["collect.log", "run.json", "tape-BTCUSDT.csv", store_file] {
            let size = fs::metadata(kept.join(file)).map(|file| file.len());
            assert!(size.is_ok_and(|size| size > 0), "{name}: {file}");
        }
    }
}

#[test]
fn an_interrupt_ends_it_and_everything_that_it_has_started() {
    let directory = tempfile::tempdir().expect("a directory");
    let err = directory.path().join("err");
    let child = streamkit()
        .args(["probe", "run", "--only", "nothing", "--evidence"])
        .arg(directory.path().join("kept"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&err).expect("a file"))
        .spawn()
        .expect("it starts");
    let id = child.id();
    let mut process = Process(child);
    let mut begun = Vec::new();
    for _ in 0..500 {
        begun = children(id);
        if begun.len() >= 2 {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert!(begun.len() >= 2, "an exchange and a collector: {begun:?}");
    process.signal(rustix::process::Signal::INT);
    assert_eq!(
        process.wait().code(),
        Some(130),
        "{:?}",
        fs::read_to_string(&err)
    );
    for child in begun {
        let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let is_gone = state
            .rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with('Z'));
        assert!(is_gone, "{child} goes on: {state}");
    }
}

/// The children of all threads of a process.
fn children(id: u32) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten();
    let children = threads.flatten().map(|thread| {
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        list.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    children.flatten().collect()
}

/// A machine that runs short of memory picks its victims itself.
#[test]
fn a_probe_that_is_killed_leaves_no_process_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let child = streamkit()
        .args(["probe", "run", "--only", "nothing", "--evidence"])
        .arg(directory.path().join("kept"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let id = child.id();
    let mut process = Process(child);
    let mut begun = Vec::new();
    for _ in 0..500 {
        begun = children(id);
        if begun.len() >= 2 {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert!(begun.len() >= 2, "an exchange and a collector: {begun:?}");
    process.signal(rustix::process::Signal::KILL);
    process.wait();
    for child in begun {
        let goes_on = || {
            let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            let state = state.rsplit_once(") ").map(|(_, rest)| rest.to_owned());
            state.filter(|rest| !rest.starts_with('Z'))
        };
        let mut state = goes_on();
        for _ in 0..500 {
            if state.is_none() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(20));
            state = goes_on();
        }
        assert_eq!(state, None, "{child} goes on");
    }
}

/// What somebody has set for his own collectors must not change what is measured.
#[test]
fn the_settings_file_of_the_user_does_not_reach_what_is_measured() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = directory.path().join("streamkit");
    fs::create_dir_all(&settings).expect("a directory");
    let text = "ws_url = [\"ws://127.0.0.1:1\"]\nrest_url = [\"http://127.0.0.1:1\"]\n";
    fs::write(settings.join("streamkit.toml"), text).expect("written");
    let status = streamkit()
        .env("XDG_CONFIG_HOME", directory.path())
        .args(["probe", "run", "--only", "cut-rst", "--evidence"])
        .arg(directory.path().join("kept"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(|child| Process(child).wait_for(PATIENCE))
        .expect("it starts");
    assert!(status.success(), "{status}");
}

/// Whoever gates a release on it must not take an end in its middle for a verdict.
#[test]
fn what_was_stopped_has_not_passed() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("out");
    let child = streamkit()
        .args(["probe", "run", "--only", "nothing", "--evidence"])
        .arg(directory.path().join("kept"))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&out).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let id = child.id();
    let mut process = Process(child);
    for _ in 0..500 {
        if !children(id).is_empty() {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    process.terminate();
    assert_eq!(process.wait().code(), Some(1));
    let told = fs::read_to_string(&out).expect("a matrix");
    assert!(told.contains("stopped before the end"), "{told}");
    assert!(!told.contains("passed"), "{told}");
}

#[test]
fn what_an_earlier_run_has_left_is_neither_lost_nor_built_upon() {
    let directory = tempfile::tempdir().expect("a directory");
    let left = directory.path().join("kept").join("kill-1");
    fs::create_dir_all(&left).expect("a directory");
    fs::write(left.join("run.json"), "{}").expect("written");
    let output = probe(directory.path(), &["--only", "kill"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("an earlier run has left"), "{said}");
    assert!(left.join("run.json").exists());
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_is_started() {
    let directory = tempfile::tempdir().expect("a directory");
    let budget = directory.path().join("budget.toml");
    fs::write(&budget, "[scenario.half-opn]\nlost = 1\n").expect("written");
    let budget = budget.to_str().expect("a path");
    for (args, code, words) in [
        (vec!["--only", "half-opn"], 64, "'half-opn' is not known"),
        (
            vec!["--time-scale", "0.05"],
            64,
            "a time scale is from 0.1 to 1",
        ),
        (vec!["--runs", "0"], 64, "0"),
        (
            vec!["--only", "store-kill"],
            64,
            "the scenario 'store-kill' needs a server",
        ),
        (
            vec!["--seed", "18446744073709551615"],
            64,
            "leaves no room for --runs 1",
        ),
        (
            vec!["--only", "nothing", "--store", "clickhouse://127.0.0.1:1/x"],
            69,
            "Connection refused",
        ),
        (
            vec!["--only", "kill", "--skip", "kill"],
            64,
            "no scenario is left to run",
        ),
        (
            vec!["--rest-url", "https://api.binance.com"],
            64,
            "--rest-url has no meaning for a probe",
        ),
        (vec!["--budget", budget], 78, "'half-opn' is not known"),
        (vec!["--budget", "/nowhere"], 78, "/nowhere"),
    ] {
        let output = probe(directory.path(), &args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
        assert!(!directory.path().join("kept").exists(), "{args:?}");
    }
}

/// Other people's clients meet what goes wrong on networks, too.
#[test]
fn an_exchange_is_served_behind_a_way_that_is_slow() {
    let mut child = streamkit()
        .args(["probe", "serve", "--symbols", "BTCUSDT", "--history", "10"])
        .args(["--for", "1m", "--fault", "latency:delay_ms=300"])
        .args(["--fault", "rest_status:status=503"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let out = child.stdout.take().expect("its output");
    let mut process = Process(child);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).expect("a line");
    let address = line.split_whitespace().nth(2).expect("an address");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = "GET /api/v3/time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("written");
    // Once there, and once back: nothing can be here before that.
    let patience = Some(Duration::from_millis(500));
    stream.set_read_timeout(patience).expect("a socket");
    assert!(stream.read(&mut [0; 1]).is_err());
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    process.terminate();
    assert!(process.wait().success());
    let refused = streamkit()
        .args(["probe", "serve", "--symbols", "A", "--fault", "latency"])
        .output()
        .expect("it runs");
    assert_eq!(refused.status.code(), Some(64));
    assert!(text(&refused.stderr).contains("it needs delay_ms"));
}
