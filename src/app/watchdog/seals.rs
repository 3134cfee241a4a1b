//! Periods that are over and have no seal: data may be fresh today and have holes in yesterday.

use std::time::Duration;

use tokio::time;

use crate::{
    app::seals::{CheckRequest, UnsealedPeriod, check},
    domain::freshness::{Answer, Clocks, Dated, Exchange, Facts, Journal, judge},
    store::sink::Store,
};

use super::{
    outcome::{Outcome, SymbolOutcome, UnsealedNote},
    settings::Settings,
};

/// What stands in the place of a symbol's name when the seals cannot be looked at.
pub(super) const SEALS: &str = "(seals)";

/// Adds to `outcome` what the seals in `store` show, within `deadline`. Where they do not
/// show anything, that is not known.
pub async fn check_seals(
    outcome: &mut Outcome,
    store: &dyn Store,
    request: &CheckRequest,
    settings: &Settings,
    deadline: Duration,
) {
    let checked = time::timeout(deadline, check(store, request, outcome.checked_at_us)).await;
    let why = match checked {
        Ok(Ok(periods)) => {
            outcome.unsealed = periods.iter().map(note).collect();
            return;
        }
        Ok(Err(error)) => format!("failed to {error:#}"),
        Err(_) => {
            let deadline = humantime::format_duration(deadline);
            format!("the seals were not read within {deadline}")
        }
    };
    let facts = Facts {
        answer: Answer::Failed { why },
        is_expected: true,
        exchange: Exchange::NotAsked,
        journal: Journal::NotHere,
        clocks: Clocks {
            machine_us: outcome.checked_at_us,
            skew_us: 0,
            dated: Dated::ByThisMachine,
        },
        seen_before_us: None,
    };
    outcome.symbols.push(SymbolOutcome {
        exchange: String::new(),
        name: SEALS.to_owned(),
        collector: None,
        verdict: judge(&facts, &settings.limits),
        age_us: None,
        warn_us: settings.limits.warn_us,
        crit_us: settings.limits.crit_us,
        last_id: None,
        heartbeat_age_us: None,
    });
}

fn note(period: &UnsealedPeriod) -> UnsealedNote {
    let mend = &period.ids_to_mend;
    let ids = match (mend.first(), mend.last()) {
        (Some(first), Some(last)) => Some((first.first_id, last.last_id)),
        _ => Some((period.ids.first_id, period.ids.last_id)),
    };
    UnsealedNote {
        symbol: period.symbol.to_string(),
        period_start_us: period.period.start_us,
        ids,
        why: period.state.to_string(),
        command: period.remedy.clone(),
    }
}
