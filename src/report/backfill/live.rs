//! How far a backfill is: bars on a terminal, lines elsewhere.

use std::{fmt::Write as _, time::Duration};

use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    app::backfill::board::{Shown, Stage, SymbolBoard},
    report::{
        Printer,
        table::grouped,
        terminal::{self, Size},
        words::counted,
    },
};

use super::{
    run::{day, progress_json},
    words::rough,
};

/// How often bars are drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(250);
/// How often a line tells of the progress where nothing can be drawn.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// How many characters a bar has.
const BAR_CHARS: usize = 20;

/// Shows the progress of several symbols.
pub struct LiveBars {
    boards: Vec<SymbolBoard>,
    printer: Printer,
    begun: Instant,
}

impl LiveBars {
    /// Shows these boards.
    #[must_use]
    pub fn new(boards: Vec<SymbolBoard>, printer: Printer) -> Self {
        Self {
            boards,
            printer,
            begun: Instant::now(),
        }
    }

    /// Draws until `stop`, then takes away what was drawn.
    pub async fn draw_until(self, stop: CancellationToken) {
        let mut ticks = interval(DRAW_INTERVAL);
        let messages = self.printer.messages();
        loop {
            tokio::select! {
                () = stop.cancelled() => return messages.erase(),
                _ = ticks.tick() => messages.draw(self.lines(terminal::size())),
            }
        }
    }

    /// Tells of the progress until `stop`.
    pub async fn tell_until(self, stop: CancellationToken, is_json: bool) {
        let mut ticks = interval(LINE_INTERVAL);
        ticks.tick().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.tell(is_json),
            }
        }
    }

    fn tell(&self, is_json: bool) {
        let elapsed = self.begun.elapsed();
        for board in &self.boards {
            let shown = board.read_all();
            if shown.stage != Stage::Reading {
                continue;
            }
            if is_json {
                let line = progress_json(board.symbol(), &shown, shown.rate(elapsed));
                // Nobody is left to tell when this fails.
                let _ = self.printer.line(line).and_then(|()| self.printer.flush());
            } else {
                tracing::info!("{}: {}", board.symbol(), sentence(&shown, elapsed));
            }
        }
    }

    fn lines(&self, size: Size) -> Vec<String> {
        let elapsed = self.begun.elapsed();
        let mut lines = Vec::new();
        for board in &self.boards {
            let shown = board.read_all();
            lines.push(format!(
                "{:<10} {}",
                board.symbol(),
                bar_line(&shown, elapsed)
            ));
            if shown.stage == Stage::Over {
                continue;
            }
            for (threshold, written) in &shown.written {
                lines.push(format!(
                    "{:>10} dbps  {}",
                    threshold.to_string(),
                    counted(written.bars(), "bar")
                ));
            }
        }
        let room = size.rows.saturating_sub(1).max(1);
        lines.truncate(room);
        for line in &mut lines {
            *line = line.chars().take(size.columns).collect();
        }
        lines
    }
}

fn permille(shown: &Shown) -> u64 {
    let total = shown.trades_total.max(1);
    (shown.trades_done.saturating_mul(1000) / total).min(1000)
}

fn bar_line(shown: &Shown, elapsed: Duration) -> String {
    match shown.stage {
        Stage::Waiting => "looking at what is there".to_owned(),
        Stage::Sealing => "sealing what is whole".to_owned(),
        Stage::Over => format!("done, {}", counted(shown.bars_written(), "bar")),
        Stage::Reading => {
            let filled = BAR_CHARS * usize::try_from(permille(shown)).unwrap_or(0) / 1000;
            let bar = "#".repeat(filled) + &".".repeat(BAR_CHARS - filled);
            format!("[{bar}] {}", sentence(shown, elapsed))
        }
    }
}

/// How far it is: `41 % of 2 000 000 trades, 310 000/s, 4s left, 2025-01-31`. What matters
/// least stands last, where a narrow terminal cuts it off.
fn sentence(shown: &Shown, elapsed: Duration) -> String {
    let rate = shown.rate(elapsed);
    let mut text = format!(
        "{} % of {}",
        permille(shown) / 10,
        counted(shown.trades_total, "trade")
    );
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a rate and a time for people"
    )]
    if rate >= 1.0 {
        let left = shown.trades_total.saturating_sub(shown.trades_done) as f64;
        // Below a second nobody can read it anyway.
        let left_us = (left / rate) as i64 * 1_000_000;
        let left = rough(Some(left_us));
        let _ = write!(text, ", {}/s, {left} left", grouped(rate as i64));
    }
    if let Some(period) = shown.period {
        let _ = write!(text, ", {}", day(period));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_is_done_how_fast_and_how_long_it_takes() {
        let shown = Shown {
            stage: Stage::Reading,
            trades_done: 250_000,
            trades_total: 1_000_000,
            ..Shown::default()
        };
        assert_eq!(
            bar_line(&shown, Duration::from_secs(1)),
            "[#####...............] 25 % of 1 000 000 trades, 250 000/s, 3s left"
        );
        assert_eq!(
            bar_line(&Shown::default(), Duration::ZERO),
            "looking at what is there"
        );
    }
}
