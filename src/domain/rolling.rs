//! Counts of the last hour, in a fixed amount of memory.
//!
//! The hour is a ring of sixty minutes. What is older than the ring is gone, however long
//! the program runs. Time is an argument, in µs on a clock that never goes back.

const MINUTE_US: i64 = 60_000_000;
const MINUTES: usize = 60;

/// What was counted in each of the last sixty minutes.
#[derive(Debug, Clone)]
pub struct RollingHour {
    minutes: [u64; MINUTES],
    /// The minute that is being counted, since the clock's zero.
    current: i64,
    /// The minute of the first count.
    first: Option<i64>,
}

impl Default for RollingHour {
    fn default() -> Self {
        Self {
            minutes: [0; MINUTES],
            current: 0,
            first: None,
        }
    }
}

impl RollingHour {
    /// Counts `count` things that happened at `now_us`.
    pub fn add(&mut self, count: u64, now_us: i64) {
        self.advance(now_us);
        self.first.get_or_insert(self.current);
        let place = Self::place(self.current);
        self.minutes[place] = self.minutes[place].saturating_add(count);
    }

    /// What was counted in the hour before `now_us`, the minute under way included.
    #[must_use]
    pub fn sum(&self, now_us: i64) -> u64 {
        self.ages(now_us).map(|(_, count)| count).sum()
    }

    /// What was counted in the last full minute before `now_us`; none when counting had not
    /// begun by then.
    #[must_use]
    pub fn last_minute(&self, now_us: i64) -> Option<u64> {
        let minute = now_us.div_euclid(MINUTE_US);
        self.first.filter(|&first| first < minute)?;
        Some(
            self.ages(now_us)
                .find_map(|(age, count)| (age == 1).then_some(count))
                .unwrap_or(0),
        )
    }

    /// The median of the full minutes of the last hour; none before there are ten of them.
    #[must_use]
    pub fn median_minute(&self, now_us: i64) -> Option<u64> {
        const ENOUGH: i64 = 10;
        let minute = now_us.div_euclid(MINUTE_US);
        let known = minute.saturating_sub(self.first?).min(MINUTES as i64 - 1);
        if known < ENOUGH {
            return None;
        }
        let mut counts = [0; MINUTES];
        for (age, count) in self.ages(now_us) {
            counts[age] = count;
        }
        // Age 0 is the minute under way, which is not full.
        let full = counts.get_mut(1..=usize::try_from(known).ok()?)?;
        full.sort_unstable();
        full.get(full.len() / 2).copied()
    }

    /// Each minute that is still in the ring with its age in minutes.
    fn ages(&self, now_us: i64) -> impl Iterator<Item = (usize, u64)> {
        let minute = now_us.div_euclid(MINUTE_US).max(self.current);
        (0..MINUTES as i64).filter_map(move |back| {
            let of = self.current - back;
            let age = usize::try_from(minute - of).ok()?;
            (age < MINUTES).then(|| (age, self.minutes[Self::place(of)]))
        })
    }

    fn advance(&mut self, now_us: i64) {
        let minute = now_us.div_euclid(MINUTE_US);
        if minute - self.current >= MINUTES as i64 {
            self.minutes = [0; MINUTES];
            self.current = minute;
        }
        while self.current < minute {
            self.current += 1;
            self.minutes[Self::place(self.current)] = 0;
        }
    }

    fn place(minute: i64) -> usize {
        usize::try_from(minute.rem_euclid(MINUTES as i64)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sum_forgets_what_is_older_than_an_hour() {
        let mut hour = RollingHour::default();
        hour.add(3, 0);
        hour.add(4, 30 * MINUTE_US);
        assert_eq!(hour.sum(59 * MINUTE_US), 7);
        assert_eq!(hour.sum(60 * MINUTE_US), 4);
        assert_eq!(hour.sum(90 * MINUTE_US), 0);
        hour.add(1, 200 * MINUTE_US);
        assert_eq!(hour.sum(200 * MINUTE_US), 1);
    }

    #[test]
    fn the_median_waits_for_ten_full_minutes_and_is_not_moved_by_a_burst() {
        let mut hour = RollingHour::default();
        for minute in 0..10 {
            assert_eq!(hour.median_minute(minute * MINUTE_US), None);
            hour.add(if minute == 4 { 9_999 } else { 7 }, minute * MINUTE_US);
        }
        assert_eq!(hour.median_minute(10 * MINUTE_US), Some(7));
        assert_eq!(hour.last_minute(10 * MINUTE_US), Some(7));
        assert_eq!(
            hour.last_minute(12 * MINUTE_US),
            Some(0),
            "a minute without any counts as 0"
        );
        assert_eq!(RollingHour::default().last_minute(0), None);
    }

    proptest! {
        #[test]
        fn it_equals_a_list_of_everything(
            steps in proptest::collection::vec((0_i64..600, 0_u64..100), 1..200),
        ) {
            let (mut hour, mut all, mut now_us) = (RollingHour::default(), Vec::new(), 0_i64);
            for (seconds, count) in steps {
                now_us += seconds * 1_000_000;
                hour.add(count, now_us);
                all.push((now_us.div_euclid(MINUTE_US), count));
                let minute = now_us.div_euclid(MINUTE_US);
                let wanted: u64 = all
                    .iter()
                    .filter(|(of, _)| minute - of < MINUTES as i64)
                    .map(|(_, count)| count)
                    .sum();
                prop_assert_eq!(hour.sum(now_us), wanted);
            }
        }
    }
}
