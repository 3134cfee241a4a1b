//! Files of trades: what the exchange's archive holds, and tapes of the same form.
//!
//! ```text
//! [a,p,q,f,l,T,m[,M]]                      a header, perhaps
//! 26129,0.01633102,4.70443515,27781,27781,1498793709153,True,True
//! ```
//!
//! Seven or eight columns; times in ms or µs; `True`, `true`, `1`, `False`, `false`,
//! `0`; lines end with LF or CRLF, the last one may end with neither. One line is one
//! trade, so the trades stand on consecutive lines. Ids must rise. An id that is left
//! out is a gap: the caller decides what it means. Anything else is an error that
//! names the line.
//!
//! The file is read in blocks, whatever its size. A scanner reads the usual line in
//! one pass; a line that it does not accept is read again field by field, to accept it
//! after all or to say what is wrong.

mod fields;
mod scanner;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::domain::trade::Trade;

use super::digits::WORD;
pub use fields::{Field, LineError};

/// How much is read at once. A line has to fit.
const BLOCK_BYTES: usize = 256 * 1024;

/// What the first column is called in a header.
const HEADER_NAMES: [&str; 4] = ["a", "agg_trade_id", "aggtradeid", "id"];

/// Why a file of trades cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The file itself.
    #[error("read {file}: {cause}")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A line.
    #[error("read {file}:{line}: {cause}")]
    Line {
        /// The file.
        file: String,
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        cause: LineError,
    },
}

/// Ids that are left out between two trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first missing id.
    pub first_id: i64,
    /// The last missing id.
    pub last_id: i64,
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tape {
    /// The trades by rising id.
    pub trades: Vec<Trade>,
    /// The ids that are left out between them.
    pub gaps: Vec<Gap>,
    /// The line that the first trade stands on; the others follow line by line.
    pub first_line: u64,
}

/// Reads a whole file.
///
/// # Errors
/// As for [`Reader::read_block`].
pub fn read_file(path: &Path) -> Result<Tape, CsvError> {
    let mut reader = Reader::open(path)?;
    let mut tape = Tape::default();
    while reader.read_block(&mut tape.trades)? {
        tape.gaps.extend(reader.gaps());
    }
    tape.first_line = reader.first_line();
    Ok(tape)
}

/// Reads trades in blocks, in bounded memory.
#[derive(Debug)]
pub struct Reader<R> {
    file: String,
    input: R,
    /// Room for a block, the newline that the last line may lack, and what a scan of
    /// the last line may look at behind it.
    buffer: Box<[u8]>,
    /// What is in the buffer and not yet read.
    start: usize,
    end: usize,
    is_at_end: bool,
    /// The number of the next line.
    line: u64,
    first_line: u64,
    /// An empty line. It is only wrong if another line follows.
    empty_line: Option<u64>,
    last_id: Option<i64>,
    gaps: Vec<Gap>,
}

impl Reader<File> {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, CsvError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(input) => Ok(Self::new(file, input)),
            Err(cause) => Err(CsvError::Io { file, cause }),
        }
    }
}

impl<R: Read> Reader<R> {
    /// Reads from `input`; `file` names it in errors.
    #[must_use]
    pub fn new(file: String, input: R) -> Self {
        Self {
            file,
            input,
            buffer: vec![0; BLOCK_BYTES + 1 + WORD].into_boxed_slice(),
            start: 0,
            end: 0,
            is_at_end: false,
            line: 1,
            first_line: 1,
            empty_line: None,
            last_id: None,
            gaps: Vec::new(),
        }
    }

