//! Channels that cannot send, with the rules that report them, over a day.

use super::*;
use crate::domain::alert::{Alerts, NoticeKind, Reading, Rule};

/// Looks at the rules every 10 s, for so long.
async fn look_for(
    alerts: &mut Alerts,
    dispatcher: &Dispatcher,
    duration: Duration,
    begun: Instant,
) {
    let notifier = dispatcher.notifier();
    let until = Instant::now() + duration;
    while Instant::now() < until {
        let now_us = begun.elapsed().as_micros() as i64;
        for notice in alerts.evaluate(&notifier.readings(), now_us) {
            notifier.notify(&notice);
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}

fn rules() -> Alerts {
    Alerts::new(Rule::defaults()).expect("rules")
}

/// What `script` was told about broken channels: kind, reminder and subject.
fn told(script: &Script) -> Vec<(NoticeKind, u32, String)> {
    let heard = script.heard();
    let notices = heard.iter().flat_map(|(_, message)| &message.notices);
    notices
        .filter(|notice| notice.metric == Metric::ChannelBroken)
        .map(|n| (n.kind, n.reminder, n.subject.clone().unwrap_or_default()))
        .collect()
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_broken_channel_is_reported_by_the_others_probed_and_reported_mended() {
    let (bad, good) = (
        Script::new("bad", 40, Act::Refuse),
        Script::new("good", 40, Act::Arrive),
    );
    let mut outlets = outlets(&[&bad, &good]);
    // However little the other one wants to hear.
    outlets.channels[1].min_severity = Severity::Critical;
    let events = Events::default();
    let dispatcher = Dispatcher::start("node-1", outlets, &Limits::default(), events.emit());
    let (mut alerts, begun) = (rules(), Instant::now());
    look_for(&mut alerts, &dispatcher, MINUTE, begun).await;
    assert!(good.heard().is_empty() && bad.heard().is_empty());
    dispatcher.notifier().notify(&notice(1));
    look_for(&mut alerts, &dispatcher, MINUTE, begun).await;
    let first = (NoticeKind::Firing, 0, "bad".to_owned());
    assert_eq!(told(&good), [first]);
    assert_eq!(told(&bad), [], "not to itself");
    let heard = good.heard();
    let notice = &heard[1].1.notices[0];
    assert_eq!(
        notice.detail,
        "1 alerts in a row were given up: the receiver refuses; hint: change it"
    );
    assert_eq!(
        notice.to_string(),
        "WARNING: bad: an alert channel cannot send"
    );
    // For a day a reminder an hour, and a probe an hour: no loop.
    look_for(&mut alerts, &dispatcher, 24 * HOUR, begun).await;
    assert_eq!(told(&good).len(), 1 + 24);
    assert_eq!(told(&bad).len(), 24);
    assert_eq!(bad.heard().len(), 1 + 24);
    // Somebody mends it: the next probe finds out.
    bad.now_does(Act::Arrive);
    look_for(&mut alerts, &dispatcher, HOUR + MINUTE, begun).await;
    let resolved = |told: Vec<(NoticeKind, u32, String)>| {
        let resolved = told
            .into_iter()
            .filter(|(kind, ..)| *kind == NoticeKind::Resolved);
        resolved.map(|(_, _, subject)| subject).collect::<Vec<_>>()
    };
    assert_eq!(resolved(told(&good)), ["bad"]);
    assert_eq!(resolved(told(&bad)), ["bad"]);
    let heard = bad.heard();
    assert_eq!(heard[25].1.lost, 25, "it hears what it missed");
    assert_eq!(heard[26].1.lost, 0);
    assert!(events.codes().contains(&"alert_channel_mended"));
    assert!(alerts.active().is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_all_channels_are_broken_nothing_loops_and_nothing_grows() {
    let scripts: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|name| Script::new(name, 40, Act::Fail))
        .collect();
    let events = Events::default();
    let dispatcher = start(&scripts.iter().collect::<Vec<_>>(), &events);
    let (mut alerts, begun) = (rules(), Instant::now());
    dispatcher.notifier().notify(&notice(1));
    look_for(&mut alerts, &dispatcher, 24 * HOUR, begun).await;
    for (script, stats) in scripts.iter().zip(dispatcher.notifier().stats()) {
        // Each hour a reminder about each of three, ten attempts each at most.
        let attempts = script.heard().len();
        assert!((24..=25 * 3 * 10).contains(&attempts), "{attempts}");
        assert!(stats.waiting <= 3, "{stats:?}");
        assert_eq!(stats.sent, 0);
    }
    assert!(alerts.states() <= 3);
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_flaps_for_a_day_is_one_notice_a_cooldown_and_one_recovery() {
    let (one, many) = (
        Script::new("one", 1, Act::Arrive),
        Script::new("many", 40, Act::Arrive),
    );
    let dispatcher = start(&[&one, &many], &Events::default());
    let notifier = dispatcher.notifier();
    let (mut alerts, begun) = (rules(), Instant::now());
    // Stale for 30 s, fresh for 30 s; then fresh for good.
    while begun.elapsed() < 25 * HOUR {
        let now = begun.elapsed();
        let is_stale = now < 24 * HOUR && now.as_secs() / 30 % 2 == 0;
        let stale_s = if is_stale { 600.0 } else { 0.0 };
        let reading = Reading::new(Metric::DataStaleS, stale_s).of("BTCUSDT");
        for notice in alerts.evaluate(&[reading], now.as_micros() as i64) {
            notifier.notify(&notice);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    for script in [&one, &many] {
        let heard = script.heard();
        let kinds: Vec<_> = heard
            .iter()
            .flat_map(|(_, message)| &message.notices)
            .map(|notice| (notice.kind, notice.reminder))
            .collect();
        let mut expected: Vec<_> = (0..96).map(|n| (NoticeKind::Firing, n)).collect();
        expected.push((NoticeKind::Resolved, 95));
        assert_eq!(kinds, expected);
        // In 15 minutes it came back fifteen times, and the reminder says so.
        assert_eq!(heard[1].1.notices[0].flaps, 15);
        let cooldown = Duration::from_secs(15 * 60);
        for pair in heard[..96].windows(2) {
            assert!(pair[1].0 - pair[0].0 + Duration::from_secs(1) >= cooldown);
        }
    }
}
