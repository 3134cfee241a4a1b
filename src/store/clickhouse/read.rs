//! Reading back, streamed: nothing here holds more than one piece of rows.

use clickhouse::{Client, Row as _, error::Error, query::Query};

use super::rows::{BarRecord, EventRecord, GapRecord, IdsRecord, SeriesRecord};
use crate::{
    domain::{
        row::{BarRead, EventRow, GapRead, Series, UnreadableRow},
        symbol::Symbol,
    },
    store::{
        names::SeriesNames,
        sink::{BarQuery, EventQuery, GapQuery, SymbolIds},
    },
};

/// How many bars are handed over at once.
const PIECE_ROWS: usize = 4096;

/// Conditions that rows must satisfy, with the texts to bind to their question marks.
#[derive(Default)]
pub(super) struct Conditions {
    clauses: Vec<String>,
    texts: Vec<String>,
}

impl Conditions {
    pub(super) fn text(&mut self, column: &str, value: &str) {
        self.clauses.push(format!("{column} = ?"));
        self.texts.push(value.to_owned());
    }

    fn number(&mut self, column: &str, value: impl Into<i64>) {
        self.clauses.push(format!("{column} = {}", value.into()));
    }

    pub(super) fn symbols(&mut self, symbols: &[Symbol]) {
        self.any_of("symbol", symbols.iter().map(Symbol::as_str));
    }

    /// One of `texts`; anything when there are none.
    pub(super) fn any_of<'a>(
        &mut self,
        column: &str,
        texts: impl ExactSizeIterator<Item = &'a str>,
    ) {
        if texts.len() > 0 {
            let marks = vec!["?"; texts.len()].join(", ");
            self.clauses.push(format!("{column} IN ({marks})"));
            self.texts.extend(texts.map(str::to_owned));
        }
    }

    fn times(&mut self, query: &BarQuery) {
        self.between("open_time", query.since_us, query.until_us);
    }

    /// From the first time on, and before the second.
    pub(super) fn between(&mut self, column: &str, since_us: Option<i64>, until_us: Option<i64>) {
        for (bound, time_us) in [(">=", since_us), ("<", until_us)] {
            if let Some(time_us) = time_us {
                self.clauses.push(format!(
                    "{column} {bound} fromUnixTimestamp64Micro({time_us}, 'UTC')"
                ));
            }
        }
    }

    fn of_bars(query: &BarQuery) -> Self {
        let mut conditions = Self::default();
        if let Some(exchange) = &query.exchange {
            conditions.text("exchange", exchange);
        }
        conditions.symbols(&query.symbols);
        if !query.thresholds.is_empty() {
            let thresholds: Vec<String> = query
                .thresholds
                .iter()
                .map(|threshold| threshold.dbps().to_string())
                .collect();
            conditions.clauses.push(format!(
                "threshold_decimal_bps IN ({})",
                thresholds.join(", ")
            ));
        }
        if let Some(anchor) = query.anchor {
            conditions.text("anchor", anchor.as_str());
        }
        conditions.times(query);
        conditions
    }

    fn of_series(series: &Series) -> Self {
        let mut conditions = Self::default();
        conditions.text("exchange", &series.exchange);
        conditions.text("symbol", series.symbol.as_str());
        conditions.number("threshold_decimal_bps", series.threshold.dbps());
        conditions.text("anchor", series.anchor.as_str());
        conditions
    }

    /// `SELECT {what} WHERE … {rest}`, bound.
    pub(super) fn select(&self, client: &Client, what: &str, rest: &str) -> Query {
        let filter = if self.clauses.is_empty() {
            String::new()
        } else {
            format!("WHERE {} ", self.clauses.join(" AND "))
        };
        let query = client.query(&format!("SELECT {what} {filter}{rest}"));
        self.texts.iter().fold(query, Query::bind)
    }
}

/// The series that have bars, sorted; and those whose names cannot be read.
pub(super) async fn series(
    client: &Client,
    query: &BarQuery,
) -> Result<(Vec<Series>, Vec<UnreadableRow>), Error> {
    let mut cursor = Conditions::of_bars(query)
        .select(client, "DISTINCT ?fields FROM bars_current", "")
        .fetch::<SeriesRecord>()?;
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(record) = cursor.next().await? {
        match SeriesNames::from(record).series() {
            Ok(series) => found.push(series),
            Err(fault) => unreadable.push(fault),
        }
    }
    found.sort();
    Ok((found, unreadable))
}

/// The columns of a row to ask for. The client gives up at a number that an enum does not
/// have; so the number is asked for.
fn columns(names: &[&str], number: &str) -> String {
    let column = |name: &&str| match *name {
        name if name == number => format!("CAST({name} AS Int8) AS {name}"),
        name => name.to_owned(),
    };
    names.iter().map(column).collect::<Vec<_>>().join(", ")
}

fn bar_columns() -> String {
    columns(BarRecord::COLUMN_NAMES, "closed_by")
}

/// The bars of one series in id order, in pieces.
pub(super) struct Bars<'a> {
    cursor: clickhouse::query::RowCursor<BarRecord<'static>>,
    series: &'a Series,
}

