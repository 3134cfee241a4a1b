//! A file of trades, plain or zipped, in blocks.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek},
    path::Path,
};

use super::{
    inflated::{Broken, Inflated},
    zip::{self, Member, ZipError},
};
use crate::{
    domain::trade::Trade,
    exchange::binance::csv::{CsvError, Gap, Reader},
};

/// Why a file of trades cannot be read. All of them name the file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file itself, or a line of it.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The zip around it.
    #[error("read {file}: {cause}")]
    Zip {
        /// The file.
        file: String,
        /// What is wrong with it.
        cause: ZipError,
    },
    /// The program itself.
    #[error("read {file}: {reason}")]
    Thread {
        /// The file.
        file: String,
        /// What happened.
        reason: String,
    },
}

impl FileError {
    /// An error of the system.
    pub(super) fn io(file: String, cause: io::Error) -> Self {
        CsvError::Io { file, cause }.into()
    }
}

/// Reads the trades of a file, CSV or zip, in bounded memory.
///
/// What a file is is told by how it begins; a name that ends with `.zip` promises a zip.
/// A zip is inflated on a thread of its own. Dropping the reader ends it.
pub struct TradeFile {
    file: String,
    reader: Reader<Box<dyn Read + Send>>,
    block: Vec<Trade>,
    gaps: Vec<Gap>,
    /// How many trades came before the block.
    passed: u64,
    /// What was wrong behind the block.
    failure: Option<FileError>,
    is_at_end: bool,
}

/// Some thousands of trades of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// The trades by rising id; at least one.
    pub trades: &'a [Trade],
    /// The ids left out between them, and before the first one.
    pub gaps: &'a [Gap],
    /// The line that the first of them stands on; the others follow line by line.
    pub first_line: u64,
}

impl TradeFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened, or is a zip that does not hold one CSV.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::new(name, file),
            Err(cause) => Err(FileError::io(name, cause)),
        }
    }

    /// Reads `file` from where it stands; `name` names it in errors.
    ///
    /// # Errors
    /// When it cannot be read, or is a zip that does not hold one CSV.
    pub fn new(name: String, file: File) -> Result<Self, FileError> {
        let input = match open_input(&name, file) {
            Ok(input) => input,
            Err(ZipError::Io(cause)) => return Err(FileError::io(name, cause)),
            Err(cause) => return Err(FileError::Zip { file: name, cause }),
        };
        Ok(Self {
            reader: Reader::new(name.clone(), input),
            file: name,
            block: Vec::new(),
            gaps: Vec::new(),
            passed: 0,
            failure: None,
            is_at_end: false,
        })
    }

    /// The file goes on where another one ended: see [`Reader::after`].
    #[must_use]
    pub fn after(mut self, last_id: Option<i64>) -> Self {
        self.reader = self.reader.after(last_id);
        self
    }

    /// The last id so far, or the one that the file has to follow.
    #[must_use]
    pub fn last_id(&self) -> Option<i64> {
        self.reader.last_id()
    }

    /// The next block; none at the end.
    ///
    /// # Errors
    /// When the file is damaged, a line is no trade, or its id does not rise. The trades
    /// before it have come in the blocks before. After an error nothing comes.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, FileError> {
        self.passed += self.block.len() as u64;
        self.block.clear();
        self.gaps.clear();
        while self.block.is_empty() {
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.is_at_end {
                return Ok(None);
            }
            match self.reader.read_block(&mut self.block) {
                Ok(is_block) => self.is_at_end = !is_block,
                Err(error) => {
                    self.is_at_end = true;
                    self.failure = Some(named(&self.file, error));
                }
            }
            self.gaps.extend(self.reader.gaps());
        }
        Ok(Some(Block {
            trades: &self.block,
            gaps: &self.gaps,
            first_line: self.reader.first_line() + self.passed,
        }))
    }

    /// Hands the trades of the last block over into `other`, and takes its room for the next.
    pub fn swap(&mut self, other: &mut Vec<Trade>) {
        self.passed += self.block.len() as u64;
        std::mem::swap(&mut self.block, other);
        self.block.clear();
    }
}

/// Looks how a file begins.
fn open_input(name: &str, mut file: File) -> Result<Box<dyn Read + Send>, ZipError> {
    let mut beginning = Vec::with_capacity(zip::MAGIC.len());
    (&mut file)
        .take(zip::MAGIC.len() as u64)
        .read_to_end(&mut beginning)?;
    if beginning == zip::MAGIC || name.to_ascii_lowercase().ends_with(".zip") {
        if file.stream_position().is_err() {
            let text = "a zip cannot be read from a pipe: its end says where its content is";
            return Err(io::Error::new(io::ErrorKind::NotSeekable, text).into());
        }
        let mut member = Member::open(file)?;
        let inflated = Inflated::start(Some(member.crc()), move |block| member.fill(block))?;
        return Ok(Box::new(inflated));
    }
    Ok(Box::new(Cursor::new(beginning).chain(file)))
}

/// Says of an error of the input what it was.
fn named(file: &str, error: CsvError) -> FileError {
    let CsvError::Io { file: name, cause } = error else {
        return error.into();
    };
    let file = file.to_owned();
    match cause.downcast::<Broken>() {
        Ok(Broken::Zip(ZipError::Io(cause))) => FileError::io(file, cause),
        Ok(Broken::Zip(cause)) => FileError::Zip { file, cause },
        Ok(broken @ Broken::Thread(_)) => FileError::Thread {
            file,
            reason: broken.to_string(),
        },
        Err(cause) => FileError::io(name, cause),
    }
}

#[cfg(test)]
mod tests;
