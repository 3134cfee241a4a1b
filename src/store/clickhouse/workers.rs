//! What workers tell of themselves, on its way, and the reading of it.

use clickhouse::{Client, Row, error::Error};
use serde::{Deserialize, Serialize};

use super::read::Conditions;
use crate::domain::backfill_worker::{WorkerRead, WorkerRow};

/// A row of `backfill_workers`, as it travels.
#[derive(Debug, Row, Serialize, Deserialize)]
pub(super) struct WorkerRecord<'a> {
    worker: &'a str,
    host: &'a str,
    pid: u32,
    started_at: i64,
    requests: u32,
    is_ended: bool,
    heartbeat_at: i64,
}

impl<'a> From<&'a WorkerRow> for WorkerRecord<'a> {
    fn from(row: &'a WorkerRow) -> Self {
        Self {
            worker: &row.worker,
            host: &row.host,
            pid: row.pid,
            started_at: row.started_at_us,
            requests: row.requests,
            is_ended: row.is_ended,
            heartbeat_at: row.heartbeat_at_us,
        }
    }
}

impl From<WorkerRecord<'_>> for WorkerRow {
    fn from(record: WorkerRecord<'_>) -> Self {
        Self {
            worker: record.worker.to_owned(),
            host: record.host.to_owned(),
            pid: record.pid,
            started_at_us: record.started_at,
            requests: record.requests,
            is_ended: record.is_ended,
            heartbeat_at_us: record.heartbeat_at,
        }
    }
}

/// The workers that have told of themselves since then, by name.
pub(super) async fn workers(client: &Client, since_us: i64) -> Result<Vec<WorkerRead>, Error> {
    let mut conditions = Conditions::default();
    conditions.between("heartbeat_at", Some(since_us), None);
    let mut cursor = conditions
        .select(
            client,
            "?fields FROM backfill_workers FINAL",
            "ORDER BY worker",
        )
        .fetch::<WorkerRecord<'_>>()?;
    let mut found = Vec::new();
    while let Some(record) = cursor.next().await? {
        found.push(Ok(record.into()));
    }
    Ok(found)
}
