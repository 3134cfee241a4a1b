//! How healthy a collector is: a yes or no with reasons, and a score from 0 to 1.
//!
//! **Is it healthy?** Every wanted symbol must be live: its stream shows life, or the
//! exchange has confirmed within its patience that there is nothing new. A stream that was
//! found dead is so until a live trade comes by it, whatever was done about it and however
//! complete the bars are. A database that is down makes no collector unhealthy; it is a
//! remark.
//!
//! **The score** is that of the worst part, because a collector is as good as its worst
//! part. Each part has two bounds, from which on it is yellow and red, and falls in straight
//! lines: 1 at zero, ¾ at the yellow bound, ¼ at the red one, 0 at twice the red one.
//!
//! | part | yellow from | red from |
//! | --- | --- | --- |
//! | reconnects in the last hour | 10 | 50 |
//! | errors in the last hour | 50 | 200 |
//! | silence of a symbol that is not healthy (½ at best) | its patience | twice that |
//! | share of a symbol's own usual rate that is missing | 90 % | never |
//!
//! Above ¾ it is green, above ¼ yellow, else red. A quiet symbol (confirmed by the exchange)
//! has no age and misses nothing.

use super::symbol::Symbol;

/// What a symbol's stream looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pulse {
    /// Trades come.
    Fresh,
    /// Silent for longer than usual; the exchange is being asked.
    Asking,
    /// The exchange has newer trades than have come.
    Overdue,
    /// The exchange confirmed that there is nothing new.
    Quiet,
    /// Silent, and the exchange cannot be asked.
    Blind,
    /// Found dead; what was done about it has not brought a live trade yet.
    Dead,
    /// Not connected.
    Down,
}

impl Pulse {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Asking => "asking",
            Self::Overdue => "overdue",
            Self::Quiet => "quiet",
            Self::Blind => "blind",
            Self::Dead => "dead",
            Self::Down => "down",
        }
    }
}

/// How far a symbol is, as far as health is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Finding out where to start.
    Starting,
    /// Fetching what the exchange already has.
    CatchingUp,
    /// Everything that the exchange has is here.
    Live,
    /// Given up; a person has to look.
    Stopped,
}

/// One symbol's part.
#[derive(Debug, Clone, PartialEq)]
pub struct SymbolHealth {
    /// The symbol.
    pub symbol: Symbol,
    /// How far it is.
    pub progress: Progress,
    /// Its stream.
    pub pulse: Pulse,
    /// How long nothing has come by stream, in ms. No reconnection makes it shorter.
    pub silence_ms: u64,
    /// For how much of that the exchange has not said that there was nothing, in ms.
    pub unexplained_ms: u64,
    /// From which unexplained silence on it counts as unusual, its grace included, in ms.
    pub patience_ms: u64,
    /// How long the exchange is known to have trades that are not in the bars, in ms.
    pub behind_ms: u64,
    /// Trades in the last full minute; none before there was one.
    pub per_minute: Option<u64>,
    /// The median of its minutes in the last hour; none before it is known.
    pub usual_per_minute: Option<u64>,
}

/// Everything that health is judged by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HealthSnapshot {
    /// By symbol.
    pub symbols: Vec<SymbolHealth>,
    /// Reconnects in the last hour.
    pub reconnects_1h: u64,
    /// Errors in the last hour: failed requests, connects, commits and inserts.
    pub errors_1h: u64,
    /// Restarts of tasks in the last hour.
    pub restarts_1h: u64,
    /// Tasks that do not run as they should, by name.
    pub failed_tasks: Vec<String>,
    /// Why nothing is consumed at the moment, if so.
    pub paused: Option<String>,
    /// Whether the breaker of the store is open.
    pub is_breaker_open: bool,
    /// Trips of the breaker in the last hour.
    pub breaker_trips_1h: u64,
    /// Rows that the store has not confirmed.
    pub spool_rows: u64,
    /// Rows that are not yet in the journal.
    pub buffer_rows: u64,
    /// How full the file system of the journal is, 0 to 1.
    pub disk_used_ratio: Option<f64>,
    /// How much of the cgroup's memory limit is used, 0 to 1; none without a limit.
    pub memory_used_ratio: Option<f64>,
    /// Symbols whose ids went back.
    pub id_resets: u64,
    /// Gaps that were proven absent in the last hour.
    pub gaps_absent_1h: u64,
    /// Remedies in a row that have not helped.
    pub failed_remedies: u64,
}

/// What a score looks like on a lamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// All is well.
    Green,
    /// Somebody might look.
    Yellow,
    /// Somebody should look.
    Red,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// The score with what holds it down.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// 0 (nothing works) to 1 (nothing is wrong).
    pub value: f64,
    /// What it looks like.
    pub level: Level,
    /// Each part that is not green, the worst first.
    pub reasons: Vec<String>,
}

const YELLOW_SCORE: f64 = 0.75;
const RED_SCORE: f64 = 0.25;
const RECONNECTS_PER_HOUR: (f64, f64) = (10.0, 50.0);
const ERRORS_PER_HOUR: (f64, f64) = (50.0, 200.0);
/// A symbol that is not healthy is at best yellow.
const UNHEALTHY_SCORE: f64 = 0.5;
/// Twice the patience is red.
const AGE_IN_PATIENCES: (f64, f64) = (1.0, 2.0);
/// A lull is no failure, so that this part never gets red.
const MISSING_RATE_RATIO: (f64, f64) = (0.9, f64::INFINITY);

