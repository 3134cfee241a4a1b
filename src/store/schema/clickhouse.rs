//! The schema in ClickHouse's words.
//!
//! Every table that batches go into keeps the tokens of its last 10 000 inserts, so that
//! a batch that is sent again changes nothing, and is on disk before an insert returns.

use std::borrow::Cow;

use super::{Cluster, Statement};
use crate::domain::row::{BAR_COLUMNS, BarColumn, ColumnKind};

/// The statements, the view after its table.
pub(super) fn statements(cluster: Option<&Cluster>) -> Vec<Statement> {
    [bars()]
        .iter()
        .chain(&TABLES)
        .map(|table| table.statement(cluster))
        .chain([bars_current(cluster)])
        .collect()
}

/// The newest version of each bar, without tombstones.
fn bars_current(cluster: Option<&Cluster>) -> Statement {
    Statement {
        object: "bars_current",
        sql: format!(
            "CREATE VIEW IF NOT EXISTS bars_current{}\nAS SELECT * FROM bars FINAL",
            on(cluster)
        ),
    }
}

fn on(cluster: Option<&Cluster>) -> String {
    cluster.map_or_else(String::new, |cluster| {
        format!(" ON CLUSTER {}", cluster.quoted())
    })
}

struct Table {
    name: &'static str,
    columns: Cow<'static, str>,
    /// The engine and its arguments.
    engine: (&'static str, &'static [&'static str]),
    /// The rest, up to the settings.
    order: &'static str,
}

impl Table {
    fn statement(&self, cluster: Option<&Cluster>) -> Statement {
        let (engine, arguments) = self.engine;
        let mut arguments: Vec<&str> = arguments.to_vec();
        let (prefix, window) = if cluster.is_none() {
            ("", "non_replicated_deduplication_window = 10000")
        } else {
            arguments.splice(0..0, REPLICA);
            // Without the second setting a token is forgotten after an hour.
            let window = "replicated_deduplication_window = 10000, \
                          replicated_deduplication_window_seconds = 604800";
            ("Replicated", window)
        };
        let arguments = if arguments.is_empty() {
            String::new()
        } else {
            format!("({})", arguments.join(", "))
        };
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {name}{on}\n(\n{columns}\n)\n\
             ENGINE = {prefix}{engine}{arguments}\n{order}\n\
             SETTINGS {window}, fsync_after_insert = 1, fsync_part_directory = 1",
            name = self.name,
            on = on(cluster),
            columns = self.columns,
            order = self.order,
        );
        Statement {
            object: self.name,
            sql,
        }
    }
}

/// Where a replicated table lives in Keeper, and which of its replicas this is.
const REPLICA: [&str; 2] = [
    "'/clickhouse/tables/{shard}/{database}/{table}'",
    "'{replica}'",
];

const REPLACING: &str = "ReplacingMergeTree";

const TABLES: [Table; 7] = [
    SEALS,
    STREAM_HEALTH,
    GAPS,
    EVENTS,
    BACKFILL_REQUESTS,
    BACKFILL_WORKERS,
    TRADES,
];

/// Read by series, in id order; by time through the skip indexes.
fn bars() -> Table {
    let columns = BAR_COLUMNS.map(|BarColumn { name, kind }| format!("    {name} {}", of(kind)));
    Table {
        name: "bars",
        columns: Cow::Owned(format!(
            "{},
    INDEX bars_open_time open_time TYPE minmax GRANULARITY 1,
    INDEX bars_close_time close_time TYPE minmax GRANULARITY 1",
            columns.join(",\n")
        )),
        engine: (REPLACING, &["version", "is_deleted"]),
        order: "PARTITION BY toYYYYMM(open_time)
ORDER BY (exchange, symbol, threshold_decimal_bps, anchor, first_agg_trade_id)",
    }
}

/// The type of a column of `bars`.
const fn of(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Name => "LowCardinality(String)",
        ColumnKind::Threshold => "UInt32",
        ColumnKind::Id | ColumnKind::Duration => "Int64",
        ColumnKind::Time => "DateTime64(6, 'UTC')",
        ColumnKind::Price => "Decimal64(8)",
        ColumnKind::Volume => "Decimal128(8)",
        ColumnKind::Turnover => "Decimal128(16)",
        ColumnKind::Count | ColumnKind::Version => "UInt64",
        ColumnKind::Feature => "Float64",
        ColumnKind::ClosedBy => "Enum8('breach' = 1, 'anchor' = 2, 'gap' = 3)",
        ColumnKind::Tombstone => "UInt8",
    }
}

/// One row a closed period; a rewrite of the period puts in a tombstone.
const SEALS: Table = Table {
    name: "seals",
    columns: Cow::Borrowed(
        "    exchange LowCardinality(String),
    symbol LowCardinality(String),
    anchor LowCardinality(String),
    period_start DateTime64(6, 'UTC'),
    first_agg_trade_id Int64,
    last_agg_trade_id Int64,
    trade_count UInt64,
    volume Decimal128(8),
    digests Map(UInt32, String) COMMENT 'by threshold_decimal_bps: a digest over its bars',
    sealed_at DateTime64(6, 'UTC'),
    version UInt64,
    is_deleted UInt8",
    ),
    engine: (REPLACING, &["version", "is_deleted"]),
    order: "ORDER BY (exchange, symbol, anchor, period_start)",
};

