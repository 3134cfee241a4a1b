//! What the exchange sends, or does not.

use crate::{
    app::probe::scenario::{Allowed, Group::Stream, Scenario},
    domain::safeguard::Safeguard,
    exchange::sim::{Fault, FaultKind},
};

/// How a lost connection is seen.
const LOST: &[&str] = &["stream.disconnected", "stream.dead"];

pub(super) fn all() -> Vec<Scenario> {
    vec![pings_only(), mute_symbol(), id_gap()]
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
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Detection])
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
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::Detection])
}

fn id_gap() -> Scenario {
    let line = "one trade in 50 does not come by stream";
    Scenario::new(Stream, "id-gap", line, |bench| {
        Box::pin(async {
            bench.struck("trades are left out").await?;
            let skip = FaultKind::Skip {
                every: 50,
                ids: Vec::new(),
            };
            bench
                .exchange
                .faults(vec![Fault::new(skip).times(20)])
                .await
        })
    })
    .core()
    .seen_as(&["gap.found"])
    .fails_without(&[Safeguard::GapRepair])
}
