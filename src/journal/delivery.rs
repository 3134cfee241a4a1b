//! What delivery does with sealed batches: claim, confirm, and part what is refused.
//!
//! When the store refuses rows for their content, their batch is split in halves, each
//! with a number and a token of its own, until the bad rows are alone. These wait as
//! *refused* until the rest of their batch is in; then they become dead letters. If more
//! than a few of a batch are refused, or all of it, then the table is wrong and not the
//! rows: all of them are sealed again and stay in the spool, in order, in the pieces that
//! were made so far.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::domain::{
    crash::CrashPoint,
    row::{Rows, Table},
};

use super::{
    codec,
    error::JournalError,
    file::Journal,
    lease::Holder,
    spool::{self, SpoolStats, SpooledBatch},
};

/// Free pages that stay in the file.
const KEPT_FREE_PAGES: i64 = 2048;
/// At most so many rows of a batch may be bad, and at most one in a hundred; but one may
/// always be.
const MOST_REFUSED: u64 = 10;

/// What a look at the spool found.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// Nothing is to be sent.
    Nothing,
    /// Another process delivers.
    HeldElsewhere(Holder),
    /// This batch is to be sent next, by the caller alone.
    Batch(Box<SpooledBatch>),
}

/// What became of the spool when a batch was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed {
    /// The spool after it.
    pub stats: SpoolStats,
    /// Rows that are dead letters now: the rest of their batch is in.
    pub dead_rows: u64,
}

/// What became of a row that the store refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It waits until the rest of its batch is in.
    Waits,
    /// So many rows, it among them, are dead letters now.
    Dead(u64),
    /// Too much of its batch is refused; all of it stays in the spool.
    TooMany {
        /// Rows that were refused.
        refused: u64,
        /// Rows that the batch had.
        of: u64,
    },
    /// It is not in the spool any more.
    Gone,
}

/// How many rows of a batch of `rows` may be bad before the table counts as wrong.
#[must_use]
pub fn tolerated(rows: u64) -> u64 {
    (rows / 100).clamp(1, MOST_REFUSED)
}

/// One batch as its row has it.
pub(super) struct Header {
    pub id: i64,
    pub table: String,
    pub partition: i64,
    pub token: Option<String>,
    pub attempts: i64,
    pub created_at_us: i64,
    pub position: i64,
    pub first_row: i64,
    pub origin_rows: i64,
}

const HEADER: &str =
    "id, table_name, partition, token, attempts, created_at_us, position, first_row, origin_rows";

fn header(row: &rusqlite::Row<'_>) -> rusqlite::Result<Header> {
    Ok(Header {
        id: row.get(0)?,
        table: row.get(1)?,
        partition: row.get(2)?,
        token: row.get(3)?,
        attempts: row.get(4)?,
        created_at_us: row.get(5)?,
        position: row.get(6)?,
        first_row: row.get(7)?,
        origin_rows: row.get(8)?,
    })
}

pub(super) fn header_of(
    connection: &rusqlite::Connection,
    id: i64,
) -> Result<Option<Header>, JournalError> {
    Ok(connection
        .prepare_cached(&format!("SELECT {HEADER} FROM batches WHERE id = ?1"))?
        .query_row(params![id], header)
        .optional()?)
}

/// The rows of a batch, as they were written.
pub(super) fn read_rows(
    connection: &rusqlite::Connection,
    id: i64,
    table: &str,
) -> Result<Rows, JournalError> {
    let damaged = |reason: String| JournalError::Damaged { batch: id, reason };
    let table = Table::ALL
        .into_iter()
        .find(|known| known.as_str() == table)
        .ok_or_else(|| damaged(format!("there is no table '{table}'")))?;
    let mut statement = connection
        .prepare_cached("SELECT payload, crc32 FROM chunks WHERE batch_id = ?1 ORDER BY place")?;
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
            Some(rows) => spool::join(rows, more),
        });
    }
    rows.ok_or_else(|| damaged("it has no rows".to_owned()))
}

