//! Several workers on one SQLite file.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, Ordering},
};

use tempfile::TempDir;

use super::*;
use crate::store::testing;

const LEASE: Duration = Duration::from_secs(120);
const LEASE_US: i64 = 120_000_000;

struct Place {
    store: Arc<dyn Store>,
    now_us: Arc<AtomicI64>,
    _directory: TempDir,
}

impl Place {
    async fn new() -> Self {
        let (store, directory) = testing::sqlite().await;
        Self {
            store,
            now_us: Arc::new(AtomicI64::new(1_000_000)),
            _directory: directory,
        }
    }

    fn clock(&self) -> Clock {
        let now_us = Arc::clone(&self.now_us);
        Clock::with_wall(move || now_us.load(Ordering::SeqCst))
    }

    fn worker(&self, name: &str) -> Queue {
        Queue::new(Arc::clone(&self.store), self.clock(), name, LEASE)
    }

    fn wait(&self, us: i64) {
        self.now_us.fetch_add(us, Ordering::SeqCst);
    }

    async fn ask(&self, symbol: &str, thresholds: &[u32], since_us: Option<i64>) -> Vec<Asked> {
        let thresholds: Vec<_> = thresholds.iter().map(|dbps| threshold(*dbps)).collect();
        let symbol = symbol.parse().expect("a symbol");
        self.wait(1);
        ask(
            &*self.store,
            &self.clock(),
            &symbol,
            &thresholds,
            since_us,
            &Scope::default(),
        )
        .await
        .expect("asked")
    }

    async fn all(&self) -> Vec<RequestRow> {
        let read = self.store.stored_requests(&RequestQuery::default()).await;
        let rows: Result<_, _> = read.expect("requests").into_iter().collect();
        rows.expect("rows")
    }
}

fn threshold(dbps: u32) -> Threshold {
    Threshold::new(dbps).expect("a threshold")
}

async fn claim(worker: &Queue) -> Option<RequestRow> {
    worker.look(&[]).await.expect("a look").claimed
}

#[tokio::test]
async fn what_is_pending_or_under_way_is_not_asked_for_twice() {
    let place = Place::new().await;
    let first = place.ask("BTCUSDT", &[250, 500], Some(50)).await;
    assert!(first.iter().all(|asked| asked.is_new) && first.len() == 2);
    let again = place.ask("BTCUSDT", &[500, 750], Some(60)).await;
    let is_new: Vec<_> = again.iter().map(|asked| asked.is_new).collect();
    assert_eq!(is_new, [false, true]);
    assert_eq!(again[0].request, first[1].request);
    // One that goes further back, or is for all thresholds, is another wish.
    for (thresholds, since_us) in [(&[500][..], Some(40)), (&[], Some(60)), (&[500], None)] {
        let asked = place.ask("BTCUSDT", thresholds, since_us).await;
        assert!(asked[0].is_new, "{asked:?}");
    }
    assert!(place.ask("ETHUSDT", &[250], Some(50)).await[0].is_new);
    let mine = claim(&place.worker("w")).await.expect("a request");
    assert_eq!(mine.request_id, first[0].request.request_id);
    let asked = place.ask("BTCUSDT", &[250], Some(50)).await;
    assert!(!asked[0].is_new && asked[0].request == mine, "{asked:?}");
    let worker = place.worker("w");
    let done = worker.end(&mine, Status::Completed, Progress::default(), "");
    assert!(done.await.expect("ended"));
    assert!(place.ask("BTCUSDT", &[250], Some(50)).await[0].is_new);
}

#[tokio::test]
async fn the_oldest_request_is_next_and_one_that_comes_again_goes_to_the_end() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[1000], None).await;
    place.ask("BTCUSDT", &[250], None).await;
    let worker = place.worker("w");
    let mut order = Vec::new();
    for _ in 0..3 {
        let mine = claim(&worker).await.expect("a request");
        order.push(mine.threshold_dbps);
        let ended = worker.end(&mine, Status::Completed, Progress::default(), "");
        assert!(ended.await.expect("ended"));
        place.ask("BTCUSDT", &[mine.threshold_dbps], None).await;
    }
    assert_eq!(order, [1000, 250, 1000]);
}

