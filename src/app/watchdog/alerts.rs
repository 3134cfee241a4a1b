//! Whom a run tells, though each run is a new process.

use crate::domain::{
    alert::{Alerts, Metric, Notice, Phase, Reading},
    freshness::{Cause, Level},
    restart_policy::Ruling,
};

use super::{
    outcome::{Action, Outcome, SymbolOutcome},
    seals::SEALS,
};

/// The notices that are due for `outcome`, with `alerts` as earlier runs have left them.
///
/// A symbol that has gone from bad to worse keeps its warning until it is well: that it is
/// over would be good news that is not true.
pub fn notices(outcome: &Outcome, alerts: &mut Alerts, now_us: i64) -> Vec<Notice> {
    let mut active: Vec<(Metric, String)> = Vec::new();
    for alert in alerts.active() {
        if let Some(subject) = alert.subject.filter(|_| alert.phase == Phase::Firing) {
            active.push((alert.metric, subject));
        }
    }
    let is_warned =
        |subject: &String| active.contains(&(Metric::FreshnessWarning, subject.clone()));
    let mut subjects: Vec<(String, Level, String)> =
        outcome.symbols.iter().map(of_symbol).collect();
    subjects.extend(of_action(outcome));
    if !outcome.unsealed.is_empty() {
        let mut notes = outcome.unsealed.iter();
        let first = notes
            .next()
            .map(|note| format!("{}: {}", note.symbol, note.why));
        let detail = first.unwrap_or_default();
        subjects.push((SUBJECT.to_owned(), Level::Warning, detail));
    }
    let mut readings = Vec::with_capacity(2 * subjects.len());
    for (subject, level, detail) in subjects {
        let is_critical = matches!(level, Level::Critical | Level::Unknown);
        let is_warning = level == Level::Warning || (is_critical && is_warned(&subject));
        for (metric, is_firing) in [
            (Metric::FreshnessWarning, is_warning),
            (Metric::FreshnessCritical, is_critical),
        ] {
            let value = if is_firing { 1.0 } else { 0.0 };
            let reading = Reading::new(metric, value).of(subject.clone());
            readings.push(reading.because(detail.clone()));
        }
    }
    if let (Action::Refused(Ruling::Held { .. }), Some(target)) = (&outcome.action, &outcome.target)
    {
        // Whoever holds it knows, so that nobody is called; nor is anything over by that.
        let of_target = readings.iter_mut().filter(|reading| {
            reading.metric == Metric::FreshnessCritical && reading.subject.as_ref() == Some(target)
        });
        of_target.for_each(|reading| reading.value = f64::NAN);
    }
    if is_blind(outcome) {
        // What was wrong with others is not over because nobody can look.
        let unseen = active
            .iter()
            .filter(|(metric, subject)| {
                let mut known = readings.iter();
                !known
                    .any(|known| known.subject.as_ref() == Some(subject) && known.metric == *metric)
            })
            .map(|(metric, subject)| Reading::new(*metric, f64::NAN).of(subject.clone()));
        let unseen: Vec<_> = unseen.collect();
        readings.extend(unseen);
    }
    if outcome.awaits_seals {
        for subject in [SUBJECT, SEALS] {
            for metric in [Metric::FreshnessWarning, Metric::FreshnessCritical] {
                readings.push(Reading::new(metric, f64::NAN).of(subject.to_owned()));
            }
        }
    }
    alerts.evaluate(&readings, now_us)
}

/// What periods without a seal are told of as.
const SUBJECT: &str = "seals";

/// Whether there was no answer to judge by.
fn is_blind(outcome: &Outcome) -> bool {
    let mut symbols = outcome.symbols.iter();
    symbols.any(|symbol| matches!(symbol.verdict.cause, Cause::QueryFailed | Cause::Empty))
}

fn of_symbol(symbol: &SymbolOutcome) -> (String, Level, String) {
    let subject = if symbol.exchange.is_empty() {
        symbol.name.clone()
    } else {
        format!("{} on {}", symbol.name, symbol.exchange)
    };
    (subject, symbol.verdict.level, symbol.verdict.reason.clone())
}

