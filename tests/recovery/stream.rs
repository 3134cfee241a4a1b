//! Connections and messages that go wrong.

use std::sync::Arc;

use streamkit::{app::collect::Event, domain::repeats};

use super::*;

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
    running.until_event("stream.renewed").await;
    assert_eq!(running.count("stream.disconnected"), 0, "make before break");
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

/// A trade under the id of another one that is about to come must not be taken for it.
async fn near_id(ahead: i64) {
    let (rig, running) = collecting(busy()).await;
    for every in [150, 7] {
        let fault = FaultKind::FarId { every, ahead };
        strike(&rig, Fault::new(fault).times(12));
        running.until_more(900).await;
    }
    let shown = running.board.read();
    let disputed: u64 = shown.symbols.iter().map(|s| s.disputed).sum();
    assert!(disputed > 0, "no wrong id was noticed: {shown:#?}");
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trade_under_the_id_of_its_successor_is_found_out() {
    near_id(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trade_under_an_id_two_ahead_is_found_out() {
    near_id(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trade_under_an_id_fifty_ahead_is_found_out() {
    near_id(50).await;
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
async fn a_link_that_flaps_fills_few_rows_and_each_time_is_counted() {
    let (rig, running) = collecting(busy()).await;
    for _ in 0..15 {
        let before = running.board.read().totals.reconnects;
        rig.server.faults().cut(CutHow::Rst);
        running
            .until("a new connection", |shown| shown.totals.reconnects > before)
            .await;
        running.until_more(20).await;
    }
    let events = Arc::clone(&running.events);
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
    for code in ["stream.disconnected", "stream.connected"] {
        let texts = rig.event_texts(code);
        assert!(texts.len() <= 4, "{texts:?}");
        let happened = events.lock().expect("not poisoned");
        let happened = happened.iter().filter(|event| event.code() == code).count();
        let counted: u64 = texts.iter().map(|text| repeats::times(text)).sum();
        assert_eq!(counted, happened as u64, "{texts:?}");
    }
    let summary = summary.shown.symbols[0].clone();
    let gaps = rig.gaps().await;
    let of_symbol = gaps.iter().filter(|gap| gap.symbol == summary.symbol);
    assert_eq!(
        of_symbol.count() as u64,
        summary.gaps_repaired,
        "no gap is only counted"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_messages_are_told_of_to_the_last_one() {
    let (rig, running) = collecting(busy()).await;
    let how = GarbleHow::BrokenJson;
    strike(
        &rig,
        Fault::new(FaultKind::Garble { every: 20, how }).times(40),
    );
    running
        .until("them all to come", |shown| shown.totals.malformed >= 40)
        .await;
    let events = Arc::clone(&running.events);
    let summary = running.stop().await.expect("a graceful stop");
    let events = events.lock().expect("not poisoned");
    let told = events.iter().map(|event| match event {
        Event::Malformed { messages, .. } => *messages,
        _ => 0,
    });
    assert_eq!(told.sum::<u64>(), summary.shown.totals.malformed);
}
