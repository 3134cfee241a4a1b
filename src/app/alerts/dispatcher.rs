//! Hands notices to the queues, and sees to the tasks that empty them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    event::{AlertEvent, Emit},
    pinger::{PingStats, Pinger},
    pulse::Pulse,
    queue::Pushed,
    settings::{Limits, Outlet, Outlets},
    task::{OutletStats, Shared, Task, patience},
    trial::{self, Trial},
};
use crate::{
    app::{
        clock::Clock,
        supervise::{self, Supervisor, TaskEvent, Turns},
    },
    domain::alert::{Metric, Notice, NoticeKind, Reading},
};

/// How often a task that waits for work shows within the patience with it that it does.
const LOOKS_PER_PATIENCE: u32 = 4;

/// Tasks that have nothing to do any more end within that.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// What the names of the tasks of channels begin with.
const CHANNEL: &str = "channel:";
/// What the names of the tasks of pings begin with.
const PING: &str = "ping:";

/// Sends alerts, by a task for each channel and each ping. Dropped, it ends its tasks at
/// once; [`stop`](Self::stop) sends what waits first.
#[derive(Debug)]
pub struct Dispatcher {
    notifier: Notifier,
    outlets: Vec<Outlet>,
    collector: String,
    supervisor: Supervisor,
    /// Cancelled when the tasks shall end, whatever waits.
    over: CancellationToken,
    /// Cancelled when the pings shall end.
    pinged: CancellationToken,
    pulse: Pulse,
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.pinged.cancel();
        self.over.cancel();
    }
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
        let kept = supervise::Limits::default();
        let supervisor = Supervisor::new(Clock::system(), kept, Vec::new(), |event| {
            if let TaskEvent::Failed {
                task,
                reason,
                backtrace,
                ..
            } = event
            {
                let backtrace = backtrace.as_deref().unwrap_or_default();
                tracing::error!(
                    code = "task.failed",
                    "task {task} failed: {reason}\n{backtrace}"
                );
            }
        });
        Self::start_under(&supervisor, collector, outlets, limits, emit)
    }

    /// The same with tasks that `supervisor` keeps beside its others: `channel:NAME` and
    /// `ping:NAME`. They outlive the [`end of the others`](is_of_alerts).
    #[must_use]
    pub fn start_under(
        supervisor: &Supervisor,
        collector: impl Into<String>,
        outlets: Outlets,
        limits: &Limits,
        emit: Emit,
    ) -> Self {
        let collector = collector.into();
        let pulse = Pulse::new();
        let (over, pinged) = (CancellationToken::new(), CancellationToken::new());
        let look = supervisor.watching_patience() / LOOKS_PER_PATIENCE;
        let mut channels = Vec::new();
        for outlet in &outlets.channels {
            let shared = Arc::new(Shared::new(outlet.clone(), limits));
            let task = Task::new(
                Arc::clone(&shared),
                collector.clone(),
                limits.clone(),
                emit.clone(),
            );
            let task = Arc::new(tokio::sync::Mutex::new(task));
            let drained = shared.drained.clone();
            let work = move |turns: Turns| {
                let (task, drained) = (Arc::clone(&task), drained.clone());
                async move {
                    // Whoever had it before is gone when this runs.
                    let mut task = task.lock().await;
                    task.run(&turns, look).await;
                    if task.is_drained() {
                        // Nothing is left to do until it is over.
                        drained.cancel();
                        let _ = turns.while_idle(look, std::future::pending::<()>()).await;
                    }
                }
            };
            let name = format!("{CHANNEL}{}", shared.name());
            let patience = patience(outlet.deadline) + 2 * look;
            keep(supervisor, name, patience, &over, work);
            channels.push(shared);
        }
        let mut pings = Vec::new();
        for (ping, deadline) in outlets.pings {
            let stats = Arc::new(Mutex::new(PingStats {
                ping: ping.name().to_owned(),
                ..PingStats::default()
            }));
            pings.push(Arc::clone(&stats));
            let name = format!("{PING}{}", ping.name());
            let pinger = Pinger::new(ping, deadline, pulse.watch(), stats, limits, emit.clone());
            let pinger = Arc::new(tokio::sync::Mutex::new(pinger));
            let work = move |turns: Turns| {
                let pinger = Arc::clone(&pinger);
                async move { pinger.lock().await.run(&turns, look).await }
            };
            let patience = patience(deadline) + 2 * look;
            keep(supervisor, name, patience, &pinged, work);
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
            supervisor: supervisor.clone(),
            over,
            pinged,
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
    pub async fn stop(self, deadline: Duration) -> Vec<OutletStats> {
        let until = Instant::now() + deadline;
        self.pinged.cancel();
        for channel in self.notifier.channels.iter() {
            channel.draining.cancel();
            channel.queue.close();
        }
        // What is started anew meanwhile sends what waits, too. The outcome stands in the
        // counts.
        for channel in self.notifier.channels.iter() {
            let _ = timeout_at(until, channel.drained.cancelled()).await;
        }
        self.over.cancel();
        let end = Instant::now() + END_PATIENCE;
        self.supervisor.ended(end, is_of_alerts).await;
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
            let detail = if lost > 0 {
                format!("{lost} alerts in a row were given up: {error}")
            } else {
                error
            };
            let troubles = lost + stats.task_failures_in_a_row;
            (stats.channel, troubles as f64, detail)
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

/// Keeps what `work` makes running until `over`, and no longer.
fn keep<F: Future<Output = ()> + Send + 'static>(
    supervisor: &Supervisor,
    name: String,
    patience: Duration,
    over: &CancellationToken,
    work: impl Fn(Turns) -> F + Send + 'static,
) {
    let ended = over.clone();
    let start = move |turns| {
        let (work, ended) = (work(turns), ended.clone());
        async move {
            tokio::select! {
                () = work => {}
                () = ended.cancelled() => {}
            }
            Ok(())
        }
    };
    supervisor.keep_aside_patiently(name, patience, over.clone(), start);
}

/// Whether the task of that name sends alerts or pings: these tasks end last, because what
/// happens at the end is told as well.
#[must_use]
pub fn is_of_alerts(task: &str) -> bool {
    task.starts_with(CHANNEL) || task.starts_with(PING)
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