#[tokio::test]
async fn of_workers_that_look_at_once_each_request_has_one() {
    let place = Place::new().await;
    for number in 0..12 {
        place.ask(&format!("S{number}USDT"), &[], None).await;
    }
    let workers = ["a", "b", "c"].map(|name| {
        let worker = place.worker(name);
        tokio::spawn(async move {
            let mut mine = Vec::new();
            while let Some(row) = claim(&worker).await {
                let progress = Progress {
                    bars_written: 1,
                    ..Progress::default()
                };
                let row = worker.renew(&row, progress).await.expect("renewed");
                let row = row.expect("still mine");
                let ended = worker.end(&row, Status::Completed, progress, "");
                assert!(ended.await.expect("ended"));
                mine.push(row.symbol);
            }
            mine
        })
    });
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for worker in workers {
        for symbol in worker.await.expect("no panic") {
            *taken.entry(symbol).or_default() += 1;
        }
    }
    assert_eq!(taken.len(), 12);
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
    let all = place.all().await;
    assert!(
        all.iter()
            .all(|row| row.status == Status::Completed && row.attempt == 1)
    );
}

#[tokio::test]
async fn what_a_dead_worker_had_is_taken_up_and_given_up_after_three() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[250], None).await;
    for attempt in 1..=3 {
        let name = format!("w{attempt}");
        let worker = place.worker(&name);
        let mine = claim(&worker).await.expect("a request");
        assert_eq!((mine.attempt, &*mine.worker), (attempt, &*name));
        // A living one would have renewed it.
        place.wait(LEASE_US - 1);
        assert_eq!(
            place.worker("other").look(&[]).await.expect("a look"),
            Look::default()
        );
        place.wait(1);
    }
    let look = place.worker("last").look(&[]).await.expect("a look");
    assert_eq!(look.claimed, None);
    assert_eq!(look.expired.len(), 1);
    let row = &place.all().await[0];
    assert_eq!((row.status, row.attempt), (Status::Failed, 3));
    assert_eq!(row.error, "the lease of w3 expired in attempt 3 of 3");
}

#[tokio::test]
async fn a_worker_that_was_away_for_too_long_stops_and_changes_nothing() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[250], None).await;
    let slow = place.worker("slow");
    let late = claim(&slow).await.expect("a request");
    place.wait(LEASE_US);
    let other = place.worker("other");
    let mine = claim(&other).await.expect("the request");
    let renewed = slow.renew(&late, Progress::default()).await;
    assert_eq!(renewed.expect("an answer"), None);
    let ended = slow.end(&late, Status::Completed, Progress::default(), "");
    assert!(!ended.await.expect("an answer"));
    assert_eq!(place.all().await, std::slice::from_ref(&mine));
    let ended = other.end(&mine, Status::Completed, Progress::default(), "");
    assert!(ended.await.expect("ended"));
}

#[tokio::test]
async fn what_goes_with_a_request_that_was_just_begun_is_left_to_whoever_begun_it() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[250, 500], None).await;
    place.ask("ETHUSDT", &[250], None).await;
    let (first, other) = (place.worker("a"), place.worker("b"));
    let mut mine = vec![claim(&first).await.expect("a request")];
    let theirs = claim(&other).await.expect("another request");
    assert_eq!(theirs.symbol, "ETHUSDT");
    assert_eq!(claim(&other).await, None);
    first.claim_more(&mut mine, 64).await.expect("claimed");
    let dbps: Vec<_> = mine.iter().map(|row| row.threshold_dbps).collect();
    assert_eq!(dbps, [250, 500]);
    // Later on it is somebody else's, rather than nobody's.
    place.ask("BTCUSDT", &[750], None).await;
    assert_eq!(claim(&other).await, None);
    place.wait(5_000_000);
    assert_eq!(claim(&other).await.expect("a request").threshold_dbps, 750);
}
