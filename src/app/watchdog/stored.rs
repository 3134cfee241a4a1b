//! The rows that collectors write into the store about themselves, and those of any table.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    app::clock::Clock,
    domain::{
        breaker::BreakerState,
        freshness::{Dated, Row, State},
        row::{HealthRow, StreamState},
    },
    store::{
        newest::NewestQuery,
        sink::{HealthQuery, Store},
    },
};

use super::look::{Database, Seen, Sight};

/// `stream_health` of a store.
pub struct StoredHealth {
    store: Arc<dyn Store>,
    clock: Clock,
    exchange: Option<String>,
    collector_here: String,
}

impl StoredHealth {
    /// Looks at the rows of `exchange`, or of all. `collector_here` is the name of whoever
    /// collects on this machine: its rows are dated by this machine's clock.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        exchange: Option<String>,
        collector_here: String,
    ) -> Self {
        Self {
            store,
            clock,
            exchange,
            collector_here,
        }
    }

    fn seen(&self, row: &HealthRow) -> Seen {
        let state = match row.state {
            StreamState::Live | StreamState::Ended => State::Live,
            StreamState::Quiet => State::Quiet,
            StreamState::Silent => State::Trouble,
            StreamState::Paused => State::Paused,
            StreamState::Starting | StreamState::CatchingUp => State::CatchingUp,
            StreamState::Stopped => State::Stopped,
        };
        Seen {
            exchange: row.exchange.to_string(),
            name: row.symbol.to_string(),
            collector: Some(row.collector.clone()),
            row: Row {
                received_at_us: row.received_at_us,
                heartbeat_at_us: Some(row.heartbeat_at_us),
                state,
                spool_rows: row.spool_rows,
                is_breaker_open: row.breaker != BreakerState::Closed,
            },
            last_id: row.last_agg_trade_id,
            dated: if row.collector == self.collector_here {
                Dated::ByThisMachine
            } else {
                Dated::ByDatabase
            },
            has_ended: row.state == StreamState::Ended,
        }
    }
}

#[async_trait]
impl Database for StoredHealth {
    fn address(&self) -> String {
        self.store.address()
    }

    async fn look(&self) -> Result<Sight, String> {
        // Whether the table is empty or only lacks a symbol is seen only when all are asked
        // for; there are as many rows as symbols and collectors.
        let query = HealthQuery {
            exchange: self.exchange.clone(),
            ..HealthQuery::default()
        };
        let read = self.store.stored_health(&query).await;
        let read = read.map_err(|error| error.reason)?;
        let mut sight = Sight {
            skew_us: skew_us(&*self.store, &self.clock).await?,
            ..Sight::default()
        };
        for row in read {
            match row {
                Ok(row) => sight.seen.push(self.seen(&row)),
                Err(error) => {
                    let name = "(unreadable)".to_owned();
                    sight.unreadable.push((name, error.to_string()));
                }
            }
        }
        Ok(sight)
    }
}

/// The newest rows of any table of a store.
pub struct AnyTable {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Clock,
    /// What is asked.
    pub query: NewestQuery,
}

#[async_trait]
impl Database for AnyTable {
    fn address(&self) -> String {
        self.store.address()
    }

    async fn look(&self) -> Result<Sight, String> {
        let read = self.store.newest(&self.query).await;
        let read = read.map_err(|error| error.reason)?;
        let seen = read.into_iter().map(|newest| Seen {
            exchange: String::new(),
            name: newest.name,
            collector: None,
            row: Row {
                received_at_us: newest.time_us,
                ..Row::default()
            },
            last_id: None,
            dated: Dated::ByDatabase,
            has_ended: false,
        });
        Ok(Sight {
            skew_us: skew_us(&*self.store, &self.clock).await?,
            seen: seen.collect(),
            unreadable: Vec::new(),
        })
    }
}

/// How much the clock of `store` is ahead of this machine's, in µs; none when it has none of
/// its own. Its answer is taken to be from the middle of the wait for it.
async fn skew_us(store: &dyn Store, clock: &Clock) -> Result<Option<i64>, String> {
    let (asked_us, begun_us) = (clock.wall_us(), clock.steady_us());
    let theirs = store.clock_us().await.map_err(|error| error.reason)?;
    let waited_us = clock.steady_us().saturating_sub(begun_us);
    let ours_us = asked_us.saturating_add(waited_us / 2);
    Ok(theirs.map(|us| us.saturating_sub(ours_us)))
}

/// A store that is a file and is not there.
pub struct NoFile {
    /// Where it would be.
    pub address: String,
}

#[async_trait]
impl Database for NoFile {
    fn address(&self) -> String {
        self.address.clone()
    }

    async fn look(&self) -> Result<Sight, String> {
        Err("there is no such file".to_owned())
    }
}
