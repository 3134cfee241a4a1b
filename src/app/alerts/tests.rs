use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    testing::{Act, Events, Script, notice, outlets},
    *,
};
use crate::domain::alert::{Metric, Notice, Severity};

mod broken;
mod kept;
mod real;

const MINUTE: Duration = Duration::from_secs(60);

fn start(scripts: &[&Arc<Script>], events: &Events) -> Dispatcher {
    Dispatcher::start(
        "node-1",
        outlets(scripts),
        &Limits::default(),
        events.emit(),
    )
}

fn subjects(notices: &[Notice]) -> Vec<&str> {
    let subjects = notices.iter().map(|notice| notice.subject.as_deref());
    subjects.map(Option::unwrap_or_default).collect()
}

#[tokio::test(start_paused = true)]
async fn every_channel_gets_every_notice_in_order_and_a_storm_as_one_message() {
    let (one, many) = (
        Script::new("one", 1, Act::Arrive),
        Script::new("many", 40, Act::Arrive),
    );
    let events = Events::default();
    let dispatcher = start(&[&one, &many], &events);
    for number in 0..100 {
        dispatcher.notifier().notify(&notice(number));
    }
    let single = one.wait_for(100).await;
    let expected: Vec<String> = (0..100).map(|number| format!("S{number}")).collect();
    let got: Vec<_> = single
        .iter()
        .flat_map(|(_, m)| subjects(&m.notices))
        .collect();
    assert_eq!(got, expected);
    let batches = many.heard();
    let sizes: Vec<_> = batches.iter().map(|(_, m)| m.notices.len()).collect();
    assert_eq!(sizes, [40, 40, 20]);
    let got: Vec<_> = batches
        .iter()
        .flat_map(|(_, m)| subjects(&m.notices))
        .collect();
    assert_eq!(got, expected);
    assert!(
        single
            .iter()
            .chain(&batches)
            .all(|(_, m)| m.collector == "node-1" && m.lost == 0)
    );
    let stats = dispatcher.stop(MINUTE).await;
    assert_eq!((stats[0].sent, stats[1].sent), (100, 100));
    assert!(events.codes().iter().all(|code| *code == "alert_sent"));
}

