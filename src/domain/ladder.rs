//! All open bars of one symbol, built together from one set of running sums.
//!
//! A trade that touches no bound, passes no boundary and follows its predecessor
//! costs a handful of additions and compares, however many thresholds there are:
//! the sums run on, one high and one low run on, and one tightest pair of bounds
//! stands for all bars. Only when something happens are the running high and low
//! folded into the bars, and figures taken as differences of sums.
//!
//! A *lane* is one threshold. Lanes may start at different ids: one that resumes
//! from a checkpoint, or starts afresh, waits until its first trade comes by.

use super::{
    anchor::{Anchor, Period},
    bar::{Bar, ClosedBy, Last},
    sums::Sums,
    threshold::Threshold,
    trade::Trade,
};

pub mod checkpoint;
mod lane;

pub use checkpoint::{Checkpoint, CheckpointError, SeriesState};
use lane::{Bounds, Lane, Waiting};

/// How the bars of a ladder are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Where forming bars are cut.
    pub anchor: Anchor,
    /// Whether a breach at the bar's opening time leaves the bar open.
    pub gate: bool,
}

/// The trade does not follow the one before it; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("trade {got} does not follow: {expected} is next")]
pub struct OutOfOrder {
    /// The id that comes next.
    pub expected: i64,
    /// The id that came.
    pub got: i64,
}

/// All open bars of one symbol.
#[derive(Debug, Clone)]
pub struct Ladder {
    rules: Rules,
    /// The id that the fast path takes; `NOTHING_FOLLOWS` sends every trade the slow way.
    fast_id: i64,
    /// The tightest bounds of all bars that are open.
    bounds: Bounds,
    boundary_us: i64,
    run_high: i64,
    run_low: i64,
    sums: Sums,
    last: Option<Last>,
    /// Where the tape goes on when it began with a gap: there is no last trade then.
    skipped_to: Option<i64>,
    period: Option<Period>,
    lanes: Vec<Lane>,
    waiting: Vec<Waiting>,
}

/// No trade has this id.
const NOTHING_FOLLOWS: i64 = i64::MIN;

impl Ladder {
    /// A ladder without thresholds; add them with [`start`](Self::start) and
    /// [`resume`](Self::resume).
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            fast_id: NOTHING_FOLLOWS,
            bounds: Bounds::ALWAYS,
            boundary_us: i64::MIN,
            run_high: i64::MIN,
            run_low: i64::MAX,
            sums: Sums::default(),
            last: None,
            skipped_to: None,
            period: None,
            lanes: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Adds a threshold whose first bar opens with the trade `first_id`.
    pub fn start(&mut self, threshold: Threshold, first_id: i64) {
        self.wait(Waiting {
            threshold,
            next_id: first_id,
            state: None,
        });
    }

    /// Adds a threshold that goes on after a checkpoint.
    pub fn resume(&mut self, state: SeriesState) {
        let next_id = state.last.id + 1;
        self.wait(Waiting {
            threshold: state.threshold,
            next_id,
            state: Some(state),
        });
    }

    fn wait(&mut self, waiting: Waiting) {
        debug_assert!(self.last.is_none_or(|last| waiting.next_id > last.id));
        self.waiting.push(waiting);
        self.waiting.sort_by_key(|waiting| waiting.next_id);
        self.fast_id = NOTHING_FOLLOWS;
    }

    /// The id of the trade that has to come next; none without thresholds.
    #[must_use]
    pub fn next_id(&self) -> Option<i64> {
        let waiting = self.waiting.first().map(|waiting| waiting.next_id);
        if self.lanes.is_empty() {
            return waiting;
        }
        match self.last {
            Some(last) => Some(last.id + 1),
            None => self.skipped_to,
        }
    }

    /// The last trade taken.
    #[must_use]
    pub fn last(&self) -> Option<Last> {
        self.last
    }

    /// Takes one trade and appends the bars that it closes to `closed`.
    ///
    /// # Errors
    /// When the trade is not the next one; nothing is changed then.
    #[inline]
    pub fn push(&mut self, trade: &Trade, closed: &mut Vec<Bar>) -> Result<(), OutOfOrder> {
        let price = trade.price.0;
        if trade.id == self.fast_id
            && price <= self.bounds.highest
            && price >= self.bounds.lowest
            && trade.time_us < self.boundary_us
        {
            self.sums.add(trade);
            self.run_high = self.run_high.max(price);
            self.run_low = self.run_low.min(price);
            self.last = Some(last_of(trade));
            self.fast_id = trade.id + 1;
            return Ok(());
        }
        self.push_slowly(trade, closed)
    }

