//! The live table on a terminal: never wider and never higher than that.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    app::collect::{Board, Link, Phase, SymbolSnapshot, snapshot::Shown},
    domain::price::Price,
    report::{
        messages::Messages,
        terminal::{self, Size},
    },
};

use super::{
    bars,
    columns::{self, Column},
    counters,
    heartbeat::{age, sink, spooled, state},
    rate::Rate,
};

/// The table: a heading, a line for each symbol, a line for what they share.
pub struct LiveTable {
    board: Board,
    messages: Messages,
    begun: Instant,
    rates: Vec<Rate>,
}

impl LiveTable {
    /// A table for `board`, drawn by way of `messages`.
    #[must_use]
    pub fn new(board: Board, messages: Messages) -> Self {
        let count = board.read().symbols.len();
        Self {
            board,
            messages,
            begun: Instant::now(),
            rates: vec![Rate::default(); count],
        }
    }

    /// Draws the present state, at `now_us` on the wall clock.
    pub fn draw(&mut self, now_us: i64) {
        let shown = self.board.read();
        let at = self.begun.elapsed();
        let rates: Vec<f64> = self
            .rates
            .iter_mut()
            .zip(&shown.symbols)
            .map(|(rate, symbol)| rate.read(at, symbol.trades))
            .collect();
        let lines = lines(&shown, &rates, at, now_us, terminal::size());
        self.messages.draw(lines);
    }

    /// Takes the table away.
    pub fn clear(self) {
        self.messages.erase();
    }
}

/// A symbol and its trades per second.
type Rated<'a> = (&'a SymbolSnapshot, f64);

/// The lines of the table, as they fit on a terminal of this size.
fn lines(shown: &Shown, rates: &[f64], at: Duration, now_us: i64, size: Size) -> Vec<String> {
    // The cursor stands below the table.
    let room = size.rows.saturating_sub(1).max(1);
    let mut footer = vec![format!(
        "{} · {} · up {}",
        sink(shown, now_us),
        spooled(&shown.spool),
        age(micros(at))
    )];
    let counters = counters::sentence(shown);
    if !counters.is_empty() {
        footer.push(counters);
    }
    let all: Vec<Rated<'_>> = shown.symbols.iter().zip(rates.iter().copied()).collect();
    let for_symbols = room.saturating_sub(1 + footer.len());
    let mut lines = Vec::new();
    if all.len() <= for_symbols {
        lines.extend(table(&all, size.columns));
    } else if for_symbols >= 2 {
        // One line is for those that are left out.
        let (kept, rest) = most_interesting(&all, for_symbols - 1);
        lines.extend(table(&kept, size.columns));
        lines.push(format!("… and {} more: {}", rest.len(), in_sum(&rest)));
    } else {
        lines.push(format!("{} symbols: {}", all.len(), in_sum(&all)));
    }
    lines.extend(footer);
    lines.truncate(room);
    for line in &mut lines {
        cut(line, size.columns);
    }
    lines
}

/// Splits into the `count` symbols that matter most and the others, in order: those that
/// are not live come before those that are.
fn most_interesting<'a>(all: &[Rated<'a>], count: usize) -> (Vec<Rated<'a>>, Vec<Rated<'a>>) {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&index| is_well(all[index].0));
    let mut kept = order.into_iter().take(count).collect::<Vec<_>>();
    kept.sort_unstable();
    let (mut shown, mut rest) = (Vec::new(), Vec::new());
    for (index, &symbol) in all.iter().enumerate() {
        if kept.binary_search(&index).is_ok() {
            shown.push(symbol);
        } else {
            rest.push(symbol);
        }
    }
    (shown, rest)
}

fn is_well(symbol: &SymbolSnapshot) -> bool {
    symbol.phase == Phase::Live && symbol.link != Link::Down && !symbol.is_suspect()
}

/// What the symbols that have no line of their own come to.
fn in_sum(rest: &[Rated<'_>]) -> String {
    let rate: f64 = rest.iter().map(|(_, rate)| rate).sum();
    let count: u64 = rest.iter().map(|(symbol, _)| bars::total(symbol)).sum();
    let well = rest.iter().filter(|(symbol, _)| is_well(symbol)).count();
    let ages = rest.iter().filter_map(|(symbol, _)| symbol.age_us);
    format!(
        "{well} live, {rate:.1} trades/s, {count} bars, oldest {}",
        age(ages.max())
    )
}

fn micros(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_micros()).ok()
}