#[tokio::test(start_paused = true)]
async fn no_minute_sees_more_messages_than_the_limit_and_the_burst() {
    let one = Script::new("one", 1, Act::Arrive);
    let dispatcher = start(&[&one], &Events::default());
    for number in 0..100 {
        dispatcher.notifier().notify(&notice(number));
    }
    let heard = one.wait_for(100).await;
    let limits = Limits::default();
    let most = (limits.per_minute.get() + limits.burst.get()) as usize;
    for window in heard.windows(most + 1) {
        let apart = window[most].0 - window[0].0;
        assert!(apart >= MINUTE, "{most} messages in {apart:?}");
    }
    // It is used, too: 95 messages after the burst at 20 a minute.
    let all = heard[99].0 - heard[0].0;
    assert!(all <= Duration::from_secs(95 * 3 + 1), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_later_and_later_and_given_up_in_the_end() {
    let one = Script::new("one", 1, Act::Arrive).first(&[Act::Fail; 5]);
    let events = Events::default();
    let limits = Limits {
        attempts: 5,
        ..Limits::default()
    };
    let dispatcher = Dispatcher::start("node-1", outlets(&[&one]), &limits, events.emit());
    dispatcher.notifier().notify(&notice(1));
    dispatcher.notifier().notify(&notice(2));
    let heard = one.wait_for(6).await;
    for (number, base_s) in [1, 2, 4, 8].into_iter().enumerate() {
        let pause = heard[number + 1].0 - heard[number].0;
        let base = Duration::from_secs(base_s);
        assert!(
            (base / 2..=base + Duration::from_millis(10)).contains(&pause),
            "{pause:?}"
        );
        assert_eq!(heard[number].1, heard[0].1, "the same message");
    }
    // The next message says that one was lost.
    assert_eq!(subjects(&heard[5].1.notices), ["S2"]);
    assert_eq!(heard[5].1.lost, 1);
    dispatcher.notifier().notify(&notice(3));
    let heard = one.wait_for(7).await;
    assert_eq!(heard[6].1.lost, 0, "it was told of it once");
    let stats = dispatcher.stop(MINUTE).await;
    assert_eq!(
        (stats[0].sent, stats[0].given_up, stats[0].failed_attempts),
        (2, 1, 5)
    );
    assert_eq!(
        events.codes(),
        [
            "alert_attempt_failed",
            "alert_attempt_failed",
            "alert_attempt_failed",
            "alert_attempt_failed",
            "alert_given_up",
            "alert_channel_mended",
            "alert_sent",
            "alert_sent",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_wants_silence_gets_it_within_reason() {
    for (asked_s, least_s, most_s) in [(7, 7, 8), (86_400, 300, 301)] {
        let acts = [Act::FailFor(Duration::from_secs(asked_s))];
        let one = Script::new("one", 1, Act::Arrive).first(&acts);
        let dispatcher = start(&[&one], &Events::default());
        dispatcher.notifier().notify(&notice(1));
        let heard = one.wait_for(2).await;
        let pause = heard[1].0 - heard[0].0;
        assert!(pause >= Duration::from_secs(least_s), "{pause:?}");
        assert!(pause <= Duration::from_secs(most_s), "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_get_better_is_tried_once() {
    let one = Script::new("one", 1, Act::Refuse);
    let dispatcher = start(&[&one], &Events::default());
    for number in 0..3 {
        dispatcher.notifier().notify(&notice(number));
    }
    let heard = one.wait_for(3).await;
    let lost: Vec<_> = heard.iter().map(|(_, message)| message.lost).collect();
    assert_eq!(lost, [0, 1, 2]);
    let stats = dispatcher.stop(MINUTE).await;
    assert_eq!((stats[0].failed_attempts, stats[0].given_up), (3, 3));
    assert_eq!(
        stats[0].last_error.as_deref(),
        Some("the receiver refuses; hint: change it")
    );
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_hangs_or_panics_costs_one_attempt_and_not_its_task() {
    let one = Script::new("one", 1, Act::Arrive).first(&[Act::Hang, Act::Panic]);
    let dispatcher = start(&[&one], &Events::default());
    let begun = Instant::now();
    dispatcher.notifier().notify(&notice(1));
    dispatcher.notifier().notify(&notice(2));
    let heard = one.wait_for(3).await;
    // Twice the deadline and a second, then a pause: the panic is not tried again.
    assert!(heard[1].0 - begun >= Duration::from_secs(21));
    assert!(heard[1].0 - begun <= Duration::from_secs(24));
    assert_eq!(subjects(&heard[2].1.notices), ["S2"]);
    assert_eq!(heard[2].1.lost, 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_taker_that_panics_does_not_end_the_task() {
    let one = Script::new("one", 1, Act::Arrive);
    let emit = Emit::new(|_| panic!("as the test says"));
    let dispatcher = Dispatcher::start("node-1", outlets(&[&one]), &Limits::default(), emit);
    for number in 0..3 {
        dispatcher.notifier().notify(&notice(number));
    }
    assert_eq!(one.wait_for(3).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_flood_stays_bounded_and_what_was_dropped_is_told() {
    let (stuck, slow) = (
        Script::new("stuck", 40, Act::Hang),
        Script::new("slow", 40, Act::Arrive),
    );
    let events = Events::default();
    let dispatcher = start(&[&stuck, &slow], &events);
    let notifier = dispatcher.notifier();
    notifier.notify(&notice(0));
    stuck.wait_for(1).await;
    slow.wait_for(1).await;
    // Nobody else runs until this is done: it never waits.
    let template = notice(1);
    for number in 1..=10_000_u64 {
        notifier.notify(&Notice {
            subject: Some(format!("S{number}")),
            ..template.clone()
        });
    }
    for stats in notifier.stats() {
        assert_eq!(
            (stats.waiting, stats.dropped),
            (256, 10_000 - 256),
            "{stats:?}"
        );
    }
    let told = slow.wait_for(8).await;
    assert_eq!(told[1].1.lost, 10_000 - 256);
    assert!(told[2..].iter().all(|(_, message)| message.lost == 0));
    // The newest ones are there, in order.
    let got: Vec<_> = told[1..]
        .iter()
        .flat_map(|(_, m)| subjects(&m.notices))
        .collect();
    let expected: Vec<String> = (9745..=10_000).map(|number| format!("S{number}")).collect();
    assert_eq!(got, expected);
    let overflows = events
        .codes()
        .iter()
        .filter(|c| **c == "alert_queue_overflowing")
        .count();
    assert_eq!(overflows, 2, "once for each channel, not for each notice");
    // What the stuck one could not send is counted to the last notice.
    let stats = dispatcher.stop(Duration::from_secs(5)).await;
    let stuck = &stats[0];
    assert_eq!((stuck.sent, stuck.unsent, stuck.waiting), (0, 257, 0));
    assert_eq!(stuck.dropped + stuck.unsent, 10_001);
    assert_eq!(stats[1].sent, 257);
}

#[tokio::test(start_paused = true)]
async fn a_stop_sends_what_waits_in_a_hurry_and_ends_in_time() {
    let (well, stuck, failing) = (
        Script::new("well", 1, Act::Arrive),
        Script::new("stuck", 1, Act::Hang),
        Script::new("failing", 1, Act::Arrive).first(&[Act::FailFor(Duration::from_secs(250))]),
    );
    let events = Events::default();
    let dispatcher = start(&[&well, &stuck, &failing], &events);
    let notifier = dispatcher.notifier();
    for number in 0..50 {
        notifier.notify(&notice(number));
    }
    failing.wait_for(1).await;
    let begun = Instant::now();
    let deadline = Duration::from_secs(10);
    let stats = dispatcher.stop(deadline).await;
    assert!(begun.elapsed() <= deadline + Duration::from_millis(50));
    // Neither the rate limit nor a long silence is waited for any more.
    assert_eq!((stats[0].sent, stats[0].unsent), (50, 0));
    assert_eq!((stats[1].sent, stats[1].unsent), (0, 50));
    assert_eq!((stats[2].sent, stats[2].unsent), (50, 0));
    assert_eq!(events.codes().last(), Some(&"alert_unsent"));
    // Nobody takes what comes later, and that is counted as well.
    notifier.notify(&notice(50));
    assert_eq!(notifier.stats()[0].dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn a_channel_hears_what_matters_enough() {
    let (all, critical) = (
        Script::new("all", 1, Act::Arrive),
        Script::new("critical", 1, Act::Arrive),
    );
    let mut outlets = outlets(&[&all, &critical]);
    outlets.channels[1].min_severity = Severity::Critical;
    let limits = Limits {
        burst: NonZeroU32::new(10).expect("ten"),
        ..Limits::default()
    };
    let events = Events::default();
    let dispatcher = Dispatcher::start("node-1", outlets, &limits, events.emit());
    let warning = Notice {
        severity: Severity::Warning,
        metric: Metric::SpoolRows,
        ..notice(1)
    };
    dispatcher.notifier().notify(&warning);
    dispatcher.notifier().notify(&notice(2));
    let stats = dispatcher.stop(MINUTE).await;
    assert_eq!((stats[0].sent, stats[1].sent), (2, 1));
    assert_eq!(subjects(&critical.heard()[0].1.notices), ["S2"]);
}
