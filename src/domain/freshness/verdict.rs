//! What a look at a symbol's data comes to.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All is well.
    Fresh,
    /// Somebody might look.
    Warning,
    /// Somebody has to look.
    Critical,
    /// It cannot be told. That is never "fresh".
    Unknown,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Data come.
    Fresh,
    /// There is nothing new to come.
    Quiet,
    /// Trades come, but their bars wait for the store.
    Backlog,
    /// The collector fetches what it has missed.
    CatchingUp,
    /// No trades, and nobody knows whether there are any.
    Silent,
    /// The collector lives, but trades do not come that the exchange has.
    DeadStream,
    /// The collector has given the symbol up.
    Stopped,
    /// The collector works, but what it writes comes late.
    DeliveringLate,
    /// The collector does not work.
    DeadCollector,
    /// No collector has the symbol.
    Missing,
    /// A clock is wrong.
    Future,
    /// There was nothing to look at.
    Empty,
    /// The database did not answer.
    QueryFailed,
}

impl Cause {
    /// The word for it, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Quiet => "quiet",
            Self::Backlog => "backlog",
            Self::CatchingUp => "catching_up",
            Self::Silent => "silent",
            Self::DeadStream => "dead_stream",
            Self::Stopped => "stopped",
            Self::DeliveringLate => "delivering_late",
            Self::DeadCollector => "dead_collector",
            Self::Missing => "missing",
            Self::Future => "future",
            Self::Empty => "empty",
            Self::QueryFailed => "query_failed",
        }
    }
}

/// Whether restarting the unit would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Restart {
    /// It would not, or nobody can tell.
    Useless,
    /// Perhaps: look again after so long, in µs, with what was seen now.
    LookAgain {
        /// How long to wait.
        after_us: i64,
    },
    /// It would.
    Helps,
}

/// The verdict about one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub cause: Cause,
    /// The same as a sentence, without the symbol's name.
    pub reason: String,
    /// Whether a restart would help. Only what is critical is restarted.
    pub restart: Restart,
}

impl Verdict {
    /// One that asks for no restart.
    pub(super) fn new(level: Level, cause: Cause, reason: String) -> Self {
        Self {
            level,
            cause,
            reason,
            restart: Restart::Useless,
        }
    }

    pub(super) fn unknown(cause: Cause, reason: String) -> Self {
        Self::new(Level::Unknown, cause, reason)
    }

    /// The same with what a restart would do, if it is bad enough for one.
    pub(super) fn with_restart(self, restart: Restart) -> Self {
        if self.level != Level::Critical {
            return self;
        }
        Self { restart, ..self }
    }
}
