//! The spool: batches that the store has not confirmed.
//!
//! Rows are appended to the open batch of their table and partition. A batch is *sealed*
//! when it can take no more ([`Options::most_rows`]), or when delivery has nothing else to
//! do and it has enough rows or is old enough: its boundary is fixed and it gets its
//! deduplication token, in a transaction, before it is sent for the first time. From then
//! on it never changes, so that sending it again is the same insert. While the store does
//! not take anything, nothing but full batches is sealed; so a backlog is a few large
//! batches, however many commits made it.
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
//! reused) and the hashes of its chunks, which hold the rows with their versions; never of
//! content alone, because the store's memory of tokens outlives deletes and would swallow
//! a second insert.

use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use crate::domain::{
    crash::CrashPoint,
    row::{Rows, Table},
};

use super::{
    codec::{self, Chunk},
    error::JournalError,
    file::{Journal, Options},
    partition::{Part, Run},
};

/// How many bytes of the hash make a token.
const TOKEN_BYTES: usize = 16;

/// The lowest bits of a chunk's number are its place in the batch.
pub(super) const PLACE_BITS: u32 = 20;
/// No batch has more rows, so that there are places for chunks of one row each.
const MOST_CHUNKS: usize = 1 << PLACE_BITS;

/// The number of the chunk at `place` of a batch.
pub(super) const fn chunk_id(batch: i64, place: i64) -> i64 {
    batch << PLACE_BITS | place
}

/// The batch that a chunk belongs to.
pub(super) const fn batch_of_chunk(id: i64) -> i64 {
    id >> PLACE_BITS
}

/// The numbers that chunks of a batch may have, first and last.
pub(super) const fn chunk_ids(batch: i64) -> (i64, i64) {
    (chunk_id(batch, 0), chunk_id(batch, MOST_CHUNKS as i64 - 1))
}

/// Where a batch stands in the order of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub(super) position: i64,
    pub(super) first_row: i64,
}

/// A sealed batch, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SpooledBatch {
    /// Its number; never reused.
    pub id: i64,
    /// Where it stands.
    pub place: Place,
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

/// Appends rows to the open batch of their table and partition, and seals it when it is
/// full; what has no room begins the next one. Counts them in `stats`. Returns how many
/// batches were sealed.
pub(super) fn append(
    transaction: &Transaction<'_>,
    journal_id: &str,
    options: &Options,
    mut part: Part<'_>,
    now_us: i64,
    stats: &mut SpoolStats,
) -> Result<usize, JournalError> {
    let most = options.most_rows.clamp(1, MOST_CHUNKS);
    let mut sealed = 0;
    while part.len() > 0 {
        let open = transaction
            .prepare_cached(
                "SELECT id, rows, chunks FROM batches
                 WHERE state = 'open' AND table_name = ?1 AND partition = ?2",
            )?
            .query_row(params![part.table.as_str(), part.partition], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)? as usize, row.get(2)?))
            })
            .optional()?;
        let (open, rows, place) = match open {
            // What came earlier must not go in later: see `is_overtaken`.
            Some((id, ..)) if is_overtaken(transaction, &part, id)? => {
                sealed += seal_up_to(transaction, journal_id, part.table, id)?;
                (None, 0, 0)
            }
            Some((id, rows, chunks)) => (Some(id), rows, chunks),
            None => (None, 0, 0),
        };
        let runs = part.take(most.saturating_sub(rows).max(1));
        let added: usize = runs.iter().map(Run::len).sum();
        let chunk = codec::encode_runs(&runs)?;
        let size_bytes = chunk.payload.len() as u64;
        let id = if let Some(id) = open {
            transaction
                .prepare_cached(
                    "UPDATE batches SET rows = rows + ?2, size_bytes = size_bytes + ?3,
                       chunks = chunks + 1
                     WHERE id = ?1",
                )?
                .execute(params![id, added as i64, size_bytes as i64])?;
            id
        } else {
            begin(transaction, &part, added, size_bytes, now_us)?
        };
        insert_chunk(transaction, id, place, &chunk)?;
        stats.rows += added as u64;
        stats.size_bytes += size_bytes;
        stats.batches += u64::from(open.is_none());
        if rows + added >= most {
            sealed += seal_up_to(transaction, journal_id, part.table, id)?;
        }
    }
    Ok(sealed)
}

/// Whether rows of an earlier partition wait in a batch behind `id`. Around the turn of a
/// month some series are in the old one while others are in the new one; a series that comes
/// to the new one now may have its last rows of the old one in that batch, and they have to
/// go in first.
fn is_overtaken(
    transaction: &Transaction<'_>,
    part: &Part<'_>,
    id: i64,
) -> Result<bool, JournalError> {
    Ok(transaction
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM batches
             WHERE table_name = ?1 AND partition < ?2 AND id > ?3)",
        )?
        .query_row(params![part.table.as_str(), part.partition, id], |row| {
            row.get(0)
        })?)
}

