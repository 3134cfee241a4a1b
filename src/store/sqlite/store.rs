//! The store, put together.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    errors::Failure,
    health, insert, newest,
    read::{self, Start},
    requests, seals,
    worker::Worker,
    workers,
};
use crate::{
    domain::{
        backfill_request::{Change, RequestRead},
        backfill_worker::{WorkerRead, WorkerRow},
        row::{BarRead, BarRow, EventRow, GapRead, HealthRead, HealthRow, Series},
        seal::{SealRead, SealRow},
    },
    store::{
        address::StoreAddress,
        names::put_in_order,
        newest::{NewestQuery, NewestRow},
        sink::{
            BarQuery, Batch, EventQuery, GapQuery, HealthQuery, RequestQuery, SealQuery, Store,
            StoreError, StoreErrorKind, SymbolIds,
        },
    },
};

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqliteOptions {
    /// For another process that keeps the file locked.
    pub busy_timeout: Duration,
    /// For an answer of the disk: one batch written, one piece of rows read.
    pub answer_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(60),
        }
    }
}

/// A store in a SQLite file. See [`Store`].
pub struct SqliteStore {
    address: String,
    path: PathBuf,
    busy_timeout: Duration,
    worker: Worker,
}

impl SqliteStore {
    /// A store in the file at `path`. Nothing is opened yet.
    ///
    /// # Errors
    /// When its thread cannot be started.
    pub fn new(path: PathBuf, options: SqliteOptions) -> Result<Self, StoreError> {
        let address = StoreAddress::Sqlite(path.clone()).to_string();
        let busy_timeout = options.busy_timeout;
        match Worker::start(path.clone(), busy_timeout, options.answer_timeout) {
            Ok(worker) => Ok(Self {
                address,
                path,
                busy_timeout,
                worker,
            }),
            Err(error) => Err(StoreError {
                kind: StoreErrorKind::Retry,
                address,
                code: None,
                reason: format!("its thread cannot be started: {error}"),
            }),
        }
    }

    fn error(&self, failure: Failure) -> StoreError {
        StoreError {
            kind: failure.kind,
            address: self.address.clone(),
            code: failure.code,
            reason: failure.reason,
        }
    }

