//! Two connections at once: one that is lost costs nothing.

use super::{
    common::{Rig, Running},
    relay::Relay,
    *,
};

/// Two links by a relay; nothing is asked for by silences shorter than a second, or to seal.
async fn two_links() -> (Rig, Relay, Running) {
    let mut rig = Rig::start(busy()).await;
    let relay = Relay::to(&rig.server.ws_url()).await;
    let socket = &mut rig.binance.socket;
    (socket.ping_interval, socket.pong_deadline) = (Duration::from_secs(1), Duration::from_secs(1));
    rig.binance.ws_urls = vec![relay.url().parse().expect("a URL")];
    let limits = &mut rig.settings.limits;
    limits.links = 2;
    // Whoever seals may have to ask where a first day begins.
    limits.seal_delay = Duration::from_secs(3600);
    limits.silence_min = Duration::from_secs(1);
    limits.silence_max = Duration::from_secs(5);
    let running = rig.collect();
    running.until_taken(3000).await;
    running.until_two_links().await;
    (rig, relay, running)
}

fn requests(rig: &Rig) -> u64 {
    rig.server.stats().rest_requests.values().sum()
}

/// Loses the first link, for good at first: the other one carries on as if nothing were.
async fn lost(lose: fn(&Relay)) {
    let (rig, relay, running) = two_links().await;
    // What the start has still to ask for has nothing to do with it.
    let mut asked = u64::MAX;
    while requests(&rig) != asked {
        asked = requests(&rig);
        running.until_more(700).await;
    }
    let gaps = running.count("gap.found");
    relay.close(true);
    lose(&relay);
    running.until_event("stream.disconnected").await;
    running.until_event("stream.connect_failed").await;
    running.until_more(1500).await;
    let shown = running.board.read();
    let (down, up): (Vec<_>, Vec<_>) = shown
        .connections
        .iter()
        .partition(|link| link.up_since_us.is_none());
    assert_eq!((down.len(), up.len()), (1, 1), "{shown:#?}");
    let carried = up[0].messages;
    // A trade that was a second late would have been asked for, one that was missed fetched.
    assert_eq!(requests(&rig), asked, "nothing is asked for");
    assert_eq!(running.count("gap.found"), gaps);

    relay.close(false);
    running
        .until("both links", |shown| {
            let mut links = shown.connections.iter();
            links.all(|link| link.up_since_us.is_some())
        })
        .await;
    running.until_more(1500).await;
    let shown = running.board.read();
    let mut reconnects: Vec<_> = shown.connections.iter().map(|l| l.reconnects).collect();
    reconnects.sort_unstable();
    assert_eq!(reconnects, [0, 1], "the other link is as it was");
    assert!(
        shown
            .connections
            .iter()
            .any(|l| l.messages > carried + 1000)
    );

    // A link that begins ahead of the other one may have a page asked for, once a symbol.
    assert!(requests(&rig) <= asked + 2, "{} > {asked}", requests(&rig));
    assert_eq!(running.count("stream.dead"), 0);
    assert_eq!(running.count("stream.disconnected"), 1);
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_cut_beside_another_one_costs_nothing() {
    lost(|relay| relay.cut(0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_half_open_beside_another_one_costs_nothing() {
    lost(|relay| relay.freeze(0)).await;
}
