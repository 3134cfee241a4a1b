//! When a figure is worth an alert.

mod defaults;

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::metric::{Metric, Unit};

/// How much an alert matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is wrong; it can wait until the morning.
    #[default]
    Warning,
    /// Data is missing, or will be: somebody has to act now.
    Critical,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// How far apart two notices are when a rule does not say: 1 h for warnings, 15 min
    /// for what is critical.
    #[must_use]
    pub const fn cooldown(self) -> Duration {
        match self {
            Self::Warning => HOUR,
            Self::Critical => Duration::from_secs(15 * 60),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// On which side of the limit a figure is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Greater than the limit.
    #[default]
    Above,
    /// Less than the limit.
    Below,
}

impl Comparison {
    /// Whether `value` is bad.
    #[must_use]
    pub fn is_beyond(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::Below => value < limit,
        }
    }

    /// Whether `a` is worse than `b`.
    #[must_use]
    pub fn is_worse(self, a: f64, b: f64) -> bool {
        self.is_beyond(a, b)
    }

    /// Its sign.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Above => '>',
            Self::Below => '<',
        }
    }
}

/// When a figure is worth an alert. Plain data: in a settings file durations are written
/// `90s` or `15m`, and all but `name`, `metric` and `limit` have defaults.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Its name: `a-z`, `0-9`, `_` and `-`.
    pub name: String,
    /// What it bounds.
    pub metric: Metric,
    /// On which side of the limit figures are bad; above it by default.
    pub comparison: Comparison,
    /// The bound, in the metric's unit.
    pub limit: f64,
    /// For how long figures must be beyond the limit before anybody is told; 0 by default.
    #[serde(rename = "for", serialize_with = "show_duration")]
    pub hold: Duration,
    /// How much it matters; a warning by default.
    pub severity: Severity,
    /// How far apart two notices about the same subject are at least, and how often one
    /// that goes on is repeated; by the severity by default.
    #[serde(serialize_with = "show_duration")]
    pub cooldown: Duration,
    /// For how long figures must be within the limit before it counts as over; 0 by default.
    #[serde(serialize_with = "show_duration")]
    pub keep_firing: Duration,
    /// What is wrong, in a few words; made of metric and limit by default.
    pub text: String,
    /// What to do about it. May be empty.
    pub hint: String,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("alert rule '{rule}', {field}: {reason}")]
pub struct RuleError {
    /// The rule.
    pub rule: String,
    /// The field of it that is wrong.
    pub field: &'static str,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

/// A rule's name may be so long.
const MAX_NAME_LENGTH: usize = 64;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A wait longer than this is a slip of the pen.
const MAX_WAIT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl Rule {
    /// A rule that fires at once and warns when `metric` is above `limit`.
    #[must_use]
    pub fn new(name: impl Into<String>, metric: Metric, limit: f64) -> Self {
        Self {
            name: name.into(),
            metric,
            comparison: Comparison::Above,
            limit,
            hold: Duration::ZERO,
            severity: Severity::Warning,
            cooldown: Severity::Warning.cooldown(),
            keep_firing: Duration::ZERO,
            text: words(metric, Comparison::Above, limit),
            hint: String::new(),
        }
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// When a field makes no sense; the error names it.
    pub fn validate(&self) -> Result<(), RuleError> {
        let wrong = |field, reason: &str| {
            Err(RuleError {
                rule: self.name.escape_debug().take(MAX_NAME_LENGTH).collect(),
                field,
                reason: reason.to_owned(),
            })
        };
        let is_plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if self.name.is_empty()
            || self.name.len() > MAX_NAME_LENGTH
            || !self.name.chars().all(is_plain)
        {
            return wrong("name", "1 to 64 of a-z, 0-9, _ and - make a name");
        }
        if !self.limit.is_finite() {
            return wrong("limit", "a limit is a number");
        }
        if self.metric.unit() == Unit::Ratio && !(0.0..=1.0).contains(&self.limit) {
            return wrong("limit", "this metric goes from 0 to 1: 0.9 is 90 %");
        }
        if self.cooldown < Duration::from_secs(1) {
            return wrong("cooldown", "at least 1s, or every look would be a notice");
        }
        for (field, wait) in [
            ("for", self.hold),
            ("cooldown", self.cooldown),
            ("keep_firing", self.keep_firing),
        ] {
            if wait > MAX_WAIT {
                return wrong(field, "at most a year");
            }
        }
        Ok(())
    }
}

fn words(metric: Metric, comparison: Comparison, limit: f64) -> String {
    let side = match comparison {
        Comparison::Above => "above",
        Comparison::Below => "below",
    };
    format!("{metric} is {side} {}", metric.unit().show(limit))
}

fn show_duration<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*duration))
}

/// A duration in words, `90s` or `1h 30m`.
struct Words(Duration);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map(Self).map_err(|_| {
            de::Error::custom(format_args!(
                "'{}' is not a duration: 90s, 15m and 1h are",
                text.escape_debug().take(40).collect::<String>()
            ))
        })
    }
}

/// A rule as somebody writes it.
#[derive(Deserialize)]
#[serde(rename = "Rule", deny_unknown_fields)]
struct Written {
    name: String,
    metric: Metric,
    #[serde(default)]
    comparison: Comparison,
    limit: f64,
    #[serde(rename = "for")]
    hold: Option<Words>,
    #[serde(default)]
    severity: Severity,
    cooldown: Option<Words>,
    keep_firing: Option<Words>,
    text: Option<String>,
    #[serde(default)]
    hint: String,
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let or = |words: Option<Words>, default| words.map_or(default, |words| words.0);
        let rule = Self {
            metric: written.metric,
            comparison: written.comparison,
            limit: written.limit,
            hold: or(written.hold, Duration::ZERO),
            severity: written.severity,
            cooldown: or(written.cooldown, written.severity.cooldown()),
            keep_firing: or(written.keep_firing, Duration::ZERO),
            text: written
                .text
                .unwrap_or_else(|| words(written.metric, written.comparison, written.limit)),
            hint: written.hint,
            name: written.name,
        };
        rule.validate().map_err(de::Error::custom)?;
        Ok(rule)
    }
}
