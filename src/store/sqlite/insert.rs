//! One batch in one transaction.
//!
//! Rows with a key replace older versions of themselves only, so a batch that is sent
//! again changes nothing. Events have no key: their batches are told apart by their
//! tokens, the latest of which are kept.

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior};

use super::{
    errors::Failure,
    rows::{put_bar, put_event, put_gap, put_trade},
};
use crate::{
    domain::row::{KEY_COLUMNS, Rows, bar_column_names},
    store::sink::Batch,
};

/// As many as ClickHouse keeps.
const TOKENS_KEPT: i64 = 10_000;

/// Puts a batch in. It is on disk when this returns.
pub(super) fn insert(connection: &mut Connection, batch: &Batch) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match &batch.rows {
        Rows::Bars(rows) => {
            let columns: Vec<_> = bar_column_names().collect();
            let sql = upsert("bars", &columns, &columns[..KEY_COLUMNS], "version");
            put_all(&transaction, &sql, rows, put_bar)?;
        }
        Rows::Trades(rows) => {
            let sql = upsert("trades", &TRADE_COLUMNS, &TRADE_KEY, "version");
            put_all(&transaction, &sql, rows, put_trade)?;
        }
        Rows::Gaps(rows) => {
            let sql = upsert("gaps", &GAP_COLUMNS, &GAP_KEY, "version");
            put_all(&transaction, &sql, rows, put_gap)?;
        }
        Rows::Events(rows) => {
            if is_first(&transaction, &batch.token)? {
                let sql = "INSERT INTO events (time, collector, symbol, code, text) \
                           VALUES (?, ?, ?, ?, ?)";
                put_all(&transaction, sql, rows, put_event)?;
            }
        }
    }
    transaction
        .commit()
        .map_err(|error| Failure::from(error).at_commit())
}

pub(super) fn put_all<R>(
    transaction: &Transaction<'_>,
    sql: &str,
    rows: &[R],
    put: impl Fn(&mut Statement<'_>, &R) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = transaction.prepare_cached(sql)?;
    rows.iter().try_for_each(|row| put(&mut statement, row))
}

/// Notes a token, and tells whether it is new.
fn is_first(transaction: &Transaction<'_>, token: &str) -> Result<bool, Failure> {
    let noted = transaction
        .prepare_cached("INSERT INTO batches_seen (token) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([token])?;
    if noted == 0 {
        return Ok(false);
    }
    transaction
        .prepare_cached("DELETE FROM batches_seen WHERE number <= ?1")?
        .execute([transaction.last_insert_rowid() - TOKENS_KEPT])?;
    Ok(true)
}

const TRADE_KEY: [&str; 3] = ["exchange", "symbol", "agg_trade_id"];

const TRADE_COLUMNS: [&str; 10] = [
    "exchange",
    "symbol",
    "agg_trade_id",
    "price",
    "quantity",
    "first_trade_id",
    "last_trade_id",
    "trade_time",
    "buyer_is_maker",
    "version",
];

const GAP_KEY: [&str; 4] = ["exchange", "symbol", "first_id", "last_id"];

/// The columns of `gaps`, in the order in which they are written and read.
pub(super) const GAP_COLUMNS: [&str; 9] = [
    "exchange", "symbol", "first_id", "last_id", "found_at", "cause", "state", "proof", "version",
];

/// The columns of `events`, in the order in which they are written and read.
pub(super) const EVENT_COLUMNS: [&str; 5] = ["time", "collector", "symbol", "code", "text"];

/// Inserts a row, or replaces one that is older by the column `version`.
pub(super) fn upsert(table: &str, columns: &[&str], key: &[&str], version: &str) -> String {
    let marks = vec!["?"; columns.len()].join(", ");
    let changes: Vec<String> = columns
        .iter()
        .filter(|column| !key.contains(column))
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({marks}) ON CONFLICT ({}) DO UPDATE SET {} \
         WHERE excluded.{version} > {table}.{version}",
        columns.join(", "),
        key.join(", "),
        changes.join(", "),
    )
}
