//! Comparing what the thresholds of one symbol and anchor cover.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::domain::{threshold::Threshold, words::noun};

use super::{
    finding::{Finding, time_text},
    ids::IdRange,
    period::{Coverage, Disagreement, PeriodTotals, compare_group, push_if_different, values},
};

/// A threshold that could not be compared with the others in some closed periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The threshold.
    pub threshold: Threshold,
    /// Why.
    pub reason: Reason,
    /// In how many closed periods.
    pub periods: u64,
}

/// Why a threshold is left out of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its bars begin with a later period: it was added then, or what was before is gone.
    BeginsLater {
        /// The first µs of the period that they begin with.
        start_us: i64,
    },
    /// Its bars end with an earlier period: it was given up then, or what followed is gone.
    EndsEarlier {
        /// The first µs of the period that they end with.
        start_us: i64,
    },
    /// Bars of it are missing or damaged there, which is damage of its own.
    Damaged,
    /// It was written to while it was read.
    Growing,
}

impl Reason {
    /// A stable word for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BeginsLater { .. } => "begins_later",
            Self::EndsEarlier { .. } => "ends_earlier",
            Self::Damaged => "damaged",
            Self::Growing => "growing",
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} dbps is left out of {} {}: ",
            self.threshold,
            self.periods,
            noun(self.periods, "closed period")
        )?;
        match self.reason {
            Reason::BeginsLater { start_us } => write!(
                f,
                "its bars begin with the period from {}",
                time_text(start_us)
            ),
            Reason::EndsEarlier { start_us } => {
                write!(
                    f,
                    "its bars end with the period from {}",
                    time_text(start_us)
                )
            }
            Reason::Damaged => write!(f, "bars are missing or damaged there"),
            Reason::Growing => write!(f, "it was being written to; verify again"),
        }
    }
}

/// What comparing thresholds gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// The number of closed periods that at least two thresholds were compared in.
    pub compared: u64,
    /// Where they disagree, by time.
    pub disagreements: Vec<Disagreement>,
    /// Missing beginnings and ends, which only the other thresholds show.
    pub edges: Vec<(Threshold, Finding)>,
    /// Who was not compared in every closed period, and why.
    pub left_out: Vec<LeftOut>,
}

/// The ids that all thresholds together show a period to have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub ids: IdRange,
    pub is_closed: bool,
}

/// Compares the periods of all thresholds of one symbol and anchor.
///
/// A series begins with the first trade of a period, so bars that begin within a period
/// that another threshold shows to begin earlier have lost their beginning. A series may
/// begin with a later period: thresholds get added. Bars that end within a period that
/// another threshold shows to be over have lost their end. Sums are compared in whole
/// periods that begin with the same trade.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Periods {
    pub(super) tracks: BTreeMap<Threshold, Track>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) coverage: Coverage,
    is_growing: bool,
}

impl Periods {
    /// Adds what the bars of one threshold cover.
    pub fn add(&mut self, threshold: Threshold, coverage: Coverage) {
        let track = Track {
            coverage,
            is_growing: false,
        };
        self.tracks.insert(threshold, track);
    }

    /// The thresholds whose end is missing, with their last ids. Where bars are being
    /// written, the end may just not have been there when it was read.
    #[must_use]
    pub fn ending_early(&self) -> Vec<(Threshold, i64)> {
        let extents = self.extents();
        self.tracks
            .iter()
            .filter_map(|(threshold, track)| {
                let missing = missing_end(track, &extents)?;
                Some((*threshold, missing.first_id - 1))
            })
            .collect()
    }

    /// Notes that `threshold` has more bars by now: its end is not missing.
    pub fn is_growing(&mut self, threshold: Threshold) {
        if let Some(track) = self.tracks.get_mut(&threshold) {
            track.is_growing = true;
        }
    }

    /// Compares.
    #[must_use]
    pub fn compare(&self) -> Comparison {
        let mut comparison = Comparison::default();
        let extents = self.extents();
        for (&threshold, track) in &self.tracks {
            if let Some(ids) = missing_start(track, &extents) {
                let finding = Finding::MissingStart { ids };
                comparison.edges.push((threshold, finding));
            }
            if let Some(ids) = missing_end(track, &extents) {
                let finding = Finding::MissingEnd { ids };
                comparison.edges.push((threshold, finding));
            }
        }
        let mut left_out: BTreeMap<(Threshold, Reason), u64> = BTreeMap::new();
        for (&start_us, extent) in extents.iter().filter(|(_, extent)| extent.is_closed) {
            let together = self.compare_period(start_us, extent, &mut comparison);
            for (&threshold, track) in &self.tracks {
                if !together.contains(&threshold)
                    && let Some(reason) = reason(track, start_us, extent)
                {
                    *left_out.entry((threshold, reason)).or_default() += 1;
                }
            }
        }
        if self.tracks.len() > 1 {
            let counted = left_out.into_iter();
            comparison.left_out = counted
                .map(|((threshold, reason), periods)| LeftOut {
                    threshold,
                    reason,
                    periods,
                })
                .collect();
        }
        comparison
    }

