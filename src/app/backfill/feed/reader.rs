//! A file that is read block by block, away from the async runtime.

use std::path::PathBuf;

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{block_in_place, spawn_blocking},
};

use crate::{
    domain::trade::Trade,
    exchange::binance::archive::{CachedFile, FileError, TradeFile},
};

use super::FeedError;

/// A file of trades, and what of it is still to be handed on.
pub(super) struct Reader {
    name: String,
    /// Where it is, if it is the user's.
    path: Option<PathBuf>,
    file: TradeFile,
    block: Vec<Trade>,
    start: usize,
    /// The id that another file begins with: this one has to end before it.
    next_file: Option<(i64, PathBuf)>,
}

impl Reader {
    /// Opens a file of the user, which has to end before `next_file` begins.
    pub(super) async fn open(
        path: PathBuf,
        next_file: Option<(i64, PathBuf)>,
    ) -> Result<Self, FeedError> {
        let at = path.clone();
        let file = blocking(move || Ok(TradeFile::open(&at)?)).await?;
        let name = path.display().to_string();
        let reader = Self::new(name, Some(path), file);
        Ok(Self {
            next_file,
            ..reader
        })
    }

    pub(super) async fn of_archive(cached: CachedFile) -> Result<Self, FeedError> {
        let name = cached.path().display().to_string();
        let file = blocking(move || Ok(cached.read()?)).await?;
        Ok(Self::new(name, None, file))
    }

    fn new(name: String, path: Option<PathBuf>, file: TradeFile) -> Self {
        Self {
            name,
            path,
            file,
            block: Vec::new(),
            start: 0,
            next_file: None,
        }
    }

    /// The file has to go on behind this id, unless something of it was read already.
    pub(super) fn after(mut self, last_id: Option<i64>) -> Self {
        if last_id.is_some() && self.block.is_empty() {
            self.file = self.file.after(last_id);
        }
        self
    }

    pub(super) const fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    pub(super) fn first(&self) -> Option<Trade> {
        self.block.get(self.start).copied()
    }

    pub(super) fn first_id(&self) -> Option<i64> {
        self.first().map(|trade| trade.id)
    }

    /// Reads on until there is a trade from `next_id` on; false at the end of the file.
    pub(super) async fn load(mut self, next_id: i64) -> Result<(Self, bool), FeedError> {
        self.pass(next_id);
        if self.start < self.block.len() {
            return Ok((self, true));
        }
        blocking(move || {
            loop {
                let Some(block) = self.file.next_block()? else {
                    self.block.clear();
                    self.start = 0;
                    return Ok((self, false));
                };
                if let Some((next_id, other)) = &self.next_file
                    && let Some(index) = block.trades.iter().position(|trade| trade.id >= *next_id)
                {
                    return Err(FeedError::Overlap {
                        file: self.name.clone(),
                        line: block.first_line + index as u64,
                        id: block.trades[index].id,
                        other: other.clone(),
                    });
                }
                // What lies before is passed over, and nothing is copied.
                if block.trades.last().is_some_and(|last| last.id >= next_id) {
                    self.file.swap(&mut self.block);
                    self.start = 0;
                    self.pass(next_id);
                    return Ok((self, true));
                }
            }
        })
        .await
    }

    fn pass(&mut self, next_id: i64) {
        let rest = &self.block[self.start..];
        self.start += rest.partition_point(|trade| trade.id < next_id);
    }

    /// Hands over the trades from `next_id` to `last_id`, up to the next hole, in the place of
    /// what is in `block`.
    pub(super) fn take(&mut self, next_id: i64, last_id: i64, block: &mut Vec<Trade>) {
        let rest = &self.block[self.start..];
        // Ids rise, so what lacks none up to a trade lacks none before it either.
        let is_next = |(index, trade): (usize, &Trade)| {
            i64::try_from(index).is_ok_and(|index| trade.id - next_id == index)
        };
        let within = rest.partition_point(|trade| trade.id <= last_id);
        let (mut count, mut behind) = (0, within + 1);
        while behind - count > 1 {
            let middle = usize::midpoint(count, behind);
            if is_next((middle - 1, &rest[middle - 1])) {
                count = middle;
            } else {
                behind = middle;
            }
        }
        if self.start == 0 && count == self.block.len() {
            // A whole block changes places with the room for it.
            std::mem::swap(block, &mut self.block);
            self.block.clear();
            return;
        }
        block.clear();
        block.extend_from_slice(&rest[..count]);
        self.start += count;
    }
}

/// Does what blocks for a moment where it holds up nobody else: on this thread if the runtime
/// has others, which spares the way to another one and back for each block.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, FeedError> + Send + 'static,
) -> Result<T, FeedError> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        return block_in_place(read);
    }
    match spawn_blocking(read).await {
        Ok(read) => read,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that ends does this.
            Err(error) => Err(FeedError::File(FileError::Thread {
                file: "trades".to_owned(),
                reason: error.to_string(),
            })),
        },
    }
}
