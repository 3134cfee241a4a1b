//! For people: a line for each symbol, and one more for what else there is to say.

use crate::{
    app::watchdog::Outcome,
    domain::freshness::Level,
    report::{
        style,
        words::{one_line, wrapped},
    },
};

use super::words::{action, clocks, name, unsealed};

/// The result as lines. Those of symbols are never broken, so that programs find them; all
/// others have at most `width` characters, as far as words allow.
#[must_use]
pub fn lines(outcome: &Outcome, width: usize, has_color: bool) -> Vec<String> {
    let names: Vec<String> = outcome
        .symbols
        .iter()
        .map(|symbol| one_line(&name(symbol, outcome)))
        .collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let name_width = longest.unwrap_or_default();
    let mut lines = Vec::new();
    for (symbol, name) in outcome.symbols.iter().zip(&names) {
        let level = symbol.verdict.level;
        let word = colored(&format!("{:<8}", level.as_str()), level, has_color);
        let reason = one_line(&symbol.verdict.reason);
        lines.push(format!("{name:<name_width$}  {word}  {reason}"));
    }
    if outcome.symbols.is_empty() {
        let word = colored(Level::Unknown.as_str(), Level::Unknown, has_color);
        lines.push(format!("{word}  there was nothing to look at"));
    }
    for note in &outcome.unsealed {
        let sentence = format!("{}: {}", note.symbol, unsealed(note));
        lines.extend(wrapped(&one_line(&sentence), 0, width));
        // To be copied, so it is not broken.
        lines.push(format!("  hint: {}", one_line(&note.command)));
    }
    for sentence in [clocks(outcome), action(outcome)].into_iter().flatten() {
        lines.extend(wrapped(&one_line(&sentence), 0, width));
    }
    lines
}

fn colored(word: &str, level: Level, has_color: bool) -> String {
    match level {
        Level::Fresh => style::good(word, has_color),
        Level::Warning => style::bold(word, has_color),
        Level::Critical | Level::Unknown => style::bad(word, has_color),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::watchdog::Action,
        domain::restart_policy::Ruling,
        report::watchdog::testing::{critical, empty, fresh, outcome, restarted, unsealed_day},
    };

    #[test]
    fn each_symbol_has_an_aligned_line() {
        let mut outcome = outcome(vec![fresh("BTCUSDT"), critical("1000SATSUSDT")]);
        outcome.action = Action::Refused(Ruling::TooSoon {
            retry_in_us: 60_000_000,
        });
        assert_eq!(
            lines(&outcome, 80, false),
            [
                "BTCUSDT       fresh     last trade 42s ago",
                "1000SATSUSDT  critical  dead collector: heartbeat 12m old",
                "systemd unit collect.service is not restarted: the last restart was a moment",
                "  ago, the next is allowed in 1m",
            ]
        );
        outcome.symbols.truncate(1);
        outcome.action = Action::NotNeeded;
        assert_eq!(lines(&outcome, 80, true).len(), 1);
        assert!(lines(&outcome, 80, true)[0].contains("\u{1b}[32mfresh   \u{1b}[0m"));
    }

    #[test]
    fn every_action_but_none_is_told() {
        let last = |action| {
            let mut outcome = outcome(vec![fresh("BTCUSDT")]);
            outcome.action = action;
            lines(&outcome, 200, false).split_off(1)
        };
        let why = || "BTCUSDT is dead".to_owned();
        for (action, line) in [
            (
                restarted(Some(12_000_000)),
                "restarted systemd unit collect.service in 2s, fresh again after 12s: \
                 BTCUSDT is dead",
            ),
            (
                restarted(None),
                "restarted systemd unit collect.service in 2s, not fresh again within 1m: \
                 BTCUSDT is dead",
            ),
            (
                Action::DryRun { why: why() },
                "dry run: systemd unit collect.service would be restarted: BTCUSDT is dead",
            ),
            (
                Action::NoUnit { why: why() },
                "not restarted, because nothing is named that could be: BTCUSDT is dead",
            ),
            (
                Action::Failed {
                    why: "it ended with\nexit code 1".to_owned(),
                },
                "restarting systemd unit collect.service failed: it ended with exit code 1",
            ),
        ] {
            assert_eq!(last(action), [line]);
        }
        assert_eq!(last(Action::NotNeeded), [""; 0]);
    }

    #[test]
    fn clocks_seals_and_several_exchanges_are_told() {
        let mut elsewhere = fresh("BTCUSDT");
        elsewhere.exchange = "sim".to_owned();
        let mut outcome = outcome(vec![fresh("BTCUSDT"), elsewhere]);
        outcome.skew_us = Some(-600_000_000);
        outcome.unsealed = vec![unsealed_day()];
        assert_eq!(
            lines(&outcome, 80, false),
            [
                "binance:BTCUSDT  fresh     last trade 42s ago",
                "sim:BTCUSDT      fresh     last trade 42s ago",
                "BTCUSDT: the period from 2026-01-02T00:00:00Z is not sealed, trades 5 to 9: a",
                "  hole",
                "  hint: streamkit backfill BTCUSDT --since 2026-01-02",
                "the clock of the database is 10m behind that of this machine, which the ages",
                "  allow for",
            ]
        );
    }

    #[test]
    fn nothing_at_all_is_said_to_be_unknown() {
        assert_eq!(
            lines(&empty(), 80, false),
            ["unknown  there was nothing to look at"]
        );
    }
}
