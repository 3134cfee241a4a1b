//! How far a backfill is: bars on a terminal, lines elsewhere.

use std::{fmt::Write as _, time::Duration};

use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    app::backfill::board::{Shown, Stage, SymbolBoard},
    domain::{micros::micros, words::list},
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
            if shown.stage == Stage::Over {
                continue;
            }
            if is_json {
                let line = progress_json(board.symbol(), &shown, elapsed);
                // Nobody is left to tell when this fails.
                let _ = self.printer.line(line).and_then(|()| self.printer.flush());
            } else {
                tracing::info!("{}: {}", board.symbol(), told(&shown, elapsed));
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

/// How far it is, in a line: `41 % of 2 000 000 trades, …; bars: 12 at 250, 3 at 500 dbps`.
pub(super) fn told(shown: &Shown, elapsed: Duration) -> String {
    let mut text = match shown.stage {
        Stage::Reading => sentence(shown, elapsed),
        _ => bar_line(shown, elapsed),
    };
    let written = shown.written.iter();
    let bars: Vec<_> = written
        .map(|(threshold, written)| format!("{} at {threshold}", grouped(written.bars())))
        .collect();
    if !bars.is_empty() && !matches!(shown.stage, Stage::Waiting) {
        let _ = write!(text, "; bars: {} dbps", list(&bars));
    }
    text
}

/// How far it is: `41 % of 2 000 000 trades, 310 000/s, 4s left, 2025-01-31`. What matters
/// least stands last, where a narrow terminal cuts it off.
fn sentence(shown: &Shown, elapsed: Duration) -> String {
    let mut text = format!(
        "{} % of {}",
        permille(shown) / 10,
        counted(shown.trades_total, "trade")
    );
    if let Some(remaining) = shown.remaining(elapsed) {
        // Below a second nobody can read it anyway.
        let whole = Duration::from_secs(remaining.as_secs());
        let left = rough(Some(micros(whole)));
        #[allow(clippy::cast_possible_truncation, reason = "a rate for people")]
        let rate = shown.rate(elapsed) as i64;
        let _ = write!(text, ", {}/s, {left} left", grouped(rate));
    }
    if let Some(period) = shown.period {
        let _ = write!(text, ", {}", day(period));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::backfill::event::Written, domain::threshold::Threshold};

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
        let written = |bars| Written {
            added: bars,
            ..Written::default()
        };
        let shown = Shown {
            written: [250, 500]
                .map(|dbps| (Threshold::new(dbps).expect("a threshold"), written(1_234)))
                .into(),
            ..shown
        };
        assert_eq!(
            told(&shown, Duration::from_secs(1)),
            "25 % of 1 000 000 trades, 250 000/s, 3s left; bars: 1 234 at 250, 1 234 at 500 dbps"
        );
        let sealing = Shown {
            stage: Stage::Sealing,
            ..shown
        };
        assert_eq!(
            told(&sealing, Duration::from_secs(1)),
            "sealing what is whole; bars: 1 234 at 250, 1 234 at 500 dbps"
        );
        assert_eq!(
            told(&Shown::default(), Duration::ZERO),
            "looking at what is there"
        );
        assert_eq!(
            bar_line(&Shown::default(), Duration::ZERO),
            "looking at what is there"
        );
    }
}
