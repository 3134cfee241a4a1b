//! A real collector: one that stands still and is brought back, and one with holes in its past.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    common::{
        PATIENCE,
        process::{Process, Sim, run, text},
    },
    scene::{Scene, aged},
};

/// The collector whose number stands in a file; ended when dropped.
struct Collector<'a>(&'a Scene);

impl Collector<'_> {
    fn signal(&self, signal: Signal) -> bool {
        let pid = self.0.read("pid").trim().parse().ok();
        let pid = pid.and_then(Pid::from_raw);
        pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
}

impl Drop for Collector<'_> {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Runs the watchdog until it ends with `code`; returns what it said.
#[allow(
    clippy::disallowed_methods,
    reason = "what a collector writes can only be looked for"
)]
pub fn until(scene: &Scene, line: &str, code: i32) -> String {
    let mut last = String::new();
    for _ in 0..PATIENCE.as_millis() / 200 {
        let output = scene.run(line);
        last = text(&output.stdout) + &text(&output.stderr);
        if output.status.code() == Some(code) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("{line} does not end with {code}: {last}");
}

#[test]
fn a_collector_that_stands_still_is_restarted_and_nothing_is_missing() {
    let scene = Scene::sqlite();
    let sim = Sim::start(
        &["--seed", "5", "--trades-per-day", "7000", "--rate", "300"],
        &["--symbols", "BTCUSDT", "--history", "3000"],
    );
    let collect = format!(
        "{} collect BTCUSDT --exchange probe --ws-url {} --rest-url {} -t 25,250 \
         --health-interval 500ms --store {}",
        env!("CARGO_BIN_EXE_streamkit"),
        sim.ws,
        sim.rest,
        scene.address
    );
    let restart = scene.program(
        "restart",
        &format!(
            "test -s pid && kill -9 $(cat pid)\n{collect} > log 2>&1 < /dev/null &\necho $! > pid\n\
             echo restarted >> calls"
        ),
    );
    let collector = Collector(&scene);
    let mut first = scene.bare(&restart);
    assert!(run(&mut first).status.success());
    let line = "--symbol BTCUSDT --warn 4s --crit 4s --restart-command ~/restart";
    // It comes up by itself.
    until(&scene, &format!("{line} --dry-run"), 0);
    assert!(collector.signal(Signal::STOP), "it runs");
    let told = until(&scene, line, 1);
    assert_eq!(scene.read("calls").lines().count(), 2, "{told}");
    assert!(told.contains("restarted"), "{told}");
    scene.assert(line, 0, &["fresh"]);

    assert!(collector.signal(Signal::TERM), "it runs");
    let verify = format!("verify BTCUSDT --store {}", scene.address);
    let mut command = scene.bare(env!("CARGO_BIN_EXE_streamkit"));
    command.args(verify.split(' '));
    let output = run(&mut command);
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("no damage"), "{told}");
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "what a collector writes can only be looked for"
)]
fn holes_in_a_day_that_is_over_are_a_warning_with_what_mends_them() {
    let scene = Scene::sqlite();
    let sim = Sim::start(
        &[
            "--seed",
            "5",
            "--trades-per-day",
            "1000",
            "--rate",
            "2000",
            "--day",
            "2025-01-01",
        ],
        &[
            "--symbols",
            "BTCUSDT",
            "--history",
            "500",
            "--length",
            "2500",
        ],
    );
    let collect = format!(
        "collect BTCUSDT --exchange probe --ws-url {} --rest-url {} -t 25,250 --store {}",
        sim.ws, sim.rest, scene.address
    );
    let mut command = scene.bare(env!("CARGO_BIN_EXE_streamkit"));
    command.args(collect.split(' '));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut collector = Process(command.spawn().expect("it starts"));
    let seals = || -> i64 {
        let db = rusqlite::Connection::open(scene.path("bars.db")).expect("the file");
        let count = db.query_row("SELECT count(*) FROM seals", [], |row| row.get(0));
        count.expect("a count")
    };
    let mut looks = 0;
    while seals() == 0 {
        looks += 1;
        assert!(looks < PATIENCE.as_millis() / 50, "no seal is made");
        std::thread::sleep(Duration::from_millis(50));
    }
    collector.terminate();
    assert!(collector.wait().success());
    scene.execute("DELETE FROM stream_health");
    scene.put(&[aged("BTCUSDT", 1, 1)]);
    let line = "--symbol BTCUSDT --check-seals 5000d";
    scene.execute(
        "DELETE FROM seals; DELETE FROM bars WHERE threshold_decimal_bps = 25 AND \
         first_agg_trade_id = (SELECT first_agg_trade_id FROM bars \
         WHERE threshold_decimal_bps = 25 ORDER BY first_agg_trade_id LIMIT 1 OFFSET 3)",
    );
    scene.assert(
        line,
        1,
        &["BTCUSDT", "2025-01-01", "streamkit backfill BTCUSDT"],
    );
    scene.assert("--symbol BTCUSDT", 0, &["fresh"]);
}
