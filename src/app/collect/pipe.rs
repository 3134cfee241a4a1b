//! One symbol's way from trades to bars: sequence, ladder, liveness, and what waits to
//! be committed.

use crate::{
    domain::{
        anchor::Anchor,
        health::Pulse,
        ladder::{Ladder, OutOfOrder, SeriesState},
        liveness::{Liveness, Signs, State},
        micros::micros,
        price::Price,
        row::{ExchangeName, GapRow, GapState},
        safeguard::{Safeguard, Safeguards},
        sequence::{Absence, Offered, Proof, Sequence},
        symbol::Symbol,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::source::Page,
    journal::Commit,
};

use super::{settings::Limits, snapshot::SymbolSnapshot};

mod doubt;
mod evidence;
mod pending;

use doubt::Doubt;
use evidence::seen;
pub(super) use pending::GapAccount;
use pending::{Owner, Pending};

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

/// The bars of one threshold.
struct BarTally {
    threshold: Threshold,
    /// How many have closed.
    bars: u64,
    /// When the newest of them closed.
    newest_us: Option<i64>,
}

impl BarTally {
    fn of(threshold: Threshold) -> Self {
        Self {
            threshold,
            bars: 0,
            newest_us: None,
        }
    }
}

pub(super) struct Pipe {
    owner: Owner,
    pub sequence: Sequence,
    ladder: Ladder,
    /// States of thresholds that are not collected now, kept for when they are.
    dormant: Vec<SeriesState>,
    pub liveness: Liveness,
    proof: Proof,
    doubt: Doubt,
    pending: Pending,
    pub open_gap: Option<OpenGap>,
    /// The first id that was awaited.
    first_id: i64,
    /// Trades taken, and those of them that had to be fetched.
    taken: u64,
    pub fetched: u64,
    gaps_repaired: u64,
    gaps_absent: u64,
    tallies: Vec<BarTally>,
    /// The last id that was here when the connection was made.
    stood_at_id: i64,
    /// A live trade has come by this connection.
    has_come: bool,
    /// The tape was begun before this process was.
    is_resumed: bool,
    safeguards: Safeguards,
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
    /// The last individual id of the trade before `next_id`, if it is known.
    pub last_fill_id: Option<i64>,
    pub thresholds: Vec<Threshold>,
    pub dormant: Vec<SeriesState>,
    pub gaps: Vec<GapRow>,
    pub record_trades: bool,
}

impl Pipe {
    pub fn new(beginning: Beginning, limits: &Limits, now_us: i64) -> Self {
        let (next_id, last_fill_id) = (beginning.next_id, beginning.last_fill_id);
        Self {
            owner: Owner {
                exchange: beginning.exchange,
                symbol: beginning.symbol,
                anchor: beginning.anchor,
            },
            sequence: Sequence::new(next_id, last_fill_id, limits.hold_trades),
            ladder: beginning.ladder,
            dormant: beginning.dormant,
            liveness: Liveness::new(limits.liveness(), now_us),
            proof: Proof::new(micros(limits.absence_interval)),
            doubt: Doubt::new(next_id - 1),
            pending: Pending::new(beginning.record_trades, beginning.gaps),
            open_gap: None,
            first_id: next_id,
            taken: 0,
            fetched: 0,
            gaps_repaired: 0,
            gaps_absent: 0,
            tallies: beginning.thresholds.into_iter().map(BarTally::of).collect(),
            stood_at_id: next_id - 1,
            has_come: false,
            is_resumed: last_fill_id.is_some(),
            safeguards: limits.safeguards,
            connected_at_id: None,
        }
    }

    /// Goes on with what is remembered of the symbol's stream.
    pub fn remember(&mut self, signs: Signs) {
        self.liveness.remember(signs);
    }

    pub fn symbol(&self) -> &Symbol {
        &self.owner.symbol
    }

    /// The last id that is in the bars.
    pub fn last_id(&self) -> i64 {
        self.sequence.next_id() - 1
    }

    /// The connection was made anew.
    pub fn reconnected(&mut self, now_us: i64) {
        self.sequence.disconnected();
        self.connected_at_id = None;
        self.stood_at_id = self.last_id();
        self.has_come = false;
        self.liveness.reconnected(now_us);
    }

    /// The exchange's newest id is known: is what the stream should have brought here?
    pub fn judge_stream(&mut self, exchange_id: i64, now_us: i64) {
        if self.connected_at_id.is_none() && exchange_id <= self.last_id() {
            // Nothing has been traded that the connection before should have brought.
            self.liveness.explained(now_us);
        }
        let connected_at_id = *self.connected_at_id.get_or_insert(exchange_id);
        // What was traded on this connection and is here only because it was fetched has not
        // come by stream.
        let has_come = self.has_come && self.sequence.has(exchange_id);
        let is_here = has_come || exchange_id <= connected_at_id;
        let last_id = if is_here {
            exchange_id
        } else {
            self.last_id().min(exchange_id - 1)
        };
        self.liveness.answered(last_id, exchange_id, now_us);
    }

    /// The exchange is asked for its newest id now.
    pub fn asks_latest(&mut self) {
        self.doubt.asked(self.last_id());
    }

    /// Takes a live trade, received at `now_us`. Returns how many held trades were dropped.
    #[inline]
    pub fn take_live(&mut self, trade: &Trade, now_us: i64) -> Result<usize, OutOfOrder> {
        if self.safeguards != Safeguards::default() {
            self.take_unguarded(trade)?;
        }
        let dropped = match self.sequence.offer_live(trade) {
            Offered::Next => {
                self.accept(trade)?;
                if self.sequence.held() > 0 {
                    self.accept_held()?;
                }
                0
            }
            // What was here already is no sign of life: an exchange whose ids went back
            // would send nothing else. But the first trade of a connection may have been
            // fetched a moment before.
            Offered::Duplicate if self.has_come || trade.id <= self.stood_at_id => return Ok(0),
            Offered::Duplicate | Offered::Held => 0,
            Offered::Dropped(count) => count,
        };
        self.liveness.received(now_us);
        self.has_come = true;
        Ok(dropped)
    }

    /// Does what would be done with a live trade that does not simply follow, if nobody had
    /// thought of that.
    #[cold]
    fn take_unguarded(&mut self, trade: &Trade) -> Result<(), OutOfOrder> {
        let next_id = self.sequence.next_id();
        let is_begun = self.taken > 0 || self.is_resumed;
        let may_skip = if is_begun {
            !self.safeguards.has(Safeguard::GapRepair)
        } else {
            !self.safeguards.has(Safeguard::Resume)
        };
        if may_skip && trade.id > next_id && self.sequence.held() == 0 {
            self.ladder.skip_to(trade.id, &mut self.pending.bars)?;
            self.sequence.skip_to(trade.id);
            self.pending.touch();
        }
        if !self.safeguards.has(Safeguard::Sequence)
            && self.sequence.is_joined()
            && trade.id != next_id
        {
            self.accept(trade)?;
        }
        Ok(())
    }

    #[inline]
    fn accept(&mut self, trade: &Trade) -> Result<(), OutOfOrder> {
        if !self.safeguards.has(Safeguard::EveryTrade)
            && let Some(last) = self.ladder.last()
            && is_outlier(trade, last.time_us, last.price)
        {
            return self.ladder.skip_to(trade.id + 1, &mut self.pending.bars);
        }
        self.ladder.push(trade, &mut self.pending.bars)?;
        self.pending.took(trade);
        self.taken += 1;
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
        // The page goes first, whatever is held: it has authority.
        for trade in &page.trades {
            if self.sequence.offer_fetched(trade) == Offered::Next {
                self.accept(trade)?;
                self.fetched += 1;
            }
        }
        self.accept_held()?;
        if self.sequence.next_id() > before {
            self.proof.refuted();
            self.doubt.history_went_on();
            return Ok(Taken::Progress);
        }
        if asked_id != before {
            return Ok(Taken::Nothing);
        }
        let seen = seen(asked_id, page);
        match seen.and_then(|seen| self.proof.seen(seen, now_us)) {
            Some(absence) => {
                self.give_up(absence)?;
                Ok(Taken::Absent(absence))
            }
            None => Ok(Taken::Nothing),
        }
    }

    /// Goes on behind trades that are proven absent.
    fn give_up(&mut self, absence: Absence) -> Result<(), OutOfOrder> {
        let next_id = absence.last + 1;
        self.ladder.skip_to(next_id, &mut self.pending.bars)?;
        self.sequence.skip_to(next_id);
        self.pending.touch();
        self.accept_held()
    }

    /// Learns the newest id at the exchange. Returns how many held trades had to be
    /// given up because the exchange never reached them.
    pub fn take_latest(&mut self, exchange_id: i64, patience_us: i64, now_us: i64) -> usize {
        self.sequence.known(exchange_id);
        let doubt = &mut self.doubt;
        if !doubt.is_unreached(&self.sequence, exchange_id, patience_us, now_us) {
            return 0;
        }
        // What seemed to be missing behind the exchange's newest id was never there; what
        // is missing before it still is.
        self.open_gap = self.open_gap.take().and_then(|gap| {
            (gap.first_id <= exchange_id).then_some(OpenGap {
                last_id: gap.last_id.min(exchange_id),
                ..gap
            })
        });
        self.sequence.drop_unconfirmed(exchange_id)
    }

    /// Whether the exchange's ids went back, now proven.
    pub fn is_reset(&mut self, exchange_id: i64, interval_us: i64, now_us: i64) -> bool {
        let last_id = self.last_id();
        self.doubt
            .is_reset(last_id, exchange_id, interval_us, now_us)
    }

    /// Whether the exchange has to be asked again before more can be said.
    pub fn is_suspect(&self) -> bool {
        self.doubt.is_pending()
    }

    /// Whether the first of two answers that prove an absence is in.
    pub fn awaits_proof(&self) -> bool {
        self.proof.is_pending(self.sequence.next_id())
    }

    /// Notes what became of a gap, for the store.
    pub fn record_gap(&mut self, account: GapAccount<'_>) {
        match account.state {
            GapState::Repaired => self.gaps_repaired += 1,
            GapState::Absent => self.gaps_absent += 1,
            GapState::Open => {}
        }
        self.pending.gap(&self.owner, account);
    }

    /// How many rows wait to be committed.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Moves what waits, and the state that it leads up to, into a commit.
    pub fn drain_into(&mut self, commit: &mut Commit) -> Result<(), serde_json::Error> {
        if !self.pending.is_dirty() {
            return Ok(());
        }
        for bar in &self.pending.bars {
            let mut tallies = self.tallies.iter_mut();
            if let Some(tally) = tallies.find(|tally| tally.threshold == bar.threshold) {
                tally.bars += 1;
                tally.newest_us = Some(bar.close_time_us);
            }
        }
        let mut state = self.ladder.checkpoint();
        // A series that was begun anew has a state of its own again.
        let is_asleep = |dormant: &&SeriesState| {
            let mut awake = state.series.iter();
            awake.all(|awake| awake.threshold != dormant.threshold)
        };
        let asleep: Vec<_> = self.dormant.iter().filter(is_asleep).cloned().collect();
        state.series.extend(asleep);
        let last_id = self.last_id();
        self.pending.move_into(commit, &self.owner, &state, last_id)
    }

    /// Whether a live trade has come after `since_us`, on the steady clock.
    pub fn has_lived_since(&self, since_us: i64) -> bool {
        let live_us = self.liveness.signs().live_us;
        live_us.is_some_and(|live_us| live_us > since_us)
    }

    /// What its stream looks like while it is connected, as far as this connection tells.
    pub fn pulse(&self) -> Pulse {
        match self.liveness.state() {
            State::Live => Pulse::Fresh,
            State::Asking => Pulse::Asking,
            State::Overdue { .. } => Pulse::Overdue,
            State::Quiet { .. } => Pulse::Quiet,
            State::Unknown { .. } | State::Refused { .. } => Pulse::Blind,
        }
    }

    /// What the symbol's trades look like now. What its stream looks like is the slot's to
    /// say.
    pub fn snapshot(&self) -> SymbolSnapshot {
        let last = self.ladder.last();
        let counters = self.sequence.counters();
        let tallies = self.tallies.iter();
        let newest_bars = tallies
            .clone()
            .filter_map(|tally| Some((tally.threshold, tally.newest_us?)));
        SymbolSnapshot {
            trades: self.taken,
            fetched: self.fetched,
            bars: tallies.map(|tally| (tally.threshold, tally.bars)).collect(),
            newest_bars: newest_bars.collect(),
            last_id: last.map(|last| last.id),
            last_price: last.map(|last| last.price),
            last_time_us: last.map(|last| last.time_us),
            next_id: self.sequence.next_id(),
            newest_id: self.sequence.newest_id(),
            first_id: self.first_id,
            duplicates: counters.duplicates,
            overlapping: counters.overlapping,
            disputed: counters.disputed,
            unconfirmed: counters.unconfirmed,
            hold_dropped: counters.hold_dropped,
            gaps_open: u64::from(self.open_gap.is_some()),
            gaps_repaired: self.gaps_repaired,
            gaps_absent: self.gaps_absent,
            patience_us: self.liveness.patience_us(),
            ..SymbolSnapshot::new(self.owner.symbol.clone())
        }
    }
}

/// Whether somebody who wants nice charts would throw a trade away.
fn is_outlier(trade: &Trade, last_time_us: i64, last_price: Price) -> bool {
    let change = (trade.price.0 - last_price.0).abs();
    trade.time_us < last_time_us || change > last_price.0 / 20
}

#[cfg(test)]
mod tests;
