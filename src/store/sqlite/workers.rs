//! What workers tell of themselves, in and out.

use rusqlite::{Connection, Row, TransactionBehavior, types::ValueRef};

use super::{
    errors::Failure,
    insert::upsert,
    values::{Columns, Fault, shown},
};
use crate::domain::{
    backfill_worker::{WorkerRead, WorkerRow},
    row::{Table, UnreadableRow},
};

/// The columns of `backfill_workers`, in the order in which they are written and read.
pub(super) const WORKER_COLUMNS: [&str; 7] = [
    "worker",
    "host",
    "pid",
    "started_at",
    "requests",
    "is_ended",
    "heartbeat_at",
];

/// Puts a row in, or in the place of an older one.
pub(super) fn put(connection: &mut Connection, row: &WorkerRow) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let table = Table::BackfillWorkers.as_str();
    let sql = upsert(table, &WORKER_COLUMNS, &["worker"], "heartbeat_at");
    transaction.execute(
        &sql,
        rusqlite::params![
            row.worker,
            row.host,
            row.pid,
            row.started_at_us,
            row.requests,
            row.is_ended,
            row.heartbeat_at_us,
        ],
    )?;
    transaction
        .commit()
        .map_err(|error| Failure::from(error).at_commit())
}

/// The workers that have told of themselves since then, by name.
pub(super) fn workers(connection: &Connection, since_us: i64) -> Result<Vec<WorkerRead>, Failure> {
    let sql = format!(
        "SELECT {} FROM backfill_workers WHERE heartbeat_at >= ? ORDER BY worker",
        WORKER_COLUMNS.join(", ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query([since_us])?;
    let mut workers = Vec::new();
    while let Some(row) = found.next()? {
        workers.push(read(row));
    }
    Ok(workers)
}

fn read(row: &Row<'_>) -> WorkerRead {
    read_columns(&mut Columns::of_worker(row)).map_err(|(column, reason)| UnreadableRow {
        table: Table::BackfillWorkers,
        key: shown(row.get_ref(0).unwrap_or(ValueRef::Null)),
        place: None,
        column,
        reason,
    })
}

fn read_columns(columns: &mut Columns<'_>) -> Result<WorkerRow, Fault> {
    // The fields stand in the order of the columns, which is the order of evaluation.
    Ok(WorkerRow {
        worker: columns.text()?.to_owned(),
        host: columns.text()?.to_owned(),
        pid: columns.small_count()?,
        started_at_us: columns.integer()?,
        requests: columns.small_count()?,
        is_ended: columns.integer()? != 0,
        heartbeat_at_us: columns.integer()?,
    })
}
