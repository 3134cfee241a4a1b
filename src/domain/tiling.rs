//! Whether stored bars tile the tape, and whether each is a bar at all.
//!
//! A [`Tiling`] takes the bars of one series in the order of their first ids and
//! tells what is wrong. It keeps nothing but the last bar and sums per period, so a
//! series may be as long as it likes.
//!
//! A trade that is timed before a boundary already passed belongs to the current
//! period, and so a bar may close before it opens. The first trade of a period
//! always opens a bar; hence the opening times of the bars show every boundary.

use super::{
    anchor::{Anchor, Period},
    bar::{Bar, ClosedBy},
};

mod bar_rules;
pub mod finding;
pub mod ids;
pub mod period;

pub use finding::Finding;
pub use ids::{IdRange, IdRanges};
pub use period::{Disagreement, PeriodTotals, Periods};

/// Checks the bars of one series.
#[derive(Debug, Clone)]
pub struct Tiling {
    anchor: Anchor,
    absent: IdRanges,
    previous: Option<Previous>,
    /// The period that the last bar belongs to.
    period: Option<Period>,
    /// What the current period holds so far.
    totals: Option<PeriodTotals>,
    closed: Vec<PeriodTotals>,
}

/// What has to be known of the bar before.
#[derive(Debug, Clone, Copy)]
struct Previous {
    ids: IdRange,
    /// The highest last id of all bars so far.
    highest_id: i64,
    closed_by: ClosedBy,
}

/// How a bar follows the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// The bar is the first one.
    Start,
    /// Its first id follows the last id before it.
    Tight,
    /// The ids between are proven absent.
    Absent,
    /// Ids are missing, or held twice.
    Broken,
}

impl Tiling {
    /// A checker for a series with `anchor`, whose exchange has proven that the trades
    /// `absent` do not exist.
    #[must_use]
    pub fn new(anchor: Anchor, absent: IdRanges) -> Self {
        Self {
            anchor,
            absent,
            previous: None,
            period: None,
            totals: None,
            closed: Vec::new(),
        }
    }

    /// Takes the next bar by first id and appends what is wrong with it, and between
    /// it and the bar before.
    pub fn push(&mut self, bar: &Bar, findings: &mut Vec<Finding>) {
        let joint = self.check_joint(bar, findings);
        bar_rules::check(bar, findings);
        self.check_period(bar, joint, findings);
        let ids = bar_rules::ids_of(bar);
        let highest_id = self
            .previous
            .map_or(ids.last_id, |previous| previous.highest_id.max(ids.last_id));
        self.previous = Some(Previous {
            ids,
            highest_id,
            closed_by: bar.closed_by,
        });
    }

    /// The periods that are closed: a bar of a later one has been seen.
    #[must_use]
    pub fn into_closed_periods(self) -> Vec<PeriodTotals> {
        self.closed
    }

    fn check_joint(&self, bar: &Bar, findings: &mut Vec<Finding>) -> Joint {
        let Some(previous) = self.previous else {
            return Joint::Start;
        };
        let ids = bar_rules::ids_of(bar);
        let next_id = previous.highest_id.saturating_add(1);
        if ids.first_id > next_id {
            let hole = IdRange {
                first_id: next_id,
                last_id: ids.first_id - 1,
            };
            let is_absent = self.absent.contain(hole);
            findings.push(Finding::Hole {
                ids: hole,
                is_absent,
            });
            return if is_absent {
                Joint::Absent
            } else {
                Joint::Broken
            };
        }
        if ids.first_id < next_id {
            findings.push(Finding::Overlap {
                ids: IdRange {
                    first_id: ids.first_id,
                    last_id: previous.highest_id.min(ids.last_id.max(ids.first_id)),
                },
                bar: ids,
            });
            return Joint::Broken;
        }
        if previous.closed_by == ClosedBy::Gap {
            findings.push(Finding::CutWithoutGap { bar: previous.ids });
        }
        Joint::Tight
    }

    fn check_period(&mut self, bar: &Bar, joint: Joint, findings: &mut Vec<Finding>) {
        if !bar_rules::has_valid_times(bar) {
            // The bar cannot say which period it is in.
            if let Some(totals) = &mut self.totals {
                totals.is_whole = false;
            }
            return;
        }
        let is_certain = matches!(joint, Joint::Tight | Joint::Absent);
        match self.period {
            Some(period) if bar.open_time_us < period.end_us => {
                // The trade that cuts a bar at an anchor opens the next one.
                if let Some(previous) = self.previous.filter(|_| is_certain)
                    && previous.closed_by == ClosedBy::Anchor
                {
                    findings.push(Finding::CutWithoutAnchor { bar: previous.ids });
                }
                if let Some(totals) = &mut self.totals {
                    totals.is_whole &= is_certain;
                    totals.add(bar);
                }
            }
            _ => {
                if let Some(mut totals) = self.totals.take() {
                    totals.is_whole &= is_certain;
                    self.closed.push(totals);
                }
                let period = self.anchor.period(bar.open_time_us);
                self.period = Some(period);
                self.totals = Some(PeriodTotals::new(period.start_us, bar, is_certain));
            }
        }
        self.check_span(bar, findings);
    }

    fn check_span(&mut self, bar: &Bar, findings: &mut Vec<Finding>) {
        let Some(period) = self
            .period
            .filter(|period| bar.close_time_us >= period.end_us)
        else {
            return;
        };
        findings.push(Finding::SpansAnchor {
            bar: bar_rules::ids_of(bar),
            boundary_us: period.end_us,
        });
        // Neither period can be told from its bars; the later one goes on from here.
        let later = self.anchor.period(bar.close_time_us);
        self.period = Some(later);
        if let Some(mut totals) = self.totals.take() {
            totals.is_whole = false;
            totals.start_us = later.start_us;
            self.totals = Some(totals);
        }
    }
}

#[cfg(test)]
mod tests;
