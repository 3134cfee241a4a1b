//! What a symbol has to commit: rows, and the state that they lead up to.

use std::sync::Arc;

use crate::{
    domain::{
        anchor::Anchor,
        bar::Bar,
        ladder::Checkpoint,
        row::{BarRow, ExchangeName, GapRow, GapState, Rows, TradeRow},
        symbol::Symbol,
        trade::Trade,
    },
    journal::{CheckpointRow, Commit},
};

/// Whose rows they are.
pub(super) struct Owner {
    pub exchange: ExchangeName,
    pub symbol: Symbol,
    pub anchor: Anchor,
}

/// A gap and what became of it, for the store.
pub(in super::super) struct GapAccount<'a> {
    pub first_id: i64,
    pub last_id: i64,
    pub found_wall_us: i64,
    pub state: GapState,
    pub cause: &'a str,
    pub proof: String,
}

/// Rows that wait to be committed.
pub(super) struct Pending {
    pub bars: Vec<Bar>,
    /// Trades to be recorded; none when trades are not.
    trades: Option<Vec<Trade>>,
    gaps: Vec<GapRow>,
    /// Something has changed since the last commit.
    is_dirty: bool,
}

impl Pending {
    pub fn new(record_trades: bool, gaps: Vec<GapRow>) -> Self {
        Self {
            bars: Vec::new(),
            trades: record_trades.then(Vec::new),
            is_dirty: !gaps.is_empty(),
            gaps,
        }
    }

    /// A trade was taken.
    #[inline]
    pub fn took(&mut self, trade: &Trade) {
        self.is_dirty = true;
        if let Some(trades) = &mut self.trades {
            trades.push(*trade);
        }
    }

    /// The state has changed without a trade.
    pub fn touch(&mut self) {
        self.is_dirty = true;
    }

    pub fn gap(&mut self, owner: &Owner, account: GapAccount<'_>) {
        self.is_dirty = true;
        self.gaps.push(GapRow {
            exchange: Arc::clone(&owner.exchange),
            symbol: owner.symbol.clone(),
            first_id: account.first_id,
            last_id: account.last_id,
            found_at_us: account.found_wall_us,
            cause: account.cause.to_owned(),
            state: account.state,
            proof: account.proof,
            version: 0,
        });
    }

    /// How many rows wait.
    pub fn len(&self) -> usize {
        self.bars.len() + self.gaps.len() + self.trades.as_ref().map_or(0, Vec::len)
    }

    /// Whether there is anything to commit, if only a new state.
    pub fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// Moves everything into a commit, with the state that it leads up to.
    pub fn move_into(
        &mut self,
        commit: &mut Commit,
        owner: &Owner,
        state: &Checkpoint,
        last_id: i64,
    ) -> Result<(), serde_json::Error> {
        self.is_dirty = false;
        if !self.bars.is_empty() {
            let row = |bar| BarRow {
                exchange: Arc::clone(&owner.exchange),
                symbol: owner.symbol.clone(),
                anchor: owner.anchor,
                bar,
                version: 0,
                is_deleted: false,
            };
            let rows = self.bars.drain(..).map(row).collect();
            commit.rows.push(Rows::Bars(rows));
        }
        if let Some(trades) = self.trades.as_mut().filter(|trades| !trades.is_empty()) {
            let row = |trade| TradeRow {
                exchange: Arc::clone(&owner.exchange),
                symbol: owner.symbol.clone(),
                trade,
                version: 0,
            };
            let rows = trades.drain(..).map(row).collect();
            commit.rows.push(Rows::Trades(rows));
        }
        if !self.gaps.is_empty() {
            commit.rows.push(Rows::Gaps(std::mem::take(&mut self.gaps)));
        }
        commit.checkpoints.push(CheckpointRow {
            exchange: Arc::clone(&owner.exchange),
            symbol: owner.symbol.clone(),
            anchor: owner.anchor,
            last_agg_trade_id: last_id,
            state: state.to_json()?,
        });
        Ok(())
    }
}
