//! One line a minute for logs: is it alive, and what does it hold?

use std::fmt::Write as _;

use crate::{
    app::collect::{
        Link, Phase, SymbolSnapshot,
        snapshot::{InsertErrors, Shown},
    },
    domain::{breaker::BreakerState, health::Pulse},
    journal::SpoolStats,
};

use super::{bars, counters};

/// More symbols than this are summed up; those that are not live are still named.
const MAX_SYMBOLS: usize = 8;

/// The heartbeat line at `now_us`, on the wall clock: per symbol its state, trades, bars and
/// age; the sink; what did not go as it should; the spool.
#[must_use]
pub fn line(shown: &Shown, now_us: i64) -> String {
    let mut line = String::from("heartbeat");
    if shown.symbols.len() <= MAX_SYMBOLS {
        for symbol in &shown.symbols {
            let _ = write!(
                line,
                " {} {} trades={} bars={} age={};",
                symbol.symbol,
                state(symbol),
                symbol.trades,
                bars::total(symbol),
                age(symbol.age_us),
            );
        }
    } else {
        line.push_str(&summed_up(&shown.symbols));
    }
    let (sunk, errors) = (&shown.sink, &shown.sink.errors);
    let _ = write!(line, " {};", sink(shown, now_us));
    let _ = write!(
        line,
        " published={} buffered_to_disk={} flushed_from_buffer={} insert_errors={} \
         breaker={} breaker_trips={};",
        sunk.published,
        shown.totals.buffered_to_disk,
        sunk.flushed_from_buffer,
        failed_inserts(errors),
        sunk.breaker.as_str(),
        sunk.breaker_trips,
    );
    let counters = counters::counters(shown);
    if !counters.is_empty() {
        for counter in &counters {
            let _ = write!(line, " {}={}", counter.name, counter.count);
        }
        line.push(';');
    }
    let _ = write!(line, " {}", spooled(&shown.spool));
    if let Some(oldest_us) = shown.spool.oldest_us {
        let _ = write!(
            line,
            ", oldest {}",
            age(Some(now_us.saturating_sub(oldest_us)))
        );
    }
    line
}

/// Many symbols: how many are in which state, the names of those that are not well, and
/// sums; the age is the longest.
fn summed_up(symbols: &[SymbolSnapshot]) -> String {
    let mut text = format!(" {} symbols:", symbols.len());
    let is_well = |symbol: &&SymbolSnapshot| {
        symbol.phase == Phase::Live && symbol.link != Link::Down && !symbol.is_suspect()
    };
    let well = symbols.iter().filter(is_well).count();
    let _ = write!(text, " {well} live");
    for symbol in symbols.iter().filter(|symbol| !is_well(symbol)) {
        let _ = write!(text, ", {} {}", symbol.symbol, state(symbol));
    }
    let _ = write!(
        text,
        "; trades={} bars={} age={};",
        symbols.iter().map(|symbol| symbol.trades).sum::<u64>(),
        symbols.iter().map(bars::total).sum::<u64>(),
        age(symbols.iter().filter_map(|symbol| symbol.age_us).max()),
    );
    text
}

/// Failed inserts, by class where there are any: `0`, `3(retry=2,content=1)`.
fn failed_inserts(errors: &InsertErrors) -> String {
    let classes = [
        ("retry", errors.retry),
        ("ambiguous", errors.ambiguous),
        ("configuration", errors.configuration),
        ("content", errors.content),
    ];
    let known: Vec<_> = classes
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| format!("{class}={count}"))
        .collect();
    if known.is_empty() {
        return "0".to_owned();
    }
    format!("{}({})", errors.total(), known.join(","))
}

/// How far a symbol is, in one word or a percentage.
#[must_use]
pub fn state(symbol: &SymbolSnapshot) -> String {
    match (symbol.phase, symbol.link) {
        (Phase::Stopped, _) => "stopped".to_owned(),
        (Phase::Starting, _) => "starting".to_owned(),
        (_, Link::Down) => "down".to_owned(),
        (Phase::CatchingUp, _) => format!("fetch {}%", percent(symbol)),
        (Phase::Live, Link::Quiet) => "quiet".to_owned(),
        (Phase::Live, Link::Up) if symbol.pulse == Pulse::Dead => "dead".to_owned(),
        (Phase::Live, Link::Up) if symbol.is_suspect() => "silent".to_owned(),
        (Phase::Live, Link::Up) => "live".to_owned(),
    }
}

fn percent(symbol: &SymbolSnapshot) -> i64 {
    let all = symbol.newest_id + 1 - symbol.first_id;
    let done = symbol.next_id - symbol.first_id;
    // It says 100 only when it is not fetching any more.
    if all <= 0 {
        0
    } else {
        (done * 100 / all).clamp(0, 99)
    }
}

