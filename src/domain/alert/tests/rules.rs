//! Rules as data.

use super::*;

#[test]
fn the_defaults_are_sound_and_cover_every_metric_once() {
    let rules = Rule::defaults();
    Alerts::new(rules.clone()).expect("sound rules");
    let mut metrics: Vec<_> = rules.iter().map(|rule| rule.metric).collect();
    metrics.sort_unstable();
    assert_eq!(metrics, Metric::ALL);
    for rule in &rules {
        assert_eq!(rule.cooldown, rule.severity.cooldown(), "{}", rule.name);
        assert!(
            !rule.text.is_empty() && !rule.hint.is_empty(),
            "{}",
            rule.name
        );
    }
    let by = |name: &str| rules.iter().find(|rule| rule.name == name).expect("a rule");
    for (name, limit, severity) in [
        ("data_stale", 90.0, Severity::Critical),
        ("silence", 600.0, Severity::Critical),
        ("frequent_reconnects", 10.0, Severity::Warning),
        ("frequent_restarts", 10.0, Severity::Warning),
        ("many_errors", 100.0, Severity::Warning),
        ("disk_nearly_full", 0.9, Severity::Warning),
        ("spool_not_empty", 0.0, Severity::Warning),
        ("breaker_open", 0.0, Severity::Warning),
        ("breaker_trips", 3.0, Severity::Critical),
        ("buffer_full", 10_000.0, Severity::Critical),
        ("memory_high", 0.9, Severity::Warning),
        ("id_reset", 0.0, Severity::Critical),
        ("gap_absent", 0.0, Severity::Critical),
        ("restart_failed", 0.0, Severity::Critical),
    ] {
        assert_eq!(
            (by(name).limit, by(name).severity),
            (limit, severity),
            "{name}"
        );
    }
}

#[test]
fn every_metric_is_written_as_it_is_named() {
    for metric in Metric::ALL {
        let json = serde_json::to_string(&metric).expect("JSON");
        assert_eq!(json, format!("\"{metric}\""));
    }
}

#[test]
fn figures_are_shown_in_their_unit() {
    for (metric, value, text) in [
        (Metric::SilenceS, 612.4, "10m 12s"),
        (Metric::SilenceS, 0.25, "0.2 s"),
        (Metric::DiskUsedRatio, 0.915, "91.5 %"),
        (Metric::ReconnectsPerHour, 12.0, "12 an hour"),
        (Metric::BufferRows, 10_001.0, "10001 rows"),
        (Metric::BreakerOpen, 1.0, "yes"),
        (Metric::BreakerOpen, 0.0, "no"),
        (Metric::RestartFailed, 3.0, "3 in a row"),
        (Metric::SilenceS, f64::INFINITY, "inf s"),
    ] {
        assert_eq!(metric.unit().show(value), text);
    }
}

#[test]
fn a_rule_from_a_file_has_defaults_and_comes_back_as_it_was() {
    let rule: Rule = toml::from_str(
        "name = 'slow'\nmetric = 'silence_s'\nlimit = 30\nfor = '90s'\nseverity = 'critical'",
    )
    .expect("a rule");
    assert_eq!(rule.hold, Duration::from_secs(90));
    assert_eq!(rule.cooldown, Duration::from_secs(900));
    assert_eq!(rule.text, "silence_s is above 30s");
    for rule in Rule::defaults().into_iter().chain([rule]) {
        let json = serde_json::to_string(&rule).expect("JSON");
        let back: Rule = serde_json::from_str(&json).expect("a rule");
        assert_eq!(back, rule);
    }
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_with_the_field_named() {
    let base = "name = 'a'\nmetric = 'disk_used_ratio'\nlimit = 0.5\n";
    for (text, part) in [
        (base.replace("'a'", "'A b'"), "name:"),
        (base.replace("'a'", "''"), "name:"),
        (
            base.replace("0.5", "90"),
            "limit: this metric goes from 0 to 1",
        ),
        (base.replace("0.5", "nan"), "limit: a limit is a number"),
        (base.replace("limit", "limits"), "unknown field `limits`"),
        (
            base.replace("disk_used_ratio", "disk"),
            "unknown variant `disk`",
        ),
        (format!("{base}cooldown = '0s'"), "cooldown: at least 1s"),
        (format!("{base}for = '2years'"), "for: at most a year"),
        (format!("{base}for = 'soon'"), "'soon' is not a duration"),
        (format!("{base}severity = 'dire'"), "unknown variant `dire`"),
        ("name = 'a'\nlimit = 1".to_owned(), "missing field `metric`"),
    ] {
        let error = toml::from_str::<Rule>(&text).expect_err(&text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let twice = vec![rule(0, 1, 0), rule(0, 1, 0)];
    let error = Alerts::new(twice).expect_err("one name twice");
    assert_eq!(
        error.to_string(),
        "alert rule 'many', name: another rule has this name already"
    );
}

#[test]
fn a_failed_restart_is_critical_and_counted_without_a_limit() {
    let reading = Reading::new(Metric::RestartFailed, 3.0)
        .of("session-0")
        .because("attempt 3: why");
    let mut alerts = Alerts::new(Rule::defaults()).expect("rules");
    let notices = alerts.evaluate(&[reading], 0);
    assert_eq!(notices.len(), 1);
    let notice = &notices[0];
    assert_eq!(
        notice.headline(),
        "session-0: a restart failed (3 in a row)"
    );
    assert_eq!(notice.detail, "attempt 3: why");
    assert!(notice.hint.contains("service manager"), "what to do");
    assert_eq!(notice.severity, Severity::Critical);
    let notices = alerts.evaluate(
        &[Reading::new(Metric::RestartFailed, 0.0).of("session-0")],
        0,
    );
    assert_eq!(notices, [], "it is not over at once");
    let over = Reading::new(Metric::RestartFailed, 0.0).of("session-0");
    let notices = alerts.evaluate(&[over], MINUTE_US);
    assert_eq!(notices[0].headline(), "session-0: a restart failed");
}
