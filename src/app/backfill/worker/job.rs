//! One piece of work, and how far it is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::domain::{backfill_request::Progress, symbol::Symbol, threshold::Threshold};

/// What is to be made complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The bars of this symbol.
    pub symbol: Symbol,
    /// At these thresholds; at all that are known for the symbol when there are none.
    pub thresholds: Vec<Threshold>,
    /// From this time on, in µs; none leaves that to the work.
    pub since_us: Option<i64>,
}

/// How a job has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The bars are complete.
    Done {
        /// From this time on, in µs. Of a request that left that to the work it is kept, for
        /// the next one for the same.
        since_us: i64,
        /// But for these thresholds, for which there was nothing to do yet, and why.
        skipped: BTreeMap<Threshold, String>,
    },
    /// There was nothing to do yet, and why.
    Skipped(String),
    /// It cannot be done, and why.
    Failed(String),
    /// It was told to stop before it was done.
    Interrupted,
}

/// Whoever carries jobs out.
#[async_trait]
pub trait Work: Send + Sync {
    /// Carries one out, and tells `progress` how far it is. Ends soon after `stop`, else it is
    /// dropped wherever it waits. It must not keep its thread: heartbeats and leases need it.
    async fn run(&self, job: Job, progress: &ProgressCell, stop: CancellationToken) -> Outcome;
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobProgress {
    /// Trades read so far.
    pub trades_done: u64,
    /// Trades to read, as far as is known.
    pub trades_total: u64,
    /// Bars written so far, by threshold.
    pub bars_written: BTreeMap<Threshold, u64>,
    /// How much time lay without bars when it was begun, in µs, by threshold.
    pub gaps_us: BTreeMap<Threshold, i64>,
}

impl JobProgress {
    /// What of it concerns a request for a threshold in dbps, 0 for all.
    #[must_use]
    pub fn of(&self, threshold_dbps: u32) -> Progress {
        let written = self.bars_written.iter();
        Progress {
            bars_written: written
                .filter(|&(&threshold, _)| concerns(threshold_dbps, threshold))
                .map(|(_, bars)| bars)
                .sum(),
            trades_done: self.trades_done,
            trades_total: self.trades_total,
        }
    }

    /// How much time lay without bars when it was begun, in seconds: at the threshold of a
    /// request in dbps; for 0 at the one that lacked most.
    #[must_use]
    pub fn gap_seconds(&self, threshold_dbps: u32) -> f64 {
        let gaps_us = self.gaps_us.iter();
        let gaps_us = gaps_us.filter(|&(&threshold, _)| concerns(threshold_dbps, threshold));
        let most_us = gaps_us.map(|(_, gap_us)| *gap_us).max().unwrap_or(0);
        Duration::from_micros(most_us.unsigned_abs()).as_secs_f64()
    }
}

/// Whether a request for a threshold in dbps, 0 for all, is about this one.
fn concerns(threshold_dbps: u32, threshold: Threshold) -> bool {
    [0, threshold.dbps()].contains(&threshold_dbps)
}

/// Where a job says how far it is. Cheap to clone; clones are one.
#[derive(Debug, Clone, Default)]
pub struct ProgressCell(Arc<Mutex<JobProgress>>);

impl ProgressCell {
    /// Changes what is said.
    pub fn update(&self, change: impl FnOnce(&mut JobProgress)) {
        // Figures that a panic has left half changed are figures still.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was said last.
    #[must_use]
    pub fn read(&self) -> JobProgress {
        let progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        progress.clone()
    }
}
