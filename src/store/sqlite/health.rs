//! Rows of health: put in past every batch, and read back.

use std::collections::BTreeMap;

use rusqlite::{
    Connection, Row, Statement, TransactionBehavior, params_from_iter, types::ValueRef,
};

use super::{
    errors::Failure,
    insert::{put_all, upsert},
    read::Conditions,
    rows::integer,
    values::{Columns, Fault, shown, text_in},
};
use crate::{
    domain::{
        row::{
            HealthRead, HealthRow, StreamState, Table, UnreadableRow,
            health::{known_id, known_time, stored_id, stored_time},
        },
        threshold::Threshold,
    },
    store::{
        names::{breaker, symbol},
        sink::{HealthQuery, StoreErrorKind::Content},
    },
};

const HEALTH_KEY: [&str; 3] = ["exchange", "symbol", "collector"];

/// The columns of `stream_health`, in the order in which they are written and read.
pub(super) const HEALTH_COLUMNS: [&str; 12] = [
    "collector",
    "exchange",
    "symbol",
    "state",
    "last_agg_trade_id",
    "last_trade_time",
    "received_at",
    "newest_bars",
    "spool_rows",
    "breaker",
    "interval_us",
    "heartbeat_at",
];

/// Puts rows in, or in the place of older ones. They are on disk when this returns.
pub(super) fn put(connection: &mut Connection, rows: &[HealthRow]) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let table = Table::StreamHealth.as_str();
    let sql = upsert(table, &HEALTH_COLUMNS, &HEALTH_KEY, "heartbeat_at");
    put_all(&transaction, &sql, rows, put_row)?;
    transaction
        .commit()
        .map_err(|error| Failure::from(error).at_commit())
}

fn put_row(statement: &mut Statement<'_>, row: &HealthRow) -> Result<(), Failure> {
    let newest_bars: BTreeMap<u32, i64> = row
        .newest_bars
        .iter()
        .map(|(threshold, close_us)| (threshold.dbps(), *close_us))
        .collect();
    let newest_bars = serde_json::to_string(&newest_bars)
        .map_err(|error| Failure::new(Content, format!("newest_bars: {error}")))?;
    statement.execute(rusqlite::params![
        row.collector,
        &*row.exchange,
        row.symbol.as_str(),
        row.state.as_str(),
        stored_id(row.last_agg_trade_id),
        stored_time(row.last_trade_time_us),
        stored_time(row.received_at_us),
        newest_bars,
        integer(row.spool_rows, "spool_rows")?,
        row.breaker.as_str(),
        row.interval_us,
        row.heartbeat_at_us,
    ])?;
    Ok(())
}

/// The latest health of each collector and symbol.
pub(super) fn health(
    connection: &Connection,
    query: &HealthQuery,
) -> Result<Vec<HealthRead>, Failure> {
    let mut conditions = Conditions::default();
    if let Some(exchange) = &query.exchange {
        conditions.add("exchange = ?", exchange.clone());
    }
    conditions.symbols(&query.symbols);
    if let Some(collector) = &query.collector {
        conditions.add("collector = ?", collector.clone());
    }
    let sql = conditions.sql(
        &format!("SELECT {} FROM stream_health", HEALTH_COLUMNS.join(", ")),
        "ORDER BY collector, exchange, symbol",
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(&conditions.values))?;
    let mut health = Vec::new();
    while let Some(row) = found.next()? {
        health.push(read(row));
    }
    Ok(health)
}

fn read(row: &Row<'_>) -> HealthRead {
    read_columns(&mut Columns::of_health(row)).map_err(|(column, reason)| {
        let key = [1, 2, 0].map(|index| shown(row.get_ref(index).unwrap_or(ValueRef::Null)));
        UnreadableRow {
            table: Table::StreamHealth,
            key: format!("({})", key.join(", ")),
            place: None,
            column,
            reason,
        }
    })
}

fn read_columns(columns: &mut Columns<'_>) -> Result<HealthRow, Fault> {
    // The fields stand in the order of the columns, which is the order of evaluation.
    Ok(HealthRow {
        collector: columns.text()?.to_owned(),
        exchange: columns.text()?.into(),
        symbol: columns.read(|value| symbol(text_in(value)?))?,
        state: columns.read(|value| {
            let state = text_in(value)?.parse::<StreamState>();
            state.map_err(|error| error.to_string())
        })?,
        last_agg_trade_id: known_id(columns.integer()?),
        last_trade_time_us: known_time(columns.integer()?),
        received_at_us: known_time(columns.integer()?),
        newest_bars: columns.read(|value| newest_bars(text_in(value)?))?,
        spool_rows: columns.count()?,
        breaker: columns.read(|value| breaker(text_in(value)?))?,
        interval_us: columns.integer()?,
        heartbeat_at_us: columns.integer()?,
    })
}

fn newest_bars(text: &str) -> Result<BTreeMap<Threshold, i64>, String> {
    let by_dbps: BTreeMap<u32, i64> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    by_dbps
        .into_iter()
        .map(|(dbps, close_us)| Threshold::new(dbps).map(|threshold| (threshold, close_us)))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}
