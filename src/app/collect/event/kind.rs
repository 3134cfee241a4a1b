//! What each event is called, how much it matters, and whom it concerns.

use super::{Event, Severity};
use crate::domain::{symbol::Symbol, uptime};

impl Event {
    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Resumed { .. } => "series.resumed",
            Self::Started { .. } => "series.started",
            Self::CheckpointUnusable { .. } => "checkpoint.unusable",
            Self::StartDelayed { .. } => "symbol.start_delayed",
            Self::SeriesDelayed { .. } => "series.start_delayed",
            Self::CaughtUp { .. } => "symbol.caught_up",
            Self::Connected { .. } => "stream.connected",
            Self::ConnectFailed { .. } => "stream.connect_failed",
            Self::Disconnected { .. } => "stream.disconnected",
            Self::StreamDead { .. } => "stream.dead",
            Self::Quiet { .. } => "symbol.quiet",
            Self::GapFound { .. } => "gap.found",
            Self::GapRepaired { .. } => "gap.repaired",
            Self::GapAbsent { .. } => "gap.absent",
            Self::HoleLeft { .. } => "gap.left",
            Self::FetchFailed { .. } => "history.failed",
            Self::Disputed { .. } => "trades.disputed",
            Self::Unconfirmed { .. } => "trades.unconfirmed",
            Self::HoldDropped { .. } => "trades.hold_dropped",
            Self::IdReset { .. } => "symbol.id_reset",
            Self::Malformed { .. } => "messages.malformed",
            Self::CommitFailed { .. } => "journal.commit_failed",
            Self::JournalSetAside { .. } => "journal.set_aside",
            Self::SpoolFull { .. } => "spool.full",
            Self::SpoolDrained { .. } => "spool.drained",
            Self::DeliveryFailed { .. } => "delivery.failed",
            Self::BreakerOpened { .. } => "delivery.breaker_opened",
            Self::StoreMisconfigured { .. } => "store.misconfigured",
            Self::RowsRefused { .. } => "delivery.rows_refused",
            Self::DeadLetters { .. } => "delivery.dead_letters",
            Self::BatchDamaged { .. } => "spool.batch_damaged",
            Self::DeliveredElsewhere { .. } => "delivery.elsewhere",
            Self::DeliveryRecovered { .. } => "delivery.recovered",
            Self::StoreUnavailable { .. } => "store.unavailable",
            Self::HealthNotWritten { .. } => "health.not_written",
            Self::HealthWritten { .. } => "health.written",
            Self::PeriodSealed { .. } => "period.sealed",
            Self::PeriodUnsealable { .. } => "period.unsealable",
            Self::PeriodUnsealed { .. } => "period.unsealed",
            Self::SealingFailed { .. } => "sealing.failed",
            Self::SealingRecovered { .. } => "sealing.recovered",
            Self::TaskStarted { .. } => "task.started",
            Self::TaskFailed {
                restart: Some(_), ..
            } => "task.failed",
            Self::TaskFailed { restart: None, .. } => "task.given_up",
            Self::TaskStopped { .. } => "task.stopped",
            Self::Remedied { .. } => "remedy.helped",
            Self::RemedyFailed { .. } => "remedy.failed",
            Self::StepFailed { .. } => "restart.step_failed",
            Self::Escalated { .. } => "remedy.escalated",
            Self::Renewing { .. } => "stream.renewing",
            Self::Renewed { .. } => "stream.renewed",
            Self::RenewFailed { .. } => "stream.renew_failed",
            Self::LinkDead { .. } => "link.dead",
            Self::LinkAlive { .. } => "link.alive",
            Self::Silent { .. } => "symbol.silent",
            Self::SymbolsMissing { .. } => "symbols.missing",
            Self::SymbolDown { .. } => uptime::DOWN,
            Self::SymbolUp { .. } => uptime::UP,
            Self::CollectorStarted { .. } => uptime::STARTED,
            Self::CollectorLost { .. } => uptime::LOST,
            Self::CollectorStopped { .. } => uptime::STOPPED,
            Self::CollectorFailed { .. } => "collector.failed",
            Self::Alert {
                firing: Some(_), ..
            } => "alert.firing",
            Self::Alert { firing: None, .. } => "alert.resolved",
            Self::Alerting { code, .. } => code,
            Self::Stopping => "collect.stopping",
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            // What made a symbol go down and come up is told by itself, and so is an error that
            // ends the program.
            Self::Quiet { .. }
            | Self::TaskStarted { .. }
            | Self::TaskStopped { .. }
            | Self::SymbolDown { .. }
            | Self::SymbolUp { .. }
            | Self::CollectorStarted { .. }
            | Self::CollectorStopped { .. }
            | Self::CollectorFailed { .. }
            | Self::Alerting {
                is_trouble: false, ..
            } => Severity::Detail,
            Self::Alert {
                firing: Some(severity),
                ..
            } => *severity,
            Self::Resumed { .. }
            | Self::Started { .. }
            | Self::CaughtUp { .. }
            | Self::Connected { .. }
            | Self::GapFound { .. }
            | Self::GapRepaired { .. }
            | Self::SpoolDrained { .. }
            | Self::DeliveredElsewhere { .. }
            | Self::DeliveryRecovered { .. }
            | Self::HealthWritten { .. }
            | Self::PeriodSealed { .. }
            | Self::PeriodUnsealed { .. }
            | Self::SealingRecovered { .. }
            | Self::Remedied { .. }
            | Self::Renewing { .. }
            | Self::Renewed { .. }
            | Self::LinkAlive { .. }
            | Self::Silent { .. }
            | Self::Alert { firing: None, .. }
            | Self::Stopping => Severity::Info,
            Self::CheckpointUnusable { .. }
            | Self::StartDelayed { .. }
            | Self::SeriesDelayed { .. }
            | Self::ConnectFailed { .. }
            | Self::Disconnected { .. }
            | Self::StreamDead { .. }
            | Self::RenewFailed { .. }
            | Self::LinkDead { .. }
            | Self::FetchFailed { .. }
            | Self::Disputed { .. }
            | Self::Unconfirmed { .. }
            | Self::HoldDropped { .. }
            | Self::Malformed { .. }
            | Self::DeliveryFailed { .. }
            | Self::BreakerOpened { .. }
            | Self::RowsRefused { .. }
            | Self::RemedyFailed { .. }
            | Self::StepFailed { .. }
            | Self::SymbolsMissing { .. }
            | Self::HealthNotWritten { .. }
            | Self::PeriodUnsealable { .. }
            | Self::SealingFailed { .. }
            | Self::CollectorLost { .. }
            | Self::Alerting {
                is_trouble: true, ..
            }
            | Self::StoreUnavailable { .. } => Severity::Warning,
            Self::GapAbsent { .. }
            | Self::HoleLeft { .. }
            | Self::IdReset { .. }
            | Self::CommitFailed { .. }
            | Self::StoreMisconfigured { .. }
            | Self::DeadLetters { .. }
            | Self::BatchDamaged { .. }
            | Self::JournalSetAside { .. }
            | Self::TaskFailed { .. }
            | Self::Escalated { .. }
            | Self::SpoolFull { .. } => Severity::Critical,
        }
    }

    /// The symbol that it concerns, if it is one.
    #[must_use]
    pub const fn symbol(&self) -> Option<&Symbol> {
        match self {
            Self::Resumed { symbol, .. }
            | Self::Started { symbol, .. }
            | Self::CheckpointUnusable { symbol, .. }
            | Self::StartDelayed { symbol, .. }
            | Self::SeriesDelayed { symbol, .. }
            | Self::CaughtUp { symbol, .. }
            | Self::StreamDead { symbol, .. }
            | Self::Quiet { symbol, .. }
            | Self::GapFound { symbol, .. }
            | Self::GapRepaired { symbol, .. }
            | Self::GapAbsent { symbol, .. }
            | Self::HoleLeft { symbol, .. }
            | Self::FetchFailed { symbol, .. }
            | Self::Disputed { symbol, .. }
            | Self::Unconfirmed { symbol, .. }
            | Self::HoldDropped { symbol, .. }
            | Self::IdReset { symbol, .. }
            | Self::Remedied { symbol, .. }
            | Self::RemedyFailed { symbol, .. }
            | Self::SymbolDown { symbol, .. }
            | Self::SymbolUp { symbol, .. }
            | Self::PeriodSealed { symbol, .. }
            | Self::PeriodUnsealable { symbol, .. }
            | Self::PeriodUnsealed { symbol, .. }
            | Self::Silent { symbol, .. } => Some(symbol),
            _ => None,
        }
    }

    /// The task or the alert that it is about; empty when it is about none.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::TaskStarted { task }
            | Self::TaskFailed { task, .. }
            | Self::TaskStopped { task } => task,
            Self::Alert { rule, .. } => rule,
            _ => "",
        }
    }

    /// Whether it becomes a row of `events`. A market that is quiet is nothing that happens.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        !matches!(self, Self::Quiet { .. })
    }

    /// Whether each one has a row of its own, however many there are: uptime is counted from
    /// them, and no two seals are the same.
    #[must_use]
    pub const fn is_counted_singly(&self) -> bool {
        matches!(
            self,
            Self::SymbolDown { .. }
                | Self::SymbolUp { .. }
                | Self::CollectorStarted { .. }
                | Self::CollectorLost { .. }
                | Self::CollectorStopped { .. }
                | Self::PeriodSealed { .. }
                | Self::PeriodUnsealable { .. }
        )
    }

    /// When it happened, in µs on the wall clock, if that was before it was known.
    #[must_use]
    pub const fn time_us(&self) -> Option<i64> {
        match self {
            Self::SymbolDown { since_us, .. } => Some(*since_us),
            Self::CollectorLost { alive_us, .. } => Some(*alive_us),
            _ => None,
        }
    }
}
