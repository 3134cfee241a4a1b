//! A running collector, for people.

use std::collections::BTreeSet;

use crate::{
    app::collect::status::{ConnectionStatus, Status, SymbolStatus},
    domain::words::noun,
};

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
    lines.extend(status.health.reasons.iter().map(|text| format!("  {text}")));
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

/// The connections together, and those of several that do not bring everything.
fn links(connections: &[ConnectionStatus]) -> Vec<String> {
    let up = connections.iter().filter(|link| link.connected).count();
    // Several connections may be for the same symbols, and one is enough for each of those.
    let expected: BTreeSet<_> = connections.iter().flat_map(|link| &link.symbols).collect();
    let is_active = |symbol: &&&String| {
        let mut links = connections.iter();
        links.any(|link| link.symbols.contains(symbol) && !link.missing.contains(symbol))
    };
    let active = expected.iter().filter(is_active).count();
    let mut lines = vec![format!(
        "links  {up} of {} up, {active} of {} symbols active",
        connections.len(),
        expected.len()
    )];
    if connections.len() > 1 {
        for (place, link) in connections.iter().enumerate() {
            let (number, active, expected) = (place + 1, link.active, link.expected);
            if !link.connected {
                lines.push(format!("  connection {number} is down"));
            } else if active < expected {
                let noun = noun(expected as u64, "symbol");
                lines.push(format!(
                    "  connection {number} brings {active} of its {expected} {noun}"
                ));
            }
        }
    }
    lines
}

fn rest(status: &Status) -> Vec<String> {
    let (sink, spool) = (&status.sink, &status.spool);
    let mut lines = links(&status.connections);
    lines.extend([
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
    ]);
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
        let health = Sampler::new(Tally::default(), ".".into()).sample(&shown, &[], 0, 0);
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
    fn symbols_on_two_links_count_once_and_a_link_that_brings_less_is_named() {
        let mut status = status();
        let mut first = status.connections.remove(0);
        (first.active, first.missing) = (1, Vec::new());
        let mute = ConnectionStatus {
            active: 0,
            missing: first.symbols.clone(),
            ..first.clone()
        };
        assert_eq!(
            links(&[first.clone(), first.clone()]),
            ["links  2 of 2 up, 1 of 1 symbols active"]
        );
        let down = ConnectionStatus {
            connected: false,
            ..mute.clone()
        };
        assert_eq!(
            links(&[first, mute, down]),
            [
                "links  2 of 3 up, 1 of 1 symbols active",
                "  connection 2 brings 0 of its 1 symbol",
                "  connection 3 is down",
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
