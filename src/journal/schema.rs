//! The tables of the journal file, and how an older file becomes a present one.

use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use super::{codec, commit::checkpoint_crc32, error::JournalError, spool::chunk_id};

/// `application_id` of the file: "skit" in ASCII.
const APPLICATION_ID: i64 = 0x736b_6974;
/// The format that this build writes. Format 1 had no leases, and its batches could not be
/// split; in format 2 nothing told whether a checkpoint was whole.
pub(super) const FORMAT: i64 = 3;

const CHECKPOINTS: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE checkpoints (
      exchange TEXT NOT NULL, symbol TEXT NOT NULL, anchor TEXT NOT NULL,
      last_agg_trade_id INTEGER NOT NULL, state TEXT NOT NULL,
      committed_at_us INTEGER NOT NULL, crc32 INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (exchange, symbol, anchor)) STRICT;";

/// The journal's id once more, on a page of its own: every token is made of it, and that of
/// `meta` may be lost.
const IDENTITY: &str = "CREATE TABLE identity (journal_id TEXT NOT NULL) STRICT;";

/// The number of a chunk is made of that of its batch and its place there, so that the rows
/// of a batch are a range. What is read without the rows stands before them.
const CHUNKS: &str = "
    CREATE TABLE chunks (
      id INTEGER PRIMARY KEY,
      crc32 INTEGER NOT NULL, digest BLOB NOT NULL, payload BLOB NOT NULL) STRICT;";

/// Batches are delivered by `position`, which is the number of the batch as it was sealed,
/// then by `first_row`, which is where in that batch their rows begin: so the pieces of a
/// batch that was split are delivered in its place. `origin_rows` is how many rows it had,
/// `chunks` in how many chunks its rows are.
const BATCHES: &str = "
    CREATE TABLE batches (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      table_name TEXT NOT NULL, partition INTEGER NOT NULL,
      state TEXT NOT NULL
        CHECK (state IN ('open', 'sealed', 'refused', 'dead', 'damaged')),
      rows INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
      token TEXT, created_at_us INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT,
      position INTEGER NOT NULL DEFAULT 0, first_row INTEGER NOT NULL DEFAULT 0,
      origin_rows INTEGER NOT NULL DEFAULT 0,
      chunks INTEGER NOT NULL DEFAULT 0) STRICT;";

const INDEXES_AND_LEASES: &str = "
    CREATE INDEX open_batches ON batches (table_name, partition) WHERE state = 'open';
    CREATE INDEX batches_in_order ON batches (state, position, first_row);
    CREATE TABLE leases (
      name TEXT PRIMARY KEY, holder TEXT NOT NULL, until_us INTEGER NOT NULL) STRICT;";

/// What a file says of itself.
enum Found {
    Nothing,
    Format(i64),
}

fn look(connection: &Connection, path: &Path) -> Result<Found, JournalError> {
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (tables, application, format) {
        (0, ..) => Ok(Found::Nothing),
        (_, APPLICATION_ID, 1..=FORMAT) => Ok(Found::Format(format)),
        (_, application, format) => Err(JournalError::UnknownFormat {
            path: path.to_owned(),
            found: if application == APPLICATION_ID {
                format
            } else {
                -1
            },
            known: FORMAT,
        }),
    }
}

/// Whether the file has the present format, so that opening it changes nothing.
pub(super) fn is_current(connection: &Connection, path: &Path) -> Result<bool, JournalError> {
    Ok(matches!(look(connection, path)?, Found::Format(FORMAT)))
}

