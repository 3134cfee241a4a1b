//! What collectors have written into the store about themselves, for people.

use crate::app::collect::stored_status::{StoredCollector, StoredStatus};

use super::{
    collect::heartbeat::age,
    style,
    table::{Column, Table, grouped},
    words::wrapped,
};

/// The status as lines of at most `width` characters, as far as names allow.
#[must_use]
pub fn lines(status: &StoredStatus, width: usize, has_color: bool) -> Vec<String> {
    let mut lines = wrapped(
        &format!("as collectors last wrote into the store {}:", status.store),
        0,
        width,
    );
    for collector in &status.collectors {
        lines.push(String::new());
        lines.push(head(collector, has_color));
        for complaint in &collector.complaints {
            lines.extend(wrapped(complaint, 2, width));
        }
        lines.extend(symbols(collector).lines(width));
    }
    lines
}

fn head(collector: &StoredCollector, has_color: bool) -> String {
    let word = if collector.healthy {
        style::good("healthy", has_color)
    } else {
        style::bad("not healthy", has_color)
    };
    format!("{}  {}  {word}", collector.collector, collector.exchange)
}

fn symbols(collector: &StoredCollector) -> Table {
    let mut table = Table::new(vec![
        Column::words("symbol"),
        Column::words("state"),
        Column::number("last id").ranked(3),
        Column::number("trade"),
        Column::number("taken").ranked(2),
        Column::number("bar").ranked(1),
        Column::number("heard"),
        Column::number("spool").ranked(4),
        Column::words("breaker").ranked(5),
    ]);
    for symbol in &collector.symbols {
        table.push(vec![
            symbol.symbol.clone(),
            symbol.state.to_owned(),
            symbol
                .last_agg_trade_id
                .map_or_else(|| "-".to_owned(), |id| id.to_string()),
            span(symbol.last_trade_age_s),
            span(symbol.received_age_s),
            span(symbol.newest_bar_age_s),
            span(Some(symbol.heartbeat_age_s)),
            grouped(symbol.spool_rows),
            symbol.breaker.to_owned(),
        ]);
    }
    table
}

fn span(seconds: Option<f64>) -> String {
    age(seconds.map(|seconds| (seconds * 1e6) as i64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{
        breaker::BreakerState,
        row::{HealthRow, StreamState},
        threshold::Threshold,
    };

    fn status() -> StoredStatus {
        let threshold = Threshold::new(250).expect("a threshold");
        let live = HealthRow {
            collector: "nas".to_owned(),
            exchange: "binance".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            state: StreamState::Live,
            last_agg_trade_id: Some(3_412_345_678),
            last_trade_time_us: Some(995_000_000),
            received_at_us: Some(995_100_000),
            newest_bars: BTreeMap::from([(threshold, 900_000_000)]),
            spool_rows: 1234,
            breaker: BreakerState::Closed,
            interval_us: 10_000_000,
            heartbeat_at_us: 997_000_000,
        };
        let starting = HealthRow {
            symbol: "1000SATSUSDT".parse().expect("a symbol"),
            state: StreamState::CatchingUp,
            last_agg_trade_id: None,
            last_trade_time_us: None,
            received_at_us: None,
            newest_bars: BTreeMap::new(),
            ..live.clone()
        };
        StoredStatus::of("sqlite:/x.db".to_owned(), &[live, starting], 1_000_000_000)
    }

    #[test]
    fn it_fits_80_columns_and_says_where_it_comes_from() {
        assert_eq!(
            lines(&status(), 80, false),
            [
                "as collectors last wrote into the store sqlite:/x.db:",
                "",
                "nas  binance  not healthy",
                "  catching-up (1000SATSUSDT)",
                "symbol        state           last id  trade  taken    bar  heard  spool",
                "BTCUSDT       live         3412345678   5.0s   4.9s  1m40s   3.0s  1 234",
                "1000SATSUSDT  catching-up           -      -      -      -   3.0s  1 234",
            ]
        );
    }

    #[test]
    fn it_can_be_read_on_a_narrow_terminal() {
        for line in lines(&status(), 50, false) {
            assert!(line.chars().count() <= 50, "{line}");
        }
    }
}
