//! A test of each channel, so that the first real alert is not the first attempt.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{settings::Outlet, task::attempt};
use crate::{
    domain::alert::{Comparison, Metric, Notice, NoticeKind, Severity},
    notify::{ChannelError, Message},
};

/// How a test of one channel ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The channel.
    pub channel: String,
    /// Whether the message arrived.
    pub outcome: Result<(), ChannelError>,
    /// How long it took.
    pub took: Duration,
}

/// Sends a marked test by each of `outlets`, all at once and each one once, and returns how
/// each ended, in their order. `now_us` is the wall clock in µs.
pub async fn send_test_alert(collector: &str, outlets: &[Outlet], now_us: i64) -> Vec<Trial> {
    let message = Message {
        collector: collector.to_owned(),
        is_test: true,
        lost: 0,
        notices: vec![notice(now_us)],
    };
    let trials = outlets.iter().map(|outlet| async {
        let begun = Instant::now();
        let outcome = attempt(outlet, &message).await;
        Trial {
            channel: outlet.channel.name().to_owned(),
            outcome,
            took: begun.elapsed(),
        }
    });
    join_all(trials).await
}

fn notice(now_us: i64) -> Notice {
    Notice {
        kind: NoticeKind::Firing,
        rule: "test_alert".to_owned(),
        severity: Severity::Warning,
        metric: Metric::ChannelBroken,
        subject: None,
        value: 0.0,
        comparison: Comparison::Above,
        limit: 0.0,
        text: "a test alert".to_owned(),
        detail: String::new(),
        hint: "nothing: somebody tries whether alerts arrive here".to_owned(),
        since_us: now_us,
        at_us: now_us,
        reminder: 0,
        flaps: 0,
        suppressed: 0,
        ended: None,
    }
}
