//! How much of a period's stored bars is right, and so which trades have to be read again.
//!
//! At the end of a bar a builder holds nothing, so it may begin right behind any good bar.
//! What is good at the beginning of a period need not be built again, and building may end
//! as soon as it closes a bar where the good bars at the end begin:
//!
//! ```text
//! stored  [good][good]      [good][wrong]   [good][good]
//! built               [-----------------------]
//!         head         read again              tail
//! ```
//!
//! A bar is good when it follows the one before it and its columns agree with each other.
//! What was altered so that they still agree is found by comparing thresholds, and by
//! digests; then the whole period is read again.

use super::{
    anchor::Anchor,
    bar::{ClosedBy, Last},
    row::{BarRead, StoredBar},
    sums::Sums,
    tiling::{Finding, IdRange, IdRanges, Tiling},
};

/// The ids of one period at the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodIds {
    /// From its first id to its last, or to the newest one there is.
    pub ids: IdRange,
    /// Whether a trade of a later period shows that it is over.
    pub is_over: bool,
}

/// What the stored bars of one series are worth in one period.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// How many bars there are.
    pub bars: u64,
    /// How many are damaged in themselves, or overlap another one.
    pub wrong: u64,
    /// The ids that no good bar holds, in order; what follows the last bar of a period that
    /// is not over is not among them.
    pub holes: Vec<IdRange>,
    /// The trade that the good bars at the beginning end with.
    pub head: Option<Last>,
    /// The first ids of the good bars at the end, in order.
    tail: Vec<i64>,
    /// What the bars hold together, if nothing is wrong.
    sums: Option<Sums>,
}

impl Survey {
    /// Looks at the bars of one series, by rising first id. Those that begin outside of the
    /// period are passed over; `absent` ids are proven not to exist.
    #[must_use]
    pub fn of(stored: &[BarRead], period: PeriodIds, anchor: Anchor, absent: &IdRanges) -> Self {
        let mut walk = Walk {
            found: Self::default(),
            period,
            absent,
            tiling: Tiling::new(anchor, absent.clone()),
            findings: Vec::new(),
            next_id: period.ids.first_id,
            is_head: true,
            ends_with_gap: false,
            sums: Sums::default(),
        };
        for read in stored {
            walk.take(read);
        }
        walk.end()
    }

    /// Whether nothing has to be done.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.sums.is_some()
    }

    /// Volume, turnover and counts of all bars; none unless they are right.
    #[must_use]
    pub const fn sums(&self) -> Option<&Sums> {
        self.sums.as_ref()
    }

    /// The id that building has to begin with, in a period that begins with `first_id`.
    #[must_use]
    pub fn first_id(&self, first_id: i64) -> i64 {
        self.head.map_or(first_id, |last| last.id + 1)
    }

    /// Whether good bars go on from `next_id` to the end, so that building may stop there.
    #[must_use]
    pub fn goes_on_at(&self, next_id: i64) -> bool {
        self.tail.binary_search(&next_id).is_ok()
    }

    /// The last id that has to be read at least. A period that is not over is read up to its
    /// newest trade: bars may be missing behind the last one.
    #[must_use]
    pub fn last_id(&self, period: PeriodIds) -> i64 {
        match self.tail.first() {
            Some(first_id) if period.is_over => first_id - 1,
            _ => period.ids.last_id,
        }
    }

    /// What it would be if nothing could be trusted.
    #[must_use]
    pub fn distrusted(self) -> Self {
        Self {
            bars: self.bars,
            wrong: self.bars,
            ..Self::default()
        }
    }
}

struct Walk<'a> {
    found: Survey,
    period: PeriodIds,
    absent: &'a IdRanges,
    tiling: Tiling,
    findings: Vec<Finding>,
    /// The id that the next bar has to begin with.
    next_id: i64,
    /// Everything so far was good.
    is_head: bool,
    /// The last bar ends with a gap.
    ends_with_gap: bool,
    sums: Sums,
}

