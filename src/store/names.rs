//! What a series is called in a store, before it is known to be one.

use std::collections::BTreeMap;

use crate::{
    domain::{
        breaker::BreakerState,
        digest::Digest,
        row::{
            Series, Table, UnreadableRow,
            stored::{Place, bar_key},
        },
        symbol::Symbol,
        threshold::Threshold,
    },
    store::sink::BarQuery,
};

/// The columns that name a series, as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeriesNames {
    pub(super) exchange: String,
    pub(super) symbol: String,
    pub(super) threshold: String,
    pub(super) anchor: String,
}

impl SeriesNames {
    /// The series of these names.
    ///
    /// # Errors
    /// When no series of ours is called so.
    pub(super) fn series(&self) -> Result<Series, UnreadableRow> {
        let unreadable = |column, reason: String| UnreadableRow {
            table: Table::Bars,
            key: bar_key(
                &self.exchange,
                &self.symbol,
                &self.threshold,
                &self.anchor,
                "any id",
            ),
            place: None,
            column,
            reason,
        };
        Ok(Series {
            exchange: self.exchange.as_str().into(),
            symbol: symbol(&self.symbol).map_err(|reason| unreadable("symbol", reason))?,
            threshold: self
                .threshold
                .parse::<Threshold>()
                .map_err(|error| unreadable("threshold_decimal_bps", error.to_string()))?,
            anchor: self
                .anchor
                .parse()
                .map_err(|error| unreadable("anchor", format!("{error}")))?,
        })
    }

    /// Whether `query` asks for bars under these names.
    pub(super) fn are_asked_for(&self, query: &BarQuery) -> bool {
        let is_symbol = |symbol: &Symbol| symbol.as_str().eq_ignore_ascii_case(&self.symbol);
        let is_threshold = |threshold: &Threshold| threshold.to_string() == self.threshold;
        (query.exchange.as_ref()).is_none_or(|exchange| *exchange == self.exchange)
            && (query.symbols.is_empty() || query.symbols.iter().any(is_symbol))
            && (query.thresholds.is_empty() || query.thresholds.iter().any(is_threshold))
            && (query.anchor).is_none_or(|anchor| anchor.as_str() == self.anchor)
    }
}

/// A symbol that is spelt as ours are: another spelling would not be found again.
///
/// # Errors
/// What is wrong with it.
pub(super) fn symbol(text: &str) -> Result<Symbol, String> {
    match text.parse::<Symbol>() {
        Ok(symbol) if symbol.as_str() == text => Ok(symbol),
        Ok(_) => Err(format!("'{text}' is not in upper case")),
        Err(error) => Err(error.to_string()),
    }
}

/// The state of a breaker.
///
/// # Errors
/// What is wrong with the word.
pub(super) fn breaker(text: &str) -> Result<BreakerState, String> {
    BreakerState::named(text)
        .ok_or_else(|| format!("'{text}' is not a breaker's state: closed, open, half-open are"))
}

/// Digests by their thresholds.
///
/// # Errors
/// What is wrong with a threshold.
pub(super) fn digests(
    by_dbps: impl IntoIterator<Item = (u32, String)>,
) -> Result<BTreeMap<Threshold, Digest>, String> {
    by_dbps
        .into_iter()
        .map(|(dbps, text)| Threshold::new(dbps).map(|threshold| (threshold, Digest(text))))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

/// Something of a bar of `series` that cannot be.
pub(super) fn unreadable_bar(
    series: &Series,
    key: impl std::fmt::Display,
    place: Place,
    column: &'static str,
    reason: String,
) -> UnreadableRow {
    UnreadableRow {
        table: Table::Bars,
        key: bar_key(
            &series.exchange,
            series.symbol.as_str(),
            series.threshold,
            series.anchor.as_str(),
            key,
        ),
        place: Some(Box::new(place)),
        column,
        reason,
    }
}

/// Puts series in the order in which their bars are handed over.
pub(super) fn put_in_order(series: &mut [Series]) {
    series.sort_by(|a, b| {
        let key = |series: &Series| (series.anchor, series.threshold);
        (&a.exchange, &a.symbol, key(a)).cmp(&(&b.exchange, &b.symbol, key(b)))
    });
}
