use proptest::prelude::*;

use super::*;
use crate::domain::{
    anchor::Anchor,
    bar::{Bar, ClosedBy},
    features::Features,
    price::{Price, Quantity},
    row::{BarRow, EventRow, TradeRow},
    sums::{Side, Sums},
    threshold::Threshold,
    trade::Trade,
};

fn events() -> Rows {
    Rows::Events(vec![EventRow {
        time_us: 1,
        collector: "here".to_owned(),
        symbol: String::new(),
        code: "started".to_owned(),
        text: "it started".to_owned(),
    }])
}

fn trade(number: i64) -> TradeRow {
    TradeRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        trade: Trade {
            id: number,
            price: Price(number + 1),
            quantity: Quantity(i64::MAX - number),
            first_trade_id: number + 2,
            last_trade_id: number + 3,
            time_us: number + 4,
            buyer_is_maker: number % 2 == 0,
        },
        version: u64::MAX - 7,
    }
}

fn side() -> impl Strategy<Value = Side> {
    any::<(i128, i128, u64)>().prop_map(|(volume, turnover, trade_count)| Side {
        volume,
        turnover,
        trade_count,
    })
}

fn bar() -> impl Strategy<Value = BarRow> {
    let names = (0..3_usize, 0..3_usize, 0..3_usize, 1..=100_000_u32);
    let numbers = (any::<[i64; 11]>(), side(), side(), any::<u64>());
    let others = (any::<[u64; 9]>(), 0..3_usize, any::<u64>(), any::<bool>());
    (names, numbers, others).prop_map(|(names, numbers, others)| {
        let (n, buy, sell, agg_trade_count) = numbers;
        let f = others.0.map(f64::from_bits);
        BarRow {
            exchange: ["sim", "binance", ""][names.0].into(),
            symbol: ["BTCUSDT", "ETHUSDT", "A-B_1"][names.1]
                .parse()
                .expect("a symbol"),
            anchor: [Anchor::Day, Anchor::Month, Anchor::None][names.2],
            bar: Bar {
                threshold: Threshold::new(names.3).expect("a threshold"),
                first_agg_trade_id: n[0],
                last_agg_trade_id: n[1],
                first_trade_id: n[2],
                last_trade_id: n[3],
                open_time_us: n[4],
                close_time_us: n[5],
                open: Price(n[6]),
                high: Price(n[7]),
                low: Price(n[8]),
                close: Price(n[9]),
                vwap: Price(n[10]),
                sums: Sums::of_sides(buy, sell, agg_trade_count),
                features: Features {
                    ofi: f[0],
                    vwap_close_deviation: f[1],
                    price_impact: f[2],
                    kyle_lambda_proxy: f[3],
                    trade_intensity: f[4],
                    volume_per_trade: f[5],
                    aggression_ratio: f[6],
                    aggregation_density: f[7],
                    turnover_imbalance: f[8],
                },
                closed_by: [ClosedBy::Breach, ClosedBy::Anchor, ClosedBy::Gap][others.1],
            },
            version: others.2,
            is_deleted: others.3,
        }
    })
}

proptest! {
    /// Postcard, which older journals have, is the reference: floats are compared by their
    /// bits, because there are values that are not equal to themselves.
    #[test]
    fn bars_of_many_series_come_back_bit_for_bit(rows in prop::collection::vec(bar(), 0..20)) {
        let rows = Rows::Bars(rows);
        let chunk = encode(&rows).expect("encoded");
        let back = decode(&chunk.payload, chunk.crc32).expect("decoded");
        let bytes = |rows: &Rows| postcard::to_allocvec(rows).expect("bytes");
        prop_assert_eq!(bytes(&back), bytes(&rows));
    }
}

#[test]
fn rows_come_back_and_every_flipped_bit_is_noticed() {
    for rows in [events(), Rows::Trades((1..4).map(trade).collect())] {
        let chunk = encode(&rows).expect("encoded");
        assert_eq!(decode(&chunk.payload, chunk.crc32), Ok(rows));
        for bit in 0..chunk.payload.len() * 8 {
            let mut damaged = chunk.payload.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged, chunk.crc32).is_err(), "bit {bit}");
        }
        assert!(decode(&chunk.payload[..chunk.payload.len() - 1], chunk.crc32).is_err());
    }
}

/// What has the right checksum and is still no row, as after a mistake in a program.
#[test]
fn records_that_are_no_rows_are_refused() {
    let whole = encode(&Rows::Trades(vec![trade(1)]))
        .expect("encoded")
        .payload;
    let read = |payload: &[u8]| decode(payload, crc32fast::hash(payload));
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length} bytes");
    }
    let mut neither = whole.clone();
    let maker = neither.len() - 9;
    neither[maker] = 2;
    assert_eq!(read(&neither), Err("2 is neither yes nor no".to_owned()));
    let mut nameless = whole.clone();
    let record = nameless.len() - 59;
    nameless[record] = 1;
    assert_eq!(read(&nameless), Err("a row has the name 1 of 1".to_owned()));
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(
        read(&longer),
        Err("1 rows of 59 bytes are not 60".to_owned())
    );
}

#[test]
fn chunks_are_joined_and_only_with_their_own_kind() {
    let chunk = |rows: &Rows| encode(rows).expect("encoded");
    let two = chunk(&Rows::Trades(vec![trade(1), trade(2)]));
    let one = chunk(&Rows::Trades(vec![trade(3)]));
    let other = chunk(&events());
    let mut rows = None;
    decode_onto(&mut rows, &two.payload, two.crc32).expect("decoded");
    decode_onto(&mut rows, &one.payload, one.crc32).expect("decoded");
    assert_eq!(rows, Some(Rows::Trades((1..4).map(trade).collect())));
    assert!(decode_onto(&mut rows, &other.payload, other.crc32).is_err());
    let mut rows = Some(events());
    assert!(decode_onto(&mut rows, &two.payload, two.crc32).is_err());
}

/// Every chunk of an older journal is like that.
#[test]
fn bars_and_trades_in_postcard_are_read() {
    let rows = Rows::Trades(vec![trade(1)]);
    let payload = postcard::to_extend(&rows, vec![POSTCARD]).expect("encoded");
    assert_eq!(decode(&payload, crc32fast::hash(&payload)), Ok(rows));
}

#[test]
fn another_format_is_named() {
    let mut chunk = encode(&events()).expect("encoded");
    chunk.payload[0] = 9;
    let error = decode(&chunk.payload, crc32fast::hash(&chunk.payload));
    assert_eq!(
        error,
        Err("its format is 9, this build knows 1 to 3".to_owned())
    );
}
