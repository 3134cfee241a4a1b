//! The schema in SQLite's words.
//!
//! Times are whole µs since 1970 UTC, decimals exact text with all their fraction digits,
//! maps JSON objects. `batches_seen` holds the tokens of the latest batches of tables that
//! have no key to recognise a row by.

use super::{BAR_COLUMNS, Statement};

/// The statements, tables first.
pub(super) fn statements() -> Vec<Statement> {
    let mut statements: Vec<Statement> = PLAIN
        .iter()
        .map(|&(object, sql)| Statement {
            object,
            sql: sql.to_owned(),
        })
        .collect();
    statements.push(Statement {
        object: "bars_current",
        sql: format!(
            "CREATE VIEW IF NOT EXISTS bars_current AS\n\
             SELECT\n    {}\nFROM bars\nWHERE is_deleted = 0",
            BAR_COLUMNS.join(",\n    ")
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

/// The columns of `bars` that are decimals.
const DECIMALS: [&str; 11] = [
    "open",
    "high",
    "low",
    "close",
    "vwap",
    "volume",
    "buy_volume",
    "sell_volume",
    "turnover",
    "buy_turnover",
    "sell_turnover",
];

fn real(column: &str) -> String {
    if DECIMALS.contains(&column) {
        format!("CAST({column} AS REAL) AS {column}")
    } else {
        column.to_owned()
    }
}

const PLAIN: [(&str, &str); 12] = [
    (
        "bars",
        // The features have no type: a column of type REAL would forget the sign of a zero.
        "CREATE TABLE IF NOT EXISTS bars
(
    exchange TEXT NOT NULL,
    symbol TEXT NOT NULL,
    threshold_decimal_bps INTEGER NOT NULL,
    anchor TEXT NOT NULL,
    first_agg_trade_id INTEGER NOT NULL,
    last_agg_trade_id INTEGER NOT NULL,
    first_trade_id INTEGER NOT NULL,
    last_trade_id INTEGER NOT NULL,
    open_time INTEGER NOT NULL,
    close_time INTEGER NOT NULL,
    open TEXT NOT NULL,
    high TEXT NOT NULL,
    low TEXT NOT NULL,
    close TEXT NOT NULL,
    vwap TEXT NOT NULL,
    volume TEXT NOT NULL,
    buy_volume TEXT NOT NULL,
    sell_volume TEXT NOT NULL,
    turnover TEXT NOT NULL,
    buy_turnover TEXT NOT NULL,
    sell_turnover TEXT NOT NULL,
    trade_count INTEGER NOT NULL,
    buy_trade_count INTEGER NOT NULL,
    sell_trade_count INTEGER NOT NULL,
    agg_trade_count INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    ofi NOT NULL,
    vwap_close_deviation NOT NULL,
    price_impact NOT NULL,
    kyle_lambda_proxy NOT NULL,
    trade_intensity NOT NULL,
    volume_per_trade NOT NULL,
    aggression_ratio NOT NULL,
    aggregation_density NOT NULL,
    turnover_imbalance NOT NULL,
    closed_by TEXT NOT NULL CHECK (closed_by IN ('breach', 'anchor', 'gap')),
    version INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
    PRIMARY KEY (exchange, symbol, threshold_decimal_bps, anchor, first_agg_trade_id)
) WITHOUT ROWID",
    ),
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
    state TEXT NOT NULL,
    last_agg_trade_id INTEGER NOT NULL,
    last_trade_time INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    newest_bars TEXT NOT NULL,
    spool_rows INTEGER NOT NULL,
    breaker TEXT NOT NULL,
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
