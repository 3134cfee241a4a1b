//! Workers that die, stop, come too late, or have work that fails.

use super::*;

#[tokio::test]
async fn what_a_worker_had_that_died_is_carried_out_by_another_once() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[250], None).await;
    let mut dead = place.worker("dead", false);
    let left = dead.begun().await;
    // Killed: nothing of it goes on, and nothing is given back.
    dead.task.abort();
    assert!(dead.task.await.expect_err("killed").is_cancelled());
    let mut heir = place.worker("heir", false);
    place
        .until("taken over", |rows| rows[0].worker == "heir")
        .await;
    let begun = heir.begun().await;
    assert_eq!(begun.job, left.job);
    assert!(heir.has_told(|event| matches!(event, Event::Expired { .. })));
    begun.end.send(done()).expect("sent");
    let rows = place.until_ended().await;
    assert_eq!((rows[0].status, rows[0].attempt), (Status::Completed, 2));
    assert_eq!(heir.stop().await, Summary { taken: 1 });
}

#[tokio::test]
async fn whoever_has_lost_its_request_stops_and_changes_nothing() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[250], None).await;
    let mut late = place.worker("late", false);
    let begun = late.begun().await;
    // As if the machine had slept: to another worker the lease is over.
    let mine = place.rows().await.remove(0);
    let put = async |change: Change| place.store.put_request(&change).await.expect("put");
    let until_us = mine.lease_until_us.expect("a lease");
    let pending = mine.expired(until_us);
    let theirs = pending.row.claimed("other", until_us, 3_600_000_000).row;
    let token = "claim".to_owned();
    put(Change {
        row: theirs.clone(),
        token,
    })
    .await;
    place.pass(6).await;
    begun.stop.cancelled().await;
    assert!(late.has_told(|event| matches!(event, Event::Lost { .. })));
    assert_eq!(place.rows().await, [theirs]);
    late.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_stopped_gives_its_requests_back_at_once() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[250, 500], None).await;
    let mut worker = place.worker("w", false);
    let begun = worker.begun().await;
    worker.stop().await;
    assert!(begun.stop.is_cancelled());
    for row in place.rows().await {
        assert_eq!(
            (row.status, row.attempt, row.lease_until_us),
            (Status::Pending, 0, None)
        );
        assert_eq!(row.error, "w gave it back in attempt 1");
    }
    // However often that happens, it is no failure, and the next one needs not wait.
    for _ in 2..=5 {
        let mut next = place.worker("next", false);
        let _begun = next.begun().await;
        next.stop().await;
        assert!(place.rows().await.iter().all(|row| row.attempt == 0));
    }
    let mut last = place.worker("last", true);
    last.begun().await.end.send(done()).expect("sent");
    last.end().await;
    let rows = place.rows().await;
    assert!(
        rows.iter()
            .all(|row| row.status == Status::Completed && row.attempt == 1)
    );
}

#[tokio::test]
async fn work_that_does_not_stop_is_dropped_and_given_back() {
    /// Neither ends nor stops.
    struct Deaf(Sender<()>);

    #[async_trait]
    impl Work for Deaf {
        async fn run(&self, _: Job, _: &ProgressCell, _: CancellationToken) -> Outcome {
            self.0.send(()).await.expect("a test that looks on");
            std::future::pending().await
        }
    }

    let place = Place::new().await;
    place.ask("BTCUSDT", &[250], None).await;
    let (sender, mut begun) = channel(1);
    let settings = Settings {
        name: "w".to_owned(),
        host: "nas".to_owned(),
        pid: 1,
        poll: Duration::from_secs(30),
        lease: LEASE,
        parallel: 0,
        stop_timeout: Duration::from_secs(10),
        is_once: false,
        scope: Scope::default(),
    };
    let store = Arc::clone(&place.store);
    let work = Arc::new(Deaf(sender));
    let worker = Worker::new(settings, store, place.clock.clone(), work, |_| {});
    let stop = CancellationToken::new();
    let task = tokio::spawn(worker.run(stop.clone()));
    begun.recv().await.expect("begun");
    stop.cancel();
    let pending = |rows: &[RequestRow]| rows[0].status == Status::Pending;
    place.until("given back", pending).await;
    task.await.expect("no panic").expect("no failure");
}

#[tokio::test]
async fn work_that_panics_or_cannot_be_read_has_failed_and_the_worker_goes_on() {
    let place = Place::new().await;
    place.ask("BTCUSDT", &[250], None).await;
    let mut bad = RequestRow::new("bad".to_owned(), "a b".to_owned(), 0, START_US);
    put_new(&place, &bad).await;
    "bad2".clone_into(&mut bad.request_id);
    "BTCUSDT".clone_into(&mut bad.symbol);
    bad.threshold_dbps = 100_001;
    put_new(&place, &bad).await;
    let mut worker = place.worker("w", true);
    let begun = worker.begun().await;
    assert_eq!(begun.job.thresholds, [threshold(250)]);
    drop(begun.end);
    worker.end().await;
    let mut rows = place.rows().await;
    rows.sort_by(|a, b| a.request_id.cmp(&b.request_id));
    assert!(
        rows.iter()
            .all(|row| row.status == Status::Failed && row.attempt == 1)
    );
    let reasons = [
        "not a symbol",
        "not a threshold",
        "it panicked at src/app/backfill",
    ];
    for reason in reasons {
        assert!(
            rows.iter().any(|row| row.error.contains(reason)),
            "{rows:#?}"
        );
    }
}

async fn put_new(place: &Place, row: &RequestRow) {
    let (row, token) = (row.clone(), format!("request:{}", row.request_id));
    place
        .store
        .put_request(&Change { row, token })
        .await
        .expect("put");
}

#[tokio::test]
async fn a_request_that_was_given_back_is_another_workers_at_once() {
    let place = Place::new().await;
    let asked = place.ask("BTCUSDT", &[250], None).await.remove(0);
    let queue = |name: &str| Queue::new(Arc::clone(&place.store), place.clock.clone(), name, LEASE);
    let (a, b) = (queue("a"), queue("b"));
    let mine = a
        .look(&[])
        .await
        .expect("a look")
        .claimed
        .expect("a request");
    assert_eq!(b.look(&[]).await.expect("a look").claimed, None);
    assert!(a.release(&mine).await.expect("given back"));
    let theirs = b
        .look(&[])
        .await
        .expect("a look")
        .claimed
        .expect("a request");
    assert_eq!((&theirs.request_id, theirs.attempt), (&asked.request_id, 1));
    // What the first one writes late counts for nothing.
    assert!(!a.release(&mine).await.expect("an answer"));
    let late = mine.in_doubt().released();
    place.store.put_request(&late).await.expect("put");
    assert_eq!(place.rows().await, [theirs]);
}
