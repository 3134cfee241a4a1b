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
//!  "seals": [{"exchange", "symbol", "anchor", "start", "first_agg_trade_id",
//!             "last_agg_trade_id", "state", "is_damage", "text"}],
//!  "sealed": [the seals that --seal has written, as 'streamkit seals' prints them],
//!  "missing": [{"symbol", "threshold_decimal_bps" or null}],
//!  "unreadable": [{"table", "key", "column", "text"}]}
//! ```
//!
//! Every closed period is among the seals; its state is `sealed`, `partly` (without some
//! thresholds), `broken` (the bars are not what was sealed), `deserving` (whole, and nobody has
//! sealed it), or why it is not whole: `incomplete`, `damaged`, `disagreeing`,
//! `start_unknown`, `start_missing`. Times are µs since 1970 UTC. Ids and times are null when no bar tells them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    app::verify::{PeriodSeal, PeriodsReport, SealState, SeriesReport, Span, Verified},
    domain::seal::SealRow,
};

use super::{
    OutputError, Printer,
    seals::{period_text, seal_json},
    style,
    table::{Column, Table, grouped},
    words::{counted, minute, wrapped},
};

/// How far sentences stand from the left.
const INDENT: usize = 2;

/// Prints the report as tables and sentences, with what was `sealed` just now. With `strict`,
/// proven holes are damage.
///
/// # Errors
/// When it cannot be printed.
pub fn human(
    verified: &Verified,
    sealed: &[SealRow],
    strict: bool,
    printer: &Printer,
) -> Result<(), OutputError> {
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
            .chain(&seal_sentences(&verified.seals, sealed, periods))
            .flat_map(|sentence| wrapped(sentence, INDENT, printer.width()))
        {
            printer.line(line)?;
        }
    }
    for unreadable in &verified.unreadable {
        let sentence = format!(
            "damage in {}: the row {} cannot be read: its column {}: {}",
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

/// What there is to say of the seals of one symbol and anchor. Periods that follow each other
/// and have the same to be said of them are told of together.
fn seal_sentences(
    seals: &[PeriodSeal],
    sealed: &[SealRow],
    periods: &PeriodsReport,
) -> Vec<String> {
    let of_group = seals
        .iter()
        .filter(|seal| seal.key() == periods.key(seal.start_us));
    let of_group: Vec<_> = of_group.collect();
    let mut lines = Vec::new();
    let new = sealed
        .iter()
        .filter(|seal| seal.key == periods.key(seal.key.period_start_us));
    let new = new.count() as u64;
    if new > 0 {
        lines.push(format!("sealed {} just now", counted(new, "closed period")));
    }
    let count = of_group.iter().filter(|seal| seal.state.is_sealed());
    let count = count.count() as u64;
    if count > 0 {
        let are = if count == 1 { "is" } else { "are" };
        lines.push(format!("{} {are} sealed", counted(count, "closed period")));
    }
    for run in of_group.chunk_by(|a, b| a.state == b.state) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        if first.state.is_sealed() {
            continue;
        }
        let mark = if first.state.is_damage() {
            "damage"
        } else {
            "note"
        };
        let from = period_text(first.anchor, first.start_us);
        let which = match run.len() {
            1 => format!("the {} {from}", first.anchor),
            count => format!(
                "each of the {} from {from} to {}",
                counted(count as u64, first.anchor.as_str()),
                period_text(last.anchor, last.start_us)
            ),
        };
        let remedy = match &first.state {
            SealState::Deserving => "; 'streamkit verify --seal' seals it",
            _ => "",
        };
        lines.push(format!("{mark}: {which} {}{remedy}", first.state));
    }
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

/// The report as one JSON object, with what was `sealed` just now.
#[must_use]
pub fn json(verified: &Verified, sealed: &[SealRow], strict: bool) -> Value {
    let damage = verified.damage(strict);
    json!({
        "is_clean": damage == 0,
        "damage": damage,
        "bars": bars(verified),
        "series": verified.series.iter().map(|report| series_json(report, strict))
            .collect::<Vec<_>>(),
        "periods": verified.periods.iter().map(periods_json).collect::<Vec<_>>(),
        "seals": verified.seals.iter().map(period_seal_json).collect::<Vec<_>>(),
        "sealed": sealed.iter().map(seal_json).collect::<Vec<_>>(),
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

fn period_seal_json(seal: &PeriodSeal) -> Value {
    json!({
        "exchange": &*seal.exchange,
        "symbol": seal.symbol,
        "anchor": seal.anchor,
        "start": seal.start_us,
        "first_agg_trade_id": seal.ids.first_id,
        "last_agg_trade_id": seal.ids.last_id,
        "state": seal.state.code(),
        "is_damage": seal.state.is_damage(),
        "text": seal.state.to_string(),
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
mod tests;
