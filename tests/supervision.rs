//! A collector that stops notices it, mends itself in stages, and says what it did.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

#[path = "common/mod.rs"]
mod common;
#[path = "supervision/detection.rs"]
mod detection;
#[path = "supervision/links.rs"]
mod links;
#[path = "supervision/mute_link.rs"]
mod mute_link;
#[path = "supervision/relay.rs"]
mod relay;
#[path = "supervision/renewal.rs"]
mod renewal;
#[path = "supervision/truth.rs"]
mod truth;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{PATIENCE, Rig, Running, symbol};
use streamkit::{
    app::{
        collect::{CollectError, Event, Phase},
        supervise::{TaskState, TaskStatus},
    },
    domain::{
        crash::{CrashPoint, CrashPoints},
        remedy::Remedy,
        repeats,
    },
    exchange::{
        binance::Binance,
        sim::{Config, CutHow, Fault, FaultKind, Rate},
        source::{LiveBatch, Source as _},
    },
};
use tokio::time::timeout;

/// The defaults of supervision, and of the steps of a rebuilding, fifty times shorter.
const FACTOR: f64 = 0.02;

/// After so long without a turn a task that is made to hang counts as failed.
const HANG: Duration = Duration::from_secs(2);

/// A collector at work whose tasks misbehave as told.
async fn misbehaving(mischief: &[&str]) -> (Rig, Running) {
    let mut rig = Rig::start(busy()).await;
    scale(&mut rig);
    if mischief.iter().any(|text| text.contains(":hang@")) {
        let limits = &mut rig.settings.limits;
        (limits.tasks.hang, limits.delivery_hang) = (HANG, HANG);
    }
    rig.settings.mischief = mischief
        .iter()
        .map(|text| text.parse().expect("a mischief"))
        .collect();
    let running = rig.collect();
    (rig, running)
}

fn scale(rig: &mut Rig) {
    let limits = &mut rig.settings.limits;
    let scaled = streamkit::app::collect::Limits::default().scaled(FACTOR);
    limits.tasks = scaled.tasks;
    limits.steps = scaled.steps;
    // A disk that is slow to answer does not pass for a task that hangs.
    (limits.tasks.hang, limits.delivery_hang) = (PATIENCE, PATIENCE);
}

fn strike(rig: &Rig, fault: Fault) {
    rig.server.faults().add(fault).expect("a sensible fault");
}

fn task(running: &Running, name: &str) -> TaskStatus {
    let mut statuses = running.supervisor.statuses().into_iter();
    statuses
        .find(|status| &*status.name == name)
        .expect("a task")
}

fn failures(running: &Running) -> Vec<String> {
    let events = running.events.lock().expect("not poisoned");
    let failed = events.iter().filter(|event| event.code() == "task.failed");
    failed.map(ToString::to_string).collect()
}

