//! The spool, for people and as JSON. Times are µs since 1970 UTC.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;

use crate::{
    app::{collect::deliver::Flushed, spool::Dropped},
    domain::{row::Rows, words::trade_ids},
    journal::{BatchInfo, Finding, SpoolStats, lease::for_people},
};

use super::{
    OutputError, Printer, bars,
    collect::heartbeat::age,
    table::{Column, Table, grouped},
    words::{counted, wrapped},
};

/// The title of the column of errors.
const LAST_ERROR: &str = "LAST ERROR";
/// How much of an error a table shows; what is longer follows it.
const ERROR_CHARS: usize = 60;

#[derive(Serialize)]
struct BatchJson<'a> {
    id: i64,
    table: &'a str,
    state: &'a str,
    rows: u64,
    size_bytes: u64,
    created_at: i64,
    age_ms: i64,
    attempts: u64,
    last_error: Option<&'a str>,
}

/// All batches, and what they come to, as one JSON object.
#[must_use]
pub fn list_json(batches: &[BatchInfo], stats: &SpoolStats, now_us: i64) -> String {
    let batches: Vec<_> = batches
        .iter()
        .map(|batch| BatchJson {
            id: batch.id,
            table: &batch.table,
            state: batch.state.as_str(),
            rows: batch.rows,
            size_bytes: batch.size_bytes,
            created_at: batch.created_at_us,
            age_ms: now_us.saturating_sub(batch.created_at_us).max(0) / 1000,
            attempts: batch.attempts,
            last_error: batch.last_error.as_deref(),
        })
        .collect();
    json!({ "batches": batches, "totals": totals(stats) }).to_string()
}

fn totals(stats: &SpoolStats) -> serde_json::Value {
    json!({
        "batches": stats.batches,
        "rows": stats.rows,
        "size_bytes": stats.size_bytes,
        "oldest_at": stats.oldest_us,
        "dead_batches": stats.dead_batches,
        "dead_rows": stats.dead_rows,
    })
}

/// Prints all batches, and what they come to, as a table.
///
/// # Errors
/// When it cannot be printed.
pub fn list_human(
    batches: &[BatchInfo],
    stats: &SpoolStats,
    now_us: i64,
    printer: &Printer,
) -> Result<(), OutputError> {
    if batches.is_empty() {
        return printer.line("the spool is empty");
    }
    let mut table = Table::new(vec![
        Column::number("ID"),
        Column::words("TABLE"),
        Column::words("STATE"),
        Column::number("ROWS"),
        Column::number("SIZE").ranked(2),
        Column::number("AGE"),
        Column::number("ATTEMPTS").ranked(1),
        Column::words(LAST_ERROR).ranked(3),
    ]);
    for batch in batches {
        table.push(vec![
            batch.id.to_string(),
            batch.table.clone(),
            batch.state.as_str().to_owned(),
            grouped(batch.rows),
            indicatif::BinaryBytes(batch.size_bytes).to_string(),
            age(Some(now_us.saturating_sub(batch.created_at_us))),
            batch.attempts.to_string(),
            short(batch.last_error.as_deref().unwrap_or("-")),
        ]);
    }
    for line in table.lines(printer.width()) {
        printer.line(line)?;
    }
    // A table that had no room for them must not hide why rows wait.
    let longest = if table.shows(LAST_ERROR, printer.width()) {
        ERROR_CHARS
    } else {
        0
    };
    for line in errors(batches, longest) {
        for line in wrapped(&line, 0, printer.width()) {
            printer.line(line)?;
        }
    }
    let mut line = format!(
        "\n{} in {} wait, {}",
        counted(stats.rows, "row"),
        counted(stats.batches, "batch"),
        indicatif::BinaryBytes(stats.size_bytes)
    );
    if let Some(oldest_us) = stats.oldest_us {
        let _ = write!(line, ", the oldest for {}", age(Some(now_us - oldest_us)));
    }
    if stats.dead_rows > 0 {
        let _ = write!(
            line,
            "; {} in {} kept aside",
            counted(stats.dead_rows, "row"),
            counted(stats.dead_batches, "batch")
        );
    }
    printer.line(line)
}

/// Each error that is longer than so many characters, with the batches that it is of.
fn errors(batches: &[BatchInfo], longest: usize) -> Vec<String> {
    let mut found: Vec<(&str, i64, usize)> = Vec::new();
    for batch in batches {
        let Some(error) = batch.last_error.as_deref() else {
            continue;
        };
        match found.iter_mut().find(|(known, ..)| *known == error) {
            Some((.., others)) => *others += 1,
            None if error.chars().count() > longest => found.push((error, batch.id, 0)),
            None => {}
        }
    }
    let line = |(error, id, others)| match others {
        0 => format!("batch {id}: {error}"),
        _ => format!("batch {id} and {} more: {error}", grouped(others as u64)),
    };
    found.into_iter().map(line).collect()
}

fn short(text: &str) -> String {
    let mut chars = text.chars();
    let mut kept: String = chars.by_ref().take(ERROR_CHARS).collect();
    if chars.next().is_some() {
        kept.push('…');
    }
    kept
}

#[derive(Serialize)]
struct TradeJson<'a> {
    exchange: &'a str,
    symbol: &'a str,
    agg_trade_id: i64,
    price: String,
    quantity: String,
    first_trade_id: i64,
    last_trade_id: i64,
    trade_time: i64,
    buyer_is_maker: bool,
}

#[derive(Serialize)]
struct GapJson<'a> {
    exchange: &'a str,
    symbol: &'a str,
    first_id: i64,
    last_id: i64,
    found_at: i64,
    cause: &'a str,
    state: &'a str,
    proof: &'a str,
}

