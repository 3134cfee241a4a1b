//! The figures of a collector in the text format of Prometheus.
//!
//! The text is made anew for each scrape, from the same document that `/status` serves, so
//! that nothing is counted where trades are taken. Names follow the conventions of
//! Prometheus: base units at the end, `_total` for what only rises.

use metrics::{Label, counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::app::collect::status::{Status, SymbolStatus};

/// The media type of the text format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text of a status.
#[must_use]
pub fn text(status: &Status) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    with_local_recorder(&recorder, || {
        describe();
        of_collector(status);
        for symbol in &status.symbols {
            of_symbol(symbol);
        }
        for task in &status.tasks {
            let labels = [Label::new("task", task.name.clone())];
            let is_running = task.state == "running";
            gauge!("streamkit_task_running", labels.iter()).set(flag(is_running));
            counter!("streamkit_task_restarts_total", labels.iter()).absolute(task.restarts);
        }
    });
    handle.render()
}

fn describe() {
    for (name, text) in [
        ("streamkit_healthy", "1 when every wanted symbol is live"),
        (
            "streamkit_health_score_ratio",
            "0 (nothing works) to 1 (nothing is wrong)",
        ),
        (
            "streamkit_health_age_seconds",
            "Time since health was last judged",
        ),
        ("streamkit_build_info", "1, with the version of the program"),
        ("streamkit_uptime_seconds", "Time since the collector began"),
        ("streamkit_connections", "Connections that stand"),
        (
            "streamkit_spool_rows",
            "Rows that the store has not confirmed",
        ),
        (
            "streamkit_spool_bytes",
            "Bytes of rows that the store has not confirmed",
        ),
        (
            "streamkit_spool_oldest_age_seconds",
            "Age of the oldest batch in the spool",
        ),
        ("streamkit_spool_dead_rows", "Rows that the store refuses"),
        (
            "streamkit_buffer_rows",
            "Rows and held trades that are only in memory",
        ),
        (
            "streamkit_disk_used_ratio",
            "The used part of the disk that holds the journal",
        ),
        (
            "streamkit_memory_used_ratio",
            "Memory in use as a part of the cgroup's limit",
        ),
        ("streamkit_breaker_open", "1 while the store is left alone"),
        (
            "streamkit_symbol_active",
            "1 when trades come, or a silence is confirmed",
        ),
        (
            "streamkit_symbol_silence_seconds",
            "Time since a trade last came by stream",
        ),
        (
            "streamkit_symbol_last_trade_timestamp_seconds",
            "When the last trade was traded",
        ),
        (
            "streamkit_symbol_last_agg_trade_id",
            "The last aggregate id taken",
        ),
        ("streamkit_symbol_gaps_open", "Gaps that are being fetched"),
        ("streamkit_task_running", "1 while the task runs"),
    ] {
        describe_gauge!(name, text);
    }
    for (name, text) in [
        (
            "streamkit_reconnects_total",
            "Connections made after the first",
        ),
        (
            "streamkit_errors_total",
            "Failed requests, connects, commits and inserts",
        ),
        (
            "streamkit_malformed_messages_total",
            "Messages that were no trade",
        ),
        (
            "streamkit_duplicate_trades_total",
            "Live trades that came twice",
        ),
        (
            "streamkit_published_rows_total",
            "Rows that the store has confirmed",
        ),
        ("streamkit_insert_errors_total", "Failed inserts"),
        (
            "streamkit_breaker_trips_total",
            "How often the breaker has opened",
        ),
        ("streamkit_trades_total", "Trades taken"),
        ("streamkit_bars_total", "Bars closed"),
        ("streamkit_gaps_repaired_total", "Gaps closed by fetching"),
        (
            "streamkit_gaps_absent_total",
            "Gaps that the exchange has proven absent",
        ),
        ("streamkit_task_restarts_total", "Restarts of the task"),
    ] {
        describe_counter!(name, text);
    }
}

fn of_collector(status: &Status) {
    gauge!("streamkit_healthy").set(flag(status.health.healthy));
    gauge!("streamkit_health_score_ratio").set(status.health.score);
    gauge!("streamkit_health_age_seconds").set(status.health.age_s.unwrap_or(0.0));
    let version = [Label::new("version", status.streamkit.clone())];
    gauge!("streamkit_build_info", version.iter()).set(1.0);
    gauge!("streamkit_uptime_seconds").set(status.uptime_s);
    let connected = status
        .connections
        .iter()
        .filter(|connection| connection.connected);
    gauge!("streamkit_connections").set(connected.count() as f64);
    // Those of the connections begin anew with each session.
    counter!("streamkit_reconnects_total").absolute(status.reconnects);
    counter!("streamkit_errors_total").absolute(status.errors);
    counter!("streamkit_malformed_messages_total").absolute(status.malformed);
    gauge!("streamkit_buffer_rows").set(status.buffer_rows as f64);
    for (name, ratio) in [
        ("streamkit_disk_used_ratio", status.disk_used_ratio),
        ("streamkit_memory_used_ratio", status.memory_used_ratio),
    ] {
        if let Some(ratio) = ratio {
            gauge!(name).set(ratio);
        }
    }
    gauge!("streamkit_spool_rows").set(status.spool.rows as f64);
    gauge!("streamkit_spool_bytes").set(status.spool.size_bytes as f64);
    gauge!("streamkit_spool_oldest_age_seconds").set(status.spool.oldest_s.unwrap_or(0.0));
    gauge!("streamkit_spool_dead_rows").set(status.spool.dead_rows as f64);
    gauge!("streamkit_breaker_open").set(flag(status.sink.breaker != "closed"));
    counter!("streamkit_breaker_trips_total").absolute(status.sink.breaker_trips);
    counter!("streamkit_published_rows_total").absolute(status.sink.published);
    counter!("streamkit_insert_errors_total").absolute(status.sink.insert_errors);
}

