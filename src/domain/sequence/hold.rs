//! Trades that wait for their turn, up to a bound.

use std::collections::BTreeMap;

use crate::domain::trade::Trade;

/// Live trades that arrived one after the other with ids that rose by 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run(pub u64);

/// A trade that waits for its turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub trade: Trade,
    /// The run that it came in; none when it was only fetched.
    pub run: Option<Run>,
    /// The exchange's history has it.
    pub is_confirmed: bool,
}

impl Held {
    pub fn live(trade: &Trade, run: Run) -> Self {
        Self {
            trade: *trade,
            run: Some(run),
            is_confirmed: false,
        }
    }

    pub fn fetched(trade: &Trade, run: Option<Run>) -> Self {
        Self {
            trade: *trade,
            run,
            is_confirmed: true,
        }
    }
}

/// Trades that wait, by id.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    trades: BTreeMap<i64, Held>,
    limit: usize,
}

impl Hold {
    pub fn new(limit: usize) -> Self {
        Self {
            trades: BTreeMap::new(),
            limit: limit.max(1),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.trades.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.trades.len() >= self.limit
    }

    pub fn len(&self) -> usize {
        self.trades.len()
    }

    pub fn first(&self) -> Option<&Held> {
        self.trades.first_key_value().map(|(_, held)| held)
    }

    pub fn last_id(&self) -> Option<i64> {
        self.trades.last_key_value().map(|(&id, _)| id)
    }

    pub fn get(&self, id: i64) -> Option<&Held> {
        self.trades.get(&id)
    }

    pub fn get_mut(&mut self, id: i64) -> Option<&mut Held> {
        self.trades.get_mut(&id)
    }

    /// Puts a trade in, in the place of another one with its id.
    pub fn insert(&mut self, held: Held) {
        self.trades.insert(held.trade.id, held);
    }

    pub fn remove(&mut self, id: i64) -> Option<Held> {
        self.trades.remove(&id)
    }

    /// Drops everything. Returns how many trades that were.
    pub fn clear(&mut self) -> usize {
        let dropped = self.trades.len();
        self.trades.clear();
        dropped
    }

    /// Drops what came in `run` from `id` on and is not confirmed.
    pub fn drop_run(&mut self, run: Run, id: i64) -> usize {
        let before = self.trades.len();
        self.trades
            .retain(|&held_id, held| held_id < id || held.run != Some(run) || held.is_confirmed);
        before - self.trades.len()
    }

    /// Drops the ids below `id`.
    pub fn drop_before(&mut self, id: i64) -> usize {
        let kept = self.trades.split_off(&id);
        std::mem::replace(&mut self.trades, kept).len()
    }

    /// Drops the ids above `id`.
    pub fn drop_after(&mut self, id: i64) -> usize {
        self.trades.split_off(&id.saturating_add(1)).len()
    }
}