impl Walk<'_> {
    fn take(&mut self, read: &BarRead) {
        let ids = self.period.ids;
        let first_id = match read {
            Ok(stored) => Some(stored.row.bar.first_agg_trade_id),
            Err(unreadable) => unreadable.place.as_ref().and_then(|place| place.first_id),
        };
        // One that does not say where it belongs may belong here.
        if first_id.is_some_and(|id| id < ids.first_id || id > ids.last_id) {
            return;
        }
        self.found.bars += 1;
        if let Ok(stored) = read {
            return self.take_readable(stored);
        }
        if first_id.is_some_and(|id| id < self.next_id) {
            // It lies in a good bar, and whatever is read behind that does not meet it.
            self.found.head = None;
        }
        self.take_wrong();
    }

    fn take_readable(&mut self, stored: &StoredBar) {
        let bar = &stored.row.bar;
        let first_id = bar.first_agg_trade_id;
        self.findings.clear();
        self.tiling.push_stored(stored, &mut self.findings);
        let is_of_joint = |finding: &Finding| {
            matches!(
                finding,
                Finding::Overlap { .. }
                    | Finding::FillsOverlap { .. }
                    | Finding::CutWithoutAnchor { .. }
                    | Finding::CutWithoutGap { .. }
            )
        };
        let ends_outside = self.period.is_over && bar.last_agg_trade_id > self.period.ids.last_id;
        let mut findings = self.findings.iter();
        if findings.any(is_of_joint) || first_id < self.next_id {
            // Either of the two bars may be the wrong one.
            self.found.head = None;
            self.take_wrong();
            self.next_id = self.next_id.max(bar.last_agg_trade_id.saturating_add(1));
            return;
        }
        let is_hole = |finding: &Finding| matches!(finding, Finding::Hole { .. });
        let mut findings = self.findings.iter();
        if ends_outside || findings.any(|found| found.is_damage() && !is_hole(found)) {
            self.take_wrong();
            return;
        }
        if !self.reaches(first_id) {
            self.distrust_cut();
            self.is_head = false;
            self.found.tail.clear();
        }
        self.found.tail.push(first_id);
        self.next_id = bar.last_agg_trade_id + 1;
        self.ends_with_gap = bar.closed_by == ClosedBy::Gap;
        self.sums.merge(&bar.sums);
        if self.is_head {
            self.found.head = Some(Last {
                id: bar.last_agg_trade_id,
                last_trade_id: bar.last_trade_id,
                time_us: bar.close_time_us,
                price: bar.close,
            });
        }
    }

    fn take_wrong(&mut self) {
        self.found.wrong += 1;
        self.found.tail.clear();
        self.is_head = false;
    }

    /// The last bar was cut by a gap that the exchange has trades in: it would have gone on.
    fn distrust_cut(&mut self) {
        if self.ends_with_gap {
            self.found.wrong += 1;
            if self.is_head {
                self.found.head = None;
            }
        }
    }

    /// Whether nothing is missing before `first_id`; notes what is.
    fn reaches(&mut self, first_id: i64) -> bool {
        let missing = IdRange {
            first_id: self.next_id,
            last_id: first_id - 1,
        };
        if missing.count() == 0 || self.absent.contain(missing) {
            return true;
        }
        self.found.holes.push(missing);
        false
    }

    fn end(mut self) -> Survey {
        let end_id = self.period.ids.last_id.saturating_add(1);
        if self.period.is_over {
            let is_tight = self.next_id == end_id;
            // A gap that is none makes the last bar a wrong one.
            if is_tight && self.ends_with_gap && self.found.bars > 0 {
                self.found.head = None;
                self.take_wrong();
            }
            if !is_tight && !self.reaches(end_id) {
                self.distrust_cut();
                self.is_head = false;
                self.found.tail.clear();
            }
        }
        if self.is_head {
            self.found.sums = Some(self.sums);
        }
        self.found
    }
}

#[cfg(test)]
mod tests;
