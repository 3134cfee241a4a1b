//! How long the oldest row in the spool has waited, whatever the wall clock does.
//!
//! Rows are dated by the wall clock, because they outlive the program. A clock that is put
//! forward would make them seem to have waited for days, so that the age counts for no more
//! than has also gone by on a clock that never jumps. Both agree anew whenever the spool is
//! empty: nobody's age is at stake then.

/// Keeps the difference of both clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpoolAge {
    wall_minus_steady_us: Option<i64>,
}

impl SpoolAge {
    /// The age in µs of what was written at `oldest_us` on the wall clock, if anything waits:
    /// none when nothing does.
    pub fn look(&mut self, oldest_us: Option<i64>, steady_us: i64, wall_us: i64) -> Option<i64> {
        let apart_us = wall_us.saturating_sub(steady_us);
        let Some(oldest_us) = oldest_us else {
            self.wall_minus_steady_us = Some(apart_us);
            return None;
        };
        let known_us = *self.wall_minus_steady_us.get_or_insert(apart_us);
        let by_steady_us = steady_us.saturating_add(known_us).saturating_sub(oldest_us);
        let by_wall_us = wall_us.saturating_sub(oldest_us);
        Some(by_steady_us.min(by_wall_us).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    #[test]
    fn age_is_counted_from_when_it_was_written_before_this_start_too() {
        let mut age = SpoolAge::default();
        let wall_us = 20_000 * DAY_US;
        let look = age.look(Some(wall_us - 3 * DAY_US), 0, wall_us);
        assert_eq!(look, Some(3 * DAY_US));
        let look = age.look(Some(wall_us - 3 * DAY_US), DAY_US, wall_us + DAY_US);
        assert_eq!(look, Some(4 * DAY_US));
    }

    #[test]
    fn a_clock_that_is_put_forward_makes_nothing_old() {
        let mut age = SpoolAge::default();
        let wall_us = 20_000 * DAY_US;
        assert_eq!(age.look(None, 0, wall_us), None);
        let look = age.look(Some(wall_us), 1_000_000, wall_us + 8 * DAY_US);
        assert_eq!(look, Some(1_000_000));
        // What is written afterwards is dated by the new time.
        assert_eq!(age.look(None, 2_000_000, wall_us + 8 * DAY_US), None);
        let look = age.look(
            Some(wall_us + 8 * DAY_US),
            DAY_US,
            wall_us + 9 * DAY_US - 2_000_000,
        );
        assert_eq!(look, Some(DAY_US - 2_000_000));
    }

    #[test]
    fn a_clock_that_is_put_back_makes_no_age_negative() {
        let mut age = SpoolAge::default();
        let wall_us = 20_000 * DAY_US;
        assert_eq!(age.look(None, 0, wall_us), None);
        assert_eq!(age.look(Some(wall_us), DAY_US, wall_us - DAY_US), Some(0));
    }
}
