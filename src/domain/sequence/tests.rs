use proptest::prelude::*;

use super::*;
use crate::domain::price::{Price, Quantity};

/// The true trade `id`. Its individual ids follow those of the one before.
fn trade(id: i64) -> Trade {
    Trade {
        id,
        price: Price(1000 + id),
        quantity: Quantity(1),
        first_trade_id: id,
        last_trade_id: id,
        time_us: 1 + id.max(0),
        buyer_is_maker: false,
    }
}

/// The same, but with a hole before its individual ids.
fn loose(id: i64) -> Trade {
    Trade {
        first_trade_id: 2 * id,
        last_trade_id: 2 * id,
        ..trade(id)
    }
}

/// A trade under the id of another one.
fn mislabelled(trade: Trade, ahead: i64) -> Trade {
    Trade {
        id: trade.id + ahead,
        ..trade
    }
}

fn sequence(next_id: i64, hold_limit: usize) -> Sequence {
    Sequence::new(next_id, Some(next_id - 1), hold_limit)
}

fn popped(sequence: &mut Sequence, tape: &mut Vec<Trade>) {
    while let Some(trade) = sequence.pop_held() {
        tape.push(trade);
    }
}

fn live(sequence: &mut Sequence, trade: Trade) -> Vec<Trade> {
    let mut tape = Vec::new();
    if sequence.offer_live(&trade) == Offered::Next {
        tape.push(trade);
    }
    popped(sequence, &mut tape);
    tape
}

fn fetched(sequence: &mut Sequence, page: &[Trade]) -> Vec<Trade> {
    let mut tape = Vec::new();
    for trade in page {
        if sequence.offer_fetched(trade) == Offered::Next {
            tape.push(*trade);
        }
    }
    popped(sequence, &mut tape);
    tape
}

fn ids(tape: &[Trade]) -> Vec<i64> {
    tape.iter().map(|trade| trade.id).collect()
}

#[test]
fn swapped_neighbours_heal_without_a_request() {
    let mut sequence = sequence(5, 10);
    assert!(live(&mut sequence, trade(6)).is_empty());
    assert_eq!(sequence.missing(), Some(Missing { first: 5, last: 5 }));
    assert_eq!(ids(&live(&mut sequence, trade(5))), [5, 6]);
    assert_eq!(sequence.wanted(), None);
}

#[test]
fn a_swapped_neighbour_that_nothing_vouches_for_is_fetched() {
    let mut sequence = Sequence::new(5, Some(9), 10);
    assert!(live(&mut sequence, loose(6)).is_empty());
    assert_eq!(ids(&live(&mut sequence, loose(5))), [5]);
    assert_eq!(sequence.missing(), None);
    assert_eq!(sequence.wanted(), Some(Missing { first: 6, last: 6 }));
    live(&mut sequence, loose(7));
    live(&mut sequence, loose(8));
    let page = [loose(6), loose(7)];
    assert_eq!(ids(&fetched(&mut sequence, &page)), [6, 7, 8]);
    assert!(sequence.is_joined());
    assert_eq!(sequence.counters().disputed, 0);
}

#[test]
fn at_the_bound_the_held_are_dropped_and_can_be_fetched_again() {
    let mut sequence = sequence(1, 2);
    assert_eq!(sequence.offer_live(&trade(3)), Offered::Held);
    assert_eq!(sequence.offer_live(&trade(4)), Offered::Held);
    assert_eq!(sequence.offer_live(&trade(5)), Offered::Dropped(2));
    assert_eq!(sequence.missing(), Some(Missing { first: 1, last: 4 }));
    assert_eq!(sequence.counters().hold_dropped, 2);
    let page: Vec<Trade> = (1..=4).map(trade).collect();
    assert_eq!(ids(&fetched(&mut sequence, &page)), [1, 2, 3, 4, 5]);
}

#[test]
fn an_id_that_the_exchange_never_reaches_is_given_up() {
    let mut sequence = sequence(10, 100);
    assert_eq!(sequence.offer_live(&trade(1_000_000)), Offered::Held);
    assert_eq!(ids(&live(&mut sequence, trade(10))), [10]);
    assert_eq!(sequence.drop_unconfirmed(10), 1);
    assert_eq!(sequence.wanted(), None);
    assert_eq!(ids(&live(&mut sequence, trade(11))), [11]);
}

