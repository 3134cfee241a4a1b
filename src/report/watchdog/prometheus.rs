//! For Prometheus, by way of node_exporter's textfile collector.
//!
//! Every series names the store and the target: several of these files may lie in one
//! directory, and a series that is there twice makes node_exporter drop them all.

use std::fmt::Write as _;

use crate::app::watchdog::{Outcome, SymbolOutcome, outcome::status_code};

use super::words::distinct;

/// The text of the file.
#[must_use]
pub fn text(outcome: &Outcome) -> String {
    let run = labels(&[
        ("store", &outcome.store),
        ("target", outcome.target.as_deref().unwrap_or_default()),
    ]);
    let mut text = String::new();
    let mut family = |name: &str, help: &str, series: Vec<(String, String)>| {
        if series.is_empty() {
            return;
        }
        let name = format!("streamkit_watchdog_{name}");
        // Writing to a string does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in series {
            let _ = writeln!(text, "{name}{{{labels}}} {value}");
        }
    };
    let one = |value: String| vec![(run.clone(), value)];
    family(
        "level",
        "The result: 0 fresh, 1 warning, 2 critical, 3 unknown.",
        one(status_code(outcome.level()).to_string()),
    );
    family(
        "checked_timestamp_seconds",
        "When the data were looked at last, since 1970 UTC.",
        one(seconds(outcome.checked_at_us)),
    );
    family(
        "clock_skew_seconds",
        "How much the clock of the database is ahead of that of this machine.",
        outcome.skew_us.map(seconds).map(one).unwrap_or_default(),
    );
    family(
        "action",
        "What was done, as a label.",
        vec![(
            format!("{run},{}", labels(&[("action", outcome.action.as_str())])),
            "1".to_owned(),
        )],
    );
    family(
        "unsealed_periods",
        "Closed periods that are not sealed, where seals are checked and some are missing.",
        if outcome.unsealed.is_empty() {
            Vec::new()
        } else {
            one(outcome.unsealed.len().to_string())
        },
    );
    let symbols = distinct(outcome);
    let each = |value: &dyn Fn(&SymbolOutcome) -> Option<String>| {
        let series = |symbol: &&SymbolOutcome| {
            let own = labels(&[("exchange", &symbol.exchange), ("symbol", &symbol.name)]);
            value(symbol).map(|value| (format!("{run},{own}"), value))
        };
        symbols.iter().filter_map(series).collect::<Vec<_>>()
    };
    family(
        "symbol_level",
        "How the symbol is: 0 fresh, 1 warning, 2 critical, 3 unknown.",
        each(&|symbol| Some(status_code(symbol.verdict.level).to_string())),
    );
    family(
        "data_age_seconds",
        "How old the newest data of the symbol are.",
        each(&|symbol| symbol.age_us.map(seconds)),
    );
    family(
        "heartbeat_age_seconds",
        "How old the heartbeat of the symbol's collector is.",
        each(&|symbol| symbol.heartbeat_age_us.map(seconds)),
    );
    family(
        "last_agg_trade_id",
        "The id of the symbol's last trade.",
        each(&|symbol| symbol.last_id.map(|id| id.to_string())),
    );
    text
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let label = |(name, value): &(&str, &str)| format!("{name}=\"{}\"", escaped(value));
    pairs.iter().map(label).collect::<Vec<_>>().join(",")
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// µs as s, to the µs.
fn seconds(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let us = us.unsigned_abs();
    format!("{sign}{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::report::watchdog::testing::{
        critical, empty, fresh, outcome, restarted, unknown, unsealed_day,
    };

    const RUN: &str = "store=\"clickhouse://127.0.0.1:8123/streamkit\",\
                       target=\"systemd unit collect.service\"";

    #[test]
    fn each_family_has_its_help_type_and_series() {
        let mut outcome = outcome(vec![fresh("BTCUSDT"), critical("ETHUSDT")]);
        outcome.action = restarted(None);
        outcome.unsealed = vec![unsealed_day()];
        let text = text(&outcome);
        let symbol = |name| format!("{RUN},exchange=\"binance\",symbol=\"{name}\"");
        for line in [
            "# TYPE streamkit_watchdog_level gauge".to_owned(),
            format!("streamkit_watchdog_level{{{RUN}}} 2"),
            format!("streamkit_watchdog_checked_timestamp_seconds{{{RUN}}} 1767322800.250000"),
            format!("streamkit_watchdog_clock_skew_seconds{{{RUN}}} 0.001500"),
            format!("streamkit_watchdog_action{{{RUN},action=\"restarted\"}} 1"),
            format!("streamkit_watchdog_unsealed_periods{{{RUN}}} 1"),
            format!("streamkit_watchdog_symbol_level{{{}}} 0", symbol("BTCUSDT")),
            format!("streamkit_watchdog_symbol_level{{{}}} 2", symbol("ETHUSDT")),
            format!(
                "streamkit_watchdog_data_age_seconds{{{}}} 725.000000",
                symbol("ETHUSDT")
            ),
            format!(
                "streamkit_watchdog_heartbeat_age_seconds{{{}}} 3.250000",
                symbol("BTCUSDT")
            ),
            format!(
                "streamkit_watchdog_last_agg_trade_id{{{}}} 3412345678",
                symbol("BTCUSDT")
            ),
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line}\nin\n{text}"
            );
        }
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn no_series_is_there_twice_and_none_is_broken() {
        let mut odd = unknown("a\"b\\c\nd");
        odd.age_us = Some(1);
        let symbols = vec![fresh("X"), critical("X"), odd];
        let text = text(&outcome(symbols));
        let series: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(series, value)| {
                value.parse::<f64>().expect(value);
                series
            })
            .collect();
        let distinct: HashSet<_> = series.iter().collect();
        assert_eq!(distinct.len(), series.len(), "{text}");
        assert!(text.contains("symbol=\"a\\\"b\\\\c\\nd\""), "{text}");
    }

    #[test]
    fn what_is_not_known_has_no_series() {
        let text = text(&empty());
        assert!(text.contains("streamkit_watchdog_level{"), "{text}");
        for name in ["skew", "age", "symbol_level", "unsealed", "last_agg"] {
            assert!(!text.contains(name), "{name}\n{text}");
        }
    }

    #[test]
    fn seconds_have_a_sign_and_six_digits() {
        assert_eq!(seconds(-1_500_000), "-1.500000");
        assert_eq!(seconds(i64::MIN), "-9223372036854.775808");
    }
}
