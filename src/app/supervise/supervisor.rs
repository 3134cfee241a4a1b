//! Who keeps all tasks.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    keeper::{Keeper, Terms},
    panics::{Catching, Failure},
    turns::{MischiefAt, Turns},
};
use crate::{app::clock::Clock, domain::restart_budget};

/// The bounds of supervision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How often a task may be restarted, and after which pauses.
    pub restarts: restart_budget::Limits,
    /// A task that has not taken a turn for so long hangs.
    pub hang: Duration,
    /// How long a task has to end once it was told to.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            restarts: restart_budget::Limits::TASK,
            hang: Duration::from_secs(10),
            stop: Duration::from_secs(10),
        }
    }
}

/// What happened to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEvent {
    /// It runs, for the first time or again.
    Started {
        /// Which.
        task: Arc<str>,
    },
    /// It panicked, hung, or ended without being told to.
    Failed {
        /// Which.
        task: Arc<str>,
        /// In which way.
        reason: String,
        /// How the program got there, after a panic.
        backtrace: Option<String>,
        /// Which restart of its budget's window is next, and when; none when it is given up.
        restart: Option<(usize, Duration)>,
    },
    /// It was told to end, and has.
    Stopped {
        /// Which.
        task: Arc<str>,
    },
}

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It runs.
    Running,
    /// It failed, and is started again after a pause.
    Restarting,
    /// It was told to end, and has.
    Stopped,
    /// It failed too often.
    GivenUp,
}

impl TaskState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::GivenUp => "given-up",
        }
    }
}

/// One task at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskStatus {
    /// Its name.
    pub name: Arc<str>,
    /// What it is doing.
    pub state: TaskState,
    /// How often it has gone through its work since it was last started.
    pub turns: u64,
    /// How often it was restarted.
    pub restarts: u64,
    /// Why it last failed.
    pub last_failure: Option<String>,
}

/// A task that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Which.
    pub task: Arc<str>,
    /// Why it last failed.
    pub reason: String,
}

pub(super) struct Place {
    pub status: TaskStatus,
    pub turns: Turns,
}

pub(super) struct Shared {
    pub clock: Clock,
    pub limits: Limits,
    pub tell: Box<dyn Fn(&TaskEvent) + Send + Sync>,
    pub places: Mutex<Vec<Place>>,
    pub given_up: watch::Sender<Option<Given>>,
    mischief: Vec<(MischiefAt, Arc<AtomicBool>)>,
}

impl Shared {
    /// Everything ends for this task, unless it does already for another.
    pub fn give_up(&self, task: &Arc<str>, reason: String) {
        let task = Arc::clone(task);
        self.given_up.send_if_modified(|given| {
            let is_first = given.is_none();
            given.get_or_insert(Given { task, reason });
            is_first
        });
    }

    pub fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        // A status is written whole, so a panic elsewhere leaves nothing half-done in it.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fresh turns for a task, with the next mischief that a test wants of it.
    pub fn turns(&self, task: &str) -> Turns {
        self.mischief
            .iter()
            .find(|(at, is_spent)| at.task == task && !is_spent.load(Ordering::SeqCst))
            .map_or_else(Turns::default, |(at, is_spent)| {
                Turns::armed(at.mischief, at.turn, Arc::clone(is_spent))
            })
    }
}

/// What can be done without takes about a turn a second; less patience would be none.
const LEAST_PATIENCE_ASIDE: Duration = Duration::from_secs(5);

/// A task's name, and who keeps it.
type Kept = (Arc<str>, JoinHandle<()>);

/// Keeps tasks. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
    keepers: Arc<Mutex<Vec<Kept>>>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.statuses()).finish()
    }
}

impl Supervisor {
    /// One that keeps nothing yet, and tells of what happens through `tell`.
    #[must_use]
    pub fn new(
        clock: Clock,
        limits: Limits,
        mischief: Vec<MischiefAt>,
        tell: impl Fn(&TaskEvent) + Send + Sync + 'static,
    ) -> Self {
        let mischief = mischief
            .into_iter()
            .map(|at| (at, Arc::new(AtomicBool::new(false))))
            .collect();
        Self {
            shared: Arc::new(Shared {
                clock,
                limits,
                tell: Box::new(tell),
                places: Mutex::new(Vec::new()),
                given_up: watch::Sender::new(None),
                mischief,
            }),
            keepers: Arc::default(),
        }
    }

