//! Seals: proof that an anchor period is whole, as a row that anyone can join against.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    anchor::Anchor,
    digest::Digest,
    row::{ExchangeName, UnreadableRow},
    symbol::Symbol,
    threshold::Threshold,
    tiling::IdRange,
};

/// What names a seal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SealKey {
    /// Where the trades come from.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// Where bars are cut.
    pub anchor: Anchor,
    /// The first µs of the period.
    pub period_start_us: i64,
}

/// A seal as it is stored, or what is wrong with it.
pub type SealRead = Result<SealRow, UnreadableRow>;

/// A row of `seals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealRow {
    /// What names it.
    pub key: SealKey,
    /// From the period's first trade to its last.
    pub ids: IdRange,
    /// The period's individual trades.
    pub trade_count: u64,
    /// The period's volume, in 1e-8.
    pub volume: i128,
    /// By threshold.
    pub digests: BTreeMap<Threshold, Digest>,
    /// When it was sealed, in µs.
    pub sealed_at_us: i64,
    /// Of two rows with the same key the one with the higher version counts.
    pub version: u64,
    /// The period was written to again, and is not sealed any more.
    pub is_deleted: bool,
}
