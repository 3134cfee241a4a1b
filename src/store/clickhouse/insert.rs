//! One batch, sent and confirmed.
//!
//! Inserts go one after the other over connections of their own, so that what was seen on
//! the wire belongs to one of them. A dead connection out of the pool is an ordinary
//! failure: nothing was confirmed, and the same batch with the same token may follow.

use std::{iter, time::Duration};

use clickhouse::{Client, RowWrite, error::Error};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, timeout_at},
};

use super::{
    errors::{Evidence, Failure, failure, unconfirmed},
    health::HealthRecord,
    requests::RequestRecord,
    rows::{BarRecord, EventRecord, GapRecord, TradeRecord},
    seals::SealRecord,
    store::ClickHouseOptions,
    wire::Wire,
    workers::WorkerRecord,
};
use crate::{
    domain::{
        backfill_request::Change,
        backfill_worker::WorkerRow,
        row::{HealthRow, Rows, Table},
        seal::SealRow,
    },
    store::sink::{Batch, StoreErrorKind},
};

/// How much longer than usual a server may take for each row of a batch. It is several
/// hundred times what is needed; but a large batch that runs out of time would do so again
/// and again.
const ROW_ALLOWANCE: Duration = Duration::from_micros(250);

/// What is inserted at once.
#[derive(Clone, Copy)]
pub(super) enum Load<'a> {
    /// A batch from the spool, under its token.
    Batch(&'a Batch),
    /// Rows of health. The latest one counts, so they need no token: what is equal to the last
    /// byte, heartbeat included, may well be taken for the same.
    Health(&'a [HealthRow]),
    /// Seals. The highest version counts, so they need no token either.
    Seals(&'a [SealRow]),
    /// A version of a request, under its token.
    Request(&'a Change),
    /// A worker's sign of life, for which holds what holds for health.
    Worker(&'a WorkerRow),
}

impl Load<'_> {
    fn len(self) -> usize {
        match self {
            Self::Batch(batch) => batch.rows.len(),
            Self::Health(rows) => rows.len(),
            Self::Seals(rows) => rows.len(),
            Self::Request(_) | Self::Worker(_) => 1,
        }
    }

    fn allowance(self) -> Duration {
        ROW_ALLOWANCE * u32::try_from(self.len()).unwrap_or(u32::MAX)
    }
}

/// A way by which rows go in, one insert after the other.
pub(super) struct Lane {
    line: Mutex<Line>,
    options: ClickHouseOptions,
}

struct Line {
    client: Client,
    wire: Wire,
}

/// Cuts the connection of an insert that ends in any other way than with an answer,
/// also when the caller stops waiting: nothing of it is left behind.
struct Cut<'a> {
    wire: &'a Wire,
    is_answered: bool,
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.wire.abandon();
        }
    }
}

impl Lane {
    /// A lane to the server and database that `client` is set up for, over `wire`.
    pub(super) fn new(client: Client, wire: Wire, options: ClickHouseOptions) -> Self {
        // The exception's code goes into the status and header only if the server waits
        // for the end before it answers.
        let client = client
            .with_setting("async_insert", "0")
            .with_setting("insert_deduplicate", "1")
            .with_setting("wait_end_of_query", "1")
            .with_setting("send_progress_in_http_headers", "0");
        Self {
            line: Mutex::new(Line { client, wire }),
            options,
        }
    }

