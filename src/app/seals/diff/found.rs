//! What comparing two stores can find.

use std::fmt;

use crate::domain::{row::Series, tiling::IdRange};

/// One of two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first one.
    A,
    /// The second one.
    B,
}

impl Side {
    /// Its letter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What two stores have in common, and what not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreDiff {
    /// The series that both have whole periods of.
    pub series: Vec<ComparedSeries>,
    /// The first bar of each series that is not the same.
    pub differences: Vec<Difference>,
    /// Whole periods that only one has.
    pub only: Vec<OnlyIn>,
    /// Closed periods that one has, but not whole; they do not count.
    pub not_whole: Vec<NotWhole>,
}

/// A series that was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedSeries {
    /// The series.
    pub series: Series,
    /// In how many periods it is the same.
    pub equal: u64,
    /// In how many it is not.
    pub different: u64,
}

/// The first bar of a series that is not the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The series.
    pub series: Series,
    /// The first µs of its period.
    pub start_us: i64,
    /// Its ids; where they differ, those in A.
    pub bar: IdRange,
    /// In what it differs.
    pub what: What,
}

/// In what a bar differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// In a column.
    Column {
        /// Its name.
        name: &'static str,
        /// Its value in A.
        a: String,
        /// Its value in B.
        b: String,
    },
    /// One store cannot read it.
    Unreadable {
        /// Which.
        side: Side,
        /// Why.
        reason: String,
    },
    /// Only one store has a bar that begins with its first id.
    OnlyIn(Side),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column { name, a, b } => write!(f, "{name} is {a} in A and {b} in B"),
            Self::Unreadable { side, reason } => write!(f, "it cannot be read in {side}: {reason}"),
            Self::OnlyIn(side) => write!(f, "it is only in {side}"),
        }
    }
}

/// Periods of a series that only one store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlyIn {
    /// Which store.
    pub side: Side,
    /// The series.
    pub series: Series,
    /// How many.
    pub periods: u64,
    /// The first µs of the first one.
    pub first_us: i64,
    /// The first µs of the last one.
    pub last_us: i64,
}

/// A closed period that a store has, but not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotWhole {
    /// Which store.
    pub side: Side,
    /// The series.
    pub series: Series,
    /// The first µs of the period.
    pub start_us: i64,
    /// What is missing.
    pub why: Why,
}

/// Why a period is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No bar shows that it is over.
    Open,
    /// Bars within it are missing, or held twice.
    Holes,
    /// It has not all the ids that others show it to have.
    Short {
        /// The ids that others show.
        ids: IdRange,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("it is not over there"),
            Self::Holes => f.write_str("bars are missing there, or held twice"),
            Self::Short { ids } => write!(f, "its bars do not reach over {ids} there"),
        }
    }
}

impl StoreDiff {
    /// How many periods of series were compared.
    #[must_use]
    pub fn compared(&self) -> u64 {
        let series = self.series.iter();
        series.map(|series| series.equal + series.different).sum()
    }

    /// Whether something was compared, everything that was is the same, and nothing that could
    /// be compared was kept from it by missing bars. Two stores that begin or end at different
    /// times can be equal where they meet.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let is_same = self.series.iter().all(|series| series.different == 0);
        is_same && self.differences.is_empty() && self.compared() > 0 && !self.has_holes()
    }

    /// Whether one of them lacks bars within a closed period that it has.
    #[must_use]
    pub fn has_holes(&self) -> bool {
        let mut periods = self.not_whole.iter();
        periods.any(|period| period.why == Why::Holes)
    }

    /// Whether both hold the same closed periods, and all of them whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.only.is_empty() && self.not_whole.is_empty()
    }
}
