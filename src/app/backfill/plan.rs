//! What has to be done for a symbol: period by period, the stored bars are held against the
//! ids that the exchange has.
//!
//! A period that is sealed, with the bars that were sealed, is done. Of any other the exchange
//! says where it begins and where the next one begins, and a [survey](crate::domain::survey)
//! of each threshold says what is missing or wrong in between.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    app::verify::{SealState, Verified, VerifyRequest, verify},
    domain::{
        anchor::{Anchor, Period},
        row::ExchangeName,
        survey::PeriodIds,
        symbol::Symbol,
        threshold::Threshold,
        tiling::{IdRange, IdRanges},
        trade::Trade,
    },
    exchange::source::{Source as _, SourceError},
};

use super::{
    feed::Stretch,
    patient_source::PatientSource,
    patient_store::PatientStore,
    stored::{Needed, StoredPeriod, absent_ids},
};

mod firsts;

use firsts::Firsts;

/// What is wanted for one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The symbol.
    pub symbol: Symbol,
    /// The anchor.
    pub anchor: Anchor,
    /// The thresholds, in order; at least one.
    pub thresholds: Vec<Threshold>,
    /// From the period of this time on, in µs.
    pub from_us: i64,
    /// Up to the period that holds the µs before this time; none means up to now.
    pub until_us: Option<i64>,
    /// Build everything again, whatever is stored.
    pub is_rebuild: bool,
}

/// What is to be done for one symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What was wanted.
    pub wish: Wish,
    /// Every period of it, in order.
    pub periods: Vec<PlannedPeriod>,
    /// The newest trade when it was made.
    pub newest: Trade,
}

/// One period of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedPeriod {
    /// The period.
    pub period: Period,
    /// What is to be done about it.
    pub task: Task,
}

/// What is to be done about a period.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Nothing: it is sealed, and its bars are those that were sealed.
    Sealed {
        /// Its ids.
        ids: IdRange,
    },
    /// Nothing: nothing was traded.
    Empty,
    /// No bar is to be written. When it is over it deserves a seal.
    Right {
        /// Its ids.
        ids: PeriodIds,
    },
    /// Trades have to be read.
    Read(Reading),
}

/// Which trades of a period have to be read, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The ids of the whole period.
    pub ids: PeriodIds,
    /// The first trade of a later period, which cuts the last bars; none when it is not over.
    pub closer: Option<Trade>,
    /// The ids that have to be read at least. Where the bars behind them do not fit to those
    /// that are built, more are.
    pub span: IdRange,
    /// None of them happened earlier, in µs.
    pub from_us: i64,
    /// The first trade of the day that is not over, if the period began before that day and
    /// it was [asked for](Plan::look_at_open_days).
    pub open_day: Option<Trade>,
    /// By threshold: what was found.
    pub found: BTreeMap<Threshold, Found>,
}

impl Reading {
    /// What a job asks its sources for.
    #[must_use]
    pub fn stretch(&self, symbol: &Symbol, period: Period) -> Stretch {
        Stretch {
            symbol: symbol.clone(),
            period,
            from_us: self.from_us,
            ids: self.span,
        }
    }
}

/// What is wrong with the bars of one threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The ids that no good bar holds.
    pub holes: Vec<IdRange>,
    /// The time between the bars around the holes, in µs.
    pub gap_us: i64,
    /// How many bars are damaged.
    pub wrong: u64,
    /// Its bars are good by themselves, but not what others say, or they are to be built
    /// again in any case.
    pub is_distrusted: bool,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The exchange could not be asked.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] anyhow::Error),
    /// The symbol has never been traded.
    #[error("backfill {0}: it has never been traded")]
    NeverTraded(Symbol),
    /// What is wanted has not happened yet.
    #[error("backfill {symbol} from {from}: its newest trade is of {newest}")]
    Future {
        /// The symbol.
        symbol: Symbol,
        /// From when on.
        from: String,
        /// When its newest trade was.
        newest: String,
    },
}

