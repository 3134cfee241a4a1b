//! What goes wrong at the exchange is told, waited for, or done without.

use std::{
    io::{BufRead as _, BufReader, Lines, Read as _},
    os::unix::process::ExitStatusExt as _,
    process::{ChildStderr, ChildStdout, Stdio},
};

use streamkit::exchange::sim::{ArchiveFault, Config, CutHow, FaultKind, ZipDamage};

use crate::{
    common::process::{Process, run, text},
    scene::{FIRST_ID, Place, SYMBOL, Scene, TRADES_PER_DAY},
};

/// A backfill by REST in the middle of its work, so slow that it can be met there.
struct Running {
    process: Process,
    lines: Lines<BufReader<ChildStdout>>,
    errors: ChildStderr,
}

impl Running {
    fn start(scene: &Scene, place: &Place, weight_limit: &str) -> Self {
        let mut words = vec!["backfill", SYMBOL, "-t", "100,250,500,1000"];
        words.extend(["--weight-limit", weight_limit, "--since", "2025-01-05"]);
        words.extend(["--source", "rest", "-o", "json"]);
        let mut child = scene
            .command(place, &words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a backfill");
        let out = child.stdout.take().expect("an output");
        let errors = child.stderr.take().expect("an output");
        Self {
            process: Process(child),
            lines: BufReader::new(out).lines(),
            errors,
        }
    }

    /// Waits for an event.
    fn until(&mut self, event: &str) {
        let mut lines = self.lines.by_ref().map_while(Result::ok);
        let found = lines.find(|line| line.contains(event));
        assert!(found.is_some(), "{event} has not come");
    }

    /// The lines that are still to come.
    fn rest(&mut self) -> Vec<String> {
        self.lines.by_ref().map_while(Result::ok).collect()
    }

    /// All that it has said on standard error.
    fn told(mut self) -> String {
        let mut told = String::new();
        self.errors.read_to_string(&mut told).expect("text");
        told
    }
}

const MIDDLE: i64 = FIRST_ID + TRADES_PER_DAY / 2;

#[test]
fn an_archive_that_is_missing_or_damaged_is_told_of_and_rest_takes_its_place() {
    let cases: [(&str, ArchiveFault, Option<u64>, &str); 9] = [
        (
            "missing",
            ArchiveFault::Missing {},
            None,
            "is not in the archive",
        ),
        ("short", ArchiveFault::Short { by: 900 }, None, "has come"),
        (
            "twice",
            ArchiveFault::Twice { id: MIDDLE },
            None,
            "REST takes its place",
        ),
        (
            "hole",
            ArchiveFault::LeavesOut {
                ids: (MIDDLE..MIDDLE + 50).collect(),
            },
            None,
            "has come",
        ),
        (
            "line",
            ArchiveFault::BrokenLine { id: MIDDLE },
            None,
            "REST takes its place",
        ),
        (
            "crc",
            ArchiveFault::Damaged {
                how: ZipDamage::Crc,
            },
            None,
            "REST takes its place",
        ),
        (
            "checksum",
            ArchiveFault::WrongChecksum {},
            None,
            "REST takes its place",
        ),
        (
            "corrupt",
            ArchiveFault::Corrupt {},
            Some(1),
            "after 1 failure",
        ),
        (
            "cut",
            ArchiveFault::Cut { after_bytes: 3000 },
            Some(1),
            "has come",
        ),
    ];
    for (name, fault, times, expected) in cases {
        let scene = Scene::new(20);
        scene.fault(FaultKind::Archive(fault), times);
        let place = scene.sqlite(name);
        let output = scene.backfill(&place, &["-v", "--few-trades", "10"]);
        let told = text(&output.stderr);
        assert!(output.status.success(), "{name}: {told}");
        assert!(told.contains(expected), "{name}: {told}");
        scene.assert_exact(&place);
    }
}

#[test]
fn rest_that_refuses_or_fails_is_waited_for() {
    let cases: [(&str, FaultKind, u64, &str); 5] = [
        (
            "429",
            FaultKind::RestStatus {
                status: 429,
                retry_after_s: Some(1),
            },
            1,
            "HTTP 429",
        ),
        (
            "418",
            FaultKind::RestStatus {
                status: 418,
                retry_after_s: Some(1),
            },
            1,
            "HTTP 418",
        ),
        (
            "503",
            FaultKind::RestStatus {
                status: 503,
                retry_after_s: None,
            },
            2,
            "HTTP 503",
        ),
        ("empty", FaultKind::RestEmpty {}, 1, "empty"),
        (
            "reset",
            FaultKind::RestDown { how: CutHow::Rst },
            2,
            "failed to reach",
        ),
    ];
    for (name, kind, times, expected) in cases {
        is_waited_for(name, kind, times, expected);
    }
}

/// It takes as long as a request may take, and is therefore a test of its own.
#[test]
fn rest_that_never_answers_is_asked_again() {
    is_waited_for("hang", FaultKind::RestHang {}, 1, "within 10s");
}

fn is_waited_for(name: &str, kind: FaultKind, times: u64, expected: &str) {
    let scene = Scene::new(21);
    let place = scene.sqlite(name);
    // The plan is made before: what is struck is the reading.
    let mut running = Running::start(&scene, &place, "3000");
    running.until("period_begun");
    scene.fault(kind, Some(times));
    let rest = running.rest();
    assert!(running.process.wait().success(), "{name}: {rest:#?}");
    let told = rest.join("\n");
    assert!(
        told.contains("rest.waiting") && told.contains(expected),
        "{name}: {told}"
    );
    scene.assert_exact(&place);
}

#[test]
fn rest_that_refuses_or_fails_from_the_start_is_waited_for() {
    let status = |status, retry_after_s| FaultKind::RestStatus {
        status,
        retry_after_s,
    };
    let cases: [(&str, FaultKind, u64, &str); 5] = [
        ("429", status(429, Some(1)), 1, "HTTP 429"),
        ("418", status(418, Some(1)), 1, "HTTP 418"),
        ("503", status(503, None), 3, "HTTP 503"),
        ("empty", FaultKind::RestEmpty {}, 1, "the answer is empty"),
        (
            "reset",
            FaultKind::RestDown { how: CutHow::Rst },
            2,
            "failed to reach",
        ),
    ];
    for (name, kind, times, expected) in cases {
        let scene = Scene::new(24);
        let place = scene.sqlite(name);
        scene.fault(kind, Some(times));
        let mut running = Running::start(&scene, &place, "1000000");
        let told = running.rest().join("\n");
        assert!(running.process.wait().success(), "{name}: {told}");
        assert!(
            told.contains("rest.waiting") && told.contains(expected),
            "{name}: {told}"
        );
        scene.assert_exact(&place);
    }
}

#[test]
fn a_refusal_while_planning_ends_no_symbol() {
    let scene = Scene::with(Config {
        seed: 26,
        symbols: vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()],
        ..Config::default()
    });
    let place = scene.sqlite("symbols");
    let refused = FaultKind::RestStatus {
        status: 429,
        retry_after_s: Some(1),
    };
    scene.fault(refused, Some(1));
    let words = ["backfill", SYMBOL, "ETHUSDT", "-t", "250"];
    let more = ["--since", "2025-01-07", "--weight-limit", "1000000"];
    let output = run(&mut scene.command(&place, &[&words[..], &more].concat()));
    let told = text(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("HTTP 429"), "{told}");
}

