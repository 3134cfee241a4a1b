//! The order of one symbol's trades: next, duplicate, gap.
//!
//! Ids rise by exactly 1, so an id alone proves that nothing is missing. Trades come
//! from two sides, live and by request, and both are offered here in any order; what
//! comes out is the tape. Live trades that arrive while ids are missing are held, up
//! to a bound; at the bound they are dropped, because they can be fetched later.
//!
//! Only proof of absence lets the tape go on without an id. See [`Proof`].

use std::collections::BTreeMap;

use super::trade::Trade;

pub mod proof;

pub use proof::{Absence, Proof, Seen};

/// What became of a trade that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It is the next trade: take it, then take what [`Sequence::pop_held`] gives.
    Next,
    /// It was taken before, or is held already.
    Duplicate,
    /// Ids before it are missing; it is held.
    Held,
    /// Ids before it are missing and the hold was full: so many held trades were dropped,
    /// and it is held alone.
    Dropped(usize),
}

/// What happened to trades that did not simply follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Trades that had been taken, or were held, already.
    pub duplicates: u64,
    /// Trades that arrived before their turn.
    pub held: u64,
    /// Held trades that were dropped at the hold's bound, to be fetched again.
    pub hold_dropped: u64,
    /// Live trades whose id the exchange never reached.
    pub unconfirmed: u64,
}

/// The ids from `first` to `last`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The first missing id.
    pub first: i64,
    /// The last missing id.
    pub last: i64,
}

/// The order of one symbol's trades.
#[derive(Debug, Clone)]
pub struct Sequence {
    next_id: i64,
    /// The highest id that is known to exist, by stream or by request.
    newest_id: i64,
    held: BTreeMap<i64, Trade>,
    hold_limit: usize,
    counters: Counters,
}

impl Sequence {
    /// A sequence that waits for `next_id` and holds at most `hold_limit` trades.
    #[must_use]
    pub fn new(next_id: i64, hold_limit: usize) -> Self {
        Self {
            next_id,
            newest_id: next_id - 1,
            held: BTreeMap::new(),
            hold_limit: hold_limit.max(1),
            counters: Counters::default(),
        }
    }

    /// Offers one trade, live or fetched.
    #[inline]
    pub fn offer(&mut self, trade: &Trade) -> Offered {
        if trade.id == self.next_id {
            self.next_id += 1;
            self.newest_id = self.newest_id.max(trade.id);
            return Offered::Next;
        }
        self.offer_out_of_order(trade)
    }

    #[cold]
    fn offer_out_of_order(&mut self, trade: &Trade) -> Offered {
        if trade.id < self.next_id || self.held.contains_key(&trade.id) {
            self.counters.duplicates += 1;
            return Offered::Duplicate;
        }
        self.newest_id = self.newest_id.max(trade.id);
        self.counters.held += 1;
        if self.held.len() < self.hold_limit {
            self.held.insert(trade.id, *trade);
            return Offered::Held;
        }
        let dropped = self.held.len();
        self.counters.hold_dropped += dropped as u64;
        self.held.clear();
        self.held.insert(trade.id, *trade);
        Offered::Dropped(dropped)
    }

    /// The held trade whose turn it is now.
    pub fn pop_held(&mut self) -> Option<Trade> {
        let (&id, _) = self.held.first_key_value()?;
        if id > self.next_id {
            return None;
        }
        let (_, trade) = self.held.pop_first()?;
        if id == self.next_id {
            self.next_id += 1;
            return Some(trade);
        }
        // It was taken by request meanwhile.
        self.counters.duplicates += 1;
        self.pop_held()
    }

    /// Whether the trade `id` was taken, or is held.
    #[must_use]
    pub fn has(&self, id: i64) -> bool {
        id < self.next_id || self.held.contains_key(&id)
    }

    /// Learns that the exchange has the trade `id`.
    pub fn known(&mut self, id: i64) {
        self.newest_id = self.newest_id.max(id);
    }

    /// The ids that have to be fetched before the tape can go on.
    #[must_use]
    pub fn missing(&self) -> Option<Missing> {
        let last = match self.held.first_key_value() {
            Some((&first_held, _)) => first_held - 1,
            None => self.newest_id,
        };
        (last >= self.next_id).then_some(Missing {
            first: self.next_id,
            last,
        })
    }

    /// Goes on with `next_id`: the ids before it are proven absent.
    pub fn skip_to(&mut self, next_id: i64) {
        self.next_id = self.next_id.max(next_id);
        self.newest_id = self.newest_id.max(self.next_id - 1);
    }

