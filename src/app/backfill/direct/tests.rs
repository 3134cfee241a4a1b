//! Rows of backfills by hand, beside those who ask and a worker that looks.

use tempfile::TempDir;

use super::*;
use crate::{
    app::backfill::queue::ask,
    domain::{anchor::Anchor, symbol::Symbol},
    store::sink::RequestQuery,
};

const NOW_US: i64 = 1_700_000_000_000_000;

struct Place {
    store: Arc<dyn Store>,
    clock: Clock,
    _directory: TempDir,
}

impl Place {
    async fn new() -> Self {
        let (store, directory) = crate::store::testing::sqlite().await;
        Self {
            store,
            clock: Clock::with_wall(|| NOW_US),
            _directory: directory,
        }
    }

    async fn enter(&self, since_us: Option<i64>) -> (CancellationToken, Kept) {
        let board = SymbolBoard::new(symbol(), &[threshold()], Arc::new(|_, _| {}));
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone());
        let entry = Entry::make(
            store,
            clock,
            "nas:1",
            &scope(),
            since_us,
            &[threshold()],
            board,
        )
        .await;
        let over = CancellationToken::new();
        (over.clone(), entry.expect("entered").keep(over))
    }

    /// Asks for the same.
    async fn ask(&self, since_us: i64) -> bool {
        let (store, symbol) = (&*self.store, symbol());
        let asked = ask(
            store,
            &self.clock,
            &symbol,
            &[threshold()],
            Some(since_us),
            &scope(),
        )
        .await;
        asked.expect("asked")[0].is_new
    }

    async fn claim(&self) -> Option<RequestRow> {
        let store = Arc::clone(&self.store);
        let worker = Queue::new(store, self.clock.clone(), "w", LEASE);
        worker.look(&[]).await.expect("a look").claimed
    }

    async fn statuses(&self) -> Vec<Status> {
        let read = self.store.stored_requests(&RequestQuery::default()).await;
        let rows = read.expect("requests").into_iter();
        let mut statuses: Vec<_> = rows.map(|row| row.expect("a row").status).collect();
        statuses.sort_by_key(|status| status.as_str());
        statuses
    }
}

fn symbol() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

fn scope() -> Scope {
    Scope::new("sim", Anchor::Day)
}

fn threshold() -> Threshold {
    Threshold::new(250).expect("a threshold")
}

async fn end(over: CancellationToken, kept: Kept, status: Status) {
    over.cancel();
    let deadline = Instant::now() + Duration::from_secs(60);
    kept.end(status, "why", deadline).await;
}

#[tokio::test]
async fn what_is_asked_for_meanwhile_is_completed_together_with_it() {
    let place = Place::new().await;
    let (over, kept) = place.enter(Some(50)).await;
    assert!(place.ask(50).await, "a wish of one's own");
    assert!(!place.ask(60).await, "once");
    assert_eq!(place.claim().await, None);
    end(over, kept, Status::Completed).await;
    assert_eq!(place.statuses().await, [Status::Completed; 2]);
}

#[tokio::test]
async fn bars_that_are_cut_elsewhere_fulfil_nobodys_wish() {
    let place = Place::new().await;
    let (over, kept) = place.enter(Some(50)).await;
    let month = Scope::new("sim", Anchor::Month);
    let (store, clock) = (&*place.store, &place.clock);
    let asked = ask(store, clock, &symbol(), &[threshold()], Some(50), &month).await;
    assert!(asked.expect("asked")[0].is_new);
    end(over, kept, Status::Completed).await;
    assert_eq!(
        place.statuses().await,
        [Status::Completed, Status::Pending],
        "that of the month waits for a worker who makes months"
    );
    let worker = |scope| {
        let store = Arc::clone(&place.store);
        Queue::new(store, place.clock.clone(), "w", LEASE).within(scope)
    };
    let of_days = worker(scope()).look(&[]).await.expect("a look");
    assert_eq!(of_days.claimed, None);
    let of_months = worker(month.clone()).look(&[]).await.expect("a look");
    assert_eq!(of_months.claimed.expect("claimed").scope, month);
}

#[tokio::test]
async fn what_was_asked_for_is_a_workers_when_it_is_interrupted_and_that_is_no_failure() {
    let place = Place::new().await;
    let (over, kept) = place.enter(Some(50)).await;
    place.ask(50).await;
    end(over, kept, Status::Skipped).await;
    assert_eq!(place.statuses().await, [Status::Pending, Status::Skipped]);
    assert_eq!(place.claim().await.expect("a request").since_us, Some(50));
    assert_eq!(place.claim().await, None, "the one by hand is over");
}

#[tokio::test]
async fn what_ends_earlier_than_now_is_seen_and_keeps_nobody_waiting() {
    let place = Place::new().await;
    let (over, kept) = place.enter(None).await;
    assert_eq!(place.statuses().await, [Status::Running]);
    place.ask(50).await;
    assert!(place.claim().await.is_some());
    end(over, kept, Status::Completed).await;
}
