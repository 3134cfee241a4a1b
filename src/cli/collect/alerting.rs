//! Who is told when something is wrong, also across restarts and at a bad end.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        alerts::{AlertEvent, Dispatcher, Emit, Limits, Memory, MemoryError, Notifier, Pulse},
        clock::Clock,
        collect::{self, CollectError, Event},
        supervise::Supervisor,
    },
    cli::{alerts, error::CliError},
    domain::{
        alert::{Alerts, Metric, Notice, NoticeKind, Phase, Reading, Severity, readings},
        health::HealthSnapshot,
    },
};

/// How long the end waits for alerts that are on their way.
const GOODBYE: Duration = Duration::from_secs(2);
/// The same when it is the alert of that end: nobody else would tell of it.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How long the end waits for the states to be on disk.
const MEMORY_PATIENCE: Duration = Duration::from_secs(1);
/// Reasons for a bad end that may wait to be told; the first one matters.
const ESCALATIONS: usize = 8;
/// Whom the alert of a bad end is about.
const COLLECTOR: &str = "collector";

/// Rules with their states, and the way to the channels.
pub struct Alerting {
    alerts: Alerts,
    dispatcher: Dispatcher,
    notifier: Notifier,
    pulse: Pulse,
    memory: Memory,
    /// The alerts that fire, as they were last kept.
    kept: Firing,
    /// Whether somebody was told that they cannot be kept.
    has_warned: bool,
    /// The figures of the last look at the collector.
    figures: Vec<Reading>,
    /// Why the collector ends, if it ends badly.
    ending: Option<String>,
    /// Who is told that an alert fires, or is over.
    told: collect::Emit,
    clock: Clock,
}

/// Rules and subjects.
type Firing = BTreeSet<(String, Option<String>)>;

impl Alerting {
    /// The default rules without channels, or what the file at `path` says, with the states
    /// that an earlier run has left in `state_dir`. Has to be called within a runtime.
    ///
    /// # Errors
    /// When the file cannot be read, or says something that cannot be.
    pub fn start(
        supervisor: &Supervisor,
        collector: &str,
        path: Option<&PathBuf>,
        limits: &Limits,
        told: collect::Emit,
        state_dir: &Path,
        clock: Clock,
    ) -> Result<Self, CliError> {
        let (alerts, outlets) = alerts::load(path)?;
        let emit = {
            let told = told.clone();
            Emit::new(move |event| told_of_sending(event, &told))
        };
        let dispatcher = Dispatcher::start_under(supervisor, collector, outlets, limits, emit);
        let (notifier, pulse) = (dispatcher.notifier(), dispatcher.pulse());
        let mut alerting = Self {
            alerts,
            dispatcher,
            notifier,
            pulse,
            memory: Memory::at(state_dir),
            kept: Firing::new(),
            has_warned: false,
            figures: Vec::new(),
            ending: None,
            told,
            clock,
        };
        alerting.recall();
        Ok(alerting)
    }

    /// Goes on with the states of an earlier run.
    fn recall(&mut self) {
        match self.memory.recall() {
            Ok(None) => {}
            Ok(Some(saved)) => {
                let saved = saved.shifted(-self.wall_ahead_us());
                let notices = self.alerts.restore(saved, self.clock.steady_us());
                self.kept = self.firing();
                self.tell(&notices);
            }
            Err(error) => tracing::warn!(
                code = "alert.memory",
                "failed to {error}; alerts that were told before may be told again"
            ),
        }
    }

    /// By how much the wall clock is ahead of the steady one. Waits are counted on the steady
    /// clock, which never jumps; people and files are told the wall clock's time.
    fn wall_ahead_us(&self) -> i64 {
        self.clock.wall_us() - self.clock.steady_us()
    }

    /// Judges the collector's health, and tells whoever has to be told. Nobody is waited for.
    pub fn judge(&mut self, health: &HealthSnapshot) {
        self.figures = readings(health);
        self.evaluate();
        if health.complaints().is_empty() {
            self.pulse.beat();
        } else {
            self.pulse.stop();
        }
    }

    /// The collector ends for this reason: tells of it at once.
    pub fn escalated(&mut self, reason: &str) {
        self.ending.get_or_insert_with(|| reason.to_owned());
        self.pulse.stop();
        self.evaluate();
    }

    fn evaluate(&mut self) {
        let mut figures = std::mem::take(&mut self.figures);
        let of_health = figures.len();
        figures.extend(self.notifier.readings());
        let ending = f64::from(u8::from(self.ending.is_some()));
        let ending = Reading::new(Metric::RestartFailed, ending).of(COLLECTOR);
        figures.push(ending.because(self.ending.clone().unwrap_or_default()));
        let notices = self.alerts.evaluate(&figures, self.clock.steady_us());
        figures.truncate(of_health);
        self.figures = figures;
        self.tell(&notices);
    }

    fn tell(&mut self, notices: &[Notice]) {
        let ahead_us = self.wall_ahead_us();
        for notice in notices {
            self.told.emit(&event(notice));
            self.notifier.notify(&notice.clone().shifted(ahead_us));
        }
        // What only begins to be wrong may begin anew after a restart. A healthy spool holds
        // rows every other second, and the file is not to be written as often.
        let firing = self.firing();
        if !notices.is_empty() || firing != self.kept {
            self.kept = firing;
            self.memory.keep(self.alerts.save().shifted(ahead_us));
        }
        if let Some(Err(error)) = self.memory.look() {
            self.not_kept(&error);
        }
    }