#[test]
fn one_that_is_killed_or_interrupted_goes_on_when_it_is_run_again() {
    let scene = Scene::new(22);
    for (name, signal) in [
        ("killed", rustix::process::Signal::KILL),
        ("interrupted", rustix::process::Signal::INT),
    ] {
        let place = scene.sqlite(name);
        let mut running = Running::start(&scene, &place, "1200");
        running.until("period_written");
        running.process.signal(signal);
        let status = running.process.wait();
        let told = running.told();
        if name == "killed" {
            assert_eq!(status.signal(), Some(9));
        } else {
            assert_eq!(status.code(), Some(130), "{told}");
            assert!(told.contains("run the same command again"), "{told}");
            let shown = text(&run(&mut scene.command(&place, &["backfill", "status"])).stdout);
            assert!(
                shown.contains("skipped") && shown.contains("interrupted"),
                "{shown}"
            );
            // Whoever has stopped it knows: that is nothing to be told of.
            let check = run(&mut scene.command(&place, &["backfill", "status", "--check"]));
            assert!(check.status.success(), "{}", text(&check.stdout));
        }
        assert!(!place.rows().is_empty(), "{name}: the first day is written");
        scene.backfilled(&place, &["--source", "rest"]);
        scene.assert_exact(&place);
    }
}

#[test]
fn what_was_completed_a_moment_ago_is_skipped_and_says_so() {
    let scene = Scene::new(23);
    let place = scene.sqlite("cooldown");
    let words = [
        "backfill",
        "BTCUSDT",
        "-t",
        "250",
        "--since",
        "2025-01-07",
        "--weight-limit",
        "1000000",
    ];
    let first = run(&mut scene.command(&place, &words));
    assert!(first.status.success(), "{}", text(&first.stderr));
    let again = run(&mut scene.command(&place, &words));
    let told = text(&again.stderr);
    assert_eq!(again.status.code(), Some(75), "{told}");
    assert!(
        told.contains("BTCUSDT 250 dbps: skipped") && told.contains("--cooldown 0s"),
        "{told}"
    );
    let other = run(&mut scene.command(&place, &[&words[..], &["--cooldown", "0s"]].concat()));
    assert!(other.status.success(), "{}", text(&other.stderr));
}