impl Journal {
    fn first_due(&self) -> Result<Option<Header>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(&format!(
                "SELECT {HEADER} FROM batches WHERE state = 'sealed'
                 ORDER BY position, first_row LIMIT 1"
            ))?
            .query_row([], header)
            .optional()?)
    }

    /// The batch that is to be sent next.
    ///
    /// # Errors
    /// When the file cannot be read. A batch that is not what was written is marked as
    /// damaged, and is out of the way from then on.
    pub fn next_batch(&mut self) -> Result<Option<SpooledBatch>, JournalError> {
        let Some(header) = self.first_due()? else {
            return Ok(None);
        };
        let rows = read_rows(&self.connection, header.id, &header.table);
        let damaged = |reason: &str| JournalError::Damaged {
            batch: header.id,
            reason: reason.to_owned(),
        };
        let read = rows.and_then(|rows| {
            let token = header.token.ok_or_else(|| damaged("it has no token"))?;
            Ok(SpooledBatch {
                id: header.id,
                rows,
                token,
                attempts: header.attempts.unsigned_abs(),
                created_at_us: header.created_at_us,
            })
        });
        match read {
            Ok(batch) => Ok(Some(batch)),
            Err(error) => {
                if let JournalError::Damaged { batch, reason } = &error {
                    self.connection.execute(
                        "UPDATE batches SET state = 'damaged', last_error = ?2 WHERE id = ?1",
                        params![batch, reason],
                    )?;
                    self.stats = self.read_stats()?;
                }
                Err(error)
            }
        }
    }

    /// Claims the batch that is to be sent next: takes or renews the lease for `holder`,
    /// if there is such a batch.
    ///
    /// # Errors
    /// As for [`next_batch`](Self::next_batch).
    pub fn claim(
        &mut self,
        holder: &str,
        now_us: i64,
        lease_us: i64,
    ) -> Result<Claim, JournalError> {
        self.refresh()?;
        if self.first_due()?.is_none() {
            return Ok(Claim::Nothing);
        }
        if let Some(other) = self.take_lease(holder, now_us, lease_us)? {
            return Ok(Claim::HeldElsewhere(other));
        }
        self.options.crash.reach(CrashPoint::LeaseTaken);
        // The other one may have delivered it meanwhile.
        Ok(self
            .next_batch()?
            .map_or(Claim::Nothing, |batch| Claim::Batch(Box::new(batch))))
    }

    /// Deletes a batch that the store has confirmed.
    ///
    /// # Errors
    /// When the transaction failed; the batch is still there then.
    pub fn delivered(&mut self, id: i64) -> Result<Confirmed, JournalError> {
        self.refresh()?;
        let transaction = self.connection.transaction()?;
        let removed = transaction
            .prepare_cached(
                "DELETE FROM batches WHERE id = ?1 RETURNING rows, size_bytes, position",
            )?
            .query_row(params![id], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, i64>(2)?,
                ))
            })
            .optional()?;
        transaction
            .prepare_cached("DELETE FROM chunks WHERE batch_id = ?1")?
            .execute(params![id])?;
        let mut dead_rows = 0;
        if let Some((_, _, position)) = removed
            && pieces(&transaction, position, "sealed")? == 0
        {
            dead_rows = bury(&transaction, position)?;
        }
        let oldest_us = spool::oldest_us(&transaction)?;
        transaction.commit()?;
        self.options.crash.reach(CrashPoint::BatchDeleted);
        if dead_rows > 0 {
            self.stats = self.read_stats()?;
        } else if let Some((rows, size_bytes, _)) = removed {
            let stats = &mut self.stats;
            stats.batches = stats.batches.saturating_sub(1);
            stats.rows = stats.rows.saturating_sub(rows.unsigned_abs());
            stats.size_bytes = stats.size_bytes.saturating_sub(size_bytes.unsigned_abs());
        }
        self.stats.oldest_us = oldest_us;
        self.give_back_pages()?;
        Ok(Confirmed {
            stats: self.stats,
            dead_rows,
        })
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

    /// Puts two halves into the place of a batch that the store refuses. Each has a number
    /// and a token of its own from then on. Returns whether there was one to split.
    ///
    /// # Errors
    /// When the transaction failed; the batch is whole then.
    pub fn split(&mut self, id: i64, reason: &str) -> Result<bool, JournalError> {
        let transaction = self.connection.transaction()?;
        let Some(header) = header_of(&transaction, id)? else {
            return Ok(false);
        };
        let first = read_rows(&transaction, id, &header.table)?;
        if first.len() < 2 {
            return Ok(false);
        }
        let half = first.len() / 2;
        let (first, second) = first.split_at(half);
        for (rows, skipped) in [(first, 0), (second, half)] {
            let first_row = header.first_row + skipped as i64;
            insert_piece(&transaction, &self.id, &header, &rows, first_row, reason)?;
        }
        transaction
            .prepare_cached("DELETE FROM batches WHERE id = ?1")?
            .execute(params![id])?;
        transaction
            .prepare_cached("DELETE FROM chunks WHERE batch_id = ?1")?
            .execute(params![id])?;
        transaction.commit()?;
        self.options.crash.reach(CrashPoint::BatchSplit);
        self.stats = self.read_stats()?;
        Ok(true)
    }

    /// Takes note that the store refuses a batch of one row. `is_table_proven` says that
    /// the table is known to take rows, so that even a batch that is refused as a whole
    /// may be to blame itself.
    ///
    /// # Errors
    /// When the transaction failed.
    pub fn refuse(
        &mut self,
        id: i64,
        reason: &str,
        is_table_proven: bool,
    ) -> Result<Refusal, JournalError> {
        let transaction = self.connection.transaction()?;
        let Some(header) = header_of(&transaction, id)? else {
            return Ok(Refusal::Gone);
        };
        transaction
            .prepare_cached(
                "UPDATE batches SET state = 'refused', attempts = attempts + 1, last_error = ?2
                 WHERE id = ?1",
            )?
            .execute(params![id, reason])?;
        let refused = pieces(&transaction, header.position, "refused")?;
        let of = header.origin_rows.unsigned_abs();
        let left = pieces(&transaction, header.position, "sealed")?;
        let refusal = if refused > tolerated(of) || (refused >= of && !is_table_proven) {
            transaction
                .prepare_cached(
                    "UPDATE batches SET state = 'sealed'
                     WHERE state = 'refused' AND position = ?1",
                )?
                .execute(params![header.position])?;
            Refusal::TooMany { refused, of }
        } else if left == 0 {
            Refusal::Dead(bury(&transaction, header.position)?)
        } else {
            Refusal::Waits
        };
        transaction.commit()?;
        self.options.crash.reach(CrashPoint::RowRefused);
        self.stats = self.read_stats()?;
        Ok(refusal)
    }

    /// Makes dead letters batches that are to be delivered again. Returns their rows.
    ///
    /// # Errors
    /// When the transaction failed.
    pub fn revive(&mut self) -> Result<u64, JournalError> {
        let transaction = self.connection.transaction()?;
        let rows: i64 = transaction.query_row(
            "SELECT coalesce(sum(rows), 0) FROM batches WHERE state = 'dead'",
            [],
            |row| row.get(0),
        )?;
        transaction.execute(
            "UPDATE batches SET state = 'sealed' WHERE state = 'dead'",
            [],
        )?;
        transaction.commit()?;
        self.stats = self.read_stats()?;
        Ok(rows.unsigned_abs())
    }
}

