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
pub struct Fence {
    is_closed: Arc<AtomicBool>,
    around: Option<Arc<Fence>>,
}

impl Fence {
    /// A fence inside of this one: it is closed with this one, or by itself.
    #[must_use]
    pub fn inner(&self) -> Self {
        Self {
            is_closed: Arc::default(),
            around: Some(Arc::new(self.clone())),
        }
    }

    /// Takes no more commits.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Whether it was closed, or one around it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
            || self
                .around
                .as_ref()
                .is_some_and(|around| around.is_closed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_fence_closes_alone_or_with_the_outer_one() {
        let outer = Fence::default();
        let (first, second) = (outer.inner(), outer.inner());
        first.close();
        assert!(first.is_closed() && !second.is_closed() && !outer.is_closed());
        outer.close();
        assert!(second.is_closed());
    }
}
