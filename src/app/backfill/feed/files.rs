//! Files that the user has, by the trades in them.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{
    app::backfill::patient_source::PatientSource,
    domain::{symbol::Symbol, tiling::IdRange, trade::Trade},
    exchange::{
        binance::archive::{FileError, TradeFile},
        source::SourceError,
    },
};

use super::{Place, reader::Reader};

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One of them cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// One of them is a pipe, a directory or a device.
    #[error("read {}: it is no regular file", .0.display())]
    NoFile(PathBuf),
    /// One of them holds nothing.
    #[error("find a trade in {}: there is none", .0.display())]
    Empty(PathBuf),
    /// The exchange could not be asked about it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It says something else than the exchange.
    #[error("use {}: its trade {id} is another one of {symbol} at the exchange, or none", .file.display())]
    Contradiction {
        /// The file.
        file: PathBuf,
        /// The symbol.
        symbol: Symbol,
        /// The trade's id.
        id: i64,
    },
    /// Two of them begin alike.
    #[error("use {} beside {}: both begin with trade {id}", .second.display(), .first.display())]
    Twice {
        /// One of them.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
        /// The trade.
        id: i64,
    },
}

/// Files in the order of their trades.
pub struct FileIndex {
    files: Vec<(Trade, PathBuf)>,
    /// A file that was read up to the end of one stretch, for the next one.
    parked: Mutex<Option<Reader>>,
}

impl FileIndex {
    /// Looks how each file begins. Blocks.
    ///
    /// # Errors
    /// When one of them cannot be read or holds nothing, or two are the same.
    pub fn open(paths: &[PathBuf]) -> Result<Self, FilesError> {
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            // Opening a pipe would wait for somebody who writes to it; and files are read twice.
            if path.metadata().is_ok_and(|found| !found.is_file()) {
                return Err(FilesError::NoFile(path.clone()));
            }
            let mut file = TradeFile::open(path)?;
            let first = file.next_block()?.and_then(|block| block.trades.first());
            let first = first.ok_or_else(|| FilesError::Empty(path.clone()))?;
            files.push((*first, path.clone()));
        }
        files.sort_by_key(|(first, _)| first.id);
        let twice = files.windows(2).find(|pair| pair[0].0.id == pair[1].0.id);
        if let Some([(first, one), (_, other)]) = twice {
            return Err(FilesError::Twice {
                first: one.clone(),
                second: other.clone(),
                id: first.id,
            });
        }
        Ok(Self {
            files,
            parked: Mutex::new(None),
        })
    }

    /// The first trade of all files.
    #[must_use]
    pub fn first(&self) -> Option<Trade> {
        self.files.first().map(|(first, _)| *first)
    }

    /// Checks that each file begins with a trade of `symbol`: of which symbol a file is can only
    /// be told from its trades.
    ///
    /// # Errors
    /// When it does not, or the exchange does not answer.
    pub async fn check(&self, source: &PatientSource, symbol: &Symbol) -> Result<(), FilesError> {
        for (mine, file) in &self.files {
            let trades = source.trades(symbol, mine.id).await?;
            let theirs = trades.iter().find(|trade| trade.id == mine.id);
            if !theirs.is_some_and(|theirs| is_same(mine, theirs)) {
                return Err(FilesError::Contradiction {
                    file: file.clone(),
                    symbol: symbol.clone(),
                    id: mine.id,
                });
            }
        }
        Ok(())
    }

    /// The last trade of all files. Reads the last file whole, and blocks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last(&self) -> Result<Option<Trade>, FilesError> {
        let Some((first, path)) = self.files.last() else {
            return Ok(None);
        };
        let mut file = TradeFile::open(path)?;
        let mut last = *first;
        while let Some(block) = file.next_block()? {
            last = block.trades.last().copied().unwrap_or(last);
        }
        Ok(Some(last))
    }

    /// The files that may hold some of `ids`, in order.
    pub(super) fn places(&self, ids: IdRange) -> VecDeque<Place> {
        // The last one that begins before them may reach into them.
        let before = self
            .files
            .partition_point(|(first, _)| first.id <= ids.first_id);
        let until = self
            .files
            .partition_point(|(first, _)| first.id <= ids.last_id);
        let places = before.saturating_sub(1)..until.max(before);
        places
            .map(|place| Place::Path {
                path: self.files[place].1.clone(),
                next: self
                    .files
                    .get(place + 1)
                    .map(|(first, path)| (first.id, path.clone())),
            })
            .collect()
    }

    pub(super) fn park(&self, reader: Reader) {
        *self.parked.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
    }

    /// The file as it was parked, if what is wanted still lies ahead.
    pub(super) fn unpark(&self, path: &Path, next_id: i64) -> Option<Reader> {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = parked.take()?;
        let is_it = reader.path().is_some_and(|at| at == path);
        let lies_ahead = reader
            .first_id()
            .is_some_and(|first_id| first_id <= next_id);
        (is_it && lies_ahead).then_some(reader)
    }
}

/// Whether two trades are the same: files before 2025 know only milliseconds.
fn is_same(mine: &Trade, theirs: &Trade) -> bool {
    let time_us = theirs.time_us;
    Trade { time_us, ..*mine } == *theirs && mine.time_us / 1000 == time_us / 1000
}
