//! Every closed period with its seal, or why it has none.
//!
//! A seal is compared with the bars as they are now: what was altered since then makes another
//! digest. A period that is rewritten is unsealed first, so whatever differs is damage.

use std::{collections::BTreeMap, fmt};

use crate::{
    domain::{
        anchor::Anchor,
        row::ExchangeName,
        seal::{SealKey, SealRead, SealRow},
        symbol::Symbol,
        threshold::Threshold,
        tiling::{Finding, IdRange, IdRanges, Judged, Unsealable},
        words::list,
    },
    store::sink::{SealQuery, Store, StoreError},
};

use super::{PeriodsReport, Verified, VerifyRequest};

/// One closed period, and what is known of its seal.
#[derive(Debug, Clone, PartialEq)]
pub struct PeriodSeal {
    /// The exchange.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// The anchor.
    pub anchor: Anchor,
    /// The first µs of the period.
    pub start_us: i64,
    /// From the first id of any threshold to the last; those of the seal when there are no
    /// bars.
    pub ids: IdRange,
    /// What is known.
    pub state: SealState,
    /// The seal itself, if there is one.
    pub seal: Option<SealRow>,
}

/// What is known of a period's seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealState {
    /// It is sealed, and the bars are what was sealed.
    Sealed,
    /// It is sealed, but not these thresholds, which have bars of it.
    Partly(Vec<Threshold>),
    /// It is sealed, and the bars of these thresholds are not what was sealed.
    Broken(Vec<Threshold>),
    /// It is whole, and nobody has sealed it.
    Deserving,
    /// It is not sealed, and does not deserve to be.
    Unsealed(Unsealable),
}

impl SealState {
    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Partly(_) => "partly",
            Self::Broken(_) => "broken",
            Self::Deserving => "deserving",
            Self::Unsealed(reason) => reason.code(),
        }
    }

    /// Whether bars are not what somebody has vouched for.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Broken(_))
    }

    /// Whether there is nothing to say about it.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed)
    }
}

impl fmt::Display for SealState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed => f.write_str("is sealed"),
            Self::Partly(thresholds) => {
                write!(f, "is sealed without {} dbps", list(thresholds))
            }
            Self::Broken(thresholds) => write!(
                f,
                "is sealed, and the bars of {} dbps are not those that were sealed",
                list(thresholds)
            ),
            Self::Deserving => f.write_str("is not sealed: it is whole, and nobody has sealed it"),
            Self::Unsealed(reason) => write!(f, "is not sealed: {reason}"),
        }
    }
}

impl VerifyRequest {
    /// The first period that is looked at, by its first µs.
    pub(super) fn first_period_us(&self) -> Option<i64> {
        // A month begins no later than any day of it.
        let anchor = self.anchor.unwrap_or(Anchor::Month);
        Some(anchor.period(self.since_us?).start_us)
    }
}

/// The seals that `query` asks for; none in a store that was made before there were any.
///
/// # Errors
/// When the store fails.
pub async fn stored_seals(
    store: &dyn Store,
    query: &SealQuery,
) -> Result<Vec<SealRead>, StoreError> {
    match store.stored_seals(query).await {
        Err(error) if error.lacks_table() => Ok(Vec::new()),
        read => read,
    }
}

impl PeriodsReport {
    /// What names the seal of a period.
    #[must_use]
    pub fn key(&self, start_us: i64) -> SealKey {
        SealKey {
            exchange: self.exchange.clone(),
            symbol: self.symbol.clone(),
            anchor: self.anchor,
            period_start_us: start_us,
        }
    }

    /// Judges every period of every threshold that spans it.
    fn judge(&self) -> Vec<Judged> {
        self.all
            .judge_by(|start_us| self.all.spanning(start_us), &BTreeMap::new())
    }

    fn state(&self, judged: &Judged, seal: Option<&SealRow>, is_read: Read<'_>) -> SealState {
        let Some(seal) = seal else {
            return match &judged.verdict {
                Ok(_) => SealState::Deserving,
                Err(reason) => SealState::Unsealed(reason.clone()),
            };
        };
        let broken: Vec<_> = seal
            .digests
            .iter()
            .filter(|(threshold, _)| is_read(**threshold))
            .filter(|(threshold, digest)| {
                let totals = self.all.totals(**threshold, judged.start_us);
                totals.and_then(|totals| totals.digest.as_ref()) != Some(*digest)
            })
            .map(|(threshold, _)| *threshold)
            .collect();
        if !broken.is_empty() {
            return SealState::Broken(broken);
        }
        let mut others = self.all.spanning(judged.start_us);
        others.retain(|threshold| !seal.digests.contains_key(threshold));
        if others.is_empty() {
            SealState::Sealed
        } else {
            SealState::Partly(others)
        }
    }
}

/// The versions of seals.
pub(super) type Versions = BTreeMap<SealKey, u64>;

pub(super) fn versions(sealed: &[SealRead]) -> Versions {
    let seals = sealed.iter().flatten();
    seals.map(|seal| (seal.key.clone(), seal.version)).collect()
}

type Read<'a> = &'a (dyn Fn(Threshold) -> bool + Sync);

