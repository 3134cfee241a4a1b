//! What the exchange sends, or does not.

use std::time::Duration;

use super::{AFTER_PAUSES, LOST, ONCE};
use crate::{
    app::probe::{
        bench::{Bench, load::Load},
        error::ProbeError,
        harm::Harm,
        scenario::{Allowed, Group::Stream, Scenario},
    },
    domain::safeguard::Safeguard,
    exchange::sim::{CutHow, Fault, FaultKind, GarbleHow},
};

/// How history that cannot be had is seen.
const NO_HISTORY: &[&str] = &["history.failed"];
/// How long what lasts does so.
const WHILE: Duration = Duration::from_secs(20);
/// A missed pong is seen after the next ping, which is due within 20 s, and 10 s more.
const PONG: Duration = Duration::from_secs(35);

pub(super) fn all() -> Vec<Scenario> {
    vec![
        pong_withheld(),
        pings_only(),
        acknowledged_mute(),
        mute_symbol(),
        never_upgraded(),
        slow_frames(),
        oversized(),
        garbage(),
        truncated(),
        unknown_field(),
        closed(),
        renewal(),
        shutdown(),
        rest_refuses("rest-429", "history answers 429 for 20 s", |bench| {
            Box::pin(refuse(bench, 429))
        }),
        rest_refuses("rest-418", "history answers 418 for 20 s", |bench| {
            Box::pin(refuse(bench, 418))
        }),
        rest_refuses("rest-503", "history answers 503 for 20 s", |bench| {
            Box::pin(refuse(bench, 503))
        }),
        rest_down(),
    ]
}

/// Leaves trades out while history is refused.
async fn refuse(bench: &mut Bench, status: u16) -> Result<(), ProbeError> {
    // Whole seconds are all that the header knows.
    let retry_after_s = bench.scaled(WHILE).as_secs_f64().ceil() as u64;
    let refused = FaultKind::RestStatus {
        status,
        retry_after_s: [418, 429].contains(&status).then_some(retry_after_s),
    };
    without_history(bench, refused).await
}

/// Leaves trades out while history fails.
async fn without_history(bench: &mut Bench, kind: FaultKind) -> Result<(), ProbeError> {
    bench
        .struck("history fails, and trades are missing")
        .await?;
    let skip = FaultKind::Skip {
        every: 50,
        ids: Vec::new(),
    };
    let skip = Fault::new(skip).times(10);
    bench.exchange.faults(vec![Fault::new(kind), skip]).await?;
    bench.hold(WHILE).await;
    bench.exchange.clear().await?;
    bench.healed().await
}

fn rest_refuses(
    name: &'static str,
    line: &'static str,
    play: crate::app::probe::scenario::Play,
) -> Scenario {
    Scenario::new(Stream, name, line, play)
        .seen_as(NO_HISTORY)
        // Whoever is told to keep quiet does so.
        .recovered_within(Duration::from_secs(60))
        .allowing(Allowed::RECONNECTS)
        .fails_without(&[Safeguard::GapRepair], Harm::Lost)
}

fn pong_withheld() -> Scenario {
    let line = "pings are not answered; data come";
    Scenario::new(Stream, "pong-withheld", line, |bench| {
        Box::pin(async {
            bench.struck("no pongs").await?;
            let fault = Fault::new(FaultKind::WithholdPong {}).times(1);
            bench.exchange.faults(vec![fault]).await
        })
    })
    .seen_as(LOST)
    .detected_within(PONG)
    .allowing(ONCE)
    .fails_without(&[Safeguard::Detection], Harm::Unseen)
}

fn pings_only() -> Scenario {
    let line = "pings go on, data stop";
    Scenario::new(Stream, "pings-only", line, |bench| {
        Box::pin(async {
            bench.struck("data stop").await?;
            bench
                .exchange
                .fault(FaultKind::PingsOnly { open: true })
                .await
        })
    })
    .core()
    .seen_as(LOST)
    .allowing(ONCE)
    .fails_without(&[Safeguard::Detection], Harm::Late)
}

fn acknowledged_mute() -> Scenario {
    let line = "a new connection is acknowledged and stays mute";
    Scenario::new(Stream, "mute-after-connect", line, |bench| {
        Box::pin(async {
            let mute = Fault::new(FaultKind::PingsOnly { open: false }).times(1);
            let cut = Fault::new(FaultKind::Cut {
                how: CutHow::Rst,
                open: true,
            });
            bench.struck("the next connection is mute").await?;
            bench.exchange.faults(vec![mute, cut]).await
        })
    })
    .seen_as(&["stream.dead"])
    .allowing(Allowed::reconnects(4))
    .fails_without(&[Safeguard::Detection], Harm::Unseen)
}

fn mute_symbol() -> Scenario {
    let line = "one symbol stops, the other one goes on";
    Scenario::new(Stream, "mute-symbol", line, |bench| {
        Box::pin(async {
            bench.struck("ETHUSDT stops").await?;
            let mute = Fault::new(FaultKind::MuteSymbol { open: true }).symbol("ETHUSDT");
            bench.exchange.faults(vec![mute]).await
        })
    })
    .core()
    .seen_as(LOST)
    .allowing(ONCE)
    .fails_without(&[Safeguard::Detection], Harm::Unseen)
}

