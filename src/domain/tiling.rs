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
    digest::BarHasher,
    row::{ImpliedColumns, StoredBar, UnreadableRow},
    trade::LAST_TIME_US,
};

mod bar_rules;
pub mod comparison;
pub mod finding;
pub mod ids;
pub mod period;
pub mod sealing;

pub use comparison::{Comparison, LeftOut, Periods, Reason};
pub use finding::Finding;
pub use ids::{IdRange, IdRanges};
pub use period::{Coverage, Disagreement, PeriodTotals};
pub use sealing::{Judged, Sealed, Unsealable};

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
    /// The digest over its bars so far.
    hasher: BarHasher,
    closed: Vec<PeriodTotals>,
    /// From the first id of all to the highest.
    ids: Option<IdRange>,
}

/// What has to be known of the bar before.
#[derive(Debug, Clone, Copy)]
struct Previous {
    ids: IdRange,
    /// The highest last id of all bars so far.
    highest_id: i64,
    /// None when the bar cannot be read.
    closed_by: Option<ClosedBy>,
    /// None when the bar cannot be read.
    last_trade_id: Option<i64>,
    /// Where the bar ends cannot be read: the ids that follow may be its own.
    is_open_ended: bool,
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
            hasher: BarHasher::default(),
            closed: Vec::new(),
            ids: None,
        }
    }

    /// Takes the next bar as it is stored: columns that are not what the others imply are
    /// wrong, too.
    pub fn push_stored(&mut self, stored: &StoredBar, findings: &mut Vec<Finding>) {
        let bar = bar_rules::ids_of(&stored.row.bar);
        let from = findings.len();
        findings.extend(stored.differences().map(|difference| Finding::Figure {
            bar,
            figure: difference.column,
            stored: difference.stored,
            computed: difference.implied,
        }));
        self.take(&stored.row.bar, &stored.implied, from, findings);
    }

    /// Takes a bar that is there and cannot be read. What of its ids can be read counts as
    /// held; its period cannot be summed up.
    pub fn push_unreadable(&mut self, unreadable: &UnreadableRow, findings: &mut Vec<Finding>) {
        let place = unreadable.place.as_ref();
        let first_id = place.and_then(|place| place.first_id);
        let last_id = place.and_then(|place| place.last_id);
        let ids = first_id.map(|first_id| IdRange {
            first_id,
            last_id: last_id.unwrap_or(first_id).max(first_id),
        });
        let joint = ids.map(|ids| self.check_joint(ids, None, findings));
        findings.push(Finding::Unreadable {
            bar: ids,
            key: unreadable.key.clone(),
            column: unreadable.column,
            reason: unreadable.reason.clone(),
        });
        let open_time_us = place.and_then(|place| place.open_time_us);
        match (self.period, open_time_us) {
            // It opens a period that has no sums; the one before is whole without it.
            (Some(period), Some(time_us)) if (period.end_us..=LAST_TIME_US).contains(&time_us) => {
                let is_certain = matches!(joint, Some(Joint::Tight | Joint::Absent));
                self.close_period(is_certain);
                self.period = Some(self.anchor.period(time_us));
            }
            _ => {
                if let Some(totals) = &mut self.totals {
                    totals.is_whole = false;
                }
            }
        }
        if let Some(ids) = ids {
            self.advance(Previous {
                ids,
                highest_id: ids.last_id,
                closed_by: None,
                last_trade_id: None,
                is_open_ended: last_id.is_none(),
            });
        }
    }

    /// Takes the next bar by first id and appends what is wrong with it, and between
    /// it and the bar before.
    pub fn push(&mut self, bar: &Bar, findings: &mut Vec<Finding>) {
        let from = findings.len();
        self.take(bar, &ImpliedColumns::of(bar), from, findings);
    }

    /// What is in `findings` at `from` and behind concerns this bar.
    fn take(
        &mut self,
        bar: &Bar,
        implied: &ImpliedColumns,
        from: usize,
        findings: &mut Vec<Finding>,
    ) {
        let ids = bar_rules::ids_of(bar);
        let at_joint = findings.len();
        let joint = self.check_joint(ids, Some(bar.first_trade_id), findings);
        // What is wrong there concerns the bar before, too, and so its period.
        self.note_damage(&findings[at_joint..]);
        bar_rules::check(bar, findings);
        self.check_period(bar, implied, joint, findings);
        self.note_damage(&findings[from..]);
        self.advance(Previous {
            ids,
            highest_id: ids.last_id,
            closed_by: Some(bar.closed_by),
            last_trade_id: Some(bar.last_trade_id),
            is_open_ended: false,
        });
    }

    /// The current period has bars that are not what they should be.
    fn note_damage(&mut self, findings: &[Finding]) {
        if let Some(totals) = &mut self.totals
            && findings.iter().any(Finding::is_damage)
        {
            totals.is_sound = false;
        }
    }

    fn advance(&mut self, last: Previous) {
        let before = self.previous.map(|previous| previous.highest_id);
        let highest_id = before.map_or(last.highest_id, |id| id.max(last.highest_id));
        self.previous = Some(Previous { highest_id, ..last });
        let first_id = self.ids.map_or(last.ids.first_id, |ids| ids.first_id);
        self.ids = Some(IdRange {
            first_id,
            last_id: highest_id,
        });
    }

    /// What the series covers: every period, and which of them are closed. A period is
    /// when a bar of a later one has been seen, or an anchor has cut its last bar.
    #[must_use]
    pub fn into_coverage(mut self) -> Coverage {
        let is_cut = self
            .previous
            .is_some_and(|previous| previous.closed_by == Some(ClosedBy::Anchor));
        if let Some(mut totals) = self.totals.take() {
            totals.is_closed = is_cut;
            totals.digest = Some(self.hasher.finish());
            self.closed.push(totals);
        }
        Coverage {
            ids: self.ids,
            ends_known: self.previous.is_none_or(|previous| !previous.is_open_ended),
            periods: self.closed,
        }
    }

    /// How a bar with `ids` follows the one before. Its first individual id is none when
    /// it cannot be read.
    fn check_joint(
        &self,
        ids: IdRange,
        first_trade_id: Option<i64>,
        findings: &mut Vec<Finding>,
    ) -> Joint {
        let Some(previous) = self.previous else {
            return Joint::Start;
        };
        if let (Some(first_trade_id), Some(last_trade_id)) =
            (first_trade_id, previous.last_trade_id)
            && ids.first_id > previous.highest_id
            && first_trade_id <= last_trade_id
        {
            findings.push(Finding::FillsOverlap {
                bar: ids,
                first_trade_id,
                last_trade_id,
            });
        }
        let next_id = previous.highest_id.saturating_add(1);
        if ids.first_id > next_id {
            if previous.is_open_ended {
                // What is missing can be told once that bar is mended.
                return Joint::Broken;
            }
            let hole = IdRange {
                first_id: next_id,
                last_id: ids.first_id - 1,
            };
            let is_absent = self.absent.contain(hole);
            findings.push(Finding::Hole {
                ids: hole,
                is_absent,
            });
            return if is_absent && previous.closed_by.is_some() {
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
        match previous.closed_by {
            // The bar before belongs to the tape, and to no sum.
            None => Joint::Broken,
            Some(closed_by) => {
                if closed_by == ClosedBy::Gap {
                    findings.push(Finding::CutWithoutGap { bar: previous.ids });
                }
                Joint::Tight
            }
        }
    }

    fn check_period(
        &mut self,
        bar: &Bar,
        implied: &ImpliedColumns,
        joint: Joint,
        findings: &mut Vec<Finding>,
    ) {
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
                    && previous.closed_by == Some(ClosedBy::Anchor)
                {
                    findings.push(Finding::CutWithoutAnchor { bar: previous.ids });
                }
                if let Some(totals) = &mut self.totals {
                    totals.is_whole &= is_certain;
                    totals.add(bar);
                }
            }
            _ => {
                self.close_period(is_certain);
                let period = self.anchor.period(bar.open_time_us);
                self.period = Some(period);
                self.totals = Some(PeriodTotals::new(period.start_us, bar, is_certain));
                // A period that could not be summed up may have left something behind.
                self.hasher = BarHasher::default();
            }
        }
        self.hasher.add(bar, implied);
        self.check_span(bar, findings);
    }

    /// A bar of a later period has come; whether nothing is missing before it is certain
    /// or not.
    fn close_period(&mut self, is_certain: bool) {
        if let Some(mut totals) = self.totals.take() {
            totals.is_whole &= is_certain;
            totals.is_closed = true;
            totals.digest = Some(std::mem::take(&mut self.hasher).finish());
            self.closed.push(totals);
        }
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
