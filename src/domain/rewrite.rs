//! What has to be written so that the stored bars of a series are those of the tape.
//!
//! The bars that were built from the trades are laid beside the stored ones, by their first
//! ids. What is the same stays untouched; what differs is replaced; what is
//! missing is added; and what no trade explains gets a tombstone. All of it exceeds every
//! version that was read, so that it counts wherever it arrives.
//!
//! A tombstone has its dead row's own opening time, by which a store may keep rows apart,
//! and a version below that of the new rows: a row that opened at a wrong time is buried
//! where it lies, and its key lives on elsewhere.

use std::sync::Arc;

use super::{
    bar::Bar,
    row::{BarRead, BarRow, Series, StoredBar},
    tiling::IdRange,
};

/// What has to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rewrite {
    /// Rows that are new or replace others, by first id.
    pub bars: Vec<BarRow>,
    /// Tombstones, by first id.
    pub tombstones: Vec<BarRow>,
    /// So many stored bars are right.
    pub kept: u64,
    /// So many of `bars` replace a stored one.
    pub replaced: u64,
    /// What cannot be mended from here, because its key cannot be read.
    pub unknown: u64,
}

impl Rewrite {
    /// Whether the stored bars are right already.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty() && self.tombstones.is_empty()
    }

    /// So many of the bars were not there.
    #[must_use]
    pub fn added(&self) -> u64 {
        self.bars.len() as u64 - self.replaced
    }
}

/// A row as it is stored, as far as it matters here.
enum Stored<'a> {
    Bar(&'a StoredBar),
    Unreadable { open_time_us: Option<i64> },
}

/// Compares the bars of `series` that were built from all trades in `ids` with the `stored`
/// ones, of which those that begin in `ids` are looked at. Both are in the order of their
/// first ids. What is written gets the versions `clock_us` and one more, or higher ones if
/// higher ones were read.
#[must_use]
pub fn rewrite(
    series: &Series,
    built: &[Bar],
    stored: &[BarRead],
    ids: IdRange,
    clock_us: u64,
) -> Rewrite {
    let read_version = stored.iter().flatten().map(|bar| bar.row.version).max();
    let version = read_version.map_or(clock_us, |read| clock_us.max(read.saturating_add(1)));
    let mut writer = Writer {
        series,
        version,
        found: Rewrite::default(),
    };
    let mut built = built.iter().peekable();
    for read in stored {
        let Some((first_id, row)) = placed(read) else {
            writer.found.unknown += 1;
            continue;
        };
        if first_id < ids.first_id || first_id > ids.last_id {
            continue;
        }
        while let Some(bar) = built.next_if(|bar| bar.first_agg_trade_id < first_id) {
            writer.add(bar);
        }
        match built.next_if(|bar| bar.first_agg_trade_id == first_id) {
            Some(bar) => writer.compare(bar, &row),
            None => writer.bury(first_id, &row, built.peek().copied()),
        }
    }
    built.for_each(|bar| writer.add(bar));
    writer.found
}

/// The first id of a stored row; none when it cannot be read.
fn placed(read: &BarRead) -> Option<(i64, Stored<'_>)> {
    match read {
        Ok(bar) => Some((bar.row.bar.first_agg_trade_id, Stored::Bar(bar))),
        Err(unreadable) => {
            let place = unreadable.place.as_ref()?;
            let open_time_us = place.open_time_us;
            Some((place.first_id?, Stored::Unreadable { open_time_us }))
        }
    }
}

struct Writer<'a> {
    series: &'a Series,
    version: u64,
    found: Rewrite,
}

impl Writer<'_> {
    fn row(&self, bar: Bar, is_deleted: bool) -> BarRow {
        BarRow {
            exchange: Arc::clone(&self.series.exchange),
            symbol: self.series.symbol.clone(),
            anchor: self.series.anchor,
            bar,
            version: self.version + u64::from(!is_deleted),
            is_deleted,
        }
    }

    fn add(&mut self, bar: &Bar) {
        let row = self.row(bar.clone(), false);
        self.found.bars.push(row);
    }

    fn compare(&mut self, bar: &Bar, stored: &Stored<'_>) {
        match stored {
            Stored::Bar(stored) if is_same(bar, stored) => {
                self.found.kept += 1;
                return;
            }
            Stored::Bar(stored) if stored.row.bar.open_time_us != bar.open_time_us => {
                self.bury_bar(&stored.row.bar);
            }
            Stored::Unreadable {
                open_time_us: Some(open_time_us),
            } if *open_time_us != bar.open_time_us => {
                let open_time_us = *open_time_us;
                self.bury_bar(&Bar {
                    open_time_us,
                    ..bar.clone()
                });
            }
            _ => {}
        }
        self.found.replaced += 1;
        self.add(bar);
    }

    /// Buries a row that no trade explains. Of one that cannot be read only the key and the
    /// time count; the other columns are lent by a bar that can, `like`, or the last one.
    fn bury(&mut self, first_id: i64, stored: &Stored<'_>, like: Option<&Bar>) {
        match stored {
            Stored::Bar(stored) => self.bury_bar(&stored.row.bar),
            Stored::Unreadable { open_time_us } => {
                let last = self.found.bars.last().map(|row| &row.bar);
                let Some(like) = like.or(last).cloned() else {
                    self.found.unknown += 1;
                    return;
                };
                self.bury_bar(&Bar {
                    first_agg_trade_id: first_id,
                    open_time_us: open_time_us.unwrap_or(like.open_time_us),
                    ..like
                });
            }
        }
    }

    fn bury_bar(&mut self, bar: &Bar) {
        let row = self.row(bar.clone(), true);
        self.found.tombstones.push(row);
    }
}

/// Whether the stored bar is the built one. Of a float only the sign of a zero may differ,
/// which not every store keeps.
fn is_same(built: &Bar, stored: &StoredBar) -> bool {
    stored.row.bar == *built && stored.differences().next().is_none()
}

#[cfg(test)]
mod tests;
