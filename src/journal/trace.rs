//! Whether somebody commits to a journal, seen from outside and without its lock.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::{
    error::JournalError,
    open::FILE_NAME,
    run::{ALIVE, COLLECTOR},
};

/// How long a reader waits for a writer.
const PATIENCE: Duration = Duration::from_secs(1);

/// When a symbol's checkpoint was last committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCommit {
    /// The exchange.
    pub exchange: String,
    /// The symbol.
    pub symbol: String,
    /// The collector that the journal belongs to, by its name in the store; none when an
    /// older version wrote it.
    pub collector: Option<String>,
    /// The last aggregate id that was committed.
    pub last_agg_trade_id: i64,
    /// When the journal was last committed to for it, or by its collector to show that it
    /// lives, on this machine's clock, in µs.
    pub committed_at_us: i64,
}

/// The last commit of each symbol in the journal of `directory`; none when there is no
/// journal. Nothing is written, and whoever has the journal is not disturbed.
///
/// # Errors
/// When the file cannot be read.
pub fn last_commits(directory: &Path) -> Result<Vec<LastCommit>, JournalError> {
    let path = directory.join(FILE_NAME);
    // Where it cannot be told whether there is one, opening it says why.
    if matches!(path.try_exists(), Ok(false)) {
        return Ok(Vec::new());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    let mut statement = connection.prepare(
        "SELECT exchange, symbol, max(last_agg_trade_id), \
         max(max(committed_at_us), coalesce((SELECT CAST(value AS INTEGER) FROM meta \
         WHERE key = ?1), 0)), (SELECT value FROM meta WHERE key = ?2) \
         FROM checkpoints GROUP BY exchange, symbol",
    )?;
    let rows = statement.query_map([ALIVE, COLLECTOR], |row| {
        Ok(LastCommit {
            exchange: row.get(0)?,
            symbol: row.get(1)?,
            last_agg_trade_id: row.get(2)?,
            committed_at_us: row.get(3)?,
            collector: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
