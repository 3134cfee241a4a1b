//! The rows that the journal keeps and the store holds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    anchor::Anchor, bar::Bar, symbol::Symbol, threshold::Threshold, tiling::IdRange, trade::Trade,
};

mod columns;
pub mod health;
pub mod stored;

pub use columns::{BAR_COLUMNS, BarColumn, ColumnKind, KEY_COLUMNS, OWN_COLUMNS, bar_column_names};
pub use health::{HealthRead, HealthRow, StreamState};
pub use stored::{BarRead, GapRead, ImpliedColumns, StoredBar, UnreadableRow};

/// The name of an exchange in the store: `binance`, `sim`. Cheap to clone.
pub type ExchangeName = Arc<str>;

/// What bars of one kind have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// Where the trades come from.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// The threshold.
    pub threshold: Threshold,
    /// Where forming bars are cut.
    pub anchor: Anchor,
}

/// A row of `bars`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BarRow {
    /// Where the trades come from.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// Where forming bars are cut.
    pub anchor: Anchor,
    /// The bar, with its threshold.
    pub bar: Bar,
    /// Of two rows with the same key the one with the higher version counts.
    pub version: u64,
    /// A tombstone: the row with this key is gone.
    pub is_deleted: bool,
}

impl BarRow {
    /// The series that it belongs to.
    #[must_use]
    pub fn series(&self) -> Series {
        Series {
            exchange: Arc::clone(&self.exchange),
            symbol: self.symbol.clone(),
            threshold: self.bar.threshold,
            anchor: self.anchor,
        }
    }
}

/// A row of `trades`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRow {
    /// Where it was traded.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// The trade.
    pub trade: Trade,
    /// Of two rows with the same key the one with the higher version counts.
    pub version: u64,
}

/// What is known about a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GapState {
    /// The trades exist, or may exist, and are missing.
    Open,
    /// The trades were fetched and are in the bars.
    Repaired,
    /// The exchange has proven that there are no such trades.
    Absent,
}

impl GapState {
    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Repaired => "repaired",
            Self::Absent => "absent",
        }
    }
}

/// A row of `gaps`: ids that are missing from one symbol's tape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapRow {
    /// Where the trades should come from.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// The first missing aggregate id.
    pub first_id: i64,
    /// The last missing aggregate id.
    pub last_id: i64,
    /// When it was found, in µs.
    pub found_at_us: i64,
    /// How it came about, in words.
    pub cause: String,
    /// What is known about it.
    pub state: GapState,
    /// What proves the state, in words.
    pub proof: String,
    /// Of two rows with the same key the one with the higher version counts.
    pub version: u64,
}

impl GapRow {
    /// The ids that are missing.
    #[must_use]
    pub const fn ids(&self) -> IdRange {
        IdRange {
            first_id: self.first_id,
            last_id: self.last_id,
        }
    }
}

/// A row of `events`: something that a collector did or met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// When it happened, in µs.
    pub time_us: i64,
    /// The collector that it happened to.
    pub collector: String,
    /// The symbol, or empty when it concerns all.
    pub symbol: String,
    /// A stable word, such as `stream.reconnected`.
    pub code: String,
    /// The same in a sentence.
    pub text: String,
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Rows {
    /// Rows of `bars`.
    Bars(Vec<BarRow>),
    /// Rows of `trades`.
    Trades(Vec<TradeRow>),
    /// Rows of `gaps`.
    Gaps(Vec<GapRow>),
    /// Rows of `events`.
    Events(Vec<EventRow>),
}

/// The tables that rows are collected into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// `bars`.
    Bars,
    /// `trades`.
    Trades,
    /// `gaps`.
    Gaps,
    /// `events`.
    Events,
    /// `stream_health`, whose rows are never spooled.
    StreamHealth,
    /// `seals`, whose rows are never spooled.
    Seals,
    /// `backfill_requests`, whose rows are never spooled.
    BackfillRequests,
    /// `backfill_workers`, whose rows are never spooled.
    BackfillWorkers,
}

impl Table {
    /// Every table that rows are collected into by way of the spool.
    pub const ALL: [Self; 4] = [Self::Bars, Self::Trades, Self::Gaps, Self::Events];

    /// The name of the table in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Trades => "trades",
            Self::Gaps => "gaps",
            Self::Events => "events",
            Self::StreamHealth => "stream_health",
            Self::Seals => "seals",
            Self::BackfillRequests => "backfill_requests",
            Self::BackfillWorkers => "backfill_workers",
        }
    }
}

impl Rows {
    /// The table that the rows belong to.
    #[must_use]
    pub const fn table(&self) -> Table {
        match self {
            Self::Bars(_) => Table::Bars,
            Self::Trades(_) => Table::Trades,
            Self::Gaps(_) => Table::Gaps,
            Self::Events(_) => Table::Events,
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bars(rows) => rows.len(),
            Self::Trades(rows) => rows.len(),
            Self::Gaps(rows) => rows.len(),
            Self::Events(rows) => rows.len(),
        }
    }

    /// The first `count` rows, and the others.
    #[must_use]
    pub fn split_at(self, count: usize) -> (Self, Self) {
        fn split<T>(mut rows: Vec<T>, count: usize) -> (Vec<T>, Vec<T>) {
            let others = rows.split_off(count.min(rows.len()));
            (rows, others)
        }
        match self {
            Self::Bars(rows) => {
                let (first, others) = split(rows, count);
                (Self::Bars(first), Self::Bars(others))
            }
            Self::Trades(rows) => {
                let (first, others) = split(rows, count);
                (Self::Trades(first), Self::Trades(others))
            }
            Self::Gaps(rows) => {
                let (first, others) = split(rows, count);
                (Self::Gaps(first), Self::Gaps(others))
            }
            Self::Events(rows) => {
                let (first, others) = split(rows, count);
                (Self::Events(first), Self::Events(others))
            }
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
