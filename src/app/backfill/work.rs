//! What carrying out a request means.
//!
//! Each symbol is a run of its own, which ends by itself; all of them take turns.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;

use crate::domain::{anchor::Anchor, micros::micros, threshold::Threshold, words::span};

use super::{
    board::SymbolBoard,
    cooldown::{CooldownQuery, take_resting},
    event::Emit,
    job::Shared,
    plan::Wish,
    run::{Finished, run_among},
    stored::all_thresholds,
    turns::Turns,
    worker::{Job, JobProgress, Outcome, ProgressCell, Work},
    writer::WriterLimits,
};

/// How often the rows can learn how far the work is.
const TELL_INTERVAL: Duration = Duration::from_secs(1);
/// How often people are told.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Carries out requests as a backfill by hand would.
pub struct Carrier {
    /// Store, sources and clock.
    pub shared: Shared,
    /// The thresholds that belong to every symbol.
    pub configured: Vec<Threshold>,
    /// Where bars are cut.
    pub anchor: Anchor,
    /// How far back, for a request that does not say so.
    pub since: Duration,
    /// For how long a threshold is left alone after it was completed.
    pub cooldown: Duration,
    /// Where the symbols of all requests take turns.
    pub turns: Turns,
    /// How rows are written.
    pub writer: WriterLimits,
    /// Who is told.
    pub emit: Emit,
}

#[async_trait]
impl Work for Carrier {
    async fn run(&self, job: Job, progress: &ProgressCell, stop: CancellationToken) -> Outcome {
        let carried = self.carry(job, progress, stop).await;
        carried.unwrap_or_else(|error| Outcome::Failed(format!("failed to {error:#}")))
    }
}

impl Carrier {
    async fn carry(
        &self,
        job: Job,
        progress: &ProgressCell,
        stop: CancellationToken,
    ) -> anyhow::Result<Outcome> {
        let store = &*self.shared.store;
        let now_us = self.shared.clock.wall_us();
        let default_us = now_us.saturating_sub(micros(self.since));
        let from_us = job.since_us.unwrap_or(default_us);
        let mut thresholds = if job.thresholds.is_empty() {
            let (exchange, configured) = (&self.shared.exchange, &self.configured);
            all_thresholds(store, exchange, &job.symbol, self.anchor, configured).await?
        } else {
            job.thresholds
        };
        let asked = CooldownQuery {
            exchange: &self.shared.exchange,
            symbol: &job.symbol,
            anchor: self.anchor,
            from_us,
            now_us,
            cooldown: self.cooldown,
        };
        let resting = take_resting(store, &asked, &mut thresholds).await?;
        let reasons = resting.into_iter().map(|(threshold, remaining_us)| {
            let remaining = span(remaining_us);
            let reason = format!("it was completed a moment ago; left alone for {remaining}");
            (threshold, reason)
        });
        let skipped: BTreeMap<_, _> = reasons.collect();
        if thresholds.is_empty() {
            let reason = skipped.into_values().next_back();
            let reason = reason.unwrap_or_else(|| "no threshold is known for it".to_owned());
            return Ok(Outcome::Skipped(reason));
        }
        let board = SymbolBoard::new(job.symbol.clone(), &thresholds, Arc::clone(&self.emit));
        let wish = Wish {
            symbol: job.symbol,
            anchor: self.anchor,
            thresholds,
            from_us,
            until_us: None,
            is_rebuild: false,
        };
        let finished = self.run_one(wish, board, progress, stop).await;
        Ok(match finished.map(|finished| finished.result) {
            Some(Some(Ok(()))) => Outcome::Done {
                since_us: from_us,
                skipped,
            },
            Some(Some(Err(error))) => Outcome::Failed(format!("failed to {error}")),
            Some(None) | None => Outcome::Interrupted,
        })
    }

    /// Backfills one symbol, and tells how far it is meanwhile.
    async fn run_one(
        &self,
        wish: Wish,
        board: SymbolBoard,
        progress: &ProgressCell,
        stop: CancellationToken,
    ) -> Option<Finished> {
        let tell = |board: &SymbolBoard| {
            let told = JobProgress::from(&board.read_all());
            progress.update(|said| *said = told);
        };
        let running = run_among(
            &self.turns,
            &self.shared,
            vec![(wish, board.clone())],
            self.writer,
            stop,
        );
        tokio::pin!(running);
        let mut ticks = interval(TELL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let begun = Instant::now();
        let mut lines = interval_at(begun + LINE_INTERVAL, LINE_INTERVAL);
        lines.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut finished = loop {
            tokio::select! {
                finished = &mut running => break finished,
                _ = ticks.tick() => tell(&board),
                _ = lines.tick() => board.tell_progress(begun.elapsed()),
            }
        };
        tell(&board);
        finished.pop()
    }
}

#[cfg(test)]
mod tests;
