//! Several symbols, in fair turns.
//!
//! Each symbol has one seat among [`Turns`], where other runs of the same process may have
//! theirs. A turn is a slice of trades; whoever has had one waits until all others have had
//! theirs. A symbol that fails, or panics, leaves its seat to the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU64,
    sync::Arc,
    time::Duration,
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    app::seals::{SealRequest, confirm, seal},
    domain::{seal::SealKey, symbol::Symbol, tiling::Unsealable},
    store::sink::{StoreError, StoreErrorKind},
};

use super::{
    board::{Shown, Stage, SymbolBoard},
    event::Event,
    job::{Job, JobError, Shared, Turned},
    patient_store::PatientStore,
    plan::{Plan, PlanError, Task, Wish},
    turns::{Turns, Waiting},
    writer::{Writer, WriterLimits},
};

/// So often a period is sealed when somebody else takes its seal back meanwhile.
const SEAL_ATTEMPTS: u32 = 3;
/// The pause before the second attempt; before the third it is twice as long.
const SEAL_PAUSE: Duration = Duration::from_millis(500);

/// How turns are taken.
#[derive(Debug, Clone, Copy)]
pub struct RunLimits {
    /// The trades of a turn.
    pub slice_trades: NonZeroU64,
    /// So many turns run at once.
    pub parallel: usize,
    /// How rows are written.
    pub writer: WriterLimits,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            slice_trades: NonZeroU64::new(200_000).unwrap_or(NonZeroU64::MIN),
            parallel: 4,
            writer: WriterLimits::default(),
        }
    }
}

/// Why a symbol is not finished.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing could be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It broke off.
    #[error(transparent)]
    Job(#[from] JobError),
    /// It is written, but could not be sealed.
    #[error("seal the periods of {symbol}: {cause}")]
    Seal {
        /// The symbol.
        symbol: Symbol,
        /// What happened.
        cause: anyhow::Error,
    },
    /// It is written, but closed periods of it are not whole all the same.
    #[error("seal {} of {symbol}: {reason}; the bars that were asked for are written", days(*.start_us, *.more))]
    NotWhole {
        /// The symbol.
        symbol: Symbol,
        /// The first µs of the first such period.
        start_us: i64,
        /// So many others are not whole either.
        more: usize,
        /// What the first one lacks.
        reason: Unsealable,
    },
    /// The program itself.
    #[error("backfill {symbol}: its task has panicked")]
    Panicked {
        /// The symbol.
        symbol: Symbol,
    },
}

/// What came of one symbol.
#[derive(Debug)]
pub struct Finished {
    /// The symbol.
    pub symbol: Symbol,
    /// What it came to.
    pub shown: Shown,
    /// How many periods were sealed, and what others lack.
    pub seals: Seals,
    /// Whether it is done; none when it was stopped.
    pub result: Option<Result<(), RunError>>,
}

/// What sealing came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seals {
    /// How many periods of the plan have a seal now, those that had one included.
    pub sealed: usize,
    /// The first µs of those that do not deserve one, and why.
    pub refused: Vec<(i64, Unsealable)>,
}

/// One symbol with what it needs.
struct Seat {
    shared: Shared,
    wish: Wish,
    board: SymbolBoard,
    limits: WriterLimits,
    plan: Option<Arc<Plan>>,
    job: Option<Job>,
    seals: Seals,
}

/// Backfills several symbols. Returns what came of each, in the order of `wishes`; those that
/// `stop` has stopped have no result. What was written stays, and a run with the same wishes
/// goes on from there.
pub async fn run(
    shared: &Shared,
    wishes: Vec<(Wish, SymbolBoard)>,
    limits: RunLimits,
    stop: CancellationToken,
) -> Vec<Finished> {
    let turns = Turns::new(limits.slice_trades, limits.parallel);
    run_among(&turns, shared, wishes, limits.writer, stop).await
}

