//! A backlog out of the journal into ClickHouse, against the bare insert loop of the
//! `clickhouse` crate with the same rows in memory and the same table.
//!
//! `scripts/with-clickhouse cargo bench --bench delivery`

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

mod bars;
mod interleave;

use std::{fs, path::Path, sync::Arc, time::Duration};

use interleave::{race, wall_time};
use streamkit::{
    app::{
        clock::Clock,
        collect::{Board, Emit, Limits, deliver::Delivery},
        supervise::Turns,
    },
    domain::{
        crash::CrashPoints,
        row::{BarRow, Rows},
    },
    journal::{Commit, Journal, Options, Reopen, lease},
    store::{StoreOptions, clickhouse::BarRecord, open, sink::Store},
};
use tokio_util::sync::CancellationToken;

/// Rows in a commit.
const COMMIT_ROWS: usize = 1000;
/// Rows in an insert of the bare loop.
const BARE_ROWS: usize = 100_000;

/// The server, and a database that is made anew for each run: its memory of tokens would
/// take the second run for the first one sent again.
struct Place {
    runtime: tokio::runtime::Runtime,
    store: Arc<dyn Store>,
    client: clickhouse::Client,
    database: String,
}

impl Place {
    fn new(url: &str) -> Self {
        let database = format!("bench_delivery_{}", std::process::id());
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let address = format!("clickhouse://default@{host}/{database}");
        let address = address.parse().expect("an address");
        let client = clickhouse::Client::default().with_url(url);
        Self {
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            store: open(&address, StoreOptions::default()).expect("a store"),
            client,
            database,
        }
    }

    fn clear(&self) {
        let sql = format!("DROP DATABASE IF EXISTS {} SYNC", self.database);
        self.runtime
            .block_on(self.client.query_raw(&sql).execute())
            .expect("dropped");
    }

    fn renew(&self) {
        self.clear();
        self.runtime
            .block_on(self.store.create_schema())
            .expect("a schema");
    }

    fn judge(&self, rows: usize) {
        let sql = format!("SELECT count() FROM {}.bars", self.database);
        let count: u64 = self
            .runtime
            .block_on(self.client.query_raw(&sql).fetch_one())
            .expect("a count");
        assert_eq!(count, rows as u64, "rows in the table");
    }

    /// The crate's own loop.
    fn bare(&self, rows: &[BarRow]) -> Duration {
        self.renew();
        let client = self.client.clone().with_database(&self.database);
        let begun = wall_time();
        self.runtime.block_on(async {
            for rows in rows.chunks(BARE_ROWS) {
                let mut insert = client
                    .insert::<BarRecord<'_>>("bars")
                    .await
                    .expect("insert");
                for row in rows {
                    insert.write(&BarRecord::from(row)).await.expect("written");
                }
                insert.end().await.expect("confirmed");
            }
        });
        let took = wall_time().saturating_sub(begun);
        self.judge(rows.len());
        took
    }

    /// A copy of the journal, delivered to its end as `spool flush` does it.
    fn deliver(&self, backlog: &Path, rows: usize) -> Duration {
        self.renew();
        let directory = tempfile::tempdir().expect("a directory");
        for file in fs::read_dir(backlog).expect("a journal") {
            let file = file.expect("a file");
            fs::copy(file.path(), directory.path().join(file.file_name())).expect("copied");
        }
        let begun = wall_time();
        let journal = Journal::attach(directory.path(), options()).expect("a journal");
        let (journal, thread) =
            streamkit::journal::start(journal, Reopen::never()).expect("a thread");
        let delivery = Delivery {
            journal,
            store: Arc::clone(&self.store),
            needs_schema: false,
            holder: lease::flusher().into(),
            limits: Limits::default(),
            clock: Clock::system(),
            emit: Emit::new(|event| println!("{event}")),
            board: Board::new(&[]),
            crash: CrashPoints::default(),
            turns: Turns::default(),
        };
        let flushed = self.runtime.block_on(async {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(600);
            delivery.flush(deadline, CancellationToken::new()).await
        });
        assert!(flushed.expect("delivered").is_complete);
        thread.join().expect("no panic");
        let took = wall_time().saturating_sub(begun);
        self.judge(rows);
        took
    }
}

fn options() -> Options {
    let limits = Limits::default();
    Options {
        store: Some("clickhouse:bench".to_owned()),
        max_pages: None,
        accept_store: false,
        batch_rows: limits.batch_rows,
        batch_age_us: 1_000_000,
        most_rows: limits.batch_rows_most,
        crash: CrashPoints::default(),
    }
}

/// Commits all rows, as during an outage, and closes the journal.
fn fill(directory: &Path, rows: &[BarRow]) {
    let mut journal = Journal::open(directory, options()).expect("a journal");
    for (number, rows) in rows.chunks(COMMIT_ROWS).enumerate() {
        let commit = Commit {
            rows: vec![Rows::Bars(rows.to_vec())],
            now_us: 1_756_684_800_000_000 + number as i64,
            ..Commit::default()
        };
        journal.commit(commit).expect("a commit");
    }
}

fn main() {
    let Ok(url) = std::env::var("CLICKHOUSE_URL") else {
        println!("skipped: CLICKHOUSE_URL is not set (see scripts/with-clickhouse)");
        return;
    };
    let place = Place::new(&url);
    println!("rows a second, median; ratio min / median / max");
    for (rows, rounds) in [(10_000, 5), (100_000, 5), (1_000_000, 7)] {
        let all = bars::bars(rows);
        let backlog = tempfile::tempdir().expect("a directory");
        fill(backlog.path(), &all);
        race(
            &format!("a backlog of {rows}"),
            ("delivery", || place.deliver(backlog.path(), rows)),
            ("bare loop", || place.bare(&all)),
            rows,
            rounds,
        );
    }
    place.clear();
}
