//! What happens to a collector becomes rows of `events`, and uptime is counted from them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

mod common;

use std::time::Duration;

use common::{PATIENCE, Rig, Running, symbol};
use streamkit::{
    app::{
        clock::Clock,
        collect::CollectError,
        uptime::{Measured, UptimeRequest, measure},
    },
    domain::{
        row::EventRow,
        uptime::{Figures, Window},
    },
    exchange::sim::{Config, Fault, FaultKind, Rate},
    store::sink::EventQuery,
};
use tokio::time::{Instant, timeout};

/// Longer than any test.
const PAUSE_US: i64 = 600_000_000;

/// Two busy symbols, and supervision that is fifty times shorter.
async fn rig() -> Rig {
    let config = Config {
        symbols: vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()],
        rate: Rate::PerSecond(500.0),
        history: Some(1000),
        trades_per_day: Some(6000),
        ..Config::default()
    };
    let mut rig = Rig::start(config).await;
    let limits = &mut rig.settings.limits;
    let scaled = streamkit::app::collect::Limits::default().scaled(0.02);
    limits.tasks = scaled.tasks;
    // Room for a machine with other things to do.
    // Room for the backtrace of a panic, which takes its time the first time.
    limits.tasks.hang = Duration::from_secs(2);
    limits.steps = scaled.steps;
    rig
}

fn strike(rig: &Rig, fault: Fault) {
    rig.server.faults().add(fault).expect("a sensible fault");
}

/// The events in the store, by time.
async fn events(rig: &Rig) -> Vec<EventRow> {
    let all = EventQuery::default();
    rig.store().events(&all).await.unwrap_or_default()
}

/// Waits until the store holds an event with this code; returns all that it holds.
async fn until_stored(rig: &Rig, code: &str) -> Vec<EventRow> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let events = events(rig).await;
        if events.iter().any(|event| event.code == code) {
            return events;
        }
        assert!(Instant::now() < deadline, "no {code} among {events:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn with<'a>(events: &'a [EventRow], code: &str) -> Vec<&'a EventRow> {
    events.iter().filter(|event| event.code == code).collect()
}

async fn last_hour(rig: &Rig) -> Measured {
    since(rig, 3_600_000_000).await
}

/// What the last `length_us` were like.
async fn since(rig: &Rig, length_us: i64) -> Measured {
    let now_us = Clock::system().wall_us();
    let request = UptimeRequest {
        exchange: None,
        symbols: Vec::new(),
        window: Window {
            since_us: now_us - length_us,
            until_us: now_us,
        },
    };
    measure(&*rig.store(), &request).await.expect("counted")
}

