//! Files one after the other as one tape, cut where ids are missing.

use super::file::{FileError, TradeFile};
use crate::{domain::trade::Trade, exchange::binance::csv::Gap};

/// A piece of a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Trades whose ids rise by exactly 1, also from the piece before.
    Trades(&'a [Trade]),
    /// Ids that no file has; the next piece begins behind them.
    Hole(Gap),
}

/// A tape out of files. Its ids rise over all of them; an id that comes twice or goes
/// back is an error that names the file and the line.
pub struct Pieces {
    file: Option<TradeFile>,
    last_id: Option<i64>,
    /// What of the file's block is still to come.
    block: Vec<Trade>,
    start: usize,
    gaps: Vec<Gap>,
    /// The first of the gaps that is still to come.
    gap: usize,
}

impl Pieces {
    /// A tape that goes on behind `last_id`; without it, it begins with the first file.
    #[must_use]
    pub fn after(last_id: Option<i64>) -> Self {
        Self {
            file: None,
            last_id,
            block: Vec::new(),
            start: 0,
            gaps: Vec::new(),
            gap: 0,
        }
    }

    /// Goes on with `file`, from which nothing has been read yet. What is left of the
    /// file before is dropped.
    pub fn then(&mut self, file: TradeFile) {
        self.block.clear();
        self.gaps.clear();
        (self.start, self.gap) = (0, 0);
        self.file = Some(file.after(self.last_id));
    }

    /// The last id that the pieces so far end with, holes included.
    #[must_use]
    pub fn last_id(&self) -> Option<i64> {
        self.last_id
    }

    /// The next piece; none at the end of the file.
    ///
    /// # Errors
    /// As for [`TradeFile::next_block`].
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, FileError> {
        if self.start == self.block.len() && self.gap == self.gaps.len() && !self.load()? {
            return Ok(None);
        }
        let rest = &self.block[self.start..];
        let gap = self.gaps.get(self.gap).copied();
        // The trades before the next hole, or the hole.
        let length = gap.map_or(rest.len(), |gap| {
            rest.partition_point(|trade| trade.id < gap.first_id)
        });
        if let (0, Some(gap)) = (length, gap) {
            self.gap += 1;
            self.last_id = Some(gap.last_id);
            return Ok(Some(Piece::Hole(gap)));
        }
        let trades = &rest[..length];
        self.start += length;
        self.last_id = trades.last().map(|trade| trade.id);
        Ok(Some(Piece::Trades(trades)))
    }

    fn load(&mut self) -> Result<bool, FileError> {
        (self.start, self.gap) = (0, 0);
        self.block.clear();
        self.gaps.clear();
        let Some(file) = &mut self.file else {
            return Ok(false);
        };
        let Some(block) = file.next_block()? else {
            return Ok(false);
        };
        self.gaps.extend_from_slice(block.gaps);
        // The blocks change places: neither is copied, and both keep their room.
        file.swap(&mut self.block);
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
