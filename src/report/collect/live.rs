//! The live table on a terminal, within 80 columns.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::app::collect::{Board, SymbolSnapshot, snapshot::Shown};

use super::{
    heartbeat::{age, sink, spooled, state},
    rate::Rate,
};

/// The table: a heading, a line for each symbol, a line for what they share.
pub struct LiveTable {
    board: Board,
    progress: MultiProgress,
    begun: Instant,
    rates: Vec<Rate>,
    lines: Vec<ProgressBar>,
}

impl LiveTable {
    /// Draws the table for `board` on `progress`.
    #[must_use]
    pub fn new(board: Board, progress: &MultiProgress) -> Self {
        let count = board.read().symbols.len();
        let lines = (0..count + 2)
            .map(|_| {
                let line = progress.add(ProgressBar::no_length());
                line.set_style(plain_style());
                line
            })
            .collect();
        Self {
            board,
            progress: progress.clone(),
            begun: Instant::now(),
            rates: vec![Rate::default(); count],
            lines,
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
        for (line, text) in self.lines.iter().zip(lines(&shown, &rates, at, now_us)) {
            line.set_message(text);
            line.tick();
        }
    }

    /// Takes the table away.
    pub fn clear(self) {
        for line in &self.lines {
            self.progress.remove(line);
        }
        // What cannot be drawn over stays; that is no reason to fail.
        let _ = self.progress.clear();
    }
}

fn plain_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// The lines of the table.
fn lines(shown: &Shown, rates: &[f64], at: Duration, now_us: i64) -> Vec<String> {
    let thresholds: Vec<String> = shown
        .symbols
        .iter()
        .find(|symbol| !symbol.bars.is_empty())
        .map(|symbol| {
            symbol
                .bars
                .iter()
                .map(|(threshold, _)| threshold.to_string())
                .collect()
        })
        .unwrap_or_default();
    let bars = format!("BARS {}", thresholds.join("/"));
    let mut lines = vec![row(
        "SYMBOL",
        "LINK",
        "TRADES/S",
        &bars,
        "LAST PRICE",
        "AGE",
    )];
    for (symbol, rate) in shown.symbols.iter().zip(rates) {
        lines.push(symbol_line(symbol, *rate));
    }
    lines.push(format!(
        "{} · {} · up {}",
        sink(shown, now_us),
        spooled(&shown.spool),
        age(micros(at))
    ));
    lines
}

fn micros(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_micros()).ok()
}

fn symbol_line(symbol: &SymbolSnapshot, rate: f64) -> String {
    let counts: Vec<String> = symbol
        .bars
        .iter()
        .map(|(_, count)| count.to_string())
        .collect();
    let price = symbol
        .last_price
        .map_or_else(|| "-".to_owned(), |price| price.to_string());
    row(
        symbol.symbol.as_str(),
        &state(symbol),
        &format!("{rate:.1}"),
        &counts.join("/"),
        &price,
        &age(symbol.age_us),
    )
}

fn row(symbol: &str, link: &str, rate: &str, bars: &str, price: &str, age: &str) -> String {
    format!("{symbol:<12} {link:<9} {rate:>9} {bars:>22} {price:>16} {age:>7}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::collect::{Link, Phase},
        domain::{price::Price, threshold::Threshold},
    };

    #[test]
    fn the_table_fits_80_columns_and_lines_up() {
        let mut symbol = SymbolSnapshot::new("BTCUSDT".parse().expect("a symbol"));
        symbol.phase = Phase::Live;
        symbol.link = Link::Up;
        symbol.last_price = Some(Price(6_000_039_000_000));
        symbol.age_us = Some(200_000);
        symbol.bars = [250, 500, 750, 1000]
            .map(|dbps| (Threshold::new(dbps).expect("a threshold"), 1234))
            .to_vec();
        let shown = Shown {
            symbols: vec![symbol],
            ..Shown::default()
        };
        let lines = lines(&shown, &[9.96], Duration::from_secs(65), 0);
        assert!(
            lines.iter().all(|line| line.chars().count() <= 80),
            "{lines:#?}"
        );
        assert_eq!(
            lines,
            [
                "SYMBOL       LINK       TRADES/S  BARS 250/500/750/1000       LAST PRICE     AGE",
                "BTCUSDT      live           10.0    1234/1234/1234/1234   60000.39000000    0.2s",
                "sink ok, 0 rows · spool 0 rows, 0 B · up 1m05s",
            ]
        );
    }
}
