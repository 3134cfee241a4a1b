//! The tables and views of a store, as text and as statements to run.
//!
//! Both stores have the same tables: `bars`, `seals`, `stream_health`, `gaps`, `events`,
//! `backfill_requests`, `backfill_workers` and `trades`, and the view `bars_current`, which is
//! what to read bars from: the newest version of each row, without tombstones. SQLite has the
//! view `bars_real` beside it, with decimals as REAL.

mod clickhouse;
mod sqlite;
mod statement;

pub(in crate::store) use statement::quote_identifier;
pub use statement::{
    Cluster, ClusterError, Statement, StoreKind, StoreKindError, print, statements,
};