/// The same, where others take turns as well.
pub async fn run_among(
    turns: &Turns,
    shared: &Shared,
    wishes: Vec<(Wish, SymbolBoard)>,
    limits: WriterLimits,
    stop: CancellationToken,
) -> Vec<Finished> {
    let boards: Vec<SymbolBoard> = wishes.iter().map(|(_, board)| board.clone()).collect();
    let mut running = JoinSet::new();
    let mut places = BTreeMap::new();
    for (place, (wish, board)) in wishes.into_iter().enumerate() {
        let seat = Seat {
            shared: shared.clone(),
            wish,
            board,
            limits,
            plan: None,
            job: None,
            seals: Seals::default(),
        };
        let (waiting, seated) = (turns.join(), turns.clone());
        let work = Box::pin(seat.take_turns(waiting));
        let task = running.spawn(async move { seated.seated(work).await });
        places.insert(task.id(), place);
    }
    let mut finished = BTreeMap::new();
    loop {
        let ended = tokio::select! {
            ended = running.join_next_with_id() => ended,
            () = stop.cancelled() => break,
        };
        let Some(ended) = ended else { break };
        let (id, end) = match ended {
            Ok((id, end)) => (id, end),
            Err(error) => (error.id(), None),
        };
        let Some(place) = places.remove(&id) else {
            continue;
        };
        let end = end.unwrap_or_else(|| {
            let symbol = boards[place].symbol().clone();
            (Seals::default(), Err(RunError::Panicked { symbol }))
        });
        finished.insert(place, end);
    }
    // Tasks that are still under way end here; what they have downloaded is gone on with.
    running.shutdown().await;
    let ends = boards.into_iter().enumerate().map(|(place, board)| {
        let (seals, result) = finished.remove(&place).map_or_else(
            || (Seals::default(), None),
            |(seals, result)| (seals, Some(result)),
        );
        board.stage(Stage::Over);
        Finished {
            symbol: board.symbol().clone(),
            shown: board.read_all(),
            seals,
            result,
        }
    });
    ends.collect()
}

impl Seat {
    /// Takes turns until it is finished. None comes when nobody hands out turns any more.
    async fn take_turns(mut self, mut waiting: Waiting) -> Option<(Seals, Result<(), RunError>)> {
        loop {
            let turn = waiting.turn().await?;
            let (used, result) = self.turn(turn.allowance_trades()).await;
            match result {
                Ok(Turned::More) => waiting = turn.end(used),
                Ok(Turned::Done) => return Some((self.seals, Ok(()))),
                Err(error) => return Some((self.seals, Err(error))),
            }
        }
    }

    async fn turn(&mut self, allowance: u64) -> (u64, Result<Turned, RunError>) {
        if self.job.is_none()
            && let Err(error) = self.plan().await
        {
            return (0, Err(error));
        }
        let Some(job) = &mut self.job else {
            return (0, Ok(Turned::Done));
        };
        let (used, turned) = job.turn(allowance).await;
        match turned {
            Ok(Turned::Done) => {
                let sealed = self.seal().await.and_then(|()| self.are_whole());
                (used, sealed.map(|()| Turned::Done))
            }
            turned => (used, turned.map_err(RunError::from)),
        }
    }

    /// The store, with the patience that all work has with it.
    fn patient_store(&self) -> PatientStore {
        let Shared { store, clock, .. } = &self.shared;
        let board = self.board.clone();
        let on_failure = move |error: &_, retry_in| {
            let reason = format!("{error}");
            board.tell(Event::StoreFailed { reason, retry_in });
        };
        let on_failure = Arc::new(on_failure);
        PatientStore::new(Arc::clone(store), clock.clone(), self.limits, on_failure)
    }

    async fn plan(&mut self) -> Result<(), RunError> {
        let mut store = self.patient_store();
        let source = self.shared.sources.patient(self.board.feed_events());
        let plan = Plan::make(Some(&mut store), &source, self.wish.clone()).await?;
        let plan = Arc::new(plan);
        self.board.planned(&plan);
        self.board.tell(Event::Planned(Arc::clone(&plan)));
        let writer = Writer::new(store, self.limits);
        let board = self.board.clone();
        self.job = Some(Job::new(self.shared.clone(), &plan, writer, board));
        self.plan = Some(plan);
        Ok(())
    }

