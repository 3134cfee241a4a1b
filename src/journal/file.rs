//! The journal file.
//!
//! One transaction, `journal_mode = WAL` and `synchronous = FULL`, holds a commit's
//! rows and its checkpoints. After a crash there are both or neither, so what the
//! checkpoint says is done is in the spool or beyond.
//!
//! ```text
//! meta        key → value: format, the journal's random id, last version, store
//! checkpoints (exchange, symbol, anchor) → the ladder's state as JSON, last id
//! batches     number (never reused), table, partition, state, rows, bytes, token …
//! chunks      batch and place → one commit's rows, checksums
//! leases      what → who does it, until when
//! ```

use std::{fs::File, path::PathBuf};

use rand::Rng;
use rusqlite::Connection;

use crate::domain::crash::CrashPoints;

use super::{codec, error::JournalError, salvage::Salvaged, spool};

/// How a journal is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The store that the rows are for, without secrets; none to look only.
    pub store: Option<String>,
    /// Take the journal over although it was made for another store.
    pub accept_store: bool,
    /// A batch may be sent when it has so many rows.
    pub batch_rows: usize,
    /// A batch may be sent when its first row is so old, in µs.
    pub batch_age_us: i64,
    /// A batch takes no more rows than that while it waits.
    pub most_rows: usize,
    /// The file may have so many pages, as if the disk were full then; for tests.
    pub max_pages: Option<u32>,
    /// What tests arm.
    pub crash: CrashPoints,
}

/// A damaged journal that was moved out of the way. What could be read of it is in the
/// present one; the rest is fetched from the exchange again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is now.
    pub copy: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// What became of its contents.
    pub salvaged: Salvaged,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    pub(super) connection: Connection,
    pub(super) options: Options,
    pub(super) id: String,
    pub(super) stats: spool::SpoolStats,
    /// Changes when another connection has changed the file.
    pub(super) data_version: i64,
    pub(super) path: PathBuf,
    pub(super) set_aside: Option<SetAside>,
    /// Holding the file holds the lock; none when only attached.
    pub(super) lock: Option<File>,
}

impl Journal {
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

/// A name that is unlike any other: 128 random bits, in hex.
#[must_use]
pub fn random_id() -> String {
    let mut bytes = [0u8; 16];
    #[expect(
        clippy::disallowed_methods,
        reason = "an id that is unlike any other journal's"
    )]
    let mut generator = rand::rng();
    generator.fill_bytes(&mut bytes);
    codec::hex(&bytes)
}

#[cfg(test)]
mod tests;
