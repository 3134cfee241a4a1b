use super::*;

pub(super) fn healthy() -> SymbolHealth {
    SymbolHealth {
        symbol: "BTCUSDT".parse().expect("a symbol"),
        progress: Progress::Live,
        pulse: Pulse::Fresh,
        silence_ms: 100,
        unexplained_ms: 100,
        patience_ms: 12_000,
        behind_ms: 0,
        per_minute: Some(600),
        usual_per_minute: Some(600),
    }
}

pub(super) fn with(symbol: SymbolHealth) -> HealthSnapshot {
    HealthSnapshot {
        symbols: vec![symbol],
        ..HealthSnapshot::default()
    }
}

#[test]
fn a_dead_stream_is_unhealthy_although_it_is_connected() {
    let mut symbol = healthy();
    symbol.pulse = Pulse::Dead;
    symbol.silence_ms = 12_500;
    // It was subscribed to anew, and everything was fetched: that is no life.
    for progress in [Progress::Live, Progress::CatchingUp] {
        symbol.progress = progress;
        let snapshot = with(symbol.clone());
        assert_eq!(
            snapshot.complaints(),
            ["BTCUSDT is dead: silent for 12.5 s, being reconnected"]
        );
        assert_eq!(snapshot.score().level, Level::Yellow);
    }
}

#[test]
fn a_trade_that_the_exchange_shows_first_is_awaited_without_a_word() {
    let mut symbol = healthy();
    symbol.pulse = Pulse::Overdue;
    (symbol.silence_ms, symbol.unexplained_ms) = (3_600_000, 1000);
    assert!(with(symbol.clone()).complaints().is_empty());
    symbol.unexplained_ms = 12_001;
    assert_eq!(
        with(symbol).complaints(),
        ["BTCUSDT is silent for 3600.0 s, unconfirmed"]
    );
}

#[test]
fn who_is_not_connected_is_not_said_to_catch_up() {
    let mut symbol = healthy();
    (symbol.progress, symbol.pulse) = (Progress::CatchingUp, Pulse::Down);
    assert_eq!(with(symbol).complaints(), ["BTCUSDT is not connected"]);
}

#[test]
fn silence_that_nobody_confirms_is_unhealthy_once_it_is_unusual() {
    for pulse in [Pulse::Fresh, Pulse::Asking, Pulse::Blind] {
        let mut symbol = healthy();
        symbol.pulse = pulse;
        symbol.unexplained_ms = 12_000;
        assert!(with(symbol.clone()).complaints().is_empty(), "{pulse:?}");
        symbol.unexplained_ms = 12_001;
        assert_eq!(with(symbol).complaints().len(), 1, "{pulse:?}");
    }
}

#[test]
fn a_quiet_market_is_healthy_for_however_long() {
    let mut symbol = healthy();
    symbol.pulse = Pulse::Quiet;
    symbol.silence_ms = 24 * 3_600_000;
    symbol.unexplained_ms = 60_000;
    symbol.per_minute = Some(0);
    let snapshot = with(symbol);
    assert!(snapshot.complaints().is_empty());
    assert_eq!(snapshot.score().level, Level::Green);
}

#[test]
fn a_database_that_is_down_is_a_remark_and_no_complaint() {
    let snapshot = HealthSnapshot {
        is_breaker_open: true,
        spool_rows: 1234,
        ..with(healthy())
    };
    assert!(snapshot.complaints().is_empty());
    assert_eq!(
        snapshot.remarks(),
        ["the store does not answer: 1234 rows wait on disk"]
    );
}

#[test]
fn what_does_not_run_is_named() {
    let mut symbol = healthy();
    symbol.progress = Progress::CatchingUp;
    let snapshot = HealthSnapshot {
        failed_tasks: vec!["delivery".into()],
        paused: Some("the spool is full".into()),
        ..with(symbol)
    };
    assert_eq!(
        snapshot.complaints(),
        [
            "task delivery does not run",
            "nothing is consumed: the spool is full",
            "BTCUSDT is catching up"
        ]
    );
}
