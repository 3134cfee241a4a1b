//! Whatever is altered in a stored bar, `verify` sees it.

use streamkit::{
    app::verify::{Verified, VerifyRequest, verify},
    domain::{
        anchor::Anchor,
        bar::Bar,
        ladder::{Ladder, Rules},
        price::{Decimal, Price, Quantity},
        row::{BarRow, Rows, bar_column_names},
        threshold::Threshold,
        tiling::Finding,
        trade::Trade,
    },
};

use crate::{
    place::{BackDoor, Place},
    rows::START_US,
};

/// The threshold whose bar is altered.
const ALTERED: u32 = 500;

/// Four half days of trades with individual ids that leave nothing out.
fn bars() -> Vec<BarRow> {
    let mut ladder = Ladder::new(Rules {
        anchor: Anchor::Day,
        gate: true,
    });
    for dbps in [250, ALTERED, 1_500] {
        ladder.start(Threshold::new(dbps).expect("a threshold"), 1);
    }
    let mut bars = Vec::new();
    for id in 1..=400 {
        let trade = Trade {
            id,
            price: Price(6_000_000_000_000 + (id % 20) * 6_000_000_001),
            quantity: Quantity(10_000_000 + id % 7),
            first_trade_id: id * 2,
            last_trade_id: id * 2 + 1,
            time_us: START_US + id * 864_000_000,
            buyer_is_maker: id % 3 == 0,
        };
        ladder.push(&trade, &mut bars).expect("in order");
    }
    bars.into_iter()
        .map(|bar| BarRow {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            anchor: Anchor::Day,
            bar,
            version: 1,
            is_deleted: false,
        })
        .collect()
}

/// A bar with neighbours in its own day.
fn target(bars: &[BarRow]) -> Bar {
    let of_series: Vec<_> = bars
        .iter()
        .filter(|row| row.bar.threshold.dbps() == ALTERED)
        .collect();
    let place = of_series
        .windows(3)
        .position(|three| {
            let day = |row: &BarRow| Anchor::Day.period(row.bar.open_time_us);
            let counts = &three[1].bar.sums;
            day(three[0]) == day(three[2])
                && counts.buy_trade_count() > 0
                && counts.sell_trade_count() > 0
                && three[1].bar.vwap != three[1].bar.close
        })
        .expect("such a bar");
    of_series[place + 1].bar.clone()
}

/// What each column is altered to, as SQL of both stores. `None`: this store cannot hold it.
fn altered(column: &str, bar: &Bar, is_sqlite: bool) -> Option<String> {
    let sums = &bar.sums;
    let decimal = |units: i128, digits: usize| {
        let text = Decimal { units, digits }.to_string();
        Some(match (is_sqlite, digits) {
            (true, _) => format!("'{text}'"),
            (false, 8) => format!("toDecimal128('{text}', 8)"),
            (false, _) => format!("toDecimal128('{text}', 16)"),
        })
    };
    let price = |price: Price| decimal(i128::from(price.0) + 1, 8);
    let number = |value: i128| Some(value.to_string());
    let time = |time_us: i64| {
        Some(if is_sqlite {
            time_us.to_string()
        } else {
            format!("fromUnixTimestamp64Micro({time_us}, 'UTC')")
        })
    };
    if let Some((_, value)) = bar
        .features
        .columns()
        .iter()
        .find(|(name, _)| *name == column)
    {
        // The next float there is.
        return Some(format!("{:?}", f64::from_bits(value.to_bits() + 1)));
    }
    match column {
        "exchange" => Some("'other'".to_owned()),
        "symbol" => Some("'BTCUSDC'".to_owned()),
        "threshold_decimal_bps" => Some("501".to_owned()),
        "anchor" => Some("'month'".to_owned()),
        "first_agg_trade_id" => number(i128::from(bar.first_agg_trade_id) + 1),
        "last_agg_trade_id" => number(i128::from(bar.last_agg_trade_id) - 1),
        "first_trade_id" => number(i128::from(bar.first_trade_id) - 1),
        "last_trade_id" => number(i128::from(bar.last_trade_id) + 1),
        "open_time" => time(bar.open_time_us + 1),
        "close_time" => time(bar.close_time_us - 1),
        "open" => price(bar.open),
        "high" => price(bar.high),
        "low" => decimal(i128::from(bar.low.0) - 1, 8),
        "close" => price(bar.close),
        "vwap" => price(bar.vwap),
        "volume" => decimal(sums.volume() + 1, 8),
        "buy_volume" => decimal(sums.buy_volume() + 1, 8),
        "sell_volume" => decimal(sums.sell_volume() + 1, 8),
        "turnover" => decimal(sums.turnover() + 1, 16),
        "buy_turnover" => decimal(sums.buy_turnover() + 1, 16),
        "sell_turnover" => decimal(sums.sell_turnover() + 1, 16),
        "trade_count" => number(i128::from(sums.trade_count()) + 1),
        "buy_trade_count" => number(i128::from(sums.buy_trade_count()) + 1),
        "sell_trade_count" => number(i128::from(sums.sell_trade_count()) + 1),
        "agg_trade_count" => number(i128::from(sums.agg_trade_count()) + 1),
        "duration_us" => number(i128::from(bar.duration_us()) + 1),
        "closed_by" => Some("'anchor'".to_owned()),
        // Any version may be right but one that is none.
        "version" => is_sqlite.then(|| "-1".to_owned()),
        "is_deleted" => Some("1".to_owned()),
        other => panic!("{other} is not a column"),
    }
}

