//! A link that is mute beside another one is found, told of, and made anew alone.

use streamkit::app::collect::snapshot::ConnectionSnapshot;

use super::*;

/// Two links; the first connection that is made is struck.
async fn two_links(fault: Fault) -> (Rig, Running) {
    let mut rig = Rig::start(busy()).await;
    rig.settings.limits.links = 2;
    strike(&rig, fault.times(1));
    let running = rig.collect();
    (rig, running)
}

/// The connection that is behind with these symbols is made anew, and the other one stays.
async fn is_made_anew_alone(fault: Fault, mute: &[&str]) {
    let (rig, running) = two_links(fault).await;
    let is_behind = |link: &&ConnectionSnapshot| !link.behind.is_empty();
    running
        .until("one link to be seen behind", |shown| {
            shown.connections.iter().filter(is_behind).count() == 1
        })
        .await;
    running.until_event("link.dead").await;
    let verdict = {
        let events = running.events.lock().expect("not poisoned");
        let mut verdicts = events
            .iter()
            .filter(|event| matches!(event, Event::LinkDead { .. }));
        verdicts.next().cloned().expect("a verdict")
    };
    let Event::LinkDead {
        connection,
        symbols,
        last_id,
        front_id,
        behind,
    } = verdict
    else {
        panic!("{verdict:?}");
    };
    assert_eq!(
        symbols,
        mute.iter().map(|name| symbol(name)).collect::<Vec<_>>()
    );
    assert_eq!(last_id, None, "nothing ever came");
    assert!(front_id > 0);
    // The bound from above is shown where time is an argument.
    let limits = &rig.settings.limits;
    assert!(behind >= limits.silence_min + 2 * limits.silence_grace);

    running.until_event("link.alive").await;
    running
        .until("two links that bring everything", |shown| {
            let mut links = shown.connections.iter();
            links.all(|link| link.up_since_us.is_some() && link.behind.is_empty())
        })
        .await;
    let reconnects: Vec<_> = {
        let links = running.board.read().connections;
        links.iter().map(|link| link.reconnects).collect()
    };
    let alone: Vec<_> = (1..=2).map(|link| u64::from(link == connection)).collect();
    assert_eq!(reconnects, alone, "the other one is as it was");
    assert_eq!(running.count("stream.dead"), 0);
    running.until_taken(3000).await;
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_mute_beside_another_one_is_made_anew_alone() {
    let mute = Fault::new(FaultKind::PingsOnly { open: false });
    is_made_anew_alone(mute, &["BTCUSDT", "ETHUSDT"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_lacks_one_symbol_is_made_anew_alone() {
    let mute = Fault::new(FaultKind::MuteSymbol { open: false }).symbol("ETHUSDT");
    is_made_anew_alone(mute, &["ETHUSDT"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_a_quiet_market_are_left_alone() {
    let mut rig = Rig::start(Config {
        length: Some(4000),
        ..busy()
    })
    .await;
    rig.settings.limits.links = 2;
    let running = rig.collect();
    running.until_taken(4000).await;
    let requests = || rig.server.stats().rest_requests.values().sum::<u64>();
    let asked = requests();
    running
        .until("several confirmed silences", |_| requests() >= asked + 8)
        .await;
    assert_eq!(running.count("link.dead"), 0);
    let summary = running.stop().await.expect("a graceful stop");
    assert_eq!(summary.shown.totals.reconnects, 0);
    rig.assert_exact(&summary).await;
}
