//! Which closed periods deserve a seal, and why others do not.
//!
//! A period is whole when the bars of every wanted threshold tile it, from its first trade
//! to the next period's, and make the same sums. That its first trade is the first is shown
//! by bars that lie before it, of any threshold; where there are none, because collecting
//! began there, the exchange has to say it.

use std::{collections::BTreeMap, fmt};

use crate::domain::{digest::Digest, threshold::Threshold, words::list};

use super::{
    comparison::{Periods, Track, period_of},
    ids::IdRange,
    period::{PeriodTotals, compare_group},
};

/// What a period's seal says, save who and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// From the first trade to the last.
    pub ids: IdRange,
    /// The individual trades.
    pub trade_count: u64,
    /// The volume, in 1e-8.
    pub volume: i128,
    /// By threshold.
    pub digests: BTreeMap<Threshold, Digest>,
}

/// Why a period does not deserve a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsealable {
    /// No bar shows that it is over.
    Open,
    /// Wanted thresholds have no bars there, or lack some of them at an end.
    Incomplete(Vec<Threshold>),
    /// Bars are missing, held twice, or not what they should be.
    Damaged(Vec<Threshold>),
    /// The thresholds do not make the same sums.
    Disagreeing {
        /// The column that they disagree on.
        figure: &'static str,
    },
    /// Nothing lies before its first trade, and the exchange was not asked.
    StartUnknown {
        /// The first id there is.
        first_id: i64,
    },
    /// The exchange has earlier trades of the period.
    StartMissing {
        /// The missing ids.
        ids: IdRange,
    },
}

/// One period, and whether it deserves a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The first µs of the period.
    pub start_us: i64,
    /// From the first id that any threshold has to the last.
    pub ids: IdRange,
    /// The verdict.
    pub verdict: Result<Sealed, Unsealable>,
}

impl fmt::Display for Unsealable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("it is not over"),
            Self::Incomplete(thresholds) => {
                write!(f, "bars of {} dbps do not fill it", list(thresholds))
            }
            Self::Damaged(thresholds) => {
                write!(
                    f,
                    "bars of {} dbps are missing or damaged",
                    list(thresholds)
                )
            }
            Self::Disagreeing { figure } => {
                write!(f, "the thresholds disagree on {figure}")
            }
            Self::StartUnknown { first_id } => write!(
                f,
                "nothing shows that the id {first_id} is its first, and the exchange has not said so"
            ),
            Self::StartMissing { ids } => {
                write!(f, "it begins with {ids}, which no bar holds")
            }
        }
    }
}

impl Unsealable {
    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Incomplete(_) => "incomplete",
            Self::Damaged(_) => "damaged",
            Self::Disagreeing { .. } => "disagreeing",
            Self::StartUnknown { .. } => "start_unknown",
            Self::StartMissing { .. } => "start_missing",
        }
    }
}

impl Periods {
    /// Judges every period that any threshold has bars of. `first_ids` are the first ids of
    /// periods as the exchange has them, by the periods' first µs, as far as it was asked.
    #[must_use]
    pub fn judge(&self, wanted: &[Threshold], first_ids: &BTreeMap<i64, i64>) -> Vec<Judged> {
        self.judge_by(|_| wanted.to_vec(), first_ids)
    }

    /// The same, where `wanted` tells the thresholds of each period, by its first µs.
    #[must_use]
    pub fn judge_by(
        &self,
        wanted: impl Fn(i64) -> Vec<Threshold>,
        first_ids: &BTreeMap<i64, i64>,
    ) -> Vec<Judged> {
        self.extents()
            .into_iter()
            .map(|(start_us, extent)| Judged {
                start_us,
                ids: extent.ids,
                verdict: if extent.is_closed {
                    let (wanted, first_id) = (wanted(start_us), first_ids.get(&start_us));
                    self.judge_period(start_us, extent.ids, &wanted, first_id)
                } else {
                    Err(Unsealable::Open)
                },
            })
            .collect()
    }

    /// The thresholds whose bars reach over the period that begins at `start_us`, holes
    /// included.
    #[must_use]
    pub fn spanning(&self, start_us: i64) -> Vec<Threshold> {
        let extents = self.extents();
        let Some(extent) = extents.get(&start_us) else {
            return Vec::new();
        };
        let spans = |track: &Track| {
            let ids = track.coverage.ids?;
            let begins = ids.first_id <= extent.ids.last_id;
            Some(begins && extent.ids.first_id <= ids.last_id)
        };
        self.tracks
            .iter()
            .filter(|(_, track)| spans(track) == Some(true))
            .map(|(threshold, _)| *threshold)
            .collect()
    }

