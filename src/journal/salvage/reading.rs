//! What is left of a damaged file, and whether it is what was written.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::{
    domain::row::{Rows, Table},
    journal::{
        codec,
        spool::{self, batch_of_chunk, chunk_id},
    },
};

/// The key of a damaged table is looked for at so many places between those that were found.
const PROBES: i64 = 64;

/// A batch as the damaged file has it.
pub(super) struct Old {
    pub id: i64,
    pub table: String,
    pub partition: i64,
    pub state: String,
    pub rows: i64,
    pub size_bytes: i64,
    pub token: Option<String>,
    pub created_at_us: i64,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub position: i64,
    pub first_row: i64,
    pub origin_rows: i64,
    pub chunks: i64,
}

impl Old {
    /// Where it stands in the order in which its rows were committed.
    pub(super) fn place(&self) -> i64 {
        if self.position > 0 {
            self.position
        } else {
            self.id
        }
    }

    fn is_sealed(&self) -> bool {
        self.state != "open"
    }
}

/// What is left of a damaged file, apart from the rows.
pub(super) struct Reading<'a> {
    pub old: &'a Connection,
    pub journal_id: Option<String>,
    pub meta: BTreeMap<String, String>,
    pub batches: BTreeMap<i64, Old>,
    /// The chunks of each batch.
    pub chunks: BTreeMap<i64, Vec<i64>>,
    /// The last number that a batch had.
    pub last_id: i64,
    /// The batch from which on some may be missing altogether.
    pub missing_from: Option<i64>,
    pub lost: Vec<String>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(old: &'a Connection) -> Self {
        let mut lost = Vec::new();
        let mut missing_from: Option<i64> = None;
        let batch_keys = keys(old, "batches");
        let chunk_keys = keys(old, "chunks");
        let mut batches = BTreeMap::new();
        for &id in &batch_keys.found {
            match read_batch(old, id) {
                Ok(batch) => {
                    batches.insert(id, batch);
                }
                Err(error) => lost.push(format!("batch {id}: {error}")),
            }
        }
        let mut chunks: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for &id in &chunk_keys.found {
            chunks.entry(batch_of_chunk(id)).or_default().push(id);
        }
        if let Some((last, error)) = &chunk_keys.damage {
            let batch = last.map_or(0, batch_of_chunk);
            missing_from = Some(batch);
            lost.push(format!("rows from batch {batch} on: {error}"));
        }
        if let Some((_, error)) = &batch_keys.damage {
            lost.push(format!("some of the list of batches: {error}"));
        }
        let meta = read_meta(old);
        let journal_id = old
            .query_row("SELECT journal_id FROM identity", [], |row| row.get(0))
            .ok()
            .or_else(|| meta.get("journal_id").cloned());
        let last_seq: Option<i64> = old
            .query_row(
                "SELECT seq FROM sqlite_sequence WHERE name = 'batches'",
                [],
                |row| row.get(0),
            )
            .ok();
        let last_id = [
            last_seq,
            batches.keys().last().copied(),
            chunks.keys().last().copied(),
        ];
        Self {
            old,
            journal_id,
            meta,
            batches,
            chunks,
            last_id: last_id.into_iter().flatten().max().unwrap_or(0),
            missing_from,
            lost,
        }
    }

    /// The payload of a chunk with its checksum and hash, if it is what was written.
    pub(super) fn chunk(&self, id: i64) -> Result<Chunk, String> {
        let chunk = self
            .old
            .prepare_cached("SELECT crc32, digest, payload FROM chunks WHERE id = ?1")
            .and_then(|mut statement| {
                statement.query_row([id], |row| {
                    Ok(Chunk {
                        crc32: row.get(0)?,
                        digest: row.get(1)?,
                        payload: row.get(2)?,
                    })
                })
            })
            .map_err(|error| error.to_string())?;
        if codec::digest(&chunk.payload)[..] != chunk.digest {
            return Err("its rows are not those that were written".to_owned());
        }
        Ok(chunk)
    }

    /// Why a batch is not what was written; none when it is.
    pub(super) fn fault(&self, batch: &Old) -> Option<String> {
        if batch.state == "damaged" {
            return Some("it was damaged before".to_owned());
        }
        let chunks = self.chunks.get(&batch.id).map_or(&[][..], Vec::as_slice);
        let is_complete = (0..batch.chunks)
            .map(|place| chunk_id(batch.id, place))
            .eq(chunks.iter().copied());
        if !is_complete {
            return Some(format!("{} of {} pieces", chunks.len(), batch.chunks));
        }
        let mut rows = 0;
        for &id in chunks {
            match self.chunk(id).and_then(|chunk| chunk.rows()) {
                Ok(more) if more.table().as_str() == batch.table => rows += more.len() as i64,
                Ok(_) => return Some("it holds rows of another table".to_owned()),
                Err(reason) => return Some(reason),
            }
        }
        if rows != batch.rows {
            return Some(format!("it has {rows} rows, not {}", batch.rows));
        }
        if let (true, Some(journal_id)) = (batch.is_sealed(), &self.journal_id) {
            let token = batch.token.as_deref();
            match spool::has_its_token(self.old, journal_id, batch.id, token) {
                Ok(true) => {}
                Ok(false) => return Some("its token is not that of its rows".to_owned()),
                Err(error) => return Some(error.to_string()),
            }
        }
        None
    }
}

