//! A server of one's own that is killed, stopped and started again on its data.

use std::{sync::Arc, time::Duration};

use streamkit::{
    domain::row::Rows,
    store::{
        StoreOptions,
        clickhouse::ClickHouseOptions,
        open,
        sink::{BarQuery, Batch, Store, StoreErrorKind},
    },
};
use tokio::time::{Instant, sleep};

use crate::{
    place::read,
    rows::{bars, batch, btc, event},
    server::{OwnClickHouse, START, clickhouse_address},
};

const PATIENCE: Duration = Duration::from_secs(1);

fn store_at(url: &str) -> Arc<dyn Store> {
    let address = clickhouse_address(url, "default", "outage");
    let options = StoreOptions {
        clickhouse: ClickHouseOptions {
            connect_timeout: PATIENCE,
            send_timeout: PATIENCE,
            answer_timeout: PATIENCE,
            insert_timeout: 2 * PATIENCE,
            query_timeout: START,
        },
        ..StoreOptions::default()
    };
    open(&address, options).expect("a store")
}

/// Sends the batch until it is confirmed, as delivery does.
async fn deliver(store: &dyn Store, batch: &Batch) {
    let deadline = Instant::now() + START;
    while let Err(error) = store.insert(batch).await {
        assert!(Instant::now() < deadline, "{error}");
        assert!(
            matches!(
                error.kind,
                StoreErrorKind::Retry | StoreErrorKind::Ambiguous
            ),
            "{error}"
        );
        sleep(Duration::from_millis(50)).await;
    }
}

/// Whether anything was sent depends on when the end of a pooled connection is noticed.
async fn fails_for_now(store: &dyn Store, batch: &Batch) {
    let error = store.insert(batch).await.expect_err("no confirmation");
    let kinds = [StoreErrorKind::Retry, StoreErrorKind::Ambiguous];
    assert!(kinds.contains(&error.kind), "{error}");
}

#[tokio::test]
async fn what_was_sent_around_an_outage_is_there_once() {
    let Some(mut server) = OwnClickHouse::start().await else {
        return;
    };
    let store = store_at(&server.url());
    store.create_schema().await.expect("a schema");
    let rows = batch(Rows::Bars(bars(&btc(), 5000, 1)), "rows");
    let events = batch(Rows::Events(vec![event("a"), event("b")]), "events");
    deliver(&*store, &rows).await;
    deliver(&*store, &events).await;

    // Killed after it confirmed, so that the same comes again behind the restart.
    server.kill();
    fails_for_now(&*store, &events).await;
    server.restart().await;
    deliver(&*store, &rows).await;
    deliver(&*store, &events).await;

    // Stopped, so that it takes connections and says nothing; then it works off what lay
    // in its sockets, beside what is sent again.
    server.freeze();
    let more = batch(Rows::Events(vec![event("c")]), "more");
    let started = Instant::now();
    fails_for_now(&*store, &more).await;
    assert!(started.elapsed() < 5 * PATIENCE, "{:?}", started.elapsed());
    server.thaw();
    deliver(&*store, &more).await;

    assert_eq!(
        read(&*store, &BarQuery::default()).await,
        bars(&btc(), 5000, 1)
    );
    let client = clickhouse::Client::default()
        .with_url(server.url())
        .with_database("outage");
    for (table, count) in [("bars", 5000), ("events", 3)] {
        let sql = format!("SELECT count() FROM {table}");
        let found: u64 = client.query(&sql).fetch_one().await.expect(&sql);
        assert_eq!(found, count, "{table}");
    }
}
