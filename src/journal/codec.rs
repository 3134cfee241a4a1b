//! Rows as bytes.
//!
//! A chunk is one commit's rows of one table and partition: one byte of format
//! version, then the rows in postcard's encoding. Its CRC-32 stands beside it. Anything
//! that does not read back exactly is an error, never other rows.

use crate::domain::row::Rows;

use super::error::JournalError;

/// The version that this build writes, and the only one that it reads.
const FORMAT: u8 = 1;

/// A chunk and its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Format version and rows.
    pub payload: Vec<u8>,
    /// CRC-32 (IEEE) of the payload.
    pub crc32: u32,
}

/// Encodes rows.
///
/// # Errors
/// Never in practice: every row has a length that is known.
pub fn encode(rows: &Rows) -> Result<Chunk, JournalError> {
    let buffer = Vec::with_capacity(1 + rows.len() * 256);
    let mut payload = buffer;
    payload.push(FORMAT);
    let payload = postcard::to_extend(rows, payload)
        .map_err(|error| JournalError::Encode(error.to_string()))?;
    let crc32 = crc32fast::hash(&payload);
    Ok(Chunk { payload, crc32 })
}

/// Decodes what [`encode`] made.
///
/// # Errors
/// A sentence that says what is damaged.
pub fn decode(payload: &[u8], crc32: u32) -> Result<Rows, String> {
    let found = crc32fast::hash(payload);
    if found != crc32 {
        return Err(format!("its checksum is {found:08x}, not {crc32:08x}"));
    }
    match payload.split_first() {
        Some((&FORMAT, rows)) => match postcard::take_from_bytes(rows) {
            Ok((rows, [])) => Ok(rows),
            Ok((_, rest)) => Err(format!("{} bytes follow its rows", rest.len())),
            Err(error) => Err(format!("its rows cannot be read: {error}")),
        },
        Some((version, _)) => Err(format!(
            "its format is {version}, this build knows {FORMAT}"
        )),
        None => Err("it is empty".to_owned()),
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
mod tests {
    use super::*;
    use crate::domain::row::EventRow;

    fn rows() -> Rows {
        Rows::Events(vec![EventRow {
            time_us: 1,
            collector: "here".to_owned(),
            symbol: String::new(),
            code: "started".to_owned(),
            text: "it started".to_owned(),
        }])
    }

    #[test]
    fn rows_come_back_and_every_flipped_bit_is_noticed() {
        let chunk = encode(&rows()).expect("encoded");
        assert_eq!(decode(&chunk.payload, chunk.crc32), Ok(rows()));
        for bit in 0..chunk.payload.len() * 8 {
            let mut damaged = chunk.payload.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged, chunk.crc32).is_err(), "bit {bit}");
        }
        assert!(decode(&chunk.payload[..chunk.payload.len() - 1], chunk.crc32).is_err());
    }

    #[test]
    fn another_format_is_named() {
        let mut chunk = encode(&rows()).expect("encoded");
        chunk.payload[0] = 9;
        let error = decode(&chunk.payload, crc32fast::hash(&chunk.payload));
        assert_eq!(error, Err("its format is 9, this build knows 1".to_owned()));
    }
}
