//! Rows of bars to write: a seeded walk with figures as wide as real ones.

use streamkit::domain::{
    anchor::Anchor,
    bar::{Bar, ClosedBy},
    features::Features,
    price::Price,
    row::BarRow,
    sums::{Side, Sums},
    threshold::Threshold,
};

/// 2025-09-01, in µs. A month has room for all rows, so that they share a partition.
const START_US: i64 = 1_756_684_800_000_000;

/// So many bars of one series, one a second.
#[must_use]
pub fn bars(count: usize) -> Vec<BarRow> {
    let threshold = Threshold::new(250).expect("a threshold");
    let symbol: streamkit::domain::symbol::Symbol = "BTCUSDT".parse().expect("a symbol");
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below) as i64
    };
    let (mut first_id, mut first_trade_id) = (3_409_781_234, 5_311_234_567);
    let mut open = 6_000_000_000_000;
    (0..count as i64)
        .map(|number| {
            let trades = 20 + random(400);
            let fills = trades + random(300);
            let close = open + (random(2) * 2 - 1) * 15_000_000_000;
            let mut side = || Side {
                volume: i128::from(random(90_000_000_000)),
                turnover: i128::from(random(90_000_000_000)) * 6_000_000_000_000,
                trade_count: 10 + random(200) as u64,
            };
            let sums = Sums::of_sides(side(), side(), trades as u64);
            let mut bar = Bar {
                threshold,
                first_agg_trade_id: first_id,
                last_agg_trade_id: first_id + trades - 1,
                first_trade_id,
                last_trade_id: first_trade_id + fills - 1,
                open_time_us: START_US + number * 1_000_000 + random(500_000),
                close_time_us: START_US + number * 1_000_000 + 500_000 + random(499_999),
                open: Price(open),
                high: Price(open.max(close)),
                low: Price(open.min(close)),
                close: Price(close),
                vwap: Price(i64::midpoint(open, close)),
                sums,
                features: Features::default(),
                closed_by: ClosedBy::Breach,
            };
            bar.features = Features::of(&bar);
            first_id += trades;
            first_trade_id += fills;
            open = close;
            BarRow {
                exchange: "binance".into(),
                symbol: symbol.clone(),
                anchor: Anchor::Day,
                bar,
                version: 1,
                is_deleted: false,
            }
        })
        .collect()
}
