//! Stores for tests.

use std::sync::Arc;

use tempfile::TempDir;

use super::{StoreOptions, address::StoreAddress, open, sink::Store};

/// A SQLite store with its tables, in a directory that goes with the test.
pub(crate) async fn sqlite() -> (Arc<dyn Store>, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let address = StoreAddress::Sqlite(directory.path().join("store.sqlite"));
    let store = open(&address, StoreOptions::default()).expect("a store");
    store.create_schema().await.expect("a schema");
    (store, directory)
}