/// One row a collector and symbol; the latest heartbeat counts. What is not known yet has a
/// value that cannot be meant.
const STREAM_HEALTH: Table = Table {
    name: "stream_health",
    columns: Cow::Borrowed(
        "    collector String,
    exchange LowCardinality(String),
    symbol LowCardinality(String),
    state LowCardinality(String) COMMENT 'starting, catching-up, live, quiet, silent, paused, stopped, ended',
    last_agg_trade_id Int64 COMMENT 'the last trade taken; -1: none yet',
    last_trade_time DateTime64(6, 'UTC') COMMENT '1970: none yet',
    received_at DateTime64(6, 'UTC') COMMENT 'when the last trade was taken; 1970: none yet',
    newest_bars Map(UInt32, DateTime64(6, 'UTC')) COMMENT 'by threshold_decimal_bps: close_time',
    spool_rows UInt64,
    breaker LowCardinality(String),
    interval_us Int64 COMMENT 'how far apart heartbeats are meant to be at the moment',
    heartbeat_at DateTime64(6, 'UTC')",
    ),
    engine: (REPLACING, &["heartbeat_at"]),
    order: "ORDER BY (exchange, symbol, collector)",
};

/// One row a range of missing ids. The last id belongs to the key: a claim about a part
/// of a range must not replace what is known about the rest of it.
const GAPS: Table = Table {
    name: "gaps",
    columns: Cow::Borrowed(
        "    exchange LowCardinality(String),
    symbol LowCardinality(String),
    first_id Int64,
    last_id Int64,
    found_at DateTime64(6, 'UTC'),
    cause String,
    state Enum8('open' = 1, 'repaired' = 2, 'absent' = 3),
    proof String,
    version UInt64",
    ),
    engine: (REPLACING, &["version"]),
    order: "ORDER BY (exchange, symbol, first_id, last_id)",
};

/// Read by time.
const EVENTS: Table = Table {
    name: "events",
    columns: Cow::Borrowed(
        "    time DateTime64(6, 'UTC'),
    collector LowCardinality(String),
    symbol LowCardinality(String),
    code LowCardinality(String),
    text String",
    ),
    engine: ("MergeTree", &[]),
    order: "PARTITION BY toYYYYMM(time)
ORDER BY (time, collector, symbol, code)",
};

/// A row that names a symbol alone is a request for all its thresholds: dashboards put
/// such rows in.
const BACKFILL_REQUESTS: Table = Table {
    name: "backfill_requests",
    columns: Cow::Borrowed(
        "    request_id String DEFAULT toString(generateUUIDv4()),
    symbol LowCardinality(String),
    threshold_decimal_bps UInt32 DEFAULT 0 COMMENT '0: all',
    since Nullable(DateTime64(6, 'UTC')),
    exchange LowCardinality(String) COMMENT 'empty: the worker decides',
    anchor LowCardinality(String) COMMENT 'empty: the worker decides',
    status Enum8('pending' = 1, 'running' = 2, 'completed' = 3, 'failed' = 4, 'skipped' = 5) DEFAULT 'pending',
    requested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'),
    started_at Nullable(DateTime64(6, 'UTC')),
    completed_at Nullable(DateTime64(6, 'UTC')),
    bars_written UInt64,
    trades_done UInt64,
    trades_total UInt64,
    gap_seconds Float64,
    error String,
    worker String,
    attempt UInt32,
    lease_until Nullable(DateTime64(6, 'UTC')),
    version UInt64",
    ),
    engine: (REPLACING, &["version"]),
    order: "ORDER BY request_id",
};

/// One row a worker; the latest heartbeat counts.
const BACKFILL_WORKERS: Table = Table {
    name: "backfill_workers",
    columns: Cow::Borrowed(
        "    worker String,
    host String,
    pid UInt32,
    started_at DateTime64(6, 'UTC'),
    requests UInt32 COMMENT 'how many requests it is at work on',
    is_ended Bool COMMENT 'it has told that it ends',
    heartbeat_at DateTime64(6, 'UTC')",
    ),
    engine: (REPLACING, &["heartbeat_at"]),
    order: "ORDER BY worker",
};

/// Read by symbol, in id order.
const TRADES: Table = Table {
    name: "trades",
    columns: Cow::Borrowed(
        "    exchange LowCardinality(String),
    symbol LowCardinality(String),
    agg_trade_id Int64,
    price Decimal64(8),
    quantity Decimal64(8),
    first_trade_id Int64,
    last_trade_id Int64,
    trade_time DateTime64(6, 'UTC'),
    buyer_is_maker Bool,
    version UInt64,
    INDEX trades_trade_time trade_time TYPE minmax GRANULARITY 1",
    ),
    engine: (REPLACING, &["version"]),
    order: "PARTITION BY toYYYYMM(trade_time)
ORDER BY (exchange, symbol, agg_trade_id)",
};
