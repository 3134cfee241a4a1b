//! Whatever happens to the stream or to history, the bars come out the same.
//!
//! Each test breaks something at the sim exchange while a collector runs, waits until the
//! collector has recovered by itself, and compares every stored bar with what the plain
//! reference builder makes of the tape.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

#[path = "common/mod.rs"]
mod common;
#[path = "recovery/heartbeat.rs"]
mod heartbeat;
#[path = "recovery/history.rs"]
mod history;
#[path = "recovery/month.rs"]
mod month;
#[path = "recovery/restart.rs"]
mod restart;
#[path = "recovery/stream.rs"]
mod stream;

use std::time::Duration;

use common::{Rig, Running, dbps, symbol};
use streamkit::{
    app::collect::{Link, Phase, snapshot::Shown},
    domain::{bar::ClosedBy, reference::Reference, row::GapState},
    exchange::sim::{Config, CutHow, Fault, FaultKind, GarbleHow, MalformedHow, Rate},
};

/// Two busy symbols; a UTC day of their tape passes in four seconds.
fn busy() -> Config {
    Config {
        symbols: vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()],
        rate: Rate::PerSecond(1500.0),
        history: Some(2500),
        trades_per_day: Some(6000),
        ..Config::default()
    }
}

/// The same, but with few enough trades that it comes to its end.
fn ending(length: u64) -> Config {
    Config {
        length: Some(length),
        ..busy()
    }
}

async fn collecting(config: Config) -> (Rig, Running) {
    let rig = Rig::start(config).await;
    let running = rig.collect();
    running.until_taken(3000).await;
    (rig, running)
}

fn strike(rig: &Rig, fault: Fault) {
    rig.server.faults().add(fault).expect("a sensible fault");
}

/// Waits for more trades, stops, and judges.
async fn finish(rig: Rig, running: Running) {
    running.until_more(1500).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
    rig.server.stop().await;
}
