//! The store, put together.

use std::{collections::HashSet, time::Duration};

use async_trait::async_trait;
use clickhouse::{Client, error::Error};
use tokio::time::timeout;

use super::{
    errors::{Evidence, Failure, failure},
    health,
    insert::{Lane, Load},
    newest,
    read::{self, Bars},
    requests, seals,
    wire::Wire,
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
        address::ClickHouseAddress,
        names::put_in_order,
        newest::{NewestQuery, NewestRow},
        schema::{self, StoreKind, quote_identifier},
        sink::{
            BarQuery, Batch, EventQuery, GapQuery, HealthQuery, RequestQuery, SealQuery, Store,
            StoreError, StoreErrorKind, SymbolIds,
        },
    },
};

/// The code of an exception: the database is not there.
const UNKNOWN_DATABASE: i32 = 81;

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickHouseOptions {
    /// For a connection: name resolution, TCP and TLS.
    pub connect_timeout: Duration,
    /// For the server to take more of an insert.
    pub send_timeout: Duration,
    /// For the answer to a ping, a change of the schema, or an insert, which may take a
    /// quarter of a millisecond more for each of its rows.
    pub answer_timeout: Duration,
    /// For an insert as a whole, and as much more.
    pub insert_timeout: Duration,
    /// For the first bytes of an answer to a query, and from then on for more of them. What
    /// goes on answering is waited for however long it takes.
    pub query_timeout: Duration,
}

impl Default for ClickHouseOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            insert_timeout: Duration::from_secs(180),
            query_timeout: Duration::from_secs(30),
        }
    }
}

/// A database on a ClickHouse server. See [`Store`].
pub struct ClickHouseStore {
    pub(super) address: ClickHouseAddress,
    options: ClickHouseOptions,
    /// For queries, with the database set.
    pub(super) client: Client,
    /// The same without a database, for making one.
    pub(super) bare_client: Client,
    lane: Lane,
    /// Batches never wait for rows of health.
    health_lane: Lane,
}

impl ClickHouseStore {
    /// A store at `address`. Nothing is sent yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(address: ClickHouseAddress, options: ClickHouseOptions) -> Result<Self, StoreError> {
        let client = |wire: &Wire| {
            let client = wire.client(address.tls).map_err(|error| StoreError {
                kind: StoreErrorKind::Configuration,
                address: address.to_string(),
                code: None,
                reason: format!("TLS cannot be set up: {error}"),
            })?;
            let client = client
                .with_url(address.http_url())
                .with_user(&address.user)
                .with_product_info("streamkit", env!("CARGO_PKG_VERSION"));
            Ok(match &address.password {
                Some(password) => client.with_password(password.expose()),
                None => client,
            })
        };
        let lane = || {
            let wire = Wire::new(
                options.connect_timeout,
                options.answer_timeout.max(options.send_timeout),
            );
            let client = client(&wire)?.with_database(&address.database);
            Ok(Lane::new(client, wire, options))
        };
        let bare_client = client(&Wire::new(options.connect_timeout, options.query_timeout))?;
        Ok(Self {
            client: bare_client.clone().with_database(&address.database),
            bare_client,
            lane: lane()?,
            health_lane: lane()?,
            address,
            options,
        })
    }

    fn error(&self, failure: Failure) -> StoreError {
        StoreError {
            kind: failure.kind,
            address: self.address.to_string(),
            code: failure.code,
            reason: failure.reason,
        }
    }

    /// Asks. What fails can always be asked again.
    async fn read<T>(
        &self,
        query: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        query
            .await
            .map_err(|error| self.error(failure(&error, &Evidence::default())))
    }

    /// A query that answers shortly or not at all.
    pub(super) async fn shortly<T>(
        &self,
        query: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        let limited = timeout(self.options.answer_timeout, query);
        self.read(async { limited.await.unwrap_or(Err(Error::TimedOut)) })
            .await
    }

    /// Makes the database unless it is there.
    async fn create_database(&self) -> Result<(), StoreError> {
        match self.ping().await {
            Err(error) if error.code == Some(UNKNOWN_DATABASE) => {}
            other => return other,
        }
        let sql = format!(
            "CREATE DATABASE IF NOT EXISTS {}",
            quote_identifier(&self.address.database)
        );
        let created = self
            .shortly(self.bare_client.query_raw(&sql).execute())
            .await;
        created.map_err(|error| StoreError {
            reason: format!(
                "the database '{}' does not exist and could not be created: {}",
                self.address.database, error.reason
            ),
            ..error
        })
    }
}

