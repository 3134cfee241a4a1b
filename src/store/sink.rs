//! What a store has to offer.

use async_trait::async_trait;

use super::newest::{NewestQuery, NewestRow};
use crate::domain::{
    anchor::Anchor,
    backfill_request::{Change, RequestRead, Status},
    backfill_worker::{WorkerRead, WorkerRow},
    row::{
        BarRead, BarRow, EventRow, GapRead, GapRow, HealthRead, HealthRow, Rows, Series,
        UnreadableRow,
    },
    seal::{SealRead, SealRow},
    symbol::Symbol,
    threshold::Threshold,
};

/// Rows that go in together or not at all, or again under the same token.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The rows: of one table, and of one partition of it.
    pub rows: Rows,
    /// Sending a batch with the same token again changes nothing.
    pub token: String,
}

/// Which bars to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BarQuery {
    /// Of this exchange; of all when none.
    pub exchange: Option<String>,
    /// Of these symbols; of all when empty.
    pub symbols: Vec<Symbol>,
    /// Of these thresholds; of all when empty.
    pub thresholds: Vec<Threshold>,
    /// Of this anchor; of all when none.
    pub anchor: Option<Anchor>,
    /// Opened at or after this time, in µs.
    pub since_us: Option<i64>,
    /// Opened before this time, in µs.
    pub until_us: Option<i64>,
    /// Only the newest so many of each series.
    pub newest: Option<u64>,
}

/// Which gaps to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GapQuery {
    /// Of this exchange; of all when none.
    pub exchange: Option<String>,
    /// Of these symbols; of all when empty.
    pub symbols: Vec<Symbol>,
}

/// Which rows of health to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthQuery {
    /// Of this exchange; of all when none.
    pub exchange: Option<String>,
    /// Of these symbols; of all when empty.
    pub symbols: Vec<Symbol>,
    /// Of this collector; of all when none.
    pub collector: Option<String>,
}

/// Which events to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Of this collector; of all when none.
    pub collector: Option<String>,
    /// Of these symbols, the empty name being that of events that concern no single one; of
    /// all when empty.
    pub symbols: Vec<String>,
    /// With these codes; with all when empty.
    pub codes: Vec<String>,
    /// At or after this time, in µs.
    pub since_us: Option<i64>,
    /// Before this time, in µs.
    pub until_us: Option<i64>,
    /// Only the last one of each collector, symbol and code.
    pub last_of_each: bool,
}

/// The ids that the bars of a symbol reach over, holes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolIds {
    /// The exchange.
    pub exchange: String,
    /// The symbol.
    pub symbol: String,
    /// The first aggregate id of the first bar.
    pub first_id: i64,
    /// The last aggregate id of the last bar.
    pub last_id: i64,
}

/// Which seals to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealQuery {
    /// Of this exchange; of all when none.
    pub exchange: Option<String>,
    /// Of these symbols; of all when empty.
    pub symbols: Vec<Symbol>,
    /// Of this anchor; of all when none.
    pub anchor: Option<Anchor>,
    /// Of periods that begin at or after this time, in µs.
    pub since_us: Option<i64>,
    /// Of periods that begin before this time, in µs.
    pub until_us: Option<i64>,
}

/// Which requests for backfills to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// These requests; all when empty.
    pub request_ids: Vec<String>,
    /// For these symbols, as they were written; for all when empty.
    pub symbols: Vec<String>,
    /// That stand so; in any way when empty.
    pub statuses: Vec<Status>,
    /// Asked for at or after this time, in µs.
    pub since_us: Option<i64>,
    /// Ended at or after this time, in µs; what has not ended is left out then.
    pub ended_since_us: Option<i64>,
}

/// A database that holds bars.
#[async_trait]
pub trait Store: Send + Sync {
    /// Where it is, without secrets, for messages.
    fn address(&self) -> String;

    /// Creates what is missing; changes nothing that exists.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses.
    async fn create_schema(&self) -> Result<(), StoreError>;

    /// Checks that it can be reached and that this user may use it.
    ///
    /// # Errors
    /// When it cannot be reached or refuses.
    async fn ping(&self) -> Result<(), StoreError>;

