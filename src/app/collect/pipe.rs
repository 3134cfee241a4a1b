//! One symbol's way from trades to bars: sequence, ladder, liveness, and what waits to
//! be committed.

use std::sync::Arc;

use crate::{
    domain::{
        anchor::Anchor,
        bar::Bar,
        ladder::{Ladder, OutOfOrder, SeriesState},
        liveness::Liveness,
        row::{BarRow, ExchangeName, GapRow, GapState, Rows, TradeRow},
        sequence::{Absence, Offered, Proof, Seen, Sequence},
        symbol::Symbol,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::source::Page,
    journal::{CheckpointRow, Commit},
};

use super::{
    settings::{Limits, micros},
    snapshot::{Link, Phase, SymbolSnapshot},
};

/// A gap that is being fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenGap {
    pub first_id: i64,
    pub last_id: i64,
    pub found_us: i64,
    pub found_wall_us: i64,
}

/// What a page of history did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The tape went on.
    Progress,
    /// It brought nothing that was missing.
    Nothing,
    /// These trades do not exist; the bars are cut.
    Absent(Absence),
}

pub(super) struct Pipe {
    pub symbol: Symbol,
    exchange: ExchangeName,
    anchor: Anchor,
    pub sequence: Sequence,
    ladder: Ladder,
    /// States of thresholds that are not wanted now, kept for when they are.
    dormant: Vec<SeriesState>,
    pub liveness: Liveness,
    proof: Proof,
    bars: Vec<Bar>,
    /// Trades to be recorded; none when trades are not.
    trades: Option<Vec<Trade>>,
    gaps: Vec<GapRow>,
    is_dirty: bool,
    first_id: i64,
    pub open_gap: Option<OpenGap>,
    gaps_repaired: u64,
    gaps_absent: u64,
    pub fetched: u64,
    bar_counts: Vec<(Threshold, u64)>,
    last_live_us: Option<i64>,
    /// Since when the exchange has not reached an id that came by stream, and which.
    unconfirmed: Option<(i64, i64)>,
    /// When the exchange was first seen below the id that stood here then.
    reset_suspect: Option<(i64, i64)>,
    /// The last id here when the exchange was asked for its newest.
    asked_at_id: i64,
    /// A live trade has followed the last one here, on this connection.
    is_following: bool,
    /// The exchange's newest id when this connection was young: what it had by then need
    /// not come by stream.
    connected_at_id: Option<i64>,
}

/// What a pipe begins with.
pub(super) struct Beginning {
    pub symbol: Symbol,
    pub exchange: ExchangeName,
    pub anchor: Anchor,
    pub ladder: Ladder,
    pub next_id: i64,
    pub thresholds: Vec<Threshold>,
    pub dormant: Vec<SeriesState>,
    pub gaps: Vec<GapRow>,
    pub record_trades: bool,
}

impl Pipe {
    pub fn new(beginning: Beginning, limits: &Limits, now_us: i64) -> Self {
        let next_id = beginning.next_id;
        Self {
            symbol: beginning.symbol,
            exchange: beginning.exchange,
            anchor: beginning.anchor,
            sequence: Sequence::new(next_id, limits.hold_trades),
            ladder: beginning.ladder,
            dormant: beginning.dormant,
            liveness: Liveness::new(limits.liveness(), now_us),
            proof: Proof::new(micros(limits.absence_interval)),
            bars: Vec::new(),
            trades: beginning.record_trades.then(Vec::new),
            is_dirty: !beginning.gaps.is_empty(),
            gaps: beginning.gaps,
            first_id: next_id,
            open_gap: None,
            gaps_repaired: 0,
            gaps_absent: 0,
            fetched: 0,
            bar_counts: beginning.thresholds.into_iter().map(|t| (t, 0)).collect(),
            last_live_us: None,
            unconfirmed: None,
            reset_suspect: None,
            asked_at_id: next_id - 1,
            is_following: false,
            connected_at_id: None,
        }
    }

    /// The connection was made anew.
    pub fn reconnected(&mut self, now_us: i64) {
        self.is_following = false;
        self.connected_at_id = None;
        self.liveness.reconnected(now_us);
    }

    /// The exchange's newest id is known: is what the stream should have brought here?
    pub fn judge_stream(&mut self, exchange_id: i64, now_us: i64) {
        let connected_at_id = *self.connected_at_id.get_or_insert(exchange_id);
        let is_here = self.sequence.has(exchange_id) || exchange_id <= connected_at_id;
        let last_id = if is_here {
            exchange_id
        } else {
            self.sequence.next_id() - 1
        };
        self.liveness.answered(last_id, exchange_id, now_us);
    }

    /// Whether a live trade has followed the last one here, on this connection.
    pub fn is_following(&self) -> bool {
        self.is_following
    }

    /// The exchange is asked for its newest id now, if `does_ask`.
    pub fn asks_latest_if(&mut self, does_ask: bool) {
        if does_ask {
            self.asked_at_id = self.sequence.next_id() - 1;
        }
    }

