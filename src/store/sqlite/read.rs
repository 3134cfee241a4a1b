//! Reading back, piece by piece: each piece is a read of its own that starts behind the
//! last one, so no read holds a snapshot for long.

use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value};

use super::{
    errors::Failure,
    insert::{EVENT_COLUMNS, GAP_COLUMNS},
    rows, values,
};
use crate::{
    domain::{
        row::{BarRead, EventRow, GapRead, KEY_COLUMNS, Series, UnreadableRow, bar_column_names},
        symbol::Symbol,
    },
    store::{
        names::SeriesNames,
        sink::{BarQuery, EventQuery, GapQuery, SymbolIds},
    },
};

/// How many bars are handed over at once.
pub(super) const PIECE_ROWS: usize = 4096;

/// Conditions that rows must satisfy, with the values of their question marks.
#[derive(Default)]
pub(super) struct Conditions {
    clauses: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Conditions {
    pub(super) fn add(&mut self, clause: &str, value: impl Into<Value>) {
        self.clauses.push(clause.to_owned());
        self.values.push(value.into());
    }

    /// One of `values`; anything when there are none.
    pub(super) fn any_of<V: Into<Value>>(
        &mut self,
        column: &str,
        values: impl ExactSizeIterator<Item = V>,
    ) {
        if values.len() > 0 {
            let marks = vec!["?"; values.len()].join(", ");
            self.clauses.push(format!("{column} IN ({marks})"));
            self.values.extend(values.map(Into::into));
        }
    }

    pub(super) fn symbols(&mut self, symbols: &[Symbol]) {
        let texts = symbols.iter().map(|symbol| symbol.as_str().to_owned());
        self.any_of("symbol", texts);
    }

    fn times(&mut self, query: &BarQuery) {
        self.between("open_time", query.since_us, query.until_us);
    }

    /// From the first time on, and before the second.
    pub(super) fn between(&mut self, column: &str, since_us: Option<i64>, until_us: Option<i64>) {
        for (bound, time_us) in [(">=", since_us), ("<", until_us)] {
            if let Some(time_us) = time_us {
                self.add(&format!("{column} {bound} ?"), time_us);
            }
        }
    }

    fn of_series(series: &Series) -> Self {
        Self::of_key(&[
            series.exchange.to_string().into(),
            series.symbol.as_str().to_owned().into(),
            series.threshold.dbps().into(),
            series.anchor.as_str().to_owned().into(),
        ])
    }

    /// The bars of one series, whatever its names are.
    fn of_key(key: &SeriesKey) -> Self {
        let mut conditions = Self::default();
        for (column, value) in bar_column_names().zip(key) {
            conditions.add(&format!("{column} = ?"), value.clone());
        }
        conditions
    }

    /// `{select} WHERE … {rest}`.
    pub(super) fn sql(&self, select: &str, rest: &str) -> String {
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

/// How many columns name a series.
const SERIES_COLUMNS: usize = KEY_COLUMNS - 1;

/// The values that name a series, whatever they are.
type SeriesKey = [Value; SERIES_COLUMNS];

/// The series that have bars that `query` asks for, sorted; and those of them whose names
/// cannot be read.
pub(super) fn series(
    connection: &Connection,
    query: &BarQuery,
) -> Result<(Vec<Series>, Vec<UnreadableRow>), Failure> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    let mut last: Option<SeriesKey> = None;
    // One step in the key's index from each series to the next, however many bars it has.
    while let Some(key) = next_series(connection, last.as_ref())? {
        let [exchange, symbol, threshold, anchor] = key.each_ref().map(text);
        let names = SeriesNames {
            exchange,
            symbol,
            threshold,
            anchor,
        };
        if names.are_asked_for(query) {
            let mut conditions = Conditions::of_key(&key);
            conditions.times(query);
            if conditions.exists(connection, "bars_current")? {
                match names.series() {
                    Ok(series) => found.push(series),
                    Err(fault) => unreadable.push(fault),
                }
            }
        }
        last = Some(key);
    }
    found.sort();
    Ok((found, unreadable))
}

/// A name as a text; what is no text is shown as it is.
fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => values::shown(other.into()),
    }
}

