//! Outcomes for tests.

use crate::{
    app::watchdog::{Action, Outcome, SymbolOutcome, UnsealedNote},
    domain::freshness::{Cause, Level, Restart, Verdict},
};

pub(super) fn symbol(name: &str, level: Level, cause: Cause, reason: &str) -> SymbolOutcome {
    SymbolOutcome {
        exchange: "binance".to_owned(),
        name: name.to_owned(),
        collector: Some("nas".to_owned()),
        verdict: Verdict {
            level,
            cause,
            reason: reason.to_owned(),
            restart: Restart::Useless,
        },
        age_us: Some(42_900_000),
        warn_us: 300_000_000,
        crit_us: 600_000_000,
        last_id: Some(3_412_345_678),
        heartbeat_age_us: Some(3_250_000),
    }
}

pub(super) fn fresh(name: &str) -> SymbolOutcome {
    symbol(name, Level::Fresh, Cause::Fresh, "last trade 42s ago")
}

pub(super) fn critical(name: &str) -> SymbolOutcome {
    let mut symbol = symbol(
        name,
        Level::Critical,
        Cause::DeadCollector,
        "dead collector: heartbeat 12m old",
    );
    symbol.age_us = Some(725_000_000);
    symbol.heartbeat_age_us = Some(720_000_000);
    symbol.verdict.restart = Restart::Helps;
    symbol
}

/// A symbol about which nothing is known.
pub(super) fn unknown(name: &str) -> SymbolOutcome {
    SymbolOutcome {
        exchange: String::new(),
        collector: None,
        age_us: None,
        last_id: None,
        heartbeat_age_us: None,
        ..symbol(
            name,
            Level::Unknown,
            Cause::QueryFailed,
            "the query failed: a | b\nc",
        )
    }
}

pub(super) fn outcome(symbols: Vec<SymbolOutcome>) -> Outcome {
    Outcome {
        checked_at_us: 1_767_322_800_250_000,
        store: "clickhouse://127.0.0.1:8123/streamkit".to_owned(),
        skew_us: Some(1_500),
        target: Some("systemd unit collect.service".to_owned()),
        symbols,
        awaits_seals: false,
        unsealed: Vec::new(),
        action: Action::NotNeeded,
    }
}

/// Nothing was looked at, and nothing is known.
pub(super) fn empty() -> Outcome {
    Outcome {
        skew_us: None,
        target: None,
        ..outcome(Vec::new())
    }
}

pub(super) fn restarted(fresh_after_us: Option<i64>) -> Action {
    Action::Restarted {
        why: "BTCUSDT is dead".to_owned(),
        took_us: 2_000_000,
        fresh_after_us,
        waited_us: 60_000_000,
    }
}

pub(super) fn unsealed_day() -> UnsealedNote {
    UnsealedNote {
        symbol: "BTCUSDT".to_owned(),
        period_start_us: 1_767_312_000_000_000,
        ids: Some((5, 9)),
        why: "a hole".to_owned(),
        command: "streamkit backfill BTCUSDT --since 2026-01-02".to_owned(),
    }
}
