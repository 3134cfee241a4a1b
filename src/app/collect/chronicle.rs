//! Events that no session takes with its trades, on their way into the store.
//!
//! Tasks fail, delivery breaks and recovers, alerts fire, the program starts and ends: each
//! of that becomes a row of `events`, through the journal like everything. Whoever tells of
//! it is never held up, and nobody's failure keeps it from being committed: a task of its own
//! commits what waits. What a failed commit took with it goes into the next one. At most so
//! many rows wait as a [`Diary`] holds; what comes then is counted, and told with its number.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        backoff::backoff,
        clock::Clock,
        supervise::{Failure, Turns},
    },
    journal::{Commit, JournalError, JournalHandle, RunMark},
};

use super::{
    diary::Diary,
    event::{Emit, Event},
    run::CollectError,
    session::Context,
};

/// The name of its task.
pub(super) const TASK: &str = "chronicle";
/// How often the journal hears that the collector lives, should nothing else be committed.
const ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// How often the task shows within the patience with it that it works.
const LOOKS_PER_PATIENCE: u32 = 4;
/// At the end a commit may fail so often.
const LAST_ATTEMPTS: usize = 3;

/// Events that wait to be committed. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Chronicle {
    shared: Arc<Mutex<Shared>>,
    clock: Clock,
}

struct Shared {
    diary: Diary,
    /// What the next commit says of the run.
    mark: Option<RunMark>,
    /// The end is near: that tasks end now goes without saying.
    is_ending: bool,
}

impl std::fmt::Debug for Chronicle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chronicle").finish_non_exhaustive()
    }
}

impl Chronicle {
    /// One in which nothing waits, for the collector of that name in the store.
    #[must_use]
    pub fn new(collector: impl Into<String>, clock: Clock) -> Self {
        let diary = Diary::new(collector.into(), clock.clone());
        Self {
            shared: Arc::new(Mutex::new(Shared {
                diary,
                mark: None,
                is_ending: false,
            })),
            clock,
        }
    }

    /// Writes down what passes on its way to `emit`.
    #[must_use]
    pub fn before(&self, emit: Emit) -> Emit {
        let chronicle = self.clone();
        Emit::new(move |event| {
            chronicle.note(event);
            emit.emit(event);
        })
    }

    fn note(&self, event: &Event) {
        let mut shared = self.shared();
        let is_of_task = matches!(event, Event::TaskStarted { .. } | Event::TaskStopped { .. });
        if !(shared.is_ending && is_of_task) {
            shared.diary.note(event);
        }
    }

    /// Nothing here is ever half-done when somebody panics.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what another diary cannot commit any more.
    pub(super) fn inherit(&self, diary: &mut Diary) {
        diary.leave_to(&mut self.shared().diary);
    }

    /// The next commit says this of the run.
    pub(super) fn mark(&self, mark: RunMark) {
        self.shared().mark = Some(mark);
    }

    /// From now on it is not written down that tasks start and stop.
    pub(super) fn end_is_near(&self) {
        self.shared().is_ending = true;
    }

    /// What is to be committed now, if anything; `is_alive` says so in any case.
    fn begin(&self, is_alive: bool) -> Option<(Commit, Option<RunMark>)> {
        let mut shared = self.shared();
        shared.diary.tick();
        let mut commit = Commit {
            now_us: self.clock.wall_us(),
            ..Commit::default()
        };
        shared.diary.move_into(&mut commit);
        let mark = shared.mark.clone();
        if !commit.has_rows() && mark.is_none() && !is_alive {
            return None;
        }
        commit.run = Some(mark.clone().unwrap_or(RunMark::Alive));
        Some((commit, mark))
    }

    /// A commit with `mark` is in the journal, or has failed.
    fn ended(&self, mark: Option<&RunMark>, is_in: bool) {
        let mut shared = self.shared();
        if !is_in {
            shared.diary.failed();
            return;
        }
        shared.diary.committed();
        if shared.mark.as_ref() == mark {
            shared.mark = None;
        }
    }

    /// Commits what waits. The journal may take its time, for `patience`: `turns` go on
    /// meanwhile. From then on a commit that gets no answer counts as hanging.
    async fn commit(
        &self,
        journal: &JournalHandle,
        is_alive: bool,
        turns: &Turns,
        patience: Duration,
    ) -> Result<bool, JournalError> {
        let Some((commit, mark)) = self.begin(is_alive) else {
            return Ok(false);
        };
        let until = Instant::now() + patience;
        let committing = journal.commit(commit);
        let done = turns.while_waiting(patience / 2, until, committing).await;
        self.ended(mark.as_ref(), done.is_ok());
        done.map(|_| true)
    }

    /// Commits what waits, at the very end.
    pub(super) async fn finish(&self, journal: &JournalHandle) {
        let Some((commit, mark)) = self.begin(false) else {
            return;
        };
        let done = journal.commit(commit).await;
        self.ended(mark.as_ref(), done.is_ok());
    }
}

/// Commits what waits, every commit interval, until `finish`; what waits then as well.
pub(super) async fn keep_committing(
    context: &Context,
    turns: &Turns,
    finish: &CancellationToken,
) -> Result<(), Failure> {
    let (chronicle, limits) = (&context.chronicle, &context.settings.limits);
    let look = limits.tasks.hang / LOOKS_PER_PATIENCE;
    let mut pauses = backoff(limits.reconnect_min, limits.reconnect_max);
    let (mut alive, mut failures) = (Instant::now(), 0);
    let mut pause = Duration::ZERO;
    // One that was ended in the middle of a commit cannot know what became of it.
    chronicle.shared().diary.failed();
    loop {
        let until = Instant::now() + pause;
        let finished = timeout_at(until, finish.cancelled());
        let _ = turns.while_waiting(look, until, finished).await;
        let is_last = finish.is_cancelled();
        if is_last {
            chronicle.shared().diary.finish();
        }
        let is_alive = alive.elapsed() >= ALIVE_INTERVAL;
        match chronicle
            .commit(&context.journal, is_alive, turns, look)
            .await
        {
            Ok(has_committed) => {
                if has_committed {
                    alive = Instant::now();
                }
                if is_last {
                    return Ok(());
                }
                (failures, pause) = (0, limits.commit_interval);
                pauses = backoff(limits.reconnect_min, limits.reconnect_max);
            }
            Err(JournalError::Closed) => return Err(JournalError::Closed.to_string().into()),
            Err(error) => {
                if let Some(reason) = error.damage() {
                    // Trying again does not mend it; the next start sets it aside.
                    let _ = context.fatal.try_send(CollectError::JournalDamaged(reason));
                    let _ = turns.while_idle(look, finish.cancelled()).await;
                    return Ok(());
                }
                failures += usize::from(is_last);
                if is_last && failures >= LAST_ATTEMPTS {
                    return Ok(());
                }
                pause = pauses.next().unwrap_or(limits.reconnect_max);
                if is_last {
                    tokio::time::sleep(limits.reconnect_min.min(look)).await;
                }
            }
        }
        if turns.take_or_misbehave().await {
            return Ok(());
        }
    }
}
