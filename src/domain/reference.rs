//! The plainest builder of range bars: one threshold, one open bar, every rule in
//! the order in which the rules are written down.
//!
//! It exists to judge the [ladder](super::ladder): two programs that share no idea
//! and agree on random tapes are hard to get wrong together. Do not make it faster.

use super::{
    anchor::Anchor,
    bar::{Bar, ClosedBy, Last, Opened},
    sums::Sums,
    threshold::Threshold,
    trade::Trade,
};

/// A builder of one series.
#[derive(Debug, Clone)]
pub struct Reference {
    threshold: Threshold,
    anchor: Anchor,
    gate: bool,
    boundary_us: Option<i64>,
    forming: Option<Forming>,
}

#[derive(Debug, Clone)]
struct Forming {
    opened: Opened,
    sums: Sums,
    last: Last,
}

impl Forming {
    fn close(&self, threshold: Threshold, closed_by: ClosedBy) -> Bar {
        Bar::close(threshold, &self.opened, self.sums, &self.last, closed_by)
    }
}

impl Reference {
    /// A builder with no open bar.
    #[must_use]
    pub fn new(threshold: Threshold, anchor: Anchor, gate: bool) -> Self {
        Self {
            threshold,
            anchor,
            gate,
            boundary_us: None,
            forming: None,
        }
    }

    /// Takes one trade; returns the bar that a boundary cut, then the bar that it closed.
    pub fn push(&mut self, trade: &Trade) -> Vec<Bar> {
        let mut bars = Vec::new();
        if self
            .boundary_us
            .is_none_or(|boundary_us| trade.time_us >= boundary_us)
        {
            bars.extend(self.cut(ClosedBy::Anchor));
            self.boundary_us = Some(self.anchor.period(trade.time_us).end_us);
        }
        let last = Last {
            id: trade.id,
            last_trade_id: trade.last_trade_id,
            time_us: trade.time_us,
            price: trade.price,
        };
        let Some(forming) = &mut self.forming else {
            let opened = Opened {
                first_agg_trade_id: trade.id,
                first_trade_id: trade.first_trade_id,
                open_time_us: trade.time_us,
                open: trade.price,
                high: trade.price,
                low: trade.price,
            };
            let mut sums = Sums::default();
            sums.add(trade);
            self.forming = Some(Forming { opened, sums, last });
            return bars;
        };
        forming.sums.add(trade);
        forming.last = last;
        forming.opened.high = forming.opened.high.max(trade.price);
        forming.opened.low = forming.opened.low.min(trade.price);
        let bounds = self.threshold.bounds(forming.opened.open);
        let gated = self.gate && trade.time_us == forming.opened.open_time_us;
        if bounds.breached_by(trade.price) && !gated {
            bars.extend(self.cut(ClosedBy::Breach));
        }
        bars
    }

    /// Closes the open bar, if there is one.
    pub fn cut(&mut self, closed_by: ClosedBy) -> Option<Bar> {
        let forming = self.forming.take()?;
        Some(forming.close(self.threshold, closed_by))
    }

    /// The open bar as it would look if it closed now.
    #[must_use]
    pub fn forming(&self) -> Option<Bar> {
        let forming = self.forming.as_ref()?;
        Some(forming.close(self.threshold, ClosedBy::Breach))
    }
}
