//! For Nagios and what understands its plugins: one line, and the figures behind a bar.
//!
//! ```text
//! STREAMKIT WARNING - ETHUSDT no trade for 6m | 'ETHUSDT'=362s;300;600;0
//! ```
//!
//! A figure is the age of a symbol's newest data in s, `U` when there are none, with the
//! limits for warning and critical. What comes from elsewhere can neither begin a second
//! line nor another figure.

use std::fmt::Write as _;

use crate::{
    app::watchdog::{Outcome, SymbolOutcome, outcome::badness},
    domain::{freshness::Level, words::noun},
    report::words::one_line,
};

use super::words::{action, clocks, distinct, name, unsealed};

/// So many symbols are told of by name; monitors cut long lines.
const TOLD_SYMBOLS: usize = 3;

/// The result as one line.
#[must_use]
pub fn line(outcome: &Outcome) -> String {
    let word = match outcome.level() {
        Level::Fresh => "OK",
        Level::Warning => "WARNING",
        Level::Critical => "CRITICAL",
        Level::Unknown => "UNKNOWN",
    };
    let text = sentences(outcome).join("; ").replace('|', "/");
    let mut line = format!("STREAMKIT {word} - {}", one_line(&text));
    for (index, symbol) in distinct(outcome).into_iter().enumerate() {
        line.push_str(if index == 0 { " | " } else { " " });
        figure(&mut line, symbol, outcome);
    }
    line
}

fn sentences(outcome: &Outcome) -> Vec<String> {
    let symbols = distinct(outcome);
    let mut bad: Vec<_> = symbols
        .iter()
        .filter(|symbol| symbol.verdict.level != Level::Fresh)
        .collect();
    bad.sort_by_key(|symbol| std::cmp::Reverse(badness(symbol.verdict.level)));
    let mut sentences: Vec<String> = bad
        .iter()
        .take(TOLD_SYMBOLS)
        .map(|symbol| format!("{} {}", name(symbol, outcome), symbol.verdict.reason))
        .collect();
    match bad.len().checked_sub(TOLD_SYMBOLS) {
        None | Some(0) => {}
        Some(more) => sentences.push(format!("and {more} more")),
    }
    if symbols.is_empty() {
        sentences.push("there was nothing to look at".to_owned());
    } else if bad.is_empty() {
        let count = symbols.len();
        let noun = noun(count as i128, "symbol");
        sentences.push(format!("{count} {noun} fresh"));
    }
    sentences.extend(action(outcome));
    if let [first, more @ ..] = outcome.unsealed.as_slice() {
        sentences.push(format!("{}: {}", first.symbol, unsealed(first)));
        if !more.is_empty() {
            sentences.push(format!("and {} more not sealed", more.len()));
        }
    }
    sentences.extend(clocks(outcome));
    sentences
}

fn figure(line: &mut String, symbol: &SymbolOutcome, outcome: &Outcome) {
    let label: String = name(symbol, outcome)
        .chars()
        .map(|c| {
            if c.is_control() || "='|".contains(c) {
                '_'
            } else {
                c
            }
        })
        .collect();
    let age = symbol.age_us.map_or_else(
        || "U".to_owned(),
        |us| format!("{}s", us.max(0) / 1_000_000),
    );
    // Writing to a string does not fail.
    let _ = write!(
        line,
        "'{label}'={age};{};{};0",
        seconds(symbol.warn_us),
        seconds(symbol.crit_us)
    );
}

/// A limit in s, with as many digits as it has down to 1 ms.
fn seconds(us: i64) -> String {
    let ms = us.max(0) / 1_000;
    let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::watchdog::testing::{
        critical, empty, fresh, outcome, restarted, symbol, unknown, unsealed_day,
    };

    #[test]
    fn the_line_has_a_word_a_text_and_figures() {
        assert_eq!(
            line(&outcome(vec![fresh("BTCUSDT"), fresh("ETHUSDT")])),
            "STREAMKIT OK - 2 symbols fresh | 'BTCUSDT'=42s;300;600;0 'ETHUSDT'=42s;300;600;0"
        );
        assert_eq!(
            line(&outcome(vec![fresh("BTCUSDT"), critical("ETHUSDT")])),
            "STREAMKIT CRITICAL - ETHUSDT dead collector: heartbeat 12m old \
             | 'BTCUSDT'=42s;300;600;0 'ETHUSDT'=725s;300;600;0"
        );
        let mut restart = outcome(vec![fresh("BTCUSDT")]);
        restart.action = restarted(Some(12_000_000));
        assert_eq!(
            line(&restart),
            "STREAMKIT WARNING - 1 symbol fresh; restarted systemd unit collect.service in 2s, \
             fresh again after 12s: BTCUSDT is dead | 'BTCUSDT'=42s;300;600;0"
        );
        assert_eq!(
            line(&empty()),
            "STREAMKIT UNKNOWN - there was nothing to look at"
        );
    }

    #[test]
    fn what_comes_from_elsewhere_breaks_out_of_nothing() {
        let odd = unknown("it's=a|b\nc");
        let text = line(&outcome(vec![odd]));
        assert_eq!(
            text,
            "STREAMKIT UNKNOWN - it's=a/b c the query failed: a / b c \
             | 'it_s_a_b_c'=U;300;600;0"
        );
        assert_eq!(text.matches('|').count(), 1);
    }

    #[test]
    fn the_worst_come_first_and_not_all_of_them() {
        let mut symbols: Vec<_> = (1..5).map(|n| unknown(&format!("U{n}"))).collect();
        symbols.push(critical("ETHUSDT"));
        let text = line(&outcome(symbols));
        assert!(
            text.starts_with("STREAMKIT CRITICAL - ETHUSDT dead collector"),
            "{text}"
        );
        assert!(text.contains("; U2 "), "{text}");
        assert!(!text.contains("; U3 "), "{text}");
        assert!(text.contains("; and 2 more |"), "{text}");
        assert!(text.contains("'U4'=U;"), "{text}");
    }

    #[test]
    fn one_name_has_one_figure_the_worst_one() {
        let text = line(&outcome(vec![
            fresh("X"),
            critical("X"),
            symbol(
                "X",
                Level::Warning,
                crate::domain::freshness::Cause::Silent,
                "s",
            ),
        ]));
        assert_eq!(text.matches("'X'=").count(), 1, "{text}");
        assert!(text.contains("'X'=725s"), "{text}");
    }

    #[test]
    fn limits_keep_their_digits_and_seals_are_told() {
        assert_eq!(seconds(1_500_000), "1.5");
        assert_eq!(seconds(300_000_000), "300");
        assert_eq!(seconds(0), "0");
        let mut outcome = outcome(vec![fresh("BTCUSDT")]);
        outcome.unsealed = vec![unsealed_day(), unsealed_day()];
        let text = line(&outcome);
        assert!(
            text.contains("trades 5 to 9: a hole; and 1 more not sealed |"),
            "{text}"
        );
    }
}
