//! Keeps out the commits of somebody who was given up.
//!
//! A session that hangs cannot be ended from outside; it is left, and another one begins from
//! the last checkpoint. Should the first one come to again, its commits must not be taken:
//! what they hold is in those of its successor. So each session commits through a fence,
//! which is closed before the successor reads its checkpoint. The journal's thread looks at
//! it at the moment of the commit, and serves one request after the other: a commit is in
//! before that checkpoint is read, or it is not taken at all.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A fence, open until it is closed for good. Cheap to clone; clones are one fence.
#[derive(Debug, Clone, Default)]
pub struct Fence(Arc<AtomicBool>);

impl Fence {
    /// Takes no more commits.
    pub fn close(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