/// How many rows of the batch that was sealed at `position` are in that state.
fn pieces(transaction: &Transaction<'_>, position: i64, state: &str) -> Result<u64, JournalError> {
    let rows: i64 = transaction
        .prepare_cached(
            "SELECT coalesce(sum(rows), 0) FROM batches WHERE state = ?1 AND position = ?2",
        )?
        .query_row(params![state, position], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// Makes dead letters of what was refused. Returns the rows.
fn bury(transaction: &Transaction<'_>, position: i64) -> Result<u64, JournalError> {
    let rows = pieces(transaction, position, "refused")?;
    if rows > 0 {
        transaction
            .prepare_cached(
                "UPDATE batches SET state = 'dead' WHERE state = 'refused' AND position = ?1",
            )?
            .execute(params![position])?;
    }
    Ok(rows)
}

fn insert_piece(
    transaction: &Transaction<'_>,
    journal_id: &str,
    whole: &Header,
    rows: &Rows,
    first_row: i64,
    reason: &str,
) -> Result<(), JournalError> {
    let chunk = codec::encode(rows)?;
    transaction
        .prepare_cached(
            "INSERT INTO batches (table_name, partition, state, rows, size_bytes, created_at_us,
                                  attempts, last_error, position, first_row, origin_rows)
             VALUES (?1, ?2, 'sealed', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            whole.table,
            whole.partition,
            rows.len() as i64,
            chunk.payload.len() as i64,
            whole.created_at_us,
            whole.attempts + 1,
            reason,
            whole.position,
            first_row,
            whole.origin_rows
        ])?;
    let id = transaction.last_insert_rowid();
    transaction
        .prepare_cached(
            "INSERT INTO chunks (batch_id, place, payload, crc32) VALUES (?1, 0, ?2, ?3)",
        )?
        .execute(params![id, chunk.payload, chunk.crc32])?;
    let token = spool::token(transaction, journal_id, id)?;
    transaction
        .prepare_cached("UPDATE batches SET token = ?2 WHERE id = ?1")?
        .execute(params![id, token])?;
    Ok(())
}

#[cfg(test)]
mod tests;
