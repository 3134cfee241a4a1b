//! What can go wrong with the journal.

use std::path::PathBuf;

/// A failure of the journal. Nothing of what was asked for is done then.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The directory or a file in it cannot be made or opened.
    #[error("open the journal in {}: {cause}", path.display())]
    Unusable {
        /// The state directory.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// SQLite on a network file system loses what it calls committed.
    #[error("keep a journal in {}: it is on a network file system ({kind})", path.display())]
    NetworkFileSystem {
        /// The state directory.
        path: PathBuf,
        /// The kind of file system.
        kind: &'static str,
    },
    /// Another process works on it.
    #[error("lock the journal in {}: process {pid} is using it", path.display())]
    InUse {
        /// The state directory.
        path: PathBuf,
        /// The other process, or `unknown`.
        pid: String,
    },
    /// The file was written by another version of the program.
    #[error("read the journal {}: its format is {found}, this build knows {known}", path.display())]
    UnknownFormat {
        /// The journal file.
        path: PathBuf,
        /// The format that it names.
        found: i64,
        /// The format that this build writes.
        known: i64,
    },
    /// There is nothing to open.
    #[error("open the journal in {}: there is none", path.display())]
    Missing {
        /// The state directory.
        path: PathBuf,
    },
    /// A batch that was named is not in the spool.
    #[error("find batch {batch} in the spool: it is not there")]
    UnknownBatch {
        /// The number that was named.
        batch: i64,
    },
    /// The spool holds rows for another store.
    #[error("use the journal in {}: it belongs to the store {bound}, not {asked}", path.display())]
    OtherStore {
        /// The state directory.
        path: PathBuf,
        /// The store that it was made for.
        bound: String,
        /// The store that was asked for.
        asked: String,
    },
    /// What was read is not what was written.
    #[error("read batch {batch}: {reason}")]
    Damaged {
        /// The batch.
        batch: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// The file itself is not what was written.
    #[error("use the journal: it is damaged: {reason}")]
    Corrupt {
        /// What is wrong with it.
        reason: String,
    },
    /// SQLite failed.
    #[error("use the journal: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Rows could not be encoded.
    #[error("encode rows: {0}")]
    Encode(String),
    /// The commit came from somebody who was given up.
    #[error("commit to the journal: a successor has taken over")]
    FencedOff,
    /// The journal's thread failed in the middle of a request, and has begun anew.
    #[error("use the journal: its thread failed, and was begun anew")]
    Interrupted,
    /// The journal's thread has ended.
    #[error("use the journal: it is closed")]
    Closed,
}

impl JournalError {
    /// What is wrong with the file, if that is what the error says.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        match self {
            Self::Corrupt { reason } => Some(reason.clone()),
            Self::Sqlite(error) => is_damage(error).then(|| error.to_string()),
            _ => None,
        }
    }

    /// Whether there was no room for it: on the disk, or in what the file may take of it.
    pub(super) fn is_disk_full(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }

    /// What SQLite says when there is no room.
    pub(super) fn disk_full() -> Self {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        rusqlite::Error::SqliteFailure(code, None).into()
    }
}

/// Whether SQLite found the file to be other than it was written. A file that ends within a
/// page is told as a failed read.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::{
        ErrorCode::{DatabaseCorrupt, NotADatabase},
        ffi::SQLITE_IOERR_SHORT_READ,
    };
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase)
    ) || matches!(error, rusqlite::Error::SqliteFailure(code, _)
        if code.extended_code == SQLITE_IOERR_SHORT_READ)
}
