//! From an address to a store.

use std::sync::Arc;

use super::{
    address::StoreAddress,
    clickhouse::{ClickHouseOptions, ClickHouseStore},
    sink::{Store, StoreError},
    sqlite::{SqliteOptions, SqliteStore},
};

/// How stores of either kind behave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// For ClickHouse.
    pub clickhouse: ClickHouseOptions,
    /// For SQLite.
    pub sqlite: SqliteOptions,
}

/// Makes a store of its address. Nothing is sent or opened yet: that happens with the
/// first call, and again whenever a connection was lost.
///
/// # Errors
/// When TLS or a thread cannot be set up.
pub fn open(address: &StoreAddress, options: StoreOptions) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match address {
        StoreAddress::ClickHouse(address) => {
            Arc::new(ClickHouseStore::new(address.clone(), options.clickhouse)?)
        }
        StoreAddress::Sqlite(path) => Arc::new(SqliteStore::new(path.clone(), options.sqlite)?),
    })
}
