//! How soon it is noticed that something is dead, from the fault on, by the steady clock.
//!
//! The limits are the defaults scaled by one factor, which leaves so much room that the
//! scheduling of a busy machine does not matter; should it once, another attempt decides.

use std::sync::mpsc::sync_channel;

use tokio::time::{Instant, sleep};

use super::{
    common::{Rig, Running},
    *,
};

/// The silence that makes the exchange be asked is 2 s then, and its trades may take 0.4 s.
const FACTOR: f64 = 0.2;
/// What is wrong is found within so many limits.
const IN_TIME: f64 = 1.5;
const ATTEMPTS: usize = 3;

/// A collector of two busy symbols, with the defaults scaled by [`FACTOR`].
async fn scaled(change: impl FnOnce(&mut Rig)) -> (Rig, Running) {
    let mut rig = Rig::start(busy()).await;
    rig.settings.limits = streamkit::app::collect::Limits::default().scaled(FACTOR);
    let socket = &mut rig.binance.socket;
    socket.ping_interval = Duration::from_secs(20).mul_f64(FACTOR);
    socket.pong_deadline = Duration::from_secs(10).mul_f64(FACTOR);
    change(&mut rig);
    let running = rig.collect();
    running.until_taken(3000).await;
    (rig, running)
}

/// Waits for one more event with `code` than there were; returns when it came.
async fn one_more(running: &Running, code: &str, before: usize) -> Instant {
    running.until(code, |_| running.count(code) > before).await;
    running.last(code).expect("it came")
}

/// Lets a stream die by `strike`, which returns when it did, until that was noticed in time;
/// each time it is mended and told of.
async fn stream_dies(verdict: &str, strike: impl AsyncFn(&Rig, &Running) -> Instant) {
    let (rig, running) = scaled(|_| {}).await;
    let limit = rig.settings.limits.silence_min.mul_f64(IN_TIME);
    let mut took = Vec::new();
    for _ in 0..ATTEMPTS {
        let (dead, helped) = (running.count("stream.dead"), running.count("remedy.helped"));
        let struck = strike(&rig, &running).await;
        took.push(one_more(&running, "stream.dead", dead).await - struck);
        one_more(&running, "remedy.helped", helped).await;
        rig.server.faults().clear();
        running.until_more(300).await;
        if took.iter().any(|took| *took <= limit) {
            break;
        }
    }
    assert!(
        took.iter().any(|took| *took <= limit),
        "{took:?} > {limit:?}"
    );
    let told: Vec<String> = {
        let events = running.events.lock().expect("not poisoned");
        let remedied = events.iter().filter(|e| e.code() == "remedy.helped");
        remedied
            .map(|event| format!("{} {event}", event.symbol().expect("of a symbol")))
            .collect()
    };
    let says = |told: &String, words: &str| told.contains(words);
    for words in [
        "USDT lives again, ",
        verdict,
        ", after ",
        "; it had been silent for ",
        ", last id here ",
        ", at the exchange ",
    ] {
        assert!(says(&told[0], words), "{words:?} in {told:?}");
    }
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_open_connection_is_found_in_time_and_told_of() {
    stream_dies("reconnected", async |rig, _| {
        rig.server.faults().half_open();
        Instant::now()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_without_data_are_found_in_time_and_told_of() {
    stream_dies("reconnected", async |rig, _| {
        rig.server.faults().pings_only();
        Instant::now()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_mute_symbol_is_found_in_time_and_told_of() {
    stream_dies("resubscribed", async |rig, _| {
        let mute = FaultKind::MuteSymbol { open: true };
        strike(rig, Fault::new(mute).symbol("ETHUSDT").times(1));
        Instant::now()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_mute_after_its_acknowledgement_is_found_in_time_and_told_of() {
    stream_dies("reconnected", async |rig, running| {
        let connected = running.count("stream.connected");
        let mute = FaultKind::PingsOnly { open: false };
        strike(rig, Fault::new(mute).times(1));
        rig.server.faults().cut(CutHow::Rst);
        one_more(running, "stream.connected", connected).await
    })
    .await;
}

/// A task that hangs at its `turn`-th turn is found in time and started anew.
async fn task_hangs(name: &'static str, turn: u64) {
    let mut took = Vec::new();
    let mut limit = Duration::ZERO;
    for _ in 0..ATTEMPTS {
        let (rig, running) = scaled(|rig| {
            let limits = &mut rig.settings.limits;
            if name == "delivery" {
                limits.delivery_hang = limits.tasks.hang;
            }
            let mischief = format!("{name}:hang@{turn}");
            rig.settings.mischief = vec![mischief.parse().expect("a mischief")];
        })
        .await;
        limit = rig.settings.limits.tasks.hang.mul_f64(IN_TIME);
        // No event tells of a turn, so it is looked for.
        let hangs = async {
            while task(&running, name).turns < turn {
                sleep(Duration::from_millis(2)).await;
            }
            Instant::now()
        };
        let since = timeout(PATIENCE, hangs).await.expect("it takes turns");
        took.push(one_more(&running, "task.failed", 0).await - since);
        let told = failures(&running).remove(0);
        let words = format!("task {name} failed: it hangs: no turn for 2.0 s, after {turn}; ");
        assert!(told.starts_with(&words), "{told}");
        running
            .until("the task to run again", |_| {
                let status = task(&running, name);
                status.state == TaskState::Running && status.restarts == 1 && status.turns > 1
            })
            .await;
        running.until_more(300).await;
        let summary = running.stop().await.expect("a graceful stop");
        rig.assert_exact(&summary).await;
        if took.iter().any(|took| *took <= limit) {
            return;
        }
    }
    panic!("{took:?} > {limit:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_hangs_is_found_in_time() {
    task_hangs("session-0", 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivery_that_hangs_is_found_in_time() {
    task_hangs("delivery", 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_the_journal_and_hangs_is_found_in_time() {
    task_hangs("journal", 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_stands_still_is_found_in_time_and_costs_nothing_once_it_goes_on() {
    let (struck, fault) = sync_channel(1);
    let (go_on, goes_on) = sync_channel::<()>(1);
    let goes_on = std::sync::Mutex::new(goes_on);
    let visits = AtomicU64::new(0);
    let (rig, running) = scaled(|rig| {
        rig.settings.crash = CrashPoints::armed(move |point| {
            let is_due = point == CrashPoint::JournalBeforeCommit
                && visits.fetch_add(1, Ordering::SeqCst) == 80;
            if is_due {
                let _ = struck.try_send(Instant::now());
                let _ = goes_on.lock().expect("not poisoned").recv_timeout(PATIENCE);
            }
        });
    })
    .await;
    let failed = |name: &'static str| {
        let running = &running;
        move || {
            let told = failures(running);
            told.iter()
                .any(|told| told.starts_with(&format!("task {name} failed: it hangs: ")))
        }
    };
    let journal_failed = failed("journal");
    running
        .until("the journal to be told of", |_| journal_failed())
        .await;
    let took = Instant::now() - fault.try_recv().expect("it stood still");
    let limit = rig.settings.limits.tasks.hang.mul_f64(IN_TIME);
    assert!(took <= limit, "{took:?} > {limit:?}");
    go_on.send(()).expect("the thread waits");
    running
        .until("the journal to be watched again", |_| {
            task(&running, "journal").state == TaskState::Running
        })
        .await;
    running.until_more(600).await;
    let summary = running.stop().await.expect("a graceful stop");
    rig.assert_exact(&summary).await;
}
