//! Rows as they stand in a store, before anybody trusts them.

use super::{
    BarRow, GapRow, Series, Table,
    columns::{BAR_COLUMNS, KEY_COLUMNS, OWN_COLUMNS},
};
use crate::domain::{
    bar::Bar,
    price::{Decimal, Price},
};

/// A bar as a store holds it: with the columns that its other columns imply.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredBar {
    /// The bar, made of the columns that imply the others.
    pub row: BarRow,
    /// The others, as they are stored.
    pub implied: ImpliedColumns,
}

/// The columns of a bar that follow from others by adding or subtracting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImpliedColumns {
    /// The sum of both sides' volumes, in 1e-8.
    pub volume: i128,
    /// The sum of both sides' turnovers, in 1e-16.
    pub turnover: i128,
    /// The sum of both sides' individual trades.
    pub trade_count: u64,
    /// From opening to closing, in µs.
    pub duration_us: i64,
}

/// A stored column that is not what the others make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The column.
    pub column: &'static str,
    /// What is stored.
    pub stored: String,
    /// What the other columns imply.
    pub implied: String,
}

impl StoredBar {
    /// Every column that is not what the others imply.
    pub fn differences(&self) -> impl Iterator<Item = Difference> {
        let (bar, stored) = (&self.row.bar, &self.implied);
        // Times of a damaged row may be as far apart as an i64 reaches, twice.
        let duration_us = i128::from(bar.close_time_us) - i128::from(bar.open_time_us);
        [
            ("volume", 8, stored.volume, bar.sums.volume()),
            ("turnover", 16, stored.turnover, bar.sums.turnover()),
            (
                "trade_count",
                0,
                stored.trade_count.into(),
                bar.sums.trade_count().into(),
            ),
            ("duration_us", 0, stored.duration_us.into(), duration_us),
        ]
        .into_iter()
        .filter(|(_, _, stored, implied)| stored != implied)
        .map(|(column, digits, stored, implied)| {
            let text = |units: i128| match digits {
                0 => units.to_string(),
                digits => Decimal { units, digits }.to_string(),
            };
            Difference {
                column,
                stored: text(stored),
                implied: text(implied),
            }
        })
    }

    /// The first column behind the key that `other` has another value in, with both values.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let columns = BAR_COLUMNS[KEY_COLUMNS..OWN_COLUMNS].iter();
        let values = self.values().into_iter().zip(other.values());
        columns
            .zip(values)
            .find(|(_, (mine, others))| mine != others)
            .map(|(column, (mine, others))| (column.name, mine, others))
    }

    /// What the columns behind the key hold, so that other bits are another text.
    fn values(&self) -> Vec<String> {
        let (bar, implied) = (&self.row.bar, &self.implied);
        let sums = &bar.sums;
        let decimal = |units: i128, digits| Decimal { units, digits }.to_string();
        let price = |price: Price| decimal(price.0.into(), 8);
        let mut values = vec![
            bar.last_agg_trade_id.to_string(),
            bar.first_trade_id.to_string(),
            bar.last_trade_id.to_string(),
            bar.open_time_us.to_string(),
            bar.close_time_us.to_string(),
            price(bar.open),
            price(bar.high),
            price(bar.low),
            price(bar.close),
            price(bar.vwap),
            decimal(implied.volume, 8),
            decimal(sums.buy_volume(), 8),
            decimal(sums.sell_volume(), 8),
            decimal(implied.turnover, 16),
            decimal(sums.buy_turnover(), 16),
            decimal(sums.sell_turnover(), 16),
            implied.trade_count.to_string(),
            sums.buy_trade_count().to_string(),
            sums.sell_trade_count().to_string(),
            sums.agg_trade_count().to_string(),
            implied.duration_us.to_string(),
        ];
        values.extend(bar.features.columns().map(|(_, value)| {
            if value.is_nan() {
                format!("NaN ({:016x})", value.to_bits())
            } else {
                format!("{value:?}")
            }
        }));
        values.push(bar.closed_by.as_str().to_owned());
        values
    }

    /// The bar, if its columns agree.
    ///
    /// # Errors
    /// When a column is not what the others imply.
    pub fn trusted(self) -> Result<BarRow, UnreadableRow> {
        let Some(difference) = self.differences().next() else {
            return Ok(self.row);
        };
        let bar = &self.row.bar;
        Err(UnreadableRow {
            table: Table::Bars,
            key: bar_key(
                &self.row.exchange,
                self.row.symbol.as_str(),
                bar.threshold,
                self.row.anchor.as_str(),
                bar.first_agg_trade_id,
            ),
            place: Some(Box::new(Place {
                series: self.row.series(),
                first_id: Some(bar.first_agg_trade_id),
                last_id: Some(bar.last_agg_trade_id),
                open_time_us: Some(bar.open_time_us),
            })),
            column: difference.column,
            reason: format!(
                "it is {}, and the other columns imply {}",
                difference.stored, difference.implied
            ),
        })
    }
}

