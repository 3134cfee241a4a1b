//! The collector's process, its clock and its disk.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use rustix::process::Signal;

use super::LOST;
use crate::{
    app::probe::{
        bench::{Bench, ENDED},
        error::ProbeError,
        harm::Harm,
        relay::Way,
        scenario::{Allowed, Group::Process, Scenario},
    },
    domain::safeguard::Safeguard,
};

/// An hour in µs.
const HOUR_US: i64 = 3_600_000_000;
/// How large a page of the journal is.
const PAGE_BYTES: u64 = 4096;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        kill(),
        kill_at_random(),
        freeze(),
        terminate(),
        panic(),
        hang(),
        delivery_panics(),
        delivery_hangs(),
        disk_full(),
        journal_damaged(),
        clock_forward(),
        clock_back(),
    ]
}

fn kill() -> Scenario {
    let line = "kill -9, and a new start";
    Scenario::new(Process, "kill", line, |bench| {
        Box::pin(async {
            bench.struck("kill -9").await?;
            bench.kill().await;
            bench.start(&[])
        })
    })
    .core()
    .seen_as(&[ENDED])
    .allowing(Allowed::processes(1))
    .fails_without(&[Safeguard::GapRepair], Harm::Lost)
}

fn kill_at_random() -> Scenario {
    let line = "kill -9 five times, at random moments";
    Scenario::new(Process, "kill-random", line, |bench| {
        Box::pin(async {
            let mut random = StdRng::seed_from_u64(bench.seed);
            bench.struck("the first kill -9").await?;
            for _ in 0..5 {
                bench.kill().await;
                bench.start(&[])?;
                let pause_ms = random.random_range(100..20_000);
                bench.hold(Duration::from_millis(pause_ms)).await;
            }
            bench.healed().await
        })
    })
    .seen_as(&[ENDED])
    .allowing(Allowed::processes(5))
    .fails_without(&[Safeguard::GapRepair], Harm::Lost)
}

fn freeze() -> Scenario {
    let line = "SIGSTOP for 30 s, then SIGCONT";
    Scenario::new(Process, "freeze", line, |bench| {
        Box::pin(async {
            bench.struck("it is stopped").await?;
            bench.signal(Signal::STOP)?;
            bench.hold(Duration::from_secs(30)).await;
            bench.signal(Signal::CONT)?;
            // What was on its way while it slept is cut off, as a router would.
            bench.streams.cut();
            bench.healed().await
        })
    })
    .core()
    .allowing(Allowed::TASKS)
    .fails_without(&[Safeguard::GapRepair], Harm::Lost)
}

fn terminate() -> Scenario {
    let line = "SIGTERM in a burst, and a new start";
    Scenario::new(Process, "terminate", line, |bench| {
        Box::pin(async {
            bench.exchange.pace(20.0).await?;
            bench.hold(Duration::from_secs(5)).await;
            bench.struck("SIGTERM").await?;
            let stopped = bench.stop_in_order().await;
            bench.exchange.pace(1.0).await?;
            stopped?;
            bench.start(&[])
        })
    })
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::GapRepair], Harm::Lost)
}

/// Starts it anew with a task that misbehaves in its third turn.
async fn misbehave(bench: &mut Bench, mischief: &'static str) -> Result<(), ProbeError> {
    bench.stop_in_order().await?;
    bench.struck(mischief).await?;
    bench.start(&["--mischief", mischief])
}

fn panic() -> Scenario {
    let line = "the task of the stream panics";
    Scenario::new(Process, "task-panic", line, |bench| {
        Box::pin(misbehave(bench, "session-0:panic@3"))
    })
    .core()
    .seen_as(&["task.failed"])
    .allowing(Allowed::tasks(1))
    .fails_without(&[Safeguard::Supervision], Harm::Lost)
}

fn hang() -> Scenario {
    let line = "the task of the stream hangs";
    Scenario::new(Process, "task-hang", line, |bench| {
        Box::pin(misbehave(bench, "session-0:hang@3"))
    })
    .core()
    .seen_as(&["task.failed"])
    .allowing(Allowed::tasks(1))
    .fails_without(&[Safeguard::Supervision], Harm::Lost)
}

fn delivery_panics() -> Scenario {
    let line = "the task that delivers panics";
    Scenario::new(Process, "delivery-panic", line, |bench| {
        Box::pin(misbehave(bench, "delivery:panic@3"))
    })
    .seen_as(&["task.failed"])
    .allowing(Allowed::tasks(1))
    .fails_without(&[Safeguard::Supervision], Harm::Lost)
}

