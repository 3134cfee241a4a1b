//! How healthy a collector is: a yes or no with reasons, and a score from 0 to 1.
//!
//! **Is it healthy?** Every wanted symbol must be live: its stream shows life, or the
//! exchange has confirmed within its patience that there is nothing new. A stream that was
//! found dead is so until a live trade comes by it, whatever was done about it and however
//! complete the bars are. A database that is down makes no collector unhealthy; it is a
//! remark.
//!
//! The score is a matter of its own: see [`Score`].

mod score;
mod trouble;

use super::symbol::Symbol;

pub use score::{Level, Score};
pub use trouble::{DeadStream, GroupHealth, Proven, TaskHealth};

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
    /// By connection: trades that came by it in the last full minute; none before there was
    /// one.
    pub connections_per_minute: Vec<Option<u64>>,
    /// Reconnects in the last hour.
    pub reconnects_1h: u64,
    /// Errors in the last hour: failed requests, connects, commits and inserts.
    pub errors_1h: u64,
    /// The same since the start.
    pub errors: u64,
    /// Restarts of tasks in the last hour.
    pub restarts_1h: u64,
    /// Every task with its recent restarts.
    pub tasks: Vec<TaskHealth>,
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
    /// How long the oldest of them has waited, in s; none when there are none.
    pub spool_oldest_s: Option<f64>,
    /// Rows that the store has refused for their content in the last hour.
    pub dead_letters_1h: u64,
    /// Rows, and live trades that wait for those before them, that are only in memory.
    pub buffer_rows: u64,
    /// How full the file system of the journal is, 0 to 1.
    pub disk_used_ratio: Option<f64>,
    /// How much of the cgroup's memory limit is used, 0 to 1; none without a limit.
    pub memory_used_ratio: Option<f64>,
    /// Symbols whose ids went back.
    pub id_resets: Vec<Proven>,
    /// Symbols of which ids were proven absent since the start.
    pub gaps_absent: Vec<Proven>,
    /// By connection: whether its remedies help.
    pub groups: Vec<GroupHealth>,
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
        let symbols = self.symbols.iter().filter_map(SymbolHealth::complaint);
        self.own_complaints().chain(symbols).collect()
    }

    /// Those that are about no symbol.
    fn own_complaints(&self) -> impl Iterator<Item = String> {
        let tasks = self
            .failed_tasks
            .iter()
            .map(|task| format!("task {task} does not run"));
        let paused = self
            .paused
            .iter()
            .map(|reason| format!("nothing is consumed: {reason}"));
        tasks.chain(paused)
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
}

#[cfg(test)]
mod tests;