/// Alters a column of one bar. ClickHouse gets a higher version of the bar, and a tombstone
/// in its old place when its key or its partition is another.
async fn alter(place: &Place, column: &str, value: &str, bar: &Bar) {
    let is_it = format!(
        "threshold_decimal_bps = {ALTERED} AND first_agg_trade_id = {}",
        bar.first_agg_trade_id
    );
    match &place.back_door {
        BackDoor::Sqlite { .. } => {
            place
                .execute(&format!("UPDATE bars SET {column} = {value} WHERE {is_it}"))
                .await;
        }
        BackDoor::ClickHouse { .. } => {
            let key = [
                "exchange",
                "symbol",
                "threshold_decimal_bps",
                "anchor",
                "first_agg_trade_id",
            ];
            let copy = |change: &str| {
                format!(
                    "INSERT INTO bars SELECT * REPLACE ({change}, toUInt64(2) AS version) \
                     FROM bars_current WHERE {is_it}"
                )
            };
            place.execute(&copy(&format!("{value} AS {column}"))).await;
            if key.contains(&column) {
                place.execute(&copy("1 AS is_deleted")).await;
            }
        }
    }
}

async fn verified(place: &Place) -> Verified {
    let request = VerifyRequest {
        symbols: vec!["BTCUSDT".parse().expect("a symbol")],
        ..VerifyRequest::default()
    };
    verify(place.store.as_ref(), &request)
        .await
        .expect("a store that can be read")
}

fn findings(verified: &Verified) -> Vec<&Finding> {
    verified
        .series
        .iter()
        .flat_map(|report| &report.findings)
        .collect()
}

/// Alters every column in turn, and expects to be told.
async fn every_column_counts(place: Place) {
    let is_sqlite = matches!(place.back_door, BackDoor::Sqlite { .. });
    let rows = bars();
    let bar = target(&rows);
    for column in bar_column_names() {
        let Some(value) = altered(column, &bar, is_sqlite) else {
            continue;
        };
        place.execute("DELETE FROM bars WHERE version > -2").await;
        place
            .put(Rows::Bars(rows.clone()), &format!("{column} clean"))
            .await;
        let clean = verified(&place).await;
        assert_eq!(clean.damage(true), 0, "{column}: {clean:#?}");
        alter(&place, column, &value, &bar).await;
        let altered = verified(&place).await;
        assert!(altered.damage(false) > 0, "{column} = {value} stays unseen");
        // What follows from other columns is named with what is stored and what follows.
        let is_implied = ["volume", "turnover", "trade_count", "duration_us", "vwap"];
        let is_feature = bar
            .features
            .columns()
            .iter()
            .any(|(name, _)| *name == column);
        if is_implied.contains(&column) || is_feature {
            let found = findings(&altered);
            let named = found.iter().any(|finding| {
                matches!(finding, Finding::Figure { bar: ids, figure, stored, computed }
                    if *figure == column
                        && ids.first_id == bar.first_agg_trade_id
                        && stored != computed)
            });
            assert!(named, "{column}: {found:?}");
        }
    }
    place.leave().await;
}

#[tokio::test]
async fn every_column_counts_in_sqlite() {
    every_column_counts(Place::sqlite().await).await;
}

#[tokio::test]
async fn every_column_counts_in_clickhouse() {
    if let Some(place) = Place::clickhouse().await {
        every_column_counts(place).await;
    }
}

/// Values that no column of ours can hold, and that SQLite takes all the same.
const NO_VALUES: [(&str, &str, &str); 14] = [
    (
        "first_agg_trade_id",
        "'seven'",
        "'seven' is not a whole number",
    ),
    (
        "last_agg_trade_id",
        "x'00ff'",
        "a blob of 2 bytes is not a whole number",
    ),
    ("open_time", "12.5", "12.5 is not a whole number"),
    (
        "open",
        "'six'",
        "'six' is not a decimal with 8 digits after the point",
    ),
    (
        "high",
        "'1.5'",
        "'1.5' is not a decimal with 8 digits after the point",
    ),
    ("close", "'99999999999999.00000000'", "exceeds every price"),
    ("volume", "x'31'", "a blob of 1 bytes is not a decimal"),
    (
        "turnover",
        "'-'",
        "'-' is not a decimal with 16 digits after the point",
    ),
    ("trade_count", "-3", "-3 is negative"),
    ("ofi", "'NaN'", "'NaN' is not a number"),
    (
        "closed_by",
        "'manual'",
        "'manual' is not a cause of closing",
    ),
    ("version", "-1", "-1 is negative"),
    ("vwap", "NULL", "NULL is not a decimal"),
    ("turnover_imbalance", "NULL", "NULL is not a number"),
];

