//! Commits in flight.
//!
//! At most one commit is on its way; while it is, the session goes on taking trades, up
//! to as many rows as make the next commit.

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::Instant;

use crate::journal::{Commit, Committed, Fence, JournalError, JournalHandle};

use super::settings::Limits;

pub(super) struct Outbox {
    journal: JournalHandle,
    /// Keeps out the commits of a session that was given up.
    fence: Fence,
    in_flight: Option<BoxFuture<'static, Result<Committed, JournalError>>>,
    last: Instant,
    /// Whether the tape goes on with the commit in flight.
    is_advance: bool,
}

impl Outbox {
    pub fn new(journal: JournalHandle, fence: Fence) -> Self {
        Self {
            journal,
            fence,
            in_flight: None,
            last: Instant::now(),
            is_advance: false,
        }
    }

    /// Whether no more may be taken until the commit in flight is done.
    pub fn is_full(&self, waiting: usize, limits: &Limits) -> bool {
        self.in_flight.is_some() && waiting >= limits.commit_rows
    }

    /// Whether a commit is due, with so many rows waiting.
    pub fn is_due(&self, waiting: usize, limits: &Limits) -> bool {
        self.in_flight.is_none()
            && (waiting >= limits.commit_rows || self.last.elapsed() >= limits.commit_interval)
    }

    /// Whether a commit is on its way.
    pub fn is_busy(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Whether the tape has gone on with the last commit.
    pub fn is_advance(&self) -> bool {
        self.is_advance
    }

    /// Begins a commit of everything that waits.
    pub fn begin(&mut self, commit: Commit) {
        self.last = Instant::now();
        self.is_advance = !commit.checkpoints.is_empty();
        let (journal, fence) = (self.journal.clone(), self.fence.clone());
        self.in_flight = Some(async move { journal.commit_through(commit, fence).await }.boxed());
    }

    /// Commits the checkpoints first and then the rows that they speak of, as nobody should:
    /// whoever dies in between has lost the rows.
    pub fn begin_out_of_order(&mut self, commit: Commit) {
        let ahead = Commit {
            checkpoints: commit.checkpoints.clone(),
            now_us: commit.now_us,
            ..Commit::default()
        };
        self.begin(commit);
        if let Some(rows) = self.in_flight.take() {
            let (journal, fence) = (self.journal.clone(), self.fence.clone());
            let both = async move {
                journal.commit_through(ahead, fence).await?;
                rows.await
            };
            self.in_flight = Some(both.boxed());
        }
    }

    /// Waits for the commit in flight; for ever when there is none.
    pub async fn done(&mut self) -> Result<Committed, JournalError> {
        let Some(in_flight) = &mut self.in_flight else {
            return std::future::pending().await;
        };
        let result = in_flight.await;
        self.in_flight = None;
        result
    }
}
