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

mod common;

use std::time::Duration;

use common::{Rig, Running, dbps, symbol};
use streamkit::{
    app::collect::{Link, Phase},
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
async fn connections_that_are_cut_lose_nothing() {
    let (rig, running) = collecting(busy()).await;
    for how in [CutHow::Rst, CutHow::Fin, CutHow::Rst] {
        let before = running.board.read().totals.reconnects;
        rig.server.faults().cut(how);
        running
            .until("a new connection", |shown| shown.totals.reconnects > before)
            .await;
        running.until_more(300).await;
    }
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_closed_politely_is_made_anew() {
    let (rig, running) = collecting(busy()).await;
    strike(
        &rig,
        Fault::new(FaultKind::Close {
            code: 1001,
            open: true,
        }),
    );
    running.until_event("stream.disconnected").await;
    rig.server.faults().clear();
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announced_shutdown_is_acted_on() {
    let (rig, running) = collecting(busy()).await;
    strike(
        &rig,
        Fault::new(FaultKind::ServerShutdown { grace_ms: 60_000 }),
    );
    running.until_event("stream.disconnected").await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_open_connection_is_noticed_and_left() {
    let (rig, running) = collecting(busy()).await;
    rig.server.faults().half_open();
    running
        .until("a new connection", |shown| shown.totals.reconnects > 0)
        .await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_are_not_life() {
    let (rig, running) = collecting(busy()).await;
    rig.server.faults().pings_only();
    running.until_event("stream.dead").await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_mute_symbol_among_busy_ones_is_noticed() {
    let (rig, running) = collecting(busy()).await;
    strike(
        &rig,
        Fault::new(FaultKind::MuteSymbol { open: true }).symbol("ETHUSDT"),
    );
    running.until_event("stream.dead").await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withheld_pong_ends_the_connection() {
    let (rig, running) = collecting(busy()).await;
    strike(&rig, Fault::new(FaultKind::WithholdPong {}));
    running.until_event("stream.disconnected").await;
    rig.server.faults().clear();
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_refused_or_never_upgraded_are_tried_again() {
    let (rig, running) = collecting(busy()).await;
    for kind in [FaultKind::RefuseConnects {}, FaultKind::NeverUpgrade {}] {
        let failures = running.count("stream.connect_failed");
        strike(&rig, Fault::new(kind));
        rig.server.faults().cut(CutHow::Rst);
        running
            .until("failed attempts", |_| {
                running.count("stream.connect_failed") >= failures + 2
            })
            .await;
        rig.server.faults().clear();
        running.until_more(300).await;
    }
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_repeated_reordered_skipped_and_garbled_change_nothing() {
    let (rig, running) = collecting(busy()).await;
    for kind in [
        FaultKind::Duplicate { every: 3 },
        FaultKind::Reorder { every: 5, by: 1 },
        FaultKind::Reorder { every: 50, by: 20 },
        FaultKind::Skip {
            every: 40,
            ids: Vec::new(),
        },
        FaultKind::Garble {
            every: 60,
            how: GarbleHow::BrokenJson,
        },
        FaultKind::Garble {
            every: 60,
            how: GarbleHow::Truncated,
        },
        FaultKind::Garble {
            every: 60,
            how: GarbleHow::Binary,
        },
        FaultKind::SchemaDrift { every: 60 },
        FaultKind::ExtraField { every: 4 },
        FaultKind::FarId {
            every: 500,
            ahead: 1_000_000,
        },
    ] {
        strike(&rig, Fault::new(kind));
        running.until_more(400).await;
        rig.server.faults().clear();
    }
    let totals = running.board.read().totals;
    assert!(totals.malformed > 10 && totals.fallbacks > 50, "{totals:?}");
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_not_utf8_costs_no_trade() {
    let (rig, running) = collecting(busy()).await;
    strike(
        &rig,
        Fault::new(FaultKind::Garble {
            every: 200,
            how: GarbleHow::NotUtf8,
        })
        .times(3),
    );
    running.until_more(1500).await;
    finish(rig, running).await;
}

/// A gap opens while history cannot be asked; nothing may be cut or lost meanwhile.
async fn gap_while(fault: FaultKind) {
    let (rig, running) = collecting(busy()).await;
    strike(&rig, Fault::new(fault));
    strike(
        &rig,
        Fault::new(FaultKind::Skip {
            every: 10,
            ids: Vec::new(),
        })
        .times(5),
    );
    running
        .until("a gap", |shown| {
            shown.symbols.iter().any(|s| s.gaps_open > 0)
        })
        .await;
    // Several attempts have to fail before history is back.
    let frozen = running.board.read();
    let attempts = || {
        let answered = rig.server.stats().rest_requests.values().sum::<u64>();
        answered + running.count("history.failed") as u64
    };
    let before = attempts();
    running
        .until("more attempts", |_| attempts() >= before + 4)
        .await;
    let still = running.board.read();
    for (before, now) in frozen.symbols.iter().zip(&still.symbols) {
        assert_eq!(now.gaps_absent, 0);
        if before.gaps_open > 0 && now.gaps_open > 0 {
            assert_eq!(
                before.next_id, now.next_id,
                "nothing goes on without the missing ids"
            );
        }
    }
    rig.server.faults().clear();
    running
        .until("the gap to close", |s| {
            s.symbols.iter().all(|s| s.gaps_open == 0)
        })
        .await;
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_waits_while_history_is_down() {
    gap_while(FaultKind::RestDown { how: CutHow::Rst }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_waits_while_history_fails() {
    gap_while(FaultKind::RestStatus {
        status: 503,
        retry_after_s: None,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_waits_while_history_hangs() {
    gap_while(FaultKind::RestHang {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_pages_prove_nothing() {
    gap_while(FaultKind::RestEmpty {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_is_kept_and_outlived() {
    let (rig, running) = collecting(busy()).await;
    strike(
        &rig,
        Fault::new(FaultKind::RestStatus {
            status: 429,
            retry_after_s: Some(1),
        })
        .lasting(Duration::from_millis(900)),
    );
    strike(
        &rig,
        Fault::new(FaultKind::Skip {
            every: 10,
            ids: Vec::new(),
        })
        .times(2),
    );
    running.until_event("history.failed").await;
    running
        .until("the gap to close", |s| {
            s.symbols.iter().all(|s| s.gaps_open == 0)
        })
        .await;
    let refused = rig
        .server
        .stats()
        .rest_requests
        .get(&429)
        .copied()
        .unwrap_or_default();
    assert!(refused <= 2, "{refused} requests in spite of Retry-After");
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_overflows_is_fetched_instead() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.limits.hold_trades = 100;
    let running = rig.collect();
    running.until_taken(3000).await;
    strike(&rig, Fault::new(FaultKind::RestDown { how: CutHow::Fin }));
    strike(
        &rig,
        Fault::new(FaultKind::Skip {
            every: 10,
            ids: Vec::new(),
        })
        .times(2),
    );
    running.until_event("trades.hold_dropped").await;
    rig.server.faults().clear();
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trades_proven_absent_are_recorded_and_cut_once() {
    let rig = Rig::start(ending(6000)).await;
    let name = symbol("BTCUSDT");
    let first_id = rig
        .server
        .tape()
        .first_id("BTCUSDT")
        .expect("a tape")
        .expect("a trade");
    let absent = (first_id + 4000, first_id + 4002);
    let ids = (absent.0..=absent.1).collect();
    strike(
        &rig,
        Fault::new(FaultKind::DropIds { ids }).symbol("BTCUSDT"),
    );
    let running = rig.collect();
    running.until_event("gap.absent").await;
    running.until_taken(6000).await;
    let summary = running.stop().await.expect("a graceful stop");

    for &threshold in &rig.settings.thresholds {
        let mut expected = rig.expected(&name, threshold, (first_id, absent.0 - 1));
        // The bar that was forming is cut where the gap begins.
        let mut reference = Reference::new(threshold, rig.settings.anchor, true);
        let before = rig.tape(&name, first_id, absent.0 - 1);
        before.iter().for_each(|trade| drop(reference.push(trade)));
        expected.extend(reference.cut(ClosedBy::Gap));
        let last_id = summary.shown.symbols[0].next_id - 1;
        let behind = rig.tape(&name, absent.1 + 1, last_id);
        expected.extend(behind.iter().flat_map(|trade| reference.push(trade)));
        let stored: Vec<_> = rig
            .stored(&name, threshold)
            .await
            .into_iter()
            .map(|row| row.bar)
            .collect();
        assert_eq!(stored, expected);
    }
    let gaps = rig.gaps().await;
    let found: Vec<_> = gaps
        .iter()
        .filter(|gap| gap.state == GapState::Absent)
        .collect();
    assert_eq!(found.len(), 1, "{gaps:?}");
    assert_eq!((found[0].first_id, found[0].last_id), absent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trade_that_is_malformed_everywhere_is_given_up_alone() {
    let rig = Rig::start(ending(5000)).await;
    let first_id = rig
        .server
        .tape()
        .first_id("ETHUSDT")
        .expect("a tape")
        .expect("a trade");
    let ids = vec![first_id + 3500];
    let how = MalformedHow::LastBelowFirst;
    strike(
        &rig,
        Fault::new(FaultKind::Malformed { ids, how }).symbol("ETHUSDT"),
    );
    let running = rig.collect();
    running.until_event("gap.absent").await;
    running.until_taken(5000).await;
    running.stop().await.expect("a graceful stop");
    let gaps = rig.gaps().await;
    let found: Vec<_> = gaps
        .iter()
        .filter(|gap| gap.state == GapState::Absent)
        .collect();
    assert_eq!(found.len(), 1, "{gaps:?}");
    assert_eq!(
        (found[0].first_id, found[0].last_id),
        (first_id + 3500, first_id + 3500)
    );
    assert!(found[0].proof.contains("no trade"), "{}", found[0].proof);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_go_back_stop_the_symbol_and_name_both_ids() {
    let (rig, running) = collecting(ending(4000)).await;
    running.until_taken(4000).await;
    strike(
        &rig,
        Fault::new(FaultKind::LatestBehind { by: 500 }).symbol("BTCUSDT"),
    );
    rig.server.faults().cut(CutHow::Rst);
    running.until_event("symbol.id_reset").await;
    let shown = running
        .board
        .wait_until(|s| s.symbols[0].phase == Phase::Stopped)
        .await;
    assert_eq!(
        shown.symbols[1].phase,
        Phase::Live,
        "the other symbol goes on"
    );
    running.stop().await.expect("a graceful stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_market_is_confirmed_and_left_alone() {
    let (rig, running) = collecting(ending(4000)).await;
    running.until_taken(4000).await;
    running
        .until("both symbols to be quiet", |shown| {
            shown
                .symbols
                .iter()
                .all(|symbol| symbol.link == Link::Quiet)
        })
        .await;
    let asked = rig.server.stats().rest_requests.values().sum::<u64>();
    running
        .until("more questions", |_| {
            rig.server.stats().rest_requests.values().sum::<u64>() >= asked + 4
        })
        .await;
    assert_eq!(running.count("stream.dead"), 0);
    let summary = running.stop().await.expect("a graceful stop");
    assert_eq!(summary.shown.totals.reconnects, 0);
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_that_is_ahead_of_the_stream_is_no_reason_to_reconnect() {
    let config = Config {
        stream_delay: Duration::from_millis(30),
        ..busy()
    };
    let (rig, running) = collecting(config).await;
    running.until_more(3000).await;
    assert_eq!(running.count("stream.dead"), 0);
    finish(rig, running).await;
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
