//! The figures of a collector's health.

use super::{Metric, Reading};
use crate::domain::health::{HealthSnapshot, Progress, SymbolHealth};

/// Every figure of `health` that rules can bound.
#[must_use]
pub fn readings(health: &HealthSnapshot) -> Vec<Reading> {
    let flag = |is_set: bool| f64::from(u8::from(is_set));
    let mut readings: Vec<Reading> = health.symbols.iter().flat_map(of_symbol).collect();
    let mut add = |metric, value| readings.push(Reading::new(metric, value));
    add(Metric::ReconnectsPerHour, health.reconnects_1h as f64);
    add(Metric::RestartsPerHour, health.restarts_1h as f64);
    add(Metric::ErrorsPerHour, health.errors_1h as f64);
    let has_waited = health
        .spool_oldest_s
        .is_some_and(|age_s| age_s >= WAITING_S);
    let waiting = if has_waited { health.spool_rows } else { 0 };
    add(Metric::SpoolRows, waiting as f64);
    add(Metric::SpoolFull, flag(health.paused.is_some()));
    add(Metric::BreakerOpen, flag(health.is_breaker_open));
    add(Metric::BreakerTripsPerHour, health.breaker_trips_1h as f64);
    add(Metric::DeadLettersPerHour, health.dead_letters_1h as f64);
    add(Metric::BufferRows, health.buffer_rows as f64);
    if let Some(ratio) = health.disk_used_ratio {
        add(Metric::DiskUsedRatio, ratio);
    }
    if let Some(ratio) = health.memory_used_ratio {
        add(Metric::MemoryUsedRatio, ratio);
    }
    readings.extend(health.symbols.iter().map(|symbol| id_reset(health, symbol)));
    readings.extend(
        health
            .symbols
            .iter()
            .map(|symbol| gaps_absent(health, symbol)),
    );
    readings.extend(health.tasks.iter().map(|task| {
        let failed = task.failed_restarts();
        because(
            failed,
            task,
            Reading::new(Metric::RestartFailed, failed as f64).of(&*task.name),
        )
    }));
    readings.extend(health.groups.iter().map(|group| {
        let failed = group.failed_remedies;
        because(
            failed,
            group,
            Reading::new(Metric::RestartFailed, failed as f64).of(&*group.name),
        )
    }));
    readings
}

/// For so long a symbol may find out where to start, in s; after that its silence counts.
const STARTING_S: f64 = 300.0;

/// A row that has waited for so long is not merely on its way, in s.
const WAITING_S: f64 = 60.0;

/// What proves a figure, where there is something to prove.
fn because(count: u64, text: &dyn std::fmt::Display, reading: Reading) -> Reading {
    if count == 0 {
        reading
    } else {
        reading.because(text.to_string())
    }
}

fn id_reset(health: &HealthSnapshot, symbol: &SymbolHealth) -> Reading {
    let is_stopped = symbol.progress == Progress::Stopped;
    let proven = health
        .id_resets
        .iter()
        .find(|of| of.symbol == symbol.symbol);
    Reading::new(Metric::IdResets, f64::from(u8::from(is_stopped)))
        .of(symbol.symbol.as_str())
        .because(proven.map_or("", |proven| &proven.last))
}

fn gaps_absent(health: &HealthSnapshot, symbol: &SymbolHealth) -> Reading {
    let proven = health
        .gaps_absent
        .iter()
        .find(|of| of.symbol == symbol.symbol);
    Reading::new(
        Metric::GapsAbsent,
        proven.map_or(0.0, |proven| proven.count_1h as f64),
    )
    .of(symbol.symbol.as_str())
    .because(proven.map_or("", |proven| &proven.last))
}