/// The heading and a line for each symbol, within `width` characters as long as symbol
/// and state fit. What matters least goes first.
fn table(symbols: &[Rated<'_>], width: usize) -> Vec<String> {
    let snapshots: Vec<&SymbolSnapshot> = symbols.iter().map(|(symbol, _)| *symbol).collect();
    let each = || snapshots.iter().copied();
    let rates = symbols.iter().map(|(_, rate)| format!("{rate:.1}"));
    let mut parts = vec![
        Column::words("SYMBOL", 7, each().map(|symbol| symbol.symbol.to_string())),
        Column::words("LINK", 9, each().map(state)),
        Column::number("TRADES/S", 8, rates),
        bars::by_threshold(&snapshots),
        Column::number("LAST PRICE", 10, each().map(|s| price(s.last_price))),
        Column::number("AGE", 6, each().map(|symbol| age(symbol.age_us))),
    ];
    if columns::width(&parts) > width {
        parts[3] = bars::in_all(&snapshots);
    }
    // The price, the rate, the bars, the age: what is left says whether it works.
    for place in [4, 2, 2, 2] {
        if columns::width(&parts) > width {
            parts.remove(place);
        }
    }
    columns::lines(&parts)
}

/// A price with two digits after the point, or as many as it needs.
fn price(price: Option<Price>) -> String {
    let Some(price) = price else {
        return "-".to_owned();
    };
    let text = price.to_string();
    let needed = text.trim_end_matches('0').len();
    let least = text.find('.').map_or(text.len(), |point| point + 3);
    text[..needed.max(least).min(text.len())].to_owned()
}

/// Cuts a line that is too long, and shows it.
fn cut(line: &mut String, columns: usize) {
    if line.chars().count() > columns {
        *line = line.chars().take(columns.saturating_sub(1)).collect();
        line.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::threshold::Threshold;

    fn symbol(name: &str, thresholds: u32) -> SymbolSnapshot {
        let mut symbol = SymbolSnapshot::new(name.parse().expect("a symbol"));
        symbol.phase = Phase::Live;
        symbol.link = Link::Up;
        symbol.last_price = Some(Price(6_000_039_000_000));
        symbol.age_us = Some(200_000);
        symbol.bars = (1..=thresholds)
            .map(|n| (Threshold::new(n * 250).expect("a threshold"), 1234))
            .collect();
        symbol
    }

    fn shown(count: usize, thresholds: u32) -> Shown {
        let symbols = (0..count).map(|n| symbol(&format!("COIN{n:02}USDT"), thresholds));
        Shown {
            symbols: symbols.collect(),
            ..Shown::default()
        }
    }

    fn drawn(shown: &Shown, columns: usize, rows: usize) -> Vec<String> {
        let rates = vec![9.96; shown.symbols.len()];
        let size = Size { columns, rows };
        lines(shown, &rates, Duration::from_secs(65), 0, size)
    }

    #[test]
    fn the_table_fits_80_columns_and_lines_up() {
        let shown = Shown {
            symbols: vec![symbol("BTCUSDT", 4)],
            ..Shown::default()
        };
        assert_eq!(
            drawn(&shown, 80, 24),
            [
                "SYMBOL   LINK       TRADES/S  BARS 250/500/750/1000  LAST PRICE     AGE",
                "BTCUSDT  live           10.0    1234/1234/1234/1234    60000.39    0.2s",
                "sink ok, 0 rows · spool 0 rows, 0 B · up 1m05s",
            ]
        );
    }

    #[test]
    fn many_thresholds_are_one_count_and_many_symbols_a_line_for_the_rest() {
        let mut shown = shown(32, 8);
        shown.symbols[30].link = Link::Down;
        let lines = drawn(&shown, 80, 8);
        assert_eq!(
            lines,
            [
                "SYMBOL      LINK       TRADES/S  BARS 250..2000 (8)  LAST PRICE     AGE",
                "COIN00USDT  live           10.0                9872    60000.39    0.2s",
                "COIN01USDT  live           10.0                9872    60000.39    0.2s",
                "COIN02USDT  live           10.0                9872    60000.39    0.2s",
                "COIN30USDT  down           10.0                9872    60000.39    0.2s",
                "… and 28 more: 28 live, 278.9 trades/s, 276416 bars, oldest 0.2s",
                "sink ok, 0 rows · spool 0 rows, 0 B · up 1m05s",
            ]
        );
    }

    #[test]
    fn no_terminal_is_too_small() {
        let mut shown = shown(32, 8);
        shown.totals.malformed = 1;
        for columns in 1..120 {
            for rows in 1..45 {
                let lines = drawn(&shown, columns, rows);
                assert!(!lines.is_empty() && lines.len() <= rows.saturating_sub(1).max(1));
                assert!(
                    lines.iter().all(|line| line.chars().count() <= columns),
                    "{columns} columns: {lines:#?}"
                );
            }
        }
        let all = drawn(&shown, 80, 45);
        assert_eq!(all.len(), 1 + 32 + 2, "{all:#?}");
        assert_eq!(all[34], "1 malformed message");
        assert_eq!(drawn(&shown, 25, 45)[1], "COIN00USDT  live");
    }

    #[test]
    fn a_price_has_the_digits_that_it_needs() {
        for (e8, text) in [
            (6_000_039_000_000, "60000.39"),
            (6_000_000_000_000, "60000.00"),
            (123_456_789, "1.23456789"),
            (1_200, "0.000012"),
        ] {
            assert_eq!(price(Some(Price(e8))), text);
        }
        assert_eq!(price(None), "-");
    }
}
