//! What waits to be written to one connection: bounded by size, taken all at once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// Some whole frames.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) bytes: Bytes,
    /// How many data messages these are.
    pub(crate) messages: u64,
}

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Chunk>,
    size_bytes: usize,
}

/// A queue from the player to one connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    limit_size_bytes: usize,
}

impl Outbox {
    /// A queue for at most so many bytes.
    pub(crate) fn new(limit_size_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            limit_size_bytes,
        }
    }

    /// Adds a chunk; false if the queue is over its bound, and the chunk was not added.
    pub(crate) fn push(&self, chunk: Chunk) -> bool {
        let mut state = self.state();
        let size_bytes = state.size_bytes + chunk.bytes.len();
        if size_bytes > self.limit_size_bytes {
            return false;
        }
        state.size_bytes = size_bytes;
        state.chunks.push_back(chunk);
        drop(state);
        self.filled.notify_one();
        true
    }

    /// How many bytes wait.
    pub(crate) fn size_bytes(&self) -> usize {
        self.state().size_bytes
    }

    /// Waits until there is something, then takes all of it. Nothing is lost if the wait is
    /// given up.
    pub(crate) async fn take(&self) -> VecDeque<Chunk> {
        loop {
            let filled = self.filled.notified();
            let chunks = self.take_now();
            if !chunks.is_empty() {
                return chunks;
            }
            filled.await;
        }
    }

    /// Takes what there is.
    pub(crate) fn take_now(&self) -> VecDeque<Chunk> {
        let mut state = self.state();
        state.size_bytes = 0;
        std::mem::take(&mut state.chunks)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(size: usize) -> Chunk {
        Chunk {
            bytes: Bytes::from(vec![0; size]),
            messages: 1,
        }
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_is_taken_whole() {
        let outbox = Outbox::new(100);
        assert!(outbox.push(chunk(60)));
        assert!(outbox.push(chunk(40)));
        assert!(!outbox.push(chunk(1)));
        assert_eq!(outbox.take().await.len(), 2);
        assert_eq!(outbox.size_bytes(), 0);
        assert!(outbox.push(chunk(1)));
    }
}
