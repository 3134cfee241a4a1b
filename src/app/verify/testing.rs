//! A tape whose bars are checked.

use crate::domain::{
    price::{Price, Quantity},
    threshold::Threshold,
    trade::Trade,
};

pub(crate) const DAY_US: i64 = 86_400_000_000;

pub(crate) fn dbps(value: u32) -> Threshold {
    Threshold::new(value).expect("a valid threshold")
}

/// A hundred trades a day from day 20000 on, with prices that swing; the fifth day has begun.
pub(crate) fn tape() -> Vec<Trade> {
    (1..=450)
        .map(|id| Trade {
            id,
            price: Price(1_000_000 + (id % 20) * 1_000),
            quantity: Quantity(10_000_000 + id % 7),
            first_trade_id: id * 2,
            last_trade_id: id * 2 + id % 2,
            time_us: (20_000 + (id - 1) / 100) * DAY_US + (id - 1) % 100,
            buyer_is_maker: id % 3 == 0,
        })
        .collect()
}
