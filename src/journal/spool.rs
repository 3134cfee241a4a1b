//! The spool: batches that the store has not confirmed.
//!
//! Rows are appended to the open batch of their table and partition. When it has
//! enough rows, or is old enough, it is *sealed*: its boundary is fixed and it gets its
//! deduplication token, in a transaction, before it is sent for the first time. From
//! then on it never changes, so that sending it again is the same insert.
//!
//! ```text
//! open ──► sealed ──► (delivered: gone)
//!            │ the store refuses its rows
//!            ├─ two halves, sealed, in its place
//!            └─ one row: refused ──► dead, when the rest of the batch is in
//! any ─► damaged, when it is not what was written
//! ```
//!
//! The token is a hash of the journal's random id, the batch's number (which is never
//! reused) and the rows with their versions; never of content alone, because the
//! store's memory of tokens outlives deletes and would swallow a second insert.

use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use crate::domain::{anchor::Anchor, crash::CrashPoint, row::Rows};

use super::{
    codec,
    error::JournalError,
    file::{Journal, Options},
};

/// How many bytes of the hash make a token.
const TOKEN_BYTES: usize = 16;

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
    /// When its first row was committed, in µs.
    pub created_at_us: i64,
}

/// What the spool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolStats {
    /// Batches that are to be delivered.
    pub batches: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of rows in them.
    pub size_bytes: u64,
    /// When the oldest of them was begun, in µs; none when there is none.
    pub oldest_us: Option<i64>,
    /// Batches that are not delivered by themselves: dead letters, and damaged ones.
    pub dead_batches: u64,
    /// Rows in those.
    pub dead_rows: u64,
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
        ..SpoolStats::default()
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
        let token = token(transaction, journal_id, *id)?;
        transaction
            .prepare_cached(
                "UPDATE batches SET state = 'sealed', token = ?2, position = id,
                   origin_rows = rows
                 WHERE id = ?1",
            )?
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
        self.refresh()?;
        let transaction = self.connection.transaction()?;
        let sealed = seal(&transaction, &self.id, &self.options, now_us)?;
        if sealed > 0 {
            transaction.commit()?;
            self.options.crash.reach(CrashPoint::BatchSealed);
        }
        Ok(sealed)
    }

    /// The spool as the file has it.
    pub(super) fn read_stats(&self) -> Result<SpoolStats, JournalError> {
        let mut stats = SpoolStats::default();
        let mut statement = self.connection.prepare_cached(
            "SELECT state IN ('dead', 'damaged'), count(*), sum(rows), sum(size_bytes)
             FROM batches GROUP BY 1",
        )?;
        let mut groups = statement.query([])?;
        while let Some(group) = groups.next()? {
            let batches = group.get::<_, i64>(1)?.unsigned_abs();
            let rows = group.get::<_, i64>(2)?.unsigned_abs();
            if group.get(0)? {
                (stats.dead_batches, stats.dead_rows) = (batches, rows);
            } else {
                (stats.batches, stats.rows) = (batches, rows);
                stats.size_bytes = group.get::<_, i64>(3)?.unsigned_abs();
            }
        }
        stats.oldest_us = oldest_us(&self.connection)?;
        Ok(stats)
    }
}

/// When the oldest batch that is to be delivered was begun.
pub(super) fn oldest_us(connection: &rusqlite::Connection) -> Result<Option<i64>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT created_at_us FROM batches WHERE state NOT IN ('dead', 'damaged')
             ORDER BY id LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()?)
}

/// The token of a batch whose rows are written.
pub(super) fn token(
    connection: &rusqlite::Connection,
    journal_id: &str,
    id: i64,
) -> Result<String, JournalError> {
    let mut hash = Sha256::new();
    hash.update(journal_id.as_bytes());
    hash.update(id.to_le_bytes());
    let mut chunks = connection
        .prepare_cached("SELECT payload FROM chunks WHERE batch_id = ?1 ORDER BY place")?;
    let mut rows = chunks.query(params![id])?;
    while let Some(row) = rows.next()? {
        hash.update(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    Ok(codec::hex(&hash.finalize()[..TOKEN_BYTES]))
}

/// Appends rows of the same table; the caller has compared the tables.
pub(super) fn join(rows: Rows, more: Rows) -> Rows {
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
