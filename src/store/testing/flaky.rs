//! A store that refuses some reads, or is not ours alone.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;

use crate::{
    domain::{
        backfill_request::{Change, RequestRead},
        backfill_worker::{WorkerRead, WorkerRow},
        row::{BarRead, BarRow, EventRow, GapRead, HealthRead, HealthRow, Series},
        seal::{SealRead, SealRow},
    },
    store::{
        newest::{NewestQuery, NewestRow},
        sink::{
            BarQuery, Batch, EventQuery, GapQuery, HealthQuery, RequestQuery, SealQuery, Store,
            StoreError, StoreErrorKind, SymbolIds,
        },
    },
};

/// A store that is away while the reads with these numbers, from 0, are asked for.
pub(crate) struct Flaky {
    store: Arc<dyn Store>,
    away: Range<u32>,
    reads: AtomicU32,
    /// So many times seals are taken back as soon as they are written.
    taken_back: AtomicU32,
}

impl Flaky {
    pub(crate) fn new(store: Arc<dyn Store>, away: Range<u32>) -> Self {
        Self {
            store,
            away,
            reads: AtomicU32::new(0),
            taken_back: AtomicU32::new(0),
        }
    }

    /// A store on which somebody else takes seals back as soon as they are written, so many
    /// times.
    pub(crate) fn with_rival(store: Arc<dyn Store>, times: u32) -> Self {
        Self {
            taken_back: AtomicU32::new(times),
            ..Self::new(store, 0..0)
        }
    }

    /// How many reads were asked for.
    pub(crate) fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }

    fn read(&self) -> Result<(), StoreError> {
        let number = self.reads.fetch_add(1, Ordering::Relaxed);
        if !self.away.contains(&number) {
            return Ok(());
        }
        Err(StoreError {
            kind: StoreErrorKind::Retry,
            address: self.store.address(),
            code: None,
            reason: "it is away".to_owned(),
        })
    }
}

#[async_trait]
impl Store for Flaky {
    fn address(&self) -> String {
        self.store.address()
    }

    async fn create_schema(&self) -> Result<(), StoreError> {
        self.store.create_schema().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn clock_us(&self) -> Result<Option<i64>, StoreError> {
        self.store.clock_us().await
    }

    async fn newest(&self, query: &NewestQuery) -> Result<Vec<NewestRow>, StoreError> {
        self.read()?;
        self.store.newest(query).await
    }

    async fn insert(&self, batch: &Batch) -> Result<(), StoreError> {
        self.store.insert(batch).await
    }

    /// Hands some of the bars over before it turns out to be away.
    async fn stored_bars(
        &self,
        query: &BarQuery,
        each: &mut (dyn FnMut(Vec<BarRead>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        let read = self.read();
        let mut left = if read.is_ok() { usize::MAX } else { 3 };
        self.store
            .stored_bars(query, &mut |mut bars| {
                bars.truncate(left);
                left -= bars.len();
                each(bars)
            })
            .await?;
        Ok(read?)
    }

    async fn series(&self, query: &BarQuery) -> Result<Vec<Series>, StoreError> {
        self.read()?;
        self.store.series(query).await
    }

    async fn last_bar(&self, series: &Series) -> Result<Option<BarRow>, StoreError> {
        self.read()?;
        self.store.last_bar(series).await
    }

    async fn stored_gaps(&self, query: &GapQuery) -> Result<Vec<GapRead>, StoreError> {
        self.read()?;
        self.store.stored_gaps(query).await
    }

    async fn put_health(&self, rows: &[HealthRow]) -> Result<(), StoreError> {
        self.store.put_health(rows).await
    }

    async fn stored_health(&self, query: &HealthQuery) -> Result<Vec<HealthRead>, StoreError> {
        self.read()?;
        self.store.stored_health(query).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, StoreError> {
        self.read()?;
        self.store.events(query).await
    }

    async fn id_ranges(&self, query: &BarQuery) -> Result<Vec<SymbolIds>, StoreError> {
        self.read()?;
        self.store.id_ranges(query).await
    }

    async fn put_seals(&self, rows: &[SealRow]) -> Result<(), StoreError> {
        self.store.put_seals(rows).await?;
        let order = Ordering::Relaxed;
        let left = self
            .taken_back
            .fetch_update(order, order, |left| left.checked_sub(1));
        if left.is_err() {
            return Ok(());
        }
        let taken_back = rows.iter().map(|row| SealRow {
            version: row.version + 1,
            is_deleted: true,
            ..row.clone()
        });
        let taken_back: Vec<_> = taken_back.collect();
        self.store.put_seals(&taken_back).await
    }

    async fn stored_seals(&self, query: &SealQuery) -> Result<Vec<SealRead>, StoreError> {
        self.read()?;
        self.store.stored_seals(query).await
    }

    async fn put_request(&self, change: &Change) -> Result<(), StoreError> {
        self.store.put_request(change).await
    }

    async fn stored_requests(&self, query: &RequestQuery) -> Result<Vec<RequestRead>, StoreError> {
        self.read()?;
        self.store.stored_requests(query).await
    }

    async fn put_worker(&self, row: &WorkerRow) -> Result<(), StoreError> {
        self.store.put_worker(row).await
    }

    async fn stored_workers(&self, since_us: i64) -> Result<Vec<WorkerRead>, StoreError> {
        self.read()?;
        self.store.stored_workers(since_us).await
    }
}
