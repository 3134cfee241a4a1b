//! What a run of collecting came to.

use std::fmt::Write as _;

use serde::Serialize;

use crate::app::collect::Summary;

use super::heartbeat::spooled;

/// The summary as stable JSON.
#[derive(Debug, Serialize)]
pub struct SummaryJson {
    /// How long it ran, in ms.
    pub duration_ms: u64,
    /// By symbol.
    pub symbols: Vec<SymbolJson>,
    /// Rows that the store has confirmed.
    pub rows_delivered: u64,
    /// The same, under the name that operators know.
    pub published: u64,
    /// Rows committed to the journal, to wait there until the store confirms them.
    pub buffered_to_disk: u64,
    /// Confirmed rows that had to wait in the spool: for a failure, or for this start.
    pub flushed_from_buffer: u64,
    /// Failed inserts by class.
    pub insert_errors: InsertErrorsJson,
    /// The breaker: closed, open or half-open.
    pub breaker: &'static str,
    /// How often it opened.
    pub breaker_trips: u64,
    /// Rows that are still in the spool.
    pub spool_rows: u64,
    /// Bytes of rows in the spool.
    pub spool_size_bytes: u64,
    /// When the oldest batch in the spool was begun, in µs since 1970 UTC.
    pub spool_oldest_us: Option<i64>,
    /// Rows that the store refuses, or that cannot be read: they are kept aside.
    pub dead_rows: u64,
    /// Connections made after the first.
    pub reconnects: u64,
    /// Messages that were no trade.
    pub malformed: u64,
    /// Messages that only the general parser could read.
    pub fallbacks: u64,
}

/// Failed inserts by class.
#[derive(Debug, Serialize)]
pub struct InsertErrorsJson {
    /// Those that pass by themselves.
    pub retry: u64,
    /// Those after which it is not known whether the rows are in.
    pub ambiguous: u64,
    /// Those that a person has to mend.
    pub configuration: u64,
    /// Those that are the fault of the rows.
    pub content: u64,
}

/// One symbol of a summary.
#[derive(Debug, Serialize)]
pub struct SymbolJson {
    /// The symbol.
    pub symbol: String,
    /// The first aggregate id taken.
    pub first_agg_trade_id: Option<i64>,
    /// The last aggregate id taken.
    pub last_agg_trade_id: Option<i64>,
    /// Trades taken.
    pub trades: u64,
    /// Bars closed, by threshold.
    pub bars: Vec<BarsJson>,
    /// Live trades that came twice.
    pub duplicates: u64,
    /// Fetched trades that were here already.
    pub overlapping: u64,
    /// Live trades dropped because other trades have their ids.
    pub disputed: u64,
    /// Live trades dropped because the exchange never had their ids.
    pub unconfirmed: u64,
    /// Held live trades dropped at the bound, to be fetched again.
    pub hold_dropped: u64,
    /// Gaps closed by fetching.
    pub gaps_repaired: u64,
    /// Gaps proven absent.
    pub gaps_absent: u64,
    /// Whether it was given up.
    pub is_stopped: bool,
}

/// The bars of one threshold.
#[derive(Debug, Serialize)]
pub struct BarsJson {
    /// The threshold.
    pub threshold_decimal_bps: u32,
    /// How many were closed.
    pub bars: u64,
}

impl SummaryJson {
    /// The summary of `summary`.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        let symbol = |line: &crate::app::collect::SymbolSnapshot| SymbolJson {
            symbol: line.symbol.to_string(),
            first_agg_trade_id: (line.trades > 0).then_some(line.first_id),
            last_agg_trade_id: (line.trades > 0).then_some(line.next_id - 1),
            trades: line.trades,
            bars: line
                .bars
                .iter()
                .map(|(threshold, bars)| BarsJson {
                    threshold_decimal_bps: threshold.dbps(),
                    bars: *bars,
                })
                .collect(),
            duplicates: line.duplicates,
            overlapping: line.overlapping,
            disputed: line.disputed,
            unconfirmed: line.unconfirmed,
            hold_dropped: line.hold_dropped,
            gaps_repaired: line.gaps_repaired,
            gaps_absent: line.gaps_absent,
            is_stopped: line.phase == crate::app::collect::Phase::Stopped,
        };
        let shown = &summary.shown;
        Self {
            duration_ms: u64::try_from(summary.took.as_millis()).unwrap_or(u64::MAX),
            symbols: shown.symbols.iter().map(symbol).collect(),
            rows_delivered: shown.sink.published,
            published: shown.sink.published,
            buffered_to_disk: shown.totals.buffered_to_disk,
            flushed_from_buffer: shown.sink.flushed_from_buffer,
            insert_errors: InsertErrorsJson {
                retry: shown.sink.errors.retry,
                ambiguous: shown.sink.errors.ambiguous,
                configuration: shown.sink.errors.configuration,
                content: shown.sink.errors.content,
            },
            breaker: shown.sink.breaker.as_str(),
            breaker_trips: shown.sink.breaker_trips,
            spool_rows: summary.spool.rows,
            spool_size_bytes: summary.spool.size_bytes,
            spool_oldest_us: summary.spool.oldest_us,
            dead_rows: summary.spool.dead_rows,
            reconnects: shown.totals.reconnects,
            malformed: shown.totals.malformed,
            fallbacks: shown.totals.fallbacks,
        }
    }
}

/// The summary for people, as lines.
#[must_use]
pub fn text(summary: &Summary) -> String {
    let json = SummaryJson::of(summary);
    let seconds = summary.took.as_secs_f64();
    let mut text = format!("collected for {seconds:.1} s\n\n");
    let _ = writeln!(
        text,
        "{:<12} {:>10} {:>23} {:>22} {:>7}",
        "SYMBOL",
        "TRADES",
        "IDS",
        thresholds(&json),
        "GAPS"
    );
    for symbol in &json.symbols {
        let ids = match (symbol.first_agg_trade_id, symbol.last_agg_trade_id) {
            (Some(first), Some(last)) => format!("{first}-{last}"),
            _ => "-".to_owned(),
        };
        let bars: Vec<String> = symbol
            .bars
            .iter()
            .map(|bars| bars.bars.to_string())
            .collect();
        let _ = writeln!(
            text,
            "{:<12} {:>10} {:>23} {:>22} {:>7}",
            symbol.symbol,
            symbol.trades,
            ids,
            bars.join("/"),
            symbol.gaps_repaired + symbol.gaps_absent,
        );
    }
    let _ = write!(
        text,
        "\n{} rows delivered; {}; {} reconnects",
        json.rows_delivered,
        spooled(&summary.spool),
        json.reconnects
    );
    text
}

fn thresholds(json: &SummaryJson) -> String {
    let first = json.symbols.iter().find(|symbol| !symbol.bars.is_empty());
    let names: Vec<String> = first
        .map(|symbol| {
            symbol
                .bars
                .iter()
                .map(|b| b.threshold_decimal_bps.to_string())
                .collect()
        })
        .unwrap_or_default();
    format!("BARS {}", names.join("/"))
}
