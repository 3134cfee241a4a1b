//! Beginnings and ends: nothing depends on when a collector ran.

use std::sync::{Arc, Mutex};

use streamkit::domain::crash::{CrashPoint, CrashPoints};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_faults_every_bar_is_exact_across_days() {
    let (rig, running) = collecting(busy()).await;
    running.until_taken(14_000).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
    let bars = rig.stored(&symbol("BTCUSDT"), dbps(250)).await;
    assert!(
        bars.iter()
            .filter(|row| row.bar.closed_by == ClosedBy::Anchor)
            .count()
            >= 2
    );
    assert_eq!(
        summary.shown.totals.fallbacks, 0,
        "the scanner reads every message"
    );
    assert_eq!(summary.shown.totals.reconnects, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_from_the_checkpoint_whatever_was_missed() {
    let (rig, running) = collecting(busy()).await;
    running.stop().await.expect("a graceful stop");
    let running = rig.collect();
    running.until_event("series.resumed").await;
    running.until_more(1000).await;
    assert_eq!(running.count("series.started"), 0);
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_added_at_a_restart_is_complete_from_its_period_on() {
    // All within one day, so that the new series starts with the tape.
    let config = Config {
        trades_per_day: Some(1_000_000),
        ..busy()
    };
    let (mut rig, running) = collecting(config).await;
    running.stop().await.expect("a graceful stop");
    rig.settings.thresholds = vec![dbps(25), dbps(50), dbps(250)];
    let running = rig.collect();
    running.until_event("series.started").await;
    running.until_more(1500).await;
    running.stop().await.expect("a graceful stop");
    // A threshold that was left out comes back and goes on where it was.
    rig.settings.thresholds = vec![dbps(25), dbps(50), dbps(100), dbps(250)];
    let running = rig.collect();
    running.until_more(500).await;
    assert_eq!(running.count("series.started"), 0);
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_was_deleted_is_made_up_for_from_the_store() {
    let (rig, running) = collecting(busy()).await;
    running.until_taken(8000).await;
    running.stop().await.expect("a graceful stop");
    std::fs::remove_dir_all(rig.state_dir()).expect("deleted");
    let running = rig.collect();
    running.until_event("series.started").await;
    // Until it has caught up, the store holds bars that lie ahead of it.
    running
        .until("both to be live", |s| {
            s.symbols.iter().all(|s| s.phase == Phase::Live)
        })
        .await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_symbol_that_the_exchange_does_not_know_is_refused_before_anything_is_stored() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.symbols = vec![symbol("BTCUSDT"), symbol("NOSUCH")];
    let running = rig.collect();
    let error = running
        .task
        .await
        .expect("no panic")
        .expect_err("an unknown symbol");
    assert!(error.to_string().contains("NOSUCH"), "{error}");
    assert!(rig.stored(&symbol("BTCUSDT"), dbps(250)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_is_full_stops_consuming_until_it_drains() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.limits.spool_size_bytes = 20_000;
    rig.settings.thresholds = vec![dbps(5), dbps(25)];
    let running = rig.collect();
    running.until_event("spool.full").await;
    running.until_event("spool.drained").await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_trades_are_the_tape_each_once_across_a_restart() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.record_trades = true;
    let running = rig.collect();
    running.until_taken(3500).await;
    running.stop().await.expect("a graceful stop");
    let running = rig.collect();
    running.until_more(1500).await;
    let summary = running.stop().await.expect("a graceful stop");
    assert_eq!(summary.spool.rows, 0);
    let database = rusqlite::Connection::open(rig.store_path()).expect("a database");
    for shown in &summary.shown.symbols {
        let tape = rig.server.tape();
        let first_id = tape
            .first_id(shown.symbol.as_str())
            .expect("a tape")
            .expect("a trade");
        let (count, least, most): (i64, i64, i64) = database
            .query_row(
                "SELECT count(*), min(agg_trade_id), max(agg_trade_id) FROM trades WHERE symbol = ?1",
                [shown.symbol.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .expect("trades");
        assert_eq!((least, most), (first_id, shown.next_id - 1));
        assert_eq!(count, most - least + 1, "each once");
        let wanted = &rig.tape(&shown.symbol, first_id + 3000, first_id + 3000)[0];
        let (price, time_us): (String, i64) = database
            .query_row(
                "SELECT price, trade_time FROM trades WHERE symbol = ?1 AND agg_trade_id = ?2",
                rusqlite::params![shown.symbol.as_str(), wanted.id],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .expect("a trade");
        assert_eq!((price, time_us), (wanted.price.to_string(), wanted.time_us));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_is_felt_as_back_pressure_and_not_taken_for_a_dead_stream() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.record_trades = true;
    rig.settings.limits.commit_rows = 100;
    let hangs = Arc::new(Mutex::new(()));
    let gate = Arc::clone(&hangs);
    rig.settings.crash = CrashPoints::armed(move |point| {
        if point == CrashPoint::JournalBeforeCommit {
            drop(gate.lock().expect("not poisoned"));
        }
    });
    let running = rig.collect();
    running.until_taken(3000).await;
    let hanging = hangs.lock().expect("not poisoned");
    // Longer than any silence that would be asked about; nothing announces its end.
    std::thread::park_timeout(Duration::from_millis(1500));
    drop(hanging);
    running.until_more(100).await;
    assert_eq!(running.count("stream.dead"), 0);
    finish(rig, running).await;
}

/// The stop and the ends of the sessions that follow it are noticed in one moment here.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the runtime that would notice the stop has to be busy meanwhile"
)]
fn sessions_that_end_with_the_stop_have_not_failed() {
    let exchange = tokio::runtime::Runtime::new().expect("a runtime");
    let rig = exchange.block_on(Rig::start(ending(3000)));
    let is_live = |shown: &Shown| {
        let mut symbols = shown.symbols.iter();
        symbols.all(|symbol| symbol.phase == Phase::Live)
    };
    let collecting = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    collecting.block_on(async {
        for _ in 0..8 {
            let running = rig.collect();
            running.until("live", is_live).await;
            running.stop.cancel();
            std::thread::sleep(Duration::from_millis(150));
            running.stop().await.expect("a graceful stop");
        }
    });
}