#[derive(Serialize)]
struct EventJson<'a> {
    time: i64,
    collector: &'a str,
    symbol: &'a str,
    code: &'a str,
    text: &'a str,
}

/// Prints rows as JSON lines, with the columns of their table; decimals are strings.
///
/// # Errors
/// When they cannot be printed.
pub fn rows(rows: &Rows, printer: &Printer) -> Result<(), OutputError> {
    match rows {
        Rows::Bars(rows) => {
            let mut line = String::new();
            for row in rows {
                line.clear();
                bars::push_json(row, &mut line);
                printer.data(line.as_bytes())?;
            }
            Ok(())
        }
        Rows::Trades(rows) => rows.iter().try_for_each(|row| {
            print(
                printer,
                &TradeJson {
                    exchange: &row.exchange,
                    symbol: row.symbol.as_str(),
                    agg_trade_id: row.trade.id,
                    price: row.trade.price.to_string(),
                    quantity: row.trade.quantity.to_string(),
                    first_trade_id: row.trade.first_trade_id,
                    last_trade_id: row.trade.last_trade_id,
                    trade_time: row.trade.time_us,
                    buyer_is_maker: row.trade.buyer_is_maker,
                },
            )
        }),
        Rows::Gaps(rows) => rows.iter().try_for_each(|row| {
            print(
                printer,
                &GapJson {
                    exchange: &row.exchange,
                    symbol: row.symbol.as_str(),
                    first_id: row.first_id,
                    last_id: row.last_id,
                    found_at: row.found_at_us,
                    cause: &row.cause,
                    state: row.state.as_str(),
                    proof: &row.proof,
                },
            )
        }),
        Rows::Events(rows) => rows.iter().try_for_each(|row| {
            print(
                printer,
                &EventJson {
                    time: row.time_us,
                    collector: &row.collector,
                    symbol: &row.symbol,
                    code: &row.code,
                    text: &row.text,
                },
            )
        }),
    }
}

fn print(printer: &Printer, row: &impl Serialize) -> Result<(), OutputError> {
    let line = serde_json::to_string(row)
        .map_err(|error| OutputError::Failed(std::io::Error::other(error)))?;
    printer.line(line)
}

/// What flushing came to, as one JSON object.
#[must_use]
pub fn flushed_json(flushed: &Flushed, rows: u64, left: &SpoolStats) -> String {
    json!({
        "is_complete": flushed.is_complete,
        "rows_delivered": rows,
        "left": totals(left),
        "last_error": flushed.last_error,
        "held_by": flushed.held_by.as_deref().map(for_people),
    })
    .to_string()
}

/// What flushing came to, in a sentence.
#[must_use]
pub fn flushed_text(rows: u64, left: &SpoolStats) -> String {
    let mut text = format!(
        "{} delivered; {} left",
        counted(rows, "row"),
        grouped(left.rows)
    );
    if left.dead_rows > 0 {
        let _ = write!(text, "; {} kept aside", grouped(left.dead_rows));
    }
    text
}

/// What checking came to, as one JSON object.
#[must_use]
pub fn verified_json(batches: usize, findings: &[Finding]) -> String {
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| json!({ "batch": finding.batch, "reason": finding.reason }))
        .collect();
    json!({ "is_clean": findings.is_empty(), "batches": batches, "findings": findings }).to_string()
}

/// What checking came to, as lines.
#[must_use]
pub fn verified_text(batches: usize, findings: &[Finding]) -> String {
    if findings.is_empty() {
        return format!(
            "the journal is well; {} checked",
            counted(batches as u64, "batch")
        );
    }
    let lines: Vec<_> = findings
        .iter()
        .map(|finding| match finding.batch {
            Some(batch) => format!("batch {batch}: {}", finding.reason),
            None => finding.reason.clone(),
        })
        .collect();
    lines.join("\n")
}

/// What was given up, as one JSON object.
#[must_use]
pub fn dropped_json(dropped: &Dropped) -> String {
    let gaps: Vec<_> = dropped
        .gaps
        .iter()
        .map(|gap| {
            json!({
                "exchange": &*gap.exchange,
                "symbol": gap.symbol.as_str(),
                "first_id": gap.first_id,
                "last_id": gap.last_id,
            })
        })
        .collect();
    json!({ "batches": dropped.batches, "rows": dropped.rows, "gaps": gaps }).to_string()
}

/// What was given up, as lines.
#[must_use]
pub fn dropped_text(dropped: &Dropped) -> String {
    let mut text = format!(
        "{} in {} given up",
        counted(dropped.rows, "row"),
        counted(dropped.batches.len() as u64, "batch")
    );
    for gap in &dropped.gaps {
        let _ = write!(
            text,
            "\n{}: bars of {} are missing now",
            gap.symbol,
            trade_ids(gap.first_id, gap.last_id)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::BatchState;

    #[test]
    fn errors_that_the_table_does_not_show_are_told_once_for_all_their_batches() {
        let batch = |id, error: Option<&str>| BatchInfo {
            id,
            table: "bars".to_owned(),
            state: BatchState::Sealed,
            rows: 1,
            size_bytes: 1,
            created_at_us: 1,
            attempts: 1,
            last_error: error.map(str::to_owned),
        };
        let batches = [
            batch(3, Some("refused")),
            batch(4, Some("a long story")),
            batch(5, Some("refused")),
            batch(6, None),
        ];
        assert_eq!(
            errors(&batches, 0),
            ["batch 3 and 1 more: refused", "batch 4: a long story"]
        );
        assert_eq!(errors(&batches, 7), ["batch 4: a long story"]);
    }
}
