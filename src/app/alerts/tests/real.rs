//! Real channels and real receivers on loopback.

use std::collections::BTreeMap;

use tokio::net::TcpListener;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::*;
use crate::notify::ChannelConfig;

pub(super) fn open_all(toml: &str) -> Outlets {
    let channels: BTreeMap<String, ChannelConfig> = toml::from_str(toml).expect(toml);
    open(&channels, &|name| {
        (name == "TOKEN").then(|| "1:hunter2".to_owned())
    })
    .expect(toml)
}

/// Limits for receivers that answer in milliseconds.
fn quick() -> Limits {
    Limits {
        retry_min: Duration::from_millis(5),
        retry_max: Duration::from_millis(20),
        per_minute: NonZeroU32::new(60_000).expect("many"),
        burst: NonZeroU32::new(1000).expect("many"),
        ..Limits::default()
    }
}

async fn server(responses: &[(u16, u64)], rest: u16) -> MockServer {
    let server = MockServer::start().await;
    for (status, times) in responses {
        Mock::given(any())
            .respond_with(ResponseTemplate::new(*status))
            .up_to_n_times(*times)
            .mount(&server)
            .await;
    }
    Mock::given(any())
        .respond_with(ResponseTemplate::new(rest))
        .mount(&server)
        .await;
    server
}

async fn requests(server: &MockServer) -> Vec<serde_json::Value> {
    let requests = server.received_requests().await.expect("recorded");
    requests
        .iter()
        .map(|r| r.body_json().expect("JSON"))
        .collect()
}

#[tokio::test]
async fn a_receiver_that_fails_twice_gets_the_alert_the_third_time() {
    let server = server(&[(500, 1), (429, 1)], 200).await;
    let toml = format!("[hook]\ntype = 'webhook'\nurl = '{}'", server.uri());
    let events = Events::default();
    let dispatcher = Dispatcher::start("node-1", open_all(&toml), &quick(), events.emit());
    dispatcher.notifier().notify(&notice(1));
    let stats = dispatcher.stop(MINUTE).await;
    assert_eq!((stats[0].sent, stats[0].failed_attempts), (1, 2));
    let bodies = requests(&server).await;
    assert_eq!(bodies.len(), 3);
    assert_eq!(bodies[0], bodies[2]);
    assert_eq!(
        events.all().last(),
        Some(&AlertEvent::Sent {
            channel: "hook".to_owned(),
            notices: 1,
            attempts: 3,
        })
    );
}

#[tokio::test]
async fn one_receiver_that_hangs_keeps_no_other_waiting_and_a_flood_blocks_nobody() {
    let well = server(&[], 200).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let hanging = listener.local_addr().expect("an address");
    let toml = format!(
        "[hanging]\ntype = 'webhook'\nurl = 'http://{hanging}'\ndeadline = '30s'\n\
         [well]\ntype = 'webhook'\nurl = '{}'",
        well.uri()
    );
    let dispatcher = Dispatcher::start(
        "node-1",
        open_all(&toml),
        &quick(),
        Events::default().emit(),
    );
    let notifier = dispatcher.notifier();
    let template = notice(1);
    let begun = Instant::now();
    for _ in 0..10_000 {
        notifier.notify(&template);
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    for stats in notifier.stats() {
        assert!(stats.waiting <= 256, "{stats:?}");
    }
    let begun = Instant::now();
    let stats = dispatcher.stop(Duration::from_secs(5)).await;
    assert!(begun.elapsed() < Duration::from_secs(7));
    for stats in &stats {
        let all = stats.sent + stats.dropped + stats.given_up + stats.unsent;
        assert_eq!(all, 10_000, "{stats:?}");
    }
    assert_eq!((stats[0].sent, stats[0].unsent), (0, 256));
    assert_eq!((stats[1].sent, stats[1].unsent), (256, 0));
    let bodies = requests(&well).await;
    assert_eq!(bodies[0]["lost"], 10_000 - 256);
    assert_eq!(bodies[1]["lost"], 0);
}

#[tokio::test]
async fn a_test_alert_says_how_each_channel_fared_and_names_itself_a_test() {
    let (well, wrong) = (server(&[], 200).await, server(&[], 401).await);
    let toml = format!(
        "[bot]\ntype = 'telegram'\ntoken_env = 'TOKEN'\nchat_id = 1\napi_url = '{}'\n\
         [hook]\ntype = 'webhook'\nurl = '{}'\n\
         [program]\ntype = 'command'\nprogram = '/nonexistent/notify'\n\
         [ping]\ntype = 'ping'\nurl = 'http://127.0.0.1:1'",
        wrong.uri(),
        well.uri()
    );
    let outlets = open_all(&toml);
    assert_eq!((outlets.channels.len(), outlets.pings.len()), (3, 1));
    let dispatcher = Dispatcher::start("node-1", outlets, &quick(), Events::default().emit());
    let trials = dispatcher.send_test_alert(1_767_323_045_000_000).await;
    let outcomes: Vec<_> = trials
        .iter()
        .map(|t| (t.channel.as_str(), t.outcome.is_ok()))
        .collect();
    assert_eq!(
        outcomes,
        [("bot", false), ("hook", true), ("program", false)]
    );
    let error = trials[0]
        .outcome
        .as_ref()
        .expect_err("a wrong token")
        .to_string();
    assert!(
        error.contains("@BotFather") && !error.contains("hunter2"),
        "{error}"
    );
    let bodies = requests(&well).await;
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0]["is_test"], true);
    assert_eq!(bodies[0]["title"], "TEST, WARNING: a test alert [node-1]");
    assert_eq!(bodies[0]["at"], "2026-01-02T03:04:05Z");
    // A test that fails says nothing about alerts.
    assert!(
        dispatcher
            .notifier()
            .readings()
            .iter()
            .all(|reading| reading.value == 0.0)
    );
}