/// A task that misbehaves once is named, started anew, and the bars are those of the tape.
async fn is_started_anew(name: &str, what: &str, words: &str) {
    // Some look at the world no more than once a second.
    let turn = if ["heartbeat", "seal"].contains(&name) {
        3
    } else {
        20
    };
    let (rig, running) = misbehaving(&[&format!("{name}:{what}@{turn}")]).await;
    running.until_event("task.failed").await;
    let told = failures(&running).remove(0);
    assert!(told.starts_with(&format!("task {name} failed: ")), "{told}");
    assert!(told.contains(words), "{told}");
    running
        .until("the task to run again", |_| {
            let status = task(&running, name);
            status.state == TaskState::Running && status.restarts == 1 && status.turns > 1
        })
        .await;
    running.until_taken(3000).await;
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_panics_is_started_anew() {
    is_started_anew("session-0", "panic", "it panicked at").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_hangs_is_started_anew() {
    is_started_anew("session-0", "hang", "it hangs: no turn for 2.0 s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_by_itself_is_started_anew() {
    is_started_anew("session-0", "return", "it ended without being told to").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivery_that_panics_is_started_anew() {
    is_started_anew("delivery", "panic", "it panicked at").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivery_that_hangs_is_started_anew() {
    is_started_anew("delivery", "hang", "it hangs: no turn for 2.0 s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chronicle_that_panics_is_started_anew() {
    is_started_anew("chronicle", "panic", "it panicked at").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chronicle_that_hangs_is_started_anew() {
    is_started_anew("chronicle", "hang", "it hangs: no turn for 2.0 s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_that_hangs_is_started_anew() {
    is_started_anew("heartbeat", "hang", "it hangs: no turn for 5.0 s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealer_that_panics_is_started_anew() {
    is_started_anew("seal", "panic", "it panicked at").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealer_that_hangs_is_started_anew() {
    is_started_anew("seal", "hang", "it hangs: no turn for 5.0 s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_panics_in_a_commit_is_opened_anew() {
    let mut rig = Rig::start(busy()).await;
    scale(&mut rig);
    let visits = AtomicU64::new(0);
    rig.settings.crash = CrashPoints::armed(move |point| {
        let is_due =
            point == CrashPoint::JournalBeforeCommit && visits.fetch_add(1, Ordering::SeqCst) == 30;
        assert!(!is_due, "made to panic");
    });
    let running = rig.collect();
    running.until_event("task.failed").await;
    let told = failures(&running).remove(0);
    assert!(
        told.starts_with("task journal failed: it panicked at tests/supervision.rs:"),
        "{told}"
    );
    assert!(told.contains(": made to panic; restart "), "{told}");
    assert!(told.contains("journal::actor"), "its backtrace: {told}");
    running.until_taken(3000).await;
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

/// What was done about dead streams, and for which symbol, once it has helped.
fn helped(running: &Running) -> Vec<(String, Remedy)> {
    let events = running.events.lock().expect("not poisoned");
    let remedied = events.iter().filter_map(|event| match event {
        Event::Remedied { symbol, remedy, .. } => Some((symbol.to_string(), *remedy)),
        _ => None,
    });
    remedied.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_symbol_is_mended_without_a_new_connection() {
    let (rig, running) = misbehaving(&[]).await;
    running.until_taken(3000).await;
    let mute = FaultKind::MuteSymbol { open: true };
    strike(&rig, Fault::new(mute).symbol("ETHUSDT").times(1));
    running.until_event("remedy.helped").await;
    assert_eq!(
        helped(&running),
        [("ETHUSDT".to_owned(), Remedy::Resubscribe)]
    );
    assert_eq!(running.board.read().totals.reconnects, 0);
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reconnecting_does_not_mend_is_rebuilt_step_by_step_whatever_step_hangs() {
    let (rig, running) = misbehaving(&[
        "step-stop:hang",
        "step-checkpoint:hang",
        "step-shutdown:hang",
    ])
    .await;
    running.until_taken(3000).await;
    rig.server.faults().pings_only();
    strike(&rig, Fault::new(FaultKind::PingsOnly { open: false }));
    running
        .until("every step to have failed", |_| {
            running.count("restart.step_failed") >= 3
        })
        .await;
    rig.server.faults().clear();
    running.until_event("remedy.helped").await;
    let steps: Vec<_> = {
        let events = running.events.lock().expect("not poisoned");
        let steps = events.iter().filter_map(|event| match event {
            Event::StepFailed { step, .. } => Some(*step),
            _ => None,
        });
        steps.take(3).collect()
    };
    assert_eq!(steps, ["stop", "checkpoint", "shutdown"]);
    assert!(
        running.count("remedy.failed") >= 3,
        "each reconnection got its verdict"
    );
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_session_that_gets_no_connection_is_told_of_and_tries_on() {
    let mut rig = Rig::start(busy()).await;
    scale(&mut rig);
    // The rebuilding stands still for so long that a fault can be put between.
    let limits = &mut rig.settings.limits;
    limits.steps.shutdown = Duration::from_secs(2);
    rig.settings.mischief = vec!["step-shutdown:hang".parse().expect("a mischief")];
    let running = rig.collect();
    running.until_taken(3000).await;
    rig.server.faults().pings_only();
    strike(&rig, Fault::new(FaultKind::PingsOnly { open: false }));
    running
        .until("the session to be taken down", |shown| {
            let mut symbols = shown.symbols.iter();
            symbols.all(|symbol| symbol.phase == Phase::Starting)
        })
        .await;
    rig.server.faults().clear();
    strike(&rig, Fault::new(FaultKind::NeverUpgrade {}));
    let failed = |step: &str| {
        let events = running.events.lock().expect("not poisoned");
        events.iter().any(|event| {
            let told = event.to_string();
            event.code() == "restart.step_failed" && told.contains(step)
        })
    };
    running
        .until("no connection to be told of", |_| {
            failed("create") && failed("shutdown")
        })
        .await;
    rig.server.faults().clear();
    running.until_event("remedy.helped").await;
    assert!(
        helped(&running)
            .iter()
            .all(|(_, remedy)| *remedy == Remedy::Rebuild)
    );
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_looks_in_a_row_are_counted_and_told_of_every_60() {
    let mut rig = Rig::start(Config {
        length: Some(4000),
        ..busy()
    })
    .await;
    rig.settings.limits.silence_check = Duration::from_millis(20);
    let running = rig.collect();
    running.until_taken(4000).await;
    running
        .until("silence to be told of, again and again", |_| {
            running.count("symbol.silent") >= 6
        })
        .await;
    let told: Vec<_> = {
        let events = running.events.lock().expect("not poisoned");
        let silent = events.iter().filter_map(|event| match event {
            Event::Silent {
                symbol, periods, ..
            } if symbol.as_str() == "ETHUSDT" => Some((*periods, event.to_string())),
            _ => None,
        });
        silent.collect()
    };
    for (place, (periods, text)) in told.iter().enumerate() {
        assert_eq!(*periods, 60 * (place as u64 + 1), "{told:?}");
        let words = format!("{periods} looks in a row; its stream is quiet");
        assert!(text.contains(&words), "{text}");
    }
    assert_eq!(running.count("stream.dead"), 0);
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nothing_mends_ends_the_collector_with_everything_committed() {
    let (rig, running) = misbehaving(&[]).await;
    running.until_taken(3000).await;
    rig.server.faults().pings_only();
    strike(&rig, Fault::new(FaultKind::PingsOnly { open: false }));
    let events = Arc::clone(&running.events);
    let ended = timeout(2 * PATIENCE, running.task).await.expect("it ends");
    let error = ended.expect("no panic").expect_err("nothing has helped");
    assert!(
        matches!(&error, CollectError::Escalated(reason) if reason.contains("BTCUSDT")),
        "{error}"
    );
    // The last verdicts, too.
    let events = events.lock().expect("not poisoned");
    let verdicts = events
        .iter()
        .filter(|event| event.code() == "remedy.failed");
    let texts = rig.event_texts("remedy.failed");
    let written: u64 = texts.iter().map(|text| repeats::times(text)).sum();
    assert_eq!(written, verdicts.count() as u64, "{texts:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_hangs_in_a_rebuilding_costs_no_event() {
    let (rig, running) = misbehaving(&["step-checkpoint:hang"]).await;
    running.until_taken(3000).await;
    rig.server.faults().pings_only();
    strike(&rig, Fault::new(FaultKind::PingsOnly { open: false }));
    running.until_event("restart.step_failed").await;
    rig.server.faults().clear();
    running.until_event("remedy.helped").await;
    running.until_more(300).await;
    let events = Arc::clone(&running.events);
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
    for code in ["remedy.failed", "stream.dead", "restart.step_failed"] {
        let events = events.lock().expect("not poisoned");
        let happened = events.iter().filter(|event| event.code() == code).count();
        let texts = rig.event_texts(code);
        let written: u64 = texts.iter().map(|text| repeats::times(text)).sum();
        assert_eq!(written, happened as u64, "{texts:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_panics_amid_remedies_forgets_neither_them_nor_that_they_failed() {
    let mut rig = Rig::start(busy()).await;
    scale(&mut rig);
    let restarts = &mut rig.settings.limits.tasks.restarts;
    (restarts.restarts, restarts.window_us) = (1000, 600_000_000);
    rig.settings.mischief = vec!["session-0:panic@150".parse().expect("a mischief")];
    let running = rig.collect();
    running.until_taken(2500).await;
    rig.server.faults().pings_only();
    strike(&rig, Fault::new(FaultKind::PingsOnly { open: false }));
    running.until_event("task.failed").await;
    let most = || {
        let events = running.events.lock().expect("not poisoned");
        let failures = events.iter().map(|event| match event {
            Event::RemedyFailed { failures, .. } => *failures,
            _ => 0,
        });
        failures.max().expect("events")
    };
    let before = most();
    assert!(before > 0, "it panics amid remedies");
    running
        .until("the ladder to go on", |_| most() > before)
        .await;
    rig.server.faults().clear();
    running
        .until("nothing to be wrong any more", |shown| {
            running.count("remedy.helped") > 0
                && shown.groups.iter().all(|group| group.failed_remedies == 0)
        })
        .await;
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_replaced_before_it_is_too_old_and_nothing_is_missed() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.limits.renew_after = Duration::from_millis(400);
    let running = rig.collect();
    running
        .until("several renewals", |_| running.count("stream.renewed") >= 4)
        .await;
    let has_overlapped = {
        let events = running.events.lock().expect("not poisoned");
        let mut renewals = events.iter().filter_map(|event| match event {
            Event::Renewed { has_overlapped, .. } => Some(*has_overlapped),
            _ => None,
        });
        renewals.all(|has_overlapped| has_overlapped)
    };
    assert!(has_overlapped);
    assert_eq!(running.count("stream.disconnected"), 0);
    assert_eq!(running.count("gap.found"), 0);
    assert_eq!(running.board.read().totals.reconnects, 0);
    running.until_taken(3000).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_links_carry_the_same_trades_and_make_the_same_bars() {
    let mut rig = Rig::start(busy()).await;
    rig.settings.limits.links = 2;
    let running = rig.collect();
    running.until_two_links().await;
    running.until_taken(3000).await;
    running.until_more(300).await;
    let summary = running.stop().await.expect("a graceful stop");
    assert!(
        summary
            .shown
            .symbols
            .iter()
            .all(|symbol| symbol.duplicates > 300)
    );
    rig.assert_exact(&summary).await;
}

/// Two busy symbols.
fn busy() -> Config {
    Config {
        symbols: vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()],
        rate: Rate::PerSecond(1500.0),
        history: Some(2500),
        trades_per_day: Some(6000),
        ..Config::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_symbol_is_subscribed_to_anew_on_the_same_connection() {
    let rig = Rig::start(busy()).await;
    let exchange = Binance::new(rig.binance.clone()).expect("an adapter");
    let symbols = [symbol("BTCUSDT"), symbol("ETHUSDT")];
    let mut stream = exchange.connect(&symbols).await.expect("a connection");
    let mute = Fault::new(FaultKind::MuteSymbol { open: true }).symbol("ETHUSDT");
    rig.server.faults().add(mute).expect("a sensible fault");
    let mut batch = LiveBatch::default();
    // What was under way when it went mute still comes; a second's worth of the other
    // symbol without any is silence.
    let mut others = 0;
    while others < 1500 {
        batch.clear();
        timeout(PATIENCE, stream.receive(&mut batch))
            .await
            .expect("trades")
            .expect("a stream");
        for (index, _) in &batch.trades {
            others = if *index == 1 { 0 } else { others + 1 };
        }
    }
    assert!(stream.resubscribe(&[1]));
    let mut has_come = false;
    while !has_come {
        batch.clear();
        timeout(PATIENCE, stream.receive(&mut batch))
            .await
            .expect("trades")
            .expect("a stream");
        has_come = batch.trades.iter().any(|(index, _)| *index == 1);
        assert_eq!(batch.malformed, [], "the answers are expected");
    }
    stream.close().await;
}