#[test]
fn what_the_exchange_is_known_to_have_is_missing_until_it_came() {
    let mut sequence = sequence(10, 100);
    sequence.known(12);
    let (first, last) = (10, 12);
    assert_eq!(sequence.missing(), Some(Missing { first, last }));
    sequence.offer_live(&trade(12));
    assert_eq!(sequence.missing(), Some(Missing { first, last: 11 }));
    assert_eq!(sequence.wanted(), Some(Missing { first, last: 12 }));
}

#[test]
fn a_gap_that_is_skipped_releases_what_the_exchange_has_behind_it() {
    let mut sequence = sequence(10, 100);
    sequence.offer_live(&trade(13));
    sequence.offer_live(&trade(15));
    assert_eq!(sequence.offer_fetched(&trade(15)), Offered::Held);
    assert_eq!(sequence.skip_to(15), 1, "13 is not at the exchange");
    assert_eq!(sequence.pop_held().map(|trade| trade.id), Some(15));
    assert_eq!(sequence.wanted(), None);
}

#[test]
fn what_came_live_under_a_wrong_id_yields_to_what_is_fetched() {
    let mut sequence = sequence(10, 100);
    live(&mut sequence, trade(10));
    // 11 arrives as 61, and 12 and 13 as themselves.
    live(&mut sequence, mislabelled(trade(11), 50));
    live(&mut sequence, trade(12));
    live(&mut sequence, trade(13));
    assert_eq!(ids(&fetched(&mut sequence, &[trade(11)])), [11, 12, 13]);
    let mut tape = Vec::new();
    for id in 14..=60 {
        tape.extend(live(&mut sequence, trade(id)));
    }
    assert_eq!(tape.len(), 47);
    assert_eq!(
        sequence.wanted(),
        Some(Missing {
            first: 61,
            last: 61
        })
    );
    assert_eq!(fetched(&mut sequence, &[trade(61)]), [trade(61)]);
    assert_eq!(sequence.counters().disputed, 1);
    assert_eq!(live(&mut sequence, trade(61)), []);
    assert_eq!(live(&mut sequence, trade(62)), [trade(62)]);
}

#[test]
fn of_two_live_trades_under_one_id_the_one_that_goes_on_with_the_tape_is_taken() {
    let mut sequence = sequence(10, 100);
    live(&mut sequence, trade(10));
    live(&mut sequence, mislabelled(trade(10), 2));
    assert_eq!(live(&mut sequence, trade(11)), [trade(11)]);
    assert_eq!(live(&mut sequence, trade(12)), [trade(12)]);
    assert_eq!(sequence.counters().disputed, 1);
}

#[test]
fn a_stream_behind_history_joins_only_with_the_same_trades() {
    let mut sequence = sequence(10, 100);
    fetched(&mut sequence, &[loose(10), loose(11), loose(12)]);
    // Far behind, the stream brings 10 under the id of 13.
    assert_eq!(live(&mut sequence, mislabelled(loose(10), 3)), []);
    assert_eq!(
        sequence.wanted(),
        Some(Missing {
            first: 13,
            last: 13
        })
    );
    live(&mut sequence, loose(11));
    assert!(!sequence.is_joined());
    live(&mut sequence, loose(12));
    assert!(sequence.is_joined());
    assert_eq!(live(&mut sequence, loose(13)), [loose(13)]);
}

#[test]
fn a_copy_of_the_last_trade_with_other_content_joins_nothing() {
    let mut sequence = sequence(10, 100);
    fetched(&mut sequence, &[loose(10)]);
    live(&mut sequence, mislabelled(loose(9), 1));
    assert!(!sequence.is_joined());
    assert_eq!(sequence.counters().disputed, 1);
    assert_eq!(sequence.counters().duplicates, 0);
}

#[test]
fn fetched_and_live_repetitions_are_counted_apart() {
    let mut sequence = sequence(1, 10);
    fetched(&mut sequence, &[trade(1), trade(2)]);
    fetched(&mut sequence, &[trade(2)]);
    live(&mut sequence, trade(1));
    let counters = sequence.counters();
    assert_eq!((counters.duplicates, counters.overlapping), (1, 1));
}

