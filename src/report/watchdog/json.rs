//! As JSON, one object, which `schema/watchdog.schema.json` describes.
//!
//! Every key is always there; what is not known is null. It grows by keys only, else its
//! version goes up.

use serde::Serialize;
use serde_json::Value;

use crate::{
    app::watchdog::{Action, Outcome, SymbolOutcome, UnsealedNote, outcome::status_code},
    domain::{
        freshness::{Cause, Level, Restart},
        restart_policy::Ruling,
    },
};

/// The version of the document.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    level: Level,
    exit_code: u8,
    checked_at_us: i64,
    store: &'a str,
    skew_us: Option<i64>,
    target: Option<&'a str>,
    action: ActionDocument<'a>,
    symbols: Vec<SymbolDocument<'a>>,
    unsealed: Vec<UnsealedDocument<'a>>,
}

#[derive(Serialize)]
struct ActionDocument<'a> {
    kind: &'static str,
    why: Option<String>,
    took_us: Option<i64>,
    fresh_after_us: Option<i64>,
    waited_us: Option<i64>,
    /// What keeps it from being restarted.
    ruling: Option<&'static str>,
    /// When that ends.
    allowed_at_us: Option<i64>,
    held_by: Option<&'a str>,
}

#[derive(Serialize)]
struct SymbolDocument<'a> {
    exchange: &'a str,
    symbol: &'a str,
    collector: Option<&'a str>,
    level: Level,
    cause: Cause,
    reason: &'a str,
    restart: &'static str,
    age_us: Option<i64>,
    warn_us: i64,
    crit_us: i64,
    last_agg_trade_id: Option<i64>,
    heartbeat_age_us: Option<i64>,
}

#[derive(Serialize)]
struct UnsealedDocument<'a> {
    symbol: &'a str,
    period_start_us: i64,
    first_id: Option<i64>,
    last_id: Option<i64>,
    why: &'a str,
    command: &'a str,
}

/// The result as a document.
///
/// # Errors
/// Never; serialising says so by its type.
pub fn document(outcome: &Outcome) -> Result<Value, serde_json::Error> {
    let level = outcome.level();
    serde_json::to_value(Document {
        version: VERSION,
        level,
        exit_code: status_code(level),
        checked_at_us: outcome.checked_at_us,
        store: &outcome.store,
        skew_us: outcome.skew_us,
        target: outcome.target.as_deref(),
        action: action(outcome),
        symbols: outcome.symbols.iter().map(symbol).collect(),
        unsealed: outcome.unsealed.iter().map(unsealed).collect(),
    })
}

fn action(outcome: &Outcome) -> ActionDocument<'_> {
    let mut document = ActionDocument {
        kind: outcome.action.as_str(),
        why: None,
        took_us: None,
        fresh_after_us: None,
        waited_us: None,
        ruling: None,
        allowed_at_us: None,
        held_by: None,
    };
    match &outcome.action {
        Action::NotNeeded => {}
        Action::NoUnit { why } | Action::DryRun { why } | Action::Failed { why } => {
            document.why = Some(why.clone());
        }
        Action::Restarted {
            why,
            took_us,
            fresh_after_us,
            waited_us,
        } => {
            document.why = Some(why.clone());
            document.took_us = Some(*took_us);
            document.fresh_after_us = *fresh_after_us;
            document.waited_us = Some(*waited_us);
        }
        Action::Refused(ruling) => {
            document.why = Some(ruling.to_string());
            document.ruling = Some(match ruling {
                Ruling::Allowed => "allowed",
                Ruling::Held { .. } => "held",
                Ruling::TooSoon { .. } => "too_soon",
                Ruling::OverBudget { .. } => "over_budget",
            });
            match ruling {
                Ruling::Allowed => {}
                Ruling::Held { until_us, by, .. } => {
                    document.allowed_at_us = Some(*until_us);
                    document.held_by = Some(by);
                }
                Ruling::TooSoon { retry_in_us } => {
                    let at_us = outcome.checked_at_us.saturating_add(*retry_in_us);
                    document.allowed_at_us = Some(at_us);
                }
                Ruling::OverBudget { next_at_us, .. } => document.allowed_at_us = *next_at_us,
            }
        }
    }
    document
}

