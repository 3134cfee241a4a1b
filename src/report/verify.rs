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
//!               "disagreements": [{"start", "column", "values": {dbps: text}, "text"}],
//!               "left_out": [{"threshold_decimal_bps", "periods", "reason", "text"}]}],
//!  "missing": [{"symbol", "threshold_decimal_bps" or null}],
//!  "unreadable": [{"table", "key", "column", "text"}]}
//! ```
//!
//! Times are µs since 1970 UTC. Ids and times are null when no bar tells them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app::verify::{PeriodsReport, SeriesReport, Span, Verified};

use super::{
    OutputError, Printer, style,
    table::{Column, Table, grouped},
    words::{counted, wrapped},
};

/// How far sentences stand from the left.
const INDENT: usize = 2;

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
        for line in sentences(&group, periods, strict)
            .iter()
            .flat_map(|sentence| wrapped(sentence, INDENT, printer.width()))
        {
            printer.line(line)?;
        }
    }
    for unreadable in &verified.unreadable {
        let sentence = format!(
            "damage in {}: the row {} has a {} that cannot be: {}",
            unreadable.table.as_str(),
            unreadable.key,
            unreadable.column,
            unreadable.reason
        );
        for line in wrapped(&sentence, 0, printer.width()) {
            printer.line(line)?;
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
            known(report, |span| span.ids.first_id.to_string()),
            known(report, |span| span.ids.last_id.to_string()),
            known(report, |span| minute(span.open_time_us)),
            known(report, |span| minute(span.close_time_us)),
            result(report, strict),
        ]);
    }
    table
}

fn known(report: &SeriesReport, text: impl FnOnce(&Span) -> String) -> String {
    report.span.as_ref().map_or_else(|| "-".to_owned(), text)
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
        (0, proven) => format!("ok, {}", counted(proven as u64, "gap")),
        (damage, _) => counted(damage as u64, "finding"),
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
        let who = if periods.left_out.is_empty() {
            "all thresholds"
        } else {
            "the thresholds that could be compared"
        };
        lines.push(format!(
            "the sums of {who} agree in {}",
            counted(periods.compared, "closed period")
        ));
    }
    lines.extend(
        periods
            .left_out
            .iter()
            .map(|left_out| format!("note: {left_out}")),
    );
    lines
}

fn conclusion(verified: &Verified, strict: bool, has_color: bool) -> String {
    let damage = verified.damage(strict);
    let verdict = if damage == 0 {
        style::good("no damage", has_color)
    } else {
        style::bad(
            &format!("{} of damage", counted(damage as u64, "finding")),
            has_color,
        )
    };
    format!(
        "checked {} with {}: {verdict}",
        counted(verified.series.len() as u64, "series"),
        counted(bars(verified), "bar"),
    )
}

fn bars(verified: &Verified) -> u64 {
    verified.series.iter().map(|report| report.bars).sum()
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
        "unreadable": verified.unreadable.iter().map(|unreadable| json!({
            "table": unreadable.table,
            "key": unreadable.key,
            "column": unreadable.column,
            "text": unreadable.to_string(),
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
                "first_id": finding.ids().map(|ids| ids.first_id),
                "last_id": finding.ids().map(|ids| ids.last_id),
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
        "first_agg_trade_id": report.span.map(|span| span.ids.first_id),
        "last_agg_trade_id": report.span.map(|span| span.ids.last_id),
        "open_time": report.span.map(|span| span.open_time_us),
        "close_time": report.span.map(|span| span.close_time_us),
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
        "left_out": periods.left_out.iter().map(|left_out| json!({
            "threshold_decimal_bps": left_out.threshold,
            "periods": left_out.periods,
            "reason": left_out.reason.code(),
            "text": left_out.to_string(),
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::verify::MissingBars,
        domain::{
            anchor::Anchor,
            row::{Series, Table, UnreadableRow},
            threshold::Threshold,
            tiling::{Disagreement, Finding, IdRange, LeftOut, Reason},
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
            span: Some(Span {
                ids: IdRange {
                    first_id: 1,
                    last_id: 99_999,
                },
                open_time_us: 1_735_689_600_000_000,
                close_time_us: 1_735_776_000_000_000,
            }),
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
                left_out: Vec::new(),
            }],
            unreadable: Vec::new(),
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
                "  damage: in the period from 2025-01-01T00:00:00Z the thresholds disagree on\n    \
                 buy_volume: 250 has 1.5, 500 has 1.6\n"
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
    fn a_threshold_that_was_left_out_is_told_with_its_reason() {
        let mut verified = verified();
        verified.periods[0].left_out = vec![
            LeftOut {
                threshold: dbps(250),
                reason: Reason::BeginsLater {
                    start_us: 1_735_689_600_000_000,
                },
                periods: 2,
            },
            LeftOut {
                threshold: dbps(500),
                reason: Reason::Damaged,
                periods: 1,
            },
        ];
        let text = printed(&verified, false);
        assert!(
            text.contains(
                "  the sums of the thresholds that could be compared agree in 3 closed periods
  note: 250 dbps is left out of 2 closed periods: its bars begin with the period
    from 2025-01-01T00:00:00Z
  note: 500 dbps is left out of 1 closed period: bars are missing or damaged
    there
"
            ),
            "{text}"
        );
        let json = json(&verified, false);
        assert_eq!(json["periods"][0]["left_out"][0]["reason"], "begins_later");
    }

    #[test]
    fn rows_that_cannot_be_read_are_damage_with_their_keys() {
        let mut verified = verified();
        verified.unreadable.push(UnreadableRow {
            table: Table::Gaps,
            key: "(sim, BTCUSDT, 1, 2)".to_owned(),
            place: None,
            column: "state",
            reason: "'lost' is not a state".to_owned(),
        });
        verified.series[0].span = None;
        verified.series[0].findings = vec![Finding::Unreadable {
            bar: None,
            key: "(sim, BTCUSDT, 250, day, NULL)".to_owned(),
            column: "first_agg_trade_id",
            reason: "NULL is not a whole number".to_owned(),
        }];
        let text = printed(&verified, false);
        assert!(
            text.contains(
                "  damage at 250 dbps: the bar (sim, BTCUSDT, 250, day, NULL) has a
    first_agg_trade_id that cannot be: NULL is not a whole number
"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "damage in gaps: the row (sim, BTCUSDT, 1, 2) has a state that cannot be: 'lost'
  is not a state
"
            ),
            "{text}"
        );
        assert!(text.ends_with("4 findings of damage\n"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let json = json(&verified, false);
        assert_eq!(json["unreadable"][0]["column"], "state");
        assert_eq!(json["series"][0]["findings"][0]["first_id"], Value::Null);
        assert_eq!(json["series"][0]["open_time"], Value::Null);
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
