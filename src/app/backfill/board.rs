//! How far each symbol of a run is: written by the work, read by whoever shows it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::domain::{anchor::Period, rewrite::Rewrite, symbol::Symbol, threshold::Threshold};

use super::{
    event::{Emit, Event, Written},
    feed::FeedEmit,
    plan::Plan,
    worker::JobProgress,
};

/// What a symbol is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// It waits for its first turn, or is planned.
    #[default]
    Waiting,
    /// Its trades are read.
    Reading,
    /// Whole periods are sealed.
    Sealing,
    /// It is over, in whatever way.
    Over,
}

/// How far a symbol is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown {
    /// What it is about.
    pub stage: Stage,
    /// The period that is being read.
    pub period: Option<Period>,
    /// How many trades were read.
    pub trades_done: u64,
    /// How many have to be read, as far as is known.
    pub trades_total: u64,
    /// The trade that all thresholds are at.
    pub last_id: Option<i64>,
    /// By threshold: what was written.
    pub written: BTreeMap<Threshold, Written>,
    /// By threshold: how much time lay without bars when it was planned, in µs.
    pub gaps_us: BTreeMap<Threshold, i64>,
}

impl Shown {
    /// The bars of all thresholds that were written.
    #[must_use]
    pub fn bars_written(&self) -> u64 {
        self.written.values().map(Written::bars).sum()
    }

    /// Trades a second, over so long.
    #[must_use]
    pub fn rate(&self, elapsed: Duration) -> f64 {
        let seconds = elapsed.as_secs_f64();
        if seconds <= 0.0 {
            return 0.0;
        }
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let trades = self.trades_done as f64;
        trades / seconds
    }

    /// How much longer the rest takes at the rate of so long; nothing while that says nothing.
    #[must_use]
    pub fn remaining(&self, elapsed: Duration) -> Option<Duration> {
        let rate = self.rate(elapsed);
        if self.stage != Stage::Reading || rate < 1.0 {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "a time for people")]
        let left = self.trades_total.saturating_sub(self.trades_done) as f64;
        Duration::try_from_secs_f64(left / rate).ok()
    }
}

/// The board of one symbol. Clones show the same.
#[derive(Clone)]
pub struct SymbolBoard {
    symbol: Symbol,
    shown: Arc<Mutex<Shown>>,
    emit: Emit,
}

impl SymbolBoard {
    /// A board on which nothing is yet.
    #[must_use]
    pub fn new(symbol: Symbol, thresholds: &[Threshold], emit: Emit) -> Self {
        let written = thresholds
            .iter()
            .map(|t| (*t, Written::default()))
            .collect();
        let shown = Shown {
            written,
            ..Shown::default()
        };
        Self {
            symbol,
            shown: Arc::new(Mutex::new(shown)),
            emit,
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    /// What stands on it.
    #[must_use]
    pub fn read_all(&self) -> Shown {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        // What is shown is only figures: they are right one by one.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells people.
    pub(super) fn tell(&self, event: Event) {
        (self.emit)(&self.symbol, event);
    }

    pub(super) fn feed_events(&self) -> FeedEmit {
        let board = self.clone();
        Arc::new(move |event| board.tell(Event::Feed(event)))
    }

    pub(super) fn planned(&self, plan: &Plan) {
        let mut shown = self.lock();
        shown.stage = Stage::Reading;
        shown.trades_total = plan.trades();
        shown.gaps_us = plan.gaps_us();
    }

    /// A period is begun: from these ids on.
    pub(super) fn begin(&self, period: Period, first_id: i64, last_id: i64) {
        self.lock().period = Some(period);
        self.tell(Event::PeriodBegun {
            period,
            first_id,
            last_id,
        });
    }

    pub(super) fn read(&self, trades: u64, last_id: Option<i64>) {
        let mut shown = self.lock();
        shown.trades_done += trades;
        // Good bars at the end may not fit, so that more is read than was thought.
        shown.trades_total = shown.trades_total.max(shown.trades_done);
        shown.last_id = last_id;
    }

    /// A period is written.
    pub(super) fn wrote(&self, period: Period, rewrites: &BTreeMap<Threshold, Written>) {
        {
            let mut shown = self.lock();
            for (threshold, written) in rewrites {
                shown.written.entry(*threshold).or_default().add(written);
            }
        }
        self.tell(Event::PeriodWritten {
            period,
            written: rewrites.clone(),
        });
    }

    /// Tells how far it is after so long.
    pub(super) fn tell_progress(&self, elapsed: Duration) {
        let shown = Box::new(self.read_all());
        self.tell(Event::Progress { shown, elapsed });
    }

    pub(super) fn stage(&self, stage: Stage) {
        self.lock().stage = stage;
    }
}

impl From<&Shown> for JobProgress {
    fn from(shown: &Shown) -> Self {
        let written = shown.written.iter();
        Self {
            trades_done: shown.trades_done,
            trades_total: shown.trades_total.max(shown.trades_done),
            bars_written: written.map(|(t, of)| (*t, of.bars())).collect(),
            gaps_us: shown.gaps_us.clone(),
        }
    }
}

impl From<&Rewrite> for Written {
    fn from(rewrite: &Rewrite) -> Self {
        Self {
            added: rewrite.added(),
            replaced: rewrite.replaced,
            removed: rewrite.tombstones.len() as u64,
            kept: rewrite.kept,
            unknown: rewrite.unknown,
        }
    }
}
