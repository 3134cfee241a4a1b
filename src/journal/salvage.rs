//! What can be read of a damaged journal goes over into a new one.
//!
//! Everything is compared with its checksums before it is believed. A batch that is whole is
//! carried over as it is, with its number and token, because it may have been sent already.
//! Rows of a batch that is not whole are taken chunk by chunk and become part of a new one.
//!
//! Bars and trades behind the first loss are left: they are made again from the exchange,
//! and if they went on, the hole before them would look like the past. For the same reason
//! checkpoints are carried over only when nothing is lost; without them a collector goes on
//! where the bars in the store end. Gaps and events exist nowhere else, and go on whatever
//! is missing between them.
//!
//! A file of which even the first page cannot be read is read with the first page of a new
//! journal in its place, since the tables lie in the same places.

mod damaged;
mod reading;

use std::{fmt, path::Path};

use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    commit::checkpoint_crc32,
    delivery::is_made_again,
    error::JournalError,
    file::Journal,
    partition::parts,
    refusal,
    spool::{self, SpoolStats, chunk_id},
};

pub(super) use damaged::with_suffix;
use damaged::{open, patch};
use reading::{Old, Reading, keys};

/// What became of the contents of a damaged journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Rows that were carried over.
    pub rows: u64,
    /// Checkpoints that were carried over.
    pub checkpoints: u64,
    /// Rows that could be read and are left to be made again from the exchange.
    pub rows_left: u64,
    /// What could not be read, in words.
    pub lost: Vec<String>,
}

/// Of what is lost, so much is told; the damaged file itself is kept.
const TOLD: usize = 5;

impl fmt::Display for Salvaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows and {} checkpoints are carried over, {} rows are left to be fetched again",
            self.rows, self.checkpoints, self.rows_left
        )?;
        for (index, lost) in self.lost.iter().take(TOLD).enumerate() {
            let word = if index == 0 { "; lost: " } else { ", " };
            write!(f, "{word}{lost}")?;
        }
        match self.lost.len().checked_sub(TOLD) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

/// Carries what can be read of the damaged file at `path` over into `new`.
///
/// # Errors
/// When the new journal cannot be written. What cannot be read is no error.
pub(super) fn salvage(path: &Path, new: &mut Journal) -> Result<Salvaged, JournalError> {
    let mut salvaged = Salvaged::default();
    let mut patched = None;
    let old = match open(path) {
        Ok(old) => old,
        Err(first) => match patch(path, new).map(|copy| {
            let opened = open(&copy.0);
            patched = Some(copy);
            opened
        }) {
            Ok(Ok(old)) => old,
            Ok(Err(reason)) => {
                salvaged.lost.push(format!("everything: {first}; {reason}"));
                return Ok(salvaged);
            }
            Err(cause) => {
                let path = path.to_owned();
                return Err(JournalError::Unusable { path, cause });
            }
        },
    };
    let reading = Reading::of(&old);
    carry_over(&reading, new, &mut salvaged)?;
    Ok(salvaged)
}

/// Writes all that is believed into the new journal, in one transaction.
fn carry_over(
    reading: &Reading<'_>,
    new: &mut Journal,
    salvaged: &mut Salvaged,
) -> Result<(), JournalError> {
    salvaged.lost.clone_from(&reading.lost);
    let transaction = new.connection.transaction()?;
    let id = reading.journal_id.iter().map(|id| ("journal_id", id));
    let meta = reading
        .meta
        .iter()
        .map(|(key, value)| (key.as_str(), value));
    for (key, value) in meta.chain(id) {
        transaction.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET value = excluded.value",
            params![key, value],
        )?;
    }
    if let Some(id) = &reading.journal_id {
        transaction.execute("UPDATE identity SET journal_id = ?1", [id])?;
    }
    // No number is ever used twice, because tokens are made of them.
    transaction.execute(
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('batches', ?1)",
        [reading.last_id],
    )?;
    let mut first_loss = reading.missing_from;
    let (mut whole, mut broken) = (Vec::new(), Vec::new());
    for batch in reading.batches.values() {
        match reading.fault(batch) {
            None => whole.push(batch),
            Some(reason) => {
                let (id, rows, table) = (batch.id, batch.rows, &batch.table);
                salvaged
                    .lost
                    .push(format!("batch {id} of {rows} rows of {table}: {reason}"));
                let place = batch.place();
                first_loss = Some(first_loss.map_or(place, |loss| loss.min(place)));
                broken.push((place, id));
            }
        }
    }
    // Rows without a batch are all there; what they belonged to is not known.
    let strays = reading
        .chunks
        .keys()
        .filter(|id| !reading.batches.contains_key(id));
    broken.extend(strays.map(|&id| (id, id)));
    broken.sort_unstable();
    let is_behind_loss = |table: &str, place: i64| {
        is_made_again(table) && first_loss.is_some_and(|loss| place > loss)
    };
    for batch in whole {
        if batch.state != "dead" && is_behind_loss(&batch.table, batch.place()) {
            salvaged.rows_left += batch.rows.unsigned_abs();
            continue;
        }
        copy_batch(&transaction, reading, batch)?;
        salvaged.rows += batch.rows.unsigned_abs();
    }
    let journal_id = reading.journal_id.as_ref().unwrap_or(&new.id);
    // What is younger than it was does no harm. What seems to be decades old does: the spool
    // would count as full.
    let newest_us = reading.batches.values().map(|batch| batch.created_at_us);
    let last_version = reading.meta.get("last_version");
    let now_us = newest_us
        .chain(last_version.and_then(|version| version.parse().ok()))
        .max()
        .unwrap_or_default();
    for (place, id) in broken.iter().copied() {
        let mut is_interrupted = false;
        let chunks = reading.chunks.get(&id).map_or(&[][..], Vec::as_slice);
        for (place_in_batch, &chunk) in (0..).zip(chunks) {
            is_interrupted |= chunk != chunk_id(id, place_in_batch);
            let Ok(rows) = reading.chunk(chunk).and_then(|chunk| chunk.rows()) else {
                is_interrupted = true;
                continue;
            };
            let count = rows.len() as u64;
            let table = rows.table().as_str();
            if is_behind_loss(table, place) || (is_made_again(table) && is_interrupted) {
                salvaged.rows_left += count;
                continue;
            }
            let mut stats = SpoolStats::default();
            for part in parts(std::slice::from_ref(&rows)) {
                let options = &new.options;
                spool::append(&transaction, journal_id, options, part, now_us, &mut stats)?;
            }
            salvaged.rows += count;
        }
    }
    refusal::bury_left(&transaction)?;
    let is_lossless = first_loss.is_none() && broken.is_empty();
    salvaged.checkpoints =
        copy_checkpoints(&transaction, reading, is_lossless, &mut salvaged.lost)?;
    transaction.commit()?;
    if let Some(id) = &reading.journal_id {
        new.id.clone_from(id);
    }
    Ok(())
}

