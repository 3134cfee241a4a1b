//! The database.

use std::time::Duration;

use rustix::process::Signal;

use crate::{
    app::probe::{
        bench::Bench,
        error::ProbeError,
        harm::Harm,
        proxy::Mode,
        scenario::{Allowed, Group::Store, Needs, Play, Scenario},
    },
    domain::safeguard::Safeguard,
};

/// How a store that does not take rows is seen.
const FAILED: &[&str] = &["delivery.failed", "delivery.breaker_opened"];
/// How long an operator's command may take.
const COMMAND: Duration = Duration::from_secs(30);
/// How long what lasts does so.
const WHILE: Duration = Duration::from_secs(20);
/// How long the database is away.
const OUTAGE: Duration = Duration::from_secs(60);
/// How long the answer to an insert is waited for, and some more.
const PATIENCE: Duration = Duration::from_secs(75);
/// A breaker that has opened leaves the database alone for 60 s at a time.
const AFTER_BREAKER: Duration = Duration::from_secs(75);

pub(super) fn all() -> Vec<Scenario> {
    vec![
        locked(),
        outage(),
        poison(),
        server(
            "store-refuse",
            "connections are refused for 20 s",
            |bench| Box::pin(strike(bench, Mode::Refuse, WHILE)),
        ),
        server("store-reset", "connections are reset for 20 s", |bench| {
            Box::pin(strike(bench, Mode::Reset, WHILE))
        }),
        server(
            "store-cut-insert",
            "inserts are cut in their middle for 20 s",
            |bench| {
                Box::pin(strike(
                    bench,
                    Mode::ResetRequest { after_bytes: 500 },
                    WHILE,
                ))
            },
        ),
        server(
            "store-500",
            "inserts are answered with 500 for 20 s",
            |bench| Box::pin(strike(bench, Mode::ServerError { has_body: true }, WHILE)),
        ),
        server(
            "store-read-only",
            "inserts are forbidden for 20 s",
            |bench| Box::pin(strike(bench, Mode::ReadOnly, WHILE)),
        ),
        stall(),
        answer_lost().core(),
        slow(),
        down(),
        restart(),
        killed(),
    ]
}

/// Lets the way to the server do something for a while.
async fn strike(bench: &mut Bench, mode: Mode, time: Duration) -> Result<(), ProbeError> {
    bench.struck(&format!("the database: {mode}")).await?;
    bench.storage.set(mode)?;
    bench.hold(time).await;
    bench.storage.set(Mode::Pass)?;
    bench.healed().await
}

/// A server that takes nothing for a while.
fn server(name: &'static str, line: &'static str, play: Play) -> Scenario {
    Scenario::new(Store, name, line, play)
        .needs(Needs::Server)
        .seen_as(FAILED)
        .allowing(Allowed::DELIVERIES)
        .recovered_within(AFTER_BREAKER)
        .fails_without(&[Safeguard::DeliveryRetry], Harm::Lost)
}

/// Lets nothing be written for a while.
async fn shut(bench: &mut Bench, text: &str, time: Duration) -> Result<(), ProbeError> {
    bench.struck(text).await?;
    bench.storage.shut().await?;
    bench.hold(time).await;
    bench.storage.reopen().await?;
    bench.healed().await
}

fn locked() -> Scenario {
    let line = "somebody else keeps the database locked for 20 s";
    Scenario::new(Store, "store-locked", line, |bench| {
        Box::pin(shut(bench, "the database is locked", WHILE))
    })
    .needs(Needs::File)
    .seen_as(FAILED)
    .allowing(Allowed::DELIVERIES)
    .fails_without(&[Safeguard::DeliveryRetry], Harm::Lost)
}

fn outage() -> Scenario {
    let line = "the database takes nothing for 60 s";
    Scenario::new(Store, "store-outage", line, |bench| {
        Box::pin(shut(bench, "the database takes nothing", OUTAGE))
    })
    .core()
    .seen_as(FAILED)
    .allowing(Allowed::DELIVERIES)
    .recovered_within(AFTER_BREAKER)
    .fails_without(&[Safeguard::DeliveryRetry], Harm::Lost)
}

fn poison() -> Scenario {
    let line = "the database refuses a row for its content";
    Scenario::new(Store, "poison-row", line, |bench| {
        Box::pin(async {
            bench.struck("rows are refused").await?;
            bench.poison_a_row().await?;
            bench.hold(Duration::from_secs(30)).await;
            bench.storage.heal().await?;
            // An operator has mended the table, and sends what was set aside.
            bench.run(&["spool", "flush", "--dead"], COMMAND).await?;
            bench.healed().await
        })
    })
    .core()
    .seen_as(&["delivery.rows_refused", "delivery.dead_letters"])
    .allowing(Allowed::DELIVERIES)
    .fails_without(&[Safeguard::DeadLetters], Harm::Lost)
}

fn stall() -> Scenario {
    let line = "for 150 s requests are taken and not answered";
    server("store-stall", line, |bench| {
        Box::pin(strike(bench, Mode::Stall, Duration::from_secs(150)))
    })
    // An answer is waited for as long as a large insert may take, and the last one that the
    // breaker lets through may be asked for just before the end.
    .detected_within(PATIENCE)
    .recovered_within(PATIENCE + AFTER_BREAKER)
}

fn answer_lost() -> Scenario {
    let line = "inserts are in, every 2nd answer is lost for 20 s";
    server("store-answer-lost", line, |bench| {
        Box::pin(strike(bench, Mode::DropAnswer { one_in: 2 }, WHILE))
    })
    .fails_without(&[Safeguard::Tokens], Harm::Duplicated)
}

fn slow() -> Scenario {
    let line = "requests and answers are 2 s late for 30 s";
    server("store-slow", line, |bench| {
        Box::pin(async {
            let delay = bench.scaled(Duration::from_secs(2));
            let mode = Mode::Latency { delay };
            strike(bench, mode, Duration::from_secs(30)).await
        })
    })
    .seen_as(&[])
    .allowing(Allowed::NOTHING)
    .fails_without(&[Safeguard::StorePatience], Harm::Restarts)
}

/// Ends the server, and starts it again after a while.
async fn stop(bench: &mut Bench, signal: Signal, time: Duration) -> Result<(), ProbeError> {
    bench.struck("the server ends").await?;
    bench.storage.stop_server(signal).await?;
    bench.hold(time).await;
    bench.storage.reopen().await?;
    bench.healed().await
}

fn down() -> Scenario {
    server("store-down", "the server is down for 60 s", |bench| {
        Box::pin(stop(bench, Signal::TERM, Duration::from_secs(60)))
    })
    .needs(Needs::OwnServer)
}

fn restart() -> Scenario {
    server("store-restart", "the server is started anew", |bench| {
        Box::pin(stop(bench, Signal::TERM, Duration::ZERO))
    })
    .needs(Needs::OwnServer)
    // Whoever has nothing to send while it is away sees nothing.
    .seen_as(&[])
}

fn killed() -> Scenario {
    let line = "kill -9 of the server, and a new start";
    server("store-kill", line, |bench| {
        Box::pin(stop(bench, Signal::KILL, Duration::ZERO))
    })
    .needs(Needs::OwnServer)
    .seen_as(&[])
}
