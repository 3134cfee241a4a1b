//! What two stores have in common, for people and as JSON.
//!
//! The JSON is one object:
//!
//! ```text
//! {"is_equal": bool, "a": address, "b": address, "compared": count,
//!  "series": [{"exchange", "symbol", "threshold_decimal_bps", "anchor", "equal": count,
//!              "different": count}],
//!  "differences": [{"exchange", "symbol", "threshold_decimal_bps", "anchor", "start",
//!                   "first_agg_trade_id", "last_agg_trade_id", "column": text or null,
//!                   "a": text or null, "b": text or null, "text"}],
//!  "only": [{"store": "a" or "b", the series, "periods": count, "first_start",
//!            "last_start"}],
//!  "not_whole": [{"store": "a" or "b", the series, "start", "text"}]}
//! ```
//!
//! Counts are of periods. A difference is the first bar of its series that is not the same.
//! Times are µs since 1970 UTC.

use serde_json::{Value, json};

use crate::{
    app::seals::diff::{ComparedSeries, Difference, NotWhole, OnlyIn, Side, StoreDiff, What},
    domain::row::Series,
    report::{
        OutputError, Printer, style,
        table::{Column, Table, grouped},
        words::{counted, wrapped},
    },
};

use super::period_text;

/// Prints the comparison of the stores with these addresses.
///
/// # Errors
/// When it cannot be printed.
pub fn human(diff: &StoreDiff, [a, b]: [&str; 2], printer: &Printer) -> Result<(), OutputError> {
    let (width, has_color) = (printer.width(), printer.has_color());
    printer.line(format!("A  {a}"))?;
    printer.line(format!("B  {b}"))?;
    if !diff.series.is_empty() {
        for line in table(&diff.series).lines(width) {
            printer.line(line)?;
        }
    }
    let differences = diff.differences.iter().map(difference);
    let only = diff.only.iter().map(only);
    let unwhole = not_whole(&diff.not_whole);
    for sentence in differences.chain(only).chain(unwhole) {
        for line in wrapped(&sentence, 0, width) {
            printer.line(line)?;
        }
    }
    let compared = diff.compared();
    let what = format!(
        "compared {} of {}",
        counted(compared, "period"),
        counted(diff.series.len() as u64, "series")
    );
    let different = diff.series.iter().filter(|series| series.different > 0);
    let verdict = match different.count() as u64 {
        _ if compared == 0 => style::bad("no period is whole in both stores", has_color),
        0 => style::good("equal", has_color),
        different => style::bad(
            &format!("{} not equal", counted(different, "series")),
            has_color,
        ),
    };
    printer.line(format!("{what}: {verdict}"))?;
    printer.flush()
}

fn table(series: &[ComparedSeries]) -> Table {
    let mut table = Table::new(vec![
        Column::words("exchange").ranked(1),
        Column::words("symbol"),
        Column::words("anchor"),
        Column::number("dbps"),
        Column::number("equal"),
        Column::number("different"),
    ]);
    for compared in series {
        table.push(vec![
            compared.series.exchange.to_string(),
            compared.series.symbol.to_string(),
            compared.series.anchor.to_string(),
            compared.series.threshold.to_string(),
            grouped(compared.equal),
            grouped(compared.different),
        ]);
    }
    table
}

fn difference(difference: &Difference) -> String {
    let series = &difference.series;
    format!(
        "different: {} at {} dbps, {} {}: the bar of {}: {}",
        series.symbol,
        series.threshold,
        series.anchor,
        period_text(series.anchor, difference.start_us),
        difference.bar,
        difference.what
    )
}

fn only(only: &OnlyIn) -> String {
    let series = &only.series;
    let first = period_text(series.anchor, only.first_us);
    let periods = match only.periods {
        1 => format!("the {} {first}", series.anchor),
        count => format!(
            "{} from {first} to {}",
            counted(count, series.anchor.as_str()),
            period_text(series.anchor, only.last_us)
        ),
    };
    format!(
        "only in {}: {periods} of {} at {} dbps",
        only.side, series.symbol, series.threshold
    )
}

/// Thresholds for which the same is to be said are told of together.
fn not_whole(periods: &[NotWhole]) -> Vec<String> {
    type Said<'a> = (&'a NotWhole, Vec<String>);
    let mut said: Vec<Said<'_>> = Vec::new();
    for period in periods {
        let is_same = |(known, _): &&mut Said<'_>| {
            let (a, b) = (&known.series, &period.series);
            (known.side, known.start_us, known.why) == (period.side, period.start_us, period.why)
                && (&a.exchange, &a.symbol, a.anchor) == (&b.exchange, &b.symbol, b.anchor)
        };
        let threshold = period.series.threshold.to_string();
        match said.iter_mut().find(is_same) {
            Some((_, thresholds)) => thresholds.push(threshold),
            None => said.push((period, vec![threshold])),
        }
    }
    said.into_iter()
        .map(|(period, thresholds)| {
            format!(
                "not whole in {}: the {} {} of {} at {} dbps: {}",
                period.side,
                period.series.anchor,
                period_text(period.series.anchor, period.start_us),
                period.series.symbol,
                thresholds.join(", "),
                period.why
            )
        })
        .collect()
}

/// The comparison as one JSON object.
#[must_use]
pub fn json(diff: &StoreDiff, [a, b]: [&str; 2]) -> Value {
    json!({
        "is_equal": diff.is_equal(),
        "a": a,
        "b": b,
        "compared": diff.compared(),
        "series": diff.series.iter().map(|compared| with_series(&compared.series, json!({
            "equal": compared.equal,
            "different": compared.different,
        }))).collect::<Vec<_>>(),
        "differences": diff.differences.iter().map(difference_json).collect::<Vec<_>>(),
        "only": diff.only.iter().map(|only| with_series(&only.series, json!({
            "store": letter(only.side),
            "periods": only.periods,
            "first_start": only.first_us,
            "last_start": only.last_us,
        }))).collect::<Vec<_>>(),
        "not_whole": diff.not_whole.iter().map(|period| with_series(&period.series, json!({
            "store": letter(period.side),
            "start": period.start_us,
            "text": period.why.to_string(),
        }))).collect::<Vec<_>>(),
    })
}

fn difference_json(difference: &Difference) -> Value {
    let (column, a, b) = match &difference.what {
        What::Column { name, a, b } => (Some(*name), Some(a), Some(b)),
        What::Unreadable { .. } | What::OnlyIn(_) => (None, None, None),
    };
    with_series(
        &difference.series,
        json!({
            "start": difference.start_us,
            "first_agg_trade_id": difference.bar.first_id,
            "last_agg_trade_id": difference.bar.last_id,
            "column": column,
            "a": a,
            "b": b,
            "text": difference.what.to_string(),
        }),
    )
}

const fn letter(side: Side) -> &'static str {
    match side {
        Side::A => "a",
        Side::B => "b",
    }
}

fn with_series(series: &Series, mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        for (name, of_series) in [
            ("exchange", json!(&*series.exchange)),
            ("symbol", json!(series.symbol)),
            ("threshold_decimal_bps", json!(series.threshold)),
            ("anchor", json!(series.anchor)),
        ] {
            fields.insert(name.to_owned(), of_series);
        }
    }
    value
}
