//! Rows parted by table and by the store's partition, without being copied.

use crate::domain::{
    anchor::{Anchor, Period},
    row::{BarRow, EventRow, GapRow, Rows, Table, TradeRow},
};

/// The partition of the store that a row belongs to: the start of its month, which
/// identifies it as well as its name would, or 0 for tables that have no time of their own.
pub(super) type Partition = i64;

/// Rows of one table that follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Run<'a> {
    Bars(&'a [BarRow]),
    Trades(&'a [TradeRow]),
    Gaps(&'a [GapRow]),
    Events(&'a [EventRow]),
}

impl<'a> Run<'a> {
    pub(super) fn of(rows: &'a Rows) -> Self {
        match rows {
            Rows::Bars(rows) => Self::Bars(rows),
            Rows::Trades(rows) => Self::Trades(rows),
            Rows::Gaps(rows) => Self::Gaps(rows),
            Rows::Events(rows) => Self::Events(rows),
        }
    }

    pub(super) fn table(&self) -> Table {
        match self {
            Self::Bars(_) => Table::Bars,
            Self::Trades(_) => Table::Trades,
            Self::Gaps(_) => Table::Gaps,
            Self::Events(_) => Table::Events,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bars(rows) => rows.len(),
            Self::Trades(rows) => rows.len(),
            Self::Gaps(rows) => rows.len(),
            Self::Events(rows) => rows.len(),
        }
    }

    pub(super) fn bars(&self) -> Option<&'a [BarRow]> {
        match self {
            Self::Bars(rows) => Some(rows),
            _ => None,
        }
    }

    pub(super) fn trades(&self) -> Option<&'a [TradeRow]> {
        match self {
            Self::Trades(rows) => Some(rows),
            _ => None,
        }
    }

    pub(super) fn to_rows(self) -> Rows {
        match self {
            Self::Bars(rows) => Rows::Bars(rows.to_vec()),
            Self::Trades(rows) => Rows::Trades(rows.to_vec()),
            Self::Gaps(rows) => Rows::Gaps(rows.to_vec()),
            Self::Events(rows) => Rows::Events(rows.to_vec()),
        }
    }

    /// The first `count` rows, and the others. `count` is at most their number.
    pub(super) fn split_at(self, count: usize) -> (Self, Self) {
        match self {
            Self::Bars(rows) => {
                let (first, others) = rows.split_at(count);
                (Self::Bars(first), Self::Bars(others))
            }
            Self::Trades(rows) => {
                let (first, others) = rows.split_at(count);
                (Self::Trades(first), Self::Trades(others))
            }
            Self::Gaps(rows) => {
                let (first, others) = rows.split_at(count);
                (Self::Gaps(first), Self::Gaps(others))
            }
            Self::Events(rows) => {
                let (first, others) = rows.split_at(count);
                (Self::Events(first), Self::Events(others))
            }
        }
    }
}

/// Rows of one table and partition, in the order in which they were handed in.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub table: Table,
    pub partition: Partition,
    pub runs: Vec<Run<'a>>,
}

impl<'a> Part<'a> {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.runs.iter().map(Run::len).sum()
    }

    /// Takes the first `count` rows away, or all when there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Vec<Run<'a>> {
        if self.len() <= count {
            return std::mem::take(&mut self.runs);
        }
        let (mut taken, mut left, mut missing) = (Vec::new(), Vec::new(), count);
        for run in self.runs.drain(..) {
            let (first, others) = run.split_at(missing.min(run.len()));
            missing -= first.len();
            if first.len() > 0 {
                taken.push(first);
            }
            if others.len() > 0 {
                left.push(others);
            }
        }
        self.runs = left;
        taken
    }
}

/// Sets the version of all rows that have one.
pub(super) fn set_version(rows: &mut [Rows], version: u64) {
    for rows in rows {
        match rows {
            Rows::Bars(rows) => rows.iter_mut().for_each(|row| row.version = version),
            Rows::Trades(rows) => rows.iter_mut().for_each(|row| row.version = version),
            Rows::Gaps(rows) => rows.iter_mut().for_each(|row| row.version = version),
            Rows::Events(_) => {}
        }
    }
}

