//! What every store does with requests for backfills.

use streamkit::{
    domain::backfill_request::{Change, Progress, RequestRow, Status, Turn},
    store::sink::RequestQuery,
};

use crate::{place::Place, suite::suite};

suite! {
    a_request_comes_back_bit_by_bit_in_every_state
    of_two_claims_the_first_one_counts_and_both_can_read_that
    an_attempt_that_lost_its_lease_replaces_nothing
    a_row_that_a_dashboard_puts_in_is_a_request_for_all_thresholds
    a_query_of_requests_gets_what_it_asks_for_the_oldest_first
}

const LEASE_US: i64 = 120_000_000;

fn request(id: &str, requested_at_us: i64) -> RequestRow {
    RequestRow::new(id.to_owned(), "BTCUSDT".to_owned(), 250, requested_at_us)
}

async fn put(place: &Place, change: Change) -> RequestRow {
    place.store.put_request(&change).await.expect("put");
    change.row
}

async fn ask(place: &Place, row: &RequestRow) {
    let token = format!("request:{}", row.request_id);
    let row = row.clone();
    put(place, Change { row, token }).await;
}

async fn stored(place: &Place, query: &RequestQuery) -> Vec<RequestRow> {
    let read = place.store.stored_requests(query).await.expect("requests");
    read.into_iter().collect::<Result<_, _>>().expect("rows")
}

async fn the_one(place: &Place) -> RequestRow {
    let mut rows = stored(place, &RequestQuery::default()).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

async fn a_request_comes_back_bit_by_bit_in_every_state(place: Place) {
    let mut first = request("r 1'\"", 1_700_000_000_123_457);
    first.since_us = Some(1_690_000_000_000_001);
    first.gap_seconds = 0.1 + 0.2;
    ask(&place, &first).await;
    assert_eq!(the_one(&place).await, first);
    let now_us = 1_700_000_001_000_001;
    let claimed = put(&place, first.claimed("worker", now_us, LEASE_US)).await;
    assert_eq!(the_one(&place).await, claimed);
    let progress = Progress {
        bars_written: 1,
        trades_done: u64::from(u32::MAX) + 1,
        trades_total: 3,
    };
    let renewed = put(&place, claimed.renewed(progress, now_us + 1, LEASE_US)).await;
    assert_eq!(the_one(&place).await, renewed);
    for status in [Status::Completed, Status::Failed, Status::Skipped] {
        let ended = renewed.ended(status, progress, "why\n'not'", now_us + 2);
        let other = Place::like(&place).await;
        let ended = put(&other, ended).await;
        assert_eq!(the_one(&other).await, ended);
        other.leave().await;
    }
    place.leave().await;
}

async fn of_two_claims_the_first_one_counts_and_both_can_read_that(place: Place) {
    ask(&place, &request("r", 5)).await;
    let seen = the_one(&place).await;
    let a = put(&place, seen.claimed("a", 10, LEASE_US)).await;
    let b = put(&place, seen.claimed("b", 11, LEASE_US)).await;
    let won = the_one(&place).await;
    assert!(a.is_still_mine(&won) && !b.is_still_mine(&won), "{won:?}");
    // What is sent again because its answer was lost changes nothing either.
    put(&place, seen.claimed("a", 12, LEASE_US)).await;
    assert_eq!(the_one(&place).await, won);
    place.leave().await;
}

async fn an_attempt_that_lost_its_lease_replaces_nothing(place: Place) {
    let asked = request("r", 5);
    ask(&place, &asked).await;
    let late = put(&place, asked.claimed("late", 10, LEASE_US)).await;
    let stored = the_one(&place).await;
    assert_eq!(stored.turn(10 + LEASE_US), Turn::Expire);
    let expired = put(&place, stored.expired(10 + LEASE_US)).await;
    let other = put(&place, expired.claimed("other", 11 + LEASE_US, LEASE_US)).await;
    let renewed = put(
        &place,
        late.renewed(Progress::default(), i64::MAX / 1000, 0),
    )
    .await;
    let done = renewed.ended(Status::Completed, Progress::default(), "", 20 + LEASE_US);
    put(&place, done).await;
    assert_eq!(the_one(&place).await, other);
    place.leave().await;
}

async fn a_row_that_a_dashboard_puts_in_is_a_request_for_all_thresholds(place: Place) {
    place
        .execute("INSERT INTO backfill_requests (symbol) VALUES ('BTCUSDT')")
        .await;
    let row = the_one(&place).await;
    assert_eq!((row.symbol.as_str(), row.threshold_dbps), ("BTCUSDT", 0));
    assert_eq!(row.status, Status::Pending);
    assert!(row.request_id.len() >= 32 && row.requested_at_us > 1_700_000_000_000_000);
    let claimed = put(&place, row.claimed("a", 10, LEASE_US)).await;
    assert!(claimed.is_still_mine(&the_one(&place).await));
    place.leave().await;
}

async fn a_query_of_requests_gets_what_it_asks_for_the_oldest_first(place: Place) {
    let mut rows = [request("b", 30), request("a", 30), request("c", 10)];
    "ETHUSDT".clone_into(&mut rows[0].symbol);
    for row in &rows {
        ask(&place, row).await;
    }
    rows[2] = put(&place, rows[2].claimed("w", 40, LEASE_US)).await;
    for (query, wanted) in [
        (RequestQuery::default(), vec![2, 1, 0]),
        (
            RequestQuery {
                statuses: vec![Status::Pending, Status::Failed],
                ..RequestQuery::default()
            },
            vec![1, 0],
        ),
        (
            RequestQuery {
                symbols: vec!["BTCUSDT".to_owned()],
                since_us: Some(20),
                ..RequestQuery::default()
            },
            vec![1],
        ),
        (
            RequestQuery {
                request_ids: vec!["c".to_owned(), "b".to_owned()],
                ..RequestQuery::default()
            },
            vec![2, 0],
        ),
    ] {
        let wanted: Vec<_> = wanted
            .into_iter()
            .map(|at: usize| rows[at].clone())
            .collect();
        assert_eq!(stored(&place, &query).await, wanted, "{query:?}");
    }
    place.leave().await;
}
