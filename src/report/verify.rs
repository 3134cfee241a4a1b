//! What a verification found, for people and as JSON.
//!
//! The JSON is one object:
//!
//! ```text
//! {"is_clean": bool, "damage": count, "bars": count,
//!  "series": [{"exchange", "symbol", "threshold_decimal_bps", "anchor", "bars",
//!              "first_agg_trade_id", "last_agg_trade_id", "open_time", "close_time",
//!              "findings": [{"code", "is_damage", "first_id", "last_id", "text"}]}],
//!  "periods": [{"exchange", "symbol", "anchor", "compared",
//!               "disagreements": [{"start", "column", "values": {dbps: text}, "text"}]}],
//!  "missing": [{"symbol", "threshold_decimal_bps" or null}]}
//! ```
//!
//! Times are µs since 1970 UTC.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app::verify::{PeriodsReport, SeriesReport, Verified};

use super::{
    OutputError, Printer, style,
    table::{Column, Table, grouped},
};

/// Prints the report as tables and sentences. With `strict`, proven holes are damage.
///
/// # Errors
/// When it cannot be printed.
pub fn human(verified: &Verified, strict: bool, printer: &Printer) -> Result<(), OutputError> {
    for (index, periods) in verified.periods.iter().enumerate() {
        let group: Vec<_> = verified
            .series
            .iter()
            .filter(|report| belongs(report, periods))
            .collect();
        if group.is_empty() {
            continue;
        }
        if index > 0 {
            printer.line("")?;
        }
        let color = printer.has_color();
        let heading = format!(
            "{}  {}  {}",
            periods.symbol, periods.anchor, periods.exchange
        );
        printer.line(style::bold(&heading, color))?;
        for line in group_table(&group, strict).lines(printer.width()) {
            printer.line(line)?;
        }
        for line in sentences(&group, periods, strict) {
            printer.line(format!("  {line}"))?;
        }
    }
    for missing in &verified.missing {
        match missing.threshold {
            None => printer.line(format!("{}: there are no bars", missing.symbol))?,
            Some(threshold) => printer.line(format!(
                "{}: there are no bars at {threshold} dbps",
                missing.symbol
            ))?,
        }
    }
    printer.line(conclusion(verified, strict, printer.has_color()))?;
    printer.flush()
}

fn belongs(report: &SeriesReport, periods: &PeriodsReport) -> bool {
    let series = &report.series;
    series.exchange == periods.exchange
        && series.symbol == periods.symbol
        && series.anchor == periods.anchor
}

fn group_table(group: &[&SeriesReport], strict: bool) -> Table {
    let mut table = Table::new(vec![
        Column::number("dbps"),
        Column::number("bars"),
        Column::number("first id"),
        Column::number("last id"),
        Column::words("from (UTC)").ranked(1),
        Column::words("to (UTC)").ranked(2),
        Column::words("result"),
    ]);
    for report in group {
        table.push(vec![
            report.series.threshold.to_string(),
            grouped(report.bars),
            report.ids.first_id.to_string(),
            report.ids.last_id.to_string(),
            minute(report.open_time_us),
            minute(report.close_time_us),
            result(report, strict),
        ]);
    }
    table
}