/// What was done is told by itself: whoever is on call wants to know of each restart.
fn of_action(outcome: &Outcome) -> Option<(String, Level, String)> {
    let detail = match &outcome.action {
        Action::Restarted {
            why,
            fresh_after_us: Some(_),
            ..
        } => format!("restarted, and fresh again; {why}"),
        Action::Restarted { why, .. } => format!("restarted, and not fresh again; {why}"),
        Action::Failed { why } => format!("not restarted: {why}"),
        Action::Refused(ruling) => format!("not restarted: {ruling}"),
        Action::NotNeeded | Action::NoUnit { .. } | Action::DryRun { .. } => {
            return outcome
                .target
                .clone()
                .map(|target| (target, Level::Fresh, String::new()));
        }
    };
    let level = match outcome.action.level() {
        Level::Fresh if matches!(outcome.action, Action::Refused(Ruling::Held { .. })) => {
            Level::Warning
        }
        // It was needed, and was not made.
        Level::Fresh => Level::Critical,
        level => level,
    };
    outcome.target.clone().map(|target| (target, level, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::watchdog::{
            outcome::UnsealedNote,
            testing::{outcome, symbol},
        },
        domain::alert::{NoticeKind, Rule, Severity},
    };

    const MINUTE: i64 = 60_000_000;

    /// What is told of these looks, a minute apart.
    fn told(looks: &[Vec<SymbolOutcome>]) -> Vec<Vec<(NoticeKind, Severity)>> {
        let mut alerts = Alerts::new(Rule::defaults()).expect("rules");
        let looks = looks.iter().enumerate();
        looks
            .map(|(minute, symbols)| {
                let now_us = i64::try_from(minute).expect("few") * MINUTE;
                let due = notices(&outcome(symbols.clone()), &mut alerts, now_us);
                due.iter().map(|due| (due.kind, due.severity)).collect()
            })
            .collect()
    }

    #[test]
    fn what_goes_from_bad_to_worse_is_not_over_until_it_is_well() {
        use NoticeKind::{Firing, Resolved};
        let look = |level| vec![symbol("BTCUSDT", level, Cause::DeadCollector)];
        let told = told(&[
            look(Level::Warning),
            look(Level::Critical),
            look(Level::Critical),
            look(Level::Fresh),
        ]);
        assert_eq!(told[0], [(Firing, Severity::Warning)]);
        assert_eq!(told[1], [(Firing, Severity::Critical)]);
        assert_eq!(told[2], []);
        assert_eq!(
            told[3],
            [
                (Resolved, Severity::Warning),
                (Resolved, Severity::Critical)
            ]
        );
    }

    #[test]
    fn a_database_that_does_not_answer_ends_no_alert() {
        use NoticeKind::{Firing, Resolved};
        let dead = || vec![symbol("BTCUSDT", Level::Critical, Cause::DeadCollector)];
        let blind = vec![symbol("(all)", Level::Unknown, Cause::QueryFailed)];
        let told = told(&[dead(), blind, dead()]);
        assert_eq!(told[1], [(Firing, Severity::Critical)], "of the database");
        assert_eq!(told[2], [(Resolved, Severity::Critical)], "of the database");
    }

    #[test]
    fn seals_that_are_still_to_be_looked_at_end_no_alert() {
        use NoticeKind::{Firing, Resolved};
        let mut alerts = Alerts::new(Rule::defaults()).expect("rules");
        let mut outcome = outcome(vec![symbol("BTCUSDT", Level::Fresh, Cause::Fresh)]);
        let note = UnsealedNote {
            symbol: "BTCUSDT".to_owned(),
            period_start_us: 0,
            ids: None,
            why: "it has holes".to_owned(),
            command: String::new(),
        };
        let mut told = |awaits_seals: bool, unsealed: &[UnsealedNote], minute: i64| {
            outcome.awaits_seals = awaits_seals;
            outcome.unsealed = unsealed.to_vec();
            let due = notices(&outcome, &mut alerts, minute * MINUTE);
            due.iter().map(|due| due.kind).collect::<Vec<_>>()
        };
        let unsealed = [note];
        assert_eq!(told(false, &unsealed, 0), [Firing]);
        assert_eq!(told(true, &[], 1), []);
        assert_eq!(told(false, &unsealed, 1), []);
        assert_eq!(told(true, &[], 2), []);
        assert_eq!(told(false, &[], 2), [Resolved]);
    }

    #[test]
    fn a_hold_calls_nobody_and_ends_no_alert() {
        use NoticeKind::{Firing, Resolved};
        let mut alerts = Alerts::new(Rule::defaults()).expect("rules");
        let mut outcome = outcome(vec![symbol("BTCUSDT", Level::Fresh, Cause::Fresh)]);
        let held = Action::Refused(Ruling::Held {
            until_us: 1,
            why: "new disk".to_owned(),
            by: "ada".to_owned(),
        });
        let mut told = |action: Action, minute: i64| {
            outcome.action = action;
            let due = notices(&outcome, &mut alerts, minute * MINUTE);
            let due = due.iter().map(|due| (due.kind, due.severity));
            due.collect::<Vec<_>>()
        };
        assert_eq!(told(held.clone(), 0), [(Firing, Severity::Warning)]);
        let released = told(Action::NotNeeded, 1);
        assert_eq!(released, [(Resolved, Severity::Warning)]);
        let why = "no rights".to_owned();
        assert_eq!(
            told(Action::Failed { why }, 120),
            [(Firing, Severity::Critical)]
        );
        assert_eq!(told(held, 121), [(Firing, Severity::Warning)]);
        let over = told(Action::NotNeeded, 122);
        assert!(over.contains(&(Resolved, Severity::Critical)), "{over:?}");
    }

    #[test]
    fn every_restart_is_told_of_and_one_that_was_not_allowed_is_critical() {
        let mut alerts = Alerts::new(Rule::defaults()).expect("rules");
        let mut outcome = outcome(vec![symbol("BTCUSDT", Level::Fresh, Cause::Fresh)]);
        outcome.action = Action::Restarted {
            why: "dead".to_owned(),
            took_us: 1,
            fresh_after_us: Some(1),
            waited_us: 1,
        };
        let due = notices(&outcome, &mut alerts, 0);
        assert_eq!(due[0].severity, Severity::Warning);
        assert_eq!(due[0].subject.as_deref(), Some("it"));
        assert!(due[0].detail.contains("fresh again"), "{:?}", due[0]);
        outcome.action = Action::Failed {
            why: "no rights".to_owned(),
        };
        let due = notices(&outcome, &mut alerts, MINUTE);
        let critical = due.iter().find(|due| due.severity == Severity::Critical);
        assert!(critical.is_some_and(|due| due.detail.contains("no rights")));
    }
}