    pub(super) fn extents(&self) -> BTreeMap<i64, Extent> {
        let mut extents: BTreeMap<i64, Extent> = BTreeMap::new();
        for period in self
            .tracks
            .values()
            .flat_map(|track| &track.coverage.periods)
        {
            let extent = extents.entry(period.start_us).or_insert(Extent {
                ids: period.ids,
                is_closed: false,
            });
            extent.ids.first_id = extent.ids.first_id.min(period.ids.first_id);
            extent.ids.last_id = extent.ids.last_id.max(period.ids.last_id);
            extent.is_closed |= period.is_closed;
        }
        extents
    }

    /// Compares one closed period; returns the thresholds that were.
    fn compare_period(
        &self,
        start_us: i64,
        extent: &Extent,
        comparison: &mut Comparison,
    ) -> BTreeSet<Threshold> {
        let entries: Vec<(Threshold, &PeriodTotals)> = self
            .tracks
            .iter()
            .filter_map(|(threshold, track)| Some((*threshold, period_of(track, start_us)?)))
            .filter(|(_, period)| {
                let is_over = period.is_closed || period.ids.last_id == extent.ids.last_id;
                period.is_whole && is_over
            })
            .collect();
        let found = &mut comparison.disagreements;
        let known = values(
            entries.iter().filter(|(_, period)| period.starts_known),
            |period| period.ids.first_id.to_string(),
        );
        push_if_different(start_us, "first_agg_trade_id", known, found);
        let mut by_first_id: BTreeMap<i64, Vec<(Threshold, &PeriodTotals)>> = BTreeMap::new();
        for entry in entries {
            let group = by_first_id.entry(entry.1.ids.first_id).or_default();
            group.push(entry);
        }
        by_first_id.retain(|_, group| group.len() > 1);
        comparison.compared += u64::from(!by_first_id.is_empty());
        for group in by_first_id.values() {
            compare_group(start_us, group, found);
        }
        let together = by_first_id.into_values().flatten();
        together.map(|(threshold, _)| threshold).collect()
    }
}

pub(super) fn period_of(track: &Track, start_us: i64) -> Option<&PeriodTotals> {
    // Periods never go back, so they are sorted.
    let periods = &track.coverage.periods;
    let place = periods.binary_search_by_key(&start_us, |period| period.start_us);
    place.ok().and_then(|place| periods.get(place))
}

/// The ids that a series should have begun with.
fn missing_start(track: &Track, extents: &BTreeMap<i64, Extent>) -> Option<IdRange> {
    let first_id = track.coverage.ids?.first_id;
    let extent = extents
        .values()
        .find(|extent| extent.ids.first_id < first_id && first_id <= extent.ids.last_id)?;
    Some(IdRange {
        first_id: extent.ids.first_id,
        last_id: first_id - 1,
    })
}

/// The ids that a series should have ended with.
fn missing_end(track: &Track, extents: &BTreeMap<i64, Extent>) -> Option<IdRange> {
    if track.is_growing || !track.coverage.ends_known {
        return None;
    }
    let last_id = track.coverage.ids?.last_id;
    let extent = extents
        .values()
        .filter(|extent| extent.is_closed)
        .find(|extent| extent.ids.first_id <= last_id && last_id < extent.ids.last_id)?;
    Some(IdRange {
        first_id: last_id + 1,
        last_id: extent.ids.last_id,
    })
}

/// Why the series was not compared in a period; none when nothing is wrong with it, and
/// nobody was there to be compared with.
fn reason(track: &Track, start_us: i64, extent: &Extent) -> Option<Reason> {
    let coverage = &track.coverage;
    let (Some(ids), Some(first), Some(last)) = (
        coverage.ids,
        coverage.periods.first(),
        coverage.periods.last(),
    ) else {
        return Some(Reason::Damaged);
    };
    if extent.ids.last_id < ids.first_id {
        return Some(Reason::BeginsLater {
            start_us: first.start_us,
        });
    }
    if track.is_growing && ids.last_id < extent.ids.last_id {
        return Some(Reason::Growing);
    }
    if ids.last_id < extent.ids.first_id {
        return Some(Reason::EndsEarlier {
            start_us: last.start_us,
        });
    }
    let is_complete = period_of(track, start_us)
        .is_some_and(|period| period.is_whole && period.ids == extent.ids);
    (!is_complete).then_some(Reason::Damaged)
}