fn next_series(
    connection: &Connection,
    last: Option<&SeriesKey>,
) -> Result<Option<SeriesKey>, Failure> {
    const KEY: &str = "exchange, symbol, threshold_decimal_bps, anchor";
    // An id may be anything that SQLite can hold: the series is left behind by its names.
    let steps = match last {
        None => vec![(String::new(), Vec::new())],
        // First to the next anchor of the same threshold, then to the next threshold, …:
        // each is one search in the index, where a comparison of all four would scan.
        Some(last) => (0..SERIES_COLUMNS)
            .rev()
            .map(|place| {
                let clauses: Vec<_> = bar_column_names()
                    .take(place + 1)
                    .enumerate()
                    .map(|(index, column)| {
                        let sign = if index == place { ">" } else { "=" };
                        format!("{column} {sign} ?")
                    })
                    .collect();
                let filter = format!("WHERE {}", clauses.join(" AND "));
                (filter, last[..=place].to_vec())
            })
            .collect(),
    };
    for (filter, values) in steps {
        let sql = format!("SELECT {KEY} FROM bars {filter} ORDER BY {KEY} LIMIT 1");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        if let Some(row) = found.next()? {
            let mut key = [const { Value::Null }; SERIES_COLUMNS];
            for (index, value) in key.iter_mut().enumerate() {
                *value = row.get(index)?;
            }
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The first id of the oldest of the `newest` newest bars; none when there are not more.
pub(super) fn oldest_of_newest(
    connection: &Connection,
    series: &Series,
    query: &BarQuery,
    newest: u64,
) -> Result<Option<Value>, Failure> {
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

/// Where a piece of bars begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Start {
    /// With the first bar.
    First,
    /// With this first id. It is a value like any other: what is no id is a fault to find.
    With(Value),
    /// Behind this first id.
    Behind(Value),
}

/// The next bars of a series in id order; and where to go on, unless these are the last.
pub(super) fn piece(
    connection: &Connection,
    series: &Series,
    query: &BarQuery,
    start: &Start,
) -> Result<(Vec<BarRead>, Option<Start>), Failure> {
    let mut conditions = Conditions::of_series(series);
    match start {
        Start::First => {}
        Start::With(id) => conditions.add("first_agg_trade_id >= ?", id.clone()),
        Start::Behind(id) => conditions.add("first_agg_trade_id > ?", id.clone()),
    }
    conditions.times(query);
    let rest = format!("ORDER BY first_agg_trade_id LIMIT {PIECE_ROWS}");
    let (bars, last_id) = bars(connection, series, &conditions, &rest)?;
    let next = last_id
        .filter(|_| bars.len() == PIECE_ROWS)
        .map(Start::Behind);
    Ok((bars, next))
}

/// The last bar of a series.
pub(super) fn last_bar(
    connection: &Connection,
    series: &Series,
) -> Result<Option<BarRead>, Failure> {
    let conditions = Conditions::of_series(series);
    let rest = "ORDER BY first_agg_trade_id DESC LIMIT 1";
    Ok(bars(connection, series, &conditions, rest)?.0.pop())
}

/// Bars, and the first id of the last one.
fn bars(
    connection: &Connection,
    series: &Series,
    conditions: &Conditions,
    rest: &str,
) -> Result<(Vec<BarRead>, Option<Value>), Failure> {
    let columns: Vec<_> = bar_column_names().collect();
    let select = format!("SELECT {} FROM bars_current", columns.join(", "));
    let mut statement = connection.prepare_cached(&conditions.sql(&select, rest))?;
    let mut found = statement.query(params_from_iter(&conditions.values))?;
    let (mut bars, mut last_id) = (Vec::new(), None);
    while let Some(row) = found.next()? {
        bars.push(rows::bar(row, series));
        last_id = Some(row.get(KEY_COLUMNS - 1)?);
    }
    Ok((bars, last_id))
}

/// The current gaps, by exchange, symbol and ids.
pub(super) fn gaps(connection: &Connection, query: &GapQuery) -> Result<Vec<GapRead>, Failure> {
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
        gaps.push(rows::gap(row));
    }
    Ok(gaps)
}

/// Events by time, each as it is stored or what is wrong with it.
pub(super) fn events(
    connection: &Connection,
    query: &EventQuery,
) -> Result<Vec<Result<EventRow, UnreadableRow>>, Failure> {
    let mut conditions = Conditions::default();
    if let Some(collector) = &query.collector {
        conditions.add("collector = ?", collector.clone());
    }
    conditions.any_of("symbol", query.symbols.iter().cloned());
    conditions.any_of("code", query.codes.iter().cloned());
    if let Some(since_us) = query.since_us {
        conditions.add("time >= ?", since_us);
    }
    if let Some(until_us) = query.until_us {
        conditions.add("time < ?", until_us);
    }
    let columns = EVENT_COLUMNS.join(", ");
    // With max() the other columns are those of the row that it comes from.
    let (columns, group) = if query.last_of_each {
        let columns = columns.replace("time", "max(time) AS time");
        (columns, "GROUP BY collector, symbol, code ")
    } else {
        (columns, "")
    };
    let sql = conditions.sql(
        &format!("SELECT {columns} FROM events"),
        &format!("{group}ORDER BY 1, collector, symbol, code"),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(&conditions.values))?;
    let mut events = Vec::new();
    while let Some(row) = found.next()? {
        events.push(rows::event(row));
    }
    Ok(events)
}

/// The ids that bars reach over, by exchange and symbol.
pub(super) fn id_ranges(
    connection: &Connection,
    query: &BarQuery,
) -> Result<Vec<SymbolIds>, Failure> {
    let mut conditions = Conditions::default();
    if let Some(exchange) = &query.exchange {
        conditions.add("exchange = ?", exchange.clone());
    }
    conditions.symbols(&query.symbols);
    let thresholds = query.thresholds.iter().map(|threshold| threshold.dbps());
    conditions.any_of(
        "threshold_decimal_bps",
        thresholds.collect::<Vec<_>>().into_iter(),
    );
    if let Some(anchor) = query.anchor {
        conditions.add("anchor = ?", anchor.as_str().to_owned());
    }
    conditions.times(query);
    let sql = conditions.sql(
        "SELECT exchange, symbol, min(first_agg_trade_id), max(last_agg_trade_id) \
         FROM bars_current",
        "GROUP BY exchange, symbol ORDER BY exchange, symbol",
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(params_from_iter(&conditions.values), |row| {
        Ok(SymbolIds {
            exchange: row.get(0)?,
            symbol: row.get(1)?,
            first_id: row.get(2)?,
            last_id: row.get(3)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
