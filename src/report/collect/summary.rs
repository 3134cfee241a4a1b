//! What a run of collecting came to.

use std::fmt::Write as _;

use serde::Serialize;

use crate::app::collect::{Link, Phase, Summary, SymbolSnapshot};

use super::{
    bars,
    columns::{self, Column},
    counters,
    heartbeat::{spooled, state},
};

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
    /// How far it was: starting, fetching, live or stopped.
    pub state: &'static str,
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
        let symbol = |line: &SymbolSnapshot| SymbolJson {
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
            state: match line.phase {
                Phase::Starting => "starting",
                Phase::CatchingUp => "fetching",
                Phase::Live => "live",
                Phase::Stopped => "stopped",
            },
            duplicates: line.duplicates,
            overlapping: line.overlapping,
            disputed: line.disputed,
            unconfirmed: line.unconfirmed,
            hold_dropped: line.hold_dropped,
            gaps_repaired: line.gaps_repaired,
            gaps_absent: line.gaps_absent,
            is_stopped: line.phase == Phase::Stopped,
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

/// The summary for people, as lines within `width` characters.
#[must_use]
pub fn text(summary: &Summary, width: usize) -> String {
    let shown = &summary.shown;
    let symbols: Vec<&SymbolSnapshot> = shown.symbols.iter().collect();
    let each = || symbols.iter().copied();
    let mut parts = vec![
        Column::words("SYMBOL", 7, each().map(|symbol| symbol.symbol.to_string())),
        Column::number("TRADES", 7, each().map(|symbol| symbol.trades.to_string())),
        Column::number("IDS", 0, each().map(ids)),
        bars::by_threshold(&symbols),
        Column::number("GAPS", 0, each().map(gaps)),
    ];
    if columns::width(&parts) > width {
        parts[3] = bars::in_all(&symbols);
    }
    let mut text = format!("collected for {:.1} s\n\n", summary.took.as_secs_f64());
    for line in columns::lines(&parts) {
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(
        text,
        "\n{} rows delivered; {}",
        shown.sink.published,
        spooled(&summary.spool),
    );
    let counters = counters::sentence(shown);
    if !counters.is_empty() {
        let _ = write!(text, "\n{counters}");
    }
    let behind: Vec<String> = each()
        .filter(|symbol| symbol.phase != Phase::Live)
        .map(|symbol| format!("{} ({})", symbol.symbol, unfinished(symbol)))
        .collect();
    if !behind.is_empty() {
        let _ = write!(text, "\nnot up to date: {}", wrapped(&behind, width));
        if symbols
            .iter()
            .any(|symbol| symbol.phase != Phase::Live && symbol.phase != Phase::Stopped)
        {
            text.push_str("\nthe next run goes on from there");
        }
    }
    text
}

/// Why a symbol is not up to date.
fn unfinished(symbol: &SymbolSnapshot) -> String {
    match symbol.phase {
        Phase::Starting => "not begun".to_owned(),
        // The connection is over by now; how far it was is what counts.
        Phase::CatchingUp => {
            let mut symbol = symbol.clone();
            symbol.link = Link::Up;
            state(&symbol)
        }
        Phase::Live | Phase::Stopped => state(symbol),
    }
}

/// The words with commas, broken into lines of at most `width` characters if possible.
fn wrapped(words: &[String], width: usize) -> String {
    let mut text = String::new();
    let mut column = "not up to date: ".len();
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        let size = word.chars().count() + comma.len();
        if index > 0 {
            if column + 1 + size > width {
                text.push_str("\n  ");
                column = 2;
            } else {
                text.push(' ');
                column += 1;
            }
        }
        text.push_str(word);
        text.push_str(comma);
        column += size;
    }
    text
}

fn ids(symbol: &SymbolSnapshot) -> String {
    if symbol.trades > 0 {
        format!("{}-{}", symbol.first_id, symbol.next_id - 1)
    } else {
        "-".to_owned()
    }
}

fn gaps(symbol: &SymbolSnapshot) -> String {
    (symbol.gaps_repaired + symbol.gaps_absent).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{app::collect::snapshot::Shown, domain::threshold::Threshold, journal::SpoolStats};

    fn summary(count: usize, thresholds: u32) -> Summary {
        let symbols = (0..count).map(|number| {
            let name = format!("COIN{number:02}USDT");
            let mut symbol = SymbolSnapshot::new(name.parse().expect("a symbol"));
            symbol.phase = Phase::Live;
            (symbol.first_id, symbol.trades) = (17_953_056_000, 142_000);
            symbol.next_id = 17_953_198_000;
            symbol.bars = (1..=thresholds)
                .map(|n| (Threshold::new(n * 250).expect("a threshold"), 1234))
                .collect();
            symbol
        });
        Summary {
            shown: Shown {
                symbols: symbols.collect(),
                ..Shown::default()
            },
            spool: SpoolStats::default(),
            took: Duration::from_millis(4100),
        }
    }

    #[test]
    fn it_fits_80_columns_however_much_there_is() {
        for (count, thresholds) in [(1, 1), (1, 4), (32, 8), (32, 32)] {
            let mut summary = summary(count, thresholds);
            for symbol in &mut summary.shown.symbols {
                symbol.phase = Phase::CatchingUp;
            }
            let text = text(&summary, 80);
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
            assert!(text.lines().count() >= count + 6, "{text}");
        }
    }

    #[test]
    fn it_says_what_did_not_go_as_it_should() {
        let mut summary = summary(2, 2);
        summary.shown.totals.malformed = 2;
        let symbol = &mut summary.shown.symbols[1];
        symbol.phase = Phase::CatchingUp;
        (symbol.duplicates, symbol.newest_id) = (1, 17_953_056_000 + 283_999);
        assert_eq!(
            text(&summary, 80),
            "collected for 4.1 s\n\n\
             SYMBOL       TRADES                      IDS  BARS 250/500  GAPS\n\
             COIN00USDT   142000  17953056000-17953197999     1234/1234     0\n\
             COIN01USDT   142000  17953056000-17953197999     1234/1234     0\n\n\
             0 rows delivered; spool 0 rows, 0 B\n\
             1 duplicate dropped, 2 malformed messages\n\
             not up to date: COIN01USDT (fetch 50%)\n\
             the next run goes on from there"
        );
    }
}
