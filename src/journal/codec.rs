//! Rows as bytes.
//!
//! A chunk is rows of one table and partition that one commit brought: one byte of format,
//! then the rows. Bars and trades, of which there are many, have records of a fixed size
//! ([`records`]); gaps and events, and all rows of older journals, are in postcard's
//! encoding. Beside a chunk stand its CRC-32, which every reading compares, and its
//! SHA-256, which the token of its batch is made of. Anything that does not read back
//! exactly is an error, never other rows.

mod records;

use sha2::{Digest, Sha256};

use crate::domain::row::{Rows, Table};

use super::{error::JournalError, partition::Run};

/// Postcard; any table.
const POSTCARD: u8 = 1;
/// Records of bars.
const BARS: u8 = 2;
/// Records of trades.
const TRADES: u8 = 3;

/// A chunk and its checksums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Format and rows.
    pub payload: Vec<u8>,
    /// CRC-32 (IEEE) of the payload.
    pub crc32: u32,
    /// SHA-256 of the payload.
    pub digest: [u8; 32],
}

impl Chunk {
    fn of(payload: Vec<u8>) -> Self {
        Self {
            crc32: crc32fast::hash(&payload),
            digest: digest(&payload),
            payload,
        }
    }
}

/// SHA-256.
#[must_use]
pub fn digest(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// Encodes rows.
///
/// # Errors
/// Never in practice: every row has a length that is known.
pub fn encode(rows: &Rows) -> Result<Chunk, JournalError> {
    encode_runs(&[Run::of(rows)])
}

/// Encodes runs of rows of one table, one behind the other.
///
/// # Errors
/// As for [`encode`].
pub(super) fn encode_runs(runs: &[Run<'_>]) -> Result<Chunk, JournalError> {
    let bars: Option<Vec<_>> = runs.iter().map(Run::bars).collect();
    if let Some(bars) = bars {
        return Ok(Chunk::of(records::encode(BARS, &bars)));
    }
    let trades: Option<Vec<_>> = runs.iter().map(Run::trades).collect();
    if let Some(trades) = trades {
        return Ok(Chunk::of(records::encode(TRADES, &trades)));
    }
    let mut rows: Option<Rows> = None;
    for run in runs {
        append(&mut rows, run.to_rows());
    }
    let payload = vec![POSTCARD];
    postcard::to_extend(&rows.unwrap_or(Rows::Events(Vec::new())), payload)
        .map(Chunk::of)
        .map_err(|error| JournalError::Encode(error.to_string()))
}

/// Decodes what [`encode`] made.
///
/// # Errors
/// A sentence that says what is damaged.
pub fn decode(payload: &[u8], crc32: u32) -> Result<Rows, String> {
    let mut rows = None;
    decode_onto(&mut rows, payload, crc32)?;
    rows.ok_or_else(|| "it is empty".to_owned())
}

/// Appends what [`encode`] made to `rows`, which are of the same table. After an error
/// they are of no use.
///
/// # Errors
/// A sentence that says what is damaged.
pub(super) fn decode_onto(
    rows: &mut Option<Rows>,
    payload: &[u8],
    crc32: u32,
) -> Result<(), String> {
    let found = crc32fast::hash(payload);
    if found != crc32 {
        return Err(format!("its checksum is {found:08x}, not {crc32:08x}"));
    }
    let Some((&format, bytes)) = payload.split_first() else {
        return Err("it is empty".to_owned());
    };
    match (format, rows) {
        (BARS, Some(Rows::Bars(rows))) => records::decode(bytes, rows),
        (TRADES, Some(Rows::Trades(rows))) => records::decode(bytes, rows),
        (BARS, rows @ None) => {
            let mut bars = Vec::new();
            records::decode(bytes, &mut bars)?;
            *rows = Some(Rows::Bars(bars));
            Ok(())
        }
        (TRADES, rows @ None) => {
            let mut trades = Vec::new();
            records::decode(bytes, &mut trades)?;
            *rows = Some(Rows::Trades(trades));
            Ok(())
        }
        (BARS, Some(rows)) => Err(misplaced(Table::Bars, rows)),
        (TRADES, Some(rows)) => Err(misplaced(Table::Trades, rows)),
        (POSTCARD, rows) => match postcard::take_from_bytes::<Rows>(bytes) {
            Ok((more, [])) => match rows {
                Some(rows) if rows.table() != more.table() => Err(misplaced(more.table(), rows)),
                rows => {
                    append(rows, more);
                    Ok(())
                }
            },
            Ok((_, rest)) => Err(format!("{} bytes follow its rows", rest.len())),
            Err(error) => Err(format!("its rows cannot be read: {error}")),
        },
        (format, _) => Err(format!(
            "its format is {format}, this build knows {POSTCARD} to {TRADES}"
        )),
    }
}

fn misplaced(found: Table, rows: &Rows) -> String {
    let (found, table) = (found.as_str(), rows.table().as_str());
    format!("it holds rows of {found} among those of {table}")
}

/// Appends rows of the same table; the caller has compared the tables.
fn append(rows: &mut Option<Rows>, more: Rows) {
    match (rows, more) {
        (Some(Rows::Bars(rows)), Rows::Bars(more)) => rows.extend(more),
        (Some(Rows::Trades(rows)), Rows::Trades(more)) => rows.extend(more),
        (Some(Rows::Gaps(rows)), Rows::Gaps(more)) => rows.extend(more),
        (Some(Rows::Events(rows)), Rows::Events(more)) => rows.extend(more),
        (rows, more) => *rows = Some(more),
    }
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
    }
    text
}

#[cfg(test)]
mod tests;