impl Verified {
    /// Compares `sealed` with what the bars are.
    pub(super) fn compare_seals(&mut self, sealed: Vec<SealRead>, request: &VerifyRequest) {
        let mut seals: BTreeMap<SealKey, SealRow> = BTreeMap::new();
        for read in sealed {
            match read {
                Ok(seal) => _ = seals.insert(seal.key.clone(), seal),
                Err(unreadable) => self.unreadable.push(unreadable),
            }
        }
        let is_read = |threshold: Threshold| {
            request.thresholds.is_empty() || request.thresholds.contains(&threshold)
        };
        let mut found = Vec::new();
        for report in &self.periods {
            for judged in report.judge() {
                let seal = seals.remove(&report.key(judged.start_us));
                if judged.verdict == Err(Unsealable::Open) && seal.is_none() {
                    continue;
                }
                found.push(PeriodSeal {
                    exchange: report.exchange.clone(),
                    symbol: report.symbol.clone(),
                    anchor: report.anchor,
                    start_us: judged.start_us,
                    ids: judged.ids,
                    state: report.state(&judged, seal.as_ref(), &is_read),
                    seal,
                });
            }
        }
        // What is left has no bars at all. A month's seal may lie before what was read of it.
        let is_asked_for = |key: &SealKey| {
            let period = key.anchor.period(key.period_start_us);
            request
                .since_us
                .is_none_or(|since_us| period.end_us > since_us)
        };
        for (key, seal) in seals.into_iter().filter(|(key, _)| is_asked_for(key)) {
            let thresholds = seal.digests.keys().copied();
            let gone: Vec<_> = thresholds.filter(|&threshold| is_read(threshold)).collect();
            if gone.is_empty() {
                continue;
            }
            found.push(PeriodSeal {
                exchange: key.exchange,
                symbol: key.symbol,
                anchor: key.anchor,
                start_us: key.period_start_us,
                ids: seal.ids,
                state: SealState::Broken(gone),
                seal: Some(seal),
            });
        }
        found.sort_by(|a, b| a.order().cmp(&b.order()));
        self.seals = found;
    }

    /// Takes back that seals are broken which are not the same any more in `now`, or were not
    /// `before`: what is rewritten is unsealed first.
    pub(super) fn forget_rewritten(&mut self, before: &Versions, now: &[SealRead]) {
        let now = versions(now);
        self.seals.retain(|seal| {
            let key = seal.key();
            !seal.state.is_damage() || before.get(&key) == now.get(&key)
        });
    }

    /// The ids that have to be written again before a period deserves a seal; none when no
    /// bar is wrong.
    #[must_use]
    pub fn ids_to_mend(&self, seal: &PeriodSeal) -> Vec<IdRange> {
        let mut ids = Vec::new();
        let report = self.report_of(seal);
        match &seal.state {
            SealState::Sealed | SealState::Deserving | SealState::Partly(_) => {}
            SealState::Unsealed(reason) => match reason {
                Unsealable::Open | Unsealable::StartUnknown { .. } => {}
                Unsealable::StartMissing { ids: missing } => ids.push(*missing),
                Unsealable::Disagreeing { .. } => ids.push(seal.ids),
                Unsealable::Incomplete(thresholds) => {
                    for threshold in thresholds {
                        ids.extend(
                            report
                                .map(|report| report.all.lacking(*threshold, seal.start_us))
                                .unwrap_or_default(),
                        );
                    }
                }
                Unsealable::Damaged(thresholds) => {
                    ids.extend(self.damaged_ids(seal, thresholds));
                    if ids.is_empty() {
                        ids.push(seal.ids);
                    }
                }
            },
            SealState::Broken(_) => ids.push(seal.ids),
        }
        IdRanges::from_iter(ids).iter().collect()
    }

    fn report_of(&self, seal: &PeriodSeal) -> Option<&PeriodsReport> {
        self.periods.iter().find(|report| {
            report.exchange == seal.exchange
                && report.symbol == seal.symbol
                && report.anchor == seal.anchor
        })
    }

    /// The first µs of the first period behind that of `seal` whose bars begin after `last_id`.
    #[must_use]
    pub fn period_behind(&self, seal: &PeriodSeal, last_id: i64) -> Option<i64> {
        let spans = self.report_of(seal)?.all.spans();
        let mut behind = spans
            .range(seal.start_us.saturating_add(1)..)
            .filter(|(_, (ids, _))| ids.first_id > last_id);
        behind.next().map(|(start_us, _)| *start_us)
    }

    /// What the findings in a period name.
    fn damaged_ids(&self, seal: &PeriodSeal, thresholds: &[Threshold]) -> Vec<IdRange> {
        let is_near = |ids: &IdRange| {
            ids.first_id <= seal.ids.last_id.saturating_add(1)
                && seal.ids.first_id <= ids.last_id.saturating_add(1)
        };
        self.series
            .iter()
            .filter(|report| {
                report.series.exchange == seal.exchange
                    && report.series.symbol == seal.symbol
                    && report.series.anchor == seal.anchor
                    && thresholds.contains(&report.series.threshold)
            })
            .flat_map(|report| &report.findings)
            .filter(|finding| finding.is_damage())
            .filter_map(Finding::ids)
            .filter(is_near)
            .collect()
    }
}

impl PeriodSeal {
    /// What names its seal.
    #[must_use]
    pub fn key(&self) -> SealKey {
        SealKey {
            exchange: self.exchange.clone(),
            symbol: self.symbol.clone(),
            anchor: self.anchor,
            period_start_us: self.start_us,
        }
    }

    fn order(&self) -> (&ExchangeName, &Symbol, Anchor, i64) {
        (&self.exchange, &self.symbol, self.anchor, self.start_us)
    }
}
