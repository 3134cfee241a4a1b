//! The schema in SQLite's words.
//!
//! Times are whole µs since 1970 UTC, decimals exact text with all their fraction digits,
//! maps JSON objects. `batches_seen` holds the tokens of the latest batches of tables that
//! have no key to recognise a row by.

use super::Statement;
use crate::domain::row::{BAR_COLUMNS, BarColumn, ColumnKind, KEY_COLUMNS, bar_column_names};

/// The statements, tables first.
pub(super) fn statements() -> Vec<Statement> {
    let mut statements = vec![Statement {
        object: "bars",
        sql: bars(),
    }];
    statements.extend(PLAIN.iter().map(|&(object, sql)| Statement {
        object,
        sql: sql.to_owned(),
    }));
    let names: Vec<_> = bar_column_names().collect();
    statements.push(Statement {
        object: "bars_current",
        sql: format!(
            "CREATE VIEW IF NOT EXISTS bars_current AS\n\
             SELECT\n    {}\nFROM bars\nWHERE is_deleted = 0",
            names.join(",\n    ")
        ),
    });
    statements.push(Statement {
        object: "bars_real",
        sql: format!(
            "CREATE VIEW IF NOT EXISTS bars_real AS\n\
             SELECT\n    {}\nFROM bars_current",
            BAR_COLUMNS.map(real).join(",\n    ")
        ),
    });
    statements
}

fn bars() -> String {
    let names: Vec<_> = bar_column_names().take(KEY_COLUMNS).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS bars\n(\n    {},\n    PRIMARY KEY ({})\n) WITHOUT ROWID",
        BAR_COLUMNS.map(definition).join(",\n    "),
        names.join(", ")
    )
}

fn definition(BarColumn { name, kind }: BarColumn) -> String {
    match kind {
        ColumnKind::Name | ColumnKind::Price | ColumnKind::Volume | ColumnKind::Turnover => {
            format!("{name} TEXT NOT NULL")
        }
        // No type: a column of type REAL would forget the sign of a zero.
        ColumnKind::Feature => format!("{name} NOT NULL"),
        ColumnKind::ClosedBy => {
            format!("{name} TEXT NOT NULL CHECK ({name} IN ('breach', 'anchor', 'gap'))")
        }
        ColumnKind::Tombstone => format!("{name} INTEGER NOT NULL CHECK ({name} IN (0, 1))"),
        ColumnKind::Threshold
        | ColumnKind::Id
        | ColumnKind::Time
        | ColumnKind::Count
        | ColumnKind::Duration
        | ColumnKind::Version => format!("{name} INTEGER NOT NULL"),
    }
}

fn real(BarColumn { name, kind }: BarColumn) -> String {
    if kind.digits().is_some() {
        format!("CAST({name} AS REAL) AS {name}")
    } else {
        name.to_owned()
    }
}

const PLAIN: [(&str, &str); 12] = [
    (
        "bars_open_time",
        "CREATE INDEX IF NOT EXISTS bars_open_time ON bars (open_time)",
    ),
    (
        "bars_close_time",
        "CREATE INDEX IF NOT EXISTS bars_close_time ON bars (close_time)",
    ),
    (
        "seals",
        "CREATE TABLE IF NOT EXISTS seals
(
    exchange TEXT NOT NULL,
    symbol TEXT NOT NULL,
    anchor TEXT NOT NULL,
    period_start INTEGER NOT NULL,
    first_agg_trade_id INTEGER NOT NULL,
    last_agg_trade_id INTEGER NOT NULL,
    trade_count INTEGER NOT NULL,
    volume TEXT NOT NULL,
    digests TEXT NOT NULL,
    sealed_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
    PRIMARY KEY (exchange, symbol, anchor, period_start)
) WITHOUT ROWID",
    ),
    (
        "stream_health",
        "CREATE TABLE IF NOT EXISTS stream_health
(
    collector TEXT NOT NULL,
    exchange TEXT NOT NULL,
    symbol TEXT NOT NULL,
    state TEXT NOT NULL, -- starting, catching-up, live, quiet, silent, paused, stopped, ended
    last_agg_trade_id INTEGER NOT NULL, -- the last trade taken; -1: none yet
    last_trade_time INTEGER NOT NULL, -- 0: none yet
    received_at INTEGER NOT NULL, -- when the last trade was taken; 0: none yet
    newest_bars TEXT NOT NULL, -- by threshold_decimal_bps: close_time
    spool_rows INTEGER NOT NULL,
    breaker TEXT NOT NULL,
    interval_us INTEGER NOT NULL, -- how far apart heartbeats are meant to be at the moment
    heartbeat_at INTEGER NOT NULL,
    PRIMARY KEY (exchange, symbol, collector)
) WITHOUT ROWID",
    ),
    (
        "gaps",
        "CREATE TABLE IF NOT EXISTS gaps
(
    exchange TEXT NOT NULL,
    symbol TEXT NOT NULL,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    found_at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'repaired', 'absent')),
    proof TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (exchange, symbol, first_id, last_id)
) WITHOUT ROWID",
    ),
    (
        "events",
        "CREATE TABLE IF NOT EXISTS events
(
    time INTEGER NOT NULL,
    collector TEXT NOT NULL,
    symbol TEXT NOT NULL,
    code TEXT NOT NULL,
    text TEXT NOT NULL
)",
    ),
    (
        "events_time",
        "CREATE INDEX IF NOT EXISTS events_time ON events (time)",
    ),
    (
        "batches_seen",
        "CREATE TABLE IF NOT EXISTS batches_seen
(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE
)",
    ),
    (
        "backfill_requests",
        "CREATE TABLE IF NOT EXISTS backfill_requests
(
    request_id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    symbol TEXT NOT NULL,
    threshold_decimal_bps INTEGER NOT NULL DEFAULT 0,
    since INTEGER,
    exchange TEXT NOT NULL DEFAULT '',
    anchor TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'skipped')),
    requested_at INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER) * 1000000),
    started_at INTEGER,
    completed_at INTEGER,
    bars_written INTEGER NOT NULL DEFAULT 0,
    trades_done INTEGER NOT NULL DEFAULT 0,
    trades_total INTEGER NOT NULL DEFAULT 0,
    gap_seconds REAL NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    worker TEXT NOT NULL DEFAULT '',
    attempt INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    version INTEGER NOT NULL DEFAULT 0
)",
    ),
    (
        "backfill_workers",
        "CREATE TABLE IF NOT EXISTS backfill_workers
(
    worker TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    requests INTEGER NOT NULL, -- how many requests it is at work on
    is_ended INTEGER NOT NULL CHECK (is_ended IN (0, 1)), -- it has told that it ends
    heartbeat_at INTEGER NOT NULL
)",
    ),
    (
        "trades",
        "CREATE TABLE IF NOT EXISTS trades
(
    exchange TEXT NOT NULL,
    symbol TEXT NOT NULL,
    agg_trade_id INTEGER NOT NULL,
    price TEXT NOT NULL,
    quantity TEXT NOT NULL,
    first_trade_id INTEGER NOT NULL,
    last_trade_id INTEGER NOT NULL,
    trade_time INTEGER NOT NULL,
    buyer_is_maker INTEGER NOT NULL CHECK (buyer_is_maker IN (0, 1)),
    version INTEGER NOT NULL,
    PRIMARY KEY (exchange, symbol, agg_trade_id)
) WITHOUT ROWID",
    ),
    (
        "trades_trade_time",
        "CREATE INDEX IF NOT EXISTS trades_trade_time ON trades (trade_time)",
    ),
];
