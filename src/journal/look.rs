//! Looking at a journal without changing it, beside whoever works on it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{
    error::JournalError,
    file::{Journal, Options},
    inspect::Finding,
    open::FILE_NAME,
    schema,
    spool::SpoolStats,
};

/// What a journal is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Everything that is not what was written.
    pub damage: Vec<Finding>,
    /// What waits in it.
    pub stats: SpoolStats,
}

impl Journal {
    /// Compares all of the journal in `directory` with what was written, and counts what
    /// waits. None when it is of an older format: the next start of a collector changes it.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn look(directory: &Path, options: Options) -> Result<Option<Looked>, JournalError> {
        let path = directory.join(FILE_NAME);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        if !schema::is_current(&connection, &path)? {
            return Ok(None);
        }
        let mut journal = Self {
            connection,
            options,
            id: String::new(),
            stats: SpoolStats::default(),
            data_version: -1,
            path: directory.to_owned(),
            set_aside: None,
            lock: None,
        };
        journal.id = journal.meta("journal_id")?.unwrap_or_default();
        let mut damage = journal.verify()?;
        if let Some(symbol) = journal.wrong_checkpoint()? {
            damage.push(Finding {
                batch: None,
                reason: format!("the checkpoint of {symbol} is not what was written"),
            });
        }
        let stats = journal.read_stats()?;
        Ok(Some(Looked { damage, stats }))
    }
}
