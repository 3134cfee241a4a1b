//! Conditions that come and go for a day.

use super::*;

/// How many notices of each kind a day of looks every 10 s makes, in the order sent, when
/// the condition holds where `is_bad` says so.
fn day(rule: Rule, is_bad: impl Fn(i64) -> bool) -> (usize, usize, Vec<Notice>) {
    let bad = match rule.comparison {
        Comparison::Above => rule.limit + 1.0,
        Comparison::Below => rule.limit - 1.0,
    };
    let (metric, limit) = (rule.metric, rule.limit);
    let mut alerts = alerts(rule);
    let mut notices = Vec::new();
    let mut now_us = 0;
    while now_us < DAY_US {
        let value = if is_bad(now_us) { bad } else { limit };
        notices.extend(alerts.evaluate(&[Reading::new(metric, value)], now_us));
        now_us += 10 * SECOND_US;
    }
    // Long after, everything is quiet.
    for after_us in [0, DAY_US, 2 * DAY_US] {
        let quiet = Reading::new(metric, limit);
        notices.extend(alerts.evaluate(&[quiet], DAY_US + after_us));
    }
    assert_eq!(alerts.states(), 0);
    let firing = notices
        .iter()
        .filter(|n| n.kind == NoticeKind::Firing)
        .count();
    (firing, notices.len() - firing, notices)
}

fn every_other(period_us: i64) -> impl Fn(i64) -> bool {
    move |now_us| now_us / period_us % 2 == 0
}

#[test]
fn flapping_within_keep_firing_is_one_notice_a_cooldown_and_one_recovery() {
    let (firing, resolved, notices) = day(rule(0, 900, 120), every_other(MINUTE_US));
    // A cooldown ends in a minute off, so the notice waits for the next minute on.
    assert_eq!((firing, resolved), (90, 1));
    assert_eq!(notices.last().map(|n| n.kind), Some(NoticeKind::Resolved));
    assert!(notices[1..90].iter().all(|n| n.flaps == 8));
    assert_eq!(notices[89].reminder, 89);
}

#[test]
fn flapping_slower_than_keep_firing_is_one_notice_and_one_recovery_a_cooldown() {
    let (firing, resolved, notices) = day(rule(0, 900, 30), every_other(MINUTE_US));
    assert_eq!((firing, resolved), (90, 90));
    for pair in notices.chunks(2) {
        assert_eq!(pair[0].kind, NoticeKind::Firing);
        assert_eq!(pair[1].kind, NoticeKind::Resolved);
        assert_eq!(pair[0].reminder, 0);
    }
}

#[test]
fn every_default_rule_keeps_a_flapping_day_within_one_notice_a_cooldown() {
    for rule in Rule::defaults() {
        for period_s in [10, 20, 50, 70, 200, 1000, 4000] {
            let cooldown_us = rule.cooldown.as_micros() as i64;
            let (firing, resolved, notices) = day(rule.clone(), every_other(period_s * SECOND_US));
            let bound = usize::try_from(DAY_US / cooldown_us).expect("few") + 1;
            assert!(firing <= bound, "{} {period_s}: {firing}", rule.name);
            let begun = notices
                .iter()
                .filter(|n| n.kind == NoticeKind::Firing && n.reminder == 0)
                .count();
            assert_eq!(begun, resolved, "{} {period_s}", rule.name);
            if period_s == 1000 {
                assert!(firing > 10, "{} was told of", rule.name);
            }
        }
    }
}

#[test]
fn a_healthy_spool_alerts_nobody_for_a_day() {
    let spool = Rule::defaults()
        .into_iter()
        .find(|rule| rule.metric == Metric::SpoolRows)
        .expect("a rule for the spool");
    // Each look but every third finds a batch on its way.
    let (firing, resolved, _) = day(spool, |now_us| now_us / (10 * SECOND_US) % 3 != 0);
    assert_eq!((firing, resolved), (0, 0));
}