impl<'a> Bars<'a> {
    /// Starts to read the bars of `series` that `query` asks for.
    pub(super) async fn open(
        client: &Client,
        series: &'a Series,
        query: &BarQuery,
    ) -> Result<Self, Error> {
        let mut conditions = Conditions::of_series(series);
        conditions.times(query);
        if let Some(newest) = query.newest {
            match oldest_of_newest(client, &conditions, newest).await? {
                Oldest::Id(id) => conditions
                    .clauses
                    .push(format!("first_agg_trade_id >= {id}")),
                Oldest::All => {}
                Oldest::None => conditions.clauses.push("0".to_owned()),
            }
        }
        let cursor = conditions
            .select(
                client,
                &format!("{} FROM bars_current", bar_columns()),
                "ORDER BY first_agg_trade_id",
            )
            .fetch::<BarRecord<'static>>()?;
        Ok(Self { cursor, series })
    }

    /// The next piece; an empty one is the end.
    pub(super) async fn next_piece(&mut self) -> Result<Vec<BarRead>, Error> {
        let mut piece = Vec::new();
        while piece.len() < PIECE_ROWS
            && let Some(record) = self.cursor.next().await?
        {
            piece.push(record.into_read(self.series));
        }
        Ok(piece)
    }
}

/// Where the newest so many bars start.
enum Oldest {
    /// With this first id.
    Id(i64),
    /// There are not more than were asked for.
    All,
    /// None were asked for.
    None,
}

async fn oldest_of_newest(
    client: &Client,
    conditions: &Conditions,
    newest: u64,
) -> Result<Oldest, Error> {
    let Some(skipped) = newest.checked_sub(1) else {
        return Ok(Oldest::None);
    };
    let id = conditions
        .select(
            client,
            "first_agg_trade_id FROM bars_current",
            &format!("ORDER BY first_agg_trade_id DESC LIMIT 1 OFFSET {skipped}"),
        )
        .fetch_optional::<i64>()
        .await?;
    Ok(id.map_or(Oldest::All, Oldest::Id))
}

/// The last bar of a series.
pub(super) async fn last_bar(client: &Client, series: &Series) -> Result<Option<BarRead>, Error> {
    let mut cursor = Conditions::of_series(series)
        .select(
            client,
            &format!("{} FROM bars_current", bar_columns()),
            "ORDER BY first_agg_trade_id DESC LIMIT 1",
        )
        .fetch::<BarRecord<'_>>()?;
    let record = cursor.next().await?;
    Ok(record.map(|record| record.into_read(series)))
}

/// The current gaps, by exchange, symbol and ids.
pub(super) async fn gaps(client: &Client, query: &GapQuery) -> Result<Vec<GapRead>, Error> {
    let mut conditions = Conditions::default();
    if let Some(exchange) = &query.exchange {
        conditions.text("exchange", exchange);
    }
    conditions.symbols(&query.symbols);
    let mut cursor = conditions
        .select(
            client,
            &format!(
                "{} FROM gaps FINAL",
                columns(GapRecord::COLUMN_NAMES, "state")
            ),
            "ORDER BY exchange, symbol, first_id, last_id",
        )
        .fetch::<GapRecord<'_>>()?;
    let mut found = Vec::new();
    while let Some(record) = cursor.next().await? {
        found.push(record.into_read());
    }
    Ok(found)
}

/// Events by time.
pub(super) async fn events(client: &Client, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
    let mut conditions = Conditions::default();
    if let Some(collector) = &query.collector {
        conditions.text("collector", collector);
    }
    conditions.any_of("symbol", query.symbols.iter().map(String::as_str));
    conditions.any_of("code", query.codes.iter().map(String::as_str));
    conditions.between("time", query.since_us, query.until_us);
    let rest = if query.last_of_each {
        "ORDER BY time DESC, text DESC LIMIT 1 BY collector, symbol, code"
    } else {
        "ORDER BY time, collector, symbol, code"
    };
    let mut cursor = conditions
        .select(client, "?fields FROM events", rest)
        .fetch::<EventRecord<'_>>()?;
    let mut found: Vec<EventRow> = Vec::new();
    while let Some(record) = cursor.next().await? {
        found.push(record.into());
    }
    if query.last_of_each {
        let key = |row: &EventRow| {
            let names = (row.collector.clone(), row.symbol.clone(), row.code.clone());
            (row.time_us, names)
        };
        found.sort_by_cached_key(key);
    }
    Ok(found)
}

/// The ids that bars reach over, by exchange and symbol.
pub(super) async fn id_ranges(client: &Client, query: &BarQuery) -> Result<Vec<SymbolIds>, Error> {
    let mut cursor = Conditions::of_bars(query)
        .select(
            client,
            "exchange, symbol, min(first_agg_trade_id) AS first_id, \
             max(last_agg_trade_id) AS last_id FROM bars_current",
            "GROUP BY exchange, symbol ORDER BY exchange, symbol",
        )
        .fetch::<IdsRecord>()?;
    let mut found = Vec::new();
    while let Some(record) = cursor.next().await? {
        found.push(record.into());
    }
    Ok(found)
}