    /// Seals the periods of the plan that deserve it.
    async fn seal(&mut self) -> Result<(), RunError> {
        let Some(plan) = &self.plan else {
            return Ok(());
        };
        self.board.stage(Stage::Sealing);
        let is_to_seal = |task: &Task| match task {
            Task::Right { ids } => ids.is_over,
            Task::Read(reading) => reading.ids.is_over,
            Task::Sealed { .. } | Task::Empty => false,
        };
        let sealed = plan.periods.iter();
        let sealed = sealed.filter(|planned| matches!(planned.task, Task::Sealed { .. }));
        self.seals.sealed = sealed.count();
        let keys = plan
            .periods
            .iter()
            .filter(|planned| is_to_seal(&planned.task))
            .map(|planned| SealKey {
                exchange: Arc::clone(&self.shared.exchange),
                symbol: self.wish.symbol.clone(),
                anchor: self.wish.anchor,
                period_start_us: planned.period.start_us,
            });
        let only: BTreeSet<_> = keys.collect();
        let Some(first) = only.first() else {
            return Ok(());
        };
        let request = SealRequest {
            exchange: Some(self.shared.exchange.to_string()),
            symbols: vec![self.wish.symbol.clone()],
            anchor: Some(self.wish.anchor),
            since_us: Some(first.period_start_us),
            wanted: None,
            only: Some(only),
        };
        match self.seal_until_it_stands(request).await {
            Ok(()) => Ok(()),
            // Seals are no business of a user who may not see them.
            Err(cause) if is_refused(&cause) => {
                tracing::warn!(error = %cause, "periods are not sealed");
                Ok(())
            }
            Err(cause) => Err(RunError::Seal {
                symbol: self.wish.symbol.clone(),
                cause,
            }),
        }
    }

    /// What is not whole is not done, whoever asked for it: bars that nobody asked for may lack
    /// something, and nothing but this says so.
    fn are_whole(&self) -> Result<(), RunError> {
        let Some((start_us, reason)) = self.seals.refused.first() else {
            return Ok(());
        };
        Err(RunError::NotWhole {
            symbol: self.wish.symbol.clone(),
            start_us: *start_us,
            more: self.seals.refused.len() - 1,
            reason: reason.clone(),
        })
    }

    /// Seals, and seals anew what somebody has taken back meanwhile: a collector that has written
    /// to the period as we sealed it.
    async fn seal_until_it_stands(&mut self, mut request: SealRequest) -> anyhow::Result<()> {
        for attempt in 0..SEAL_ATTEMPTS {
            // Whoever writes there is done in a moment, and a clock that is behind comes up.
            tokio::time::sleep(SEAL_PAUSE * attempt).await;
            let lost = self.seal_now(&request).await?;
            if lost.is_empty() {
                return Ok(());
            }
            request.only = Some(lost);
        }
        let lost = request.only.unwrap_or_default();
        let first = lost.first().map_or(0, |key| key.period_start_us);
        let days = days(first, lost.len().saturating_sub(1));
        anyhow::bail!(
            "the seal of {days} was taken back as often as it was made: somebody else writes there"
        )
    }

    /// Seals once; what comes is what somebody has taken back.
    async fn seal_now(&mut self, request: &SealRequest) -> anyhow::Result<BTreeSet<SealKey>> {
        let Shared {
            store,
            sources,
            clock,
            ..
        } = &self.shared;
        let source = sources.patient(self.board.feed_events());
        let mut patient = self.patient_store();
        // Seals that went in before a failure are read again, and stand if they are right.
        let sealing = patient
            .persist(|| seal(&**store, Some(&source), clock, request))
            .await?;
        let confirmed = patient
            .persist(|| confirm(&**store, clock, sealing.written.clone()))
            .await?;
        self.seals.sealed += confirmed.sealed.len() + sealing.standing.len();
        for row in confirmed.sealed {
            let period = row.key.anchor.period(row.key.period_start_us);
            self.board.tell(Event::Sealed { period });
        }
        let broken = sealing.broken.into_iter();
        let broken = broken.map(|(key, thresholds)| (key, Unsealable::Damaged(thresholds)));
        for (key, reason) in sealing.refused.into_iter().chain(broken) {
            let period = key.anchor.period(key.period_start_us);
            self.board.tell(Event::NotSealed {
                period,
                reason: reason.clone(),
            });
            self.seals.refused.push((key.period_start_us, reason));
        }
        Ok(confirmed.lost.into_iter().map(|row| row.key).collect())
    }
}

/// A period, named by its first day, and how many others.
fn days(start_us: i64, more: usize) -> String {
    let day = jiff::Timestamp::from_microsecond(start_us).map_or_else(
        |_| format!("{start_us} µs"),
        |time| time.strftime("%Y-%m-%d").to_string(),
    );
    match more {
        0 => day,
        1 => format!("{day} and 1 more period"),
        more => format!("{day} and {more} more periods"),
    }
}

fn is_refused(cause: &anyhow::Error) -> bool {
    let error = cause.downcast_ref::<StoreError>();
    error.is_some_and(|error| error.kind == StoreErrorKind::Configuration)
}

#[cfg(test)]
mod tests;
