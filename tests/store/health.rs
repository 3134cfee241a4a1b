//! What every store does with rows of health.

use streamkit::{
    domain::{
        breaker::BreakerState,
        row::{HealthRow, StreamState},
    },
    store::sink::{HealthQuery, StoreErrorKind},
};

use crate::{place::Place, rows::health, suite::suite};

suite! {
    health_is_replaced_by_later_heartbeats_only
    health_that_is_not_known_yet_comes_back_so
    a_query_of_health_gets_what_it_asks_for_in_order
    health_that_cannot_be_read_is_named
}

async fn stored_health(place: &Place) -> Vec<HealthRow> {
    let found = place.store.health(&HealthQuery::default()).await;
    found.expect("health")
}

async fn health_is_replaced_by_later_heartbeats_only(place: Place) {
    let store = &place.store;
    store.put_health(&[]).await.expect("nothing to do");
    assert_eq!(stored_health(&place).await, []);
    let first = [health("nas", "BTCUSDT", 10), health("nas", "ETHUSDT", 10)];
    store.put_health(&first).await.expect("put");
    assert_eq!(stored_health(&place).await, first);
    // What comes late, or again, changes nothing, even if it says something else.
    let mut late = health("nas", "BTCUSDT", 9);
    late.state = StreamState::Stopped;
    store.put_health(&[late]).await.expect("put");
    store.put_health(&first).await.expect("put");
    assert_eq!(stored_health(&place).await, first);
    let mut next = health("nas", "BTCUSDT", 11);
    next.state = StreamState::Quiet;
    next.breaker = BreakerState::HalfOpen;
    next.newest_bars.clear();
    store.put_health(&[next.clone()]).await.expect("put");
    assert_eq!(stored_health(&place).await, [next, first[1].clone()]);
    place.leave().await;
}

async fn health_that_is_not_known_yet_comes_back_so(place: Place) {
    let mut unknown = health("nas", "BTCUSDT", 1);
    unknown.last_agg_trade_id = None;
    unknown.last_trade_time_us = None;
    unknown.received_at_us = None;
    unknown.newest_bars.clear();
    let mut extreme = health("it's – \\ ok?", "ETHUSDT", 4_102_444_799_999_999);
    extreme.last_agg_trade_id = Some(i64::MAX);
    extreme.spool_rows = i64::MAX.unsigned_abs();
    let mut first = health("vps", "BTCUSDT", 1);
    first.last_agg_trade_id = Some(0);
    let rows = [extreme, unknown, first];
    place.store.put_health(&rows).await.expect("put");
    assert_eq!(stored_health(&place).await, rows);
    place.leave().await;
}

async fn a_query_of_health_gets_what_it_asks_for_in_order(place: Place) {
    let mut elsewhere = health("nas", "BTCUSDT", 1);
    elsewhere.exchange = "binance".into();
    let rows = [
        elsewhere,
        health("nas", "BTCUSDT", 1),
        health("nas", "ETHUSDT", 1),
        health("vps' OR '1'='1", "BTCUSDT", 1),
    ];
    for row in rows.iter().rev() {
        let row = std::slice::from_ref(row);
        place.store.put_health(row).await.expect("put");
    }
    let all = |wanted: &[usize]| {
        wanted
            .iter()
            .map(|&at| rows[at].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(stored_health(&place).await, all(&[0, 1, 2, 3]));
    let (exchange, collector) = (Some("sim".to_owned()), Some("nas".to_owned()));
    let symbols = vec![rows[0].symbol.clone()];
    for (query, wanted) in [
        (
            HealthQuery {
                exchange: exchange.clone(),
                ..HealthQuery::default()
            },
            all(&[1, 2, 3]),
        ),
        (
            HealthQuery {
                collector: collector.clone(),
                ..HealthQuery::default()
            },
            all(&[0, 1, 2]),
        ),
        (
            HealthQuery {
                exchange,
                symbols,
                collector,
            },
            all(&[1]),
        ),
    ] {
        assert_eq!(place.store.health(&query).await.expect("health"), wanted);
    }
    place.leave().await;
}

async fn health_that_cannot_be_read_is_named(place: Place) {
    for (heartbeat_us, (column, value)) in (1..).zip([
        ("state", "'asleep'"),
        ("symbol", "'btcusdt'"),
        ("breaker", "'ajar'"),
        ("newest_bars", place.bars_of_threshold_zero()),
    ]) {
        let good = health("nas", "ETHUSDT", heartbeat_us);
        place.execute("DELETE FROM stream_health WHERE 1 = 1").await;
        let rows = [health("nas", "BTCUSDT", heartbeat_us), good.clone()];
        place.store.put_health(&rows).await.expect("put");
        place.alter_health("BTCUSDT", column, value).await;
        let stored = place.store.stored_health(&HealthQuery::default()).await;
        let (read, unreadable): (Vec<_>, Vec<_>) =
            stored.expect("health").into_iter().partition(Result::is_ok);
        assert_eq!(read, [Ok(good.clone())], "{column}");
        let fault = unreadable.into_iter().next().expect(column);
        let told = fault.expect_err("no row").to_string();
        assert!(
            told.contains("of stream_health") && told.contains(column) && told.contains("nas"),
            "{told}"
        );
        let error = place.store.health(&HealthQuery::default()).await;
        let error = error.expect_err("no health");
        assert_eq!(error.kind, StoreErrorKind::Configuration);
        assert!(error.reason.contains(column), "{}", error.reason);
    }
    place.leave().await;
}
