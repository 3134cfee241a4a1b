//! What can go wrong with a store in a file.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::Connection;

use crate::{app::probe::error::ProbeError, domain::threshold::Threshold};

/// How long the probe waits for its own turn to write.
const TURN: Duration = Duration::from_secs(10);

/// A SQLite file, and who keeps others from it.
pub struct FileFaults {
    path: PathBuf,
    /// Keeps everybody else from writing while it is there.
    lock: Mutex<Option<Connection>>,
}

impl FileFaults {
    /// The file below `directory`.
    pub fn below(directory: &Path) -> Self {
        Self {
            path: directory.join("store.sqlite"),
            lock: Mutex::new(None),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets nobody else write from now on.
    pub async fn lock(&self) -> Result<(), ProbeError> {
        let connection = self.execute("BEGIN IMMEDIATE".to_owned()).await?;
        self.hold(Some(connection));
        Ok(())
    }

    /// Lets everybody write again: what was begun is rolled back with its connection.
    pub fn unlock(&self) {
        self.hold(None);
    }

    fn hold(&self, connection: Option<Connection>) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = connection;
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

    /// Takes every row again.
    pub async fn cure(&self) -> Result<(), ProbeError> {
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
        executed
            .map_err(|error| ProbeError::Statement(error.to_string()))?
            .map_err(|error| ProbeError::Statement(error.to_string()))
    }
}