/// A chunk as it was written.
pub(super) struct Chunk {
    pub crc32: i64,
    pub digest: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Chunk {
    pub(super) fn rows(&self) -> Result<Rows, String> {
        let crc32 = u32::try_from(self.crc32).map_err(|_| "it has no checksum".to_owned())?;
        codec::decode(&self.payload, crc32)
    }
}

fn read_batch(old: &Connection, id: i64) -> Result<Old, String> {
    let batch = old
        .prepare_cached(
            "SELECT id, table_name, partition, state, rows, size_bytes, token, created_at_us,
               attempts, last_error, position, first_row, origin_rows, chunks
             FROM batches NOT INDEXED WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.query_row([id], |row| {
                Ok(Old {
                    id: row.get(0)?,
                    table: row.get(1)?,
                    partition: row.get(2)?,
                    state: row.get(3)?,
                    rows: row.get(4)?,
                    size_bytes: row.get(5)?,
                    token: row.get(6)?,
                    created_at_us: row.get(7)?,
                    attempts: row.get(8)?,
                    last_error: row.get(9)?,
                    position: row.get(10)?,
                    first_row: row.get(11)?,
                    origin_rows: row.get(12)?,
                    chunks: row.get(13)?,
                })
            })
        })
        .map_err(|error| error.to_string())?;
    let is_known = Table::ALL.iter().any(|table| table.as_str() == batch.table);
    let has_token = batch.token.is_some() == batch.is_sealed();
    if is_known && has_token {
        Ok(batch)
    } else {
        Err("it is not what was written".to_owned())
    }
}

fn read_meta(old: &Connection) -> BTreeMap<String, String> {
    let mut meta = BTreeMap::new();
    if let Ok(mut statement) = old.prepare("SELECT key, value FROM meta NOT INDEXED")
        && let Ok(mut rows) = statement.query([])
    {
        while let Ok(Some(row)) = rows.next() {
            if let (Ok(key), Ok(value)) = (row.get(0), row.get(1)) {
                meta.insert(key, value);
            }
        }
    }
    meta
}

/// The keys of a table that can be found.
pub(super) struct Keys {
    pub found: BTreeSet<i64>,
    /// The last key before the first damage, and what is wrong there.
    pub damage: Option<(Option<i64>, String)>,
}

/// Looks for the keys of a table from both ends, and at some places between them.
pub(super) fn keys(old: &Connection, table: &str) -> Keys {
    let mut found = BTreeSet::new();
    let Some(error) = walk(old, table, (i64::MIN, i64::MAX), "ASC", &mut found) else {
        return Keys {
            found,
            damage: None,
        };
    };
    let last = found.last().copied();
    let from = last.map_or(i64::MIN, |last| last + 1);
    let mut behind = BTreeSet::new();
    walk(old, table, (from, i64::MAX), "DESC", &mut behind);
    let upper = behind.first().copied().unwrap_or(i64::MAX >> 1);
    let lower = last.unwrap_or(0);
    for step in 1..PROBES {
        let probe = lower + (upper - lower) / PROBES * step;
        if behind.range(..=probe).next_back().is_none() {
            walk(old, table, (probe, upper - 1), "ASC", &mut behind);
        }
    }
    found.append(&mut behind);
    Keys {
        found,
        damage: Some((last, error)),
    }
}

/// Collects keys within bounds until the end or an error, which is returned.
fn walk(
    old: &Connection,
    table: &str,
    (from, to): (i64, i64),
    direction: &str,
    found: &mut BTreeSet<i64>,
) -> Option<String> {
    let sql = format!(
        "SELECT rowid FROM {table} NOT INDEXED WHERE rowid BETWEEN ?1 AND ?2
         ORDER BY rowid {direction}"
    );
    let mut collect = || -> rusqlite::Result<bool> {
        let mut statement = old.prepare(&sql)?;
        let mut rows = statement.query([from, to])?;
        while let Some(row) = rows.next()? {
            // A tree that runs in circles brings the same keys again.
            if !found.insert(row.get(0)?) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    match collect() {
        Ok(true) => None,
        Ok(false) => Some("its keys repeat".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}
