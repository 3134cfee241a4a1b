//! What is known about a symbol's data when they are judged.

use crate::domain::words::span;

/// Clocks that differ by less are taken to agree, in µs.
pub const SKEW_TOLERANCE_US: i64 = 5_000_000;

/// What a collector says about a symbol in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// Its trades come, as far as it knows; also what a word of another version means.
    #[default]
    Live,
    /// It has asked the exchange, which has nothing newer.
    Quiet,
    /// It knows that something is wrong with the stream, and works on it.
    Trouble,
    /// It has stopped taking trades until its spool or its disk has room again.
    Paused,
    /// It is fetching what it has missed.
    CatchingUp,
    /// It has given the symbol up; a person has to look.
    Stopped,
}

impl State {
    /// The state that a row's word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "quiet" => Self::Quiet,
            "asking" | "overdue" | "blind" | "down" => Self::Trouble,
            "paused" => Self::Paused,
            "starting" | "catching-up" | "catching_up" | "catching up" => Self::CatchingUp,
            "stopped" => Self::Stopped,
            _ => Self::Live,
        }
    }
}

/// The newest row about a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// When its newest trade was received, in µs; none when none has been yet.
    pub received_at_us: Option<i64>,
    /// The heartbeat, in µs; none in a table that has none.
    pub heartbeat_at_us: Option<i64>,
    /// What the collector says.
    pub state: State,
    /// Rows that wait in its spool.
    pub spool_rows: u64,
    /// Whether its breaker is not closed.
    pub is_breaker_open: bool,
}

impl Row {
    /// The newest sign of life, in µs.
    pub(super) fn sign_at_us(&self) -> Option<i64> {
        self.heartbeat_at_us.or(self.received_at_us)
    }
}

/// What the database answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// There is a row about the symbol.
    Row(Row),
    /// There are rows, but none about the symbol.
    Absent,
    /// There are no rows at all.
    Empty,
    /// It did not answer, or said that it cannot.
    Failed {
        /// What happened.
        why: String,
    },
}

/// What the exchange has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exchange {
    /// Its newest trade is the one that the row names.
    Same {
        /// The trade's id.
        id: i64,
    },
    /// It has trades that the row does not know of.
    Newer {
        /// The newest one's id.
        id: i64,
        /// When the first of those that are missing was made, in µs on the exchange's clock,
        /// if that was asked too. Without it they are taken to be as old as the silence,
        /// which is wrong about a symbol that has just come to life again.
        missing_since_us: Option<i64>,
    },
    /// It could not be asked.
    Unreachable,
    /// It was not asked.
    #[default]
    NotAsked,
}

/// What the journal of the collector shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Journal {
    /// Commits are made.
    Advances,
    /// No commits are made.
    Rests,
    /// There is no journal of it on this machine.
    #[default]
    NotHere,
    /// There is a journal on this machine that cannot be read: whether it is that of the
    /// collector, and whether it advances, nobody knows.
    Unreadable,
}

/// Whose clock the times of a row are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dated {
    /// The database's, or that of a machine which is taken to agree with it.
    #[default]
    ByDatabase,
    /// This machine's: the row's collector runs here.
    ByThisMachine,
}

/// The clocks at the moment of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// This machine's, in µs.
    pub machine_us: i64,
    /// How much the database's is ahead of it, in µs.
    pub skew_us: i64,
    /// By which of them the row is dated.
    pub dated: Dated,
}

impl Clocks {
    /// What the clock shows that the row is dated by, in µs.
    #[must_use]
    pub const fn now_us(&self) -> i64 {
        match self.dated {
            Dated::ByThisMachine => self.machine_us,
            Dated::ByDatabase => self.machine_us.saturating_add(self.skew_us),
        }
    }

    /// What there is to say about the skew, if it is more than a little.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        let size = i64::try_from(self.skew_us.unsigned_abs()).unwrap_or(i64::MAX);
        let side = if self.skew_us < 0 {
            "behind"
        } else {
            "ahead of"
        };
        (size > SKEW_TOLERANCE_US).then(|| {
            format!(
                "the clock of the database is {} {side} that of this machine",
                span(size)
            )
        })
    }
}

/// Everything that a verdict is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What the database answered.
    pub answer: Answer,
    /// Whether somebody wants the symbol. What nobody wants is never worse than a warning,
    /// and never a reason to restart.
    pub is_expected: bool,
    /// What the exchange has.
    pub exchange: Exchange,
    /// What the local journal shows.
    pub journal: Journal,
    /// The clocks.
    pub clocks: Clocks,
    /// At the second look, at least [`Limits::look_again_us`](super::Limits::look_again_us) after the first one: the sign
    /// of life that was seen then, in µs: the heartbeat, or without one the receipt.
    pub seen_before_us: Option<i64>,
}