fn minute(time_us: i64) -> String {
    Timestamp::from_microsecond(time_us).map_or_else(
        |_| time_us.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

fn result(report: &SeriesReport, strict: bool) -> String {
    let damage = report.damage(strict);
    let proven = report.findings.len() - report.damage(false);
    match (damage, proven) {
        (0, 0) => "ok".to_owned(),
        (0, proven) => format!("ok, {}", counted(proven, "gap")),
        (damage, _) => counted(damage, "finding"),
    }
}

fn sentences(group: &[&SeriesReport], periods: &PeriodsReport, strict: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for report in group {
        for finding in &report.findings {
            let mark = if strict || finding.is_damage() {
                "damage"
            } else {
                "note"
            };
            lines.push(format!(
                "{mark} at {} dbps: {finding}",
                report.series.threshold
            ));
        }
    }
    lines.extend(
        periods
            .disagreements
            .iter()
            .map(|disagreement| format!("damage: {disagreement}")),
    );
    if periods.compared > 0 && periods.disagreements.is_empty() {
        let compared = usize::try_from(periods.compared).unwrap_or(usize::MAX);
        lines.push(format!(
            "the sums of all thresholds agree in {}",
            counted(compared, "closed period")
        ));
    }
    lines
}

fn conclusion(verified: &Verified, strict: bool, has_color: bool) -> String {
    let damage = verified.damage(strict);
    let verdict = if damage == 0 {
        style::good("no damage", has_color)
    } else {
        style::bad(
            &format!("{} of damage", counted(damage, "finding")),
            has_color,
        )
    };
    format!(
        "checked {} with {} {}: {verdict}",
        counted(verified.series.len(), "series"),
        grouped(bars(verified)),
        if bars(verified) == 1 { "bar" } else { "bars" },
    )
}

fn bars(verified: &Verified) -> u64 {
    verified.series.iter().map(|report| report.bars).sum()
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 || noun.ends_with('s') {
        ""
    } else {
        "s"
    };
    format!("{} {noun}{plural}", grouped(count as i128))
}

/// The report as one JSON object.
#[must_use]
pub fn json(verified: &Verified, strict: bool) -> Value {
    let damage = verified.damage(strict);
    json!({
        "is_clean": damage == 0,
        "damage": damage,
        "bars": bars(verified),
        "series": verified.series.iter().map(|report| series_json(report, strict))
            .collect::<Vec<_>>(),
        "periods": verified.periods.iter().map(periods_json).collect::<Vec<_>>(),
        "missing": verified.missing.iter().map(|missing| json!({
            "symbol": missing.symbol,
            "threshold_decimal_bps": missing.threshold,
        })).collect::<Vec<_>>(),
    })
}

fn series_json(report: &SeriesReport, strict: bool) -> Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "code": finding.code(),
                "is_damage": strict || finding.is_damage(),
                "first_id": finding.ids().first_id,
                "last_id": finding.ids().last_id,
                "text": finding.to_string(),
            })
        })
        .collect();
    json!({
        "exchange": &*report.series.exchange,
        "symbol": report.series.symbol,
        "threshold_decimal_bps": report.series.threshold,
        "anchor": report.series.anchor,
        "bars": report.bars,
        "first_agg_trade_id": report.ids.first_id,
        "last_agg_trade_id": report.ids.last_id,
        "open_time": report.open_time_us,
        "close_time": report.close_time_us,
        "findings": findings,
    })
}

