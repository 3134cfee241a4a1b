//! What is measured, and a figure of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a rule bounds. The names are stable: rules and receivers of alerts use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// For how long the exchange has had trades that are not here, in s; 0 while nothing
    /// is missing, so also in a quiet market. By symbol.
    DataStaleS,
    /// For how long no trade has come and the exchange has not confirmed that there is
    /// none, in s. By symbol.
    SilenceS,
    /// Reconnects in the last hour.
    ReconnectsPerHour,
    /// Restarts of tasks in the last hour.
    RestartsPerHour,
    /// Errors in the last hour.
    ErrorsPerHour,
    /// The used part of the disk that holds the journal, 0 to 1.
    DiskUsedRatio,
    /// Rows that the store has not confirmed, once the oldest has waited for a minute; until
    /// then 0, because a healthy store leaves some waiting for a moment as well.
    SpoolRows,
    /// 1 while the spool is at its bound, so that nothing is consumed; else 0.
    SpoolFull,
    /// 1 while the breaker in front of the store is open; else 0.
    BreakerOpen,
    /// How often that breaker tripped in the last hour.
    BreakerTripsPerHour,
    /// Rows that the store refused for their content in the last hour.
    DeadLettersPerHour,
    /// Rows in memory that are not committed to the journal, and live trades that wait there
    /// for missing ones.
    BufferRows,
    /// Memory in use as a part of the cgroup's limit, 0 to 1.
    MemoryUsedRatio,
    /// 1 while a symbol stands still because the exchange's ids went back; else 0. By symbol.
    IdResets,
    /// Gaps proven absent at the exchange in the last hour. By symbol.
    GapsAbsent,
    /// Restarts and other remedies in a row that have failed; 0 after one that worked. By task
    /// (the symbols of one connection are one), and for the whole collector when it gives up.
    RestartFailed,
    /// Alerts in a row that a channel could not send; 0 after one that it sent. By channel.
    ChannelBroken,
    /// 1 while the watchdog finds something that somebody might look at; else 0. By symbol, and
    /// for what it restarts.
    FreshnessWarning,
    /// 1 while the watchdog finds something that somebody has to look at, or cannot look; else
    /// 0. By symbol, and for what it restarts.
    FreshnessCritical,
}

/// What a metric's figures are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// A part of a whole, 0 to 1.
    Ratio,
    /// So many in an hour.
    PerHour,
    /// So many in a row.
    Count,
    /// So many rows.
    Rows,
    /// 1 or more for yes, 0 for no.
    Flag,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::DataStaleS,
        Self::SilenceS,
        Self::ReconnectsPerHour,
        Self::RestartsPerHour,
        Self::ErrorsPerHour,
        Self::DiskUsedRatio,
        Self::SpoolRows,
        Self::SpoolFull,
        Self::BreakerOpen,
        Self::BreakerTripsPerHour,
        Self::DeadLettersPerHour,
        Self::BufferRows,
        Self::MemoryUsedRatio,
        Self::IdResets,
        Self::GapsAbsent,
        Self::RestartFailed,
        Self::ChannelBroken,
        Self::FreshnessWarning,
        Self::FreshnessCritical,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataStaleS => "data_stale_s",
            Self::SilenceS => "silence_s",
            Self::ReconnectsPerHour => "reconnects_per_hour",
            Self::RestartsPerHour => "restarts_per_hour",
            Self::ErrorsPerHour => "errors_per_hour",
            Self::DiskUsedRatio => "disk_used_ratio",
            Self::SpoolRows => "spool_rows",
            Self::SpoolFull => "spool_full",
            Self::BreakerOpen => "breaker_open",
            Self::BreakerTripsPerHour => "breaker_trips_per_hour",
            Self::DeadLettersPerHour => "dead_letters_per_hour",
            Self::BufferRows => "buffer_rows",
            Self::MemoryUsedRatio => "memory_used_ratio",
            Self::IdResets => "id_resets",
            Self::GapsAbsent => "gaps_absent",
            Self::RestartFailed => "restart_failed",
            Self::ChannelBroken => "channel_broken",
            Self::FreshnessWarning => "freshness_warning",
            Self::FreshnessCritical => "freshness_critical",
        }
    }

    /// What its figures are counted in.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::DataStaleS | Self::SilenceS => Unit::Seconds,
            Self::DiskUsedRatio | Self::MemoryUsedRatio => Unit::Ratio,
            Self::ReconnectsPerHour
            | Self::RestartsPerHour
            | Self::ErrorsPerHour
            | Self::BreakerTripsPerHour
            | Self::DeadLettersPerHour
            | Self::GapsAbsent => Unit::PerHour,
            Self::SpoolRows | Self::BufferRows => Unit::Rows,
            Self::SpoolFull
            | Self::BreakerOpen
            | Self::IdResets
            | Self::ChannelBroken
            | Self::FreshnessWarning
            | Self::FreshnessCritical => Unit::Flag,
            Self::RestartFailed => Unit::Count,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Unit {
    /// `value` as a limit that stands beside a figure with its unit: `10`, but `10m`.
    #[must_use]
    pub(super) fn show_limit(self, value: f64) -> String {
        match self {
            Self::PerHour | Self::Rows => number(value),
            _ => self.show(value),
        }
    }

    /// `value` for a person to read: `7m`, `91.5 %`, `12 an hour`, `10001 rows`, `yes`.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if (1.0..1e12).contains(&value) => {
                humantime::format_duration(std::time::Duration::from_secs(value as u64)).to_string()
            }
            Self::Seconds => format!("{} s", number(value)),
            Self::Ratio => format!("{} %", number(value * 100.0)),
            Self::PerHour => format!("{} an hour", number(value)),
            Self::Count => format!("{} in a row", number(value)),
            Self::Rows => format!("{} rows", number(value)),
            Self::Flag if value >= 1.0 => "yes".to_owned(),
            Self::Flag => "no".to_owned(),
        }
    }
}

/// With one digit after the point where there is something to show.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A metric's figure at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub metric: Metric,
    /// The symbol, task or channel; none for the whole collector.
    pub subject: Option<String>,
    /// The figure. One that is not a number says nothing: states stay as they are.
    pub value: f64,
    /// What proves it, for a person: ids, times, the last error. May be empty.
    pub detail: String,
}

impl Reading {
    /// The figure `value` of `metric` for the whole collector.
    #[must_use]
    pub fn new(metric: Metric, value: f64) -> Self {
        Self {
            metric,
            subject: None,
            value,
            detail: String::new(),
        }
    }

    /// The same for one symbol, task or channel.
    #[must_use]
    pub fn of(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The same with what proves it.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}
