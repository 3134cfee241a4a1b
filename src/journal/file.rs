//! The journal file: what a commit does.
//!
//! One transaction, `journal_mode = WAL` and `synchronous = FULL`, holds a commit's
//! rows and its checkpoints. After a crash there are both or neither, so what the
//! checkpoint says is done is in the spool or beyond.
//!
//! ```text
//! meta        key → value: format, the journal's random id, last version, store
//! checkpoints (exchange, symbol, anchor) → the ladder's state as JSON, last id
//! batches     number (never reused), table, partition, state, rows, bytes, token …
//! chunks      batch, place → one commit's rows, checksum
//! ```

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rand::Rng;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::domain::{
    anchor::Anchor,
    crash::{CrashPoint, CrashPoints},
    row::{ExchangeName, Rows},
    symbol::Symbol,
};

use super::{codec, error::JournalError, filesystem, spool};

/// The journal's file in the state directory.
pub const FILE_NAME: &str = "journal.sqlite";
/// The file that is locked while a collector runs.
pub const LOCK_NAME: &str = "collect.lock";
/// `application_id` of the file: "skit" in ASCII.
const APPLICATION_ID: i64 = 0x736b_6974;
/// The format that this build writes.
const FORMAT: i64 = 1;

/// How a journal is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The store that the rows are for, without secrets.
    pub store: String,
    /// Take the journal over although it was made for another store.
    pub accept_store: bool,
    /// A batch is closed when it has so many rows.
    pub batch_rows: usize,
    /// A batch is closed when its first row is so old, in µs.
    pub batch_age_us: i64,
    /// What tests arm.
    pub crash: CrashPoints,
}

/// The checkpoint of one symbol and anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// The exchange.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// The anchor.
    pub anchor: Anchor,
    /// The last aggregate id that every series has passed.
    pub last_agg_trade_id: i64,
    /// The ladder's state as JSON.
    pub state: String,
}

/// What goes in together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Rows; their versions are set by the journal.
    pub rows: Vec<Rows>,
    /// Checkpoints that these rows, and all before them, lead up to.
    pub checkpoints: Vec<CheckpointRow>,
    /// The wall clock, in µs since 1970 UTC.
    pub now_us: i64,
}

/// What a commit made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The version that its rows got.
    pub version: u64,
    /// The spool after it.
    pub stats: spool::SpoolStats,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    pub(super) connection: Connection,
    pub(super) options: Options,
    pub(super) id: String,
    pub(super) stats: spool::SpoolStats,
    last_version: u64,
    path: PathBuf,
    /// Holding the file holds the lock.
    _lock: File,
}

impl Journal {
    /// Opens the journal in `directory`, making both if need be, and locks it.
    ///
    /// # Errors
    /// When the directory cannot be used, another process has the lock, or the file is
    /// not a journal of this format and store.
    pub fn open(directory: &Path, options: Options) -> Result<Self, JournalError> {
        let unusable = |cause| JournalError::Unusable {
            path: directory.to_owned(),
            cause,
        };
        std::fs::create_dir_all(directory).map_err(unusable)?;
        if let Some(kind) = filesystem::network_kind(directory).map_err(unusable)? {
            return Err(JournalError::NetworkFileSystem {
                path: directory.to_owned(),
                kind,
            });
        }
        let lock = lock(directory)?;
        let path = directory.join(FILE_NAME);
        let connection = Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        prepare(&connection, &path)?;
        let mut journal = Self {
            connection,
            options,
            id: String::new(),
            stats: spool::SpoolStats::default(),
            last_version: 0,
            path: directory.to_owned(),
            _lock: lock,
        };
        journal.id = journal.meta_or_insert("journal_id", &random_id())?;
        journal.last_version = journal
            .meta_or_insert("last_version", "0")?
            .parse()
            .unwrap_or_default();
        journal.bind_store()?;
        journal.stats = journal.read_stats()?;
        Ok(journal)
    }

    fn bind_store(&self) -> Result<(), JournalError> {
        let bound = self.meta_or_insert("store", &self.options.store)?;
        if bound == self.options.store {
            return Ok(());
        }
        // A journal that holds nothing belongs to nobody yet: the other address may have
        // been a slip.
        if self.options.accept_store || self.is_empty()? {
            self.connection.execute(
                "UPDATE meta SET value = ?1 WHERE key = 'store'",
                params![self.options.store],
            )?;
            return Ok(());
        }
        Err(JournalError::OtherStore {
            path: self.path.clone(),
            bound,
            asked: self.options.store.clone(),
        })
    }

