//! Opening a journal, and keeping others away from it.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    error::JournalError,
    file::{Journal, Options, SetAside, random_id},
    filesystem, lease, schema, spool,
};

/// The journal's file in the state directory.
pub const FILE_NAME: &str = "journal.sqlite";
/// The file that is locked while a collector runs.
pub const LOCK_NAME: &str = "collect.lock";
/// How long a statement waits for another process to end its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

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
            lock: Some(lock),
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
        let is_current = schema::is_current(&connection, &path)?;
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
        schema::prepare(&mut connection, &path)?;
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
            lock: None,
        };
        journal.id = journal.meta_or_insert("journal_id", &random_id())?;
        journal.meta_or_insert("last_version", "0")?;
        journal.bind_store()?;
        journal.refresh()?;
        Ok(journal)
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
}

/// Whether the file is a database, but not what was written.
fn is_corrupt(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt)
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
