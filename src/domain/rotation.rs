//! Fair turns among those who share one worker.
//!
//! Deficit round robin (Shreedhar and Varghese, 1995) with trades in the place of bytes:
//! whoever waits longest is next, and may use a slice of trades. Work comes in blocks, so
//! that a turn may end a little late; what it used too much is taken off its next turns.
//! What it did not use is lost, so that nobody saves up turns while waiting for data.
//!
//! So of any two that always have work neither ever gets more than a slice and a block
//! ahead of the other, however much each has left.

use std::{collections::VecDeque, num::NonZeroU64};

/// Those who take turns, each named by a key.
#[derive(Debug, Clone)]
pub struct Rotation<K> {
    slice: NonZeroU64,
    /// The next one first.
    waiting: VecDeque<Waiting<K>>,
}

#[derive(Debug, Clone)]
struct Waiting<K> {
    key: K,
    /// What earlier turns used too much, in trades.
    debt: u64,
}

/// A turn: who has it does not wait for another one until it is over.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a turn that is not ended is the last one"]
pub struct Turn<K> {
    /// Whose turn it is.
    pub key: K,
    /// How many trades may be used, at least one.
    pub allowance: NonZeroU64,
}

impl<K> Rotation<K> {
    /// A rotation of nobody, with turns of `slice` trades.
    #[must_use]
    pub const fn new(slice: NonZeroU64) -> Self {
        Self {
            slice,
            waiting: VecDeque::new(),
        }
    }

    /// Lets `key` take turns, after all who wait.
    pub fn join(&mut self, key: K) {
        self.waiting.push_back(Waiting { key, debt: 0 });
    }

    /// How many wait for a turn.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits for a turn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next turn; none when nobody waits.
    pub fn turn(&mut self) -> Option<Turn<K>> {
        self.forgive_rounds();
        loop {
            let mut next = self.waiting.pop_front()?;
            let allowance = self.slice.get().saturating_sub(next.debt);
            if let Some(allowance) = NonZeroU64::new(allowance) {
                let key = next.key;
                return Some(Turn { key, allowance });
            }
            next.debt -= self.slice.get();
            self.waiting.push_back(next);
        }
    }

    /// Ends a turn in which `used` trades were used, by somebody who has more to do.
    pub fn end(&mut self, turn: Turn<K>, used: u64) {
        self.waiting.push_back(Waiting {
            key: turn.key,
            debt: used.saturating_sub(turn.allowance.get()),
        });
    }

    /// Takes off the whole rounds that everybody would only pass in, so that finding the
    /// next turn takes two rounds at most, whatever the debts.
    fn forgive_rounds(&mut self) {
        let least = self.waiting.iter().map(|waiting| waiting.debt).min();
        let rounds = least.unwrap_or(0) / self.slice;
        let forgiven = rounds * self.slice.get();
        for waiting in &mut self.waiting {
            waiting.debt -= forgiven;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn rotation<K>(slice: u64, keys: impl IntoIterator<Item = K>) -> Rotation<K> {
        let mut rotation = Rotation::new(NonZeroU64::new(slice).expect("a slice"));
        for key in keys {
            rotation.join(key);
        }
        rotation
    }

    #[test]
    fn turns_go_round_in_the_order_of_joining() {
        let mut rotation = rotation(100, ["a", "b", "c"]);
        let mut order = String::new();
        for _ in 0..7 {
            let turn = rotation.turn().expect("somebody waits");
            order += turn.key;
            rotation.end(turn, 100);
        }
        assert_eq!(order, "abcabca");
    }

    #[test]
    fn who_is_alone_goes_on_and_who_is_done_is_forgotten() {
        let mut rotation = rotation(100, ["a"]);
        for _ in 0..3 {
            let turn = rotation.turn().expect("it waits");
            assert_eq!(turn.allowance.get(), 100);
            rotation.end(turn, 100);
        }
        let last = rotation.turn().expect("it waits");
        assert_eq!(last.key, "a");
        assert!(rotation.is_empty());
        assert_eq!(rotation.turn(), None);
    }

    #[test]
    fn what_was_used_too_much_is_taken_off_the_next_turns() {
        let mut rotation = rotation(100, ["a", "b"]);
        let turn = rotation.turn().expect("a waits");
        rotation.end(turn, 370);
        let mut allowances = Vec::new();
        for _ in 0..5 {
            let turn = rotation.turn().expect("somebody waits");
            allowances.push((turn.key, turn.allowance.get()));
            let used = turn.allowance.get();
            rotation.end(turn, used);
        }
        // Two rounds are passed in, the third is short.
        let expected = [("b", 100), ("b", 100), ("b", 100), ("a", 30), ("b", 100)];
        assert_eq!(allowances, expected);
    }

    #[test]
    fn nobody_saves_up_turns() {
        let mut rotation = rotation(100, ["waits for data", "works"]);
        for _ in 0..10 {
            let turn = rotation.turn().expect("somebody waits");
            let used = if turn.key == "works" { 100 } else { 0 };
            rotation.end(turn, used);
        }
        let turn = rotation.turn().expect("somebody waits");
        assert_eq!((turn.key, turn.allowance.get()), ("waits for data", 100));
    }

    #[test]
    fn the_greatest_debt_costs_no_time_when_nobody_else_waits() {
        let mut rotation = rotation(1, ["a"]);
        let turn = rotation.turn().expect("a waits");
        rotation.end(turn, u64::MAX);
        assert_eq!(rotation.turn().map(|turn| turn.allowance.get()), Some(1));
    }

    proptest! {
        #[test]
        fn of_two_that_have_work_neither_gets_more_than_a_slice_and_a_block_ahead(
            slice in 1_u64..50,
            block in 1_u64..120,
            members in 2_usize..6,
            turns in 1_usize..200,
        ) {
            let mut rotation = rotation(slice, 0..members);
            let mut used: BTreeMap<usize, u64> = (0..members).map(|key| (key, 0)).collect();
            for _ in 0..turns {
                let turn = rotation.turn().expect("somebody waits");
                // Whole blocks until the allowance is used up.
                let amount = turn.allowance.get().div_ceil(block) * block;
                *used.entry(turn.key).or_default() += amount;
                rotation.end(turn, amount);
            }
            let most = used.values().max().expect("members");
            let least = used.values().min().expect("members");
            prop_assert!(most - least <= slice + block, "{used:?}");
        }
    }
}
