//! Hands notices to the queues, and owns the tasks that empty them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{self, Instant},
};

use super::{
    event::{AlertEvent, Emit},
    pulse::Pulse,
    queue::Pushed,
    settings::{Limits, Outlet, Outlets},
    task::{OutletStats, PingStats, Pinger, Shared, Task},
    trial::{self, Trial},
};
use crate::domain::alert::{Metric, Notice, NoticeKind, Reading};

/// Sends alerts. Dropped, it takes its tasks with it; [`stop`](Self::stop) sends what waits
/// first.
#[derive(Debug)]
pub struct Dispatcher {
    notifier: Notifier,
    outlets: Vec<Outlet>,
    collector: String,
    senders: JoinSet<()>,
    pingers: JoinSet<()>,
    pulse: Pulse,
}

/// Takes notices. Cheap to clone, and never waits.
#[derive(Debug, Clone)]
pub struct Notifier {
    channels: Arc<[Arc<Shared>]>,
    pings: Arc<[Arc<Mutex<PingStats>>]>,
    emit: Emit,
}

impl Dispatcher {
    /// Starts a task for each channel and each ping of `outlets`. `collector` is the name
    /// of whoever speaks. Has to be called within a runtime.
    #[must_use]
    pub fn start(
        collector: impl Into<String>,
        outlets: Outlets,
        limits: &Limits,
        emit: Emit,
    ) -> Self {
        let collector = collector.into();
        let pulse = Pulse::new();
        let (mut senders, mut pingers) = (JoinSet::new(), JoinSet::new());
        let mut channels = Vec::new();
        for outlet in &outlets.channels {
            let shared = Arc::new(Shared::new(outlet.clone(), limits));
            let task = Task::new(
                Arc::clone(&shared),
                collector.clone(),
                limits.clone(),
                emit.clone(),
            );
            senders.spawn(task.run_watched());
            channels.push(shared);
        }
        let mut pings = Vec::new();
        for (ping, deadline) in outlets.pings {
            let stats = Arc::new(Mutex::new(PingStats {
                ping: ping.name().to_owned(),
                ..PingStats::default()
            }));
            pings.push(Arc::clone(&stats));
            let pinger = Pinger {
                ping,
                deadline,
                pulse: pulse.watch(),
                stats,
                limits: limits.clone(),
                emit: emit.clone(),
            };
            pingers.spawn(pinger.run_watched());
        }
        let notifier = Notifier {
            channels: channels.into(),
            pings: pings.into(),
            emit,
        };
        Self {
            notifier,
            outlets: outlets.channels,
            collector,
            senders,
            pingers,
            pulse,
        }
    }

    /// Where notices go in.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Where signs of life go in, on which the pings depend.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Sends a marked test by each channel, past the queues, and returns how each ended.
    pub async fn send_test_alert(&self, now_us: i64) -> Vec<Trial> {
        trial::send_test_alert(&self.collector, &self.outlets, now_us).await
    }

    /// Takes no more notices, sends what waits, and returns what became of everything. What
    /// is not sent within `deadline` is counted and reported.
    pub async fn stop(mut self, deadline: Duration) -> Vec<OutletStats> {
        let until = Instant::now() + deadline;
        self.pingers.shutdown().await;
        for channel in self.notifier.channels.iter() {
            channel.queue.close();
            channel.draining.cancel();
        }
        let ended = async { while self.senders.join_next().await.is_some() {} };
        // The outcome stands in the counts.
        let _ = time::timeout_at(until, ended).await;
        self.senders.shutdown().await;
        let channels = self.notifier.channels.iter();
        channels
            .map(|channel| {
                let mut stats = channel.stats();
                stats.unsent += std::mem::take(&mut stats.waiting) as u64;
                if stats.unsent > 0 {
                    self.notifier.emit.emit(&AlertEvent::Unsent {
                        channel: stats.channel.clone(),
                        notices: stats.unsent,
                    });
                }
                stats
            })
            .collect()
    }
}

impl Notifier {
    /// Hands a notice to every channel that it is for. Never waits; where too many wait
    /// already, the oldest is dropped and counted.
    pub fn notify(&self, notice: &Notice) {
        for channel in self.channels.iter() {
            if !is_for(notice, &channel.outlet) {
                continue;
            }
            if channel.queue.push(notice.clone()) == Pushed::FirstDropped {
                self.emit.emit(&AlertEvent::Overflowing {
                    channel: channel.name().to_owned(),
                });
            }
        }
    }

    /// What became of the notices so far, channel by channel.
    #[must_use]
    pub fn stats(&self) -> Vec<OutletStats> {
        self.channels.iter().map(|shared| shared.stats()).collect()
    }

    /// What became of the pings so far.
    #[must_use]
    pub fn ping_stats(&self) -> Vec<PingStats> {
        let stats = self.pings.iter();
        stats
            .map(|stats| stats.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    /// Which channels cannot send, and which pings fail: readings of the metric
    /// `channel_broken`, one for each, for the next look at the rules.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        let channels = self.stats().into_iter().map(|stats| {
            let lost = stats.given_up_in_a_row;
            let error = stats.last_error.unwrap_or_default();
            let detail = format!("{lost} alerts in a row were given up: {error}");
            (stats.channel, lost as f64, detail)
        });
        let pings = self.ping_stats().into_iter().map(|stats| {
            let failed = stats.failed_in_a_row;
            let error = stats.last_error.as_deref().unwrap_or_default();
            let detail = format!("{failed} pings in a row failed: {error}");
            let value = if stats.is_broken() {
                f64::from(failed)
            } else {
                0.0
            };
            (stats.ping, value, detail)
        });
        channels
            .chain(pings)
            .map(|(name, value, detail)| {
                let detail = if value > 0.0 { detail } else { String::new() };
                Reading::new(Metric::ChannelBroken, value)
                    .of(name)
                    .because(detail)
            })
            .collect()
    }
}

/// Whether `notice` goes to `outlet`. That a channel is broken goes to all the others,
/// however little they want to hear; its reminders and its recovery go to itself as well:
/// by them it shows whether it works again.
fn is_for(notice: &Notice, outlet: &Outlet) -> bool {
    if notice.metric != Metric::ChannelBroken {
        return notice.severity >= outlet.min_severity;
    }
    let is_about_it = notice.subject.as_deref() == Some(outlet.channel.name());
    !is_about_it || notice.kind == NoticeKind::Resolved || notice.reminder > 0
}
