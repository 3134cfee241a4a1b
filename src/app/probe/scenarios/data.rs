//! The trades themselves.

use std::time::Duration;

use crate::{
    app::probe::{
        bench::{
            Bench,
            load::{Edit, Load},
        },
        error::ProbeError,
        harm::Harm,
        scenario::{Allowed, Group::Data, Scenario},
    },
    domain::safeguard::Safeguard,
    exchange::sim::{Fault, FaultKind},
};

/// How long what lasts does so.
const WHILE: Duration = Duration::from_secs(20);
/// How long the exchange's ids stay back.
const RESET: Duration = Duration::from_secs(60);

pub(super) fn all() -> Vec<Scenario> {
    vec![
        duplicates(),
        reordering(),
        id_gap(),
        id_reset(),
        spikes(),
        backwards(),
    ]
}

/// Lets it go wrong for a while.
async fn for_a_while(bench: &mut Bench, fault: Fault) -> Result<(), ProbeError> {
    bench.exchange.faults(vec![fault]).await?;
    bench.hold(WHILE).await;
    bench.exchange.clear().await?;
    bench.healed().await
}

fn duplicates() -> Scenario {
    let line = "one trade in 10 comes twice";
    Scenario::new(Data, "duplicates", line, |bench| {
        Box::pin(async {
            bench.struck("trades come twice").await?;
            let fault = Fault::new(FaultKind::Duplicate { every: 10 });
            for_a_while(bench, fault).await
        })
    })
    .core()
    .fails_without(&[Safeguard::Sequence], Harm::Restarts)
}

fn reordering() -> Scenario {
    let line = "one trade in 20 comes behind the next 3";
    Scenario::new(Data, "reordering", line, |bench| {
        Box::pin(async {
            bench.struck("trades come late").await?;
            let fault = Fault::new(FaultKind::Reorder { every: 20, by: 3 });
            for_a_while(bench, fault).await
        })
    })
    .fails_without(&[Safeguard::Sequence], Harm::Restarts)
}

fn id_gap() -> Scenario {
    let line = "one trade in 50 does not come by stream";
    Scenario::new(Data, "id-gap", line, |bench| {
        Box::pin(async {
            bench.struck("trades are left out").await?;
            let skip = FaultKind::Skip {
                every: 50,
                ids: Vec::new(),
            };
            let fault = Fault::new(skip).times(20);
            bench.exchange.faults(vec![fault]).await
        })
    })
    .core()
    .seen_as(&["gap.found"])
    // Where the last trade before the tape stands still is left out, the exchange has one that the
    // stream does not bring, and nobody can tell that from a dead one.
    .allowing(Allowed::reconnects(1))
    .fails_without(&[Safeguard::GapRepair], Harm::Lost)
}

fn id_reset() -> Scenario {
    let line = "the exchange's newest id is 1000 too low for 60 s";
    Scenario::new(Data, "id-reset", line, |bench| {
        Box::pin(async {
            bench.struck("the ids of ETHUSDT go back").await?;
            let behind = Fault::new(FaultKind::LatestBehind { by: 1000 }).symbol("ETHUSDT");
            let mute = Fault::new(FaultKind::MuteSymbol { open: true }).symbol("ETHUSDT");
            bench.exchange.faults(vec![behind, mute]).await?;
            bench.hold(RESET).await;
            bench.exchange.clear().await?;
            // The symbol stands still until a person has looked, who starts the collector again.
            bench.kill().await;
            bench.start(&[])?;
            bench.healed().await
        })
    })
    .seen_as(&["symbol.id_reset"])
    // Asked twice, so far apart that no slow answer can look like it.
    .detected_within(Duration::from_secs(40))
    .allowing(Allowed::processes(1))
    .fails_without(&[Safeguard::Detection], Harm::Unseen)
}

fn spikes() -> Scenario {
    let line = "single prices are ten times as high";
    Scenario::new(Data, "price-spikes", line, |bench| {
        Box::pin(async {
            bench.struck("there are spikes all along").await?;
            bench.hold(Duration::from_secs(30)).await;
            bench.healed().await
        })
    })
    .load(Load {
        edit: Edit::Spikes,
        ..Load::default()
    })
    .fails_without(&[Safeguard::EveryTrade], Harm::Differing)
}

fn backwards() -> Scenario {
    let line = "single trades are dated 5 s back";
    Scenario::new(Data, "time-backwards", line, |bench| {
        Box::pin(async {
            bench.struck("times go back all along").await?;
            bench.hold(Duration::from_secs(30)).await;
            bench.healed().await
        })
    })
    .load(Load {
        edit: Edit::Backwards,
        ..Load::default()
    })
    .fails_without(&[Safeguard::EveryTrade], Harm::Differing)
}