fn never_upgraded() -> Scenario {
    let line = "after a cut the upgrade is not answered for 20 s";
    Scenario::new(Stream, "no-upgrade", line, |bench| {
        Box::pin(async {
            bench.struck("no connection is upgraded").await?;
            bench.exchange.fault(FaultKind::NeverUpgrade {}).await?;
            bench.streams.cut();
            bench.hold(WHILE).await;
            bench.exchange.clear().await?;
            bench.healed().await
        })
    })
    .seen_as(&["stream.connect_failed"])
    .recovered_within(AFTER_PAUSES)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Deadlines], Harm::Lost)
}

fn slow_frames() -> Scenario {
    let line = "messages come byte by byte for 20 s";
    Scenario::new(Stream, "slow-loris", line, |bench| {
        Box::pin(async {
            bench.struck("bytes come one by one").await?;
            bench
                .exchange
                .fault(FaultKind::Slow { delay_us: 2000 })
                .await?;
            bench.hold(WHILE).await;
            bench.exchange.clear().await?;
            bench.healed().await
        })
    })
    .seen_as(LOST)
    .detected_within(WHILE)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Detection], Harm::Unseen)
}

fn garbled(
    name: &'static str,
    line: &'static str,
    play: crate::app::probe::scenario::Play,
) -> Scenario {
    Scenario::new(Stream, name, line, play)
        .seen_as(&["messages.malformed"])
        // Many in a row are told of together.
        .detected_within(Duration::from_secs(60))
        .fails_without(&[Safeguard::GapRepair], Harm::Lost)
}

async fn garble(bench: &mut Bench, how: GarbleHow) -> Result<(), ProbeError> {
    bench.struck("messages are broken").await?;
    let fault = Fault::new(FaultKind::Garble { every: 20, how });
    bench.exchange.faults(vec![fault]).await?;
    bench.hold(WHILE).await;
    bench.exchange.clear().await?;
    bench.healed().await
}

fn oversized() -> Scenario {
    garbled("oversized", "messages of 2 MB come", |bench| {
        Box::pin(async {
            bench.struck("messages are too long").await?;
            let how = GarbleHow::Oversized;
            let fault = Fault::new(FaultKind::Garble { every: 20, how }).times(2);
            bench.exchange.faults(vec![fault]).await
        })
    })
    .seen_as(LOST)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Reconnect], Harm::Lost)
}

fn garbage() -> Scenario {
    garbled(
        "garbage",
        "binary nonsense comes between messages",
        |bench| Box::pin(garble(bench, GarbleHow::Binary)),
    )
}

fn truncated() -> Scenario {
    garbled("truncated-json", "messages end in their middle", |bench| {
        Box::pin(garble(bench, GarbleHow::Truncated))
    })
    .core()
}

fn unknown_field() -> Scenario {
    let line = "every message has a field that nobody knows";
    Scenario::new(Stream, "unknown-field", line, |bench| {
        Box::pin(async {
            bench.struck("there is a new field").await?;
            bench
                .exchange
                .fault(FaultKind::ExtraField { every: 1 })
                .await?;
            bench.hold(WHILE).await;
            bench.exchange.clear().await?;
            bench.healed().await
        })
    })
    .fails_without(&[Safeguard::Fallback, Safeguard::GapRepair], Harm::Lost)
}

fn closed() -> Scenario {
    let line = "the connection ends without a close frame";
    Scenario::new(Stream, "close-1006", line, |bench| {
        Box::pin(async {
            bench.struck("it ends").await?;
            let close = FaultKind::Close {
                code: 1006,
                open: true,
            };
            bench.exchange.fault(close).await
        })
    })
    .seen_as(LOST)
    .allowing(ONCE)
    .fails_without(&[Safeguard::Reconnect], Harm::Lost)
}

fn renewal() -> Scenario {
    let line = "the exchange ends connections after a while";
    Scenario::new(Stream, "renewal", line, |bench| {
        Box::pin(async {
            bench.struck("connections are replaced in time").await?;
            bench.hold(Duration::from_secs(150)).await;
            bench.healed().await
        })
    })
    .load(Load {
        // Longer than the tape stands still afterwards: without trades no two connections meet.
        lifetime_s: 120,
        ..Load::default()
    })
    .with(&["--renew-after", "60s"])
    .seen_as(&["stream.renewed"])
    .detected_within(Duration::from_secs(75))
    .fails_without(&[Safeguard::Renewal], Harm::Restarts)
}

fn shutdown() -> Scenario {
    let line = "the exchange announces that it will shut down";
    Scenario::new(Stream, "server-shutdown", line, |bench| {
        Box::pin(async {
            bench.struck("a shutdown is announced").await?;
            let grace = bench.scaled(Duration::from_secs(10));
            let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
            let shutdown = FaultKind::ServerShutdown { grace_ms };
            bench.exchange.fault(shutdown).await
        })
    })
    .seen_as(&["stream.renewing"])
    .fails_without(&[Safeguard::Renewal], Harm::Restarts)
}

fn rest_down() -> Scenario {
    let line = "history is down for 20 s while trades are missing";
    Scenario::new(Stream, "rest-down", line, |bench| {
        let down = FaultKind::RestDown { how: CutHow::Rst };
        Box::pin(without_history(bench, down))
    })
    .core()
    .seen_as(NO_HISTORY)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::GapRepair], Harm::Lost)
}
