//! The database.

use std::time::Duration;

use crate::{
    app::probe::scenario::{Group::Store, Needs, Scenario},
    domain::safeguard::Safeguard,
};

/// How a store that does not take rows is seen.
const FAILED: &[&str] = &["delivery.failed", "delivery.breaker_opened"];
/// How long an operator's command may take.
const COMMAND: Duration = Duration::from_secs(30);

pub(super) fn all() -> Vec<Scenario> {
    vec![locked(), outage(), poison()]
}

fn locked() -> Scenario {
    let line = "somebody else keeps the database locked for 60 s";
    Scenario::new(Store, "store-locked", line, |bench| {
        Box::pin(async {
            bench.struck("the database is locked").await?;
            bench.storage.lock().await?;
            bench.hold(Duration::from_secs(60)).await;
            bench.storage.unlock();
            bench.healed().await
        })
    })
    .needs(Needs::File)
    .fails_without(&[Safeguard::DeliveryRetry])
}

fn outage() -> Scenario {
    let line = "the database takes nothing for 120 s";
    Scenario::new(Store, "store-outage", line, |bench| {
        Box::pin(async {
            bench.struck("the database takes nothing").await?;
            bench.storage.lock().await?;
            bench.hold(Duration::from_secs(120)).await;
            bench.storage.unlock();
            bench.healed().await
        })
    })
    .core()
    .needs(Needs::File)
    .seen_as(FAILED)
    .detected_within(Duration::from_secs(120))
    // The breaker leaves it alone for 60 s at a time.
    .recovered_within(Duration::from_secs(75))
    .fails_without(&[Safeguard::DeliveryRetry])
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
    .seen_as(&["delivery.rows_refused", "delivery.dead_letters"])
    .fails_without(&[Safeguard::DeadLetters])
}
