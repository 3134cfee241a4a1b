//! Rows to put in.

use streamkit::domain::{
    anchor::Anchor,
    bar::{Bar, ClosedBy},
    breaker::BreakerState,
    features::Features,
    price::{Price, Quantity},
    row::{BarRow, EventRow, GapRow, GapState, HealthRow, Rows, Series, StreamState, TradeRow},
    sums::{Side, Sums},
    threshold::Threshold,
    trade::Trade,
};
use streamkit::store::sink::Batch;

/// Noon of 2025-09-01 and a bit, in µs.
pub const START_US: i64 = 1_756_728_000_123_456;

/// How many trades each of the bars here has.
pub const TRADES: i64 = 10;

pub fn series(exchange: &str, symbol: &str, dbps: u32, anchor: Anchor) -> Series {
    Series {
        exchange: exchange.into(),
        symbol: symbol.parse().expect("a symbol"),
        threshold: Threshold::new(dbps).expect("a threshold"),
        anchor,
    }
}

pub fn btc() -> Series {
    series("sim", "BTCUSDT", 250, Anchor::Day)
}

/// The bar that starts with `first_id`, a second after the one before.
pub fn bar(series: &Series, first_id: i64, version: u64) -> BarRow {
    let price = |offset: i64| Price(6_000_000_000_000 + first_id + offset);
    let side = |share: i128| Side {
        volume: share * (100_000_000 + i128::from(first_id)),
        turnover: share * 6_000_000_000_000 * (100_000_000 + i128::from(first_id)),
        trade_count: 7,
    };
    let mut bar = Bar {
        threshold: series.threshold,
        first_agg_trade_id: first_id,
        last_agg_trade_id: first_id + TRADES - 1,
        first_trade_id: 2 * first_id,
        last_trade_id: 2 * first_id + 13,
        open_time_us: START_US + first_id * 100_000,
        close_time_us: START_US + first_id * 100_000 + 999_999,
        open: price(0),
        high: price(7),
        low: price(-3),
        close: price(7),
        vwap: price(1),
        sums: Sums::of_sides(side(2), side(3), TRADES.unsigned_abs()),
        features: Features::default(),
        closed_by: ClosedBy::Breach,
    };
    bar.features = Features::of(&bar);
    BarRow {
        exchange: series.exchange.clone(),
        symbol: series.symbol.clone(),
        anchor: series.anchor,
        bar,
        version,
        is_deleted: false,
    }
}

/// So many bars in a row, from the id 0 on.
pub fn bars(series: &Series, count: i64, version: u64) -> Vec<BarRow> {
    (0..count)
        .map(|number| bar(series, number * TRADES, version))
        .collect()
}

pub fn gap(symbol: &str, first_id: i64, last_id: i64, state: GapState, version: u64) -> GapRow {
    GapRow {
        exchange: "sim".into(),
        symbol: symbol.parse().expect("a symbol"),
        first_id,
        last_id,
        found_at_us: START_US,
        cause: "the stream's \"reconnect\"; it's a \\ test\n".to_owned(),
        state,
        proof: String::new(),
        version,
    }
}

pub fn event(code: &str) -> EventRow {
    EventRow {
        time_us: START_US,
        collector: "here".to_owned(),
        symbol: "BTCUSDT".to_owned(),
        code: code.to_owned(),
        text: "it's – ok?".to_owned(),
    }
}

pub fn trade(id: i64, version: u64) -> TradeRow {
    TradeRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        trade: Trade {
            id,
            price: Price(i64::MAX),
            quantity: Quantity(1),
            first_trade_id: id,
            last_trade_id: id,
            time_us: START_US,
            buyer_is_maker: true,
        },
        version,
    }
}

/// Health with a heartbeat so many µs after 1970.
pub fn health(collector: &str, symbol: &str, heartbeat_at_us: i64) -> HealthRow {
    let newest_bars = [(250, START_US), (1_000, START_US - 1)];
    HealthRow {
        collector: collector.to_owned(),
        exchange: "sim".into(),
        symbol: symbol.parse().expect("a symbol"),
        state: StreamState::Live,
        last_agg_trade_id: Some(7),
        last_trade_time_us: Some(START_US),
        received_at_us: Some(START_US + 1),
        newest_bars: newest_bars
            .map(|(dbps, close_us)| (Threshold::new(dbps).expect("a threshold"), close_us))
            .into(),
        spool_rows: 5,
        breaker: BreakerState::Closed,
        interval_us: 10_000_000,
        heartbeat_at_us,
    }
}

pub fn batch(rows: Rows, token: &str) -> Batch {
    Batch {
        rows,
        token: token.to_owned(),
    }
}

/// The rows with every float as its bits: `==` takes the two zeros for one.
pub fn exactly(rows: &[BarRow]) -> Vec<String> {
    rows.iter()
        .map(|row| {
            let f = &row.bar.features;
            let bits = [
                f.ofi,
                f.vwap_close_deviation,
                f.price_impact,
                f.kyle_lambda_proxy,
                f.trade_intensity,
                f.volume_per_trade,
                f.aggression_ratio,
                f.aggregation_density,
                f.turnover_imbalance,
            ]
            .map(f64::to_bits);
            format!("{row:?} {bits:x?}")
        })
        .collect()
}
