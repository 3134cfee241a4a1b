//! Small troubles that are told of together.

use std::time::Duration;

use tokio::time::Instant;

/// They are told of at most this often.
const EVERY: Duration = Duration::from_secs(10);

/// Counts what happens, and says when it is time to tell.
#[derive(Debug, Default)]
pub(in super::super) struct Tally {
    counted: u64,
    told: Option<Instant>,
}

impl Tally {
    pub fn add(&mut self, count: u64) {
        self.counted += count;
    }

    /// How many are to be told of now, if any.
    pub fn due(&mut self, now: Instant) -> Option<u64> {
        if self.told.is_some_and(|told| now - told < EVERY) {
            return None;
        }
        let rest = self.rest()?;
        self.told = Some(now);
        Some(rest)
    }

    /// How many were not told of, if any.
    pub fn rest(&mut self) -> Option<u64> {
        (self.counted > 0).then(|| std::mem::take(&mut self.counted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_the_others_together() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        assert_eq!(tally.due(start), None);
        tally.add(1);
        assert_eq!(tally.due(start), Some(1));
        tally.add(2);
        assert_eq!(tally.due(start + EVERY / 2), None);
        tally.add(3);
        assert_eq!(tally.due(start + EVERY), Some(5));
        tally.add(4);
        assert_eq!(tally.rest(), Some(4));
        assert_eq!(tally.rest(), None);
    }
}
