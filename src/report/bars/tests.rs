use super::*;
use crate::{
    domain::{
        anchor::Anchor,
        ladder::{Ladder, Rules},
        price::Quantity,
        threshold::Threshold,
        trade::Trade,
    },
    report::printer::tests::Shared,
};

fn rows(thresholds: &[u32]) -> Vec<BarRow> {
    let trades = [
        (1, "60000.39", "0.5", 1_735_689_600_000_000, false),
        (2, "60100.00", "0.25000001", 1_735_689_600_080_015, true),
        (3, "60300.00", "2", 1_735_689_601_000_000, false),
        (4, "60300.00", "2", 1_735_689_602_000_000, false),
        (5, "59000.00", "0.00000001", 1_735_689_603_000_000, true),
    ];
    let mut rows = Vec::new();
    for &dbps in thresholds {
        let mut ladder = Ladder::new(Rules {
            anchor: Anchor::Day,
            gate: true,
        });
        ladder.start(Threshold::new(dbps).expect("a threshold"), 1);
        let mut bars = Vec::new();
        for (id, price, quantity, time_us, buyer_is_maker) in trades {
            let trade = Trade {
                id,
                price: Price::parse(price.as_bytes()).expect("a price"),
                quantity: Quantity::parse(quantity.as_bytes()).expect("a quantity"),
                first_trade_id: id * 10,
                last_trade_id: id * 10 + 1,
                time_us,
                buyer_is_maker,
            };
            ladder.push(&trade, &mut bars).expect("in order");
        }
        rows.extend(bars.into_iter().map(|bar| BarRow {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            anchor: Anchor::Day,
            bar,
            version: 7,
            is_deleted: false,
        }));
    }
    rows
}

fn printed(format: BarsFormat, rows: Vec<BarRow>) -> String {
    let out = Shared::default();
    let printer = Printer::to(out.clone(), std::io::sink());
    let mut reporter = BarsReporter::new(&printer, format);
    for row in rows {
        reporter.push(row).expect("printed");
    }
    reporter.finish().expect("printed");
    out.text()
}

#[test]
fn csv_has_every_column_exactly() {
    let text = printed(BarsFormat::Csv, rows(&[250]));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], columns().collect::<Vec<_>>().join(","));
    assert_eq!(
        lines[1],
        "sim,BTCUSDT,250,day,1,3,10,31,1735689600000000,1735689601000000,\
         60000.39000000,60300.00000000,60000.39000000,60300.00000000,60227.34363590,\
         2.75000001,2.50000000,0.25000001,\
         165625.1956010000000000,150600.1950000000000000,15025.0006010000000000,\
         6,4,2,3,1000000,\
         0.818181811570248,0.24250313440807328,108.94909051291262,0.0061031270456594,6.0,\
         0.45833333499999995,2.0,2.0,0.8185662447494276,breach"
    );
}

/// The order of the values is held to that of the names by what is known of a bar.
#[test]
fn each_value_stands_under_its_name() {
    let row = &rows(&[250])[0];
    let (bar, sums) = (&row.bar, &row.bar.sums);
    let mut line = String::new();
    push_json(row, &mut line);
    let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let volume = |units| Decimal { units, digits: 8 }.to_string();
    let turnover = |units| Decimal { units, digits: 16 }.to_string();
    for (name, expected) in [
        ("exchange", serde_json::json!("sim")),
        ("symbol", "BTCUSDT".into()),
        ("threshold_decimal_bps", 250.into()),
        ("anchor", "day".into()),
        ("first_agg_trade_id", bar.first_agg_trade_id.into()),
        ("last_agg_trade_id", bar.last_agg_trade_id.into()),
        ("first_trade_id", bar.first_trade_id.into()),
        ("last_trade_id", bar.last_trade_id.into()),
        ("open_time", bar.open_time_us.into()),
        ("close_time", bar.close_time_us.into()),
        ("open", bar.open.to_string().into()),
        ("high", bar.high.to_string().into()),
        ("low", bar.low.to_string().into()),
        ("close", bar.close.to_string().into()),
        ("vwap", bar.vwap.to_string().into()),
        ("volume", volume(sums.volume()).into()),
        ("buy_volume", volume(sums.buy_volume()).into()),
        ("sell_volume", volume(sums.sell_volume()).into()),
        ("turnover", turnover(sums.turnover()).into()),
        ("buy_turnover", turnover(sums.buy_turnover()).into()),
        ("sell_turnover", turnover(sums.sell_turnover()).into()),
        ("trade_count", sums.trade_count().into()),
        ("buy_trade_count", sums.buy_trade_count().into()),
        ("sell_trade_count", sums.sell_trade_count().into()),
        ("agg_trade_count", sums.agg_trade_count().into()),
        ("duration_us", bar.duration_us().into()),
        ("closed_by", "breach".into()),
    ] {
        assert_eq!(object[name], expected, "{name}");
    }
    for (name, value) in bar.features.columns() {
        assert_eq!(object[name].as_f64(), Some(value), "{name}");
    }
}

#[test]
fn json_has_the_same_columns_with_decimals_as_strings() {
    let text = printed(BarsFormat::Json, rows(&[250]));
    let lines: Vec<serde_json::Map<String, serde_json::Value>> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object"))
        .collect();
    assert_eq!(lines.len(), 2);
    let mut names: Vec<_> = lines[0].keys().map(String::as_str).collect();
    let mut expected: Vec<_> = columns().collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(lines[0]["vwap"], "60227.34363590");
    assert_eq!(lines[0]["open_time"], 1_735_689_600_000_000_i64);
    assert_eq!(lines[0]["trade_intensity"], 6.0);
    assert_eq!(lines[1]["closed_by"], "breach");
}

#[test]
fn names_and_figures_that_no_collector_writes_still_make_valid_lines() {
    let mut row = rows(&[250]).remove(0);
    row.exchange = "a,\"b\"".into();
    row.bar.features.ofi = f64::NAN;
    row.bar.features.price_impact = -0.0;
    row.bar.open_time_us = i64::MIN;
    row.bar.close_time_us = i64::MAX;
    let mut line = String::new();
    push_csv(&row, &mut line);
    assert!(line.starts_with("\"a,\"\"b\"\"\",BTCUSDT,"), "{line}");
    assert!(line.contains(",-0.0,"), "{line}");
    line.clear();
    push_json(&row, &mut line);
    let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(object["exchange"], "a,\"b\"");
    assert!(object["ofi"].is_null());
}

#[test]
fn each_series_has_a_heading_and_a_table_that_fits() {
    let text = printed(BarsFormat::Human, rows(&[250, 300]));
    assert_eq!(
        text,
        "\
BTCUSDT  250 dbps (0.25 %)  day  sim
opened (UTC)             open      high       low     close    volume  by
2025-01-01 00:00:00  60000.39  60300.00  60000.39  60300.00  2.750000  breach
2025-01-01 00:00:02  60300.00  60300.00  59000.00  59000.00  2.000000  breach

BTCUSDT  300 dbps (0.3 %)  day  sim
opened (UTC)             open      high       low     close    volume  by
2025-01-01 00:00:00  60000.39  60300.00  60000.39  60300.00  2.750000  breach
2025-01-01 00:00:02  60300.00  60300.00  59000.00  59000.00  2.000000  breach
"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}
