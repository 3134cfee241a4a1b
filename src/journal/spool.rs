//! The spool: batches that the store has not confirmed.
//!
//! Rows are appended to the open batch of their table and partition. When it has
//! enough rows, or is old enough, it is *sealed*: its boundary is fixed and it gets its
//! deduplication token, in a transaction, before it is sent for the first time. From
//! then on it never changes, so that sending it again is the same insert.
//!
//! The token is a hash of the journal's random id, the batch's number (which is never
//! reused) and the rows with their versions; never of content alone, because the
//! store's memory of tokens outlives deletes and would swallow a second insert.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::domain::{
    anchor::Anchor,
    crash::CrashPoint,
    row::{Rows, Table},
};

use super::{
    codec,
    error::JournalError,
    file::{Journal, Options},
};

/// How many bytes of the hash make a token.
const TOKEN_BYTES: usize = 16;
/// Free pages that stay in the file.
const KEPT_FREE_PAGES: i64 = 2048;

/// A sealed batch, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SpooledBatch {
    /// Its number; never reused.
    pub id: i64,
    /// Its rows.
    pub rows: Rows,
    /// Its deduplication token.
    pub token: String,
    /// How often it was sent without success.
    pub attempts: u64,
}

/// What the spool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolStats {
    /// Batches, open and sealed.
    pub batches: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of rows in them.
    pub size_bytes: u64,
    /// When the oldest batch was begun, in µs; none when the spool is empty.
    pub oldest_us: Option<i64>,
}

/// The partition of the store that a row belongs to: year × 100 + month, or 0 for
/// tables that have no time of their own.
type Partition = i64;

/// Sets the version of all rows, and parts them by partition. Order is kept.
pub(super) fn split(rows: Rows, version: u64) -> Vec<(Partition, Rows)> {
    match rows {
        Rows::Bars(mut rows) => {
            for row in &mut rows {
                row.version = version;
            }
            group(rows, |row| month(row.bar.open_time_us), Rows::Bars)
        }
        Rows::Trades(mut rows) => {
            for row in &mut rows {
                row.version = version;
            }
            group(rows, |row| month(row.trade.time_us), Rows::Trades)
        }
        Rows::Gaps(mut rows) => {
            for row in &mut rows {
                row.version = version;
            }
            group(rows, |_| 0, Rows::Gaps)
        }
        Rows::Events(rows) => group(rows, |row| month(row.time_us), Rows::Events),
    }
}

fn group<T>(
    rows: Vec<T>,
    partition: impl Fn(&T) -> Partition,
    wrap: impl Fn(Vec<T>) -> Rows,
) -> Vec<(Partition, Rows)> {
    let mut groups: Vec<(Partition, Vec<T>)> = Vec::with_capacity(1);
    for row in rows {
        let partition = partition(&row);
        match groups.iter_mut().find(|(known, _)| *known == partition) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((partition, vec![row])),
        }
    }
    groups
        .into_iter()
        .map(|(partition, rows)| (partition, wrap(rows)))
        .collect()
}

/// The start of the month identifies it as well as its name would.
fn month(time_us: i64) -> Partition {
    Anchor::Month.period(time_us).start_us
}

/// Appends rows to the open batch of their table and partition.
pub(super) fn append(
    transaction: &Transaction<'_>,
    partition: Partition,
    rows: &Rows,
    now_us: i64,
) -> Result<SpoolStats, JournalError> {
    if rows.is_empty() {
        return Ok(SpoolStats::default());
    }
    let chunk = codec::encode(rows)?;
    let table = rows.table().as_str();
    let size_bytes = chunk.payload.len() as u64;
    let open: Option<i64> = transaction
        .prepare_cached(
            "SELECT id FROM batches WHERE state = 'open' AND table_name = ?1 AND partition = ?2",
        )?
        .query_row(params![table, partition], |row| row.get(0))
        .optional()?;
    let id = if let Some(id) = open {
        transaction
            .prepare_cached(
                "UPDATE batches SET rows = rows + ?2, size_bytes = size_bytes + ?3
                     WHERE id = ?1",
            )?
            .execute(params![id, rows.len() as i64, size_bytes as i64])?;
        id
    } else {
        transaction
            .prepare_cached(
                "INSERT INTO batches
                       (table_name, partition, state, rows, size_bytes, created_at_us)
                     VALUES (?1, ?2, 'open', ?3, ?4, ?5)",
            )?
            .execute(params![
                table,
                partition,
                rows.len() as i64,
                size_bytes as i64,
                now_us
            ])?;
        transaction.last_insert_rowid()
    };
    transaction
        .prepare_cached(
            "INSERT INTO chunks (batch_id, place, payload, crc32)
             SELECT ?1, coalesce(max(place) + 1, 0), ?2, ?3 FROM chunks WHERE batch_id = ?1",
        )?
        .execute(params![id, chunk.payload, chunk.crc32])?;
    Ok(SpoolStats {
        batches: u64::from(open.is_none()),
        rows: rows.len() as u64,
        size_bytes,
        oldest_us: None,
    })
}