    /// Keeps a task running until `stop`. `start` makes its future, each time anew; the
    /// future is dropped when it hangs.
    ///
    /// The task ends by itself once `stop` is cancelled; ending before is a failure.
    pub fn keep<S, F>(&self, name: impl Into<Arc<str>>, stop: CancellationToken, start: S)
    where
        S: FnMut(Turns) -> F + Send + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let hang = self.shared.limits.hang;
        self.keep_patiently(name, hang, stop, start);
    }

    /// As [`keep`](Self::keep), for what can be done without: it is never given up, only
    /// started anew more and more rarely. It looks at the world about once a second, however
    /// short the patience with others is.
    pub fn keep_aside<S, F>(&self, name: impl Into<Arc<str>>, stop: CancellationToken, start: S)
    where
        S: FnMut(Turns) -> F + Send + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.keep_aside_patiently(name, Duration::ZERO, stop, start);
    }

    /// As [`keep_aside`](Self::keep_aside), with more patience for turns that take longer.
    pub fn keep_aside_patiently<S, F>(
        &self,
        name: impl Into<Arc<str>>,
        hang: Duration,
        stop: CancellationToken,
        start: S,
    ) where
        S: FnMut(Turns) -> F + Send + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let terms = Terms {
            hang: self.watching_patience().max(hang),
            is_needed: false,
        };
        self.keep_on(name.into(), terms, stop, start);
    }

    /// As [`keep`](Self::keep), with a patience of its own for turns that take long.
    pub fn keep_patiently<S, F>(
        &self,
        name: impl Into<Arc<str>>,
        hang: Duration,
        stop: CancellationToken,
        start: S,
    ) where
        S: FnMut(Turns) -> F + Send + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let terms = Terms {
            hang,
            is_needed: true,
        };
        self.keep_on(name.into(), terms, stop, start);
    }

    fn keep_on<S, F>(&self, name: Arc<str>, terms: Terms, stop: CancellationToken, start: S)
    where
        S: FnMut(Turns) -> F + Send + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let turns = self.shared.turns(&name);
        let place = {
            let mut places = self.shared.places();
            places.push(Place {
                status: TaskStatus {
                    name: Arc::clone(&name),
                    state: TaskState::Running,
                    turns: 0,
                    restarts: 0,
                    last_failure: None,
                },
                turns,
            });
            places.len() - 1
        };
        let keeper = Keeper::new(
            Arc::clone(&self.shared),
            place,
            Arc::clone(&name),
            terms,
            stop,
        );
        let (shared, task) = (Arc::clone(&self.shared), Arc::clone(&name));
        let handle = tokio::spawn(async move {
            // Who keeps the others is kept by nobody: should that fail, everything ends.
            if let Err(caught) = Catching::new(keeper.run(start)).await {
                shared.give_up(&task, format!("its keeper failed: {}", caught.reason));
            }
        });
        self.keepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((name, handle));
    }

    /// The patience with a task of whoever looks at the world about once a second.
    #[must_use]
    pub fn watching_patience(&self) -> Duration {
        self.shared.limits.hang.max(LEAST_PATIENCE_ASIDE)
    }

    /// Turns of something that is no task, but that tests may want to misbehave.
    #[must_use]
    pub fn turns(&self, name: &str) -> Turns {
        self.shared.turns(name)
    }

    /// Waits until a task is given up.
    pub async fn given_up(&self) -> Given {
        let mut given_up = self.shared.given_up.subscribe();
        loop {
            if let Some(given) = given_up.borrow_and_update().clone() {
                return given;
            }
            if given_up.changed().await.is_err() {
                // The sender is in `self`, so this cannot be.
                return std::future::pending().await;
            }
        }
    }

    /// The task that was given up first, if one was.
    #[must_use]
    pub fn given(&self) -> Option<Given> {
        self.shared.given_up.borrow().clone()
    }

    /// Waits until every task whose name `is_meant` has ended, to `deadline` at most. What
    /// has not ended then is dropped; its names are returned.
    pub async fn ended(&self, deadline: Instant, is_meant: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        let meant: Vec<Kept> = {
            let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
            keepers.extract_if(.., |(name, _)| is_meant(name)).collect()
        };
        let mut late = Vec::new();
        for (name, mut keeper) in meant {
            if tokio::time::timeout_at(deadline, &mut keeper)
                .await
                .is_err()
            {
                keeper.abort();
                late.push(name);
            }
        }
        late
    }

    /// Every task.
    #[must_use]
    pub fn statuses(&self) -> Vec<TaskStatus> {
        self.shared
            .places()
            .iter()
            .map(|place| TaskStatus {
                turns: place.turns.taken(),
                ..place.status.clone()
            })
            .collect()
    }

    /// Restarts of all tasks since the start.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.shared
            .places()
            .iter()
            .map(|place| place.status.restarts)
            .sum()
    }
}