#[async_trait]
impl Store for ClickHouseStore {
    fn address(&self) -> String {
        self.address.to_string()
    }

    async fn create_schema(&self) -> Result<(), StoreError> {
        self.create_database().await?;
        // Statements that would change nothing are not sent: they need a right, too.
        let sql = "SELECT name FROM system.tables WHERE database = currentDatabase()";
        let existing: HashSet<String> = self
            .shortly(self.client.query_raw(sql).fetch_all::<String>())
            .await?
            .into_iter()
            .collect();
        for statement in schema::statements(StoreKind::ClickHouse, None) {
            if !existing.contains(statement.object) {
                self.shortly(self.client.query_raw(&statement.sql).execute())
                    .await
                    .map_err(|error| StoreError {
                        reason: format!("cannot create {}: {}", statement.object, error.reason),
                        ..error
                    })?;
            }
        }
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.shortly(self.client.query_raw("SELECT 1").fetch_one::<u8>())
            .await
            .map(|_| ())
    }

    async fn clock_us(&self) -> Result<Option<i64>, StoreError> {
        self.shortly(newest::clock_us(&self.client)).await.map(Some)
    }

    async fn newest(&self, query: &NewestQuery) -> Result<Vec<NewestRow>, StoreError> {
        newest::newest(&self.client, query)
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn insert(&self, batch: &Batch) -> Result<(), StoreError> {
        self.lane
            .insert(Load::Batch(batch))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn stored_bars(
        &self,
        query: &BarQuery,
        each: &mut (dyn FnMut(Vec<BarRead>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        let (mut found, unreadable) = self.read(read::series(&self.client, query)).await?;
        if !unreadable.is_empty() {
            each(unreadable.into_iter().map(Err).collect())?;
        }
        put_in_order(&mut found);
        for series in &found {
            let mut bars = self.read(Bars::open(&self.client, series, query)).await?;
            loop {
                let piece = self.read(bars.next_piece()).await?;
                if piece.is_empty() {
                    break;
                }
                each(piece)?;
            }
        }
        Ok(())
    }

    async fn series(&self, query: &BarQuery) -> Result<Vec<Series>, StoreError> {
        let (found, _) = self.read(read::series(&self.client, query)).await?;
        Ok(found)
    }

    async fn last_bar(&self, series: &Series) -> Result<Option<BarRow>, StoreError> {
        let last = self.read(read::last_bar(&self.client, series)).await?;
        last.transpose()
            .map(|last| last.map(|stored| stored.row))
            .map_err(|unreadable| StoreError::unreadable(self.address(), &unreadable))
    }

    async fn stored_gaps(&self, query: &GapQuery) -> Result<Vec<GapRead>, StoreError> {
        self.read(read::gaps(&self.client, query)).await
    }

    async fn put_health(&self, rows: &[HealthRow]) -> Result<(), StoreError> {
        self.health_lane
            .insert(Load::Health(rows))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn put_seals(&self, rows: &[SealRow]) -> Result<(), StoreError> {
        self.health_lane
            .insert(Load::Seals(rows))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn stored_seals(&self, query: &SealQuery) -> Result<Vec<SealRead>, StoreError> {
        // Whoever writes bars waits for it, and there are few of them.
        self.shortly(seals::seals(&self.client, query)).await
    }

    async fn put_request(&self, change: &Change) -> Result<(), StoreError> {
        self.health_lane
            .insert(Load::Request(change))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn stored_requests(&self, query: &RequestQuery) -> Result<Vec<RequestRead>, StoreError> {
        self.read(requests::requests(&self.client, query)).await
    }

    async fn put_worker(&self, row: &WorkerRow) -> Result<(), StoreError> {
        self.health_lane
            .insert(Load::Worker(row))
            .await
            .map_err(|failure| self.error(failure))
    }

    async fn stored_workers(&self, since_us: i64) -> Result<Vec<WorkerRead>, StoreError> {
        self.read(workers::workers(&self.client, since_us)).await
    }

    async fn stored_health(&self, query: &HealthQuery) -> Result<Vec<HealthRead>, StoreError> {
        self.read(health::health(&self.client, query)).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, StoreError> {
        self.read(read::events(&self.client, query)).await
    }

    async fn id_ranges(&self, query: &BarQuery) -> Result<Vec<SymbolIds>, StoreError> {
        self.read(read::id_ranges(&self.client, query)).await
    }
}