    /// Takes a live trade, received at `now_us`. Returns how many held trades were dropped.
    #[inline]
    pub fn take_live(&mut self, trade: &Trade, now_us: i64) -> Result<usize, OutOfOrder> {
        let dropped = match self.sequence.offer(trade) {
            Offered::Next => {
                self.accept(trade)?;
                self.is_following = true;
                if self.sequence.held() > 0 {
                    self.accept_held()?;
                }
                0
            }
            // What was here already is no sign of life: an exchange whose ids went back
            // would send nothing else.
            Offered::Duplicate => return Ok(0),
            Offered::Held => 0,
            Offered::Dropped(count) => count,
        };
        self.liveness.received(now_us);
        self.last_live_us = Some(now_us);
        Ok(dropped)
    }

    #[inline]
    fn accept(&mut self, trade: &Trade) -> Result<(), OutOfOrder> {
        self.ladder.push(trade, &mut self.bars)?;
        self.is_dirty = true;
        if let Some(trades) = &mut self.trades {
            trades.push(*trade);
        }
        Ok(())
    }

    fn accept_held(&mut self) -> Result<(), OutOfOrder> {
        while let Some(trade) = self.sequence.pop_held() {
            self.accept(&trade)?;
        }
        Ok(())
    }

    /// Takes a page of history that was asked for from `asked_id` on.
    pub fn take_page(
        &mut self,
        asked_id: i64,
        page: &Page,
        now_us: i64,
    ) -> Result<Taken, OutOfOrder> {
        let before = self.sequence.next_id();
        for trade in &page.trades {
            if self.sequence.offer(trade) == Offered::Next {
                self.accept(trade)?;
                self.accept_held()?;
            }
        }
        let taken = self.sequence.next_id() - before;
        self.fetched += taken.unsigned_abs();
        if taken > 0 {
            self.proof.refuted();
            self.reset_suspect = None;
            return Ok(Taken::Progress);
        }
        if asked_id != before {
            return Ok(Taken::Nothing);
        }
        let Some(mut seen) = seen(asked_id, page) else {
            return Ok(Taken::Nothing);
        };
        // A trade that came by stream exists, whatever history lacks.
        if let Some(missing) = self.sequence.missing() {
            seen.next_id = seen.next_id.min(missing.last + 1);
        }
        match self.proof.seen(seen, now_us) {
            Some(absence) => {
                self.give_up(absence)?;
                Ok(Taken::Absent(absence))
            }
            None => Ok(Taken::Nothing),
        }
    }

    /// Goes on behind trades that are proven absent.
    fn give_up(&mut self, absence: Absence) -> Result<(), OutOfOrder> {
        self.ladder.skip_to(absence.last + 1, &mut self.bars)?;
        self.sequence.skip_to(absence.last + 1);
        self.is_dirty = true;
        self.accept_held()
    }

    /// Learns the newest id at the exchange. Returns how many held trades had to be
    /// given up because the exchange never reached them.
    pub fn take_latest(&mut self, exchange_id: i64, patience_us: i64, now_us: i64) -> usize {
        self.sequence.known(exchange_id);
        let ahead = self
            .sequence
            .missing()
            .filter(|missing| exchange_id < missing.last);
        let Some(missing) = ahead else {
            self.unconfirmed = None;
            return 0;
        };
        // Another id has a patience of its own.
        let since_us = match self.unconfirmed {
            Some((since_us, id)) if id == missing.last => since_us,
            _ => now_us,
        };
        self.unconfirmed = Some((since_us, missing.last));
        if now_us - since_us < patience_us {
            return 0;
        }
        self.unconfirmed = None;
        self.sequence.drop_unconfirmed(exchange_id)
    }

    /// Whether the exchange's ids went back, now proven: twice, `interval_us` apart, its
    /// newest id was below the one that we had when we asked for the first time, and
    /// nothing has followed meanwhile.
    pub fn is_reset(&mut self, exchange_id: i64, interval_us: i64, now_us: i64) -> bool {
        let last_id = self.sequence.next_id() - 1;
        if let Some((since_us, suspect_id)) = self.reset_suspect {
            if exchange_id < suspect_id && last_id == suspect_id {
                return now_us - since_us >= interval_us;
            }
            self.reset_suspect = None;
        }
        // An answer that was under way while trades came in is merely old.
        if exchange_id < self.asked_at_id && last_id == self.asked_at_id {
            self.reset_suspect = Some((now_us, last_id));
        }
        false
    }

    /// Whether the exchange has to be asked again before more can be said.
    pub fn is_suspect(&self) -> bool {
        self.reset_suspect.is_some()
    }

    /// Whether the first of two answers that prove an absence is in.
    pub fn awaits_proof(&self) -> bool {
        self.proof.is_pending(self.sequence.next_id())
    }

