//! Reading back, piece by piece: each piece is a read of its own that starts behind the
//! last one, so no read holds a snapshot for long.

use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value};

use super::{errors::Failure, insert::GAP_COLUMNS, rows};
use crate::{
    domain::{
        row::{BarRow, GapRow, Series},
        symbol::Symbol,
    },
    store::{
        schema::BAR_COLUMNS,
        sink::{BarQuery, GapQuery},
    },
};

/// How many bars are handed over at once.
pub(super) const PIECE_ROWS: usize = 4096;

/// Conditions that rows must satisfy, with the values of their question marks.
#[derive(Default)]
struct Conditions {
    clauses: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, clause: &str, value: impl Into<Value>) {
        self.clauses.push(clause.to_owned());
        self.values.push(value.into());
    }

    fn any_of<V: Into<Value>>(&mut self, column: &str, values: impl ExactSizeIterator<Item = V>) {
        if values.len() > 0 {
            let marks = vec!["?"; values.len()].join(", ");
            self.clauses.push(format!("{column} IN ({marks})"));
            self.values.extend(values.map(Into::into));
        }
    }

    fn symbols(&mut self, symbols: &[Symbol]) {
        let texts = symbols.iter().map(|symbol| symbol.as_str().to_owned());
        self.any_of("symbol", texts);
    }

    fn times(&mut self, query: &BarQuery) {
        if let Some(since_us) = query.since_us {
            self.add("open_time >= ?", since_us);
        }
        if let Some(until_us) = query.until_us {
            self.add("open_time < ?", until_us);
        }
    }

    fn of_series(series: &Series) -> Self {
        let mut conditions = Self::default();
        conditions.add("exchange = ?", series.exchange.to_string());
        conditions.add("symbol = ?", series.symbol.as_str().to_owned());
        conditions.add("threshold_decimal_bps = ?", series.threshold.dbps());
        conditions.add("anchor = ?", series.anchor.as_str().to_owned());
        conditions
    }

    /// `{select} WHERE … {rest}`.
    fn sql(&self, select: &str, rest: &str) -> String {
        if self.clauses.is_empty() {
            format!("{select} {rest}")
        } else {
            format!("{select} WHERE {} {rest}", self.clauses.join(" AND "))
        }
    }

    fn exists(&self, connection: &Connection, table: &str) -> Result<bool, Failure> {
        let sql = self.sql(&format!("SELECT 1 FROM {table}"), "LIMIT 1");
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.exists(params_from_iter(&self.values))?)
    }
}

/// The series that have bars that `query` asks for, sorted.
pub(super) fn series(connection: &Connection, query: &BarQuery) -> Result<Vec<Series>, Failure> {
    let mut found = Vec::new();
    let mut last: Option<Series> = None;
    // One step in the key's index from each series to the next, however many bars it has.
    while let Some(series) = next_series(connection, last.as_ref())? {
        let is_wanted = (query.exchange.as_deref()).is_none_or(|name| *name == *series.exchange)
            && (query.symbols.is_empty() || query.symbols.contains(&series.symbol))
            && (query.thresholds.is_empty() || query.thresholds.contains(&series.threshold))
            && query.anchor.is_none_or(|anchor| anchor == series.anchor);
        if is_wanted {
            let mut conditions = Conditions::of_series(&series);
            conditions.times(query);
            if conditions.exists(connection, "bars_current")? {
                found.push(series.clone());
            }
        }
        last = Some(series);
    }
    found.sort();
    Ok(found)
}

fn next_series(connection: &Connection, last: Option<&Series>) -> Result<Option<Series>, Failure> {
    const KEY: &str = "exchange, symbol, threshold_decimal_bps, anchor";
    let (filter, values) = match last {
        None => ("", Vec::new()),
        Some(last) => {
            let values: Vec<Value> = vec![
                last.exchange.to_string().into(),
                last.symbol.as_str().to_owned().into(),
                last.threshold.dbps().into(),
                last.anchor.as_str().to_owned().into(),
                i64::MAX.into(),
            ];
            // The id behind the series' last one: without it the whole series is scanned.
            (
                "WHERE (exchange, symbol, threshold_decimal_bps, anchor, first_agg_trade_id) \
                 > (?, ?, ?, ?, ?)",
                values,
            )
        }
    };
    let sql = format!("SELECT {KEY} FROM bars {filter} ORDER BY {KEY} LIMIT 1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(values))?;
    found.next()?.map(rows::series).transpose()
}

/// The first id of the oldest of the `newest` newest bars; none when there are not more.
pub(super) fn oldest_of_newest(
    connection: &Connection,
    series: &Series,
    query: &BarQuery,
    newest: u64,
) -> Result<Option<i64>, Failure> {
    let mut conditions = Conditions::of_series(series);
    conditions.times(query);
    let skipped = i64::try_from(newest.saturating_sub(1)).unwrap_or(i64::MAX);
    let sql = conditions.sql(
        "SELECT first_agg_trade_id FROM bars_current",
        &format!("ORDER BY first_agg_trade_id DESC LIMIT 1 OFFSET {skipped}"),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let id = statement.query_row(params_from_iter(conditions.values), |row| row.get(0));
    Ok(id.optional()?)
}

/// The next bars of a series in id order, from `from_id` on; fewer than [`PIECE_ROWS`]
/// are the last ones.
pub(super) fn piece(
    connection: &Connection,
    series: &Series,
    query: &BarQuery,
    from_id: i64,
) -> Result<Vec<BarRow>, Failure> {
    let mut conditions = Conditions::of_series(series);
    conditions.add("first_agg_trade_id >= ?", from_id);
    conditions.times(query);
    let rest = format!("ORDER BY first_agg_trade_id LIMIT {PIECE_ROWS}");
    bars(connection, series, &conditions, &rest)
}

/// The last bar of a series.
pub(super) fn last_bar(
    connection: &Connection,
    series: &Series,
) -> Result<Option<BarRow>, Failure> {
    let conditions = Conditions::of_series(series);
    let rest = "ORDER BY first_agg_trade_id DESC LIMIT 1";
    Ok(bars(connection, series, &conditions, rest)?.pop())
}

fn bars(
    connection: &Connection,
    series: &Series,
    conditions: &Conditions,
    rest: &str,
) -> Result<Vec<BarRow>, Failure> {
    let select = format!("SELECT {} FROM bars_current", BAR_COLUMNS.join(", "));
    let mut statement = connection.prepare_cached(&conditions.sql(&select, rest))?;
    let mut found = statement.query(params_from_iter(&conditions.values))?;
    let mut bars = Vec::new();
    while let Some(row) = found.next()? {
        bars.push(rows::bar(row, series)?);
    }
    Ok(bars)
}

/// The current gaps, by exchange, symbol and ids.
pub(super) fn gaps(connection: &Connection, query: &GapQuery) -> Result<Vec<GapRow>, Failure> {
    let mut conditions = Conditions::default();
    if let Some(exchange) = &query.exchange {
        conditions.add("exchange = ?", exchange.clone());
    }
    conditions.symbols(&query.symbols);
    let sql = conditions.sql(
        &format!("SELECT {} FROM gaps", GAP_COLUMNS.join(", ")),
        "ORDER BY exchange, symbol, first_id, last_id",
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(&conditions.values))?;
    let mut gaps = Vec::new();
    while let Some(row) = found.next()? {
        gaps.push(rows::gap(row)?);
    }
    Ok(gaps)
}
