//! Places to put a store in: a database or a directory for each test.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use streamkit::{
    domain::row::{BarRow, Rows},
    store::{
        StoreOptions,
        address::StoreAddress,
        open,
        sink::{BarQuery, Store},
    },
};
use tempfile::TempDir;

use crate::rows::batch;
pub use crate::server::{clickhouse_address, clickhouse_url};

/// A store that is empty but for its schema, and a way around it.
pub struct Place {
    pub address: StoreAddress,
    pub store: Arc<dyn Store>,
    pub back_door: BackDoor,
}

/// What the tests do to a store that it does not offer itself.
pub enum BackDoor {
    Sqlite {
        file: PathBuf,
        _directory: TempDir,
    },
    ClickHouse {
        client: Box<clickhouse::Client>,
        database: String,
    },
}

/// A name that no other test has.
pub fn fresh_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("test store {}_{number}", std::process::id())
}

impl Place {
    pub async fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        // The directories above the file are made with it.
        let file = directory.path().join("not yet/there/bars.db");
        let address = StoreAddress::Sqlite(file.clone());
        let back_door = BackDoor::Sqlite {
            file,
            _directory: directory,
        };
        Self::new(address, back_door).await
    }

    pub async fn clickhouse() -> Option<Self> {
        let url = clickhouse_url()?;
        let database = fresh_name();
        let encoded = database.replace(' ', "%20");
        let address = clickhouse_address(&url, "default", &encoded);
        let client = clickhouse::Client::default()
            .with_url(url)
            .with_database(&database);
        let back_door = BackDoor::ClickHouse {
            client: Box::new(client),
            database,
        };
        Some(Self::new(address, back_door).await)
    }

    /// Another place of the same kind.
    pub async fn like(other: &Self) -> Self {
        match other.back_door {
            BackDoor::Sqlite { .. } => Self::sqlite().await,
            BackDoor::ClickHouse { .. } => Self::clickhouse().await.expect("a server"),
        }
    }

    async fn new(address: StoreAddress, back_door: BackDoor) -> Self {
        let store = open(&address, StoreOptions::default()).expect("a store");
        store.create_schema().await.expect("a schema");
        Self {
            address,
            store,
            back_door,
        }
    }

    /// Another store at the same place.
    pub fn reopened(&self, options: StoreOptions) -> Arc<dyn Store> {
        open(&self.address, options).expect("a store")
    }

    pub async fn execute(&self, sql: &str) {
        match &self.back_door {
            BackDoor::Sqlite { file, .. } => {
                let db = rusqlite::Connection::open(file).expect("the file");
                db.execute_batch(sql).expect(sql);
            }
            BackDoor::ClickHouse { client, .. } => {
                client.query_raw(sql).execute().await.expect(sql);
            }
        }
    }

    /// The number that a query answers with.
    pub async fn number(&self, sql: &str) -> u64 {
        match &self.back_door {
            BackDoor::Sqlite { file, .. } => {
                let db = rusqlite::Connection::open(file).expect("the file");
                let number: i64 = db.query_row(sql, [], |row| row.get(0)).expect(sql);
                number.unsigned_abs()
            }
            BackDoor::ClickHouse { client, .. } => {
                client.query_raw(sql).fetch_one().await.expect(sql)
            }
        }
    }

    pub async fn put(&self, rows: Rows, token: &str) {
        self.store
            .insert(&batch(rows, token))
            .await
            .expect("an insert");
    }

    pub async fn bars(&self, query: &BarQuery) -> Vec<BarRow> {
        read(&*self.store, query).await
    }

    /// Newest bars of a threshold that cannot be, as SQL.
    pub fn bars_of_threshold_zero(&self) -> &'static str {
        match &self.back_door {
            BackDoor::Sqlite { .. } => "'{\"0\": 5}'",
            BackDoor::ClickHouse { .. } => "map(0, fromUnixTimestamp64Micro(5, 'UTC'))",
        }
    }

    /// Gives a symbol's seals a digest of the threshold 0, which there is not.
    pub async fn break_seal(&self, symbol: &str) {
        let sql = match &self.back_door {
            BackDoor::Sqlite { .. } => {
                format!("UPDATE seals SET digests = '{{\"0\":\"\"}}' WHERE symbol = '{symbol}'")
            }
            BackDoor::ClickHouse { .. } => format!(
                "INSERT INTO seals SELECT * REPLACE (map(0, '') AS digests, version + 1 AS version) \
                 FROM (SELECT * FROM seals WHERE symbol = '{symbol}')"
            ),
        };
        self.execute(&sql).await;
    }

    /// Writes something else into one column of a symbol's health.
    pub async fn alter_health(&self, symbol: &str, column: &str, value: &str) {
        let sql = match &self.back_door {
            BackDoor::Sqlite { .. } => {
                format!("UPDATE stream_health SET {column} = {value} WHERE symbol = '{symbol}'")
            }
            // A part of the key cannot be updated there.
            BackDoor::ClickHouse { .. } => {
                // A subquery, or the condition would see what is put in its place.
                self.execute(&format!(
                    "INSERT INTO stream_health SELECT * REPLACE ({value} AS {column}) \
                     FROM (SELECT * FROM stream_health WHERE symbol = '{symbol}')"
                ))
                .await;
                let is_old = format!("symbol = '{symbol}' AND {column} != {value}");
                format!("DELETE FROM stream_health WHERE {is_old}")
            }
        };
        self.execute(&sql).await;
    }

    /// Removes what a test made. After a failed test it stays, to be looked at.
    pub async fn leave(self) {
        if let BackDoor::ClickHouse { client, database } = &self.back_door {
            let sql = format!("DROP DATABASE `{database}`");
            client.query_raw(&sql).execute().await.expect(&sql);
        }
    }
}

/// All the bars that a query asks for, in the order in which they come.
pub async fn read(store: &dyn Store, query: &BarQuery) -> Vec<BarRow> {
    let mut all = Vec::new();
    let mut each = |piece: Vec<BarRow>| {
        assert!(
            !piece.is_empty() && piece.len() <= 10_000,
            "{}",
            piece.len()
        );
        all.extend(piece);
        Ok(())
    };
    store.bars(query, &mut each).await.expect("bars");
    all
}
