//! A symbol's trades of one stretch of ids, in order and without a hole that is not proven.
//!
//! Files come first where there are any: the exchange's archive day by day, or files that
//! the user has. What no file holds, before, between or behind them, is asked for by id:
//!
//! ```text
//! ids   |------- day 1 -------|  hole  |----- day 2 -----|   newest
//! from        archive            REST        archive          REST
//! ```

use std::{collections::VecDeque, path::PathBuf, sync::Arc, time::Duration};

use tokio_util::task::AbortOnDropHandle;

use crate::{
    domain::{symbol::Symbol, tiling::IdRange, trade::Trade},
    exchange::{
        binance::archive::{Archive, ArchiveError, ArchiveName, Fetched, FileError, Progress},
        source::SourceError,
    },
};

mod event;
mod files;
mod pages;
pub(super) mod pauses;
mod reader;
mod sources;

pub use event::{FeedEmit, FeedEvent};
pub use files::{FileIndex, FilesError};
pub use pages::PageLimits;
use pages::Pages;
use reader::Reader;
pub use sources::{FeedLimits, SourceKind, Sources, Stretch, Way};

/// What has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fed {
    /// Trades.
    Trades,
    /// These ids are proven absent; what follows begins behind them.
    Absent {
        /// The ids.
        ids: IdRange,
        /// What proves it.
        proof: String,
    },
    /// Everything has come.
    End,
}

/// Why no more trades come.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A file of the archive cannot be had.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file is damaged, or a line of it.
    #[error(transparent)]
    File(#[from] FileError),
    /// The exchange refuses.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The exchange has brought nothing for too long.
    #[error("get trades of {symbol} from id {next_id} on: none came for {}: {reason}", humantime::format_duration(*.waited))]
    GaveUp {
        /// The symbol.
        symbol: Symbol,
        /// The id that has to come next.
        next_id: i64,
        /// How long nothing came.
        waited: Duration,
        /// What was wrong last.
        reason: String,
    },
    /// A file of the archive has turned out to be damaged after trades of it were handed on:
    /// they have to be read again, from somewhere else.
    #[error(transparent)]
    Untrustworthy(FileError),
    /// A file of the user holds trades that another one holds, too.
    #[error("read {file}, line {line}: trade {id} is in {}, too", .other.display())]
    Overlap {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The trade's id.
        id: i64,
        /// The file that begins with it or before.
        other: PathBuf,
    },
    /// The program itself.
    #[error("read trades of {symbol}: {reason}")]
    Task {
        /// The symbol.
        symbol: Symbol,
        /// What happened.
        reason: String,
    },
}

impl Sources {
    /// Begins to read. Nothing is asked for before the first call of [`Feed::next`].
    #[must_use]
    pub fn open(&self, stretch: Stretch, emit: FeedEmit) -> Feed {
        let places = match self.way(&stretch) {
            Way::Files(files) => files.places(stretch.ids),
            Way::Archive { days, .. } => days.into_iter().map(Place::Day).collect(),
            Way::Rest => VecDeque::new(),
        };
        let pages = Pages::new(
            Arc::clone(&self.exchange),
            stretch.symbol.clone(),
            self.limits.pages,
            Arc::clone(&emit),
        );
        Feed {
            sources: self.clone(),
            next_id: stretch.ids.first_id,
            stretch,
            emit,
            places,
            ahead: None,
            reader: None,
            pages,
            has_read: false,
            was_used: false,
        }
    }
}

/// Where a file is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// In the archive.
    Day(ArchiveName),
    /// On disk.
    Path {
        path: PathBuf,
        /// The file behind it, and the id that it begins with.
        next: Option<(i64, PathBuf)>,
    },
}

type Opening = AbortOnDropHandle<Result<Option<Reader>, FeedError>>;

/// Trades on their way.
pub struct Feed {
    sources: Sources,
    stretch: Stretch,
    emit: FeedEmit,
    next_id: i64,
    /// The files that are still to come.
    places: VecDeque<Place>,
    /// The next file, on its way while the one before is read.
    ahead: Option<Opening>,
    reader: Option<Reader>,
    pages: Pages,
    /// A file was read already: the next one has to go on behind it.
    has_read: bool,
    /// Trades of the current file were handed on.
    was_used: bool,
}

impl Feed {
    /// Puts the next trades into `block`, which is emptied first: between 1 and some
    /// thousands, with ids that rise by exactly 1.
    ///
    /// # Errors
    /// When no more can come. What came before is valid.
    pub async fn next(&mut self, block: &mut Vec<Trade>) -> Result<Fed, FeedError> {
        block.clear();
        let ids = self.stretch.ids;
        loop {
            if self.next_id > ids.last_id {
                self.park();
                return Ok(Fed::End);
            }
            if !self.load().await? {
                return self.page(ids.last_id, block).await;
            }
            let Some(reader) = &mut self.reader else {
                continue;
            };
            match reader.first_id() {
                Some(first_id) if first_id > self.next_id => {
                    let until = (first_id - 1).min(ids.last_id);
                    return self.page(until, block).await;
                }
                _ => reader.take(self.next_id, ids.last_id, block),
            }
            if let Some(last) = block.last() {
                self.next_id = last.id + 1;
                self.was_used = true;
                return Ok(Fed::Trades);
            }
        }
    }

