//! What a run of the watchdog is told.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::{freshness, restart_policy};

/// What to look for, and what to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Symbols that have to be there, as they are named in the table; when empty, all that
    /// are there count.
    pub wanted: Vec<String>,
    /// The ages that hold for a symbol of which nothing else is said.
    pub limits: freshness::Limits,
    /// From which ages on single symbols are worth a warning, and critical, in µs.
    pub overrides: BTreeMap<String, (i64, i64)>,
    /// How often the unit may be restarted.
    pub budget: restart_policy::Limits,
    /// Whether to say only what would be done.
    pub is_dry_run: bool,
    /// How long things may take.
    pub patience: Patience,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// One question to the database, or to the journal.
    pub query: Duration,
    /// All questions to the exchange of one look.
    pub exchange: Duration,
    /// The restart itself.
    pub restart: Duration,
    /// Until the data are fresh again after it.
    pub recheck: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            query: Duration::from_secs(10),
            exchange: Duration::from_secs(15),
            restart: Duration::from_secs(90),
            recheck: Duration::from_secs(60),
        }
    }
}

impl Settings {
    /// The limits of the symbol `name`.
    #[must_use]
    pub fn limits_of(&self, name: &str) -> freshness::Limits {
        let (warn_us, crit_us) = self
            .overrides
            .get(name)
            .copied()
            .unwrap_or((self.limits.warn_us, self.limits.crit_us));
        freshness::Limits {
            warn_us,
            crit_us,
            ..self.limits
        }
    }
}
