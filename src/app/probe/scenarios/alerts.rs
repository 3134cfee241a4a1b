//! Those who are to be told.

use std::time::Duration;

use crate::{
    app::probe::{
        harm::Harm,
        relay::Way,
        scenario::{Allowed, Group::Alerts, Scenario},
    },
    domain::safeguard::Safeguard,
};

pub(super) fn all() -> Vec<Scenario> {
    vec![channel_down()]
}

fn channel_down() -> Scenario {
    let line = "for 60 s network and alert channel fail";
    Scenario::new(Alerts, "channel-down", line, |bench| {
        Box::pin(async {
            bench.struck("network and channel are down").await?;
            bench.inbox.set_down(true);
            bench.streams.set(Way::Blackhole);
            bench.history.set(Way::Blackhole);
            bench.hold(Duration::from_secs(60)).await;
            bench.inbox.set_down(false);
            bench.streams.set(Way::Open);
            bench.history.set(Way::Open);
            bench.healed().await
        })
    })
    .core()
    .seen_as(&["alert.firing"])
    .detected_within(Duration::from_secs(60))
    .alerting(1)
    .allowing(Allowed::RECONNECTS)
    .fails_without(&[Safeguard::AlertRetry], Harm::Alerts)
}