    /// Makes sure that the reader has a block; false when no file is left.
    async fn load(&mut self) -> Result<bool, FeedError> {
        loop {
            if self.reader.is_none() && !self.open_next().await? {
                return Ok(false);
            }
            let Some(reader) = self.reader.take() else {
                return Ok(false);
            };
            match reader.load(self.next_id).await {
                Ok((reader, true)) => {
                    self.reader = Some(reader);
                    return Ok(true);
                }
                // The file is at its end.
                Ok((_, false)) => {}
                Err(error) => self.broken(error)?,
            }
        }
    }

    /// A damaged file of the archive can be done without; the user's own file cannot: that it
    /// was given means that it should be used.
    fn broken(&mut self, error: FeedError) -> Result<(), FeedError> {
        if self.sources.files.is_some() || self.sources.kind != SourceKind::Auto {
            return Err(error);
        }
        match error {
            // That a zip is damaged shows at its end: what came of it may be wrong.
            FeedError::File(error @ FileError::Zip { .. }) if self.was_used => {
                Err(FeedError::Untrustworthy(error))
            }
            error => {
                (self.emit)(FeedEvent::ArchiveBroken {
                    reason: error.to_string(),
                });
                Ok(())
            }
        }
    }

    /// Opens the next file that is there; false when none is left.
    async fn open_next(&mut self) -> Result<bool, FeedError> {
        loop {
            let opening = match self.ahead.take() {
                Some(opening) => opening,
                None => match self.places.pop_front() {
                    Some(place) => self.begin(place),
                    None => return Ok(false),
                },
            };
            let opened = opening.await;
            // The one behind it is fetched while this one is read.
            if let Some(Place::Day(_)) = self.places.front()
                && let Some(place) = self.places.pop_front()
            {
                self.ahead = Some(self.begin(place));
            }
            let opened = opened.unwrap_or_else(|error| {
                Err(FeedError::Task {
                    symbol: self.stretch.symbol.clone(),
                    reason: error.to_string(),
                })
            });
            match opened {
                Ok(Some(reader)) => {
                    // Late trades may make days of the archive reach into each other.
                    let is_behind = self.has_read && self.sources.files.is_some();
                    self.reader = Some(reader.after(is_behind.then_some(self.next_id - 1)));
                    (self.has_read, self.was_used) = (true, false);
                    return Ok(true);
                }
                Ok(None) => {}
                Err(error) => self.broken(error)?,
            }
        }
    }

    fn begin(&self, place: Place) -> Opening {
        let (sources, emit) = (self.sources.clone(), Arc::clone(&self.emit));
        let next_id = self.next_id;
        AbortOnDropHandle::new(tokio::spawn(async move {
            match place {
                Place::Day(name) => match &sources.archive {
                    Some(archive) => fetch(archive, &name, &emit).await,
                    None => Ok(None),
                },
                Place::Path { path, next } => {
                    let parked = sources
                        .files
                        .as_ref()
                        .and_then(|files| files.unpark(&path, next_id));
                    match parked {
                        Some(reader) => Ok(Some(reader)),
                        None => Reader::open(path, next).await.map(Some),
                    }
                }
            }
        }))
    }

    async fn page(&mut self, until: i64, block: &mut Vec<Trade>) -> Result<Fed, FeedError> {
        let fed = self.pages.next(self.next_id, until, block).await?;
        match &fed {
            Fed::Trades => self.next_id += i64::try_from(block.len()).unwrap_or(i64::MAX),
            Fed::Absent { ids, .. } => self.next_id = ids.last_id + 1,
            Fed::End => {}
        }
        Ok(fed)
    }

    /// A file of the user goes on where this stretch ends: the next one need not read it from
    /// its beginning.
    fn park(&mut self) {
        if let (Some(files), Some(reader)) = (&self.sources.files, self.reader.take()) {
            files.park(reader);
        }
    }
}

async fn fetch(
    archive: &Archive,
    name: &ArchiveName,
    emit: &FeedEmit,
) -> Result<Option<Reader>, FeedError> {
    let file = name.stem();
    let mut on_progress = |progress: Progress| {
        emit(FeedEvent::ArchiveFetching {
            file: file.clone(),
            bytes: progress.bytes,
            due_bytes: progress.due_bytes,
        });
    };
    match archive.fetch(name, &mut on_progress).await? {
        Fetched::File {
            file: cached,
            delivery,
        } => {
            emit(FeedEvent::ArchiveFetched {
                file: file.clone(),
                was_cached: delivery.was_cached,
                received_bytes: delivery.received_bytes,
                failures: delivery.failures,
            });
            Reader::of_archive(cached).await.map(Some)
        }
        Fetched::Absent { .. } => {
            emit(FeedEvent::ArchiveAbsent { file });
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests;