/// Puts a batch that is whole into the new journal, as it is.
fn copy_batch(
    transaction: &Transaction<'_>,
    reading: &Reading<'_>,
    batch: &Old,
) -> Result<(), JournalError> {
    transaction
        .prepare_cached(
            "INSERT INTO batches (id, table_name, partition, state, rows, size_bytes, token,
               created_at_us, attempts, last_error, position, first_row, origin_rows, chunks)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            batch.id,
            batch.table,
            batch.partition,
            batch.state,
            batch.rows,
            batch.size_bytes,
            batch.token,
            batch.created_at_us,
            batch.attempts,
            batch.last_error,
            batch.position,
            batch.first_row,
            batch.origin_rows,
            batch.chunks
        ])?;
    let mut new = transaction.prepare_cached(
        "INSERT INTO chunks (id, crc32, digest, payload) VALUES (?1, ?2, ?3, ?4)",
    )?;
    // One by one: what leads from one to the next may be damaged.
    for &id in reading.chunks.get(&batch.id).map_or(&[][..], Vec::as_slice) {
        let chunk = reading
            .chunk(id)
            .map_err(|reason| JournalError::Corrupt { reason })?;
        new.execute(params![id, chunk.crc32, chunk.digest, chunk.payload])?;
    }
    Ok(())
}

/// Carries over the checkpoints that are what was written, if they may be. Returns how many.
fn copy_checkpoints(
    transaction: &Transaction<'_>,
    reading: &Reading<'_>,
    is_lossless: bool,
    lost: &mut Vec<String>,
) -> Result<u64, JournalError> {
    let keys = keys(reading.old, "checkpoints");
    if let Some((_, error)) = &keys.damage {
        lost.push(format!("some of the checkpoints: {error}"));
    }
    let mut carried = 0;
    for key in keys.found {
        let read = reading
            .old
            .query_row(
                "SELECT exchange, symbol, anchor, last_agg_trade_id, state, committed_at_us, crc32
                 FROM checkpoints NOT INDEXED WHERE rowid = ?1",
                [key],
                |row| {
                    let texts: [String; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(4)?];
                    let numbers: [i64; 3] = [row.get(3)?, row.get(5)?, row.get(6)?];
                    Ok((texts, numbers))
                },
            )
            .optional();
        let whole = read.ok().flatten().filter(|(texts, numbers)| {
            let [exchange, symbol, anchor, state] = texts;
            let crc32 = checkpoint_crc32(exchange, symbol, anchor, numbers[0], state);
            i64::from(crc32) == numbers[2]
        });
        let Some((texts, numbers)) = whole else {
            lost.push("a checkpoint that is not what was written".to_owned());
            continue;
        };
        if !is_lossless {
            lost.push(format!(
                "the checkpoint of {}, because rows before it are lost",
                texts[1]
            ));
            continue;
        }
        let [exchange, symbol, anchor, state] = texts;
        transaction.execute(
            "INSERT INTO checkpoints VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                exchange, symbol, anchor, numbers[0], state, numbers[1], numbers[2]
            ],
        )?;
        carried += 1;
    }
    Ok(carried)
}

#[cfg(test)]
mod tests;