fn periods_json(periods: &PeriodsReport) -> Value {
    let disagreements: Vec<_> = periods
        .disagreements
        .iter()
        .map(|disagreement| {
            let values: BTreeMap<String, &String> = disagreement
                .values
                .iter()
                .map(|(threshold, value)| (threshold.to_string(), value))
                .collect();
            json!({
                "start": disagreement.start_us,
                "column": disagreement.figure,
                "values": values,
                "text": disagreement.to_string(),
            })
        })
        .collect();
    json!({
        "exchange": &*periods.exchange,
        "symbol": periods.symbol,
        "anchor": periods.anchor,
        "compared": periods.compared,
        "disagreements": disagreements,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::verify::MissingBars,
        domain::{
            anchor::Anchor,
            row::Series,
            threshold::Threshold,
            tiling::{Disagreement, Finding, IdRange},
        },
        report::printer::tests::Shared,
    };

    fn dbps(value: u32) -> Threshold {
        Threshold::new(value).expect("a threshold")
    }

    fn verified() -> Verified {
        let symbol: crate::domain::symbol::Symbol = "BTCUSDT".parse().expect("a symbol");
        let series = |threshold, findings| SeriesReport {
            series: Series {
                exchange: "sim".into(),
                symbol: symbol.clone(),
                threshold: dbps(threshold),
                anchor: Anchor::Day,
            },
            bars: 1234,
            ids: IdRange {
                first_id: 1,
                last_id: 99_999,
            },
            open_time_us: 1_735_689_600_000_000,
            close_time_us: 1_735_776_000_000_000,
            findings,
        };
        let hole = |first_id, is_absent| Finding::Hole {
            ids: IdRange {
                first_id,
                last_id: first_id + 4,
            },
            is_absent,
        };
        Verified {
            series: vec![
                series(250, vec![hole(10, true)]),
                series(500, vec![hole(10, true), hole(50, false)]),
            ],
            periods: vec![PeriodsReport {
                exchange: "sim".into(),
                symbol: symbol.clone(),
                anchor: Anchor::Day,
                compared: 3,
                disagreements: Vec::new(),
            }],
            missing: vec![MissingBars {
                symbol: "XYZ".parse().expect("a symbol"),
                threshold: None,
            }],
        }
    }

    fn printed(verified: &Verified, strict: bool) -> String {
        let out = Shared::default();
        human(verified, strict, &Printer::to(out.clone(), std::io::sink())).expect("printed");
        out.text()
    }

    #[test]
    fn people_see_what_was_covered_and_every_finding() {
        assert_eq!(
            printed(&verified(), false),
            "\
BTCUSDT  day  sim
dbps   bars  first id  last id  from (UTC)        to (UTC)          result
 250  1 234         1    99999  2025-01-01 00:00  2025-01-02 00:00  ok, 1 gap
 500  1 234         1    99999  2025-01-01 00:00  2025-01-02 00:00  1 finding
  note at 250 dbps: ids 10 to 14 are proven absent at the exchange
  note at 500 dbps: ids 10 to 14 are proven absent at the exchange
  damage at 500 dbps: ids 50 to 54 are missing (5 trades)
  the sums of all thresholds agree in 3 closed periods
XYZ: there are no bars
checked 2 series with 2 468 bars: 2 findings of damage
"
        );
    }

    #[test]
    fn strictly_a_proven_hole_is_damage_too() {
        let text = printed(&verified(), true);
        assert!(text.ends_with("4 findings of damage\n"), "{text}");
        assert!(
            text.contains("damage at 250 dbps: ids 10 to 14 are proven"),
            "{text}"
        );
    }

    #[test]
    fn a_disagreement_takes_the_place_of_the_agreement() {
        let mut verified = verified();
        verified.periods[0].disagreements.push(Disagreement {
            start_us: 1_735_689_600_000_000,
            figure: "buy_volume",
            values: vec![(dbps(250), "1.5".into()), (dbps(500), "1.6".into())],
        });
        let text = printed(&verified, false);
        assert!(!text.contains("agree in"), "{text}");
        assert!(
            text.contains(
                "damage: in the period from 2025-01-01T00:00:00Z the thresholds disagree on \
                 buy_volume: 250 has 1.5, 500 has 1.6"
            ),
            "{text}"
        );
        let json = json(&verified, false);
        assert_eq!(
            json["periods"][0]["disagreements"][0]["values"]["500"],
            "1.6"
        );
    }

    #[test]
    fn programs_get_the_same_as_json() {
        let json = json(&verified(), false);
        assert_eq!(json["is_clean"], false);
        assert_eq!(json["damage"], 2);
        assert_eq!(json["series"][0]["anchor"], "day");
        let finding = &json["series"][1]["findings"][1];
        assert_eq!(finding["code"], "hole");
        assert_eq!(
            (&finding["first_id"], &finding["last_id"]),
            (&50.into(), &54.into())
        );
        assert_eq!(json["missing"][0]["threshold_decimal_bps"], Value::Null);
    }
}