/// The score of one part whose figure is `value`, with its yellow and red bounds.
fn part(value: f64, (yellow, red): (f64, f64)) -> f64 {
    let fall = YELLOW_SCORE - RED_SCORE;
    let score = if value <= yellow {
        1.0 - (1.0 - YELLOW_SCORE) * value / yellow
    } else if red.is_infinite() {
        YELLOW_SCORE
    } else if value <= red {
        YELLOW_SCORE - fall * (value - yellow) / (red - yellow)
    } else {
        RED_SCORE - RED_SCORE * (value - red) / red
    };
    score.clamp(0.0, 1.0)
}

fn level(score: f64) -> Level {
    if score > YELLOW_SCORE {
        Level::Green
    } else if score > RED_SCORE {
        Level::Yellow
    } else {
        Level::Red
    }
}

impl SymbolHealth {
    /// Whether its silence is a matter of its market, as far as is known.
    fn is_excused(&self) -> bool {
        self.pulse == Pulse::Quiet
    }

    /// Whether its subscription has shown life: a trade, or a confirmed silence.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.complaint().is_none()
    }

    /// Silence that nothing excuses, in ms.
    #[must_use]
    pub fn stale_ms(&self) -> u64 {
        if self.is_excused() {
            0
        } else {
            self.unexplained_ms
        }
    }

    /// Why its stream shows no life; none when it does, or need not.
    fn lack_of_life(&self) -> Option<String> {
        let symbol = &self.symbol;
        let silence_s = self.silence_ms as f64 / 1e3;
        match self.pulse {
            Pulse::Down => Some(format!("{symbol} is not connected")),
            Pulse::Dead => Some(format!(
                "{symbol} is dead: silent for {silence_s:.1} s, being reconnected"
            )),
            Pulse::Quiet => None,
            Pulse::Fresh | Pulse::Asking | Pulse::Overdue | Pulse::Blind => (self.unexplained_ms
                > self.patience_ms)
                .then(|| format!("{symbol} is silent for {silence_s:.1} s, unconfirmed")),
        }
    }

    /// Why it is not healthy; none when it is.
    fn complaint(&self) -> Option<String> {
        let symbol = &self.symbol;
        match self.progress {
            Progress::Stopped => Some(format!("{symbol} was given up")),
            Progress::Starting => Some(format!("{symbol} has not started")),
            Progress::CatchingUp => Some(
                self.lack_of_life()
                    .unwrap_or_else(|| format!("{symbol} is catching up")),
            ),
            Progress::Live => self.lack_of_life(),
        }
    }
}

impl HealthSnapshot {
    /// Why the collector is not healthy; empty when it is.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let tasks = self
            .failed_tasks
            .iter()
            .map(|task| format!("task {task} does not run"));
        let paused = self
            .paused
            .iter()
            .map(|reason| format!("nothing is consumed: {reason}"));
        let symbols = self.symbols.iter().filter_map(SymbolHealth::complaint);
        tasks.chain(paused).chain(symbols).collect()
    }

    /// What is not in order, although the collector is healthy.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.is_breaker_open {
            remarks.push(format!(
                "the store does not answer: {} rows wait on disk",
                self.spool_rows
            ));
        }
        remarks
    }

    /// The score; see the module's text for the formula.
    #[must_use]
    pub fn score(&self) -> Score {
        let mut parts: Vec<(f64, String)> = Vec::new();
        let (reconnects, errors) = (self.reconnects_1h, self.errors_1h);
        parts.push((
            part(reconnects as f64, RECONNECTS_PER_HOUR),
            format!("{reconnects} reconnects in the last hour"),
        ));
        parts.push((
            part(errors as f64, ERRORS_PER_HOUR),
            format!("{errors} errors in the last hour"),
        ));
        for symbol in &self.symbols {
            if symbol.progress == Progress::Stopped {
                parts.push((0.0, format!("{} was given up", symbol.symbol)));
                continue;
            }
            if let Some(complaint) = symbol.complaint() {
                let age = symbol.stale_ms() as f64 / (symbol.patience_ms.max(1)) as f64;
                let score = part(age, AGE_IN_PATIENCES).min(UNHEALTHY_SCORE);
                parts.push((score, complaint));
            }
            if let (Some(now), Some(usual)) = (symbol.per_minute, symbol.usual_per_minute)
                && usual > 0
                && !symbol.is_excused()
            {
                let missing = 1.0 - (now as f64 / usual as f64).min(1.0);
                parts.push((
                    part(missing, MISSING_RATE_RATIO),
                    format!(
                        "{} at {now} trades a minute, usually {usual}",
                        symbol.symbol
                    ),
                ));
            }
        }
        parts.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let value = parts.first().map_or(1.0, |(score, _)| *score);
        Score {
            value,
            level: level(value),
            reasons: parts
                .into_iter()
                .take_while(|(score, _)| level(*score) != Level::Green)
                .map(|(_, reason)| reason)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
