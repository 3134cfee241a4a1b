//! Opening a journal, and keeping others away from it.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    error::JournalError,
    file::{Journal, Options, SetAside, random_id},
    filesystem, lease, reserve,
    salvage::{self, Salvaged, with_suffix},
    schema, spool,
};

/// The journal's file in the state directory.
pub const FILE_NAME: &str = "journal.sqlite";
/// A journal that is being made from a damaged one.
const NEW_NAME: &str = "journal.new.sqlite";
/// The same when it is complete.
const READY_NAME: &str = "journal.ready.sqlite";
/// The file that is locked while a collector runs.
pub const LOCK_NAME: &str = "collect.lock";
/// How long a statement waits for another process to end its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

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
        let interrupted = finish_replacement(directory).map_err(unusable)?;
        let mut journal = match Self::start_whole(directory, options.clone()) {
            Ok(journal) => journal,
            Err(error) => match error.damage() {
                Some(reason) => Self::replace(directory, options, reason)?,
                None => return Err(error),
            },
        };
        if let Some(copy) = interrupted {
            journal.set_aside.get_or_insert(SetAside {
                copy,
                reason: "an earlier start found it damaged, and was interrupted".to_owned(),
                salvaged: Salvaged::default(),
            });
        }
        // Without it the journal works as well, until the disk is full.
        let _ = reserve::make(directory);
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
        let is_current = schema::is_current(&connection, &path);
        // SQLite does not name the file that is no database.
        let is_current = is_current.map_err(|error| match error.damage() {
            Some(reason) => JournalError::Corrupt {
                reason: format!("{}: {reason}", path.display()),
            },
            None => error,
        })?;
        drop(connection);
        // A running collector of another version must not have its tables changed.
        let _lock = if is_current {
            None
        } else {
            Some(lock(directory)?)
        };
        Self::start(directory, options)
    }

    /// Puts a new journal, with what can be read of the damaged one, in its place. Until the
    /// new one is complete, nothing of the old one is touched.
    fn replace(directory: &Path, options: Options, reason: String) -> Result<Self, JournalError> {
        let unusable = |cause| JournalError::Unusable {
            path: directory.to_owned(),
            cause,
        };
        let path = directory.join(NEW_NAME);
        for suffix in ["", "-wal", "-shm"] {
            // What an earlier attempt left.
            match std::fs::remove_file(with_suffix(&path, suffix)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(error)),
                _ => {}
            }
        }
        let mut new = Self::start_at(directory, &path, options.clone())?;
        let salvaged = salvage::salvage(&directory.join(FILE_NAME), &mut new)?;
        new.bind_store()?;
        new.write_back()?;
        drop(new);
        std::fs::rename(&path, directory.join(READY_NAME)).map_err(unusable)?;
        let copy = finish_replacement(directory).map_err(unusable)?;
        let mut journal = Self::start_whole(directory, options)?;
        journal.set_aside = copy.map(|copy| SetAside {
            copy,
            reason,
            salvaged,
        });
        Ok(journal)
    }

    /// Opens the journal and compares all of the file with itself and its checksums.
    fn start_whole(directory: &Path, options: Options) -> Result<Self, JournalError> {
        let journal = Self::start(directory, options)?;
        let corrupt = |reason| Err(JournalError::Corrupt { reason });
        let found: String =
            journal
                .connection
                .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return corrupt(found);
        }
        if let Some(symbol) = journal.wrong_checkpoint()? {
            return corrupt(format!(
                "the checkpoint of {symbol} is not what was written"
            ));
        }
        // SQLite has no checksums: wrong bytes within a row are none of its business.
        if let Some(reason) = journal.wrong_batch()? {
            return corrupt(reason);
        }
        Ok(journal)
    }

    fn start(directory: &Path, options: Options) -> Result<Self, JournalError> {
        Self::start_at(directory, &directory.join(FILE_NAME), options)
    }

    fn start_at(directory: &Path, path: &Path, options: Options) -> Result<Self, JournalError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // A transaction that reads first and then writes would fail, without waiting, when
        // another process has written in between.
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        schema::prepare(&mut connection, path)?;
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
        let has_identity: bool =
            journal
                .connection
                .query_row("SELECT EXISTS (SELECT 1 FROM identity)", [], |row| {
                    row.get(0)
                })?;
        if !has_identity {
            journal.connection.execute(
                "INSERT INTO identity SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM identity)",
                [&journal.id],
            )?;
        }
        journal.bind_store()?;
        journal.refresh()?;
        Ok(journal)
    }

    /// Writes everything from the write-ahead log into the file itself, and empties the log;
    /// false when somebody reads what is in it.
    pub(super) fn write_back(&self) -> Result<bool, JournalError> {
        let is_busy: bool =
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(!is_busy)
    }

    /// The first page of the file, with SQLite's header and what it says of the tables.
    pub(super) fn first_page(&self) -> Result<Vec<u8>, JournalError> {
        self.write_back()?;
        let size: i64 = self
            .connection
            .pragma_query_value(None, "page_size", |row| row.get(0))?;
        let path = self.connection.path().unwrap_or_default();
        let mut page = vec![0; usize::try_from(size).unwrap_or_default()];
        File::open(path)
            .and_then(|mut file| file.read_exact(&mut page))
            .map_err(|cause| JournalError::Unusable {
                path: self.path.clone(),
                cause,
            })?;
        Ok(page)
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

    pub(super) fn meta(&self, key: &str) -> Result<Option<String>, JournalError> {
        Ok(self
            .connection
            .query_row(
                "SELECT value FROM meta WHERE key = ?1",
                params![key],
                |row| row.get(0),
            )
            .optional()?)
    }

    /// Writes only what is missing: a look must be possible when the disk is full.
    fn meta_or_insert(&self, key: &str, default: &str) -> Result<String, JournalError> {
        if let Some(value) = self.meta(key)? {
            return Ok(value);
        }
        self.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![key, default],
        )?;
        Ok(self.meta(key)?.unwrap_or_else(|| default.to_owned()))
    }
}

/// Puts the new journal that is ready, if there is one, into the place of the damaged one.
/// May be interrupted anywhere. Returns where the damaged one is then.
fn finish_replacement(directory: &Path) -> std::io::Result<Option<PathBuf>> {
    let ready = directory.join(READY_NAME);
    if !ready.try_exists()? {
        return Ok(None);
    }
    let directory_file = File::open(directory)?;
    directory_file.sync_all()?;
    let copy = set_aside(directory)?;
    std::fs::rename(ready, directory.join(FILE_NAME))?;
    directory_file.sync_all()?;
    Ok(Some(copy))
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
        let from = with_suffix(&directory.join(FILE_NAME), suffix);
        if from.try_exists()? {
            std::fs::rename(from, with_suffix(&copy, suffix))?;
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