    /// Gives up what is held above `latest_id`, the newest trade that the exchange has
    /// although it had time enough: those ids are not real, or not yet. Whatever is
    /// real will come again. Returns how many trades were given up.
    pub fn drop_unconfirmed(&mut self, latest_id: i64) -> usize {
        let dropped = self.held.split_off(&(latest_id + 1)).len();
        self.counters.unconfirmed += dropped as u64;
        let newest_held = self.held.last_key_value().map_or(i64::MIN, |(&id, _)| id);
        self.newest_id = latest_id.max(newest_held).max(self.next_id - 1);
        dropped
    }

    /// The id that the tape goes on with.
    #[must_use]
    pub fn next_id(&self) -> i64 {
        self.next_id
    }

    /// The highest id that is known to exist.
    #[must_use]
    pub fn newest_id(&self) -> i64 {
        self.newest_id
    }

    /// How many trades are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::price::{Price, Quantity};

    fn trade(id: i64) -> Trade {
        Trade {
            id,
            price: Price(1),
            quantity: Quantity(1),
            first_trade_id: id,
            last_trade_id: id,
            time_us: 1,
            buyer_is_maker: false,
        }
    }

    fn taken(sequence: &mut Sequence, id: i64) -> Vec<i64> {
        let mut ids = Vec::new();
        if sequence.offer(&trade(id)) == Offered::Next {
            ids.push(id);
            while let Some(trade) = sequence.pop_held() {
                ids.push(trade.id);
            }
        }
        ids
    }

    #[test]
    fn swapped_neighbours_heal_without_a_request() {
        let mut sequence = Sequence::new(5, 10);
        assert!(taken(&mut sequence, 6).is_empty());
        assert_eq!(sequence.missing(), Some(Missing { first: 5, last: 5 }));
        assert_eq!(taken(&mut sequence, 5), [5, 6]);
        assert_eq!(sequence.missing(), None);
    }

    #[test]
    fn at_the_bound_the_held_are_dropped_and_can_be_fetched_again() {
        let mut sequence = Sequence::new(1, 2);
        assert_eq!(sequence.offer(&trade(3)), Offered::Held);
        assert_eq!(sequence.offer(&trade(4)), Offered::Held);
        assert_eq!(sequence.offer(&trade(5)), Offered::Dropped(2));
        assert_eq!(sequence.missing(), Some(Missing { first: 1, last: 4 }));
        assert_eq!(sequence.counters().hold_dropped, 2);
        for id in 1..=3 {
            assert_eq!(taken(&mut sequence, id), [id]);
        }
        assert_eq!(taken(&mut sequence, 4), [4, 5]);
    }

    #[test]
    fn an_id_that_the_exchange_never_reaches_is_given_up() {
        let mut sequence = Sequence::new(10, 100);
        assert_eq!(sequence.offer(&trade(1_000_000)), Offered::Held);
        assert_eq!(taken(&mut sequence, 10), [10]);
        assert_eq!(sequence.drop_unconfirmed(10), 1);
        assert_eq!(sequence.missing(), None);
        assert_eq!(taken(&mut sequence, 11), [11]);
    }

    #[test]
    fn what_the_exchange_is_known_to_have_is_missing_until_it_came() {
        let mut sequence = Sequence::new(10, 100);
        sequence.known(12);
        assert_eq!(
            sequence.missing(),
            Some(Missing {
                first: 10,
                last: 12
            })
        );
        sequence.offer(&trade(12));
        assert_eq!(
            sequence.missing(),
            Some(Missing {
                first: 10,
                last: 11
            })
        );
    }

    #[test]
    fn a_gap_that_is_skipped_releases_what_was_held_behind_it() {
        let mut sequence = Sequence::new(10, 100);
        sequence.offer(&trade(15));
        sequence.skip_to(15);
        assert_eq!(sequence.pop_held().map(|trade| trade.id), Some(15));
        assert_eq!(sequence.missing(), None);
    }

    proptest! {
        #[test]
        fn any_order_with_refetches_gives_each_id_once_and_in_order(
            mut order in Just((0i64..60).collect::<Vec<_>>()).prop_shuffle(),
            repeats in proptest::collection::vec(0i64..60, 0..40),
            hold_limit in 1usize..70,
        ) {
            order.extend(repeats);
            let mut sequence = Sequence::new(0, hold_limit);
            let mut tape = Vec::new();
            for id in order {
                tape.extend(taken(&mut sequence, id));
                prop_assert!(sequence.held() <= hold_limit);
            }
            while let Some(missing) = sequence.missing() {
                for id in missing.first..=missing.last {
                    tape.extend(taken(&mut sequence, id));
                }
            }
            prop_assert_eq!(tape, (0..60).collect::<Vec<_>>());
        }
    }
}