const LENGTH: i64 = 80;

/// What a stream and a history do, one after the other.
#[derive(Debug, Clone)]
enum Step {
    /// The stream brings its next trade, as it is.
    Send,
    /// Twice.
    Twice,
    /// Under an id that lies so far ahead; then perhaps also as it is.
    Mislabel(i64, bool),
    /// It loses it.
    Lose,
    /// It brings the one after it first.
    Swap,
    /// A page is fetched: so many trades, of those that are so far behind the stream.
    Fetch(usize, i64),
    /// A new connection.
    Reconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => Just(Step::Send),
        2 => Just(Step::Twice),
        3 => (1i64..8, any::<bool>()).prop_map(|(ahead, also)| Step::Mislabel(ahead, also)),
        2 => Just(Step::Lose),
        2 => Just(Step::Swap),
        6 => (1usize..12, -6i64..4).prop_map(|(count, behind)| Step::Fetch(count, behind)),
        1 => Just(Step::Reconnect),
    ];
    proptest::collection::vec(step, 20..160)
}

proptest! {
    #[test]
    fn any_order_with_refetches_gives_each_id_once_and_in_order(
        mut order in Just((0i64..60).collect::<Vec<_>>()).prop_shuffle(),
        repeats in proptest::collection::vec(0i64..60, 0..40),
        hold_limit in 1usize..70,
    ) {
        order.extend(repeats);
        let mut sequence = sequence(0, hold_limit);
        let mut tape = Vec::new();
        for id in order {
            tape.extend(live(&mut sequence, trade(id)));
            prop_assert!(sequence.held() <= hold_limit);
        }
        while let Some(wanted) = sequence.wanted() {
            let page: Vec<Trade> = (wanted.first..=wanted.last).map(trade).collect();
            tape.extend(fetched(&mut sequence, &page));
        }
        prop_assert_eq!(ids(&tape), (0..60).collect::<Vec<_>>());
    }

    /// Whatever the stream does, what comes out is the tape.
    #[test]
    fn no_trade_enters_the_tape_under_the_id_of_another(
        steps in steps(),
        holes in proptest::collection::vec(any::<bool>(), LENGTH as usize),
        hold_limit in 3usize..70,
    ) {
        let mut fill = 0;
        let truth: Vec<Trade> = holes.iter().zip(0..).map(|(&hole, id)| {
            fill += 1 + i64::from(hole);
            Trade { first_trade_id: fill, last_trade_id: fill, ..trade(id) }
        }).collect();
        let (mut sequence, mut tape) = (Sequence::new(0, None, hold_limit), Vec::new());
        let mut at = 0usize;
        for step in steps {
            let Some(&trade) = truth.get(at) else { break };
            match step {
                Step::Send => tape.extend(live(&mut sequence, trade)),
                Step::Twice => {
                    tape.extend(live(&mut sequence, trade));
                    tape.extend(live(&mut sequence, trade));
                }
                Step::Mislabel(ahead, also) => {
                    tape.extend(live(&mut sequence, mislabelled(trade, ahead)));
                    if also {
                        tape.extend(live(&mut sequence, trade));
                    }
                }
                Step::Lose => {}
                Step::Swap => {
                    if let Some(&after) = truth.get(at + 1) {
                        tape.extend(live(&mut sequence, after));
                        tape.extend(live(&mut sequence, trade));
                        at += 1;
                    }
                }
                Step::Fetch(count, behind) => {
                    let end = (at as i64 - behind).clamp(0, LENGTH) as usize;
                    let from = sequence.next_id().clamp(0, LENGTH) as usize;
                    let to = end.min(from + count);
                    if from < to {
                        tape.extend(fetched(&mut sequence, &truth[from..to]));
                    }
                    continue;
                }
                Step::Reconnect => {
                    sequence.disconnected();
                    continue;
                }
            }
            at += 1;
        }
        // In the end the exchange has the whole tape; beyond it there is nothing real.
        sequence.drop_unconfirmed(LENGTH - 1);
        while let Some(wanted) = sequence.wanted() {
            let (first, last) = (wanted.first as usize, wanted.last as usize);
            tape.extend(fetched(&mut sequence, &truth[first..=last]));
        }
        prop_assert_eq!(&tape[..], &truth[..]);
    }
}