#[tokio::test]
async fn a_row_that_cannot_be_read_is_damage_and_the_others_are_still_checked() {
    let place = Place::sqlite().await;
    let rows = bars();
    let bar = target(&rows);
    place.put(Rows::Bars(rows.clone()), "bars").await;
    // A table as a careless copy of ours makes it: without constraints.
    place
        .execute(
            "CREATE TABLE copy AS SELECT * FROM bars; DROP VIEW bars_real; \
             DROP VIEW bars_current; DROP TABLE bars; ALTER TABLE copy RENAME TO bars; \
             CREATE VIEW bars_current AS SELECT * FROM bars WHERE is_deleted = 0",
        )
        .await;
    let is_it = format!(
        "threshold_decimal_bps = {ALTERED} AND last_trade_id = {}",
        bar.last_trade_id
    );
    place
        .execute(&format!(
            "CREATE TABLE kept AS SELECT * FROM bars WHERE {is_it}"
        ))
        .await;
    for (column, value, reason) in NO_VALUES {
        place
            .execute(&format!("UPDATE bars SET {column} = {value} WHERE {is_it}"))
            .await;
        let verified = verified(&place).await;
        assert_eq!(verified.series.len(), 3, "{column}");
        for report in &verified.series {
            let is_altered = report.series.threshold.dbps() == ALTERED;
            assert_eq!(
                report.damage(false) > 0,
                is_altered,
                "{column}: {report:#?}"
            );
        }
        let found = findings(&verified);
        let unreadable = found
            .iter()
            .find(|finding| finding.code() == "unreadable")
            .unwrap_or_else(|| panic!("{column} = {value}: {found:?}"));
        let text = unreadable.to_string();
        assert!(text.contains(column) && text.contains(reason), "{text}");
        let first_id = (column != "first_agg_trade_id").then_some(bar.first_agg_trade_id);
        assert_eq!(unreadable.ids().map(|ids| ids.first_id), first_id, "{text}");
        // Whoever wants to use the bars is told of the first one.
        let error = place
            .store
            .bars(
                &streamkit::store::sink::BarQuery::default(),
                &mut |_| Ok(()),
            )
            .await
            .expect_err("no bars");
        assert!(error.to_string().contains(column), "{error}");
        place
            .execute(&format!(
                "DELETE FROM bars WHERE {is_it}; INSERT INTO bars SELECT * FROM kept"
            ))
            .await;
    }
    assert_eq!(verified(&place).await.damage(false), 0);
}

#[tokio::test]
async fn series_and_gaps_that_cannot_be_read_are_damage_beside_the_others() {
    let place = Place::sqlite().await;
    place.put(Rows::Bars(bars()), "bars").await;
    place
        .execute(
            "INSERT INTO bars SELECT exchange, 'btcusdt', threshold_decimal_bps, anchor, \
             first_agg_trade_id, last_agg_trade_id, first_trade_id, last_trade_id, open_time, \
             close_time, open, high, low, close, vwap, volume, buy_volume, sell_volume, turnover, \
             buy_turnover, sell_turnover, trade_count, buy_trade_count, sell_trade_count, \
             agg_trade_count, duration_us, ofi, vwap_close_deviation, price_impact, \
             kyle_lambda_proxy, trade_intensity, volume_per_trade, aggression_ratio, \
             aggregation_density, turnover_imbalance, closed_by, version, is_deleted \
             FROM bars WHERE threshold_decimal_bps = 250; \
             UPDATE bars SET anchor = 'week' WHERE symbol = 'BTCUSDT' AND \
             threshold_decimal_bps = 1500; \
             INSERT INTO gaps VALUES ('sim', 'BTCUSDT', 'one', 2, 1, '', 'absent', '', 1)",
        )
        .await;
    let verified = verified(&place).await;
    let texts: Vec<_> = verified
        .unreadable
        .iter()
        .map(|row| (row.table.as_str(), row.column, row.key.as_str()))
        .collect();
    assert_eq!(
        texts,
        [
            ("gaps", "first_id", "('sim', 'BTCUSDT', 'one', 2)"),
            ("bars", "anchor", "(sim, BTCUSDT, 1500, week, any id)"),
            ("bars", "symbol", "(sim, btcusdt, 250, day, any id)"),
        ]
    );
    assert_eq!(verified.damage(false), 3, "{verified:#?}");
    assert_eq!(verified.series.len(), 2);
}

#[tokio::test]
async fn numbers_that_an_altered_enum_of_clickhouse_has_are_damage() {
    let Some(place) = Place::clickhouse().await else {
        return;
    };
    let rows = bars();
    let bar = target(&rows);
    place.put(Rows::Bars(rows), "bars").await;
    place
        .execute(
            "ALTER TABLE bars MODIFY COLUMN closed_by \
             Enum8('breach' = 1, 'anchor' = 2, 'gap' = 3, 'manual' = 9)",
        )
        .await;
    alter(&place, "closed_by", "'manual'", &bar).await;
    let verified = verified(&place).await;
    let found = findings(&verified);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].code(), "unreadable");
    assert!(found[0].to_string().contains("closed_by"), "{}", found[0]);
    assert_eq!(verified.series.len(), 3);
    place.leave().await;
}
