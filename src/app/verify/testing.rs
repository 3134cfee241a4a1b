//! A tape whose bars are checked.

use crate::domain::{
    anchor::Anchor,
    ladder::{Ladder, Rules},
    price::{Price, Quantity},
    row::BarRow,
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

/// The bars of these trades, as a store holds them: all but the forming one.
pub(crate) fn rows(trades: &[Trade], threshold: u32) -> Vec<BarRow> {
    let mut ladder = Ladder::new(Rules {
        anchor: Anchor::Day,
        gate: true,
    });
    let mut bars = Vec::new();
    ladder.start(dbps(threshold), trades[0].id);
    for trade in trades {
        ladder.push(trade, &mut bars).expect("in order");
    }
    let row = |bar| BarRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        anchor: Anchor::Day,
        bar,
        version: 1,
        is_deleted: false,
    };
    bars.into_iter().map(row).collect()
}
