//! The store of a run: where the collector writes, and how the probe reads past every fault.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::Connection;

use super::load::SYMBOLS;
use crate::{
    app::probe::error::ProbeError,
    domain::{row::BarRow, seal::SealRow, symbol::Symbol, threshold::Threshold},
    store::{
        self, StoreOptions,
        address::StoreAddress,
        sink::{BarQuery, SealQuery, Store},
    },
};

/// The name of the exchange in the store.
pub const EXCHANGE: &str = "probe";

/// The store of a run.
pub struct Storage {
    /// Where the collector finds it.
    address: StoreAddress,
    store: Arc<dyn Store>,
    path: PathBuf,
    /// Keeps everybody else from writing while it is there.
    lock: Mutex<Option<Connection>>,
}

/// A UTC day in µs.
const DAY_US: i64 = 86_400_000_000;
/// How long the probe waits for its own turn to write.
const TURN: Duration = Duration::from_secs(10);

impl Storage {
    /// A file of its own below `directory`.
    pub fn file(directory: &Path) -> Result<Self, ProbeError> {
        let path = directory.join("store.sqlite");
        let address = StoreAddress::Sqlite(path.clone());
        let store = store::open(&address, StoreOptions::default())?;
        Ok(Self {
            address,
            store,
            path,
            lock: Mutex::new(None),
        })
    }

    /// Where the collector finds it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Lets nobody else write from now on.
    pub async fn lock(&self) -> Result<(), ProbeError> {
        let connection = self.execute("BEGIN IMMEDIATE".to_owned()).await?;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        Ok(())
    }

    /// Lets everybody write again.
    pub fn unlock(&self) {
        // What was begun is rolled back with its connection.
        drop(
            self.lock
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    /// Refuses the bar of a series that begins with this id.
    pub async fn poison(
        &self,
        symbol: &str,
        threshold: Threshold,
        first_id: i64,
    ) -> Result<(), ProbeError> {
        let sql = format!(
            "CREATE TRIGGER probe_poison BEFORE INSERT ON bars \
             WHEN new.first_agg_trade_id = {first_id} AND new.symbol = '{symbol}' \
             AND new.threshold_decimal_bps = {} \
             BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
            threshold.dbps()
        );
        self.execute(sql).await.map(drop)
    }

    /// Seals the period that is written to now, as if it were whole: whoever writes to it next has
    /// to take that back.
    pub async fn seal_ahead(&self) -> Result<(), ProbeError> {
        let seals = self.store.seals(&SealQuery::default()).await?;
        let mut ahead: Vec<SealRow> = Vec::new();
        for seal in seals {
            // By the time that somebody writes, the next one may have begun.
            for days in 1..=3 {
                let mut key = seal.key.clone();
                key.period_start_us += days * DAY_US;
                ahead.push(SealRow {
                    key,
                    ..seal.clone()
                });
            }
        }
        Ok(self.store.put_seals(&ahead).await?)
    }

    /// Takes every row again.
    pub async fn heal(&self) -> Result<(), ProbeError> {
        self.unlock();
        let sql = "DROP TRIGGER IF EXISTS probe_poison".to_owned();
        self.execute(sql).await.map(drop)
    }

    async fn execute(&self, sql: String) -> Result<Connection, ProbeError> {
        let path = self.path.clone();
        let execute = move || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(TURN)?;
            connection.execute_batch(&sql)?;
            Ok(connection)
        };
        let executed = tokio::task::spawn_blocking(execute).await;
        let failed = |error: String| {
            ProbeError::Missing(format!("the probe's own change of the store ({error})"))
        };
        executed
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))
    }

    /// The store itself, past every fault.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The newest id in the bars of a threshold for each symbol; 0 where there is none.
    pub async fn newest(&self, finest: Threshold) -> Result<Vec<i64>, ProbeError> {
        let query = BarQuery {
            exchange: Some(EXCHANGE.to_owned()),
            thresholds: vec![finest],
            ..BarQuery::default()
        };
        let ranges = match self.store.id_ranges(&query).await {
            // The collector makes the tables, in its own time.
            Err(error) if error.lacks_table() => Vec::new(),
            other => other?,
        };
        let newest = |symbol: &str| {
            let found = ranges.iter().find(|range| range.symbol == symbol);
            found.map_or(0, |range| range.last_id)
        };
        Ok(SYMBOLS.iter().map(|symbol| newest(symbol)).collect())
    }

    /// The bars of a series.
    pub async fn bars(
        &self,
        symbol: &Symbol,
        threshold: Threshold,
    ) -> Result<Vec<BarRow>, ProbeError> {
        let query = BarQuery {
            exchange: Some(EXCHANGE.to_owned()),
            symbols: vec![symbol.clone()],
            thresholds: vec![threshold],
            ..BarQuery::default()
        };
        let mut rows = Vec::new();
        let mut take = |more| {
            rows.extend(more);
            Ok(())
        };
        let read = self.store.bars(&query, &mut take).await;
        read.map_err(ProbeError::Read)?;
        Ok(rows)
    }
}
