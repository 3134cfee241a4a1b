//! Takes a session down, step by step, so that another one can begin from the journal.
//!
//! Each step has its own deadline and its own error, and none that fails or hangs stops the
//! next one. What a step could not save is not lost: the next session begins from the last
//! checkpoint, and a commit that is still under way is kept out by the session's fence.

use std::time::Duration;

use crate::app::supervise::Turns;

use super::{
    super::{event::Event, settings::StepLimits},
    Session, SessionError,
};

/// Takes `session` down. What it could not write down is left in its memory.
pub(in super::super) async fn rebuild(
    mut session: Session<'_>,
    limits: StepLimits,
    own_turns: &Turns,
) {
    let supervisor = session.context.supervisor.clone();
    let turns = supervisor.turns("step-stop");
    let stopped = step(limits.stop, async {
        turns.take_or_misbehave().await;
        // Requests are given up, and what still comes is not looked at.
        session.work.clear();
        Ok(())
    });
    let stopped = stopped.await;
    own_turns.take();
    let turns = supervisor.turns("step-checkpoint");
    let saved = step(limits.checkpoint, async {
        turns.take_or_misbehave().await;
        session.commit_everything().await
    });
    let saved = saved.await;
    if saved.is_err() {
        session.memory.lock().diary.failed();
    }
    own_turns.take();
    let turns = supervisor.turns("step-shutdown");
    let closed = step(limits.shutdown, async {
        turns.take_or_misbehave().await;
        session.links.close().await;
        Ok(())
    });
    let closed = closed.await;
    own_turns.take();
    for (step, result) in [
        ("stop", stopped),
        ("checkpoint", saved),
        ("shutdown", closed),
    ] {
        if let Err(reason) = result {
            session.emit(&Event::StepFailed { step, reason });
        }
    }
}

async fn step(
    deadline: Duration,
    work: impl Future<Output = Result<(), SessionError>>,
) -> Result<(), String> {
    match tokio::time::timeout(deadline, work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("failed to {error}")),
        Err(_) => Err(format!("not done within {:.1} s", deadline.as_secs_f64())),
    }
}
