//! What requests for backfills look like on their way, and the reading of them.

use clickhouse::{Client, Row, error::Error};
use serde::{Deserialize, Serialize};

use super::{
    read::Conditions,
    rows::{number_of, value_of},
};
use crate::{
    domain::{
        backfill_request::{Progress, RequestRead, RequestRow, Scope, Status},
        row::{Table, UnreadableRow},
    },
    store::sink::RequestQuery,
};

/// The numbers of the enum `status`.
const STATUSES: [(i8, Status); 5] = [
    (1, Status::Pending),
    (2, Status::Running),
    (3, Status::Completed),
    (4, Status::Failed),
    (5, Status::Skipped),
];

/// A row of `backfill_requests`, as it travels.
#[derive(Debug, Row, Serialize, Deserialize)]
pub(super) struct RequestRecord<'a> {
    request_id: &'a str,
    symbol: &'a str,
    threshold_decimal_bps: u32,
    since: Option<i64>,
    exchange: &'a str,
    anchor: &'a str,
    status: i8,
    requested_at: i64,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    bars_written: u64,
    trades_done: u64,
    trades_total: u64,
    gap_seconds: f64,
    error: &'a str,
    worker: &'a str,
    attempt: u32,
    lease_until: Option<i64>,
    version: u64,
}

impl<'a> From<&'a RequestRow> for RequestRecord<'a> {
    fn from(row: &'a RequestRow) -> Self {
        Self {
            request_id: &row.request_id,
            symbol: &row.symbol,
            threshold_decimal_bps: row.threshold_dbps,
            since: row.since_us,
            exchange: &row.scope.exchange,
            anchor: row.scope.anchor_text(),
            status: number_of(&STATUSES, &row.status),
            requested_at: row.requested_at_us,
            started_at: row.started_at_us,
            completed_at: row.completed_at_us,
            bars_written: row.progress.bars_written,
            trades_done: row.progress.trades_done,
            trades_total: row.progress.trades_total,
            gap_seconds: row.gap_seconds,
            error: &row.error,
            worker: &row.worker,
            attempt: row.attempt,
            lease_until: row.lease_until_us,
            version: row.version,
        }
    }
}

impl RequestRecord<'_> {
    fn into_read(self) -> RequestRead {
        let wrong = |column| {
            move |reason| UnreadableRow {
                table: Table::BackfillRequests,
                key: self.request_id.to_owned(),
                place: None,
                column,
                reason,
            }
        };
        let status = value_of(&STATUSES, self.status).map_err(wrong("status"))?;
        let scope = Scope::read(self.exchange, self.anchor).map_err(wrong("anchor"))?;
        let row = RequestRow {
            request_id: self.request_id.to_owned(),
            symbol: self.symbol.to_owned(),
            threshold_dbps: self.threshold_decimal_bps,
            since_us: self.since,
            scope,
            status,
            requested_at_us: self.requested_at,
            started_at_us: self.started_at,
            completed_at_us: self.completed_at,
            progress: Progress {
                bars_written: self.bars_written,
                trades_done: self.trades_done,
                trades_total: self.trades_total,
            },
            gap_seconds: self.gap_seconds,
            error: self.error.to_owned(),
            worker: self.worker.to_owned(),
            attempt: self.attempt,
            lease_until_us: self.lease_until,
            version: self.version,
        };
        row.checked()
    }
}

/// The current requests, the oldest first.
pub(super) async fn requests(
    client: &Client,
    query: &RequestQuery,
) -> Result<Vec<RequestRead>, Error> {
    let mut conditions = Conditions::default();
    conditions.any_of("request_id", query.request_ids.iter().map(String::as_str));
    conditions.any_of("symbol", query.symbols.iter().map(String::as_str));
    conditions.any_of(
        "status",
        query.statuses.iter().map(|status| status.as_str()),
    );
    conditions.between("requested_at", query.since_us, None);
    conditions.between("completed_at", query.ended_since_us, None);
    let mut cursor = conditions
        .select(
            client,
            "?fields FROM backfill_requests FINAL",
            "ORDER BY requested_at, request_id",
        )
        .fetch::<RequestRecord<'_>>()?;
    let mut found = Vec::new();
    while let Some(record) = cursor.next().await? {
        found.push(record.into_read());
    }
    Ok(found)
}
