//! What delivery does with sealed batches: claim, confirm, take note of failures.

use rusqlite::{OptionalExtension, params};

use crate::domain::{
    crash::CrashPoint,
    row::{Rows, Table},
};

use super::{
    codec,
    error::{JournalError, is_damage},
    file::Journal,
    lease::Holder,
    refusal,
    spool::{self, Place, SpoolStats, SpooledBatch},
};

/// Free pages that stay in the file.
const KEPT_FREE_PAGES: i64 = 2048;
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
    pub rows: i64,
}

const HEADER: &str = "id, table_name, partition, token, attempts, created_at_us, position, \
                      first_row, origin_rows, rows";

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
        rows: row.get(9)?,
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
    let (first, last) = spool::chunk_ids(id);
    let mut statement = connection.prepare_cached(
        "SELECT crc32, payload FROM chunks WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    )?;
    // Damage of these pages is that of this batch; the others may be well.
    let unreadable = |error: rusqlite::Error| {
        if is_damage(&error) {
            damaged(error.to_string())
        } else {
            error.into()
        }
    };
    let mut chunks = statement.query(params![first, last])?;
    let mut rows: Option<Rows> = None;
    while let Some(chunk) = chunks.next().map_err(unreadable)? {
        let payload = chunk
            .get_ref(1)
            .and_then(|payload| Ok(payload.as_blob()?))
            .map_err(unreadable)?;
        codec::decode_onto(&mut rows, payload, chunk.get(0)?).map_err(damaged)?;
    }
    let rows = rows.ok_or_else(|| damaged("it has no rows".to_owned()))?;
    if rows.table() != table {
        let found = rows.table().as_str();
        return Err(damaged(format!("it holds rows of {found}")));
    }
    Ok(rows)
}

/// The rows of a sealed batch with its token, if it is what was written.
fn read_whole(
    connection: &rusqlite::Connection,
    header: &Header,
) -> Result<(Rows, String), JournalError> {
    let damaged = |reason: String| JournalError::Damaged {
        batch: header.id,
        reason,
    };
    let rows = read_rows(connection, header.id, &header.table)?;
    // A piece that is missing leaves no trace in the others.
    if rows.len() as i64 != header.rows {
        let reason = format!("it has {} rows, not {}", rows.len(), header.rows);
        return Err(damaged(reason));
    }
    let token = header.token.clone();
    Ok((
        rows,
        token.ok_or_else(|| damaged("it has no token".to_owned()))?,
    ))
}

/// Whether rows of the table are made again from the exchange when they are lost. Gaps and
/// events exist nowhere else.
pub(super) fn is_made_again(table: &str) -> bool {
    ![Table::Gaps, Table::Events]
        .iter()
        .any(|only_here| only_here.as_str() == table)
}

/// Deletes the rows of a batch.
pub(super) fn delete_chunks(
    connection: &rusqlite::Connection,
    id: i64,
) -> Result<(), JournalError> {
    let (first, last) = spool::chunk_ids(id);
    connection
        .prepare_cached("DELETE FROM chunks WHERE id BETWEEN ?1 AND ?2")?
        .execute(params![first, last])?;
    Ok(())
}

impl Journal {
    /// What is wrong with a batch that waits and can be made again, if there is one.
    pub(super) fn wrong_batch(&self) -> Result<Option<String>, JournalError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {HEADER}, state FROM batches WHERE state IN ('open', 'sealed', 'refused')"
        ))?;
        let mut batches = statement.query([])?;
        while let Some(row) = batches.next()? {
            let mut header = match header(row) {
                Ok(header) => header,
                Err(error) => return Ok(Some(error.to_string())),
            };
            if !is_made_again(&header.table) {
                continue;
            }
            if row.get_ref(10)?.as_str().is_ok_and(|state| state == "open") {
                header.token.get_or_insert_default();
            }
            if let Err(JournalError::Damaged { batch, reason }) =
                read_whole(&self.connection, &header)
            {
                return Ok(Some(format!("batch {batch}: {reason}")));
            }
        }
        Ok(None)
    }

    /// The first sealed batch behind `after`.
    fn first_sealed(&self, after: Option<Place>) -> Result<Option<Header>, JournalError> {
        let after = after.unwrap_or(Place {
            position: i64::MIN,
            first_row: 0,
        });
        Ok(self
            .connection
            .prepare_cached(&format!(
                "SELECT {HEADER} FROM batches
                 WHERE state = 'sealed' AND (position, first_row) > (?1, ?2)
                 ORDER BY position, first_row LIMIT 1"
            ))?
            .query_row(params![after.position, after.first_row], header)
            .optional()?)
    }

    /// The sealed batch that is to be sent next, or after the one at `after`.
    ///
    /// # Errors
    /// When the file cannot be read. A batch that is not what was written is marked as
    /// damaged, and is out of the way from then on; unless its rows can be made again, for
    /// which the file has to be opened anew: what is behind it must not go in before.
    pub fn next_batch(
        &mut self,
        after: Option<Place>,
    ) -> Result<Option<SpooledBatch>, JournalError> {
        let Some(header) = self.first_sealed(after)? else {
            return Ok(None);
        };
        let read = read_whole(&self.connection, &header).map(|(rows, token)| SpooledBatch {
            id: header.id,
            place: Place {
                position: header.position,
                first_row: header.first_row,
            },
            rows,
            token,
            attempts: header.attempts.unsigned_abs(),
            created_at_us: header.created_at_us,
        });
        match read {
            Ok(batch) => Ok(Some(batch)),
            Err(error) => {
                if let JournalError::Damaged { batch, reason } = &error {
                    if is_made_again(&header.table) {
                        let reason = format!("batch {batch}: {reason}");
                        return Err(JournalError::Corrupt { reason });
                    }
                    let transaction = self.connection.transaction()?;
                    transaction.execute(
                        "UPDATE batches SET state = 'damaged', last_error = ?2 WHERE id = ?1",
                        params![batch, reason],
                    )?;
                    refusal::bury_left(&transaction)?;
                    transaction.commit()?;
                    self.stats = self.read_stats()?;
                }
                Err(error)
            }
        }
    }

    /// Claims the batch that is to be sent next, or after the one at `after`, which is being
    /// sent: takes or renews the lease for `holder`. When no batch is sealed, those that
    /// are due are sealed now.
    ///
    /// # Errors
    /// As for [`next_batch`](Self::next_batch).
    pub fn claim(
        &mut self,
        holder: &str,
        now_us: i64,
        lease_us: i64,
        after: Option<Place>,
    ) -> Result<Claim, JournalError> {
        self.refresh()?;
        if self.first_sealed(after)?.is_none() && !self.has_due(Some(now_us))? {
            return Ok(Claim::Nothing);
        }
        if let Some(other) = self.take_lease(holder, now_us, lease_us)? {
            return Ok(Claim::HeldElsewhere(other));
        }
        self.options.crash.reach(CrashPoint::LeaseTaken);
        // The other one may have delivered it meanwhile.
        if self.first_sealed(after)?.is_none() {
            self.seal(Some(now_us))?;
        }
        Ok(self
            .next_batch(after)?
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
        delete_chunks(&transaction, id)?;
        let mut dead_rows = 0;
        if let Some((_, _, position)) = removed
            && refusal::pieces(&transaction, position, "sealed")? == 0
        {
            dead_rows = refusal::bury(&transaction, position)?;
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
}

#[cfg(test)]
mod tests;
