use std::time::Duration;

use super::*;

mod flapping;
mod properties;
mod rules;

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const DAY_US: i64 = 24 * 60 * MINUTE_US;

fn rule(hold_s: u64, cooldown_s: u64, keep_firing_s: u64) -> Rule {
    Rule {
        hold: Duration::from_secs(hold_s),
        cooldown: Duration::from_secs(cooldown_s),
        keep_firing: Duration::from_secs(keep_firing_s),
        ..Rule::new("many", Metric::ErrorsPerHour, 10.0)
    }
}

fn alerts(rule: Rule) -> Alerts {
    Alerts::new(vec![rule]).expect("a rule")
}

fn errors(value: f64) -> Reading {
    Reading::new(Metric::ErrorsPerHour, value)
}

/// The kinds of the notices due at `at_s` when `value` was measured; none for nothing.
fn at(alerts: &mut Alerts, at_s: i64, value: Option<f64>) -> Vec<(NoticeKind, u32)> {
    let readings: Vec<_> = value.map(errors).into_iter().collect();
    let notices = alerts.evaluate(&readings, at_s * SECOND_US);
    notices
        .iter()
        .map(|notice| (notice.kind, notice.reminder))
        .collect()
}

const BAD: Option<f64> = Some(11.0);
const GOOD: Option<f64> = Some(10.0);

#[test]
fn a_condition_is_told_after_its_hold_repeated_after_its_cooldown_and_recovers_once() {
    let mut alerts = alerts(rule(60, 900, 30));
    assert_eq!(at(&mut alerts, 0, GOOD), []);
    assert_eq!(at(&mut alerts, 10, BAD), []);
    assert_eq!(alerts.active()[0].phase, Phase::Pending);
    assert_eq!(at(&mut alerts, 69, BAD), []);
    assert_eq!(at(&mut alerts, 70, BAD), [(NoticeKind::Firing, 0)]);
    assert_eq!(at(&mut alerts, 80, BAD), []);
    assert_eq!(at(&mut alerts, 969, BAD), []);
    assert_eq!(at(&mut alerts, 970, BAD), [(NoticeKind::Firing, 1)]);
    assert_eq!(at(&mut alerts, 980, GOOD), []);
    assert_eq!(alerts.active()[0].phase, Phase::Firing);
    assert_eq!(at(&mut alerts, 1009, GOOD), []);
    assert_eq!(at(&mut alerts, 1010, GOOD), [(NoticeKind::Resolved, 1)]);
    assert_eq!(at(&mut alerts, 1011, GOOD), []);
    assert_eq!(alerts.active(), []);
    // The cooldown is remembered until it is over, and not longer.
    assert_eq!(alerts.states(), 1);
    assert_eq!(at(&mut alerts, 1870, GOOD), []);
    assert_eq!(alerts.states(), 0);
}

#[test]
fn what_holds_for_less_than_its_hold_is_told_to_nobody() {
    let mut alerts = alerts(rule(60, 900, 0));
    for round in 0..100 {
        assert_eq!(at(&mut alerts, round * 100, BAD), []);
        assert_eq!(at(&mut alerts, round * 100 + 59, BAD), []);
        assert_eq!(at(&mut alerts, round * 100 + 60, GOOD), []);
    }
    assert_eq!(alerts.states(), 0);
}

#[test]
fn a_firing_within_the_cooldown_is_told_when_it_is_over_with_what_was_kept_back() {
    let mut alerts = alerts(rule(0, 900, 0));
    assert_eq!(at(&mut alerts, 0, BAD), [(NoticeKind::Firing, 0)]);
    assert_eq!(at(&mut alerts, 10, GOOD), [(NoticeKind::Resolved, 0)]);
    assert_eq!(at(&mut alerts, 20, BAD), []);
    // Nobody was told of it, so nobody is told that it is over.
    assert_eq!(at(&mut alerts, 30, GOOD), []);
    assert_eq!(at(&mut alerts, 40, BAD), []);
    let notices = alerts.evaluate(&[errors(12.0).because("timeout")], 900 * SECOND_US);
    let [notice] = &notices[..] else {
        panic!("{notices:?}")
    };
    assert_eq!((notice.kind, notice.reminder), (NoticeKind::Firing, 0));
    assert_eq!((notice.flaps, notice.suppressed), (2, 2));
    assert_eq!(notice.since_us, 40 * SECOND_US);
    assert_eq!((notice.value, notice.limit), (12.0, 10.0));
    assert_eq!(notice.detail, "timeout");
    assert_eq!(
        notice.to_string(),
        "WARNING: errors_per_hour is above 10 an hour (12 an hour, limit 10)"
    );
}

#[test]
fn a_subject_that_is_no_longer_measured_recovers_and_says_so() {
    let mut alerts = alerts(rule(0, 900, 30));
    let reading = errors(11.0).of("BTCUSDT");
    assert_eq!(alerts.evaluate(&[reading], 0).len(), 1);
    assert_eq!(at(&mut alerts, 10, None), []);
    let notices = alerts.evaluate(&[], 40 * SECOND_US);
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].kind, NoticeKind::Resolved);
    assert_eq!(notices[0].ended, Some(Ended::Gone));
    assert_eq!(notices[0].subject.as_deref(), Some("BTCUSDT"));
    assert!(notices[0].headline().ends_with("(no longer measured)"));
    assert_eq!(at(&mut alerts, 50, None), []);
    assert_eq!(at(&mut alerts, 1000, None), []);
    assert_eq!(alerts.states(), 0);
}