fn symbol(symbol: &SymbolOutcome) -> SymbolDocument<'_> {
    SymbolDocument {
        exchange: &symbol.exchange,
        symbol: &symbol.name,
        collector: symbol.collector.as_deref(),
        level: symbol.verdict.level,
        cause: symbol.verdict.cause,
        reason: &symbol.verdict.reason,
        restart: match symbol.verdict.restart {
            Restart::Useless => "useless",
            Restart::LookAgain { .. } => "look_again",
            Restart::Helps => "helps",
        },
        age_us: symbol.age_us,
        warn_us: symbol.warn_us,
        crit_us: symbol.crit_us,
        last_agg_trade_id: symbol.last_id,
        heartbeat_age_us: symbol.heartbeat_age_us,
    }
}

fn unsealed(note: &UnsealedNote) -> UnsealedDocument<'_> {
    UnsealedDocument {
        symbol: &note.symbol,
        period_start_us: note.period_start_us,
        first_id: note.ids.map(|(first_id, _)| first_id),
        last_id: note.ids.map(|(_, last_id)| last_id),
        why: &note.why,
        command: &note.command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        json_schema::violations,
        watchdog::testing::{critical, empty, fresh, outcome, restarted, unknown, unsealed_day},
    };

    fn schema() -> Value {
        let text = include_str!("../../../schema/watchdog.schema.json");
        serde_json::from_str(text).expect("the schema is JSON")
    }

    fn shown(outcome: &Outcome) -> Value {
        let document = document(outcome).expect("a document");
        assert_eq!(violations(&schema(), &document), [""; 0], "{document:#}");
        document
    }

    #[test]
    fn every_outcome_follows_the_schema() {
        let rulings = [
            Ruling::Allowed,
            Ruling::Held {
                until_us: 7,
                why: "new disk".to_owned(),
                by: "ada".to_owned(),
            },
            Ruling::TooSoon { retry_in_us: 1 },
            Ruling::OverBudget {
                restarts: 3,
                window_us: 3_600_000_000,
                next_at_us: None,
            },
        ];
        let why = || "why".to_owned();
        let mut actions = vec![
            Action::NotNeeded,
            Action::NoUnit { why: why() },
            Action::DryRun { why: why() },
            Action::Failed { why: why() },
            restarted(None),
            restarted(Some(12_000_000)),
        ];
        actions.extend(rulings.into_iter().map(Action::Refused));
        for action in actions {
            let mut outcome = outcome(vec![fresh("BTCUSDT"), critical("X"), unknown("|")]);
            outcome.unsealed = vec![unsealed_day()];
            outcome.action = action;
            let document = shown(&outcome);
            assert_eq!(document["exit_code"], 2);
            assert_eq!(document["action"]["kind"], outcome.action.as_str());
        }
        assert_eq!(shown(&empty())["level"], "unknown");
    }

    #[test]
    fn the_words_of_the_schema_are_those_of_the_program() {
        use Cause::{
            Backlog, CatchingUp, DeadCollector, DeadStream, DeliveringLate, Empty, Fresh, Future,
            Missing, QueryFailed, Quiet, Silent, Stopped,
        };
        let causes = [
            Fresh,
            Quiet,
            Backlog,
            CatchingUp,
            Silent,
            DeadStream,
            Stopped,
            DeliveringLate,
            DeadCollector,
            Missing,
            Future,
            Empty,
            QueryFailed,
        ];
        for cause in causes {
            let mut outcome = outcome(vec![fresh("BTCUSDT")]);
            outcome.symbols[0].verdict.cause = cause;
            assert_eq!(shown(&outcome)["symbols"][0]["cause"], cause.as_str());
        }
    }

    #[test]
    fn the_schema_refuses_what_is_not_so() {
        let mut document = document(&outcome(vec![fresh("BTCUSDT")])).expect("a document");
        document["level"] = "fine".into();
        document["symbols"][0]["age_us"] = "42".into();
        document["symbols"][0]["more"] = 1.into();
        if let Some(keys) = document.as_object_mut() {
            keys.remove("store");
        }
        assert_eq!(violations(&schema(), &document).len(), 4);
    }

    #[test]
    fn a_refusal_says_until_when() {
        let mut outcome = outcome(vec![critical("BTCUSDT")]);
        outcome.action = Action::Refused(Ruling::TooSoon {
            retry_in_us: 60_000_000,
        });
        let document = shown(&outcome);
        assert_eq!(document["action"]["ruling"], "too_soon");
        assert_eq!(
            document["action"]["allowed_at_us"],
            1_767_322_860_250_000_i64
        );
    }
}