    fn firing(&self) -> Firing {
        let active = self.alerts.active().into_iter();
        active
            .filter(|alert| alert.phase == Phase::Firing)
            .map(|alert| (alert.rule, alert.subject))
            .collect()
    }

    fn not_kept(&mut self, error: &MemoryError) {
        if !std::mem::replace(&mut self.has_warned, true) {
            tracing::warn!(
                code = "alert.memory",
                "failed to {error}; after a restart alerts may be told again"
            );
        }
    }

    /// Sends what is on its way, within a short time.
    pub async fn stop(mut self) {
        let patience = if self.ending.is_some() {
            LAST_WORDS
        } else {
            GOODBYE
        };
        let memory = std::mem::replace(&mut self.memory, Memory::at(Path::new("")));
        if let Err(error) = memory.finish(MEMORY_PATIENCE).await {
            self.not_kept(&error);
        }
        self.dispatcher.stop(patience).await;
    }
}

/// The reasons for a bad end among the events on their way to `emit`, until `stop`: what
/// fails while everything ends is no reason any more.
pub fn escalations(
    emit: collect::Emit,
    stop: CancellationToken,
) -> (collect::Emit, mpsc::Receiver<String>) {
    let (sender, reasons) = mpsc::channel(ESCALATIONS);
    let emit = collect::Emit::new(move |event| {
        if let Some(reason) = bad_end(event)
            && !stop.is_cancelled()
        {
            let _ = sender.try_send(reason);
        }
        emit.emit(event);
    });
    (emit, reasons)
}

fn bad_end(event: &Event) -> Option<String> {
    match event {
        Event::Escalated { reason } => Some(format!("it ends: {reason}")),
        Event::TaskFailed {
            task,
            reason,
            restart: None,
            ..
        } => Some(format!("it ends: task {task} failed too often: {reason}")),
        _ => None,
    }
}

/// The reason, if it is one that somebody has to be told of: what a person has just typed
/// wrong, or has just ended, is none.
pub fn bad_reason(error: &CollectError) -> Option<String> {
    match error {
        CollectError::TaskFailed { .. }
        | CollectError::JournalDamaged(_)
        | CollectError::Escalated(_)
        | CollectError::AllStopped => Some(format!("it ends: failed to {error}")),
        _ => None,
    }
}

/// That an alert was sent is no event of its own: that it fires is one.
fn told_of_sending(event: &AlertEvent, told: &collect::Emit) {
    if let AlertEvent::Sent { .. } = event {
        tracing::debug!(code = event.code(), "{event}");
        return;
    }
    told.emit(&Event::Alerting {
        code: event.code(),
        text: event.to_string(),
        is_trouble: event.is_trouble(),
    });
}

fn event(notice: &Notice) -> Event {
    Event::Alert {
        rule: format!(
            "{} {}",
            notice.rule,
            notice.subject.as_deref().unwrap_or_default()
        ),
        label: notice.label(),
        headline: notice.headline(),
        firing: (notice.kind == NoticeKind::Firing).then_some(match notice.severity {
            Severity::Warning => collect::Severity::Warning,
            Severity::Critical => collect::Severity::Critical,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    };

    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_is_put_forward_ends_no_wait() {
        let wall_us = Arc::new(AtomicI64::new(20_000 * DAY_US));
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let directory = tempfile::tempdir().expect("a directory");
        let start = || {
            let (wall_us, told) = (Arc::clone(&wall_us), Arc::clone(&told));
            let clock = Clock::with_wall(move || wall_us.load(Ordering::SeqCst));
            let told = collect::Emit::new(move |event| {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                told.push(event.to_string());
            });
            let kept = Supervisor::new(
                clock.clone(),
                crate::app::supervise::Limits::default(),
                Vec::new(),
                |_| {},
            );
            Alerting::start(
                &kept,
                "nas",
                None,
                &Limits::default(),
                told,
                directory.path(),
                clock,
            )
            .expect("the default rules")
        };
        let count = || told.lock().unwrap_or_else(PoisonError::into_inner).len();
        let health = HealthSnapshot {
            spool_rows: 7,
            spool_oldest_s: Some(61.0),
            ..HealthSnapshot::default()
        };
        let mut alerting = start();
        alerting.judge(&health);
        wall_us.fetch_add(DAY_US, Ordering::SeqCst);
        alerting.judge(&health);
        assert_eq!(count(), 0, "{told:?}");
        tokio::time::advance(Duration::from_secs(240)).await;
        alerting.judge(&health);
        assert_eq!(count(), 1, "{told:?}");
        alerting.stop().await;

        // The steady clock begins anew with a restart, and the cooldown of an hour goes on.
        wall_us.fetch_add(60_000_000, Ordering::SeqCst);
        let mut alerting = start();
        alerting.judge(&health);
        tokio::time::advance(Duration::from_secs(3500)).await;
        alerting.judge(&health);
        assert_eq!(count(), 1, "{told:?}");
        tokio::time::advance(Duration::from_secs(50)).await;
        alerting.judge(&health);
        assert_eq!(count(), 2, "{told:?}");
        alerting.stop().await;
    }
}