fn of_symbol(symbol: &SymbolStatus) {
    let labels = [Label::new("symbol", symbol.symbol.clone())];
    gauge!("streamkit_symbol_active", labels.iter()).set(flag(symbol.active));
    gauge!("streamkit_symbol_silence_seconds", labels.iter()).set(symbol.silence_s);
    if let Some(time_us) = symbol.last_trade_time_us {
        gauge!(
            "streamkit_symbol_last_trade_timestamp_seconds",
            labels.iter()
        )
        .set(time_us as f64 / 1e6);
    }
    if let Some(id) = symbol.last_agg_trade_id {
        gauge!("streamkit_symbol_last_agg_trade_id", labels.iter()).set(id as f64);
    }
    gauge!("streamkit_symbol_gaps_open", labels.iter()).set(symbol.gaps_open as f64);
    counter!("streamkit_trades_total", labels.iter()).absolute(symbol.trades);
    counter!("streamkit_duplicate_trades_total", labels.iter()).absolute(symbol.duplicates);
    counter!("streamkit_gaps_repaired_total", labels.iter()).absolute(symbol.gaps_repaired);
    counter!("streamkit_gaps_absent_total", labels.iter()).absolute(symbol.gaps_absent);
    for (dbps, bars) in &symbol.bars {
        let threshold = Label::new("threshold_decimal_bps", dbps.to_string());
        let labels = [labels[0].clone(), threshold];
        counter!("streamkit_bars_total", labels.iter()).absolute(*bars);
    }
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::collect::{
            SymbolSnapshot,
            health::{Sampler, Tally},
            snapshot::{ConnectionSnapshot, GroupSnapshot, Shown},
            status::Moment,
        },
        domain::threshold::Threshold,
    };

    fn status() -> Status {
        let mut symbol = SymbolSnapshot::new("BTCUSDT".parse().expect("a symbol"));
        symbol.trades = 41;
        symbol.bars = vec![(Threshold::new(250).expect("a threshold"), 7)];
        let mut shown = Shown {
            symbols: vec![symbol],
            ..Shown::default()
        };
        shown.sink.published = 1_234_567;
        shown.totals.reconnects = 5;
        shown.totals.malformed = 2;
        // A session that was begun anew has an own count.
        shown.connections = vec![ConnectionSnapshot {
            reconnects: 1,
            ..ConnectionSnapshot::default()
        }];
        shown.groups = vec![GroupSnapshot {
            held_trades: 3,
            ..GroupSnapshot::default()
        }];
        let health = Sampler::new(Tally::default(), ".".into()).sample(&shown, &[], 0, 0);
        let moment = Moment {
            collector: "test".to_owned(),
            running: true,
            steady_us: 2_500_000,
            wall_us: 0,
        };
        Status::of(&moment, &shown, &health, &[])
    }

    #[test]
    fn figures_are_exact_and_described() {
        let text = text(&status());
        for line in [
            "# TYPE streamkit_trades_total counter",
            "# HELP streamkit_trades_total Trades taken",
            "streamkit_trades_total{symbol=\"BTCUSDT\"} 41",
            "streamkit_published_rows_total 1234567",
            "streamkit_uptime_seconds 2.5",
            "streamkit_healthy 0",
            "streamkit_health_age_seconds 0",
            "streamkit_reconnects_total 5",
            "streamkit_malformed_messages_total 2",
            "streamkit_duplicate_trades_total{symbol=\"BTCUSDT\"} 0",
            "streamkit_errors_total 0",
            "streamkit_buffer_rows 3",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is missing in\n{text}"
            );
        }
        let version = env!("CARGO_PKG_VERSION");
        let build = format!("streamkit_build_info{{version=\"{version}\"}} 1");
        assert!(text.contains(&build), "{text}");
        assert!(
            text.contains(
                "streamkit_bars_total{symbol=\"BTCUSDT\",threshold_decimal_bps=\"250\"} 7"
            ),
            "{text}"
        );
    }

    #[test]
    fn every_figure_has_a_description() {
        let text = text(&status());
        for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
            let name = line.split(' ').nth(2).expect("a name");
            assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        }
    }
}
