//! What the store refuses for its content.
//!
//! The batch is split in halves, each with a number and a token of its own, until the bad
//! rows are alone. These wait as *refused* until the rest of their batch is in; then they
//! become dead letters. If more of a batch are refused than [`tolerated`] says, or all of
//! it, then the table is wrong and not the rows: that is for somebody to mend, and nothing
//! is dead-lettered. All of them are sealed again and stay in the spool, in order, in the
//! pieces that were made so far.
//!
//! | rows in the batch | may be refused |
//! | --- | --- |
//! | 1 to 199 | 1: else one bad row would hold back every batch of a quiet symbol |
//! | 200 to 999 | one in a hundred |
//! | 1000 and more | 10 |
//!
//! A batch that is refused as a whole is held against its rows only when its table has
//! taken others since it last made a dead letter.

use rusqlite::{Connection, Transaction, params};

use crate::domain::{crash::CrashPoint, row::Rows};

use super::{
    codec,
    delivery::{Header, delete_chunks, header_of, read_rows},
    error::JournalError,
    file::Journal,
    spool,
};

/// At most so many rows of a batch may be bad, however large it is.
const MOST_REFUSED: u64 = 10;

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

impl Journal {
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
        delete_chunks(&transaction, id)?;
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
        // Others of its table went in when it died: it is one of several, also when it was
        // a batch alone. Else, refused again, it would stand for a table that is wrong, and
        // everything would wait behind it.
        transaction.execute(
            "UPDATE batches SET state = 'sealed', origin_rows = max(origin_rows, 2)
             WHERE state = 'dead'",
            [],
        )?;
        transaction.commit()?;
        self.stats = self.read_stats()?;
        Ok(rows.unsigned_abs())
    }
}

/// How many rows of the batch that was sealed at `position` are in that state.
pub(super) fn pieces(
    transaction: &Transaction<'_>,
    position: i64,
    state: &str,
) -> Result<u64, JournalError> {
    let rows: i64 = transaction
        .prepare_cached(
            "SELECT coalesce(sum(rows), 0) FROM batches WHERE state = ?1 AND position = ?2",
        )?
        .query_row(params![state, position], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// Makes dead letters of what was refused. Returns the rows.
pub(super) fn bury(transaction: &Transaction<'_>, position: i64) -> Result<u64, JournalError> {
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

/// Makes dead letters of what was refused and waits for a rest that is gone: given up, or
/// not readable. Nothing would ever come back to it.
pub(super) fn bury_left(connection: &Connection) -> Result<(), JournalError> {
    connection.execute(
        "UPDATE batches SET state = 'dead' WHERE state = 'refused'
           AND position NOT IN (SELECT position FROM batches WHERE state = 'sealed')",
        [],
    )?;
    Ok(())
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
                                  attempts, last_error, position, first_row, origin_rows,
                                  chunks)
             VALUES (?1, ?2, 'sealed', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)",
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
    spool::insert_chunk(transaction, id, 0, &chunk)?;
    let token = spool::token(transaction, journal_id, id)?;
    transaction
        .prepare_cached("UPDATE batches SET token = ?2 WHERE id = ?1")?
        .execute(params![id, token])?;
    Ok(())
}
