//! Seals, for people and as JSON.
//!
//! The JSON of a listing is one object:
//!
//! ```text
//! {"seals": [{"exchange", "symbol", "anchor", "period_start", "period_end",
//!             "first_agg_trade_id", "last_agg_trade_id", "trade_count", "volume": text,
//!             "digests": {dbps: text}, "sealed_at"}],
//!  "unreadable": [{"table", "key", "column", "text"}]}
//! ```
//!
//! Times are µs since 1970 UTC; `period_end` is the next period's first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::{
    anchor::Anchor, price::Decimal, row::UnreadableRow, seal::SealRow, words::list,
};

use super::{
    OutputError, Printer,
    table::{Column, Table, grouped},
    words::{counted, minute},
};

pub mod diff;

/// Digits of a volume after the point.
const VOLUME_DIGITS: usize = 8;

/// What names a period of an anchor: its day, or its month.
#[must_use]
pub fn period_text(anchor: Anchor, start_us: i64) -> String {
    let format = match anchor {
        Anchor::Month => "%Y-%m",
        Anchor::Day | Anchor::None => "%Y-%m-%d",
    };
    Timestamp::from_microsecond(start_us).map_or_else(
        |_| start_us.to_string(),
        |time| time.strftime(format).to_string(),
    )
}

/// Prints seals as a table.
///
/// # Errors
/// When it cannot be printed.
pub fn human(seals: &[SealRow], printer: &Printer) -> Result<(), OutputError> {
    let mut table = Table::new(vec![
        Column::words("exchange").ranked(4),
        Column::words("symbol"),
        Column::words("period"),
        Column::number("first id"),
        Column::number("last id"),
        Column::number("trades").ranked(1),
        Column::words("dbps").ranked(2),
        Column::words("sealed (UTC)").ranked(3),
    ]);
    for seal in seals {
        let thresholds: Vec<_> = seal.digests.keys().collect();
        table.push(vec![
            seal.key.exchange.to_string(),
            seal.key.symbol.to_string(),
            period_text(seal.key.anchor, seal.key.period_start_us),
            seal.ids.first_id.to_string(),
            seal.ids.last_id.to_string(),
            grouped(seal.trade_count),
            list(&thresholds),
            minute(seal.sealed_at_us),
        ]);
    }
    if !seals.is_empty() {
        for line in table.lines(printer.width()) {
            printer.line(line)?;
        }
    }
    printer.line(counted(seals.len() as u64, "seal"))?;
    printer.flush()
}

/// The listing as one JSON object.
#[must_use]
pub fn json(seals: &[SealRow], unreadable: &[UnreadableRow]) -> Value {
    json!({
        "seals": seals.iter().map(seal_json).collect::<Vec<_>>(),
        "unreadable": unreadable.iter().map(|unreadable| json!({
            "table": unreadable.table,
            "key": unreadable.key,
            "column": unreadable.column,
            "text": unreadable.to_string(),
        })).collect::<Vec<_>>(),
    })
}

/// One seal.
#[must_use]
pub fn seal_json(seal: &SealRow) -> Value {
    let digests: BTreeMap<String, &str> = seal
        .digests
        .iter()
        .map(|(threshold, digest)| (threshold.to_string(), digest.0.as_str()))
        .collect();
    let volume = Decimal {
        units: seal.volume,
        digits: VOLUME_DIGITS,
    };
    json!({
        "exchange": &*seal.key.exchange,
        "symbol": seal.key.symbol,
        "anchor": seal.key.anchor,
        "period_start": seal.key.period_start_us,
        "period_end": seal.key.anchor.period(seal.key.period_start_us).end_us,
        "first_agg_trade_id": seal.ids.first_id,
        "last_agg_trade_id": seal.ids.last_id,
        "trade_count": seal.trade_count,
        "volume": volume.to_string(),
        "digests": digests,
        "sealed_at": seal.sealed_at_us,
    })
}

#[cfg(test)]
mod tests;
