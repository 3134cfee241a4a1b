//! Looks at everything again and again, past every fault.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{collector::Looker, exchange::Exchange, load::SYMBOLS, storage::Storage};
use crate::{app::probe::timeline::Sample, domain::threshold::Threshold};

/// How often the store is looked at: what is measured is no more exact than this.
const INTERVAL: Duration = Duration::from_millis(40);
/// Every so many looks make a sample.
const LOOKS_A_SAMPLE: u64 = 4;
/// How long a look at the store may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// More samples than these are not kept.
const MAX_SAMPLES: usize = 20_000;

/// The last look at the store.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The newest id in the bars of the finest threshold, by symbol; 0 for none.
    pub newest: Vec<i64>,
    /// Counts looks.
    pub looks: u64,
}

/// Looks on while a run goes on.
#[derive(Debug)]
pub struct Watch {
    seen: watch::Receiver<Seen>,
    shared: Arc<Shared>,
    _looking: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    looker: Mutex<Option<Looker>>,
    samples: Mutex<Vec<Sample>>,
    peak_rss_bytes: AtomicU64,
}

/// The parts that are looked at.
#[derive(Clone)]
pub struct Views {
    /// The exchange.
    pub exchange: Arc<Exchange>,
    /// The store.
    pub storage: Arc<Storage>,
    /// The threshold whose bars are looked at.
    pub finest: Threshold,
    /// The first id of each symbol's tape.
    pub first_ids: Vec<i64>,
    /// When the run began.
    pub begun: Instant,
}

impl Watch {
    /// Begins to look.
    pub fn start(views: Views) -> Self {
        let (sender, seen) = watch::channel(Seen {
            newest: vec![0; SYMBOLS.len()],
            looks: 0,
        });
        let shared = Arc::<Shared>::default();
        let looking = tokio::spawn(look_on(views, sender, Arc::clone(&shared)));
        Self {
            seen,
            shared,
            _looking: AbortOnDropHandle::new(looking),
        }
    }

    /// Looks at this collector from now on.
    pub fn follow(&self, looker: Option<Looker>) {
        *lock(&self.shared.looker) = looker;
    }

    /// The last look at the store.
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits for another look.
    pub async fn next(&mut self) {
        if self.seen.changed().await.is_err() {
            // Nobody looks any more: the deadline of who waits ends this.
            std::future::pending::<()>().await;
        }
    }

    /// The most memory that any collector has held, in bytes.
    pub fn peak_rss_bytes(&self) -> u64 {
        self.shared.peak_rss_bytes.load(Ordering::Relaxed)
    }

    /// All samples so far.
    pub fn samples(&self) -> Vec<Sample> {
        lock(&self.shared.samples).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn look_on(views: Views, sender: watch::Sender<Seen>, shared: Arc<Shared>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = 0;
    let mut spool_rows: Option<tokio::task::JoinHandle<Option<u64>>> = None;
    let mut last_spool_rows = None;
    loop {
        ticks.tick().await;
        let newest = timeout(PATIENCE, views.storage.newest(views.finest)).await;
        looks += 1;
        if let Ok(Ok(newest)) = newest {
            sender.send_replace(Seen { newest, looks });
        } else {
            sender.send_modify(|seen| seen.looks = looks);
        }
        if looks % LOOKS_A_SAMPLE != 0 {
            continue;
        }
        let looker = lock(&shared.looker).clone();
        // A collector that hangs must not hold up the looks at the store.
        if let Some(asked) = spool_rows.take_if(|asked| asked.is_finished()) {
            last_spool_rows = asked.await.ok().flatten();
        }
        if spool_rows.is_none() {
            let looker = looker.clone();
            let asking = async move { looker?.spool_rows().await };
            spool_rows = Some(tokio::spawn(asking));
        }
        let Ok(newest_in) = views.exchange.newest(&SYMBOLS).await else {
            continue;
        };
        let sum = |ids: &[i64]| -> u64 {
            let of = |(id, first): (&i64, &i64)| u64::try_from(id - first + 1).unwrap_or(0);
            ids.iter().zip(&views.first_ids).map(of).sum()
        };
        let memory = looker.as_ref().and_then(Looker::memory);
        if let Some(memory) = memory {
            let peak = &shared.peak_rss_bytes;
            peak.fetch_max(memory.peak_rss_bytes, Ordering::Relaxed);
        }
        let sample = Sample {
            at_ms: u64::try_from(views.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            trades_in: sum(&newest_in),
            trades_stored: sum(&sender.borrow().newest),
            spool_rows: last_spool_rows,
            rss_bytes: memory.map(|memory| memory.rss_bytes),
        };
        let mut samples = lock(&shared.samples);
        if samples.len() < MAX_SAMPLES {
            samples.push(sample);
        }
    }
}
