//! Who keeps one task: a state for each stretch of its life.

use std::{sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    panics::{Catching, Caught, Failure, catch},
    supervisor::{Shared, TaskEvent, TaskState},
    turns::Turns,
};
use crate::domain::restart_budget::{RestartBudget, Ruling};

pub(super) struct Keeper {
    shared: Arc<Shared>,
    place: usize,
    name: Arc<str>,
    terms: Terms,
    stop: CancellationToken,
    budget: RestartBudget,
}

/// What is asked of a task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// One that has not taken a turn for so long hangs.
    pub hang: Duration,
    /// Whether everything ends when it is given up; one that is not needed never is.
    pub is_needed: bool,
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
        terms: Terms,
        stop: CancellationToken,
    ) -> Self {
        let budget = RestartBudget::new(shared.limits.restarts);
        Self {
            shared,
            place,
            name,
            terms,
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
            // Making the future is the task's own doing, and may fail like the rest of it.
            let ending = match catch(|| start(turns.clone())) {
                Ok(future) => {
                    let running = tokio::spawn(Catching::new(future));
                    self.watch(AbortOnDropHandle::new(running), &turns).await
                }
                Err(caught) => Ending::Failed(caught.into()),
            };
            match ending {
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
        self.tell(&TaskEvent::Started { task });
        turns
    }

    /// Waits for the end of the task, or for its turns to stand still.
    async fn watch(&self, mut running: Running, turns: &Turns) -> Ending {
        let mut taken = turns.taken();
        // Looks are counted and not the time: a process that was stopped and goes on, as a
        // machine's does that slept, has had no time to work in.
        let mut looks = 0;
        loop {
            tokio::select! {
                biased;
                result = &mut running => return self.judge(result),
                () = self.stop.cancelled() => return self.stopping(running).await,
                () = tokio::time::sleep(self.terms.hang / LOOKS_PER_PATIENCE) => looks += 1,
            }
            let now_taken = turns.taken();
            if now_taken != taken {
                (taken, looks) = (now_taken, 0);
            } else if looks >= LOOKS_PER_PATIENCE {
                running.abort();
                return Ending::Failed(Failure {
                    reason: format!(
                        "it hangs: no turn for {:.1} s, after {taken}",
                        self.terms.hang.as_secs_f64()
                    ),
                    backtrace: None,
                });
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
        self.tell(&TaskEvent::Stopped { task });
    }

    /// Whoever listens and panics must not take the keeper with it.
    fn tell(&self, event: &TaskEvent) {
        let _ = catch(|| (self.shared.tell)(event));
    }

    /// Returns the pause before the next start; none when the task is given up.
    fn failed(&mut self, failure: Failure) -> Option<Duration> {
        let Failure { reason, backtrace } = failure;
        // What fails while everything ends is not started again.
        let ruling = self.budget.failed(self.shared.clock.steady_us());
        let restart = match ruling {
            _ if self.stop.is_cancelled() => None,
            Ruling::Restart { attempt, pause_us } => Some((attempt, pause_us)),
            Ruling::Escalate { .. } if self.terms.is_needed => None,
            Ruling::Escalate { restarts } => {
                Some((restarts + 1, self.shared.limits.restarts.pause_max_us))
            }
        };
        let restart = restart
            .map(|(attempt, pause_us)| (attempt, Duration::from_micros(pause_us.unsigned_abs())));
        if let Some(place) = self.shared.places().get_mut(self.place) {
            place.status.last_failure = Some(reason.clone());
            place.status.restarts += u64::from(restart.is_some());
            place.status.state = if restart.is_some() {
                TaskState::Restarting
            } else {
                TaskState::GivenUp
            };
        }
        self.tell(&TaskEvent::Failed {
            task: Arc::clone(&self.name),
            reason: reason.clone(),
            backtrace,
            restart,
        });
        if restart.is_none() && self.terms.is_needed {
            self.shared.give_up(&self.name, reason);
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
