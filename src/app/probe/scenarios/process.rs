//! The collector's process.

use std::time::Duration;

use rustix::process::Signal;

use crate::{
    app::probe::{
        bench::ENDED,
        scenario::{Allowed, Group::Process, Scenario},
    },
    domain::safeguard::Safeguard,
};

pub(super) fn all() -> Vec<Scenario> {
    vec![kill(), freeze()]
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
    .allowing(Allowed::PROCESSES)
    .fails_without(&[Safeguard::Checkpoint])
}

fn freeze() -> Scenario {
    let line = "SIGSTOP for 30 s, then SIGCONT";
    Scenario::new(Process, "freeze", line, |bench| {
        Box::pin(async {
            bench.struck("it is stopped").await?;
            bench.signal(Signal::STOP)?;
            bench.hold(Duration::from_secs(30)).await;
            bench.signal(Signal::CONT)?;
            bench.healed().await
        })
    })
    .core()
    .allowing(Allowed::TASKS)
    .fails_without(&[Safeguard::GapRepair])
}