#[tokio::test]
async fn a_ping_is_sent_while_there_is_a_sign_of_life_and_only_then() {
    let server = server(&[(500, 1)], 200).await;
    let toml = format!(
        "[ping]\ntype = 'ping'\nurl = '{}'\ninterval = '1s'",
        server.uri()
    );
    let events = Events::default();
    let limits = Limits {
        // A sign of life lasts for as long as this test.
        pulse_intervals: 60,
        ..quick()
    };
    let dispatcher = Dispatcher::start("node-1", open_all(&toml), &limits, events.emit());
    let received = async || server.received_requests().await.expect("recorded").len();
    let pulse = dispatcher.pulse();
    let quiet = Duration::from_millis(1300);
    // Nobody has said that all is well.
    tokio::time::sleep(quiet).await;
    assert_eq!(received().await, 0);
    pulse.beat();
    let begun = Instant::now();
    let until = async |count| {
        while received().await < count {
            assert!(begun.elapsed() < Duration::from_secs(20), "no ping {count}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // The first one fails and is repeated soon; then one a second.
    until(2).await;
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
    until(4).await;
    assert!(begun.elapsed() >= Duration::from_secs(2));
    pulse.stop();
    let at_stop = received().await;
    tokio::time::sleep(quiet).await;
    let late = received().await;
    assert!(
        late <= at_stop + 1,
        "one may have been on its way: {at_stop}, {late}"
    );
    pulse.beat();
    until(late + 1).await;
    let stats = dispatcher.notifier().ping_stats();
    assert_eq!(stats[0].failed_in_a_row, 0);
    let codes = events.codes();
    assert_eq!(codes, ["ping_failed", "ping_mended", "ping_paused"]);
    dispatcher.stop(MINUTE).await;
}

#[tokio::test]
async fn a_sign_of_life_that_nobody_renews_ends_the_pings() {
    let server = server(&[], 200).await;
    let toml = format!(
        "[ping]\ntype = 'ping'\nurl = '{}'\ninterval = '1s'",
        server.uri()
    );
    let events = Events::default();
    let limits = Limits {
        pulse_intervals: 1,
        ..quick()
    };
    let dispatcher = Dispatcher::start("node-1", open_all(&toml), &limits, events.emit());
    dispatcher.pulse().beat();
    let begun = Instant::now();
    while !events.codes().contains(&"ping_paused") {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let received = server.received_requests().await.expect("recorded").len();
    assert!((1..=2).contains(&received), "{received}");
}

#[tokio::test]
async fn a_ping_that_keeps_failing_is_reported_by_the_channels() {
    let toml = "[ping]\ntype = 'ping'\nurl = 'http://127.0.0.1:1'\ninterval = '1s'";
    let events = Events::default();
    let dispatcher = Dispatcher::start("node-1", open_all(toml), &quick(), events.emit());
    dispatcher.pulse().beat();
    let begun = Instant::now();
    let broken = loop {
        assert!(begun.elapsed() < Duration::from_secs(10));
        let readings = dispatcher.notifier().readings();
        if readings[0].value > 0.0 {
            break readings[0].clone();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(
        (broken.metric, broken.value >= 3.0),
        (Metric::ChannelBroken, true)
    );
    assert_eq!(broken.subject.as_deref(), Some("ping"));
    assert!(
        broken
            .detail
            .contains("pings in a row failed: reach http://127.0.0.1:1")
    );
}
