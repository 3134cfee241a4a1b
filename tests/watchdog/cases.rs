//! What is found, as a table: rows, a command line, an exit code and words of the answer.

use std::net::TcpListener;

use streamkit::domain::row::{HealthRow, StreamState};

use crate::{
    common::process::text,
    json_schema::violations,
    scene::{Scene, aged},
};

/// One case.
struct Case {
    name: &'static str,
    rows: fn() -> Vec<HealthRow>,
    line: &'static str,
    code: i32,
    words: &'static [&'static str],
}

pub fn dead() -> Vec<HealthRow> {
    vec![aged("BTCUSDT", 300, 300)]
}

/// The row of another collector.
fn of(collector: &str, mut row: HealthRow) -> HealthRow {
    collector.clone_into(&mut row.collector);
    row
}

pub fn fresh() -> Vec<HealthRow> {
    vec![aged("BTCUSDT", 1, 2), aged("ETHUSDT", 1, 3)]
}

fn nothing() -> Vec<HealthRow> {
    Vec::new()
}

/// What needs nothing but rows.
const CASES: &[Case] = &[
    Case {
        name: "fresh",
        rows: fresh,
        line: "",
        code: 0,
        words: &["BTCUSDT", "ETHUSDT", "fresh"],
    },
    Case {
        name: "no trade for more than --warn, and nobody knows why",
        rows: || vec![aged("BTCUSDT", 1, 80)],
        line: "",
        code: 1,
        words: &["warning", "the exchange was not asked"],
    },
    Case {
        name: "no trade for more than --crit, and nobody knows why: nothing to restart",
        rows: || vec![aged("BTCUSDT", 1, 200)],
        line: "--unit collect",
        code: 2,
        words: &["critical", "the exchange was not asked"],
    },
    Case {
        name: "a dead collector, seen twice, without a unit",
        rows: dead,
        line: "",
        code: 2,
        words: &["critical", "dead collector"],
    },
    Case {
        name: "a dead collector in a rehearsal",
        rows: dead,
        line: "--unit collect --dry-run",
        code: 2,
        words: &["dead collector", "the same at a second look"],
    },
    Case {
        name: "a quiet market, as its collector has asked",
        rows: || {
            let mut row = aged("BTCUSDT", 1, 900);
            row.state = StreamState::Quiet;
            vec![row]
        },
        line: "",
        code: 0,
        words: &["quiet market"],
    },
    Case {
        name: "the newest row of any collector counts",
        rows: || vec![of("vps", aged("BTCUSDT", 900, 900)), aged("BTCUSDT", 1, 1)],
        line: "--unit collect",
        code: 0,
        words: &["fresh"],
    },
    Case {
        name: "an empty table",
        rows: nothing,
        line: "--unit collect",
        code: 3,
        words: &["unknown", "no rows"],
    },
    Case {
        name: "a symbol that is expected and absent",
        rows: || vec![aged("BTCUSDT", 1, 1)],
        line: "--symbol BTCUSDT,SOLUSDT --unit collect",
        code: 2,
        words: &["SOLUSDT", "critical", "no row about it"],
    },
    Case {
        name: "only what was asked for counts",
        rows: || vec![aged("BTCUSDT", 1, 1), aged("ETHUSDT", 900, 900)],
        line: "--symbol BTCUSDT",
        code: 0,
        words: &["BTCUSDT"],
    },
    Case {
        name: "a symbol with ages of its own",
        rows: || vec![aged("BTCUSDT", 1, 80)],
        line: "--freshness BTCUSDT=10m/20m",
        code: 0,
        words: &["fresh"],
    },
    Case {
        name: "times in the future",
        rows: || vec![aged("BTCUSDT", -600, -600)],
        line: "--unit collect",
        code: 3,
        words: &["unknown", "in the future"],
    },
    Case {
        name: "a collector that was told to end, and nobody asks for",
        rows: || {
            let mut row = aged("OLDUSDT", 900, 900);
            row.state = StreamState::Ended;
            vec![row, aged("BTCUSDT", 1, 1)]
        },
        line: "--unit collect",
        code: 1,
        words: &["OLDUSDT", "warning"],
    },
    Case {
        name: "a collector that has ended hides no other one that is dead",
        rows: || {
            let mut row = of("old", aged("BTCUSDT", 900, 900));
            row.state = StreamState::Ended;
            vec![row, aged("BTCUSDT", 300, 300)]
        },
        line: "--unit collect --dry-run",
        code: 2,
        words: &["critical", "dead collector", "would be restarted"],
    },
    Case {
        name: "a collector with a wrong clock, and an old row of another one",
        rows: || {
            vec![
                of("vps", aged("BTCUSDT", -600, -600)),
                aged("BTCUSDT", 300, 300),
            ]
        },
        line: "--unit collect",
        code: 3,
        words: &["unknown", "in the future"],
    },
    Case {
        name: "a collector whose spool is full: no restart helps",
        rows: || {
            let mut row = aged("BTCUSDT", 1, 900);
            row.state = StreamState::Paused;
            vec![row]
        },
        line: "--unit collect",
        code: 2,
        words: &["critical", "delivering late", "has paused"],
    },
    Case {
        name: "symbols in small letters",
        rows: || vec![aged("BTCUSDT", 1, 80)],
        line: "--symbol btcusdt --freshness btcusdt=10m/20m",
        code: 0,
        words: &["BTCUSDT", "fresh"],
    },
    Case {
        name: "rows that wait in the spool",
        rows: || {
            let mut row = aged("BTCUSDT", 1, 1);
            row.spool_rows = 20_000;
            vec![row]
        },
        line: "",
        code: 1,
        words: &["20000 rows in the spool"],
    },
    Case {
        name: "a wrong command line",
        rows: nothing,
        line: "--no-such-flag",
        code: 3,
        words: &["error: ", "hint: "],
    },
    Case {
        name: "an exchange knows nothing of any table",
        rows: nothing,
        line: "--ask-exchange --table mine --time-column at",
        code: 3,
        words: &["--ask-exchange", "hint: "],
    },
    Case {
        name: "more restarts than are remembered",
        rows: nothing,
        line: "--unit collect --restarts-per-hour 201",
        code: 3,
        words: &["201", "hint: "],
    },
    Case {
        name: "limits that contradict each other",
        rows: nothing,
        line: "--warn 5m --unit x --container y",
        code: 3,
        words: &["error: ", "hint: "],
    },
];

