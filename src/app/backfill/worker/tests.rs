//! Workers on one SQLite file, with time that passes only when a test says so.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, advance, pause},
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    app::{
        backfill::queue::{Queue, ask},
        clock::Clock,
    },
    domain::{
        backfill_request::{Change, Progress, RequestRow, Scope, Status},
        backfill_worker::WorkerRow,
        symbol::Symbol,
        threshold::Threshold,
    },
    store::{
        sink::{RequestQuery, Store, StoreError},
        testing,
    },
};

mod trouble;

const START_US: i64 = 1_700_000_000_000_000;
const LEASE: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_secs(1);

/// Work that a test carries out by hand.
struct Bench {
    begun: Sender<Begun>,
}

/// A job that was begun, and the way to end it.
struct Begun {
    job: Job,
    progress: ProgressCell,
    stop: CancellationToken,
    end: oneshot::Sender<Outcome>,
}

#[async_trait]
impl Work for Bench {
    async fn run(&self, job: Job, progress: &ProgressCell, stop: CancellationToken) -> Outcome {
        let (end, ended) = oneshot::channel();
        let begun = Begun {
            job,
            progress: progress.clone(),
            stop: stop.clone(),
            end,
        };
        self.begun.send(begun).await.expect("a test that looks on");
        // Whoever drops the way to end it makes it panic.
        tokio::select! {
            () = stop.cancelled() => Outcome::Interrupted,
            outcome = ended => outcome.expect("an outcome"),
        }
    }
}

fn done() -> Outcome {
    Outcome::Done {
        since_us: 5,
        skipped: BTreeMap::new(),
    }
}

struct Place {
    store: Arc<dyn Store>,
    clock: Clock,
    _directory: TempDir,
    /// While it is kept, paused time does not pass by itself.
    _still: mpsc::SyncSender<()>,
}

/// A worker at work.
struct At {
    begun: Receiver<Begun>,
    events: Arc<Mutex<VecDeque<Event>>>,
    stop: CancellationToken,
    task: JoinHandle<Result<Summary, StoreError>>,
}

impl Place {
    async fn new() -> Self {
        let (store, directory) = testing::sqlite().await;
        pause();
        let (still, kept) = mpsc::sync_channel(1);
        tokio::task::spawn_blocking(move || kept.recv());
        let epoch = Instant::now();
        let clock = Clock::with_wall(move || {
            START_US + i64::try_from(epoch.elapsed().as_micros()).expect("a short test")
        });
        Self {
            store,
            clock,
            _directory: directory,
            _still: still,
        }
    }

    async fn ask(&self, symbol: &str, dbps: &[u32], since_us: Option<i64>) -> Vec<RequestRow> {
        advance(Duration::from_millis(1)).await;
        let symbol: Symbol = symbol.parse().expect("a symbol");
        let thresholds: Vec<_> = dbps.iter().map(|&dbps| threshold(dbps)).collect();
        let asked = ask(
            &*self.store,
            &self.clock,
            &symbol,
            &thresholds,
            since_us,
            &Scope::default(),
        )
        .await;
        let asked = asked.expect("asked").into_iter();
        asked.map(|asked| asked.request).collect()
    }

    fn worker(&self, name: &str, is_once: bool) -> At {
        let settings = Settings {
            name: name.to_owned(),
            host: "nas".to_owned(),
            pid: 4711,
            poll: Duration::from_secs(30),
            lease: LEASE,
            parallel: 2,
            stop_timeout: Duration::from_secs(10),
            is_once,
            scope: Scope::default(),
        };
        let (sender, begun) = channel(100);
        let work = Arc::new(Bench { begun: sender });
        let events = Arc::new(Mutex::new(VecDeque::new()));
        let told = Arc::clone(&events);
        let tell = move |event| told.lock().expect("a lock").push_back(event);
        let worker = Worker::new(
            settings,
            Arc::clone(&self.store),
            self.clock.clone(),
            work,
            tell,
        );
        let stop = CancellationToken::new();
        At {
            begun,
            events,
            task: tokio::spawn(worker.run(stop.clone())),
            stop,
        }
    }

