//! A running collector, for people.

use crate::app::collect::status::{Status, SymbolStatus};

use super::{
    collect::heartbeat::age,
    style,
    table::{Column, Table, grouped},
};

/// The status as lines of at most `width` characters, as far as names allow.
#[must_use]
pub fn lines(status: &Status, width: usize, has_color: bool) -> Vec<String> {
    let mut lines = vec![head(status, has_color)];
    lines.extend(
        status
            .health
            .complaints
            .iter()
            .map(|text| format!("  {text}")),
    );
    lines.extend(status.health.remarks.iter().map(|text| format!("  {text}")));
    let told = |text: &&String| !status.health.complaints.contains(text);
    let reasons = status.health.reasons.iter().filter(told);
    lines.extend(reasons.map(|text| format!("  {text}")));
    lines.push(String::new());
    lines.extend(symbols(&status.symbols).lines(width));
    lines.push(String::new());
    lines.extend(rest(status));
    lines
}

fn head(status: &Status, has_color: bool) -> String {
    let health = &status.health;
    let word = if health.healthy {
        style::good("healthy", has_color)
    } else {
        style::bad("not healthy", has_color)
    };
    format!(
        "{}  {word}  score {:.2} ({})  up {}  pid {}",
        status.collector,
        health.score,
        health.level,
        span(status.uptime_s),
        status.pid
    )
}

fn symbols(symbols: &[SymbolStatus]) -> Table {
    let mut table = Table::new(vec![
        Column::words("symbol"),
        Column::words("state"),
        Column::words("stream"),
        Column::number("silence"),
        Column::number("per min").ranked(2),
        Column::number("last id").ranked(3),
        Column::number("bars").ranked(1),
        Column::number("gaps").ranked(4),
    ]);
    for symbol in symbols {
        let dash = || "-".to_owned();
        table.push(vec![
            symbol.symbol.clone(),
            symbol.state.clone(),
            symbol.stream.clone(),
            span(symbol.silence_s),
            symbol.trades_per_minute.map_or_else(dash, grouped),
            symbol
                .last_agg_trade_id
                .map_or_else(dash, |id| id.to_string()),
            grouped(symbol.bars.values().sum::<u64>()),
            gaps(symbol),
        ]);
    }
    table
}

/// Gaps found, and in brackets those that are not closed well.
fn gaps(symbol: &SymbolStatus) -> String {
    let all = symbol.gaps_open + symbol.gaps_repaired + symbol.gaps_absent;
    match (symbol.gaps_open, symbol.gaps_absent) {
        (0, 0) => all.to_string(),
        (open, 0) => format!("{all} ({open} open)"),
        (0, absent) => format!("{all} ({absent} absent)"),
        (open, absent) => format!("{all} ({open} open, {absent} absent)"),
    }
}

fn rest(status: &Status) -> Vec<String> {
    let up = status
        .connections
        .iter()
        .filter(|connection| connection.connected)
        .count();
    let active: usize = status
        .connections
        .iter()
        .map(|connection| connection.active)
        .sum();
    let expected: usize = status
        .connections
        .iter()
        .map(|connection| connection.expected)
        .sum();
    let (sink, spool) = (&status.sink, &status.spool);
    let mut lines = vec![
        format!(
            "links  {up} of {} up, {active} of {expected} symbols active",
            status.connections.len()
        ),
        format!(
            "hour   {} reconnects, {} errors, {} restarts",
            status.reconnects_1h, status.errors_1h, status.restarts_1h
        ),
        format!(
            "sink   breaker {}, {} rows published",
            sink.breaker,
            grouped(sink.published)
        ),
        format!(
            "spool  {} rows, {}{}",
            grouped(spool.rows),
            indicatif::BinaryBytes(spool.size_bytes),
            spool.oldest_s.map_or_else(String::new, |oldest_s| format!(
                ", oldest {}",
                span(oldest_s)
            )),
        ),
    ];
    let running = status
        .tasks
        .iter()
        .filter(|task| task.state == "running")
        .count();
    lines.push(format!(
        "tasks  {running} of {} running",
        status.tasks.len()
    ));
    for task in status
        .tasks
        .iter()
        .filter(|task| task.last_failure.is_some())
    {
        let failure = task.last_failure.as_deref().unwrap_or_default();
        lines.push(format!("  {} {}: {failure}", task.name, task.state));
    }
    lines
}

fn span(seconds: f64) -> String {
    age(Some((seconds * 1e6) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::collect::{
        Phase, SymbolSnapshot,
        health::{Sampler, Tally},
        snapshot::{ConnectionSnapshot, Shown},
        status::Moment,
    };
    use crate::domain::health::Pulse;

    fn status() -> Status {
        let mut symbol = SymbolSnapshot::new("BTCUSDT".parse().expect("a symbol"));
        symbol.phase = Phase::Live;
        symbol.pulse = Pulse::Dead;
        symbol.silence_us = 12_300_000;
        symbol.unexplained_us = 12_300_000;
        symbol.patience_us = 14_000_000;
        symbol.trades = 41;
        symbol.last_id = Some(1041);
        symbol.gaps_repaired = 3;
        symbol.gaps_absent = 1;
        let shown = Shown {
            connections: vec![ConnectionSnapshot {
                symbols: vec![symbol.symbol.clone()],
                up_since_us: Some(0),
                ..ConnectionSnapshot::default()
            }],
            symbols: vec![symbol],
            ..Shown::default()
        };
        let health = Sampler::new(Tally::default(), ".".into()).sample(&shown, &[], 0);
        let moment = Moment {
            collector: "nas".to_owned(),
            running: true,
            steady_us: 125_000_000,
            wall_us: 0,
        };
        Status {
            pid: 7,
            ..Status::of(&moment, &shown, &health, &[])
        }
    }

    #[test]
    fn a_dead_stream_is_told_in_its_first_lines() {
        assert_eq!(
            lines(&status(), 80, false),
            [
                "nas  not healthy  score 0.50 (yellow)  up 2m05s  pid 7",
                "  BTCUSDT is dead: silent for 12.3 s, being reconnected",
                "",
                "symbol   state  stream  silence  per min  last id  bars          gaps",
                "BTCUSDT  live   dead      12.3s        -     1041     0  4 (1 absent)",
                "",
                "links  1 of 1 up, 0 of 1 symbols active",
                "hour   0 reconnects, 0 errors, 0 restarts",
                "sink   breaker closed, 0 rows published",
                "spool  0 rows, 0 B",
                "tasks  0 of 0 running",
            ]
        );
    }

    #[test]
    fn it_can_be_read_on_a_narrow_terminal() {
        for line in lines(&status(), 60, false) {
            assert!(line.chars().count() <= 60, "{line}");
        }
    }
}
