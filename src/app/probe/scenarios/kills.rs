//! `kill -9` at each named point of the write path.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::{
    app::probe::{
        bench::{Bench, ENDED},
        error::ProbeError,
        harm::Harm,
        scenario::{Allowed, Group::Process, Scenario},
    },
    domain::{crash::CrashPoint, safeguard::Safeguard},
};

/// How long it may take to come to a point, whatever the scale is.
const ARRIVAL: Duration = Duration::from_secs(30);

/// A scenario for each point that live data come to by themselves, or with a little help.
macro_rules! kills {
    ($($name:literal at $point:ident: $line:literal, without $guard:ident;)*) => {
        vec![$(
            kill($name, $line, |bench| Box::pin(die(bench, CrashPoint::$point)))
                .allowing(deaths(CrashPoint::$point))
                .fails_without(&[Safeguard::$guard], Harm::Lost)
        ),*]
    };
}

pub(super) fn all() -> Vec<Scenario> {
    kills! {
        "kill-at-trades-taken" at TradesTaken: "kill -9 when trades were taken", without GapRepair;
        "kill-at-page-taken" at PageTaken: "kill -9 when history was taken", without GapRepair;
        "kill-at-rows-written" at JournalRowsWritten: "kill -9 when rows are written", without GapRepair;
        "kill-at-before-commit" at JournalBeforeCommit: "kill -9 before the journal's commit", without GapRepair;
        "kill-at-after-commit" at JournalAfterCommit: "kill -9 after the journal's commit", without CommitOrder;
        "kill-at-batch-sealed" at BatchSealed: "kill -9 when a batch is closed", without GapRepair;
        "kill-at-lease-taken" at LeaseTaken: "kill -9 when delivery begins", without GapRepair;
        "kill-at-before-send" at BeforeSend: "kill -9 before a batch is sent", without Confirmation;
        "kill-at-unsealed" at Unsealed: "kill -9 when a seal is taken back", without GapRepair;
        "kill-at-bars-written" at BarsWritten: "kill -9 when bars are in the database", without GapRepair;
        "kill-at-store-confirmed" at StoreConfirmed: "kill -9 when the database has confirmed", without GapRepair;
        "kill-at-batch-deleted" at BatchDeleted: "kill -9 when a batch is deleted", without GapRepair;
        "kill-at-batch-split" at BatchSplit: "kill -9 when a refused batch is split", without GapRepair;
        "kill-at-row-refused" at RowRefused: "kill -9 when a refused row is set aside", without GapRepair;
        "kill-at-stop-committed" at StopCommitted: "kill -9 in a graceful stop", without GapRepair;
    }
}

fn kill(
    name: &'static str,
    line: &'static str,
    play: for<'a> fn(&'a mut Bench) -> BoxFuture<'a, Result<(), ProbeError>>,
) -> Scenario {
    Scenario::new(Process, name, line, play).seen_as(&[ENDED])
}

/// One collector ends before the first visit, and one at each.
const fn deaths(point: CrashPoint) -> Allowed {
    Allowed::processes(1 + visits(point).len() as u64)
}

/// At which visits of a point a process dies there, one after the other.
const fn visits(point: CrashPoint) -> &'static [u32] {
    match point {
        CrashPoint::StopCommitted
        | CrashPoint::Unsealed
        | CrashPoint::PageTaken
        | CrashPoint::RowRefused
        | CrashPoint::LeaseTaken
        | CrashPoint::BatchSplit => &[1],
        // Without the remedy only commits of bars that have closed can lose anything.
        CrashPoint::JournalAfterCommit => &[3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6],
        _ => &[3],
    }
}

/// Starts a collector that dies at a point, waits for that, and starts another one.
async fn die(bench: &mut Bench, point: CrashPoint) -> Result<(), ProbeError> {
    let is_rewrite = CrashPoint::ON_REWRITE.contains(&point);
    if is_rewrite {
        // Nothing can be taken back before something is sealed.
        let is_sealed = |bench: &Bench| bench.has_logged("period.sealed");
        if !bench.wait(ARRIVAL, is_sealed).await {
            return Err(ProbeError::Missing("the first seal".to_owned()));
        }
    }
    bench.kill().await;
    // What the points of a refusal, or of a repair, need before they are come to.
    let is_refusal = CrashPoint::ON_REFUSAL.contains(&point);
    if is_refusal {
        bench.poison_a_row().await?;
    }
    if is_rewrite {
        bench.storage.seal_ahead().await?;
    }
    for visit in visits(point) {
        bench.start(&["--crash-at", &format!("{}:{visit}", point.as_str())])?;
        if point == CrashPoint::StopCommitted {
            bench.until_fresh().await?;
            bench.signal(rustix::process::Signal::TERM)?;
        }
        bench.struck_at_end(ARRIVAL, point.as_str()).await?;
    }
    bench.start(&[])?;
    if is_refusal {
        bench.hold(Duration::from_secs(20)).await;
        bench.storage.heal().await?;
        bench.run(&["spool", "flush", "--dead"], ARRIVAL).await?;
        bench.healed().await?;
    }
    Ok(())
}