/// Seals the open batches that are full or, at `now_us`, old enough; all of them
/// without a time. Returns how many.
///
/// With a batch go the earlier ones of its table: at the end of a month two are open, and
/// the rows of the new month must not be sent before those of the old one.
pub(super) fn seal(
    transaction: &Transaction<'_>,
    journal_id: &str,
    options: &Options,
    now_us: Option<i64>,
) -> Result<usize, JournalError> {
    let due: Vec<i64> = {
        let mut statement = transaction.prepare_cached(
            "SELECT id FROM batches AS earlier
             WHERE state = 'open' AND EXISTS (
               SELECT 1 FROM batches AS due
               WHERE due.state = 'open' AND due.table_name = earlier.table_name
                 AND due.id >= earlier.id
                 AND (due.rows >= ?1 OR due.created_at_us <= ?2 OR due.created_at_us > ?3))
             ORDER BY id",
        )?;
        // A batch from the future, after the clock was set back, must not wait for it.
        let (oldest_us, newest_us) = match now_us {
            Some(now_us) => (now_us - options.batch_age_us, now_us),
            None => (i64::MAX, i64::MAX),
        };
        let rows = statement.query_map(
            params![options.batch_rows as i64, oldest_us, newest_us],
            |row| row.get(0),
        )?;
        rows.collect::<Result<_, _>>()?
    };
    for id in &due {
        let mut hash = Sha256::new();
        hash.update(journal_id.as_bytes());
        hash.update(id.to_le_bytes());
        let mut chunks = transaction
            .prepare_cached("SELECT payload FROM chunks WHERE batch_id = ?1 ORDER BY place")?;
        let mut rows = chunks.query(params![id])?;
        while let Some(row) = rows.next()? {
            hash.update(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
        }
        let token = codec::hex(&hash.finalize()[..TOKEN_BYTES]);
        transaction
            .prepare_cached("UPDATE batches SET state = 'sealed', token = ?2 WHERE id = ?1")?
            .execute(params![id, token])?;
    }
    Ok(due.len())
}

impl Journal {
    /// Seals the open batches that are due at `now_us`, all of them without a time.
    ///
    /// # Errors
    /// When the transaction failed; nothing is sealed then.
    pub fn seal(&mut self, now_us: Option<i64>) -> Result<usize, JournalError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sealed = seal(&transaction, &self.id, &self.options, now_us)?;
        if sealed > 0 {
            transaction.commit()?;
            self.options.crash.reach(CrashPoint::BatchSealed);
        }
        Ok(sealed)
    }

    /// The sealed batch with the lowest number above `after`.
    ///
    /// # Errors
    /// When the file cannot be read, or the batch is not what was written.
    pub fn next_batch(&self, after: i64) -> Result<Option<SpooledBatch>, JournalError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT id, table_name, token, attempts FROM batches
                 WHERE state = 'sealed' AND id > ?1 ORDER BY id LIMIT 1",
            )?
            .query_row(params![after], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, Option<String>>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            })
            .optional()?;
        let Some((id, table, token, attempts)) = found else {
            return Ok(None);
        };
        let damaged = |reason: String| JournalError::Damaged { batch: id, reason };
        let token = token.ok_or_else(|| damaged("it has no token".to_owned()))?;
        let table = Table::ALL
            .into_iter()
            .find(|known| known.as_str() == table)
            .ok_or_else(|| damaged(format!("there is no table '{table}'")))?;
        let mut statement = self.connection.prepare_cached(
            "SELECT payload, crc32 FROM chunks WHERE batch_id = ?1 ORDER BY place",
        )?;
        let mut chunks = statement.query(params![id])?;
        let mut rows: Option<Rows> = None;
        while let Some(chunk) = chunks.next()? {
            let payload = chunk.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            let more = codec::decode(payload, chunk.get(1)?).map_err(damaged)?;
            if more.table() != table {
                return Err(damaged(format!(
                    "it holds rows of {}",
                    more.table().as_str()
                )));
            }
            rows = Some(match rows {
                None => more,
                Some(rows) => join(rows, more),
            });
        }
        let rows = rows.ok_or_else(|| damaged("it has no rows".to_owned()))?;
        let attempts = attempts.unsigned_abs();
        Ok(Some(SpooledBatch {
            id,
            rows,
            token,
            attempts,
        }))
    }

    /// Deletes a batch that the store has confirmed.
    ///
    /// # Errors
    /// When the transaction failed; the batch is still there then.
    pub fn delivered(&mut self, id: i64) -> Result<SpoolStats, JournalError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let removed = transaction
            .prepare_cached("DELETE FROM batches WHERE id = ?1 RETURNING rows, size_bytes")?
            .query_row(params![id], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        transaction
            .prepare_cached("DELETE FROM chunks WHERE batch_id = ?1")?
            .execute(params![id])?;
        let oldest_us = oldest_us(&transaction)?;
        transaction.commit()?;
        self.options.crash.reach(CrashPoint::BatchDeleted);
        if let Some((rows, size_bytes)) = removed {
            let stats = &mut self.stats;
            stats.batches = stats.batches.saturating_sub(1);
            stats.rows = stats.rows.saturating_sub(rows.unsigned_abs());
            stats.size_bytes = stats.size_bytes.saturating_sub(size_bytes.unsigned_abs());
        }
        self.stats.oldest_us = oldest_us;
        self.give_back_pages()?;
        Ok(self.stats)
    }

    /// Gives the pages of a spool that was long back to the file system, a few at a
    /// time; some are kept, because the spool will want them again.
    fn give_back_pages(&self) -> Result<(), JournalError> {
        let free: i64 = self
            .connection
            .pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if free > KEPT_FREE_PAGES {
            self.connection
                .execute_batch("PRAGMA incremental_vacuum(256)")?;
        }
        Ok(())
    }

    /// Notes that a batch was sent without success.
    ///
    /// # Errors
    /// When the transaction failed.
    pub fn failed(&mut self, id: i64, error: &str) -> Result<(), JournalError> {
        self.connection
            .prepare_cached(
                "UPDATE batches SET attempts = attempts + 1, last_error = ?2 WHERE id = ?1",
            )?
            .execute(params![id, error])?;
        Ok(())
    }

    pub(super) fn read_stats(&self) -> Result<SpoolStats, JournalError> {
        let mut stats = self.connection.query_row(
            "SELECT count(*), coalesce(sum(rows), 0), coalesce(sum(size_bytes), 0) FROM batches",
            [],
            |row| {
                Ok(SpoolStats {
                    batches: row.get::<_, i64>(0)?.unsigned_abs(),
                    rows: row.get::<_, i64>(1)?.unsigned_abs(),
                    size_bytes: row.get::<_, i64>(2)?.unsigned_abs(),
                    oldest_us: None,
                })
            },
        )?;
        stats.oldest_us = oldest_us(&self.connection)?;
        Ok(stats)
    }
}

fn oldest_us(connection: &rusqlite::Connection) -> Result<Option<i64>, JournalError> {
    Ok(connection
        .prepare_cached("SELECT created_at_us FROM batches ORDER BY id LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?)
}

/// Appends rows of the same table; the caller has compared the tables.
fn join(rows: Rows, more: Rows) -> Rows {
    match (rows, more) {
        (Rows::Bars(mut rows), Rows::Bars(more)) => {
            rows.extend(more);
            Rows::Bars(rows)
        }
        (Rows::Trades(mut rows), Rows::Trades(more)) => {
            rows.extend(more);
            Rows::Trades(rows)
        }
        (Rows::Gaps(mut rows), Rows::Gaps(more)) => {
            rows.extend(more);
            Rows::Gaps(rows)
        }
        (Rows::Events(mut rows), Rows::Events(more)) => {
            rows.extend(more);
            Rows::Events(rows)
        }
        (rows, _) => rows,
    }
}