fn check(scene: &Scene) {
    scene.program("systemctl", "echo \"$@\" >> calls");
    for case in CASES {
        let rows = (case.rows)();
        scene.clear();
        scene.put(&rows);
        let told = scene.assert(case.line, case.code, case.words);
        assert_eq!(scene.read("calls"), "", "{}: {told}", case.name);
    }
}

#[test]
fn each_case_has_its_line_and_its_exit_code_in_sqlite() {
    check(&Scene::sqlite());
}

#[test]
fn each_case_has_its_line_and_its_exit_code_in_clickhouse() {
    if let Some(scene) = Scene::clickhouse() {
        check(&scene);
    }
}

#[test]
fn a_database_that_does_not_answer_is_unknown_and_nothing_is_restarted() {
    let scene = Scene::sqlite();
    scene.program("systemctl", "echo \"$@\" >> calls");
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mute_at = mute.local_addr().expect("an address");
    let closed_at = {
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
        closed.local_addr().expect("an address")
    };
    for (store, words) in [
        (format!("clickhouse://u@{mute_at}/d"), "no answer within"),
        (format!("clickhouse://u@{closed_at}/d"), "unknown"),
        ("sqlite:~/nowhere.db".to_owned(), "no such file"),
        ("sqlite:~/systemctl".to_owned(), "unknown"),
    ] {
        let line = format!("--unit collect --query-timeout 1s --store {store}");
        scene.assert(&line, 3, &["unknown", words]);
        let line = format!("--symbol BTCUSDT {line}");
        scene.assert(&line, 3, &["BTCUSDT", "unknown"]);
    }
    assert_eq!(scene.read("calls"), "");
}

#[test]
fn the_clock_of_the_database_is_taken_out_and_told_of() {
    let Some(scene) = Scene::clickhouse() else {
        return;
    };
    scene.put(&[aged("BTCUSDT", 1, 1)]);
    for (seconds, words) in [("-600", "ahead of"), ("600", "behind")] {
        let line = format!("--clock-ahead-s {seconds}");
        scene.assert(&line, 0, &["fresh", "clock of the database", words]);
    }
    let told = scene.assert("", 0, &["fresh"]);
    assert!(!told.contains("clock"), "{told}");
}

#[test]
fn nagios_gets_one_line_and_programs_a_document() {
    let scene = Scene::sqlite();
    scene.put(&[aged("BTCUSDT", 1, 2), aged("ETHUSDT", 1, 80)]);
    let output = scene.run("-o nagios");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("'BTCUSDT'=") && told.contains("s;60;120;0"),
        "{told}"
    );
    let output = scene.run("-o json");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let document: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let schema = include_str!("../../schema/watchdog.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).expect("JSON");
    assert_eq!(violations(&schema, &document), [""; 0], "{told}");
    for line in [
        "-o json --unit collect --dry-run --symbol btcusdt,solusdt",
        "-o json --check-seals 1d --seals-timeout 5s",
        "-o json --store sqlite:~/nowhere.db",
    ] {
        let told = text(&scene.run(line).stdout);
        let document = serde_json::from_str(&told).expect("JSON");
        assert_eq!(violations(&schema, &document), [""; 0], "{line}: {told}");
    }
    assert_eq!(
        document["symbols"].as_array().map(Vec::len),
        Some(2),
        "{told}"
    );
    scene.assert("-o csv", 3, &["hint: "]);
}

#[test]
fn a_wrong_password_is_unknown() {
    let Some(scene) = Scene::clickhouse() else {
        return;
    };
    let wrong = scene.address.replace("default@", "default:wrong@");
    let line = format!("--unit collect --store {wrong}");
    let told = scene.assert(&line, 3, &["unknown", "password"]);
    assert!(!told.contains("wrong@"), "{told}");
}

#[test]
fn a_sqlite_store_is_read_while_it_is_written_and_a_lock_is_waited_for_in_time() {
    let scene = Scene::sqlite();
    scene.put(&fresh());
    let writer = rusqlite::Connection::open(scene.path("bars.db")).expect("the file");
    writer.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    scene.assert("", 0, &["fresh"]);
    writer.execute_batch("ROLLBACK").expect("no lock");
}
