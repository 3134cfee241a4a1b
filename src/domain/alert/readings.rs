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
    add(Metric::SpoolRows, health.spool_rows as f64);
    add(Metric::SpoolFull, flag(health.paused.is_some()));
    add(Metric::BreakerOpen, flag(health.is_breaker_open));
    add(Metric::BreakerTripsPerHour, health.breaker_trips_1h as f64);
    add(Metric::BufferRows, health.buffer_rows as f64);
    add(Metric::GapsAbsent, health.gaps_absent_1h as f64);
    if let Some(ratio) = health.disk_used_ratio {
        add(Metric::DiskUsedRatio, ratio);
    }
    if let Some(ratio) = health.memory_used_ratio {
        add(Metric::MemoryUsedRatio, ratio);
    }
    let remedies = Reading::new(Metric::RestartFailed, health.failed_remedies as f64);
    readings.push(remedies.of("streams").because(format!(
        "{} remedies in a row have not helped; {}",
        health.failed_remedies,
        health.complaints().join("; ")
    )));
    readings
}

/// Of a symbol that has not started yet nothing is known: what was told of it before a
/// restart stays as it is.
fn of_symbol(symbol: &SymbolHealth) -> Vec<Reading> {
    let is_stopped = symbol.progress == Progress::Stopped;
    let reading = |metric, value: f64| {
        Reading::new(metric, value)
            .of(symbol.symbol.as_str())
            .because(format!("its stream is {}", symbol.pulse.as_str()))
    };
    let mut readings = vec![reading(Metric::IdResets, f64::from(u8::from(is_stopped)))];
    if symbol.progress == Progress::Starting {
        readings.push(reading(Metric::DataStaleS, f64::NAN));
        readings.push(reading(Metric::SilenceS, f64::NAN));
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
    use crate::domain::{
        alert::{Alerts, NoticeKind, Rule},
        health::Pulse,
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
}