    /// The thresholds that have bars.
    pub fn thresholds(&self) -> impl Iterator<Item = Threshold> {
        self.tracks.keys().copied()
    }

    /// The periods that any threshold has bars of, by their first µs: the ids that all of
    /// them together show, and whether a bar shows that it is over.
    #[must_use]
    pub fn spans(&self) -> BTreeMap<i64, (IdRange, bool)> {
        let extents = self.extents().into_iter();
        extents
            .map(|(start_us, extent)| (start_us, (extent.ids, extent.is_closed)))
            .collect()
    }

    /// The bars of one threshold in the period that begins at `start_us`; none when it has
    /// none there.
    #[must_use]
    pub fn totals(&self, threshold: Threshold, start_us: i64) -> Option<&PeriodTotals> {
        period_of(self.tracks.get(&threshold)?, start_us)
    }

    /// The ids that the others show a threshold to lack at the ends of a period; all of them
    /// when it has no bars there.
    #[must_use]
    pub fn lacking(&self, threshold: Threshold, start_us: i64) -> Vec<IdRange> {
        let Some(extent) = self.extents().get(&start_us).copied() else {
            return Vec::new();
        };
        let Some(period) = self.totals(threshold, start_us) else {
            return vec![extent.ids];
        };
        let before = IdRange {
            first_id: extent.ids.first_id,
            last_id: period.ids.first_id - 1,
        };
        let after = IdRange {
            first_id: period.ids.last_id + 1,
            last_id: extent.ids.last_id,
        };
        let mut lacking = vec![before, after];
        lacking.retain(|ids| ids.count() > 0);
        lacking
    }

    fn judge_period(
        &self,
        start_us: i64,
        ids: IdRange,
        wanted: &[Threshold],
        first_id: Option<&i64>,
    ) -> Result<Sealed, Unsealable> {
        let of = |threshold: &Threshold| {
            let track = self.tracks.get(threshold)?;
            period_of(track, start_us)
        };
        let which = |is: &dyn Fn(Option<&PeriodTotals>) -> bool| -> Vec<Threshold> {
            let wanted = wanted.iter().copied();
            wanted.filter(|threshold| is(of(threshold))).collect()
        };
        // A bar that was breached by the period's last trade does not show that it is over;
        // those of another threshold do.
        let incomplete = which(&|period| period.is_none_or(|period| period.ids != ids));
        let damaged =
            which(&|period| period.is_some_and(|period| !period.is_whole || !period.is_sound));
        // Bars that are missing within are more to the point than what that leads to.
        if !damaged.is_empty() {
            return Err(Unsealable::Damaged(damaged));
        }
        if !incomplete.is_empty() || wanted.is_empty() {
            return Err(Unsealable::Incomplete(incomplete));
        }
        let entries: Vec<(Threshold, &PeriodTotals)> = wanted
            .iter()
            .filter_map(|threshold| Some((*threshold, of(threshold)?)))
            .collect();
        let mut disagreements = Vec::new();
        compare_group(start_us, &entries, &mut disagreements);
        if let Some(disagreement) = disagreements.first() {
            return Err(Unsealable::Disagreeing {
                figure: disagreement.figure,
            });
        }
        let is_start_known = entries.iter().any(|(_, period)| period.starts_known);
        match first_id {
            Some(&first_id) if first_id < ids.first_id => {
                let last_id = ids.first_id - 1;
                let ids = IdRange { first_id, last_id };
                return Err(Unsealable::StartMissing { ids });
            }
            None if !is_start_known => {
                return Err(Unsealable::StartUnknown {
                    first_id: ids.first_id,
                });
            }
            _ => {}
        }
        let digests = entries.iter();
        let digests =
            digests.filter_map(|(threshold, period)| Some((*threshold, period.digest.clone()?)));
        let digests = digests.collect();
        let Some((_, period)) = entries.first() else {
            return Err(Unsealable::Incomplete(Vec::new()));
        };
        Ok(Sealed {
            ids,
            trade_count: period.trade_count(),
            volume: period.volume(),
            digests,
        })
    }
}
