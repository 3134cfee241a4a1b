//! Requests in words.

use crate::{
    domain::{
        backfill_request::{Place, RequestRow},
        words::span,
    },
    report::{table::grouped, words::one_line},
};

/// The longest symbol that is shown: anybody may have put in anything.
const SYMBOL_CHARS: usize = 32;

/// The symbol of a request, as far as it can be one.
pub(super) fn symbol(request: &RequestRow) -> String {
    one_line(&request.symbol)
        .chars()
        .take(SYMBOL_CHARS)
        .collect()
}

/// The threshold of a request in a column.
pub(super) fn dbps(request: &RequestRow) -> String {
    match request.threshold_dbps {
        0 => "all".to_owned(),
        dbps => dbps.to_string(),
    }
}

/// What a request is for: `BTCUSDT 250 dbps`, `BTCUSDT, all thresholds`.
pub(super) fn subject(request: &RequestRow) -> String {
    let symbol = symbol(request);
    match request.threshold_dbps {
        0 => format!("{symbol}, all thresholds"),
        dbps => format!("{symbol} {dbps} dbps"),
    }
}

/// Where a request stands, in a column.
pub(super) fn state(place: &Place) -> String {
    match place {
        Place::Queued { position } => format!("queued {position}"),
        Place::WatcherOffline { .. } => "no worker".to_owned(),
        Place::Running { .. } => "running".to_owned(),
        Place::Complete { .. } => "complete".to_owned(),
        Place::Failed { .. } => "failed".to_owned(),
        Place::Skipped { .. } => "skipped".to_owned(),
    }
}

/// Trades a second.
pub(super) fn rate(trades_per_s: Option<f64>) -> String {
    trades_per_s.map_or_else(String::new, |rate| {
        format!("{}/s", grouped(rate.round() as i64))
    })
}

/// How long something takes, in its two largest units.
pub(super) fn rough(us: Option<i64>) -> String {
    let Some(us) = us else {
        return String::new();
    };
    // Nobody wants to know the seconds of three days.
    let words = span(us);
    let words: Vec<&str> = words.split(' ').take(2).collect();
    words.join(" ")
}
