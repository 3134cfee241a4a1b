//! What a run of the watchdog ends in: facts, which reports put into words.

use crate::domain::{
    freshness::{Level, SKEW_TOLERANCE_US, Verdict},
    restart_policy::Ruling,
};

/// What a run ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// When the data were looked at last, in µs since 1970 UTC on this machine's clock.
    pub checked_at_us: i64,
    /// Where the data are, without secrets.
    pub store: String,
    /// How much the database's clock is ahead of this machine's, in µs; none when that could
    /// not be measured. It is taken out of every age.
    pub skew_us: Option<i64>,
    /// What is restarted when it has to be, such as `systemd unit collect.service`.
    pub target: Option<String>,
    /// What was looked at, as it is at the end: after a restart, what the last look found.
    pub symbols: Vec<SymbolOutcome>,
    /// The seals are still to be looked at: what was told of them before stands.
    pub awaits_seals: bool,
    /// Closed periods that no seal vouches for, where seals were asked for.
    pub unsealed: Vec<UnsealedNote>,
    /// What was done.
    pub action: Action,
}

/// How one symbol is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolOutcome {
    /// The exchange; empty for a table that names none.
    pub exchange: String,
    /// The symbol; what stands in its column, for any other table.
    pub name: String,
    /// Whose row it was that was judged, the newest one.
    pub collector: Option<String>,
    /// What that comes to.
    pub verdict: Verdict,
    /// How old the newest data are, in µs; none when there are none.
    pub age_us: Option<i64>,
    /// From which age on that is a warning, in µs.
    pub warn_us: i64,
    /// From which age on it is critical, in µs.
    pub crit_us: i64,
    /// The last trade's aggregate id.
    pub last_id: Option<i64>,
    /// How old the collector's heartbeat is, in µs.
    pub heartbeat_age_us: Option<i64>,
}

/// A closed period that is not sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsealedNote {
    /// The symbol.
    pub symbol: String,
    /// When the period begins, in µs since 1970 UTC.
    pub period_start_us: i64,
    /// The first and the last id that are to be mended, if they are known.
    pub ids: Option<(i64, i64)>,
    /// Why it is not sealed.
    pub why: String,
    /// What mends it, to be typed.
    pub command: String,
}

/// What was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing that a restart would help.
    NotNeeded,
    /// A restart would help, but no unit is named.
    NoUnit {
        /// What it would be restarted for.
        why: String,
    },
    /// It would have been restarted, if this were not a rehearsal.
    DryRun {
        /// What it would be restarted for.
        why: String,
    },
    /// A restart would help, and is not allowed now.
    Refused(Ruling),
    /// It was restarted.
    Restarted {
        /// What it was restarted for.
        why: String,
        /// How long the restart itself took, in µs.
        took_us: i64,
        /// How long after it everything was fresh again, in µs; none when that was not seen.
        fresh_after_us: Option<i64>,
        /// How long it was waited for, in µs.
        waited_us: i64,
    },
    /// The restart failed, or what has to be known or written down before one.
    Failed {
        /// What happened.
        why: String,
    },
}

impl Action {
    /// How bad it leaves things, whatever the data look like.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            // The symbols that ask for a restart say themselves how bad they are.
            Self::NotNeeded | Self::NoUnit { .. } | Self::DryRun { .. } | Self::Refused(_) => {
                Level::Fresh
            }
            Self::Restarted {
                fresh_after_us: Some(_),
                ..
            } => Level::Warning,
            Self::Restarted {
                fresh_after_us: None,
                ..
            }
            | Self::Failed { .. } => Level::Critical,
        }
    }

    /// The word for it, as in JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotNeeded => "not_needed",
            Self::NoUnit { .. } => "no_unit",
            Self::DryRun { .. } => "dry_run",
            Self::Refused(_) => "refused",
            Self::Restarted { .. } => "restarted",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Outcome {
    /// The worst of the symbols, of the seals and of what was done. Where nothing was looked
    /// at, nothing is known.
    #[must_use]
    pub fn level(&self) -> Level {
        let symbols = self.symbols.iter().map(|symbol| symbol.verdict.level);
        let seals = (!self.unsealed.is_empty()).then_some(Level::Warning);
        let looked = self.symbols.is_empty().then_some(Level::Unknown);
        symbols
            .chain(seals)
            .chain(looked)
            .fold(self.action.level(), worse)
    }

    /// The skew of the clocks in µs, if it is more than a little.
    #[must_use]
    pub fn notable_skew_us(&self) -> Option<i64> {
        self.skew_us
            .filter(|us| us.unsigned_abs() > SKEW_TOLERANCE_US.unsigned_abs())
    }
}

/// The worse one. What is known to be critical is worse than what nobody knows.
fn worse(a: Level, b: Level) -> Level {
    if badness(b) > badness(a) { b } else { a }
}

/// How far up a level belongs among others.
#[must_use]
pub const fn badness(level: Level) -> u8 {
    match level {
        Level::Fresh => 0,
        Level::Warning => 1,
        Level::Unknown => 2,
        Level::Critical => 3,
    }
}

/// The level as plugins of Nagios end: 0 fresh, 1 warning, 2 critical, 3 unknown.
#[must_use]
pub const fn status_code(level: Level) -> u8 {
    match level {
        Level::Fresh => 0,
        Level::Warning => 1,
        Level::Critical => 2,
        Level::Unknown => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::watchdog::testing::{self, symbol},
        domain::freshness::Cause,
    };

    fn outcome(levels: &[Level]) -> Outcome {
        let symbol = |level: &Level| symbol("BTCUSDT", *level, Cause::Fresh);
        testing::outcome(levels.iter().map(symbol).collect())
    }

    fn restarted(fresh_after_us: Option<i64>) -> Action {
        Action::Restarted {
            why: String::new(),
            took_us: 1,
            fresh_after_us,
            waited_us: 1,
        }
    }

    #[test]
    fn the_worst_symbol_counts_and_critical_is_worse_than_unknown() {
        use Level::{Critical, Fresh, Unknown, Warning};
        for (levels, worst) in [
            (&[Fresh, Fresh][..], Fresh),
            (&[Fresh, Warning], Warning),
            (&[Unknown, Warning], Unknown),
            (&[Unknown, Critical, Fresh], Critical),
            (&[], Unknown),
        ] {
            assert_eq!(outcome(levels).level(), worst, "{levels:?}");
        }
    }

    #[test]
    fn fresh_again_after_a_restart_is_still_worth_a_warning() {
        let mut outcome = outcome(&[Level::Fresh]);
        outcome.action = restarted(Some(5));
        assert_eq!(outcome.level(), Level::Warning);
        // Even if the last look says fresh: that was not in time to be counted.
        outcome.action = restarted(None);
        assert_eq!(outcome.level(), Level::Critical);
    }

    #[test]
    fn a_period_without_a_seal_is_a_warning() {
        let mut outcome = outcome(&[Level::Fresh]);
        outcome.unsealed.push(UnsealedNote {
            symbol: "BTCUSDT".to_owned(),
            period_start_us: 0,
            ids: None,
            why: "a hole".to_owned(),
            command: "streamkit backfill BTCUSDT".to_owned(),
        });
        assert_eq!(outcome.level(), Level::Warning);
    }

    #[test]
    fn only_a_skew_above_the_tolerance_is_worth_a_word() {
        let mut outcome = outcome(&[]);
        for (skew_us, notable) in [(5_000_000, false), (-5_000_001, true), (i64::MIN, true)] {
            outcome.skew_us = Some(skew_us);
            assert_eq!(outcome.notable_skew_us().is_some(), notable, "{skew_us}");
        }
    }
}
