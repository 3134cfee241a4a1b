//! One threshold of a ladder.

use crate::domain::{
    anchor::Period,
    bar::{Bar, ClosedBy, Last, Opened},
    price::Price,
    sums::Sums,
    threshold::Threshold,
    trade::Trade,
};

use super::checkpoint::{OpenBar, SeriesState};

/// The prices that leave every bar alone: from `lowest` to `highest`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub highest: i64,
    pub lowest: i64,
}

impl Bounds {
    /// Every price is outside.
    pub const ALWAYS: Self = Self {
        highest: i64::MIN,
        lowest: i64::MAX,
    };
    /// Every price is inside.
    pub const NEVER: Self = Self {
        highest: i64::MAX,
        lowest: i64::MIN,
    };

    #[inline]
    pub fn tighten(&mut self, other: &Self) {
        self.highest = self.highest.min(other.highest);
        self.lowest = self.lowest.max(other.lowest);
    }

    #[inline]
    fn hold(&self, price: i64) -> bool {
        price <= self.highest && price >= self.lowest
    }
}

/// A lane that has not come to its first trade yet.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub threshold: Threshold,
    pub next_id: i64,
    /// What it goes on from; none when its first trade opens its first bar.
    pub state: Option<SeriesState>,
}

/// One threshold with its open bar, if one is open.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    /// `ALWAYS` while no bar is open: then every trade matters.
    pub bounds: Bounds,
    opened: Opened,
    is_open: bool,
    pub threshold: Threshold,
    /// What the running sums showed before the bar's first trade.
    base: Sums,
}

impl Lane {
    pub fn from_waiting(waiting: &Waiting, sums: &Sums) -> Self {
        let mut lane = Self {
            bounds: Bounds::ALWAYS,
            opened: Opened {
                first_agg_trade_id: 0,
                first_trade_id: 0,
                open_time_us: 0,
                open: Price(0),
                high: Price(0),
                low: Price(0),
            },
            is_open: false,
            threshold: waiting.threshold,
            base: Sums::default(),
        };
        if let Some(open) = waiting.state.as_ref().and_then(|state| state.open.as_ref()) {
            // The base is chosen so that the difference to the running sums is what
            // the bar had gathered; wrapping makes that exact.
            lane.open(open.opened, sums.since(&open.sums));
        }
        lane
    }

    fn open(&mut self, opened: Opened, base: Sums) {
        let (highest, lowest) = self.threshold.bounds(opened.open).inside();
        self.bounds = Bounds { highest, lowest };
        self.opened = opened;
        self.base = base;
        self.is_open = true;
    }

    #[inline]
    pub fn fold(&mut self, high: i64, low: i64) {
        self.opened.high.0 = self.opened.high.0.max(high);
        self.opened.low.0 = self.opened.low.0.min(low);
    }

    /// Adds a trade, opening a bar or closing it. `before` and `after` are the running
    /// sums without and with the trade.
    #[inline]
    pub fn take(
        &mut self,
        trade: &Trade,
        before: &Sums,
        after: &Sums,
        last: &Last,
        gate: bool,
    ) -> Option<Bar> {
        if !self.is_open {
            let opened = Opened {
                first_agg_trade_id: trade.id,
                first_trade_id: trade.first_trade_id,
                open_time_us: trade.time_us,
                open: trade.price,
                high: trade.price,
                low: trade.price,
            };
            self.open(opened, *before);
            return None;
        }
        self.fold(trade.price.0, trade.price.0);
        let breaches = !self.bounds.hold(trade.price.0);
        if breaches && !(gate && trade.time_us == self.opened.open_time_us) {
            return self.close(after, last, ClosedBy::Breach);
        }
        None
    }

    /// Closes the open bar, if there is one.
    pub fn close(&mut self, sums: &Sums, last: &Last, closed_by: ClosedBy) -> Option<Bar> {
        if !self.is_open {
            return None;
        }
        self.is_open = false;
        self.bounds = Bounds::ALWAYS;
        Some(Bar::close(
            self.threshold,
            &self.opened,
            sums.since(&self.base),
            last,
            closed_by,
        ))
    }

    /// The lane as a checkpoint keeps it.
    pub fn state(&self, sums: &Sums, last: Last, period: Period) -> SeriesState {
        let open = self.is_open.then(|| OpenBar {
            opened: self.opened,
            sums: sums.since(&self.base),
        });
        SeriesState {
            threshold: self.threshold,
            last,
            period,
            open,
        }
    }
}
