//! A server of one's own that is killed, stopped and started again on its data.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

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
    place::{clickhouse_address, clickhouse_lib, read},
    rows::{bars, batch, btc, event},
};

const PATIENCE: Duration = Duration::from_secs(1);
const START: Duration = Duration::from_secs(60);

struct Server {
    child: Child,
}

impl Server {
    /// Starts a server and waits until it answers.
    async fn start(lib: &str, data: &Path, port: u16, store: &dyn Store) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/clickhouse-server");
        let child = Command::new("python3")
            .arg(script)
            .args([
                "--lib",
                lib,
                "--port",
                &port.to_string(),
                "--max-seconds",
                "300",
                "--data",
            ])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("a server");
        let mut server = Self { child };
        let deadline = Instant::now() + START;
        // Whatever it says, a server that says it is up. The database may be missing.
        while let Err(error) = store.ping().await {
            if error.code.is_some() {
                break;
            }
            let ended = server.child.try_wait().expect("a process");
            assert!(ended.is_none() && Instant::now() < deadline, "{error}");
            sleep(Duration::from_millis(50)).await;
        }
        server
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    fn kill(&mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("an end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn store_at(port: u16) -> Arc<dyn Store> {
    let address = clickhouse_address(&format!("http://127.0.0.1:{port}"), "default", "outage");
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
    let Some(lib) = clickhouse_lib() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|probe| probe.local_addr())
        .expect("a port")
        .port();
    let store = store_at(port);
    let mut server = Server::start(&lib, directory.path(), port, &*store).await;
    store.create_schema().await.expect("a schema");
    let rows = batch(Rows::Bars(bars(&btc(), 5000, 1)), "rows");
    let events = batch(Rows::Events(vec![event("a"), event("b")]), "events");
    deliver(&*store, &rows).await;
    deliver(&*store, &events).await;

    // Killed after it confirmed, so that the same comes again behind the restart.
    server.kill();
    fails_for_now(&*store, &events).await;
    drop(server);
    let server = Server::start(&lib, directory.path(), port, &*store).await;
    deliver(&*store, &rows).await;
    deliver(&*store, &events).await;

    // Stopped, so that it takes connections and says nothing; then it works off what lay
    // in its sockets, beside what is sent again.
    server.signal("STOP");
    let more = batch(Rows::Events(vec![event("c")]), "more");
    let started = Instant::now();
    fails_for_now(&*store, &more).await;
    assert!(started.elapsed() < 5 * PATIENCE, "{:?}", started.elapsed());
    server.signal("CONT");
    deliver(&*store, &more).await;

    assert_eq!(
        read(&*store, &BarQuery::default()).await,
        bars(&btc(), 5000, 1)
    );
    let client = clickhouse::Client::default()
        .with_url(format!("http://127.0.0.1:{port}"))
        .with_database("outage");
    for (table, count) in [("bars", 5000), ("events", 3)] {
        let sql = format!("SELECT count() FROM {table}");
        let found: u64 = client.query(&sql).fetch_one().await.expect(&sql);
        assert_eq!(found, count, "{table}");
    }
}