    async fn rows(&self) -> Vec<RequestRow> {
        let read = self.store.stored_requests(&RequestQuery::default()).await;
        let rows: Result<_, _> = read.expect("requests").into_iter().collect();
        rows.expect("rows")
    }

    async fn workers(&self) -> Vec<WorkerRow> {
        let read = self.store.stored_workers(0).await.expect("workers");
        read.into_iter().collect::<Result<_, _>>().expect("rows")
    }

    /// Lets time pass, a second at a time, until the requests are as `is_so` says.
    async fn until(&self, what: &str, is_so: impl Fn(&[RequestRow]) -> bool) -> Vec<RequestRow> {
        for _ in 0..1_000 {
            // The workers get on with what the time has brought before more passes.
            for _ in 0..4 {
                let rows = self.rows().await;
                if is_so(&rows) {
                    return rows;
                }
            }
            advance(STEP).await;
        }
        panic!("{what} in vain: {:#?}", self.rows().await);
    }

    async fn until_ended(&self) -> Vec<RequestRow> {
        self.until("ended", |rows| rows.iter().all(|row| row.status.is_final()))
            .await
    }

    /// Lets so much time pass while everybody goes on with his work.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            advance(STEP).await;
            for _ in 0..4 {
                self.rows().await;
            }
        }
    }
}

impl At {
    async fn begun(&mut self) -> Begun {
        self.begun.recv().await.expect("a job")
    }

    async fn end(self) -> Summary {
        self.task.await.expect("no panic").expect("no failure")
    }

    async fn stop(self) -> Summary {
        self.stop.cancel();
        self.end().await
    }

    fn has_told(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        self.events.lock().expect("a lock").iter().any(is_it)
    }
}

fn threshold(dbps: u32) -> Threshold {
    Threshold::new(dbps).expect("a threshold")
}

#[tokio::test]
async fn requests_for_one_symbol_are_carried_out_together_and_end_each_in_its_way() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[500, 250], Some(50)).await;
    place.ask("BTCUSDT", &[750], Some(40)).await;
    let mut worker = place.worker("w", true);
    let begun = worker.begun().await;
    let job = Job {
        symbol: "BTCUSDT".parse().expect("a symbol"),
        thresholds: [250, 500, 750].map(threshold).to_vec(),
        since_us: Some(40),
    };
    assert_eq!(begun.job, job);
    begun.progress.update(|progress| {
        progress.trades_done = 7;
        progress.trades_total = 9;
        progress.gaps_us = [(threshold(250), 1_500_000), (threshold(500), 500_000)].into();
        progress.bars_written = [(threshold(250), 3), (threshold(500), 1)].into();
    });
    let skipped = [(threshold(750), "done 5s ago".to_owned())].into();
    let since_us = 40;
    let done = Outcome::Done { since_us, skipped };
    begun.end.send(done).expect("sent");
    assert_eq!(worker.end().await, Summary { taken: 3 });
    let rows = place.rows().await;
    let ends: Vec<_> = rows
        .iter()
        .map(|row| {
            let gap_seconds = [(250, 1.5), (500, 0.5), (750, 0.0)];
            assert!(gap_seconds.contains(&(row.threshold_dbps, row.gap_seconds)));
            assert_eq!(row.attempt, 1);
            assert_eq!(row.progress.trades_done, 7);
            (
                row.threshold_dbps,
                row.status,
                row.progress.bars_written,
                row.error.as_str(),
            )
        })
        .collect();
    assert_eq!(
        ends,
        [
            (500, Status::Completed, 1, ""),
            (250, Status::Completed, 3, ""),
            (750, Status::Skipped, 0, "done 5s ago"),
        ]
    );
}

