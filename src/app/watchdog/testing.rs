//! Outcomes for tests.

use std::collections::BTreeMap;

use super::{
    outcome::{Action, Outcome, SymbolOutcome},
    settings::{Patience, Settings},
};
use crate::domain::{
    freshness::{self, Cause, Level, Restart, Verdict},
    restart_policy,
};

/// The defaults.
pub(super) fn settings() -> Settings {
    Settings {
        wanted: Vec::new(),
        limits: freshness::Limits::default(),
        overrides: BTreeMap::new(),
        budget: restart_policy::Limits::UNIT,
        is_dry_run: false,
        patience: Patience::default(),
    }
}

pub(super) fn symbol(name: &str, level: Level, cause: Cause) -> SymbolOutcome {
    SymbolOutcome {
        exchange: String::new(),
        name: name.to_owned(),
        collector: None,
        verdict: Verdict {
            level,
            cause,
            reason: "a reason".to_owned(),
            restart: Restart::Useless,
        },
        age_us: None,
        warn_us: 1,
        crit_us: 2,
        last_id: None,
        heartbeat_age_us: None,
    }
}

pub(super) fn outcome(symbols: Vec<SymbolOutcome>) -> Outcome {
    Outcome {
        checked_at_us: 0,
        store: String::new(),
        skew_us: None,
        target: Some("it".to_owned()),
        symbols,
        awaits_seals: false,
        unsealed: Vec::new(),
        action: Action::NotNeeded,
    }
}
