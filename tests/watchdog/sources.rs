//! Where else it looks: any table, the exchange, and the journal on this machine.

use streamkit::domain::row::StreamState;

use crate::{
    cases::{dead, fresh},
    common::process::Sim,
    scene::{Scene, aged},
};

/// Any table with a time in µs and a name.
fn check_any_table(scene: &Scene) {
    let engine = if scene.is_clickhouse() {
        "ENGINE = MergeTree ORDER BY name"
    } else {
        ""
    };
    let (type_of_name, type_of_time) = if scene.is_clickhouse() {
        ("String", "Int64")
    } else {
        ("TEXT", "INTEGER")
    };
    scene.execute(&format!(
        "CREATE TABLE mine (name {type_of_name}, at_us {type_of_time}) {engine}"
    ));
    let now_us = crate::scene::now_us();
    let line = "--table mine --time-column at_us --symbol-column name";
    scene.assert(line, 3, &["unknown"]);
    scene.execute(&format!(
        "INSERT INTO mine VALUES ('a', {now_us}), ('b', {})",
        now_us - 90_000_000
    ));
    scene.assert(line, 1, &["a", "b", "warning"]);
    scene.assert(&format!("{line} --symbol a"), 0, &["fresh"]);
    scene.assert(&format!("{line} --symbol a,c"), 2, &["c", "critical"]);
    scene.assert("--table mine --time-column at_us", 0, &["mine", "fresh"]);
    scene.assert(
        "--table mine --time-column nowhere",
        3,
        &["unknown", "nowhere"],
    );
    let mut command = scene.command(line);
    command.args(["--where", "name = 'a'"]);
    assert_eq!(command.status().expect("it runs").code(), Some(0));
    let mut command = scene.command("");
    command.args(["--query", "SELECT name, at_us FROM mine WHERE name = 'b'"]);
    assert_eq!(command.status().expect("it runs").code(), Some(1));
    scene.assert("--table mine", 3, &["--time-column"]);
}

#[test]
fn any_table_is_looked_at_in_sqlite() {
    check_any_table(&Scene::sqlite());
}

#[test]
fn any_table_is_looked_at_in_clickhouse() {
    if let Some(scene) = Scene::clickhouse() {
        check_any_table(&scene);
    }
}

#[test]
fn the_exchange_tells_a_quiet_market_from_a_dead_stream_in_sqlite() {
    check_asking(&Scene::sqlite());
}

#[test]
fn the_exchange_tells_a_quiet_market_from_a_dead_stream_in_clickhouse() {
    if let Some(scene) = Scene::clickhouse() {
        check_asking(&scene);
    }
}

fn check_asking(scene: &Scene) {
    scene.program("systemctl", "echo \"$@\" >> calls");
    let sim = Sim::start(
        &["--seed", "5", "--trades-per-day", "7000", "--rate", "1"],
        &["--symbols", "BTCUSDT", "--history", "3000"],
    );
    let line = format!(
        "--ask-exchange --exchange sim --ws-url {} --rest-url {} --unit collect --dry-run",
        sim.ws, sim.rest
    );
    let mut row = aged("BTCUSDT", 1, 900);
    row.exchange = "sim".into();
    // Nothing at the exchange is newer than that.
    row.last_agg_trade_id = Some(i64::MAX / 2);
    scene.put(&[row.clone()]);
    scene.assert(&line, 0, &["quiet market"]);
    row.last_agg_trade_id = Some(1);
    row.heartbeat_at_us += 1;
    scene.put(&[row.clone()]);
    scene.assert(&line, 2, &["dead stream", "dry run"]);
    // A collector that cannot deliver has no dead stream.
    row.state = StreamState::Paused;
    row.heartbeat_at_us += 1;
    scene.put(&[row.clone()]);
    let told = scene.assert(&line, 2, &["delivering late"]);
    assert!(!told.contains("would be restarted"), "{told}");
    row.state = StreamState::Live;
    drop(sim);
    row.heartbeat_at_us += 1;
    scene.put(&[row]);
    scene.assert(&line, 2, &["the exchange cannot be asked"]);
}

#[test]
fn a_journal_that_cannot_be_read_or_hangs_is_told_of_and_restarts_nothing() {
    for kind in ["no database", "a pipe"] {
        let scene = Scene::sqlite();
        scene.program("systemctl", "echo \"$@\" >> calls");
        scene.put(&dead());
        std::fs::create_dir(scene.path("state")).expect("a directory");
        let journal = scene.path("state/journal.sqlite");
        if kind == "a pipe" {
            // Whoever opens it waits for a writer, who never comes.
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            let file_type = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, &journal, file_type, mode, 0).expect("a pipe");
        } else {
            std::fs::write(&journal, "of another kind".repeat(100)).expect("written");
        }
        let words = &["dead collector", "journal on this machine cannot be read"];
        let line = "--unit collect --state-dir ~/state --query-timeout 1s";
        scene.assert(line, 2, words);
        assert_eq!(scene.read("calls"), "", "{kind}");
        // The data are fresh, and the run ends all the same.
        scene.put(&fresh());
        scene.assert(line, 0, &["fresh", "cannot be read"]);
    }
}
