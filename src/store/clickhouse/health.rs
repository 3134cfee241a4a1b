//! What rows of health look like on their way, and the reading of them.

use std::collections::BTreeMap;

use clickhouse::{Client, Row, error::Error};
use serde::{Deserialize, Serialize};

use super::read::Conditions;
use crate::{
    domain::{
        row::{
            HealthRead, HealthRow, Table, UnreadableRow,
            health::{known_id, known_time, stored_id, stored_time},
        },
        threshold::Threshold,
    },
    store::{
        names::{breaker, symbol},
        sink::HealthQuery,
    },
};

/// A row of `stream_health`, as it travels.
#[derive(Debug, Row, Serialize, Deserialize)]
pub(super) struct HealthRecord<'a> {
    collector: &'a str,
    exchange: &'a str,
    symbol: &'a str,
    state: &'a str,
    last_agg_trade_id: i64,
    last_trade_time: i64,
    received_at: i64,
    newest_bars: Vec<(u32, i64)>,
    spool_rows: u64,
    breaker: &'a str,
    interval_us: i64,
    heartbeat_at: i64,
}

impl<'a> From<&'a HealthRow> for HealthRecord<'a> {
    fn from(row: &'a HealthRow) -> Self {
        Self {
            collector: &row.collector,
            exchange: &row.exchange,
            symbol: row.symbol.as_str(),
            state: row.state.as_str(),
            last_agg_trade_id: stored_id(row.last_agg_trade_id),
            last_trade_time: stored_time(row.last_trade_time_us),
            received_at: stored_time(row.received_at_us),
            newest_bars: row
                .newest_bars
                .iter()
                .map(|(threshold, close_us)| (threshold.dbps(), *close_us))
                .collect(),
            spool_rows: row.spool_rows,
            breaker: row.breaker.as_str(),
            interval_us: row.interval_us,
            heartbeat_at: row.heartbeat_at_us,
        }
    }
}

impl HealthRecord<'_> {
    /// The row as health.
    fn into_read(self) -> HealthRead {
        let unreadable = |column, reason| UnreadableRow {
            table: Table::StreamHealth,
            key: format!("({}, {}, {})", self.exchange, self.symbol, self.collector),
            place: None,
            column,
            reason,
        };
        let newest_bars: Result<BTreeMap<_, _>, _> = self
            .newest_bars
            .iter()
            .map(|&(dbps, close_us)| Threshold::new(dbps).map(|threshold| (threshold, close_us)))
            .collect();
        Ok(HealthRow {
            collector: self.collector.to_owned(),
            exchange: self.exchange.into(),
            symbol: symbol(self.symbol).map_err(|reason| unreadable("symbol", reason))?,
            state: self
                .state
                .parse()
                .map_err(|error| unreadable("state", format!("{error}")))?,
            last_agg_trade_id: known_id(self.last_agg_trade_id),
            last_trade_time_us: known_time(self.last_trade_time),
            received_at_us: known_time(self.received_at),
            newest_bars: newest_bars
                .map_err(|error| unreadable("newest_bars", error.to_string()))?,
            spool_rows: self.spool_rows,
            breaker: breaker(self.breaker).map_err(|reason| unreadable("breaker", reason))?,
            interval_us: self.interval_us,
            heartbeat_at_us: self.heartbeat_at,
        })
    }
}

/// The latest health of each collector and symbol.
pub(super) async fn health(client: &Client, query: &HealthQuery) -> Result<Vec<HealthRead>, Error> {
    let mut conditions = Conditions::default();
    if let Some(exchange) = &query.exchange {
        conditions.text("exchange", exchange);
    }
    conditions.symbols(&query.symbols);
    if let Some(collector) = &query.collector {
        conditions.text("collector", collector);
    }
    let mut cursor = conditions
        .select(
            client,
            "?fields FROM stream_health FINAL",
            "ORDER BY collector, exchange, symbol",
        )
        .fetch::<HealthRecord<'_>>()?;
    let mut found = Vec::new();
    while let Some(record) = cursor.next().await? {
        found.push(record.into_read());
    }
    Ok(found)
}