/// Begins a batch that has one chunk of so many rows.
fn begin(
    transaction: &Transaction<'_>,
    part: &Part<'_>,
    rows: usize,
    size_bytes: u64,
    now_us: i64,
) -> Result<i64, JournalError> {
    let (table, partition) = (part.table.as_str(), part.partition);
    transaction
        .prepare_cached(
            "INSERT INTO batches
               (table_name, partition, state, rows, size_bytes, created_at_us, chunks)
             VALUES (?1, ?2, 'open', ?3, ?4, ?5, 1)",
        )?
        .execute(params![
            table,
            partition,
            rows as i64,
            size_bytes as i64,
            now_us
        ])?;
    Ok(transaction.last_insert_rowid())
}

/// Writes a chunk; whoever calls counts it.
pub(super) fn insert_chunk(
    transaction: &Transaction<'_>,
    batch: i64,
    place: i64,
    chunk: &Chunk,
) -> Result<(), JournalError> {
    transaction
        .prepare_cached("INSERT INTO chunks (id, crc32, digest, payload) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            chunk_id(batch, place),
            chunk.crc32,
            chunk.digest,
            chunk.payload
        ])?;
    Ok(())
}

/// The open batches that have enough rows or, at `now_us`, are old enough; all of them
/// without a time. In order.
///
/// With a batch go the earlier ones of its table: at the end of a month two are open, and
/// the rows of the new month must not be sent before those of the old one.
fn due(
    connection: &rusqlite::Connection,
    options: &Options,
    now_us: Option<i64>,
) -> Result<Vec<i64>, JournalError> {
    let mut statement = connection.prepare_cached(
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
        Some(now_us) => (now_us.saturating_sub(options.batch_age_us), now_us),
        None => (i64::MAX, i64::MAX),
    };
    let rows = statement.query_map(
        params![options.batch_rows as i64, oldest_us, newest_us],
        |row| row.get(0),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Seals the open batches of a table up to a batch. Returns how many.
fn seal_up_to(
    transaction: &Transaction<'_>,
    journal_id: &str,
    table: Table,
    last: i64,
) -> Result<usize, JournalError> {
    let ids: Vec<i64> = {
        let mut statement = transaction.prepare_cached(
            "SELECT id FROM batches WHERE state = 'open' AND table_name = ?1 AND id <= ?2
             ORDER BY id",
        )?;
        let rows = statement.query_map(params![table.as_str(), last], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for &id in &ids {
        seal_one(transaction, journal_id, id)?;
    }
    Ok(ids.len())
}

fn seal_one(transaction: &Transaction<'_>, journal_id: &str, id: i64) -> Result<(), JournalError> {
    let token = token(transaction, journal_id, id)?;
    transaction
        .prepare_cached(
            "UPDATE batches SET state = 'sealed', token = ?2, position = id, origin_rows = rows
             WHERE id = ?1",
        )?
        .execute(params![id, token])?;
    Ok(())
}

impl Journal {
    /// Seals the open batches that are due at `now_us`, all of them without a time. Returns
    /// how many.
    ///
    /// # Errors
    /// When the transaction failed; nothing is sealed then.
    pub fn seal(&mut self, now_us: Option<i64>) -> Result<usize, JournalError> {
        self.refresh()?;
        if !self.has_due(now_us)? {
            return Ok(0);
        }
        let transaction = self.connection.transaction()?;
        let ids = due(&transaction, &self.options, now_us)?;
        for &id in &ids {
            seal_one(&transaction, &self.id, id)?;
        }
        transaction.commit()?;
        self.options.crash.reach(CrashPoint::BatchSealed);
        Ok(ids.len())
    }

    /// Whether [`seal`](Self::seal) would seal anything.
    pub(super) fn has_due(&self, now_us: Option<i64>) -> Result<bool, JournalError> {
        Ok(!due(&self.connection, &self.options, now_us)?.is_empty())
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
    token_of(connection, journal_id, id, "digest")
}

/// Whether a sealed batch has the token of its rows. In journals of earlier formats it was
/// a hash of the rows themselves.
pub(super) fn has_its_token(
    connection: &rusqlite::Connection,
    journal_id: &str,
    id: i64,
    token: Option<&str>,
) -> Result<bool, JournalError> {
    for column in ["digest", "payload"] {
        if token == Some(&token_of(connection, journal_id, id, column)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn token_of(
    connection: &rusqlite::Connection,
    journal_id: &str,
    id: i64,
    column: &str,
) -> Result<String, JournalError> {
    let mut hash = Sha256::new();
    hash.update(journal_id.as_bytes());
    hash.update(id.to_le_bytes());
    let (first, last) = chunk_ids(id);
    let sql = format!("SELECT {column} FROM chunks WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    let mut chunks = connection.prepare_cached(&sql)?;
    let mut rows = chunks.query(params![first, last])?;
    while let Some(row) = rows.next()? {
        hash.update(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    Ok(codec::hex(&hash.finalize()[..TOKEN_BYTES]))
}

#[cfg(test)]
mod tests;
