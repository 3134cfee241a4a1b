//! The bars of one period as they are built: all thresholds on one ladder, each behind its good
//! bars and up to where good ones go on.

use std::collections::BTreeMap;

use crate::domain::{
    anchor::{Anchor, Period},
    bar::{Bar, Last},
    ladder::{Ladder, OutOfOrder, Rules, SeriesState},
    threshold::Threshold,
    tiling::IdRange,
    trade::Trade,
};

use super::{plan::Reading, stored::Surveyed};

/// The thresholds of one period, each with what it has built.
pub(super) struct Lanes {
    ladder: Ladder,
    lanes: BTreeMap<Threshold, Lane>,
    closed: Vec<Bar>,
    /// Bars that are stored may take over. In a period that is not over some may be missing
    /// behind them.
    may_go_on: bool,
}

/// One threshold.
pub(super) struct Lane {
    surveyed: Surveyed,
    first_id: i64,
    bars: Vec<Bar>,
    /// The last id of the last bar that was built.
    last_id: Option<i64>,
    /// The stored bars go on where the last one ends.
    goes_on: bool,
}

impl Lane {
    /// The ids that were built; none before the first bar.
    pub(super) fn ids(&self) -> Option<IdRange> {
        Some(IdRange {
            first_id: self.first_id,
            last_id: self.last_id?,
        })
    }

    /// Its bars were right by themselves, and could not be trusted.
    pub(super) const fn is_distrusted(&self) -> bool {
        self.surveyed.is_distrusted
    }

    /// Hands over the bars that were built.
    pub(super) fn take_bars(&mut self) -> Vec<Bar> {
        std::mem::take(&mut self.bars)
    }
}

impl Lanes {
    /// Those that are not right: each begins behind its good bars.
    pub(super) fn new(
        reading: &Reading,
        period: Period,
        surveys: &BTreeMap<Threshold, Surveyed>,
        anchor: Anchor,
    ) -> Self {
        let mut ladder = Ladder::new(Rules { anchor, gate: true });
        let mut lanes = BTreeMap::new();
        for (&threshold, surveyed) in surveys {
            let survey = &surveyed.survey;
            if survey.is_right() && reading.ids.is_over {
                continue;
            }
            match survey.head {
                Some(last) => ladder.resume(behind(threshold, last, period)),
                None => ladder.start(threshold, reading.ids.ids.first_id),
            }
            let lane = Lane {
                first_id: survey.first_id(reading.ids.ids.first_id),
                surveyed: surveyed.clone(),
                bars: Vec::new(),
                last_id: None,
                goes_on: false,
            };
            lanes.insert(threshold, lane);
        }
        Self {
            ladder,
            lanes,
            closed: Vec::new(),
            may_go_on: reading.ids.is_over,
        }
    }

    /// Each threshold that is built.
    pub(super) fn each(&mut self) -> impl Iterator<Item = (&Threshold, &mut Lane)> {
        self.lanes.iter_mut()
    }

    pub(super) fn push(&mut self, block: &[Trade]) -> Result<(), OutOfOrder> {
        for trade in block {
            self.ladder.push(trade, &mut self.closed)?;
        }
        self.sort();
        Ok(())
    }

    pub(super) fn skip(&mut self, ids: IdRange) -> Result<(), OutOfOrder> {
        self.ladder.skip_to(ids.last_id + 1, &mut self.closed)?;
        self.sort();
        Ok(())
    }

    /// The period is over: its last bars are cut by the first trade behind it.
    pub(super) fn end(&mut self, closer: Option<&Trade>) {
        let Some(closer) = closer else { return };
        // Where building has stopped early the closer does not follow, and is not needed.
        if self.ladder.push(closer, &mut self.closed).is_ok() {
            self.closed.retain(|bar| bar.last_agg_trade_id < closer.id);
            self.sort();
        }
        self.closed.clear();
    }

    fn sort(&mut self) {
        for bar in self.closed.drain(..) {
            let Some(lane) = self.lanes.get_mut(&bar.threshold) else {
                continue;
            };
            // What is built behind that is stored already.
            if lane.goes_on {
                continue;
            }
            let next_id = bar.last_agg_trade_id + 1;
            lane.goes_on = self.may_go_on && lane.surveyed.survey.goes_on_at(next_id);
            lane.last_id = Some(bar.last_agg_trade_id);
            lane.bars.push(bar);
        }
    }

    pub(super) fn all_go_on(&self) -> bool {
        !self.lanes.is_empty() && self.lanes.values().all(|lane| lane.goes_on)
    }

    pub(super) fn last_id(&self) -> Option<i64> {
        self.ladder.last().map(|last| last.id)
    }

    pub(super) fn last_time_us(&self) -> Option<i64> {
        self.ladder.last().map(|last| last.time_us)
    }

    /// The ids within `ids` that the bars of every threshold hold now.
    pub(super) fn covered(&self, ids: IdRange) -> Option<IdRange> {
        let ends = self.lanes.values().map(|lane| {
            if lane.goes_on {
                return Some(ids.last_id);
            }
            let head = lane.surveyed.survey.head.map(|last| last.id);
            lane.ids().map(|built| built.last_id).or(head)
        });
        let last_id = ends.min().unwrap_or(Some(ids.last_id))?;
        Some(IdRange { last_id, ..ids })
    }
}

/// The state of a threshold right behind a good bar.
fn behind(threshold: Threshold, last: Last, period: Period) -> SeriesState {
    SeriesState {
        threshold,
        last,
        period,
        open: None,
    }
}
