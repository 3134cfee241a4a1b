//! History that cannot be asked, or that has no answer.

use super::*;

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
    running.until_reached(6000).await;
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
    running.until_reached(5000).await;
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
async fn history_that_is_ahead_of_the_stream_is_no_reason_to_reconnect() {
    let config = Config {
        stream_delay: Duration::from_millis(30),
        ..busy()
    };
    let mut rig = Rig::start(config).await;
    // Far more than the stream lags, as it is by default, for machines that are busy.
    rig.settings.limits.silence_grace = Duration::from_millis(500);
    let running = rig.collect();
    running.until_taken(3000).await;
    running.until_more(3000).await;
    assert_eq!(running.count("stream.dead"), 0);
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_whose_symbols_have_all_stopped_ends_and_says_so() {
    let (rig, running) = collecting(ending(4000)).await;
    running.until_taken(4000).await;
    strike(&rig, Fault::new(FaultKind::LatestBehind { by: 500 }));
    rig.server.faults().cut(CutHow::Rst);
    let ended = tokio::time::timeout(common::PATIENCE, running.task).await;
    let error = ended
        .expect("it ends")
        .expect("no panic")
        .expect_err("nothing to go on with");
    assert!(error.to_string().contains("every symbol"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_market_is_not_taken_for_dead_while_its_history_is_fetched() {
    let config = Config {
        history: Some(30_000),
        trades_per_day: Some(1_000_000),
        ..ending(30_000)
    };
    let rig = Rig::start(config).await;
    strike(&rig, Fault::new(FaultKind::RestDelay { delay_ms: 100 }));
    let running = rig.collect();
    running.until_taken(30_000).await;
    assert_eq!(running.count("stream.dead"), 0);
    running.stop().await.expect("a graceful stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_id_far_ahead_is_given_up_without_a_flood_of_requests() {
    let (rig, running) = collecting(busy()).await;
    let asked = rig.server.stats().rest_requests.values().sum::<u64>();
    let fault = FaultKind::FarId {
        every: 1,
        ahead: 1_000_000,
    };
    strike(&rig, Fault::new(fault).symbol("BTCUSDT").times(1));
    running.until_event("trades.unconfirmed").await;
    running
        .until("the gap to close", |s| {
            s.symbols.iter().all(|s| s.gaps_open == 0)
        })
        .await;
    let more = rig.server.stats().rest_requests.values().sum::<u64>() - asked;
    assert!(more < 60, "{more} requests for one id");
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_stream_is_left_even_while_history_cannot_be_asked() {
    let (rig, running) = collecting(busy()).await;
    strike(
        &rig,
        Fault::new(FaultKind::RestStatus {
            status: 503,
            retry_after_s: None,
        }),
    );
    rig.server.faults().pings_only();
    running.until_event("stream.dead").await;
    rig.server.faults().clear();
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_heard_while_an_exchange_that_hangs_is_asked_for_the_first_time() {
    let mut rig = Rig::start(busy()).await;
    rig.binance.request_deadline = common::PATIENCE * 4;
    strike(&rig, Fault::new(FaultKind::RestHang {}));
    let running = rig.collect();
    let asked = async {
        while rig.server.stats().faults_struck == 0 {
            tokio::task::yield_now().await;
        }
    };
    let asked = tokio::time::timeout(common::PATIENCE, asked).await;
    asked.expect("the exchange is asked");
    let summary = running.stop().await.expect("a graceful stop");
    assert_eq!(summary.shown.symbols[0].trades, 0);
}
