//! Stores for tests.

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::Connection;
use tempfile::TempDir;

mod flaky;

pub(crate) use flaky::Flaky;

use super::{StoreOptions, address::StoreAddress, open, sink::Store, sqlite::SqliteOptions};

/// A SQLite store with its tables, in a directory that goes with the test.
pub(crate) async fn sqlite() -> (Arc<dyn Store>, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let address = StoreAddress::Sqlite(file(directory.path()));
    let store = open(&address, StoreOptions::default()).expect("a store");
    store.create_schema().await.expect("a schema");
    (store, directory)
}

/// The same, but it gives up at once on a file that others have locked.
pub(crate) async fn impatient_sqlite() -> (Arc<dyn Store>, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let address = StoreAddress::Sqlite(file(directory.path()));
    let options = StoreOptions {
        sqlite: SqliteOptions {
            busy_timeout: Duration::from_millis(1),
            ..SqliteOptions::default()
        },
        ..StoreOptions::default()
    };
    let store = open(&address, options).expect("a store");
    store.create_schema().await.expect("a schema");
    (store, directory)
}

/// Lets nobody write until it is dropped.
pub(crate) struct Locked(Connection);

impl Locked {
    pub(crate) fn new(directory: &TempDir) -> Self {
        let connection = Connection::open(file(directory.path())).expect("opened");
        connection.execute_batch("BEGIN IMMEDIATE").expect("locked");
        Self(connection)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.execute_batch("ROLLBACK");
    }
}

/// Does something to the tables that no store would.
pub(crate) fn execute(directory: &TempDir, sql: &str) {
    let connection = Connection::open(file(directory.path())).expect("opened");
    connection.execute_batch(sql).expect("done");
}

fn file(directory: &Path) -> std::path::PathBuf {
    directory.join("store.sqlite")
}
