//! When missing trades may be given up.
//!
//! The exchange has to show twice, a retry interval apart, that it has higher ids but
//! not these; or that the trade which it has under that id is no trade. A time-out,
//! a refusal, an empty page prove nothing, and neither does one answer alone.

/// What one answer showed about the ids from the one asked for on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The id that was asked for, and did not come.
    pub asked_id: i64,
    /// The lowest id above it that the exchange has and that is a trade.
    pub next_id: i64,
    /// Whether the exchange has something under a missing id that is no trade.
    pub is_malformed: bool,
}

/// Trades that are proven not to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// The first absent id.
    pub first: i64,
    /// The last absent id.
    pub last: i64,
    /// Whether the exchange has something there that is no trade.
    pub is_malformed: bool,
}

/// Collects the two answers.
#[derive(Debug, Clone)]
pub struct Proof {
    interval_us: i64,
    first: Option<(Seen, i64)>,
}

impl Proof {
    /// A proof needs two answers at least `interval_us` apart.
    #[must_use]
    pub fn new(interval_us: i64) -> Self {
        Self {
            interval_us,
            first: None,
        }
    }

    /// Takes one answer, given at `now_us` on a clock that never goes back. Returns the
    /// absence when it is the second one.
    pub fn seen(&mut self, seen: Seen, now_us: i64) -> Option<Absence> {
        match self.first {
            Some((first, at_us)) if first.asked_id == seen.asked_id => {
                if now_us - at_us < self.interval_us {
                    return None;
                }
                self.first = None;
                // Only what was absent both times is absent.
                let next_id = first.next_id.min(seen.next_id);
                let is_malformed = first.is_malformed || seen.is_malformed;
                Some(Absence {
                    first: seen.asked_id,
                    last: next_id - 1,
                    is_malformed,
                })
            }
            _ => {
                self.first = Some((seen, now_us));
                None
            }
        }
    }

    /// The trade that was missing came after all.
    pub fn refuted(&mut self) {
        self.first = None;
    }

    /// Whether one answer about `asked_id` is in and the second one is awaited.
    #[must_use]
    pub fn is_pending(&self, asked_id: i64) -> bool {
        self.first
            .is_some_and(|(first, _)| first.asked_id == asked_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(asked_id: i64, next_id: i64) -> Seen {
        Seen {
            asked_id,
            next_id,
            is_malformed: false,
        }
    }

    #[test]
    fn two_answers_an_interval_apart_prove_what_both_lack() {
        let mut proof = Proof::new(1000);
        assert_eq!(proof.seen(seen(5, 9), 0), None);
        assert_eq!(proof.seen(seen(5, 8), 999), None, "too soon");
        let absence = proof.seen(seen(5, 8), 1000);
        assert_eq!(
            absence,
            Some(Absence {
                first: 5,
                last: 7,
                is_malformed: false
            })
        );
        assert!(!proof.is_pending(5));
    }

    #[test]
    fn a_trade_that_came_after_all_takes_the_first_answer_back() {
        let mut proof = Proof::new(1000);
        proof.seen(seen(5, 9), 0);
        proof.refuted();
        assert_eq!(proof.seen(seen(5, 9), 5000), None);
        assert_eq!(proof.seen(seen(6, 9), 9000), None, "another id starts over");
    }
}
