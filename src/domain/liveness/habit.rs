//! How long a symbol usually pauses between trades.

/// Two buckets an octave, from 1 ms up.
const BUCKETS: usize = 48;
/// The upper edge of the first bucket, in µs.
const FIRST_EDGE_US: i64 = 1000;
/// When so many gaps are counted, all counts are halved: old habits fade.
const FADE_AT: u32 = 8192;

/// A fading histogram of the gaps between trades, on a logarithmic scale.
#[derive(Debug, Clone)]
pub struct Habit {
    counts: [u32; BUCKETS],
    total: u32,
}

impl Default for Habit {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
            total: 0,
        }
    }
}

impl Habit {
    /// Counts one gap, in µs.
    pub fn record(&mut self, gap_us: i64) {
        self.counts[bucket(gap_us)] += 1;
        self.total += 1;
        if self.total >= FADE_AT {
            self.total = 0;
            for count in &mut self.counts {
                *count /= 2;
                self.total += *count;
            }
        }
    }

    /// The gap that 99 of 100 gaps do not exceed, in µs, rounded up to its bucket's
    /// edge; 0 before any gap was counted.
    #[must_use]
    pub fn p99_us(&self) -> i64 {
        if self.total == 0 {
            return 0;
        }
        let rank = u64::from(self.total) * 99 / 100;
        let mut below = 0;
        for (index, &count) in self.counts.iter().enumerate() {
            below += u64::from(count);
            if below > rank {
                return edge_us(index);
            }
        }
        edge_us(BUCKETS - 1)
    }
}

fn edge_us(index: usize) -> i64 {
    let octave = FIRST_EDGE_US << (index / 2);
    if index.is_multiple_of(2) {
        octave
    } else {
        octave + octave / 2
    }
}

fn bucket(gap_us: i64) -> usize {
    if gap_us <= FIRST_EDGE_US {
        return 0;
    }
    let octave = (gap_us / FIRST_EDGE_US).ilog2() as usize;
    (2 * octave..BUCKETS)
        .find(|&index| gap_us <= edge_us(index))
        .unwrap_or(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_lies_at_or_below_the_edge_of_its_bucket_and_above_the_one_before() {
        for gap_us in (0..200_000_000).step_by(7919) {
            let index = bucket(gap_us);
            assert!(gap_us <= edge_us(index), "{gap_us}");
            assert!(index == 0 || gap_us > edge_us(index - 1), "{gap_us}");
        }
        assert_eq!(bucket(i64::MAX), BUCKETS - 1);
    }

    #[test]
    fn rare_pauses_do_not_count_and_old_habits_fade() {
        let mut habit = Habit::default();
        for gap in 0..1000 {
            habit.record(if gap % 200 == 0 { 60_000_000 } else { 10_000 });
        }
        assert!(habit.p99_us() < 20_000);
        for _ in 0..40_000 {
            habit.record(5_000_000);
        }
        assert!(habit.p99_us() >= 5_000_000);
    }
}
