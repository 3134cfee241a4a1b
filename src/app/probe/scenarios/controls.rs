//! Controls: nothing fails, and nothing may be restarted.

use std::time::Duration;

use crate::{
    app::probe::{
        harm::Harm,
        scenario::{Group::Control, Scenario},
    },
    domain::safeguard::Safeguard,
};

/// How long a market is quiet, or wild.
const WHILE: Duration = Duration::from_secs(30);

pub(super) fn all() -> Vec<Scenario> {
    vec![nothing(), quiet(), burst()]
}

fn nothing() -> Scenario {
    Scenario::new(Control, "nothing", "nothing fails", |_| {
        Box::pin(async { Ok(()) })
    })
    .core()
    .alerting_at_most(0)
    .fails_without(&[Safeguard::Patience], Harm::Restarts)
}

fn quiet() -> Scenario {
    Scenario::new(
        Control,
        "quiet-market",
        "no trades are made for 30 s",
        |bench| {
            Box::pin(async {
                bench.exchange.pace(0.0).await?;
                bench.hold(WHILE).await;
                bench.exchange.pace(1.0).await
            })
        },
    )
    .core()
    .alerting_at_most(0)
    .fails_without(&[Safeguard::Patience], Harm::Restarts)
}

fn burst() -> Scenario {
    Scenario::new(
        Control,
        "burst",
        "50 times as many trades for 10 s",
        |bench| {
            Box::pin(async {
                bench.exchange.pace(50.0).await?;
                bench.hold(WHILE / 3).await;
                bench.exchange.pace(1.0).await
            })
        },
    )
    .core()
    .alerting_at_most(0)
    .fails_without(&[Safeguard::Patience], Harm::Restarts)
}
