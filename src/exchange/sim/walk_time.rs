//! When the trades of a seeded day happen.
//!
//! A day's trades are cut into blocks of about equal count. A block's edges lie near
//! its even share of the day, a little off by a hash, so any edge is known without
//! the ones before it. The edges lie on the day's *active* time; each ten minutes of
//! the day hold at most one quiet spell, which is skipped when active time becomes
//! time of day. Everything is integer arithmetic and monotone, so a time can be
//! searched for by bisection.

use super::random::Random;

/// Microseconds in a UTC day.
pub(crate) const DAY_US: i64 = 86_400_000_000;
/// The stretch of a day that holds at most one quiet spell.
const SLOT_US: u64 = 600_000_000;
/// One slot in this many has a quiet spell, on average.
const QUIET_ONE_IN: u32 = 3;
/// The shortest and the longest quiet spell, in milliseconds.
const QUIET_MS: (u32, u32) = (10_000, 30_000);
/// How far an edge may be off its even share, in thousandths of a block.
const EDGE_JITTER: u32 = 300;

/// The timing of the days of one tape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DayTimes {
    key: u64,
    blocks_per_day: u64,
}

impl DayTimes {
    /// The timing for a tape's key and its number of blocks a day (at least 1).
    pub(crate) fn new(key: u64, blocks_per_day: u64) -> Self {
        Self {
            // The timing has its own key, so that it shares no number with the prices.
            key: key.rotate_left(17) ^ 0x7469_6d65,
            blocks_per_day,
        }
    }

    /// The active time at which block `block` of day `day` begins, in microseconds;
    /// for `block == blocks_per_day` the day's end.
    pub(crate) fn edge_us(&self, day: u64, block: u64) -> u64 {
        let day_us = DAY_US.unsigned_abs();
        if block == 0 {
            return 0;
        }
        if block >= self.blocks_per_day {
            return day_us;
        }
        let even =
            (u128::from(block) * u128::from(day_us) / u128::from(self.blocks_per_day)) as u64;
        let width = day_us / self.blocks_per_day;
        let mut random = Random::at(self.key, day * self.blocks_per_day + block);
        let shift = u64::from(random.below(2 * EDGE_JITTER));
        even + width * shift / 1000 - width * u64::from(EDGE_JITTER) / 1000
    }

    /// The time of day, in microseconds, that belongs to an active time of the day.
    pub(crate) fn time_of_day_us(&self, day: u64, active_us: u64) -> u64 {
        let slot = active_us / SLOT_US;
        let within = active_us % SLOT_US;
        let Some((quiet_start, quiet_us)) = self.quiet_spell(day, slot) else {
            return active_us;
        };
        let played = within * (SLOT_US - quiet_us) / SLOT_US;
        let skipped = if played >= quiet_start { quiet_us } else { 0 };
        slot * SLOT_US + played + skipped
    }

    /// The time of day before which no trade of the block lies, in microseconds.
    pub(crate) fn block_start_us(&self, day: u64, block: u64) -> u64 {
        self.time_of_day_us(day, self.edge_us(day, block))
    }

    /// The quiet spell of a slot of the day: its start within the slot and its length.
    fn quiet_spell(&self, day: u64, slot: u64) -> Option<(u64, u64)> {
        let mut random = Random::at(self.key ^ 0x71_7569_6574, day * 144 + slot);
        if random.below(QUIET_ONE_IN) != 0 {
            return None;
        }
        let (shortest, longest) = QUIET_MS;
        let quiet_us = u64::from(shortest + random.below(longest - shortest)) * 1000;
        let room_ms = (SLOT_US - quiet_us) / 1000;
        let start_us = u64::from(random.below(room_ms as u32)) * 1000;
        Some((start_us, quiet_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_rise_and_cover_the_day() {
        for blocks_per_day in [1, 2, 7, 844, 4_218_750] {
            let times = DayTimes::new(5, blocks_per_day);
            let step = (blocks_per_day / 1000).max(1);
            assert_eq!(times.edge_us(20_000, 0), 0);
            assert_eq!(times.edge_us(20_000, blocks_per_day), DAY_US.unsigned_abs());
            for block in (0..blocks_per_day).step_by(step as usize) {
                assert!(times.edge_us(20_000, block) < times.edge_us(20_000, block + 1));
            }
        }
    }

    #[test]
    fn quiet_spells_keep_the_order_and_the_day() {
        let times = DayTimes::new(11, 10);
        let mut last = 0;
        let mut longest_step = 0;
        for second in 0..=86_400_u64 {
            let now = if second == 86_400 {
                times.time_of_day_us(3, DAY_US.unsigned_abs() - 1)
            } else {
                times.time_of_day_us(3, second * 1_000_000)
            };
            assert!(now >= last && now < DAY_US.unsigned_abs());
            longest_step = longest_step.max(now - last);
            last = now;
        }
        assert!(
            longest_step > 10_000_000,
            "no quiet spell in a day: {longest_step}"
        );
        assert!(
            longest_step < 35_000_000,
            "a quiet spell is too long: {longest_step}"
        );
    }
}