    /// Sends rows and waits for the confirmation.
    pub(super) async fn insert(&self, load: Load<'_>) -> Result<(), Failure> {
        if load.len() == 0 {
            return Ok(());
        }
        let allowance = load.allowance();
        let deadline = Instant::now() + self.options.insert_timeout + allowance;
        let Ok(line) = timeout_at(deadline, self.line.lock()).await else {
            return Err(Failure {
                kind: StoreErrorKind::Retry,
                code: None,
                reason: "an earlier insert is still under way".to_owned(),
            });
        };
        line.wire.begin(allowance);
        let mut cut = Cut {
            wire: &line.wire,
            is_answered: false,
        };
        let sent = timeout_at(deadline, self.send(&line, load)).await;
        let Err((error, is_sent)) = sent.unwrap_or(Err((Error::TimedOut, true))) else {
            let answer = line.wire.answer();
            cut.is_answered = answer.is_some();
            return unconfirmed(answer.as_ref()).map_or(Ok(()), Err);
        };
        let evidence = Evidence {
            may_be_in: is_sent && line.wire.written_bytes() > 0,
            answer: line.wire.answer(),
        };
        cut.is_answered = matches!(error, Error::BadResponse(_));
        let failure = failure(&error, &evidence);
        if matches!(
            failure.kind,
            StoreErrorKind::Configuration | StoreErrorKind::Content
        ) {
            // Somebody may mend the table; what was learnt of its columns is stale then.
            line.client.clear_cached_metadata().await;
        }
        Err(failure)
    }

    async fn send(&self, line: &MutexGuard<'_, Line>, load: Load<'_>) -> Result<(), (Error, bool)> {
        let batch = match load {
            Load::Batch(batch) => batch,
            Load::Health(rows) => {
                let table = Table::StreamHealth.as_str();
                let rows = rows.iter().map(HealthRecord::from);
                return self
                    .send_rows::<HealthRecord<'static>, _>(line, table, rows, load)
                    .await;
            }
            Load::Seals(rows) => {
                let table = Table::Seals.as_str();
                let rows = rows.iter().map(SealRecord::from);
                return self
                    .send_rows::<SealRecord<'static>, _>(line, table, rows, load)
                    .await;
            }
            Load::Request(change) => {
                let table = Table::BackfillRequests.as_str();
                let rows = iter::once(RequestRecord::from(&change.row));
                return self
                    .send_rows::<RequestRecord<'static>, _>(line, table, rows, load)
                    .await;
            }
            Load::Worker(row) => {
                let table = Table::BackfillWorkers.as_str();
                let rows = iter::once(WorkerRecord::from(row));
                return self
                    .send_rows::<WorkerRecord<'static>, _>(line, table, rows, load)
                    .await;
            }
        };
        let table = batch.rows.table().as_str();
        match &batch.rows {
            Rows::Bars(rows) => {
                let rows = rows.iter().map(BarRecord::from);
                self.send_rows::<BarRecord<'static>, _>(line, table, rows, load)
                    .await
            }
            Rows::Trades(rows) => {
                let rows = rows.iter().map(TradeRecord::from);
                self.send_rows::<TradeRecord<'static>, _>(line, table, rows, load)
                    .await
            }
            Rows::Gaps(rows) => {
                let rows = rows.iter().map(GapRecord::from);
                self.send_rows::<GapRecord<'static>, _>(line, table, rows, load)
                    .await
            }
            Rows::Events(rows) => {
                let rows = rows.iter().map(EventRecord::from);
                self.send_rows::<EventRecord<'static>, _>(line, table, rows, load)
                    .await
            }
        }
    }

    /// Beside the error: whether the insert itself had begun.
    async fn send_rows<'a, R, I>(
        &self,
        line: &MutexGuard<'_, Line>,
        table: &str,
        rows: I,
        load: Load<'_>,
    ) -> Result<(), (Error, bool)>
    where
        R: RowWrite,
        I: Iterator<Item = R::Value<'a>>,
    {
        let allowance = load.allowance();
        // Asks for the table's columns the first time.
        let insert = line
            .client
            .insert::<R>(table)
            .await
            .map_err(|error| (error, false))?;
        let insert = match load {
            Load::Batch(batch) => {
                insert.with_setting("insert_deduplication_token", batch.token.as_str())
            }
            Load::Request(change) => {
                insert.with_setting("insert_deduplication_token", change.token.as_str())
            }
            Load::Health(_) | Load::Seals(_) | Load::Worker(_) => insert,
        };
        let mut insert = insert.with_timeouts(
            Some(self.options.send_timeout),
            Some(self.options.answer_timeout + allowance),
        );
        line.wire.begin(allowance);
        for row in rows {
            insert.write(&row).await.map_err(|error| (error, true))?;
        }
        insert.end().await.map_err(|error| (error, true))
    }
}
