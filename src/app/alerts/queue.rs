//! Notices that wait for one channel. Bounded: the oldest make room.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::domain::alert::Notice;

/// What wanting to add a notice led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits.
    Waits,
    /// It waits, and the oldest one was dropped for it; the first one since the queue was
    /// last looked at.
    FirstDropped,
    /// It waits, and yet another one was dropped for it.
    Dropped,
    /// Nobody takes it any more.
    Closed,
}

#[derive(Debug)]
pub(super) struct Queue {
    bound: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Notice>,
    is_closed: bool,
    is_overflowing: bool,
    dropped: u64,
}

impl Queue {
    /// An empty one for at most `bound` notices.
    pub fn new(bound: usize) -> Self {
        Self {
            bound: bound.max(1),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The lock is never held across anything that could panic or wait.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a notice. Never waits.
    pub fn push(&self, notice: Notice) -> Pushed {
        let mut state = self.state();
        if state.is_closed {
            state.dropped += 1;
            return Pushed::Closed;
        }
        let mut pushed = Pushed::Waits;
        if state.waiting.len() >= self.bound {
            state.waiting.pop_front();
            state.dropped += 1;
            pushed = if state.is_overflowing {
                Pushed::Dropped
            } else {
                Pushed::FirstDropped
            };
            state.is_overflowing = true;
        }
        state.waiting.push_back(notice);
        drop(state);
        self.changed.notify_one();
        pushed
    }

    /// Waits for notices and takes at most `max` of them, oldest first; none when the queue
    /// is closed and empty. For one task alone. Cancelling the call loses nothing.
    pub async fn take(&self, max: usize) -> Option<Vec<Notice>> {
        loop {
            {
                let mut state = self.state();
                if !state.waiting.is_empty() {
                    let count = state.waiting.len().min(max.max(1));
                    state.is_overflowing = false;
                    return Some(state.waiting.drain(..count).collect());
                }
                if state.is_closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Takes no more.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.state().waiting.len()
    }

    /// How many were dropped.
    pub fn dropped(&self) -> u64 {
        self.state().dropped
    }
}