fn delivery_hangs() -> Scenario {
    let line = "the task that delivers hangs";
    Scenario::new(Process, "delivery-hang", line, |bench| {
        Box::pin(misbehave(bench, "delivery:hang@3"))
    })
    .seen_as(&["task.failed"])
    // It is given time for a large insert into a slow store, and its rows wait on disk.
    .detected_within(Duration::from_secs(720))
    .recovered_within(Duration::from_secs(750))
    .allowing(Allowed::tasks(1))
    .fails_without(&[Safeguard::Supervision], Harm::Lost)
}

fn disk_full() -> Scenario {
    let line = "the journal may not grow; the store takes nothing";
    Scenario::new(Process, "disk-full", line, |bench| {
        Box::pin(async {
            bench.stop_in_order().await?;
            let path = bench.journal();
            let size = std::fs::metadata(&path).map(|file| file.len());
            let size = size.map_err(|cause| ProbeError::File { path, cause })?;
            let pages = (size / PAGE_BYTES + 300).to_string();
            bench.start(&["--journal-max-pages", &pages])?;
            bench.until_fresh().await?;
            bench.struck("the database takes nothing").await?;
            bench.storage.shut().await?;
            bench.exchange.pace(10.0).await?;
            bench.hold(Duration::from_secs(120)).await;
            bench.exchange.pace(1.0).await?;
            bench.storage.reopen().await?;
            bench.healed().await
        })
    })
    .seen_as(&["journal.commit_failed", "spool.full"])
    .detected_within(Duration::from_secs(120))
    .recovered_within(Duration::from_secs(90))
    .allowing(Allowed::TASKS)
    .fails_without(&[Safeguard::SpoolBound], Harm::Lost)
}

fn journal_damaged() -> Scenario {
    let line = "kill -9, and the journal is overwritten";
    Scenario::new(Process, "journal-damaged", line, |bench| {
        Box::pin(async {
            bench.struck("the journal is damaged").await?;
            bench.kill().await;
            let path = bench.journal();
            damage(&path).map_err(|cause| ProbeError::File { path, cause })?;
            bench.start(&[])
        })
    })
    .core()
    .seen_as(&["journal.set_aside"])
    .allowing(Allowed::processes(1))
    .fails_without(&[Safeguard::Resume], Harm::Lost)
}

/// Overwrites all but the first page of a journal.
fn damage(path: &std::path::Path) -> std::io::Result<()> {
    // What is only in the log is put into the file first.
    let connection = rusqlite::Connection::open(path).map_err(std::io::Error::other)?;
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let done = connection.query_row(checkpoint, [], |_| Ok(()));
    done.map_err(std::io::Error::other)?;
    drop(connection);
    let mut file = File::options().write(true).open(path)?;
    let rest = file.metadata()?.len().saturating_sub(PAGE_BYTES);
    file.seek(SeekFrom::Start(PAGE_BYTES))?;
    file.write_all(&vec![0x5a; usize::try_from(rest).unwrap_or(0)])?;
    file.sync_all()
}

fn clock_forward() -> Scenario {
    let line = "the clock jumps ahead by 1 h, ten times";
    Scenario::new(Process, "clock-forward", line, |bench| {
        Box::pin(async {
            // By a clock that jumps the last trade is an hour old, and newer ones, which the
            // exchange has and which are under way, have been waited for as long.
            bench.exchange.pace(0.02).await?;
            let delay = bench.scaled(Duration::from_secs(3));
            bench.streams.set(Way::Latency { delay });
            bench.hold(Duration::from_secs(5)).await;
            bench.struck("the clock jumps").await?;
            for hours in 1..=10 {
                bench.set_clock_ahead(hours * HOUR_US)?;
                bench.hold(Duration::from_secs(2)).await;
            }
            bench.streams.set(Way::Open);
            bench.exchange.pace(1.0).await?;
            bench.healed().await
        })
    })
    .alerting_at_most(0)
    .fails_without(&[Safeguard::SteadyClock], Harm::Restarts)
}

fn clock_back() -> Scenario {
    let line = "the clock jumps back by 1 h; a half-open stream";
    Scenario::new(Process, "clock-back", line, |bench| {
        Box::pin(async {
            bench.struck("the clock jumps, and nothing passes").await?;
            bench.set_clock_ahead(-HOUR_US)?;
            bench.streams.set(Way::HalfOpen);
            Ok(())
        })
    })
    .seen_as(LOST)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::SteadyClock], Harm::Unseen)
}
