//! Random tapes for property tests.

use std::ops::{Range, RangeInclusive};

use proptest::prelude::*;

use super::{
    price::{Price, Quantity},
    trade::Trade,
};

/// A day, in µs.
pub const DAY_US: i64 = 86_400_000_000;

/// Tapes of so many trades: prices that walk and jump, times that stand still, run, cross
/// days and sometimes go back, quantities (in 1e-8) from `quantities`.
pub fn tapes(
    quantities: RangeInclusive<i64>,
    trades: Range<usize>,
) -> impl Strategy<Value = Vec<Trade>> {
    let step = (-40i64..=40, 0usize..8, quantities, 0i64..3, any::<bool>());
    (
        1i64..1000,
        900i64..100_000_000,
        proptest::collection::vec(step, trades),
    )
        .prop_map(|(first_id, start, steps)| {
            let mut price = start;
            let mut time_us = 20_000 * DAY_US;
            let mut fill = 10;
            let mut tape = Vec::new();
            for (id, (delta, kind, quantity, fills, buyer_is_maker)) in (first_id..).zip(steps) {
                let jump = if kind == 7 {
                    start / 50
                } else {
                    start / 2000 + 1
                };
                price = (price + delta * jump / 10).max(1);
                time_us += match kind {
                    0..=2 => 0,
                    3 | 4 => 1,
                    5 => DAY_US / 7,
                    6 => -3,
                    _ => 1_000_000,
                };
                tape.push(Trade {
                    id,
                    price: Price(price),
                    quantity: Quantity(quantity),
                    first_trade_id: fill,
                    last_trade_id: fill + fills,
                    time_us,
                    buyer_is_maker,
                });
                fill += fills + 1;
            }
            tape
        })
}
