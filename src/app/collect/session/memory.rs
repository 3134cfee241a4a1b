//! What a group remembers over its sessions, and their threads: what is to be written down,
//! and what was done about dead streams.
//!
//! A thread that hangs may come to again when another one has taken its place. It still has
//! the memory that it had, but nothing in it any more: whoever follows has taken it over.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{super::diary::Diary, repair::Repair};

/// What is remembered.
pub(in super::super) struct Remembered {
    pub diary: Diary,
    pub repair: Repair,
}

/// The memory of one thread's sessions. Cheap to clone; clones share it.
#[derive(Clone)]
pub(in super::super) struct Memory(Arc<Mutex<Remembered>>);

impl Memory {
    fn new(remembered: Remembered) -> Self {
        Self(Arc::new(Mutex::new(remembered)))
    }

    /// Nothing here is ever half-done when somebody panics.
    pub fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is handed from one thread to the next. Cheap to clone.
#[derive(Clone)]
pub(in super::super) struct Heritage(Arc<Mutex<Option<Memory>>>);

impl fmt::Debug for Heritage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heritage").finish_non_exhaustive()
    }
}

impl Heritage {
    /// One that nobody has left anything in.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// The memory for a new thread: what the last one has left, or `blank` to begin with.
    /// What that one was committing is committed again, since nobody knows what became of it.
    pub fn take_over(&self, blank: impl FnOnce() -> Remembered) -> Memory {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let blank = blank();
        let remembered = match &*last {
            Some(memory) => std::mem::replace(&mut *memory.lock(), blank),
            None => blank,
        };
        let memory = Memory::new(remembered);
        memory.lock().diary.failed();
        *last = Some(memory.clone());
        memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{clock::Clock, collect::event::Event},
        domain::{liveness::Evidence, remedy::Limits},
        journal::Commit,
    };

    use super::super::repair::Case;

    fn blank() -> Remembered {
        Remembered {
            diary: Diary::new("test".to_owned(), Clock::system()),
            repair: Repair::new(Limits::DEFAULT),
        }
    }

    fn case() -> Case {
        Case {
            index: 0,
            symbol: "BTCUSDT".parse().expect("a symbol"),
            evidence: Evidence {
                last_id: 7,
                exchange_id: Some(9),
                silence_us: 12_000_000,
            },
        }
    }

    fn rows(memory: &Memory) -> usize {
        let mut commit = Commit::default();
        memory.lock().diary.move_into(&mut commit);
        let doubtful = commit.doubtful.iter().map(|doubtful| &doubtful.rows);
        let rows = commit.rows.iter().chain(doubtful);
        rows.map(crate::domain::row::Rows::len).sum()
    }

    #[test]
    fn who_takes_over_knows_the_ladder_and_what_was_under_way_and_the_old_one_nothing() {
        let heritage = Heritage::new();
        let old = heritage.take_over(blank);
        old.lock().repair.choose(vec![case()], 0, 0);
        old.lock().repair.choose(vec![case()], 0, 13_000_000);
        let event = Event::Disconnected {
            reason: "a test".to_owned(),
        };
        old.lock().diary.note(&event);
        assert_eq!(rows(&old), 1, "its commit begins, and is never heard of");
        let new = heritage.clone().take_over(blank);
        assert_eq!(new.lock().repair.failures(), 1);
        assert_eq!(old.lock().repair.failures(), 0);
        old.lock().diary.note(&event);
        assert_eq!(rows(&new), 1);
    }
}
