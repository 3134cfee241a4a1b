//! The columns of `bars`: the one list that every form of a bar goes by.

/// What a column of `bars` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A name from a small set: the exchange, the symbol, the anchor.
    Name,
    /// A threshold in decimal basis points.
    Threshold,
    /// An id of an aggregate or an individual trade.
    Id,
    /// A time in µs since 1970 UTC.
    Time,
    /// A price: a decimal with 8 digits after the point, in 64 bits.
    Price,
    /// A volume: a decimal with 8 digits after the point, in 128 bits.
    Volume,
    /// A turnover: a decimal with 16 digits after the point, in 128 bits.
    Turnover,
    /// A count of trades.
    Count,
    /// A span of time in µs.
    Duration,
    /// A feature: an f64.
    Feature,
    /// Why the bar was closed.
    ClosedBy,
    /// The version of the row.
    Version,
    /// Whether the row is a tombstone.
    Tombstone,
}

impl ColumnKind {
    /// How many digits stand after the point of a decimal; none for what is no decimal.
    #[must_use]
    pub const fn digits(self) -> Option<usize> {
        match self {
            Self::Price | Self::Volume => Some(8),
            Self::Turnover => Some(16),
            _ => None,
        }
    }
}

/// A column of `bars`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarColumn {
    /// Its name, in the store and in everything that is printed.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
}

const fn column(name: &'static str, kind: ColumnKind) -> BarColumn {
    BarColumn { name, kind }
}

/// How many columns name a bar: no two bars have the same values there.
pub const KEY_COLUMNS: usize = 5;

/// How many columns are a bar's own: what follows them says how the row is kept.
pub const OWN_COLUMNS: usize = 36;

/// The columns, in the order in which they are stored, sent and printed.
pub const BAR_COLUMNS: [BarColumn; 38] = {
    use ColumnKind::{
        ClosedBy, Count, Duration, Feature, Id, Name, Price, Threshold, Time, Tombstone, Turnover,
        Version, Volume,
    };
    [
        column("exchange", Name),
        column("symbol", Name),
        column("threshold_decimal_bps", Threshold),
        column("anchor", Name),
        column("first_agg_trade_id", Id),
        column("last_agg_trade_id", Id),
        column("first_trade_id", Id),
        column("last_trade_id", Id),
        column("open_time", Time),
        column("close_time", Time),
        column("open", Price),
        column("high", Price),
        column("low", Price),
        column("close", Price),
        column("vwap", Price),
        column("volume", Volume),
        column("buy_volume", Volume),
        column("sell_volume", Volume),
        column("turnover", Turnover),
        column("buy_turnover", Turnover),
        column("sell_turnover", Turnover),
        column("trade_count", Count),
        column("buy_trade_count", Count),
        column("sell_trade_count", Count),
        column("agg_trade_count", Count),
        column("duration_us", Duration),
        column("ofi", Feature),
        column("vwap_close_deviation", Feature),
        column("price_impact", Feature),
        column("kyle_lambda_proxy", Feature),
        column("trade_intensity", Feature),
        column("volume_per_trade", Feature),
        column("aggression_ratio", Feature),
        column("aggregation_density", Feature),
        column("turnover_imbalance", Feature),
        column("closed_by", ClosedBy),
        column("version", Version),
        column("is_deleted", Tombstone),
    ]
};

/// The names of the columns, in their order.
pub fn bar_column_names() -> impl ExactSizeIterator<Item = &'static str> + Clone {
    BAR_COLUMNS.iter().map(|column| column.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::features::Features;

    #[test]
    fn the_key_the_features_and_what_keeps_the_row_stand_where_they_are_looked_for() {
        let names: Vec<_> = bar_column_names().collect();
        assert_eq!(names[KEY_COLUMNS - 1], "first_agg_trade_id");
        assert_eq!(names[OWN_COLUMNS..], ["version", "is_deleted"]);
        let features: Vec<_> = BAR_COLUMNS
            .iter()
            .filter(|column| column.kind == ColumnKind::Feature)
            .map(|column| column.name)
            .collect();
        assert_eq!(
            features,
            Features::default().columns().map(|(name, _)| name)
        );
    }
}
