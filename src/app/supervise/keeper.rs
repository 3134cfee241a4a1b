//! Who keeps one task: a state for each stretch of its life.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    panics::{Catching, Caught, Failure},
    supervisor::{Given, Shared, TaskEvent, TaskState},
    turns::Turns,
};
use crate::domain::restart_budget::{RestartBudget, Ruling};

pub(super) struct Keeper {
    shared: Arc<Shared>,
    place: usize,
    name: Arc<str>,
    hang: Duration,
    stop: CancellationToken,
    budget: RestartBudget,
}

/// How a stretch of running came to its end.
enum Ending {
    Stopped,
    Failed(Failure),
}

/// How often a keeper looks while its patience lasts: a hang is found within 1¼ patiences.
const LOOKS_PER_PATIENCE: u32 = 8;

type Ended = Result<Result<(), Failure>, Caught>;

/// When its keeper goes, the task goes.
type Running = AbortOnDropHandle<Ended>;

impl Keeper {
    pub fn new(
        shared: Arc<Shared>,
        place: usize,
        name: Arc<str>,
        hang: Duration,
        stop: CancellationToken,
    ) -> Self {
        let budget = RestartBudget::new(shared.limits.restarts);
        Self {
            shared,
            place,
            name,
            hang,
            stop,
            budget,
        }
    }

    /// Keeps the task until it was told to end, or has failed too often.
    pub async fn run<S, F>(mut self, mut start: S)
    where
        S: FnMut(Turns) -> F + Send,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        loop {
            let turns = self.begin();
            let running = Catching::new(start(turns.clone()));
            let running = AbortOnDropHandle::new(tokio::spawn(running));
            match self.watch(running, &turns).await {
                Ending::Stopped => break self.stopped(),
                Ending::Failed(failure) => {
                    let Some(pause) = self.failed(failure) else {
                        break;
                    };
                    tokio::select! {
                        () = self.stop.cancelled() => break self.stopped(),
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
    }

    fn begin(&self) -> Turns {
        let turns = self.shared.turns(&self.name);
        if let Some(place) = self.shared.places().get_mut(self.place) {
            place.turns = turns.clone();
            place.status.state = TaskState::Running;
        }
        let task = Arc::clone(&self.name);
        (self.shared.tell)(&TaskEvent::Started { task });
        turns
    }

    /// Waits for the end of the task, or for its turns to stand still.
    async fn watch(&self, mut running: Running, turns: &Turns) -> Ending {
        let mut taken = turns.taken();
        let mut since = Instant::now();
        loop {
            tokio::select! {
                biased;
                result = &mut running => return self.judge(result),
                () = self.stop.cancelled() => return self.stopping(running).await,
                () = tokio::time::sleep(self.hang / LOOKS_PER_PATIENCE) => {}
            }
            let now_taken = turns.taken();
            if now_taken == taken && since.elapsed() >= self.hang {
                running.abort();
                return Ending::Failed(Failure {
                    reason: format!(
                        "it hangs: no turn for {:.1} s, after {taken}",
                        self.hang.as_secs_f64()
                    ),
                    backtrace: None,
                });
            }
            if now_taken != taken {
                (taken, since) = (now_taken, Instant::now());
            }
        }
    }

    /// It was told to end. What it is still doing has a deadline, too.
    async fn stopping(&self, mut running: Running) -> Ending {
        match tokio::time::timeout(self.shared.limits.stop, &mut running).await {
            Ok(Ok(Ok(Ok(())))) => Ending::Stopped,
            Ok(result) => self.judge(result),
            Err(_) => {
                running.abort();
                let within_s = self.shared.limits.stop.as_secs_f64();
                Ending::Failed(Failure {
                    reason: format!("it did not end within {within_s:.1} s of being told to"),
                    backtrace: None,
                })
            }
        }
    }

    fn judge(&self, result: Result<Ended, tokio::task::JoinError>) -> Ending {
        Ending::Failed(match result {
            Ok(Ok(Ok(()))) if self.stop.is_cancelled() => return Ending::Stopped,
            Ok(Ok(Ok(()))) => "it ended without being told to".to_owned().into(),
            Ok(Ok(Err(failure))) => failure,
            Ok(Err(caught)) => caught.into(),
            // Only the end of the whole runtime cancels it.
            Err(error) if error.is_cancelled() => return Ending::Stopped,
            Err(error) => error.to_string().into(),
        })
    }

    fn stopped(&self) {
        self.set(TaskState::Stopped);
        let task = Arc::clone(&self.name);
        (self.shared.tell)(&TaskEvent::Stopped { task });
    }

    /// Returns the pause before the next start; none when the task is given up.
    fn failed(&mut self, failure: Failure) -> Option<Duration> {
        let Failure { reason, backtrace } = failure;
        // What fails while everything ends is not started again.
        let ruling = self.budget.failed(self.shared.clock.steady_us());
        let restart = match ruling {
            Ruling::Restart { attempt, pause_us } if !self.stop.is_cancelled() => {
                let pause = Duration::from_micros(pause_us.unsigned_abs());
                Some((attempt, pause))
            }
            _ => None,
        };
        if let Some(place) = self.shared.places().get_mut(self.place) {
            place.status.last_failure = Some(reason.clone());
            place.status.restarts += u64::from(restart.is_some());
            place.status.state = if restart.is_some() {
                TaskState::Restarting
            } else {
                TaskState::GivenUp
            };
        }
        (self.shared.tell)(&TaskEvent::Failed {
            task: Arc::clone(&self.name),
            reason: reason.clone(),
            backtrace,
            restart,
        });
        if restart.is_none() {
            let task = Arc::clone(&self.name);
            self.shared.given_up.send_if_modified(|given| {
                let is_first = given.is_none();
                given.get_or_insert(Given { task, reason });
                is_first
            });
        }
        restart.map(|(_, pause)| pause)
    }

    fn set(&self, state: TaskState) {
        if let Some(place) = self.shared.places().get_mut(self.place) {
            place.status.state = state;
        }
    }
}

#[cfg(test)]
mod tests;
