//! How much of a symbol's tape is in the bars.
//!
//! Of the ids that bars reach over, those that gaps name as open or absent are missing. Gaps
//! may overlap, as what is said of a part does not touch the whole: each id counts once, and
//! as absent if anything proves that.

use super::row::{GapRow, GapState};

/// How much of a range of ids is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Completeness {
    /// How many ids there should be.
    pub ids: u64,
    /// How many of them are missing, and may exist.
    pub open: u64,
    /// How many of them are missing because the exchange has none.
    pub absent: u64,
}

impl Completeness {
    /// What `gaps`, all of one symbol, leave of the ids from `first_id` to `last_id`.
    #[must_use]
    pub fn of(first_id: i64, last_id: i64, gaps: &[GapRow]) -> Self {
        let within = |is_meant: fn(GapState) -> bool| {
            let meant = gaps.iter().filter(|gap| is_meant(gap.state));
            let within = meant.filter_map(|gap| {
                let (first, last) = (gap.first_id.max(first_id), gap.last_id.min(last_id));
                (first <= last).then_some((first, last))
            });
            covered(within.collect())
        };
        let absent = within(|state| state == GapState::Absent);
        let missing = within(|state| state != GapState::Repaired);
        Self {
            ids: length(first_id, last_id),
            open: missing - absent,
            absent,
        }
    }

    /// How many are missing.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.open + self.absent
    }

    /// The share that is there; none when there should be nothing.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let there = self.ids.saturating_sub(self.missing());
        (self.ids > 0).then(|| there as f64 / self.ids as f64)
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            ids: self.ids.saturating_add(other.ids),
            open: self.open.saturating_add(other.open),
            absent: self.absent.saturating_add(other.absent),
        }
    }
}

fn length(first_id: i64, last_id: i64) -> u64 {
    let length = i128::from(last_id) - i128::from(first_id) + 1;
    u64::try_from(length.max(0)).unwrap_or(u64::MAX)
}

/// How many ids lie in at least one of the ranges.
fn covered(mut ranges: Vec<(i64, i64)>) -> u64 {
    ranges.sort_unstable();
    let (mut covered, mut reached) = (0u64, None);
    for (first, last) in ranges {
        let first = match reached {
            Some(reached) if reached >= last => continue,
            Some(reached) => first.max(reached + 1),
            None => first,
        };
        covered = covered.saturating_add(length(first, last));
        reached = Some(last);
    }
    covered
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gap(first_id: i64, last_id: i64, state: GapState) -> GapRow {
        GapRow {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            first_id,
            last_id,
            found_at_us: 0,
            cause: String::new(),
            state,
            proof: String::new(),
            version: 1,
        }
    }

    #[test]
    fn each_missing_id_within_the_range_counts_once() {
        use GapState::{Absent, Open, Repaired};
        let gaps = [
            gap(0, 104, Open),
            gap(103, 104, Absent),
            gap(110, 119, Repaired),
            gap(150, 152, Open),
            gap(151, 155, Open),
            gap(199, 300, Absent),
        ];
        let found = Completeness::of(100, 199, &gaps);
        assert_eq!((found.ids, found.open, found.absent), (100, 3 + 6, 2 + 1));
        assert_eq!(found.ratio(), Some(0.88));
        assert_eq!(Completeness::default().ratio(), None);
        assert_eq!(Completeness::of(i64::MIN, i64::MAX, &[]).missing(), 0);
    }

    proptest! {
        #[test]
        fn it_is_what_counting_one_by_one_gives(
            ranges in prop::collection::vec((0i64..60, 0i64..20, 0u8..3), 0..12)
        ) {
            let states = [GapState::Open, GapState::Repaired, GapState::Absent];
            let gaps: Vec<_> = ranges
                .iter()
                .map(|&(first, more, state)| gap(first, first + more, states[usize::from(state)]))
                .collect();
            let has = |id: i64, state| {
                let mut gaps = gaps.iter();
                gaps.any(|gap| gap.state == state && (gap.first_id..=gap.last_id).contains(&id))
            };
            let absent = (10..=50).filter(|&id| has(id, GapState::Absent)).count();
            let open = (10..=50)
                .filter(|&id| has(id, GapState::Open) && !has(id, GapState::Absent))
                .count();
            let found = Completeness::of(10, 50, &gaps);
            prop_assert_eq!((found.open, found.absent), (open as u64, absent as u64));
        }
    }
}