impl Plan {
    /// Looks at all periods; without a store nothing is stored.
    ///
    /// # Errors
    /// When the exchange or the store does not answer, or there is nothing to look at.
    pub async fn make(
        mut store: Option<&mut PatientStore>,
        source: &PatientSource,
        mut wish: Wish,
    ) -> Result<Self, PlanError> {
        // Nobody traded before the clock began, and a slip of the keyboard reaches further back
        // than there is memory for periods.
        wish.from_us = wish.from_us.max(0);
        let newest = newest(source, &wish).await?;
        let exchange: ExchangeName = source.name().into();
        let (verified, absent) = match &mut store {
            Some(patient) => {
                let store = patient.store();
                let absent = patient.persist(|| absent_ids(&*store, &exchange, &wish.symbol));
                let absent = absent.await.map_err(anyhow::Error::from)?;
                let request = to_verify(&exchange, &wish);
                (patient.persist(|| verify(&*store, &request)).await?, absent)
            }
            None => Default::default(),
        };
        let mut firsts = Firsts {
            source,
            symbol: &wish.symbol,
            newest,
            known: BTreeMap::new(),
        };
        let mut periods = Vec::new();
        let mut period = wish.anchor.period(wish.from_us);
        let until_us = wish.until_us.unwrap_or(i64::MAX);
        while period.start_us < until_us && period.start_us <= newest.time_us {
            let sealed = sealed(&verified, &wish, period).filter(|_| !wish.is_rebuild);
            let task = if let Some(ids) = sealed {
                Task::Sealed { ids }
            } else {
                let distrusted = distrusted(&verified, &wish, period);
                let look = Look {
                    exchange: &exchange,
                    wish: &wish,
                    period,
                    until_us: newest.time_us.clamp(period.start_us, period.end_us),
                    distrusted,
                    absent: &absent,
                };
                match firsts.ids(period).await? {
                    Some((ids, closer)) => look.task(store.as_deref_mut(), ids, closer).await?,
                    None => Task::Empty,
                }
            };
            periods.push(PlannedPeriod { period, task });
            period = wish.anchor.period(period.end_us);
            // What is known need not be asked for, and a plan of many years has to hear when it is
            // to stop.
            tokio::task::yield_now().await;
        }
        Ok(Self {
            wish,
            periods,
            newest,
        })
    }

    /// Asks where the day begins that is not over: of it alone there is no file in the archive.
    /// Only an estimate needs that, and only of periods that are longer than a day.
    ///
    /// # Errors
    /// When the exchange does not answer.
    pub async fn look_at_open_days(&mut self, source: &PatientSource) -> Result<(), PlanError> {
        let day_us = Anchor::Day.period(self.newest.time_us).start_us;
        for planned in &mut self.periods {
            if let Task::Read(reading) = &mut planned.task
                && !reading.ids.is_over
                && planned.period.start_us < day_us
            {
                let first = source.first_before(&self.wish.symbol, day_us, self.newest);
                reading.open_day = Some(first.await?);
            }
        }
        Ok(())
    }

    /// How many trades have to be read at least.
    #[must_use]
    pub fn trades(&self) -> u64 {
        self.readings()
            .map(|(_, reading)| reading.span.count())
            .sum()
    }

    /// By threshold: how much time lies without bars, in µs.
    #[must_use]
    pub fn gaps_us(&self) -> BTreeMap<Threshold, i64> {
        let mut gaps_us = BTreeMap::new();
        for (_, reading) in self.readings() {
            for (threshold, found) in &reading.found {
                *gaps_us.entry(*threshold).or_default() += found.gap_us;
            }
        }
        gaps_us
    }

    /// The ids that the bars of every wanted threshold hold already.
    pub fn right(&self) -> impl Iterator<Item = IdRange> {
        self.periods
            .iter()
            .filter_map(|planned| match &planned.task {
                Task::Sealed { ids } => Some(*ids),
                Task::Right { ids } if ids.is_over => Some(ids.ids),
                _ => None,
            })
    }