    /// Appends the trades of the next block, some thousands, to `trades`; false when
    /// there is no other block.
    ///
    /// # Errors
    /// When the file cannot be read, or a line is no trade, or its id does not rise.
    /// The trades before it are appended.
    pub fn read_block(&mut self, trades: &mut Vec<Trade>) -> Result<bool, CsvError> {
        self.gaps.clear();
        if !self.fill()? {
            return Ok(false);
        }
        let Some(length) = memchr::memrchr(b'\n', &self.buffer[self.start..self.end]) else {
            return Err(self.wrong(LineError::too_long(BLOCK_BYTES)));
        };
        let block_end = self.start + length + 1;
        while self.start < block_end {
            if let Some((trade, rest_bytes)) =
                scanner::scan(&self.buffer[self.start..block_end + WORD])
                && self.empty_line.is_none()
            {
                self.start = block_end + WORD - rest_bytes;
                self.take(trade, trades)?;
            } else {
                self.read_line(block_end, trades)?;
            }
            self.line += 1;
        }
        Ok(true)
    }

    /// The gaps within the last block, and between it and the one before.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> + '_ {
        self.gaps.iter().copied()
    }

    /// The file goes on where another one ended: its first id has to rise above `last_id`,
    /// and what is left out between them is a gap. For a reader that has read nothing.
    #[must_use]
    pub fn after(mut self, last_id: Option<i64>) -> Self {
        self.last_id = last_id;
        self
    }

    /// The last id so far, or the one that the file has to follow.
    #[must_use]
    pub fn last_id(&self) -> Option<i64> {
        self.last_id
    }

    /// The line that the first trade stands on: 1, or 2 behind a header.
    #[must_use]
    pub fn first_line(&self) -> u64 {
        self.first_line
    }

    /// Fills the buffer; false when nothing is left at all.
    fn fill(&mut self) -> Result<bool, CsvError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < BLOCK_BYTES && !self.is_at_end {
            match self.input.read(&mut self.buffer[self.end..BLOCK_BYTES]) {
                Ok(0) => self.is_at_end = true,
                Ok(length) => self.end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    let file = self.file.clone();
                    return Err(CsvError::Io { file, cause });
                }
            }
        }
        if self.is_at_end && self.end > 0 && self.buffer[self.end - 1] != b'\n' {
            self.buffer[self.end] = b'\n';
            self.end += 1;
        }
        Ok(self.end > 0)
    }

    /// Reads a line that the scanner did not accept.
    #[cold]
    fn read_line(&mut self, block_end: usize, trades: &mut Vec<Trade>) -> Result<(), CsvError> {
        let rest = &self.buffer[self.start..block_end];
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..length]
            .strip_suffix(b"\r")
            .unwrap_or(&rest[..length]);
        if line.is_empty() {
            self.empty_line.get_or_insert(self.line);
        } else if let Some(number) = self.empty_line {
            self.line = number;
            return Err(self.wrong(LineError::empty()));
        } else if self.line == 1 && is_header(line) {
            self.first_line = 2;
        } else {
            match fields::read(line) {
                Ok(trade) => self.take(trade, trades)?,
                Err(error) => return Err(self.wrong(error)),
            }
        }
        self.start += length + 1;
        Ok(())
    }

    #[inline]
    fn take(&mut self, trade: Trade, trades: &mut Vec<Trade>) -> Result<(), CsvError> {
        if let Some(last_id) = self.last_id
            && last_id.checked_add(1) != Some(trade.id)
        {
            if trade.id <= last_id {
                return Err(self.wrong(LineError::not_rising(trade.id, last_id)));
            }
            self.gaps.push(Gap {
                first_id: last_id + 1,
                last_id: trade.id - 1,
            });
        }
        self.last_id = Some(trade.id);
        trades.push(trade);
        Ok(())
    }

    fn wrong(&self, cause: LineError) -> CsvError {
        CsvError::Line {
            file: self.file.clone(),
            line: self.line,
            cause,
        }
    }
}

/// Whether a first line names the columns. Anything else must be a trade, or the first
/// trade of a damaged file would be lost without a word.
fn is_header(line: &[u8]) -> bool {
    let mut columns = line.split(|&byte| byte == b',');
    let first = columns.next().unwrap_or_default().trim_ascii();
    HEADER_NAMES
        .iter()
        .any(|name| first.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests;