    fn is_empty(&self) -> Result<bool, JournalError> {
        Ok(self.connection.query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM checkpoints) AND NOT EXISTS (SELECT 1 FROM batches)",
            [],
            |row| row.get(0),
        )?)
    }

    fn meta_or_insert(&self, key: &str, default: &str) -> Result<String, JournalError> {
        self.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![key, default],
        )?;
        Ok(self.connection.query_row(
            "SELECT value FROM meta WHERE key = ?1",
            params![key],
            |row| row.get(0),
        )?)
    }

    /// The checkpoint of a symbol and anchor, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint(
        &self,
        exchange: &str,
        symbol: &Symbol,
        anchor: Anchor,
    ) -> Result<Option<String>, JournalError> {
        Ok(self
            .connection
            .query_row(
                "SELECT state FROM checkpoints WHERE exchange = ?1 AND symbol = ?2 AND anchor = ?3",
                params![exchange, symbol.as_str(), anchor.as_str()],
                |row| row.get(0),
            )
            .optional()?)
    }

    /// Commits rows and checkpoints, durably.
    ///
    /// # Errors
    /// When it failed; then nothing of it is in the journal.
    pub fn commit(&mut self, commit: Commit) -> Result<Committed, JournalError> {
        let version = (self.last_version + 1).max(u64::try_from(commit.now_us).unwrap_or_default());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut stats = self.stats;
        for rows in commit.rows {
            for (partition, rows) in spool::split(rows, version) {
                let added = spool::append(&transaction, partition, &rows, commit.now_us)?;
                stats.rows += added.rows;
                stats.size_bytes += added.size_bytes;
                stats.batches += added.batches;
            }
        }
        self.options.crash.reach(CrashPoint::JournalRowsWritten);
        {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO checkpoints
                   (exchange, symbol, anchor, last_agg_trade_id, state, committed_at_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET last_agg_trade_id = excluded.last_agg_trade_id,
                   state = excluded.state, committed_at_us = excluded.committed_at_us",
            )?;
            for row in &commit.checkpoints {
                statement.execute(params![
                    row.exchange.as_ref(),
                    row.symbol.as_str(),
                    row.anchor.as_str(),
                    row.last_agg_trade_id,
                    row.state,
                    commit.now_us
                ])?;
            }
        }
        transaction
            .prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'last_version'")?
            .execute(params![version.to_string()])?;
        let sealed = spool::seal(&transaction, &self.id, &self.options, Some(commit.now_us))?;
        self.options.crash.reach(CrashPoint::JournalBeforeCommit);
        transaction.commit()?;
        self.options.crash.reach(CrashPoint::JournalAfterCommit);
        if sealed > 0 {
            self.options.crash.reach(CrashPoint::BatchSealed);
        }
        stats.oldest_us = stats
            .oldest_us
            .or((stats.rows > 0).then_some(commit.now_us));
        self.stats = stats;
        self.last_version = version;
        Ok(Committed { version, stats })
    }

    /// The spool as it is now.
    #[must_use]
    pub fn stats(&self) -> spool::SpoolStats {
        self.stats
    }
}

fn random_id() -> String {
    let mut bytes = [0u8; 16];
    #[expect(
        clippy::disallowed_methods,
        reason = "an id that is unlike any other journal's"
    )]
    let mut generator = rand::rng();
    generator.fill_bytes(&mut bytes);
    codec::hex(&bytes)
}

/// Takes the lock that keeps a second collector away; the file names its holder.
fn lock(directory: &Path) -> Result<File, JournalError> {
    let unusable = |cause| JournalError::Unusable {
        path: directory.to_owned(),
        cause,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join(LOCK_NAME))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(unusable)?;
            file.rewind().map_err(unusable)?;
            writeln!(file, "{}", std::process::id()).map_err(unusable)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // The name of the holder is a courtesy; without it the message still stands.
            let _ = file.read_to_string(&mut pid);
            let pid = match pid.trim() {
                "" => "unknown".to_owned(),
                pid => pid.to_owned(),
            };
            Err(JournalError::InUse {
                path: directory.to_owned(),
                pid,
            })
        }
        Err(std::fs::TryLockError::Error(cause)) => Err(unusable(cause)),
    }
}

/// Sets the connection up and creates the tables in a new file.
fn prepare(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    // Effective only before the first table is made; freed pages can then be given back.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let found: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && (found, format) != (APPLICATION_ID, FORMAT) {
        let found = if found == APPLICATION_ID { format } else { -1 };
        return Err(JournalError::UnknownFormat {
            path: path.to_owned(),
            found,
            known: FORMAT,
        });
    }
    if tables == 0 {
        connection.execute_batch(&format!(
            "BEGIN;
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {FORMAT};
             CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
             CREATE TABLE checkpoints (
               exchange TEXT NOT NULL, symbol TEXT NOT NULL, anchor TEXT NOT NULL,
               last_agg_trade_id INTEGER NOT NULL, state TEXT NOT NULL,
               committed_at_us INTEGER NOT NULL,
               PRIMARY KEY (exchange, symbol, anchor)) STRICT;
             CREATE TABLE batches (
               id INTEGER PRIMARY KEY AUTOINCREMENT,
               table_name TEXT NOT NULL, partition INTEGER NOT NULL,
               state TEXT NOT NULL CHECK (state IN ('open', 'sealed')),
               rows INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
               token TEXT, created_at_us INTEGER NOT NULL,
               attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT) STRICT;
             CREATE INDEX open_batches ON batches (table_name, partition) WHERE state = 'open';
             CREATE TABLE chunks (
               batch_id INTEGER NOT NULL, place INTEGER NOT NULL,
               payload BLOB NOT NULL, crc32 INTEGER NOT NULL,
               PRIMARY KEY (batch_id, place)) STRICT, WITHOUT ROWID;
             COMMIT;"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