/// Of a symbol that has not started yet nothing is known: what was told of it before a
/// restart stays as it is.
fn of_symbol(symbol: &SymbolHealth) -> Vec<Reading> {
    let reading = |metric, value: f64| {
        Reading::new(metric, value)
            .of(symbol.symbol.as_str())
            .because(format!("its stream is {}", symbol.pulse.as_str()))
    };
    let mut readings = Vec::new();
    if symbol.progress == Progress::Starting {
        let silence_s = symbol.stale_ms() as f64 / 1e3;
        let has_waited = silence_s >= STARTING_S;
        readings.push(reading(Metric::DataStaleS, f64::NAN));
        readings.push(reading(
            Metric::SilenceS,
            if has_waited { silence_s } else { f64::NAN },
        ));
    }
    if matches!(symbol.progress, Progress::Live | Progress::CatchingUp) {
        readings.push(reading(Metric::DataStaleS, symbol.behind_ms as f64 / 1e3));
        readings.push(reading(Metric::SilenceS, symbol.stale_ms() as f64 / 1e3));
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_that_does_not_get_to_its_start_is_told_of() {
        let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
        let mut told = Vec::new();
        for second in 0..1200 {
            let mut starting = health(Pulse::Down, second);
            starting.symbols[0].progress = Progress::Starting;
            let now_us = second.cast_signed() * SECOND_US;
            told.extend(alerts.evaluate(&readings(&starting), now_us));
        }
        let told: Vec<_> = told.iter().map(|notice| notice.rule.clone()).collect();
        assert_eq!(
            told.first().map(String::as_str),
            Some("silence"),
            "{told:?}"
        );
    }
    use crate::domain::{
        alert::{Alerts, NoticeKind, Rule},
        health::{GroupHealth, Proven, Pulse, TaskHealth},
    };

    const SECOND_US: i64 = 1_000_000;

    /// Behind for as long as it is silent, unless it is quiet.
    fn health(pulse: Pulse, silence_s: u64) -> HealthSnapshot {
        let behind_s = if pulse == Pulse::Quiet { 0 } else { silence_s };
        HealthSnapshot {
            symbols: vec![SymbolHealth {
                symbol: "BTCUSDT".parse().expect("a symbol"),
                progress: Progress::Live,
                pulse,
                silence_ms: silence_s * 1000,
                unexplained_ms: behind_s * 1000,
                patience_ms: 14_000,
                behind_ms: behind_s * 1000,
                per_minute: None,
                usual_per_minute: None,
            }],
            ..HealthSnapshot::default()
        }
    }

    #[test]
    fn a_dead_stream_is_told_within_two_minutes_and_its_recovery_too() {
        let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
        let mut told = Vec::new();
        for second in 0..300 {
            let (pulse, silence_s) = match second {
                0..200 => (Pulse::Overdue, second as u64),
                _ => (Pulse::Fresh, 0),
            };
            let readings = readings(&health(pulse, silence_s));
            for notice in alerts.evaluate(&readings, second * SECOND_US) {
                told.push((second, notice.kind == NoticeKind::Firing));
            }
        }
        assert_eq!(
            told.iter().map(|(_, fires)| *fires).collect::<Vec<_>>(),
            [true, false]
        );
        assert!(told[0].0 <= 120, "{told:?}");
    }

    #[test]
    fn a_symbol_that_starts_again_is_neither_told_anew_nor_well_until_something_is_known() {
        let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
        let told = alerts.evaluate(&readings(&health(Pulse::Overdue, 100)), 0);
        assert_eq!(told.len(), 1);
        let saved = alerts.save();
        let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
        assert_eq!(alerts.restore(saved, SECOND_US), []);
        let mut starting = health(Pulse::Down, 0);
        starting.symbols[0].progress = Progress::Starting;
        for second in 1..600 {
            let readings = readings(&starting);
            assert_eq!(alerts.evaluate(&readings, second * SECOND_US), []);
        }
        let mut told = Vec::new();
        for second in 600..700 {
            let readings = readings(&health(Pulse::Fresh, 0));
            told.extend(alerts.evaluate(&readings, second * SECOND_US));
        }
        let kinds: Vec<_> = told.iter().map(|notice| notice.kind).collect();
        assert_eq!(kinds, [NoticeKind::Resolved]);
    }

    #[test]
    fn only_trades_that_are_known_and_missing_are_stale_however_long_the_silence() {
        let stale = |health: &HealthSnapshot| {
            let readings = readings(health);
            let stale = readings.iter().find(|r| r.metric == Metric::DataStaleS);
            stale.map(|reading| reading.value)
        };
        // Held trades behind ids that cannot be fetched look fresh.
        let mut stuck = health(Pulse::Fresh, 0);
        stuck.symbols[0].progress = Progress::CatchingUp;
        stuck.symbols[0].behind_ms = 95_000;
        assert_eq!(stale(&stuck), Some(95.0));
        for pulse in [Pulse::Down, Pulse::Overdue] {
            let mut reset = health(pulse, 109);
            reset.symbols[0].behind_ms = 270;
            assert_eq!(stale(&reset), Some(0.27));
        }
    }

    #[test]
    fn a_market_that_is_quiet_for_a_day_is_no_alert() {
        let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
        for second in (0..86_400).step_by(10) {
            let readings = readings(&health(Pulse::Quiet, second as u64));
            assert_eq!(alerts.evaluate(&readings, second * SECOND_US), []);
        }
    }

    /// What the default rules say of `health` after it was so for `seconds`, in order.
    fn told(health: &HealthSnapshot, seconds: i64) -> Vec<(String, String)> {
        let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
        let mut told = Vec::new();
        for second in 0..seconds {
            let notices = alerts.evaluate(&readings(health), second * SECOND_US);
            told.extend(
                notices
                    .into_iter()
                    .map(|notice| (notice.rule, notice.detail)),
            );
        }
        told
    }

    #[test]
    fn rows_on_their_way_are_no_alert_however_many_there_always_are() {
        let mut health = health(Pulse::Fresh, 0);
        health.spool_rows = 500;
        health.spool_oldest_s = Some(1.6);
        assert_eq!(told(&health, 1000), []);
        health.spool_oldest_s = Some(61.0);
        let told = told(&health, 1000);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, "spool_not_empty");
    }

    #[test]
    fn dead_letters_and_trades_held_in_memory_are_told_of() {
        let mut health = health(Pulse::Fresh, 0);
        health.dead_letters_1h = 1;
        health.buffer_rows = 10_001;
        let told = told(&health, 60);
        let rules: Vec<_> = told.iter().map(|(rule, _)| rule.as_str()).collect();
        assert_eq!(rules, ["dead_letters", "buffer_full"]);
    }

    #[test]
    fn what_is_proven_about_ids_names_symbol_and_ids() {
        let mut health = health(Pulse::Fresh, 0);
        health.symbols[0].progress = Progress::Stopped;
        let proven = |last: &str| Proven {
            symbol: "BTCUSDT".parse().expect("a symbol"),
            count_1h: 1,
            last: last.to_owned(),
        };
        health.id_resets = vec![proven("id 3, below 9")];
        health.gaps_absent = vec![proven("no trades 5 to 9")];
        let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
        let notices = alerts.evaluate(&readings(&health), 0);
        let told: Vec<_> = notices
            .iter()
            .map(|notice| (&*notice.rule, notice.subject.as_deref(), &*notice.detail))
            .collect();
        assert_eq!(
            told,
            [
                ("id_reset", Some("BTCUSDT"), "id 3, below 9"),
                ("gap_absent", Some("BTCUSDT"), "no trades 5 to 9"),
            ]
        );
    }

    #[test]
    fn a_task_or_a_stream_that_restarting_does_not_mend_is_told_of_before_it_is_given_up() {
        let mut health = health(Pulse::Fresh, 0);
        let task = |restarts_10m| TaskHealth {
            name: "delivery".to_owned(),
            restarts_10m,
            last_failure: Some("it panicked".to_owned()),
        };
        health.tasks = vec![task(1)];
        assert_eq!(
            told(&health, 10),
            [],
            "a restart that works is none that failed"
        );
        health.tasks = vec![task(2)];
        health.groups = vec![GroupHealth {
            name: "session-0".to_owned(),
            failed_remedies: 1,
            dead: Vec::new(),
        }];
        let told = told(&health, 10);
        let rules: Vec<_> = told.iter().map(|(rule, _)| rule.as_str()).collect();
        assert_eq!(rules, ["restart_failed", "restart_failed"]);
        assert!(
            told[0].1.contains("2 times within 10 minutes; it panicked"),
            "{told:?}"
        );
        assert!(told[1].1.contains("1 remedy has not helped"), "{told:?}");
    }
}
