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
//! leases      what → who does it, until when
//! ```

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rand::Rng;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::domain::{
    anchor::Anchor,
    crash::{CrashPoint, CrashPoints},
    row::{ExchangeName, Rows},
    symbol::Symbol,
};

use super::{codec, error::JournalError, filesystem, lease, schema, spool};

/// The journal's file in the state directory.
pub const FILE_NAME: &str = "journal.sqlite";
/// The file that is locked while a collector runs.
pub const LOCK_NAME: &str = "collect.lock";
/// How long a statement waits for another process to end its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How a journal is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The store that the rows are for, without secrets; none to look only.
    pub store: Option<String>,
    /// Take the journal over although it was made for another store.
    pub accept_store: bool,
    /// A batch is closed when it has so many rows.
    pub batch_rows: usize,
    /// A batch is closed when its first row is so old, in µs.
    pub batch_age_us: i64,
    /// The file may have so many pages, as if the disk were full then; for tests.
    pub max_pages: Option<u32>,
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
    /// Rows that it put into the spool.
    pub rows: u64,
}

/// A damaged journal that was moved out of the way. Whatever it held that the store does
/// not have is fetched from the exchange again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is now.
    pub copy: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    pub(super) connection: Connection,
    pub(super) options: Options,
    pub(super) id: String,
    pub(super) stats: spool::SpoolStats,
    /// Changes when another connection has changed the file.
    data_version: i64,
    path: PathBuf,
    set_aside: Option<SetAside>,
    /// Holding the file holds the lock; none when only attached.
    _lock: Option<File>,
}

impl Journal {
    /// Whether there is a journal in `directory`.
    #[must_use]
    pub fn is_at(directory: &Path) -> bool {
        directory.join(FILE_NAME).exists()
    }

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
        let journal = match Self::start(directory, options.clone()) {
            Err(JournalError::Sqlite(error)) if is_corrupt(&error) => {
                let copy = set_aside(directory).map_err(unusable)?;
                let mut journal = Self::start(directory, options)?;
                journal.set_aside = Some(SetAside {
                    copy,
                    reason: error.to_string(),
                });
                journal
            }
            journal => journal?,
        };
        // Whoever collected here before is gone, and its lease with it.
        lease::end_of_collectors(&journal.connection)?;
        Ok(Self {
            _lock: Some(lock),
            ..journal
        })
    }

    /// Opens the journal in `directory` beside whoever collects there. It takes no lock;
    /// what two processes must not do at once is kept apart by the lease.
    ///
    /// # Errors
    /// When there is no journal, or it cannot be used; also when it has an older format
    /// and a collector runs.
    pub fn attach(directory: &Path, options: Options) -> Result<Self, JournalError> {
        let unusable = |cause| JournalError::Unusable {
            path: directory.to_owned(),
            cause,
        };
        let path = directory.join(FILE_NAME);
        if !path.try_exists().map_err(unusable)? {
            return Err(JournalError::Missing {
                path: directory.to_owned(),
            });
        }
        let connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let is_current =
            schema::is_current(&connection, &path).map_err(|error| named(error, &path))?;
        drop(connection);
        // A running collector of another version must not have its tables changed.
        let _lock = if is_current {
            None
        } else {
            Some(lock(directory)?)
        };
        Self::start(directory, options)
    }

    fn start(directory: &Path, options: Options) -> Result<Self, JournalError> {
        let path = directory.join(FILE_NAME);
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // A transaction that reads first and then writes would fail, without waiting, when
        // another process has written in between.
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        schema::prepare(&mut connection, &path).map_err(|error| named(error, &path))?;
        if let Some(pages) = options.max_pages {
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        let mut journal = Self {
            connection,
            options,
            id: String::new(),
            stats: spool::SpoolStats::default(),
            data_version: -1,
            path: directory.to_owned(),
            set_aside: None,
            _lock: None,
        };
        journal.id = journal.meta_or_insert("journal_id", &random_id())?;
        journal.meta_or_insert("last_version", "0")?;
        journal.bind_store()?;
        journal.refresh()?;
        Ok(journal)
    }

    /// Counts the spool again if another process has changed it.
    pub(super) fn refresh(&mut self) -> Result<(), JournalError> {
        let found: i64 = self
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if found != self.data_version {
            self.stats = self.read_stats()?;
            self.data_version = found;
        }
        Ok(())
    }

    fn bind_store(&self) -> Result<(), JournalError> {
        let Some(asked) = &self.options.store else {
            return Ok(());
        };
        let bound = self.meta_or_insert("store", asked)?;
        if bound == *asked {
            return Ok(());
        }
        // A journal that holds nothing belongs to nobody yet: the other address may have
        // been a slip.
        if self.options.accept_store || self.is_empty()? {
            self.connection.execute(
                "UPDATE meta SET value = ?1 WHERE key = 'store'",
                params![asked],
            )?;
            return Ok(());
        }
        Err(JournalError::OtherStore {
            path: self.path.clone(),
            bound,
            asked: asked.clone(),
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
        self.refresh()?;
        let transaction = self.connection.transaction()?;
        let version = next_version(&transaction, commit.now_us)?;
        let mut stats = self.stats;
        let rows_before = stats.rows;
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
        Ok(Committed {
            version,
            stats,
            rows: stats.rows - rows_before,
        })
    }

    /// The damaged journal that this one stands in for, if there was one.
    #[must_use]
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// The spool as it is now.
    #[must_use]
    pub fn stats(&self) -> spool::SpoolStats {
        self.stats
    }
}

/// Whether the file is a database, but not what was written.
fn is_corrupt(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt)
}

/// Names the file if it never was a database: SQLite does not.
fn named(error: JournalError, path: &Path) -> JournalError {
    match error {
        JournalError::Sqlite(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) =>
        {
            JournalError::NotAJournal {
                path: path.to_owned(),
            }
        }
        error => error,
    }
}

/// Moves the journal's files out of the way, under a name that is free. Nothing of them is
/// deleted.
fn set_aside(directory: &Path) -> std::io::Result<PathBuf> {
    let mut number = 1;
    let copy = loop {
        let copy = directory.join(format!("journal.damaged-{number}.sqlite"));
        if !copy.try_exists()? {
            break copy;
        }
        number += 1;
    };
    for suffix in ["-wal", "-shm", ""] {
        let from = directory.join(format!("{FILE_NAME}{suffix}"));
        if from.try_exists()? {
            let mut to = copy.clone().into_os_string();
            to.push(suffix);
            std::fs::rename(from, to)?;
        }
    }
    Ok(copy)
}

/// The version for rows that are written at `now_us`: later than every one before, also
/// when the clock has gone back and when another process has written.
pub(super) fn next_version(
    transaction: &Transaction<'_>,
    now_us: i64,
) -> Result<u64, JournalError> {
    let last: String = transaction
        .prepare_cached("SELECT value FROM meta WHERE key = 'last_version'")?
        .query_row([], |row| row.get(0))?;
    let last: u64 = last.parse().unwrap_or_default();
    let version = (last + 1).max(u64::try_from(now_us).unwrap_or_default());
    transaction
        .prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'last_version'")?
        .execute(params![version.to_string()])?;
    Ok(version)
}

/// A name that is unlike any other.
pub(super) fn random_id() -> String {
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

#[cfg(test)]
mod tests;