/// Waits until both symbols are live.
async fn until_up(running: &Running, times: usize) {
    running
        .until("both symbols to be up", |_| {
            running.count("symbol.up") >= times
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_fails_is_told_in_the_store_while_there_is_none() {
    let mut rig = rig().await;
    rig.settings.mischief = vec!["session-0:panic@100".parse().expect("a mischief")];
    // The next one begins only after this test has seen what it wants to see.
    rig.settings.limits.tasks.restarts.pause_min_us = PAUSE_US;
    rig.settings.limits.tasks.restarts.pause_max_us = PAUSE_US;
    let running = rig.collect();
    let told = until_stored(&rig, "task.failed").await;
    let failed = with(&told, "task.failed");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!((&*failed[0].collector, &*failed[0].symbol), ("test", ""));
    assert!(
        failed[0]
            .text
            .starts_with("task session-0 failed: it panicked at"),
        "{}",
        failed[0].text
    );
    let started = with(&told, "collector.started");
    assert_eq!(
        started.first().map(|event| &*event.text),
        Some("begins to collect: BTCUSDT, ETHUSDT")
    );
    assert!(
        with(&told, "task.started")
            .iter()
            .any(|event| event.text == "task session-0 runs")
    );
    running.stop().await.expect("a graceful stop");
    let told = events(&rig).await;
    assert_eq!(with(&told, "collector.stopped").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_started_anew_is_an_interruption_that_ends_by_itself() {
    for what in ["panic", "hang"] {
        let mut rig = rig().await;
        rig.settings.mischief = vec![format!("session-0:{what}@100").parse().expect("one")];
        let running = rig.collect();
        until_up(&running, 4).await;
        running.stop().await.expect("a graceful stop");
        let told = events(&rig).await;
        let down = with(&told, "symbol.down");
        assert_eq!(down.len(), 2, "{what}: {down:?}");
        assert_eq!(down[0].text, "is down: its session has ended");
        let up = with(&told, "symbol.up");
        assert!(
            up[3].text.ends_with(": its task was restarted"),
            "{}",
            up[3].text
        );
        let figures = Figures::of(&last_hour(&rig).await.uptimes);
        // The stop at the end is planned, and lasts.
        assert_eq!((figures.by_itself, figures.lasting), (2, 2), "{figures:?}");
        assert_eq!((figures.by_start, figures.planned), (0, 0), "{figures:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_open_connection_is_an_interruption_with_the_time_that_it_took() {
    let rig = rig().await;
    let running = rig.collect();
    until_up(&running, 2).await;
    running.until_taken(1500).await;
    let begun = Instant::now();
    strike(
        &rig,
        Fault::new(FaultKind::HalfOpen { open: true }).times(1),
    );
    until_up(&running, 4).await;
    let took = begun.elapsed();
    running.stop().await.expect("a graceful stop");
    let measured = last_hour(&rig).await;
    let figures = Figures::of(&measured.uptimes);
    assert_eq!(figures.by_itself, 2, "{measured:?}");
    assert_eq!((figures.by_start, figures.planned), (0, 0), "{measured:?}");
    let worst_us = figures.recover_worst_us.expect("it recovered");
    let took_us = i64::try_from(took.as_micros()).expect("short");
    // No sooner than a missed pong or silence can show it, and within what was seen; the last
    // trade may have come a little before the fault.
    assert!(worst_us >= 100_000, "{worst_us}");
    assert!(worst_us <= took_us + 200_000, "{worst_us} of {took_us}");
    // The tape is of another time.
    let complete = since(&rig, Clock::system().wall_us()).await.completeness();
    assert!(
        complete.missing() == 0 && complete.ids > 1000,
        "{complete:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dead_and_mended_on_its_connection_concerns_one_symbol() {
    let rig = rig().await;
    let running = rig.collect();
    until_up(&running, 2).await;
    running.until_taken(1500).await;
    let mute = FaultKind::MuteSymbol { open: true };
    strike(&rig, Fault::new(mute).symbol("ETHUSDT").times(1));
    until_up(&running, 3).await;
    running.stop().await.expect("a graceful stop");
    let told = events(&rig).await;
    let down = with(&told, "symbol.down");
    assert_eq!(down.len(), 1, "{down:?}");
    assert_eq!(
        (&*down[0].symbol, &*down[0].text),
        ("ETHUSDT", "is down: its stream is dead")
    );
    let up = with(&told, "symbol.up");
    assert!(up[2].text.ends_with(": resubscribed"), "{}", up[2].text);
    // It is dated back to the last trade.
    let dead = with(&told, "stream.dead");
    assert!(down[0].time_us < dead[0].time_us - 100_000, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_renewal_nor_one_link_of_two_nor_a_stop_is_a_failure() {
    let mut rig = rig().await;
    rig.settings.limits.renew_after = Duration::from_millis(400);
    let running = rig.collect();
    until_up(&running, 2).await;
    running
        .until("several renewals", |_| running.count("stream.renewed") >= 3)
        .await;
    running.stop().await.expect("a graceful stop");

    rig.settings.limits.renew_after = Duration::from_secs(3600);
    rig.settings.limits.links = 2;
    // One of the two connections is silent from the beginning, pongs included, and is lost
    // for that while the other one carries on.
    strike(
        &rig,
        Fault::new(FaultKind::HalfOpen { open: false }).times(1),
    );
    let running = rig.collect();
    until_up(&running, 2).await;
    running.until_event("stream.disconnected").await;
    running.until_more(300).await;
    running.stop().await.expect("a graceful stop");

    let told = events(&rig).await;
    assert_eq!(with(&told, "symbol.down"), Vec::<&EventRow>::new());
    assert_eq!(with(&told, "collector.lost"), Vec::<&EventRow>::new());
    let figures = Figures::of(&last_hour(&rig).await.uptimes);
    assert_eq!((figures.planned, figures.lasting), (2, 2), "{figures:?}");
    assert_eq!(figures.interruptions(), 4, "{figures:?}");
}

/// Keeps everybody out of the store once it holds rows, until `ROLLBACK` by the connection.
async fn lock_store(rig: &Rig, running: &Running) -> rusqlite::Connection {
    running
        .until("rows in the store", |shown| shown.sink.published > 0)
        .await;
    let lock = rusqlite::Connection::open(rig.store_path()).expect("the file");
    lock.busy_timeout(PATIENCE).expect("set");
    lock.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    lock
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_interrupts_nothing_and_hears_of_it_when_it_is_back() {
    let mut rig = rig().await;
    rig.store_options.sqlite.busy_timeout = Duration::from_millis(20);
    let running = rig.collect();
    until_up(&running, 2).await;
    let lock = lock_store(&rig, &running).await;
    running.until_event("delivery.breaker_opened").await;
    lock.execute_batch("ROLLBACK").expect("unlocked");
    let told = until_stored(&rig, "delivery.recovered").await;
    assert!(
        !with(&told, "delivery.breaker_opened").is_empty(),
        "{told:?}"
    );
    assert!(!with(&told, "delivery.failed").is_empty(), "{told:?}");
    running.stop().await.expect("a graceful stop");
    let told = events(&rig).await;
    assert_eq!(with(&told, "symbol.down"), Vec::<&EventRow>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_is_full_is_an_interruption() {
    let mut rig = rig().await;
    rig.store_options.sqlite.busy_timeout = Duration::from_millis(20);
    rig.settings.limits.spool_age = Duration::from_millis(1500);
    rig.settings.limits.breaker_open = Duration::from_millis(300);
    let running = rig.collect();
    until_up(&running, 2).await;
    let lock = lock_store(&rig, &running).await;
    running.until_event("symbol.down").await;
    lock.execute_batch("ROLLBACK").expect("unlocked");
    until_up(&running, 4).await;
    running.stop().await.expect("a graceful stop");
    let told = events(&rig).await;
    assert_eq!(
        with(&told, "symbol.down")[0].text,
        "is down: the spool is full"
    );
    let up = with(&told, "symbol.up");
    assert!(
        up[3].text.ends_with(": the spool has drained"),
        "{}",
        up[3].text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_collector_ended_is_in_the_store_and_the_next_start_tells_of_the_loss() {
    let rig = rig().await;
    let running = rig.collect();
    until_up(&running, 2).await;
    running.until_taken(1500).await;
    rig.server.faults().pings_only();
    strike(&rig, Fault::new(FaultKind::PingsOnly { open: false }));
    let ended = timeout(2 * PATIENCE, running.task).await.expect("it ends");
    let error = ended.expect("no panic").expect_err("nothing has helped");
    assert!(matches!(error, CollectError::Escalated(_)), "{error}");
    let told = events(&rig).await;
    assert_eq!(with(&told, "remedy.escalated").len(), 1, "{told:#?}");
    let failed = with(&told, "collector.failed");
    assert!(failed[0].text.contains("BTCUSDT"), "{}", failed[0].text);
    assert_eq!(with(&told, "collector.stopped"), Vec::<&EventRow>::new());

    rig.server.faults().clear();
    let running = rig.collect();
    until_up(&running, 2).await;
    running.stop().await.expect("a graceful stop");
    let told = events(&rig).await;
    let lost = with(&told, "collector.lost");
    assert_eq!(lost.len(), 1, "{lost:?}");
    let started = with(&told, "collector.started");
    assert!(lost[0].time_us <= started[1].time_us, "{told:?}");
    let figures = Figures::of(&last_hour(&rig).await.uptimes);
    assert_eq!((figures.by_start, figures.lasting), (2, 2), "{figures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_commit_took_with_it_is_committed_later() {
    use std::sync::atomic::{AtomicU64, Ordering};
    use streamkit::domain::crash::{CrashPoint, CrashPoints};

    let mut rig = rig().await;
    let visits = AtomicU64::new(0);
    // The very first commits are those of the start.
    rig.settings.crash = CrashPoints::armed(move |point| {
        let is_due =
            point == CrashPoint::JournalBeforeCommit && visits.fetch_add(1, Ordering::SeqCst) < 2;
        assert!(!is_due, "made to panic");
    });
    let running = rig.collect();
    until_up(&running, 2).await;
    running.stop().await.expect("a graceful stop");
    let told = events(&rig).await;
    assert_eq!(with(&told, "collector.started").len(), 1, "{told:#?}");
    let failed = with(&told, "task.failed");
    assert!(
        failed
            .iter()
            .any(|event| event.text.contains("made to panic")),
        "{failed:?}"
    );
    let of = |name| told.iter().filter(|event| event.symbol == name).count();
    assert!(of(symbol("BTCUSDT").as_str()) > 0);
}