    /// The periods of which trades have to be read.
    pub fn readings(&self) -> impl Iterator<Item = (Period, &Reading)> {
        self.periods
            .iter()
            .filter_map(|planned| match &planned.task {
                Task::Read(reading) => Some((planned.period, reading)),
                _ => None,
            })
    }
}

/// The newest trade, of which later periods are the future.
async fn newest(source: &PatientSource, wish: &Wish) -> Result<Trade, PlanError> {
    let newest = source.newest(&wish.symbol).await?;
    let newest = newest.ok_or_else(|| PlanError::NeverTraded(wish.symbol.clone()))?;
    if wish.anchor.period(wish.from_us).start_us > newest.time_us {
        return Err(PlanError::Future {
            symbol: wish.symbol.clone(),
            from: time_text(wish.from_us),
            newest: time_text(newest.time_us),
        });
    }
    Ok(newest)
}

fn to_verify(exchange: &ExchangeName, wish: &Wish) -> VerifyRequest {
    VerifyRequest {
        exchange: Some(exchange.to_string()),
        symbols: vec![wish.symbol.clone()],
        thresholds: Vec::new(),
        anchor: Some(wish.anchor),
        since_us: Some(wish.from_us),
    }
}

/// The ids of a period that is sealed in every threshold that is wanted, and whose bars are
/// those that were sealed.
fn sealed(verified: &Verified, wish: &Wish, period: Period) -> Option<IdRange> {
    let mut seals = verified.seals.iter();
    let found = seals.find(|seal| seal.start_us == period.start_us && seal.state.is_sealed())?;
    let seal = found.seal.as_ref()?;
    let mut thresholds = wish.thresholds.iter();
    thresholds
        .all(|threshold| seal.digests.contains_key(threshold))
        .then_some(seal.ids)
}

/// The thresholds whose bars are not those that were sealed.
fn distrusted(verified: &Verified, wish: &Wish, period: Period) -> BTreeSet<Threshold> {
    if wish.is_rebuild {
        return wish.thresholds.iter().copied().collect();
    }
    let seals = verified.seals.iter();
    seals
        .filter(|seal| seal.start_us == period.start_us)
        .filter_map(|seal| match &seal.state {
            SealState::Broken(thresholds) => Some(thresholds),
            _ => None,
        })
        .flatten()
        .copied()
        .collect()
}

/// A look at the stored bars of one period.
struct Look<'a> {
    exchange: &'a ExchangeName,
    wish: &'a Wish,
    period: Period,
    /// How much of it has been.
    until_us: i64,
    distrusted: BTreeSet<Threshold>,
    absent: &'a IdRanges,
}

impl Look<'_> {
    async fn task(
        &self,
        store: Option<&mut PatientStore>,
        ids: PeriodIds,
        closer: Option<Trade>,
    ) -> anyhow::Result<Task> {
        let stored = match store {
            Some(patient) => {
                let store = patient.store();
                let read = || StoredPeriod::read(&*store, self.exchange, self.wish, self.period);
                patient.persist(read).await?
            }
            None => StoredPeriod::default(),
        };
        let surveys = stored.surveys(self.wish, ids, &self.distrusted, self.absent);
        let Some(needed) = Needed::of(&surveys, ids, self.period) else {
            return Ok(Task::Right { ids });
        };
        let found = surveys.into_iter().map(|(threshold, surveyed)| {
            let times = (self.period.start_us, self.until_us);
            let found = Found {
                gap_us: stored.gap_us(threshold, &surveyed.survey.holes, times),
                holes: surveyed.survey.holes,
                wrong: surveyed.survey.wrong,
                is_distrusted: surveyed.is_distrusted,
            };
            (threshold, found)
        });
        Ok(Task::Read(Reading {
            ids,
            closer,
            span: needed.span,
            from_us: needed.from_us,
            open_day: None,
            found: found.collect(),
        }))
    }
}

fn time_text(time_us: i64) -> String {
    jiff::Timestamp::from_microsecond(time_us)
        .map_or_else(|_| format!("{time_us} µs"), |time| format!("{time:.0}"))
}
