//! What somebody is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    metric::{Metric, Unit},
    rule::{Comparison, Severity},
};

/// Whether it is bad news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The condition holds.
    Firing,
    /// It is over.
    Resolved,
}

impl NoticeKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// Why a condition is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The figure is back within its limit.
    Cleared,
    /// Nothing is measured for the subject any more.
    Gone,
    /// The rule was taken out.
    RuleRemoved,
}

/// What somebody is told: that a condition holds, still holds, or is over.
///
/// Each first notice of a kind [`Firing`](NoticeKind::Firing) is followed by any number of
/// reminders and by exactly one [`Resolved`](NoticeKind::Resolved) with the same rule and
/// subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Whether it is bad news.
    pub kind: NoticeKind,
    /// The rule's name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was measured.
    pub metric: Metric,
    /// The symbol, task or channel; none for the whole collector.
    pub subject: Option<String>,
    /// The newest figure, in the metric's unit.
    pub value: f64,
    /// On which side of the limit figures are bad.
    pub comparison: Comparison,
    /// The bound.
    pub limit: f64,
    /// What is wrong, in a few words.
    pub text: String,
    /// What proves it. May be empty.
    pub detail: String,
    /// What to do about it. May be empty.
    pub hint: String,
    /// Since when the condition has held, in µs.
    pub since_us: i64,
    /// When this was said, in µs.
    pub at_us: i64,
    /// 0 for the first notice, then 1, 2 … for reminders; how many there were when it is
    /// over.
    pub reminder: u32,
    /// How often the condition came back since the notice before.
    pub flaps: u32,
    /// How many firings nobody was told of since the notice before, because its cooldown
    /// was not over.
    pub suppressed: u32,
    /// Why it is over, when it is.
    pub ended: Option<Ended>,
}

impl Notice {
    /// What is wrong, where, and the figures, in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let mut line = self.text.clone();
        if let Some(subject) = &self.subject {
            line = format!("{subject}: {line}");
        }
        let unit = self.metric.unit();
        match self.ended {
            Some(Ended::Gone) => line.push_str(" (no longer measured)"),
            Some(Ended::RuleRemoved) => line.push_str(" (the rule was taken out)"),
            Some(Ended::Cleared) | None if unit == Unit::Flag => {}
            Some(Ended::Cleared) if unit == Unit::Count => {}
            // That it has happened at all is what matters.
            None if unit == Unit::Count => {
                line = format!("{line} ({})", unit.show(self.value));
            }
            Some(Ended::Cleared) | None => {
                let (value, limit) = (unit.show(self.value), unit.show_limit(self.limit));
                line = format!("{line} ({value}, limit {limit})");
            }
        }
        line
    }

    /// The word that a message begins with: `CRITICAL`, `WARNING`, `STILL CRITICAL`,
    /// `RESOLVED`.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match (self.kind, self.severity, self.reminder) {
            (NoticeKind::Resolved, ..) => "RESOLVED",
            (NoticeKind::Firing, Severity::Critical, 0) => "CRITICAL",
            (NoticeKind::Firing, Severity::Warning, 0) => "WARNING",
            (NoticeKind::Firing, Severity::Critical, _) => "STILL CRITICAL",
            (NoticeKind::Firing, Severity::Warning, _) => "STILL A WARNING",
        }
    }

    /// The same notice on a clock that is ahead by `by_us`.
    #[must_use]
    pub fn shifted(self, by_us: i64) -> Self {
        Self {
            since_us: self.since_us.saturating_add(by_us),
            at_us: self.at_us.saturating_add(by_us),
            ..self
        }
    }

    /// How long the condition has held, in µs.
    #[must_use]
    pub const fn age_us(&self) -> i64 {
        self.at_us.saturating_sub(self.since_us)
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label(), self.headline())
    }
}