/// An age such as `0.3s` or `2m05s`; `-` when there is none.
#[must_use]
pub fn age(age_us: Option<i64>) -> String {
    let Some(age_us) = age_us else {
        return "-".to_owned();
    };
    let tenths = age_us.max(0) / 100_000;
    let seconds = tenths / 10;
    match seconds {
        0..60 => format!("{seconds}.{}s", tenths % 10),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Whether delivery works at `now_us`, on the wall clock.
#[must_use]
pub fn sink(shown: &Shown, now_us: i64) -> String {
    let sink = &shown.sink;
    let rows = sink.published;
    match (sink.breaker, sink.trial_at_us) {
        (BreakerState::Open, Some(trial_at_us)) => format!(
            "sink failing, breaker open, trial in {}, {rows} rows",
            age(Some(trial_at_us.saturating_sub(now_us)))
        ),
        _ if sink.failures > 0 => {
            format!("sink failing ({} in a row), {rows} rows", sink.failures)
        }
        _ => format!("sink ok, {rows} rows"),
    }
}

/// What the spool holds.
#[must_use]
pub fn spooled(spool: &SpoolStats) -> String {
    let mut text = format!(
        "spool {} rows, {}",
        spool.rows,
        indicatif::BinaryBytes(spool.size_bytes)
    );
    if spool.dead_rows > 0 {
        let _ = write!(text, ", {} dead", spool.dead_rows);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short_at_every_scale() {
        for (age_us, text) in [
            (None, "-"),
            (Some(340_000), "0.3s"),
            (Some(59_990_000), "59.9s"),
            (Some(125_000_000), "2m05s"),
            (Some(7_384_000_000), "2h03m"),
        ] {
            assert_eq!(age(age_us), text);
        }
    }

    #[test]
    fn the_line_names_every_symbol_the_sink_and_the_spool() {
        let mut symbol = SymbolSnapshot::new("BTCUSDT".parse().expect("a symbol"));
        symbol.phase = Phase::CatchingUp;
        symbol.link = Link::Up;
        (symbol.first_id, symbol.next_id, symbol.newest_id) = (100, 150, 299);
        symbol.trades = 50;
        let shown = Shown {
            symbols: vec![symbol],
            ..Shown::default()
        };
        assert_eq!(
            line(&shown, 0),
            "heartbeat BTCUSDT fetch 25% trades=50 bars=0 age=-; sink ok, 0 rows; \
             published=0 buffered_to_disk=0 flushed_from_buffer=0 insert_errors=0 \
             breaker=closed breaker_trips=0; spool 0 rows, 0 B"
        );
    }

    #[test]
    fn many_symbols_are_summed_up_and_those_that_are_not_live_named() {
        let mut shown = Shown::default();
        for number in 0..9 {
            let name = format!("COIN{number}");
            let mut symbol = SymbolSnapshot::new(name.parse().expect("a symbol"));
            symbol.phase = Phase::Live;
            symbol.link = if number == 4 { Link::Down } else { Link::Up };
            (symbol.trades, symbol.age_us) = (10, Some(number * 1_000_000));
            shown.symbols.push(symbol);
        }
        let line = line(&shown, 0);
        let start = "heartbeat 9 symbols: 8 live, COIN4 down; trades=90 bars=0 age=8.0s; sink ok";
        assert!(line.starts_with(start), "{line}");
    }

    #[test]
    fn what_did_not_go_as_it_should_is_told_and_nothing_else() {
        let mut shown = Shown::default();
        shown.totals.malformed = 3;
        shown.totals.reconnects = 2;
        let line = line(&shown, 0);
        let part = "breaker_trips=0; reconnects=2 malformed=3; spool 0 rows";
        assert!(line.contains(part), "{line}");
    }

    #[test]
    fn failed_inserts_are_told_by_class() {
        let errors = InsertErrors {
            retry: 2,
            content: 1,
            ..InsertErrors::default()
        };
        assert_eq!(failed_inserts(&errors), "3(retry=2,content=1)");
    }

    #[test]
    fn an_open_breaker_shows_when_it_is_tried_again() {
        let mut shown = Shown::default();
        shown.sink.breaker = BreakerState::Open;
        shown.sink.trial_at_us = Some(45_000_000);
        shown.spool.rows = 7;
        shown.spool.oldest_us = Some(1_000_000);
        let line = line(&shown, 3_000_000);
        assert!(line.contains("breaker open, trial in 42.0s"), "{line}");
        assert!(line.ends_with("spool 7 rows, 0 B, oldest 2.0s"), "{line}");
    }
}
