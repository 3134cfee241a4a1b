//! How a task shows that it works, and how tests make it stop doing so.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until};

/// What a task counts: how often it has gone through its work. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    taken: AtomicU64,
    mischief: Option<Armed>,
}

/// What a test makes a task do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// Panic.
    Panic,
    /// Neither end nor go on.
    Hang,
    /// Return as if there were nothing more to do.
    Return,
}

/// A mischief with the task that it is for: `NAME:panic`, `NAME:hang@50`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MischiefAt {
    /// The name of the task.
    pub task: String,
    /// What it is made to do.
    pub mischief: Mischief,
    /// At which turn.
    pub turn: u64,
}

/// Why a text names no mischief.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no mischief: TASK:panic, TASK:hang or TASK:return is, and @N after it")]
pub struct MischiefAtError(String);

impl FromStr for MischiefAt {
    type Err = MischiefAtError;

    fn from_str(text: &str) -> Result<Self, MischiefAtError> {
        let error = || MischiefAtError(text.to_owned());
        let (task, what) = text.rsplit_once(':').ok_or_else(error)?;
        let (what, turn) = what.split_once('@').unwrap_or((what, "1"));
        let mischief = match what {
            "panic" => Mischief::Panic,
            "hang" => Mischief::Hang,
            "return" => Mischief::Return,
            _ => return Err(error()),
        };
        let turn = turn
            .parse()
            .ok()
            .filter(|&turn| turn > 0)
            .ok_or_else(error)?;
        if task.is_empty() {
            return Err(error());
        }
        Ok(Self {
            task: task.to_owned(),
            mischief,
            turn,
        })
    }
}

#[derive(Debug)]
struct Armed {
    mischief: Mischief,
    turn: u64,
    is_spent: Arc<AtomicBool>,
}

impl Turns {
    /// Turns in which the task will do `mischief` at its `turn`-th, unless it is spent.
    pub(super) fn armed(mischief: Mischief, turn: u64, is_spent: Arc<AtomicBool>) -> Self {
        Self(Arc::new(Inner {
            taken: AtomicU64::new(0),
            mischief: Some(Armed {
                mischief,
                turn,
                is_spent,
            }),
        }))
    }

    /// The task has gone through its work once more.
    pub fn take(&self) {
        self.0.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Waits for something that may well take its time, for ever even, and takes a turn
    /// every `look` meanwhile. Nothing when the task shall return instead.
    ///
    /// # Panics
    /// When a test has asked for that.
    pub async fn while_idle<T>(&self, look: Duration, wait: impl Future<Output = T>) -> Option<T> {
        let mut wait = std::pin::pin!(wait);
        loop {
            tokio::select! {
                // What is there already needs no look.
                biased;
                done = &mut wait => return Some(done),
                () = sleep(look) => {}
            }
            if self.take_or_misbehave().await {
                return None;
            }
        }
    }

    /// Waits for an answer that may take until `until`, and takes a turn every `look` until
    /// then. Afterwards it still waits, but that counts as hanging.
    pub async fn while_waiting<T>(
        &self,
        look: Duration,
        until: Instant,
        wait: impl Future<Output = T>,
    ) -> T {
        let mut wait = std::pin::pin!(wait);
        loop {
            let next = Instant::now() + look;
            if next > until {
                return wait.await;
            }
            tokio::select! {
                biased;
                done = &mut wait => return done,
                () = sleep_until(next) => self.take(),
            }
        }
    }

    /// Counts a turn, and does the mischief that a test has armed. Returns whether the task
    /// shall return.
    ///
    /// # Panics
    /// When a test has asked for that.
    pub async fn take_or_misbehave(&self) -> bool {
        self.take();
        let Some(armed) = &self.0.mischief else {
            return false;
        };
        if self.taken() < armed.turn || armed.is_spent.swap(true, Ordering::SeqCst) {
            return false;
        }
        match armed.mischief {
            #[expect(clippy::panic, reason = "a test has asked for it")]
            Mischief::Panic => panic!("made to panic"),
            Mischief::Hang => std::future::pending().await,
            Mischief::Return => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_an_answer_seems_to_work_for_as_long_as_it_may_take_and_no_longer() {
        let (turns, second) = (Turns::default(), Duration::from_secs(1));
        let until = Instant::now() + 10 * second;
        let answer = turns.while_waiting(second, until, pending::<()>());
        let waited = tokio::time::timeout(3600 * second, answer).await;
        assert!(waited.is_err());
        assert_eq!(turns.taken(), 10);
        let answer = turns.while_waiting(second, Instant::now(), async { 5 });
        assert_eq!(answer.await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_nothing_to_do_seems_to_work_for_ever() {
        let (turns, second) = (Turns::default(), Duration::from_secs(1));
        let work = turns.while_idle(second, pending::<()>());
        let waited = tokio::time::timeout(3600 * second, work).await;
        assert!(waited.is_err());
        assert!((3598..=3600).contains(&turns.taken()), "{}", turns.taken());
        assert_eq!(turns.while_idle(second, async { 5 }).await, Some(5));
    }

    #[test]
    fn a_mischief_names_its_task_and_its_turn() {
        for (text, task, mischief, turn) in [
            ("session-0:panic", "session-0", Mischief::Panic, 1),
            ("delivery:hang@50", "delivery", Mischief::Hang, 50),
            ("channel:ops:return", "channel:ops", Mischief::Return, 1),
        ] {
            let task = task.to_owned();
            let wanted = MischiefAt {
                task,
                mischief,
                turn,
            };
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
        for text in ["", "panic", ":panic", "a:fly", "a:hang@0", "a:hang@x"] {
            assert!(text.parse::<MischiefAt>().is_err(), "{text:?}");
        }
    }
}
