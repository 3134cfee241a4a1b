//! Ranges of aggregate-trade ids.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Ids from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdRange {
    /// The first id.
    pub first_id: i64,
    /// The last id.
    pub last_id: i64,
}

impl IdRange {
    /// How many ids it holds; 0 when it runs backwards.
    #[must_use]
    pub fn count(self) -> u64 {
        let count = i128::from(self.last_id) - i128::from(self.first_id) + 1;
        // Two i64 are at most 2^64 − 1 apart; only the whole i64 range is one id more.
        u64::try_from(count.max(0)).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first_id == self.last_id {
            write!(f, "id {}", self.first_id)
        } else {
            write!(f, "ids {} to {}", self.first_id, self.last_id)
        }
    }
}

/// A set of ids, kept as ranges that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdRanges(Vec<IdRange>);

impl IdRanges {
    /// The ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = IdRange> {
        self.0.iter().copied()
    }

    /// Whether every id of `ids` is in the set.
    #[must_use]
    pub fn contain(&self, ids: IdRange) -> bool {
        let after = self
            .0
            .partition_point(|range| range.first_id <= ids.first_id);
        after
            .checked_sub(1)
            .and_then(|before| self.0.get(before))
            .is_some_and(|range| range.last_id >= ids.last_id)
    }
}

impl FromIterator<IdRange> for IdRanges {
    fn from_iter<I: IntoIterator<Item = IdRange>>(ranges: I) -> Self {
        let mut ranges: Vec<_> = ranges
            .into_iter()
            .filter(|range| range.first_id <= range.last_id)
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<IdRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.first_id <= last.last_id.saturating_add(1) => {
                    last.last_id = last.last_id.max(range.last_id);
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(first_id: i64, last_id: i64) -> IdRange {
        IdRange { first_id, last_id }
    }

    #[test]
    fn ranges_that_touch_become_one_and_those_apart_do_not() {
        let set: IdRanges = [ids(10, 12), ids(1, 3), ids(4, 6), ids(11, 20), ids(30, 29)]
            .into_iter()
            .collect();
        assert_eq!(set, IdRanges(vec![ids(1, 6), ids(10, 20)]));
        for inside in [ids(1, 6), ids(3, 4), ids(10, 10), ids(12, 20)] {
            assert!(set.contain(inside), "{inside}");
        }
        for outside in [
            ids(0, 1),
            ids(6, 7),
            ids(5, 11),
            ids(7, 9),
            ids(20, 21),
            ids(30, 30),
        ] {
            assert!(!set.contain(outside), "{outside}");
        }
        assert!(!IdRanges::default().contain(ids(1, 1)));
    }

    #[test]
    fn counting_never_overflows() {
        assert_eq!(ids(5, 9).count(), 5);
        assert_eq!(ids(9, 5).count(), 0);
        assert_eq!(ids(i64::MIN, i64::MAX).count(), u64::MAX);
    }
}