    /// Takes a trade that touches a bound, passes a boundary, opens a bar or lets a lane join.
    #[cold]
    #[inline(never)]
    fn push_slowly(&mut self, trade: &Trade, closed: &mut Vec<Bar>) -> Result<(), OutOfOrder> {
        match self.next_id() {
            Some(expected) if expected == trade.id => {}
            Some(expected) => {
                return Err(OutOfOrder {
                    expected,
                    got: trade.id,
                });
            }
            None => return Ok(()),
        }
        self.fold();
        self.join(trade.id);
        if trade.time_us >= self.boundary_us {
            self.cut(ClosedBy::Anchor, closed);
            let period = self.rules.anchor.period(trade.time_us);
            self.boundary_us = period.end_us;
            self.period = Some(period);
        }
        let before = self.sums;
        self.sums.add(trade);
        let last = last_of(trade);
        self.last = Some(last);
        self.bounds = Bounds::NEVER;
        for lane in &mut self.lanes {
            if let Some(bar) = lane.take(trade, &before, &self.sums, &last, self.rules.gate) {
                closed.push(bar);
            }
            self.bounds.tighten(&lane.bounds);
        }
        // As long as a lane waits, every trade is looked at: it may be the lane's first.
        self.fast_id = if self.waiting.is_empty() {
            trade.id + 1
        } else {
            NOTHING_FOLLOWS
        };
        Ok(())
    }

    fn joins_at(&self, id: i64) -> bool {
        self.waiting
            .first()
            .is_some_and(|waiting| waiting.next_id <= id)
    }

    /// Lets the lanes that start with trade `id` in.
    fn join(&mut self, id: i64) {
        while self.joins_at(id) {
            let waiting = self.waiting.remove(0);
            if let Some(state) = &waiting.state {
                // Every lane of a symbol has seen the same boundaries pass.
                self.last.get_or_insert(state.last);
                if self.period.is_none() {
                    self.period = Some(state.period);
                    self.boundary_us = state.period.end_us;
                }
            }
            let lane = Lane::from_waiting(&waiting, &self.sums);
            let place = self
                .lanes
                .partition_point(|other| other.threshold < lane.threshold);
            self.lanes.insert(place, lane);
        }
    }

    /// Writes the running high and low into every open bar.
    fn fold(&mut self) {
        for lane in &mut self.lanes {
            lane.fold(self.run_high, self.run_low);
        }
        self.run_high = i64::MIN;
        self.run_low = i64::MAX;
    }

    /// Closes every open bar with its last trade. Call [`fold`](Self::fold) before.
    fn cut(&mut self, closed_by: ClosedBy, closed: &mut Vec<Bar>) {
        let Some(last) = self.last else { return };
        for lane in &mut self.lanes {
            closed.extend(lane.close(&self.sums, &last, closed_by));
        }
        self.bounds = Bounds::ALWAYS;
    }

    /// Closes every open bar because the trades up to `next_id` are proven absent, and
    /// goes on with the trade `next_id`. Lanes that would have joined within the gap
    /// start afresh with `next_id`.
    ///
    /// # Errors
    /// When `next_id` lies before the trade that is next anyway.
    pub fn skip_to(&mut self, next_id: i64, closed: &mut Vec<Bar>) -> Result<(), OutOfOrder> {
        match self.next_id() {
            Some(expected) if next_id < expected => {
                return Err(OutOfOrder {
                    expected,
                    got: next_id,
                });
            }
            None => return Ok(()),
            Some(_) => {}
        }
        self.fold();
        self.cut(ClosedBy::Gap, closed);
        self.cut_waiting(next_id, closed);
        self.join(next_id);
        if let Some(last) = &mut self.last {
            // The ids in between count as passed; no bar holds them.
            last.id = next_id - 1;
        } else {
            self.skipped_to = Some(next_id);
        }
        for waiting in &mut self.waiting {
            waiting.next_id = waiting.next_id.max(next_id);
        }
        self.fast_id = NOTHING_FOLLOWS;
        Ok(())
    }

    /// Closes the bars of lanes that would have gone on within a gap, each with the
    /// last trade that it has seen itself.
    fn cut_waiting(&mut self, next_id: i64, closed: &mut Vec<Bar>) {
        for waiting in self
            .waiting
            .iter_mut()
            .filter(|waiting| waiting.next_id <= next_id)
        {
            let Some(state) = &mut waiting.state else {
                continue;
            };
            if let Some(open) = state.open.take() {
                let (threshold, last) = (state.threshold, &state.last);
                closed.push(Bar::close(
                    threshold,
                    &open.opened,
                    open.sums,
                    last,
                    ClosedBy::Gap,
                ));
            }
        }
    }

    /// The bars that are still open, as they would look if they closed now, by threshold.
    #[must_use]
    pub fn forming(&self) -> Vec<Bar> {
        let mut ladder = self.clone();
        let mut bars = Vec::with_capacity(self.lanes.len());
        ladder.fold();
        ladder.cut(ClosedBy::Breach, &mut bars);
        bars
    }

    /// The state from which another ladder continues bit for bit.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let mut series: Vec<SeriesState> = self
            .waiting
            .iter()
            .filter_map(|waiting| waiting.state.clone())
            .collect();
        if let (Some(last), Some(period)) = (self.last, self.period) {
            series.extend(self.lanes.iter().map(|lane| {
                let mut lane = lane.clone();
                lane.fold(self.run_high, self.run_low);
                lane.state(&self.sums, last, period)
            }));
        }
        series.sort_by_key(|state| state.threshold);
        Checkpoint::new(self.rules, series)
    }
}

#[inline(always)]
fn last_of(trade: &Trade) -> Last {
    Last {
        id: trade.id,
        last_trade_id: trade.last_trade_id,
        time_us: trade.time_us,
        price: trade.price,
    }
}

#[cfg(test)]
mod tests;