    /// Notes what became of a gap, for the store.
    pub fn record_gap(
        &mut self,
        ids: (i64, i64),
        found_wall_us: i64,
        state: GapState,
        cause: &str,
        proof: String,
    ) {
        match state {
            GapState::Repaired => self.gaps_repaired += 1,
            GapState::Absent => self.gaps_absent += 1,
            GapState::Open => {}
        }
        self.is_dirty = true;
        self.gaps.push(GapRow {
            exchange: Arc::clone(&self.exchange),
            symbol: self.symbol.clone(),
            first_id: ids.0,
            last_id: ids.1,
            found_at_us: found_wall_us,
            cause: cause.to_owned(),
            state,
            proof,
            version: 0,
        });
    }

    /// How many rows wait to be committed.
    pub fn waiting(&self) -> usize {
        self.bars.len() + self.gaps.len() + self.trades.as_ref().map_or(0, Vec::len)
    }

    /// Moves what waits, and the state that it leads up to, into a commit.
    pub fn drain_into(&mut self, commit: &mut Commit) -> Result<(), serde_json::Error> {
        if !self.is_dirty {
            return Ok(());
        }
        self.is_dirty = false;
        for bar in &self.bars {
            if let Some((_, count)) = self
                .bar_counts
                .iter_mut()
                .find(|(threshold, _)| *threshold == bar.threshold)
            {
                *count += 1;
            }
        }
        if !self.bars.is_empty() {
            let row = |bar| BarRow {
                exchange: Arc::clone(&self.exchange),
                symbol: self.symbol.clone(),
                anchor: self.anchor,
                bar,
                version: 0,
                is_deleted: false,
            };
            commit
                .rows
                .push(Rows::Bars(self.bars.drain(..).map(row).collect()));
        }
        if let Some(trades) = self.trades.as_mut().filter(|trades| !trades.is_empty()) {
            let row = |trade| TradeRow {
                exchange: Arc::clone(&self.exchange),
                symbol: self.symbol.clone(),
                trade,
                version: 0,
            };
            commit
                .rows
                .push(Rows::Trades(trades.drain(..).map(row).collect()));
        }
        if !self.gaps.is_empty() {
            commit.rows.push(Rows::Gaps(std::mem::take(&mut self.gaps)));
        }
        let mut checkpoint = self.ladder.checkpoint();
        checkpoint.series.extend(self.dormant.iter().cloned());
        commit.checkpoints.push(CheckpointRow {
            exchange: Arc::clone(&self.exchange),
            symbol: self.symbol.clone(),
            anchor: self.anchor,
            last_agg_trade_id: self.sequence.next_id() - 1,
            state: checkpoint.to_json()?,
        });
        Ok(())
    }

    /// What the symbol looks like now. Phase and link are the session's to say.
    pub fn snapshot(&self, phase: Phase, link: Link, now_us: i64) -> SymbolSnapshot {
        let last = self.ladder.last();
        let counters = self.sequence.counters();
        SymbolSnapshot {
            symbol: self.symbol.clone(),
            phase,
            link,
            trades: (self.sequence.next_id() - self.first_id).unsigned_abs(),
            bars: self.bar_counts.clone(),
            last_price: last.map(|last| last.price),
            last_time_us: last.map(|last| last.time_us),
            age_us: self.last_live_us.map(|received_us| now_us - received_us),
            next_id: self.sequence.next_id(),
            newest_id: self.sequence.newest_id(),
            first_id: self.first_id,
            duplicates: counters.duplicates,
            hold_dropped: counters.hold_dropped,
            unconfirmed: counters.unconfirmed,
            gaps_open: u64::from(self.open_gap.is_some()),
            gaps_repaired: self.gaps_repaired,
            gaps_absent: self.gaps_absent,
        }
    }
}

/// What a page shows about `asked_id`, when it does not hold that trade.
fn seen(asked_id: i64, page: &Page) -> Option<Seen> {
    let mut malformed: Vec<i64> = page
        .malformed
        .iter()
        .filter_map(|row| row.id)
        .filter(|&id| id >= asked_id)
        .collect();
    malformed.sort_unstable();
    let first_good = page
        .trades
        .iter()
        .map(|trade| trade.id)
        .find(|&id| id > asked_id);
    let is_malformed = malformed
        .first()
        .is_some_and(|&id| first_good.is_none_or(|good| id < good));
    let next_id = match (first_good, is_malformed) {
        (Some(next_id), _) => next_id,
        // Nothing good follows yet: only the malformed rows themselves are known to be none.
        (None, true) => {
            let mut next_id = asked_id;
            for id in malformed {
                if id != next_id {
                    break;
                }
                next_id += 1;
            }
            next_id
        }
        (None, false) => return None,
    };
    (next_id > asked_id).then_some(Seen {
        asked_id,
        next_id,
        is_malformed,
    })
}

#[cfg(test)]
mod tests;