    /// A read can always be done again.
    fn read_error(&self, failure: Failure) -> StoreError {
        let mut error = self.error(failure);
        if error.kind == StoreErrorKind::Ambiguous {
            error.kind = StoreErrorKind::Retry;
        }
        error
    }

    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.worker
            .run(move |db| db.with(|connection| work(connection)))
            .await
            .map_err(|failure| self.read_error(failure))
    }

    /// The bars of one series.
    async fn bars_of(
        &self,
        series: Series,
        query: &Arc<BarQuery>,
        each: &mut (dyn FnMut(Vec<BarRead>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        let series = Arc::new(series);
        let mut start = Start::First;
        match query.newest {
            None => {}
            Some(0) => return Ok(()),
            Some(newest) => {
                let (series, query) = (Arc::clone(&series), Arc::clone(query));
                let oldest = self
                    .read(move |db| read::oldest_of_newest(db, &series, &query, newest))
                    .await?;
                start = oldest.map_or(start, Start::With);
            }
        }
        loop {
            let (series, query) = (Arc::clone(&series), Arc::clone(query));
            let (piece, next) = self
                .read(move |db| read::piece(db, &series, &query, &start))
                .await?;
            if !piece.is_empty() {
                each(piece)?;
            }
            match next {
                Some(next) => start = next,
                None => return Ok(()),
            }
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn address(&self) -> String {
        self.address.clone()
    }

    async fn create_schema(&self) -> Result<(), StoreError> {
        self.worker
            .run(super::worker::Db::create_schema)
            .await
            .map_err(|failure| self.read_error(failure))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|db| {
            Ok(db
                .query_row("SELECT 1 FROM sqlite_schema", [], |_| Ok(()))
                .or_else(|error| match error {
                    // An empty file is a database, too.
                    rusqlite::Error::QueryReturnedNoRows => Ok(()),
                    other => Err(other),
                })?)
        })
        .await
    }

    async fn clock_us(&self) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }

    async fn newest(&self, query: &NewestQuery) -> Result<Vec<NewestRow>, StoreError> {
        newest::newest(self.path.clone(), self.busy_timeout, query.clone())
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn insert(&self, batch: &Batch) -> Result<(), StoreError> {
        if batch.rows.is_empty() {
            return Ok(());
        }
        let batch = batch.clone();
        self.worker
            .run(move |db| db.with(|connection| insert::insert(connection, &batch)))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn stored_bars(
        &self,
        query: &BarQuery,
        each: &mut (dyn FnMut(Vec<BarRead>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        let query = Arc::new(query.clone());
        let (mut found, unreadable) = {
            let query = Arc::clone(&query);
            self.read(move |db| read::series(db, &query)).await?
        };
        if !unreadable.is_empty() {
            each(unreadable.into_iter().map(Err).collect())?;
        }
        put_in_order(&mut found);
        for series in found {
            self.bars_of(series, &query, each).await?;
        }
        Ok(())
    }

    async fn series(&self, query: &BarQuery) -> Result<Vec<Series>, StoreError> {
        let query = query.clone();
        let (found, _) = self.read(move |db| read::series(db, &query)).await?;
        Ok(found)
    }

    async fn last_bar(&self, series: &Series) -> Result<Option<BarRow>, StoreError> {
        let series = series.clone();
        let last = self.read(move |db| read::last_bar(db, &series)).await?;
        last.transpose()
            .map(|last| last.map(|stored| stored.row))
            .map_err(|unreadable| StoreError::unreadable(self.address(), &unreadable))
    }

    async fn stored_gaps(&self, query: &GapQuery) -> Result<Vec<GapRead>, StoreError> {
        let query = query.clone();
        self.read(move |db| read::gaps(db, &query)).await
    }

    async fn put_health(&self, rows: &[HealthRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let rows = rows.to_vec();
        self.worker
            .run(move |db| db.with(|connection| health::put(connection, &rows)))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn put_seals(&self, rows: &[SealRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let rows = rows.to_vec();
        self.worker
            .run(move |db| db.with(|connection| seals::put(connection, &rows)))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn stored_seals(&self, query: &SealQuery) -> Result<Vec<SealRead>, StoreError> {
        let query = query.clone();
        self.read(move |db| seals::seals(db, &query)).await
    }

    async fn put_request(&self, change: &Change) -> Result<(), StoreError> {
        let row = change.row.clone();
        self.worker
            .run(move |db| db.with(|connection| requests::put(connection, &row)))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn stored_requests(&self, query: &RequestQuery) -> Result<Vec<RequestRead>, StoreError> {
        let query = query.clone();
        self.read(move |db| requests::requests(db, &query)).await
    }

    async fn put_worker(&self, row: &WorkerRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.worker
            .run(move |db| db.with(|connection| workers::put(connection, &row)))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn stored_workers(&self, since_us: i64) -> Result<Vec<WorkerRead>, StoreError> {
        self.read(move |db| workers::workers(db, since_us)).await
    }

    async fn stored_health(&self, query: &HealthQuery) -> Result<Vec<HealthRead>, StoreError> {
        let query = query.clone();
        self.read(move |db| health::health(db, &query)).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, StoreError> {
        let query = query.clone();
        let events = self.read(move |db| read::events(db, &query)).await?;
        let events = events.into_iter().collect::<Result<_, _>>();
        events.map_err(|unreadable| StoreError::unreadable(self.address(), &unreadable))
    }

    async fn id_ranges(&self, query: &BarQuery) -> Result<Vec<SymbolIds>, StoreError> {
        let query = query.clone();
        self.read(move |db| read::id_ranges(db, &query)).await
    }
}
