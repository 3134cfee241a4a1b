//! Which closed periods deserve a seal, and why others do not.
//!
//! A period is whole when the bars of every wanted threshold tile it, from its first trade
//! to the next period's, and make the same sums. That its first trade is the first is shown
//! by bars that lie before it, of any threshold; where there are none, because collecting
//! began there, the exchange has to say it.

use std::{collections::BTreeMap, fmt};

use crate::domain::{digest::Digest, threshold::Threshold};

use super::{
    comparison::{Periods, period_of},
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

fn list(thresholds: &[Threshold]) -> String {
    let texts: Vec<_> = thresholds.iter().map(ToString::to_string).collect();
    texts.join(", ")
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
                "nothing shows that the id {first_id} is its first: the exchange was not asked"
            ),
            Self::StartMissing { ids } => {
                write!(f, "it begins with {ids}, which no bar holds")
            }
        }
    }
}

impl Periods {
    /// Judges every period that any threshold has bars of. `first_ids` are the first ids of
    /// periods as the exchange has them, by the periods' first µs, as far as it was asked.
    #[must_use]
    pub fn judge(&self, wanted: &[Threshold], first_ids: &BTreeMap<i64, i64>) -> Vec<Judged> {
        self.extents()
            .into_iter()
            .map(|(start_us, extent)| Judged {
                start_us,
                ids: extent.ids,
                verdict: if extent.is_closed {
                    self.judge_period(start_us, extent.ids, wanted, first_ids.get(&start_us))
                } else {
                    Err(Unsealable::Open)
                },
            })
            .collect()
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