#[tokio::test]
async fn what_is_for_all_thresholds_or_any_time_is_a_job_of_its_own_after_the_other() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[250], None).await;
    place.ask("BTCUSDT", &[], None).await;
    place.ask("ETHUSDT", &[250], Some(5)).await;
    let mut worker = place.worker("w", true);
    let (first, second) = (worker.begun().await, worker.begun().await);
    assert_eq!(first.job.thresholds, [threshold(250)]);
    // Two symbols at once, but never two jobs of one.
    assert_eq!(second.job.symbol.as_str(), "ETHUSDT");
    place.pass(65).await;
    assert!(worker.begun.try_recv().is_err());
    first.end.send(done()).expect("sent");
    let third = worker.begun().await;
    assert_eq!(
        (third.job.symbol.as_str(), &*third.job.thresholds),
        ("BTCUSDT", &[][..])
    );
    third.progress.update(|progress| {
        progress.bars_written = [(threshold(250), 3), (threshold(500), 1)].into();
    });
    third.end.send(done()).expect("sent");
    second
        .end
        .send(Outcome::Skipped("nothing to do".to_owned()))
        .expect("sent");
    worker.end().await;
    let rows = place.rows().await;
    let ends: Vec<_> = rows
        .iter()
        .map(|row| (row.status, row.progress.bars_written))
        .collect();
    assert_eq!(
        ends,
        [
            (Status::Completed, 0),
            (Status::Completed, 4),
            (Status::Skipped, 0)
        ]
    );
}

#[tokio::test]
async fn a_worker_that_lives_keeps_its_request_and_says_how_far_it_is() {
    let place = Place::new().await;
    let mut worker = place.worker("w", false);
    // It finds what is asked for later, too.
    place.pass(3).await;
    place.ask("BTCUSDT", &[250], None).await;
    let running = |rows: &[RequestRow]| rows[0].status == Status::Running;
    place.until("taken", running).await;
    let begun = worker.begun().await;
    begun.progress.update(|progress| progress.trades_done = 7);
    let progress = Progress {
        trades_done: 7,
        ..Progress::default()
    };
    let told_us = place.clock.wall_us();
    let is_said = |rows: &[RequestRow]| rows[0].progress == progress;
    place.until("said", is_said).await;
    // The work tells nothing more, as if it waited: its row goes on all the same.
    for _ in 0..5 {
        let version = place.rows().await[0].version;
        let is_said = |rows: &[RequestRow]| rows[0].version > version;
        place.until("said again", is_said).await;
    }
    // All in all, because the store answers in a time that is not the test's.
    let took_us = place.clock.wall_us() - told_us;
    assert!(took_us <= 6 * 5_000_000, "{took_us}");
    // Another worker gets nothing, however long it takes.
    let mut other = place.worker("x", false);
    place.pass(3 * LEASE.as_secs()).await;
    assert!(other.begun.try_recv().is_err());
    let now_us = place.clock.wall_us();
    let workers = place.workers().await;
    let seen: Vec<_> = workers
        .iter()
        .map(|row| (&*row.worker, row.requests, row.is_ended))
        .collect();
    assert_eq!(seen, [("w", 1, false), ("x", 0, false)]);
    for row in &workers {
        assert!(now_us - row.heartbeat_at_us <= 31_000_000, "{row:?}");
    }
    begun.end.send(done()).expect("sent");
    let rows = place.until_ended().await;
    assert_eq!((rows[0].status, rows[0].attempt), (Status::Completed, 1));
    worker.stop().await;
    other.stop().await;
    assert!(
        place
            .workers()
            .await
            .iter()
            .all(|row| row.is_ended && row.requests == 0)
    );
}

#[tokio::test]
async fn two_workers_share_the_work_and_nothing_is_done_twice() {
    let place = Place::new().await;
    for number in 0..12 {
        place
            .ask(&format!("S{number}USDT"), &[250, 500], None)
            .await;
    }
    let mut done_by: BTreeMap<String, u32> = BTreeMap::new();
    let (mut a, mut b) = (place.worker("a", true), place.worker("b", true));
    for _ in 0..12 {
        let begun = tokio::select! {
            Some(begun) = a.begun.recv() => begun,
            Some(begun) = b.begun.recv() => begun,
        };
        assert_eq!(begun.job.thresholds.len(), 2);
        *done_by.entry(begun.job.symbol.to_string()).or_default() += 1;
        begun.end.send(done()).expect("sent");
    }
    let taken = a.end().await.taken + b.end().await.taken;
    assert_eq!((done_by.len(), taken), (12, 24));
    let rows = place.rows().await;
    assert!(
        rows.iter()
            .all(|row| row.status == Status::Completed && row.attempt == 1)
    );
}
