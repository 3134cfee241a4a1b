//! A database that is killed under a real collector, or stands still: nothing is restarted for
//! it.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use crate::{
    common::{
        clickhouse::OwnClickHouse,
        process::{Process, Sim},
        proxy::{Mode, Proxy},
    },
    frozen::until,
    scene::Scene,
};

const LOOK: &str = "--symbol BTCUSDT --unit collect --query-timeout 2s --state-dir ~/state";

/// A collector on the sim that delivers to the store at `url`. That the journal is its own is
/// known from the journal alone: the watchdog is not told its name.
fn collect(scene: &Scene, sim: &Sim, url: &str) -> Process {
    let host = |url: &str| url.trim_start_matches("http://").to_owned();
    let (_, database) = scene.address.rsplit_once('/').expect("a database");
    let line = format!(
        "collect BTCUSDT --exchange probe --ws-url {} --rest-url {} -t 25,250 \
         --health-interval 200ms --breaker-failures 2 --breaker-open 1s \
         --collector nas --state-dir {} --store clickhouse://default@{}/{database}",
        sim.ws,
        sim.rest,
        scene.path("state").display(),
        host(url),
    );
    let mut command = scene.bare(env!("CARGO_BIN_EXE_streamkit"));
    command.args(line.split_whitespace());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Process(command.spawn().expect("it starts"))
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "what a process takes is real time"
)]
fn a_database_that_is_killed_or_stands_still_restarts_no_collector() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let Some(mut server) = runtime.block_on(OwnClickHouse::start()) else {
        return;
    };
    let scene = Scene::clickhouse_at(&server.url());
    scene.program("systemctl", "echo \"$@\" >> calls");
    let proxy = runtime.block_on(async { Proxy::start(&server.url()) });
    let sim = Sim::start(
        &["--seed", "5", "--trades-per-day", "7000", "--rate", "300"],
        &["--symbols", "BTCUSDT", "--history", "3000"],
    );
    let _collector = collect(&scene, &sim, &proxy.url());
    until(&scene, LOOK, 0);

    server.kill();
    scene.assert(LOOK, 3, &["BTCUSDT", "unknown"]);
    assert_eq!(scene.read("calls"), "", "of a database that is down");

    // It is back, and what the collector has for it is not: the heartbeat is of before.
    proxy.set(Mode::Reset);
    runtime.block_on(server.restart());
    let late = format!("{LOOK} --warn 5s --crit 5s --breaker 5s");
    let told = until(&scene, &late, 2);
    assert!(told.contains("delivering late"), "{told}");
    assert!(told.contains("its journal advances"), "{told}");
    proxy.set(Mode::Pass);
    until(&scene, &late, 0);

    server.freeze();
    let begun = Instant::now();
    scene.assert(LOOK, 3, &["BTCUSDT", "unknown", "no answer within 2s"]);
    // Far from for ever, on a machine that is busy.
    assert!(begun.elapsed() < Duration::from_secs(20));
    server.thaw();
    until(&scene, LOOK, 0);
    assert_eq!(scene.read("calls"), "");
}
