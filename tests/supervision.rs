//! A collector that stops notices it, mends itself in stages, and says what it did.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

#[path = "common/mod.rs"]
mod common;

use common::{PATIENCE, Rig, symbol};
use streamkit::exchange::{
    binance::Binance,
    sim::{Config, Fault, FaultKind, Rate},
    source::{LiveBatch, Source as _},
};
use tokio::time::timeout;

/// Two busy symbols.
fn busy() -> Config {
    Config {
        symbols: vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()],
        rate: Rate::PerSecond(1500.0),
        history: Some(2500),
        trades_per_day: Some(6000),
        ..Config::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_symbol_is_subscribed_to_anew_on_the_same_connection() {
    let rig = Rig::start(busy()).await;
    let exchange = Binance::new(rig.binance.clone()).expect("an adapter");
    let symbols = [symbol("BTCUSDT"), symbol("ETHUSDT")];
    let mut stream = exchange.connect(&symbols).await.expect("a connection");
    let mute = Fault::new(FaultKind::MuteSymbol { open: true }).symbol("ETHUSDT");
    rig.server.faults().add(mute).expect("a sensible fault");
    let mut batch = LiveBatch::default();
    // What was under way when it went mute still comes; a second's worth of the other
    // symbol without any is silence.
    let mut others = 0;
    while others < 1500 {
        batch.clear();
        timeout(PATIENCE, stream.receive(&mut batch))
            .await
            .expect("trades")
            .expect("a stream");
        for (index, _) in &batch.trades {
            others = if *index == 1 { 0 } else { others + 1 };
        }
    }
    assert!(stream.resubscribe(&[1]));
    let mut has_come = false;
    while !has_come {
        batch.clear();
        timeout(PATIENCE, stream.receive(&mut batch))
            .await
            .expect("trades")
            .expect("a stream");
        has_come = batch.trades.iter().any(|(index, _)| *index == 1);
        assert_eq!(batch.malformed, [], "the answers are expected");
    }
    stream.close().await;
}