    /// What the clock of the store shows while it answers, in µs since 1970 UTC; none when
    /// it has none but that of this machine.
    ///
    /// # Errors
    /// When it cannot be reached or refuses.
    async fn clock_us(&self) -> Result<Option<i64>, StoreError>;

    /// The newest row of each name in any table, by name. Nothing is changed, whatever the
    /// statement says, and nothing but that table is touched.
    ///
    /// # Errors
    /// When the store fails or refuses, does not answer in time, or answers with more rows
    /// than allowed or with what is not a name and a time.
    async fn newest(&self, query: &NewestQuery) -> Result<Vec<NewestRow>, StoreError>;

    /// Puts a batch in. Returns once the rows are durable there.
    ///
    /// # Errors
    /// When that is not certain: the batch may or may not be in. The same batch may
    /// be sent again.
    async fn insert(&self, batch: &Batch) -> Result<(), StoreError>;

    /// The current bars (no tombstones), by exchange, symbol, anchor, threshold and
    /// first id, handed over in pieces of bounded size: each as it is stored, or what is
    /// wrong with it. Bars whose very series cannot be read come as one such fault.
    ///
    /// # Errors
    /// When the store fails, or `each` does.
    async fn stored_bars(
        &self,
        query: &BarQuery,
        each: &mut (dyn FnMut(Vec<BarRead>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()>;

    /// The same bars, trusted.
    ///
    /// # Errors
    /// As above, and with an [`UnreadableRow`] at the
    /// first bar that cannot be what it says.
    async fn bars(
        &self,
        query: &BarQuery,
        each: &mut (dyn FnMut(Vec<BarRow>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        self.stored_bars(query, &mut |read| {
            let trusted = read.into_iter().map(|bar| bar?.trusted());
            each(trusted.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The series that have bars, sorted. Those whose names cannot be read are left out.
    ///
    /// # Errors
    /// When the store fails.
    async fn series(&self, query: &BarQuery) -> Result<Vec<Series>, StoreError>;

    /// The last bar of a series.
    ///
    /// # Errors
    /// When the store fails, or the bar cannot be read.
    async fn last_bar(&self, series: &Series) -> Result<Option<BarRow>, StoreError>;

    /// The current gaps, by exchange, symbol and first id: each as it is stored, or what is
    /// wrong with it.
    ///
    /// # Errors
    /// When the store fails.
    async fn stored_gaps(&self, query: &GapQuery) -> Result<Vec<GapRead>, StoreError>;

    /// The same gaps, trusted.
    ///
    /// # Errors
    /// When the store fails, or a gap cannot be read.
    async fn gaps(&self, query: &GapQuery) -> Result<Vec<GapRow>, StoreError> {
        let read = self.stored_gaps(query).await?;
        let trusted = read.into_iter().collect::<Result<_, _>>();
        trusted.map_err(|unreadable| StoreError::unreadable(self.address(), &unreadable))
    }

    /// Puts rows of health in, past every batch: in the place of older ones of the same
    /// collector and symbol, never in the place of newer ones.
    ///
    /// # Errors
    /// When it is not certain that they are in. Newer ones may be sent at once.
    async fn put_health(&self, rows: &[HealthRow]) -> Result<(), StoreError>;

    /// The latest health of each collector and symbol, by collector, exchange and symbol:
    /// each as it is stored, or what is wrong with it.
    ///
    /// # Errors
    /// When the store fails.
    async fn stored_health(&self, query: &HealthQuery) -> Result<Vec<HealthRead>, StoreError>;

    /// The same rows, trusted.
    ///
    /// # Errors
    /// When the store fails, or a row cannot be read.
    async fn health(&self, query: &HealthQuery) -> Result<Vec<HealthRow>, StoreError> {
        let read = self.stored_health(query).await?;
        let trusted = read.into_iter().collect::<Result<_, _>>();
        trusted.map_err(|unreadable| StoreError::unreadable(self.address(), &unreadable))
    }
    /// Events by time, and those of one time by collector, symbol and code.
    ///
    /// # Errors
    /// When the store fails, or an event cannot be read.
    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, StoreError>;

    /// The ids that the bars which `query` asks for reach over, by exchange and symbol. The
    /// store counts them itself; how many are asked for as the newest does not matter.
    ///
    /// # Errors
    /// When the store fails.
    async fn id_ranges(&self, query: &BarQuery) -> Result<Vec<SymbolIds>, StoreError>;

    /// Puts seals in, past every batch: in the place of those with a lower version.
    ///
    /// # Errors
    /// When it is not certain that they are in. They may be sent again.
    async fn put_seals(&self, rows: &[SealRow]) -> Result<(), StoreError>;

    /// The current seals (no tombstones), by exchange, symbol, anchor and period: each as it
    /// is stored, or what is wrong with it.
    ///
    /// # Errors
    /// When the store fails.
    async fn stored_seals(&self, query: &SealQuery) -> Result<Vec<SealRead>, StoreError>;

    /// The same seals, trusted.
    ///
    /// # Errors
    /// When the store fails, or a seal cannot be read.
    async fn seals(&self, query: &SealQuery) -> Result<Vec<SealRow>, StoreError> {
        let read = self.stored_seals(query).await?;
        let trusted = read.into_iter().collect::<Result<_, _>>();
        trusted.map_err(|unreadable| StoreError::unreadable(self.address(), &unreadable))
    }

    /// Puts a new version of a request in, unless one with the same token or with a higher
    /// version is there. Of several that are put in under one token the first one counts:
    /// which one that was is found out by reading.
    ///
    /// # Errors
    /// When it is not certain that it is in. It may be put in again.
    async fn put_request(&self, change: &Change) -> Result<(), StoreError>;

    /// The current requests, the oldest first: each as it is stored, or what is wrong with
    /// it.
    ///
    /// # Errors
    /// When the store fails.
    async fn stored_requests(&self, query: &RequestQuery) -> Result<Vec<RequestRead>, StoreError>;

    /// Puts a worker's sign of life in, past every batch: in the place of older ones of the
    /// same worker, never in the place of newer ones.
    ///
    /// # Errors
    /// When it is not certain that it is in. A newer one may be sent at once.
    async fn put_worker(&self, row: &WorkerRow) -> Result<(), StoreError>;

    /// The workers that have told of themselves at or after `since_us`, in µs, by name: each
    /// as it is stored, or what is wrong with it.
    ///
    /// # Errors
    /// When the store fails.
    async fn stored_workers(&self, since_us: i64) -> Result<Vec<WorkerRead>, StoreError>;
}

/// What kind of failure it is, and so what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// It passes by itself: the network, a time-out, an overload.
    Retry,
    /// It was sent and no answer came: the same batch, with the same token, again.
    Ambiguous,
    /// Somebody has to mend something: a password, a right, a missing table.
    Configuration,
    /// These rows can never go in.
    Content,
}

/// A failure of the store.
#[derive(Debug, Clone, thiserror::Error)]
#[error("use the store {address}: {reason}")]
pub struct StoreError {
    /// What may be done about it.
    pub kind: StoreErrorKind,
    /// Where the store is, without secrets.
    pub address: String,
    /// The code of the server's exception, if it gave one.
    pub code: Option<i32>,
    /// What happened.
    pub reason: String,
}

impl StoreError {
    /// Whether the store lacks a table: one that was made before there was such a table has
    /// no rows of it.
    #[must_use]
    pub fn lacks_table(&self) -> bool {
        /// ClickHouse's `UNKNOWN_TABLE`.
        const UNKNOWN_TABLE: i32 = 60;
        self.code == Some(UNKNOWN_TABLE) || self.reason.contains("no such table")
    }

    /// A row of the store at `address` cannot be read, and no other will do.
    #[must_use]
    pub fn unreadable(address: String, unreadable: &UnreadableRow) -> Self {
        Self {
            kind: StoreErrorKind::Configuration,
            address,
            code: None,
            reason: format!("cannot {unreadable}"),
        }
    }
}