#[test]
fn a_figure_that_is_no_number_changes_nothing_and_the_worst_of_several_counts() {
    let mut alerts = alerts(rule(0, 900, 0));
    assert_eq!(at(&mut alerts, 0, Some(f64::NAN)), []);
    let several = [errors(f64::NAN), errors(3.0), errors(50.0), errors(7.0)];
    let notices = alerts.evaluate(&several, SECOND_US);
    assert_eq!(notices.len(), 1);
    assert!((notices[0].value - 50.0).abs() < 1e-9);
    assert_eq!(at(&mut alerts, 2, Some(f64::NAN)), []);
    assert_eq!(alerts.active().len(), 1);
    let json = serde_json::to_value(&notices[0]).expect("JSON");
    assert_eq!(json["kind"], "firing");
    assert_eq!(json["metric"], "errors_per_hour");
    // Infinity is beyond every limit, and JSON has no word for it.
    let mut alerts = Alerts::new(vec![rule(0, 900, 0)]).expect("a rule");
    let notices = alerts.evaluate(&[errors(f64::INFINITY)], 0);
    let json = serde_json::to_value(&notices[0]).expect("JSON");
    assert_eq!(json["value"], 1e15);
}

#[test]
fn a_clock_that_goes_back_does_not_draw_out_a_cooldown() {
    let mut alerts = alerts(rule(60, 900, 0));
    assert_eq!(at(&mut alerts, 1_000_000, BAD), []);
    assert_eq!(at(&mut alerts, 1_000_060, BAD), [(NoticeKind::Firing, 0)]);
    assert_eq!(at(&mut alerts, 100, BAD), []);
    assert_eq!(at(&mut alerts, 999, BAD), []);
    assert_eq!(at(&mut alerts, 1000, BAD), [(NoticeKind::Firing, 1)]);
}

#[test]
fn subjects_beyond_the_bound_share_one_state_that_recovers_like_any_other() {
    let mut alerts = alerts(rule(0, 900, 0));
    let readings: Vec<Reading> = (0..5000)
        .map(|number| errors(11.0 + f64::from(number)).of(format!("S{number:04}")))
        .collect();
    let notices = alerts.evaluate(&readings, 0);
    assert_eq!(notices.len(), MAX_SUBJECTS_PER_RULE + 1);
    assert_eq!(alerts.states(), MAX_SUBJECTS_PER_RULE + 1);
    let others = notices.last().expect("a notice");
    assert_eq!(others.subject.as_deref(), Some(OTHERS));
    assert!((others.value - 5010.0).abs() < 1e-9);
    assert_eq!(others.detail, "4000 more, the worst is S4999: ");
    // The same readings again: nobody moves, nothing is told.
    assert_eq!(alerts.evaluate(&readings, SECOND_US), []);
    let notices = alerts.evaluate(&[], 2 * SECOND_US);
    assert_eq!(notices.len(), MAX_SUBJECTS_PER_RULE + 1);
    assert!(notices.iter().all(|n| n.kind == NoticeKind::Resolved));
    alerts.evaluate(&[], 901 * SECOND_US);
    assert_eq!(alerts.states(), 0);
}

#[test]
fn a_restart_neither_repeats_an_alert_nor_forgets_its_recovery() {
    let mut before = alerts(rule(0, 900, 60));
    assert_eq!(at(&mut before, 0, BAD).len(), 1);
    let saved = serde_json::to_string(&before.save()).expect("JSON");
    let mut after = alerts(rule(0, 900, 60));
    let notices = after.restore(serde_json::from_str(&saved).expect("states"), SECOND_US);
    assert_eq!(notices, []);
    assert_eq!(at(&mut after, 20, BAD), []);
    assert_eq!(at(&mut after, 30, GOOD), []);
    assert_eq!(at(&mut after, 90, GOOD), [(NoticeKind::Resolved, 0)]);
    // The rule is gone: its alert recovers at once.
    let mut other = Alerts::new(Vec::new()).expect("no rules");
    let notices = other.restore(serde_json::from_str(&saved).expect("states"), SECOND_US);
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].ended, Some(Ended::RuleRemoved));
    assert_eq!(notices[0].kind, NoticeKind::Resolved);
}

#[test]
fn states_can_be_kept_by_another_clock_than_waits_are_counted_by() {
    let mut before = alerts(rule(0, 900, 60));
    let notice = before.evaluate(&[errors(11.0)], 5 * SECOND_US).remove(0);
    assert_eq!(notice.shifted(DAY_US).at_us, DAY_US + 5 * SECOND_US);
    // By the wall clock a minute passes between the runs; the steady one begins anew.
    let saved = before.save().shifted(DAY_US);
    let behind_us = -(DAY_US + 65 * SECOND_US);
    let saved = saved.shifted(behind_us);
    let mut after = alerts(rule(0, 900, 60));
    assert_eq!(after.restore(saved, 0), []);
    assert_eq!(after.active()[0].since_us, -60 * SECOND_US);
    assert_eq!(at(&mut after, 839, BAD), [], "the cooldown goes on");
    assert_eq!(at(&mut after, 840, BAD), [(NoticeKind::Firing, 1)]);
}
