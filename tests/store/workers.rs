//! What every store does with what workers tell of themselves.

use streamkit::{
    domain::{
        backfill_request::{Progress, RequestRow, Status},
        backfill_worker::WorkerRow,
    },
    store::sink::RequestQuery,
};

use crate::{place::Place, suite::suite};

suite! {
    a_workers_latest_sign_of_life_counts_and_comes_back_bit_by_bit
    workers_that_were_not_heard_of_since_then_are_left_out
    requests_that_ended_since_then_are_told_apart_from_all_others
    a_store_without_the_table_says_so_until_it_is_made
}

const NOW_US: i64 = 1_700_000_000_123_457;

fn worker(name: &str, heartbeat_at_us: i64) -> WorkerRow {
    WorkerRow {
        worker: name.to_owned(),
        host: "na's \\ ok?".to_owned(),
        pid: u32::MAX,
        started_at_us: NOW_US - 1,
        requests: 3,
        is_ended: false,
        heartbeat_at_us,
    }
}

async fn stored(place: &Place, since_us: i64) -> Vec<WorkerRow> {
    let read = place.store.stored_workers(since_us).await.expect("workers");
    read.into_iter().collect::<Result<_, _>>().expect("rows")
}

async fn put(place: &Place, row: &WorkerRow) {
    place.store.put_worker(row).await.expect("put");
}

async fn a_workers_latest_sign_of_life_counts_and_comes_back_bit_by_bit(place: Place) {
    assert_eq!(stored(&place, 0).await, []);
    let (other, first) = (worker("b:2", NOW_US), worker("a:1", NOW_US));
    for row in [&other, &first, &first] {
        put(&place, row).await;
    }
    assert_eq!(stored(&place, 0).await, [first.clone(), other.clone()]);
    let late = WorkerRow {
        requests: 9,
        ..worker("a:1", NOW_US - 1)
    };
    put(&place, &late).await;
    assert_eq!(stored(&place, 0).await, [first, other.clone()]);
    let ended = WorkerRow {
        requests: 0,
        is_ended: true,
        ..worker("a:1", NOW_US + 1)
    };
    put(&place, &ended).await;
    assert_eq!(stored(&place, 0).await, [ended, other]);
    place.leave().await;
}

async fn workers_that_were_not_heard_of_since_then_are_left_out(place: Place) {
    let (old, new) = (worker("a:1", NOW_US), worker("b:2", NOW_US + 1));
    put(&place, &old).await;
    put(&place, &new).await;
    assert_eq!(stored(&place, NOW_US).await, [old.clone(), new.clone()]);
    assert_eq!(stored(&place, NOW_US + 1).await, [new]);
    // One that is heard of again is back.
    let again = worker("a:1", NOW_US + 2);
    put(&place, &again).await;
    assert_eq!(stored(&place, NOW_US + 2).await, [again]);
    place.leave().await;
}

async fn requests_that_ended_since_then_are_told_apart_from_all_others(place: Place) {
    let request = |id: &str| {
        let row = RequestRow::new(id.to_owned(), "BTCUSDT".to_owned(), 0, NOW_US);
        row.claimed("a:1", NOW_US, 1).row
    };
    for (id, at_us) in [("1", NOW_US), ("2", NOW_US + 1)] {
        let change = request(id).ended(Status::Completed, Progress::default(), "", at_us);
        place.store.put_request(&change).await.expect("put");
    }
    let open = request("3").renewed(Progress::default(), NOW_US + 9, 1);
    place.store.put_request(&open).await.expect("put");
    let query = RequestQuery {
        ended_since_us: Some(NOW_US + 1),
        ..RequestQuery::default()
    };
    let read = place.store.stored_requests(&query).await.expect("requests");
    let ids: Vec<_> = read
        .into_iter()
        .map(|row| row.expect("a row").request_id)
        .collect();
    assert_eq!(ids, ["2"]);
    place.leave().await;
}

async fn a_store_without_the_table_says_so_until_it_is_made(place: Place) {
    place.execute("DROP TABLE backfill_workers").await;
    let error = place.store.stored_workers(0).await.expect_err("no table");
    assert!(error.lacks_table(), "{error}");
    place.store.create_schema().await.expect("a schema");
    let row = worker("a:1", NOW_US);
    put(&place, &row).await;
    assert_eq!(stored(&place, 0).await, [row]);
    place.leave().await;
}
