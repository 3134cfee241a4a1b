//! Where rows end up: ClickHouse, or SQLite.
//!
//! [`open()`] makes a [`Store`](sink::Store) of an [`address`]; the [`schema`] is the same
//! in both.

pub mod address;
pub mod clickhouse;
mod names;
pub mod newest;
mod open;
pub mod schema;
pub mod sink;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod testing;

pub use open::{StoreOptions, open};
