//! A connection is replaced by one that has shown its worth, and by no other.

use super::*;

/// A collector whose connections are replaced after a second or two.
async fn renewing() -> (Rig, Running) {
    let mut rig = Rig::start(busy()).await;
    let limits = &mut rig.settings.limits;
    limits.renew_after = Duration::from_millis(1500);
    limits.renew_overlap = Duration::from_millis(300);
    let running = rig.collect();
    (rig, running)
}

/// Whether the ids of each renewed connection have met, in order.
fn overlaps(running: &Running) -> Vec<bool> {
    let events = running.events.lock().expect("not poisoned");
    let renewals = events.iter().filter_map(|event| match event {
        Event::Renewed { has_overlapped, .. } => Some(*has_overlapped),
        _ => None,
    });
    renewals.collect()
}

/// A successor that is struck does not take over, and the one after it does.
async fn is_given_up_for_the_next_one(fault: Fault, mute: &str) {
    let (rig, running) = renewing().await;
    running.until_event("stream.connected").await;
    strike(&rig, fault.times(1));
    running.until_event("stream.renew_failed").await;
    assert!(overlaps(&running).is_empty(), "the old connection is kept");
    let told = {
        let events = running.events.lock().expect("not poisoned");
        let mut failed = events
            .iter()
            .filter(|event| event.code() == "stream.renew_failed");
        failed.next().map(ToString::to_string).expect("an event")
    };
    assert!(told.contains(mute), "{told}");
    running.until_more(300).await;
    running.until_event("stream.renewed").await;
    assert!(overlaps(&running)[0], "the ids have met");
    running.until_taken(3000).await;
    running.until_more(300).await;
    for code in ["stream.disconnected", "stream.dead", "gap.found"] {
        assert_eq!(running.count(code), 0, "{code}");
    }
    assert_eq!(running.board.read().totals.reconnects, 0);
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_successor_is_given_up_and_the_old_connection_goes_on() {
    let mute = Fault::new(FaultKind::PingsOnly { open: false });
    is_given_up_for_the_next_one(mute, "BTCUSDT, ETHUSDT").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_lacks_one_symbol_is_given_up() {
    let mute = Fault::new(FaultKind::MuteSymbol { open: false }).symbol("ETHUSDT");
    is_given_up_for_the_next_one(mute, "brings no trades of ETHUSDT").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_whose_own_end_is_announced_is_replaced() {
    let rig = Rig::start(busy()).await;
    let running = rig.collect();
    running.until_taken(3000).await;
    // It strikes the connection that stands, and the one that is made instead.
    let shutdown = FaultKind::ServerShutdown { grace_ms: 120_000 };
    strike(&rig, Fault::new(shutdown).times(1));
    running
        .until("a third connection", |_| {
            rig.server.stats().connections_ever >= 3
        })
        .await;
    running
        .until("the third one to be alone", |_| {
            running.count("stream.renewed") > 0 && rig.server.stats().connections == 1
        })
        .await;
    assert_eq!(running.count("stream.disconnected"), 0);
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}