/// Parts the rows; the order within each part is that of the rows, and a table's partitions
/// follow each other in time: rows of one series may be in several of them.
pub(super) fn parts(rows: &[Rows]) -> Vec<Part<'_>> {
    let mut parts = Vec::with_capacity(4);
    let mut months = Months::default();
    for rows in rows {
        match rows {
            Rows::Bars(rows) => each_run(
                rows,
                |row| months.of(row.bar.open_time_us),
                |partition, run| add(&mut parts, partition, Run::Bars(run)),
            ),
            Rows::Trades(rows) => each_run(
                rows,
                |row| months.of(row.trade.time_us),
                |partition, run| add(&mut parts, partition, Run::Trades(run)),
            ),
            Rows::Gaps(rows) => add(&mut parts, 0, Run::Gaps(rows)),
            Rows::Events(rows) => each_run(
                rows,
                |row| months.of(row.time_us),
                |partition, run| add(&mut parts, partition, Run::Events(run)),
            ),
        }
    }
    // The sort is stable, so tables stay in the order in which they came.
    parts.sort_by_key(|part| part.partition);
    parts
}

fn add<'a>(parts: &mut Vec<Part<'a>>, partition: Partition, run: Run<'a>) {
    if run.len() == 0 {
        return;
    }
    let table = run.table();
    match parts
        .iter_mut()
        .find(|part| part.table == table && part.partition == partition)
    {
        Some(part) => part.runs.push(run),
        None => parts.push(Part {
            table,
            partition,
            runs: vec![run],
        }),
    }
}

/// Hands over the longest runs of rows of one partition.
fn each_run<'a, T>(
    rows: &'a [T],
    mut partition: impl FnMut(&T) -> Partition,
    mut each: impl FnMut(Partition, &'a [T]),
) {
    let Some(first) = rows.first() else { return };
    let (mut begun, mut current) = (0, partition(first));
    for (index, row) in rows.iter().enumerate() {
        let found = partition(row);
        if found != current {
            each(current, &rows[begun..index]);
            (begun, current) = (index, found);
        }
    }
    each(current, &rows[begun..]);
}

/// The month of one time after the other; most are in that of the last.
#[derive(Default)]
struct Months {
    last: Option<Period>,
}

impl Months {
    fn of(&mut self, time_us: i64) -> Partition {
        match self.last {
            Some(last) if (last.start_us..last.end_us).contains(&time_us) => last.start_us,
            _ => {
                let period = Anchor::Month.period(time_us);
                self.last = Some(period);
                period.start_us
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(times: &[i64]) -> Rows {
        let event = |&time_us| EventRow {
            time_us,
            collector: String::new(),
            symbol: String::new(),
            code: String::new(),
            text: String::new(),
        };
        Rows::Events(times.iter().map(event).collect())
    }

    fn times(runs: &[Run<'_>]) -> Vec<i64> {
        let of_run = |run: &Run<'_>| match run {
            Run::Events(rows) => rows.iter().map(|row| row.time_us).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        runs.iter().flat_map(of_run).collect()
    }

    #[test]
    fn months_that_alternate_are_parted_and_each_keeps_its_order() {
        let month = 40 * 86_400_000_000;
        let rows = [
            events(&[1, month, 2, 3, month + 1]),
            events(&[4, month + 2]),
        ];
        let parts = parts(&rows);
        let found: Vec<_> = parts.iter().map(|part| times(&part.runs)).collect();
        assert_eq!(found, [vec![1, 2, 3, 4], vec![month, month + 1, month + 2]]);
        assert_ne!(parts[0].partition, parts[1].partition);
    }

    #[test]
    fn a_part_is_taken_piece_by_piece() {
        let rows = [events(&[1, 2, 3]), events(&[4, 5])];
        let mut part = parts(&rows).remove(0);
        assert_eq!(times(&part.take(2)), [1, 2]);
        assert_eq!(times(&part.take(2)), [3, 4]);
        assert_eq!(part.len(), 1);
        assert_eq!(times(&part.take(2)), [5]);
        assert_eq!(part.len(), 0);
    }
}
