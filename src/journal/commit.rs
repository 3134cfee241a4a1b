//! What a commit does: rows and checkpoints, together or not at all.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::domain::{
    anchor::Anchor,
    crash::CrashPoint,
    row::{ExchangeName, Rows},
    symbol::Symbol,
};

use super::{
    error::JournalError,
    file::Journal,
    partition::{parts, set_version},
    receipt::{Doubtful, Receipt},
    run::{self, RunMark},
    spool,
};

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
    /// Rows before those, as far as earlier commits did not bring them in.
    pub doubtful: Vec<Doubtful>,
    /// Says whether this one is in.
    pub receipt: Receipt,
    /// Checkpoints that these rows, and all before them, lead up to.
    pub checkpoints: Vec<CheckpointRow>,
    /// What it says of the run that makes it.
    pub run: Option<RunMark>,
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

/// Whether the file may become longer by a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    Allowed,
    Refused,
}

impl Commit {
    /// Whether there are any rows in it.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        !self.rows.is_empty() || !self.doubtful.is_empty()
    }

    /// Takes in what is not in the journal.
    fn resolve(&mut self) {
        let doubtful = std::mem::take(&mut self.doubtful).into_iter();
        let missing = doubtful.filter(|doubtful| !doubtful.is_in());
        self.rows
            .splice(0..0, missing.map(|doubtful| doubtful.rows));
    }
}

impl Journal {
    /// The symbol of a checkpoint that is not what was written, if there is one.
    pub(super) fn wrong_checkpoint(&self) -> Result<Option<String>, JournalError> {
        let mut statement = self.connection.prepare(
            "SELECT exchange, symbol, anchor, last_agg_trade_id, state, crc32 FROM checkpoints",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |column| row.get_ref(column).and_then(|text| Ok(text.as_str()?));
            let found = checkpoint_crc32(text(0)?, text(1)?, text(2)?, row.get(3)?, text(4)?);
            if i64::from(found) != row.get::<_, i64>(5)? {
                return Ok(Some(text(1)?.to_owned()));
            }
        }
        Ok(None)
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
    pub fn commit(&mut self, mut commit: Commit) -> Result<Committed, JournalError> {
        commit.resolve();
        let committed = self.commit_or_make_room(&mut commit);
        commit.receipt.set(committed.is_ok());
        committed
    }

    fn commit_or_make_room(&mut self, commit: &mut Commit) -> Result<Committed, JournalError> {
        let error = match self.commit_once(commit, Growth::Allowed) {
            Err(error) if error.is_disk_full() => error,
            result => return result,
        };
        // The log cannot grow, but it may be full of what can go into the file, and the file
        // may have pages free. Neither takes room for good: the log gives back what the file
        // becomes longer by, and a commit that fits into those pages gives back all.
        if !self.with_reserve(|journal| journal.write_back())? {
            return Err(error);
        }
        self.with_reserve(|journal| journal.commit_once(commit, Growth::Refused))
    }

    fn commit_once(
        &mut self,
        commit: &mut Commit,
        growth: Growth,
    ) -> Result<Committed, JournalError> {
        self.refresh()?;
        let transaction = self.connection.transaction()?;
        let pages_before = page_count(&transaction)?;
        let version = next_version(&transaction, commit.now_us)?;
        let mut stats = self.stats;
        let (rows_before, mut sealed) = (stats.rows, 0);
        set_version(&mut commit.rows, version);
        for part in parts(&commit.rows) {
            sealed += spool::append(
                &transaction,
                &self.id,
                &self.options,
                part,
                commit.now_us,
                &mut stats,
            )?;
        }
        if let Some(mark) = &commit.run {
            run::note(&transaction, mark, commit.now_us)?;
        }
        self.options.crash.reach(CrashPoint::JournalRowsWritten);
        {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO checkpoints
                   (exchange, symbol, anchor, last_agg_trade_id, state, committed_at_us, crc32)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET last_agg_trade_id = excluded.last_agg_trade_id,
                   state = excluded.state, committed_at_us = excluded.committed_at_us,
                   crc32 = excluded.crc32",
            )?;
            for row in &commit.checkpoints {
                let (exchange, symbol) = (row.exchange.as_ref(), row.symbol.as_str());
                let (anchor, last_id) = (row.anchor.as_str(), row.last_agg_trade_id);
                let crc32 = checkpoint_crc32(exchange, symbol, anchor, last_id, &row.state);
                statement.execute(params![
                    exchange,
                    symbol,
                    anchor,
                    last_id,
                    row.state,
                    commit.now_us,
                    crc32
                ])?;
            }
        }
        if growth == Growth::Refused && page_count(&transaction)? > pages_before {
            return Err(JournalError::disk_full());
        }
        self.options.crash.reach(CrashPoint::JournalBeforeCommit);
        transaction.commit()?;
        // Nothing that happens from now on takes it out again.
        commit.receipt.set(true);
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
}

fn page_count(transaction: &Transaction<'_>) -> Result<i64, JournalError> {
    Ok(transaction
        .prepare_cached("PRAGMA page_count")?
        .query_row([], |row| row.get(0))?)
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

/// What tells whether a checkpoint is what was written. A wrong digit in it would make wrong
/// bars.
pub(super) fn checkpoint_crc32(
    exchange: &str,
    symbol: &str,
    anchor: &str,
    last_agg_trade_id: i64,
    state: &str,
) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    for text in [exchange, symbol, anchor, state] {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(&last_agg_trade_id.to_le_bytes());
    hash.finalize()
}