impl ImpliedColumns {
    /// What the other columns of `bar` imply.
    #[must_use]
    pub fn of(bar: &Bar) -> Self {
        Self {
            volume: bar.sums.volume(),
            turnover: bar.sums.turnover(),
            trade_count: bar.sums.trade_count(),
            duration_us: bar.close_time_us.wrapping_sub(bar.open_time_us),
        }
    }
}

impl From<BarRow> for StoredBar {
    /// The bar as it should be stored.
    fn from(row: BarRow) -> Self {
        let implied = ImpliedColumns::of(&row.bar);
        Self { row, implied }
    }
}

/// A row that is there and cannot be what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the row {key} of {table}: its column {column}: {reason}", table = table.as_str())]
pub struct UnreadableRow {
    /// The table that it is in.
    pub table: Table,
    /// Its key, as it is stored.
    pub key: String,
    /// Where a bar belongs; none for other rows, and when its series cannot be read.
    pub place: Option<Box<Place>>,
    /// The column that cannot be.
    pub column: &'static str,
    /// Why not.
    pub reason: String,
}

/// Where a bar that cannot be read belongs, as far as that can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its series.
    pub series: Series,
    /// Its first aggregate id.
    pub first_id: Option<i64>,
    /// Its last aggregate id.
    pub last_id: Option<i64>,
    /// When it opened, in µs.
    pub open_time_us: Option<i64>,
}

/// A bar as it is stored, or what is wrong with it.
pub type BarRead = Result<StoredBar, UnreadableRow>;

/// A gap as it is stored, or what is wrong with it.
pub type GapRead = Result<GapRow, UnreadableRow>;

/// The key of a bar in words.
#[must_use]
pub fn bar_key(
    exchange: &str,
    symbol: &str,
    threshold: impl std::fmt::Display,
    anchor: &str,
    first_id: impl std::fmt::Display,
) -> String {
    format!("({exchange}, {symbol}, {threshold}, {anchor}, {first_id})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        anchor::Anchor,
        ladder::{Ladder, Rules},
        price::{Price, Quantity},
        threshold::Threshold,
        trade::Trade,
    };

    fn stored() -> StoredBar {
        let mut ladder = Ladder::new(Rules {
            anchor: Anchor::Day,
            gate: true,
        });
        ladder.start(Threshold::new(250).expect("a threshold"), 1);
        let mut bars = Vec::new();
        for (id, price) in [(1, 1000), (2, 2000)] {
            let trade = Trade {
                id,
                price: Price(price),
                quantity: Quantity(5),
                first_trade_id: id,
                last_trade_id: id,
                time_us: id,
                buyer_is_maker: id == 1,
            };
            ladder.push(&trade, &mut bars).expect("in order");
        }
        StoredBar::from(BarRow {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            anchor: Anchor::Day,
            bar: bars.remove(0),
            version: 1,
            is_deleted: false,
        })
    }

    #[test]
    fn columns_that_others_imply_are_compared_with_them() {
        assert_eq!(stored().differences().collect::<Vec<_>>(), []);
        let mut altered = stored();
        altered.implied.volume += 1;
        altered.implied.duration_us = i64::MIN;
        altered.row.bar.open_time_us = i64::MIN;
        altered.row.bar.close_time_us = i64::MAX;
        let found: Vec<_> = altered
            .differences()
            .map(|difference| (difference.column, difference.stored, difference.implied))
            .collect();
        assert_eq!(
            found,
            [
                ("volume", "0.00000011".to_owned(), "0.00000010".to_owned()),
                ("duration_us", i64::MIN.to_string(), u64::MAX.to_string()),
            ]
        );
    }

    #[test]
    fn a_bar_whose_columns_disagree_is_not_trusted() {
        assert_eq!(stored().trusted(), Ok(stored().row));
        let mut altered = stored();
        altered.implied.trade_count = 7;
        let error = altered.trusted().expect_err("no bar");
        assert_eq!(
            error.to_string(),
            "read the row (sim, BTCUSDT, 250, day, 1) of bars: its column trade_count: \
             it is 7, and the other columns imply 2"
        );
    }
}
