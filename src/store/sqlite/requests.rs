//! Requests for backfills: put in a version at a time, and read back.

use rusqlite::{Connection, Row, TransactionBehavior, params_from_iter, types::ValueRef};

use super::{
    errors::Failure,
    insert::upsert,
    read::Conditions,
    rows::integer,
    values::{Columns, Fault, shown, text_in},
};
use crate::{
    domain::{
        backfill_request::{Progress, RequestRead, RequestRow, Scope, Status},
        row::{Table, UnreadableRow},
    },
    store::sink::RequestQuery,
};

/// The columns of `backfill_requests`, in the order in which they are written and read.
pub(super) const REQUEST_COLUMNS: [&str; 19] = [
    "request_id",
    "symbol",
    "threshold_decimal_bps",
    "since",
    "exchange",
    "anchor",
    "status",
    "requested_at",
    "started_at",
    "completed_at",
    "bars_written",
    "trades_done",
    "trades_total",
    "gap_seconds",
    "error",
    "worker",
    "attempt",
    "lease_until",
    "version",
];

/// Puts a version in unless it is there, or a higher one. What is sent under one token has
/// one version, so that the first one counts here without the token.
pub(super) fn put(connection: &mut Connection, row: &RequestRow) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let table = Table::BackfillRequests.as_str();
    let sql = upsert(table, &REQUEST_COLUMNS, &["request_id"], "version");
    transaction.execute(
        &sql,
        rusqlite::params![
            row.request_id,
            row.symbol,
            row.threshold_dbps,
            row.since_us,
            row.scope.exchange,
            row.scope.anchor_text(),
            row.status.as_str(),
            row.requested_at_us,
            row.started_at_us,
            row.completed_at_us,
            integer(row.progress.bars_written, "bars_written")?,
            integer(row.progress.trades_done, "trades_done")?,
            integer(row.progress.trades_total, "trades_total")?,
            row.gap_seconds,
            row.error,
            row.worker,
            row.attempt,
            row.lease_until_us,
            integer(row.version, "version")?,
        ],
    )?;
    transaction
        .commit()
        .map_err(|error| Failure::from(error).at_commit())
}

/// The current requests, the oldest first.
pub(super) fn requests(
    connection: &Connection,
    query: &RequestQuery,
) -> Result<Vec<RequestRead>, Failure> {
    let mut conditions = Conditions::default();
    conditions.any_of("request_id", query.request_ids.iter().cloned());
    conditions.any_of("symbol", query.symbols.iter().cloned());
    let statuses = query.statuses.iter();
    conditions.any_of("status", statuses.map(|status| status.as_str().to_owned()));
    conditions.between("requested_at", query.since_us, None);
    conditions.between("completed_at", query.ended_since_us, None);
    let sql = conditions.sql(
        &format!(
            "SELECT {} FROM backfill_requests",
            REQUEST_COLUMNS.join(", ")
        ),
        "ORDER BY requested_at, request_id",
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(&conditions.values))?;
    let mut requests = Vec::new();
    while let Some(row) = found.next()? {
        requests.push(read(row));
    }
    Ok(requests)
}

fn read(row: &Row<'_>) -> RequestRead {
    read_columns(&mut Columns::of_request(row))
        .map_err(|(column, reason)| UnreadableRow {
            table: Table::BackfillRequests,
            key: shown(row.get_ref(0).unwrap_or(ValueRef::Null)),
            place: None,
            column,
            reason,
        })
        .and_then(RequestRow::checked)
}

fn read_columns(columns: &mut Columns<'_>) -> Result<RequestRow, Fault> {
    // The fields stand in the order of the columns, which is the order of evaluation.
    Ok(RequestRow {
        request_id: columns.text()?.to_owned(),
        symbol: columns.text()?.to_owned(),
        threshold_dbps: columns.small_count()?,
        since_us: columns.integer_if_any()?,
        scope: {
            let exchange = columns.text()?.to_owned();
            columns.read(|value| Scope::read(&exchange, text_in(value)?))?
        },
        status: columns.read(|value| {
            let text = text_in(value)?;
            let mut statuses = Status::ALL.into_iter();
            statuses
                .find(|status| status.as_str() == text)
                .ok_or_else(|| format!("'{text}' is not a status"))
        })?,
        requested_at_us: columns.integer()?,
        started_at_us: columns.integer_if_any()?,
        completed_at_us: columns.integer_if_any()?,
        progress: Progress {
            bars_written: columns.count()?,
            trades_done: columns.count()?,
            trades_total: columns.count()?,
        },
        gap_seconds: columns.float()?,
        error: columns.text()?.to_owned(),
        worker: columns.text()?.to_owned(),
        attempt: columns.small_count()?,
        lease_until_us: columns.integer_if_any()?,
        version: columns.count()?,
    })
}