/// Sets the connection up; creates the tables in a new file, and brings those of an older
/// one up to date.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), JournalError> {
    if let Found::Nothing = look(connection, path)? {
        // Effective only before the first table is made, and it writes even when nothing
        // changes; freed pages can then be given back.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    if is_current(connection, path)? {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    // Another process may have done it while this one waited.
    match look(&transaction, path)? {
        Found::Format(FORMAT) => {}
        Found::Format(1) => {
            from_1(&transaction)?;
            from_2(&transaction)?;
        }
        Found::Format(_) => {
            transaction.execute_batch(
                "ALTER TABLE batches ADD COLUMN chunks INTEGER NOT NULL DEFAULT 0",
            )?;
            from_2(&transaction)?;
        }
        Found::Nothing => {
            transaction.execute_batch(CHECKPOINTS)?;
            transaction.execute_batch(CHUNKS)?;
            transaction.execute_batch(IDENTITY)?;
            transaction.execute_batch(BATCHES)?;
            transaction.execute_batch(INDEXES_AND_LEASES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
    }
    Ok(transaction.commit()?)
}

/// Makes the batches of format 1 present ones, keeping every one, and that no number is used
/// twice.
fn from_1(transaction: &Transaction<'_>) -> Result<(), JournalError> {
    let last: i64 = transaction.query_row(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'batches'",
        [],
        |row| row.get(0),
    )?;
    transaction.execute_batch(
        "DROP INDEX IF EXISTS open_batches; ALTER TABLE batches RENAME TO batches_1;",
    )?;
    transaction.execute_batch(BATCHES)?;
    transaction.execute_batch(
        "INSERT INTO batches (id, table_name, partition, state, rows, size_bytes, token,
                              created_at_us, attempts, last_error, position, origin_rows)
         SELECT id, table_name, partition, state, rows, size_bytes, token, created_at_us,
                attempts, last_error, iif(state = 'sealed', id, 0),
                iif(state = 'sealed', rows, 0)
         FROM batches_1;
         DROP TABLE batches_1;
         DELETE FROM sqlite_sequence WHERE name IN ('batches', 'batches_1');",
    )?;
    transaction.execute(
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('batches', ?1)",
        [last],
    )?;
    transaction.execute_batch(INDEXES_AND_LEASES)?;
    Ok(())
}

/// Numbers the chunks anew and gives them digests, and checkpoints their checksums. Batches
/// keep the tokens that they may have been sent with.
fn from_2(transaction: &Transaction<'_>) -> Result<(), JournalError> {
    transaction.execute_batch("ALTER TABLE chunks RENAME TO chunks_2")?;
    transaction.execute_batch(IDENTITY)?;
    transaction.execute_batch(CHUNKS)?;
    {
        let mut old = transaction
            .prepare("SELECT batch_id, place, crc32, payload FROM chunks_2 ORDER BY 1, 2")?;
        let mut new = transaction.prepare("INSERT INTO chunks VALUES (?1, ?2, ?3, ?4)")?;
        let mut rows = old.query([])?;
        while let Some(row) = rows.next()? {
            let payload = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            let crc32: i64 = row.get(2)?;
            let id = chunk_id(row.get(0)?, row.get(1)?);
            new.execute(params![id, crc32, codec::digest(payload), payload])?;
        }
    }
    transaction.execute_batch(
        "UPDATE batches SET chunks =
           (SELECT coalesce(max(place) + 1, 0) FROM chunks_2 WHERE batch_id = batches.id);
         DROP TABLE chunks_2;
         ALTER TABLE checkpoints ADD COLUMN crc32 INTEGER NOT NULL DEFAULT 0;",
    )?;
    let mut old = transaction.prepare(
        "SELECT rowid, exchange, symbol, anchor, last_agg_trade_id, state FROM checkpoints",
    )?;
    let mut rows = old.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column).and_then(|text| Ok(text.as_str()?));
        let crc32 = checkpoint_crc32(text(1)?, text(2)?, text(3)?, row.get(4)?, text(5)?);
        transaction
            .prepare_cached("UPDATE checkpoints SET crc32 = ?2 WHERE rowid = ?1")?
            .execute(params![row.get::<_, i64>(0)?, crc32])?;
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(())
}

#[cfg(test)]
mod tests;
