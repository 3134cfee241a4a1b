//! The journal on a thread of its own.
//!
//! Commits wait for the disk; whoever asks for one goes on meanwhile and gets the
//! answer later. The queue to the thread is bounded, so a slow disk is felt where the
//! trades are taken, not in memory.

use std::{sync::Arc, thread};

use tokio::sync::{mpsc, oneshot, watch};

use crate::domain::{anchor::Anchor, symbol::Symbol};

use super::{
    commit::{Commit, Committed},
    delivery::{Claim, Confirmed},
    error::JournalError,
    file::Journal,
    lease::Holder,
    refusal::Refusal,
    spool::{Place, SpoolStats},
};

/// Requests that may wait for the thread.
const QUEUE: usize = 32;

type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

enum Request {
    Checkpoint(Box<str>, Symbol, Anchor, Reply<Option<String>>),
    Commit(Commit, Reply<Committed>),
    Seal(Option<i64>, Reply<usize>),
    Claim(Lease, Option<Place>, Reply<Claim>),
    TakeLease(Lease, Reply<Option<Holder>>),
    ReleaseLease(Arc<str>, Reply<()>),
    Delivered(i64, Reply<Confirmed>),
    Failed(i64, String, Reply<()>),
    Split(i64, String, Reply<bool>),
    Refuse(i64, String, bool, Reply<Refusal>),
}

/// Who wants to deliver, from when on, and for how long.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The name of whoever wants it.
    pub holder: Arc<str>,
    /// The wall clock, in µs.
    pub now_us: i64,
    /// For how long, in µs.
    pub lease_us: i64,
}

/// A way to the journal's thread. Cheap to clone; the thread ends with the last clone.
#[derive(Debug, Clone)]
pub struct JournalHandle {
    requests: mpsc::Sender<Request>,
    stats: watch::Receiver<SpoolStats>,
}

/// Moves the journal to a thread of its own.
///
/// # Errors
/// When the system gives no thread.
pub fn start(journal: Journal) -> std::io::Result<(JournalHandle, thread::JoinHandle<()>)> {
    let (requests, mut inbox) = mpsc::channel(QUEUE);
    let (stats_sender, stats) = watch::channel(journal.stats());
    let thread = thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || {
            let mut journal = journal;
            while let Some(request) = inbox.blocking_recv() {
                serve(&mut journal, request);
                stats_sender.send_if_modified(|stats| {
                    let changed = *stats != journal.stats();
                    *stats = journal.stats();
                    changed
                });
            }
        })?;
    Ok((JournalHandle { requests, stats }, thread))
}

/// Whoever asked may have stopped waiting; then the answer is dropped.
fn serve(journal: &mut Journal, request: Request) {
    match request {
        Request::Checkpoint(exchange, symbol, anchor, reply) => {
            let _ = reply.send(journal.checkpoint(&exchange, &symbol, anchor));
        }
        Request::Commit(commit, reply) => {
            let _ = reply.send(journal.commit(commit));
        }
        Request::Seal(now_us, reply) => {
            let _ = reply.send(journal.with_reserve(|journal| journal.seal(now_us)));
        }
        Request::Claim(lease, after, reply) => {
            let (now_us, lease_us) = (lease.now_us, lease.lease_us);
            let claim = journal
                .with_reserve(|journal| journal.claim(&lease.holder, now_us, lease_us, after));
            let _ = reply.send(claim);
        }
        Request::TakeLease(lease, reply) => {
            let _ = reply.send(journal.take_lease(&lease.holder, lease.now_us, lease.lease_us));
        }
        Request::ReleaseLease(holder, reply) => {
            let _ = reply.send(journal.release_lease(&holder));
        }
        Request::Split(id, error, reply) => {
            let _ = reply.send(journal.with_reserve(|journal| journal.split(id, &error)));
        }
        Request::Refuse(id, error, is_table_proven, reply) => {
            let refused =
                journal.with_reserve(|journal| journal.refuse(id, &error, is_table_proven));
            let _ = reply.send(refused);
        }
        Request::Delivered(id, reply) => {
            let _ = reply.send(journal.with_reserve(|journal| journal.delivered(id)));
        }
        Request::Failed(id, error, reply) => {
            let _ = reply.send(journal.failed(id, &error));
        }
    }
}

impl JournalHandle {
    async fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> Request) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(make(reply))
            .await
            .map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// See [`Journal::checkpoint`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn checkpoint(
        &self,
        exchange: &str,
        symbol: &Symbol,
        anchor: Anchor,
    ) -> Result<Option<String>, JournalError> {
        self.ask(|reply| Request::Checkpoint(exchange.into(), symbol.clone(), anchor, reply))
            .await
    }

    /// See [`Journal::commit`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, JournalError> {
        self.ask(|reply| Request::Commit(commit, reply)).await
    }

    /// See [`Journal::seal`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn seal(&self, now_us: Option<i64>) -> Result<usize, JournalError> {
        self.ask(|reply| Request::Seal(now_us, reply)).await
    }

    /// See [`Journal::claim`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn claim(&self, lease: Lease, after: Option<Place>) -> Result<Claim, JournalError> {
        self.ask(|reply| Request::Claim(lease, after, reply)).await
    }

    /// See [`Journal::take_lease`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn take_lease(&self, lease: Lease) -> Result<Option<Holder>, JournalError> {
        self.ask(|reply| Request::TakeLease(lease, reply)).await
    }

    /// See [`Journal::release_lease`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn release_lease(&self, holder: &Arc<str>) -> Result<(), JournalError> {
        let holder = Arc::clone(holder);
        self.ask(|reply| Request::ReleaseLease(holder, reply)).await
    }

    /// See [`Journal::split`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn split(&self, id: i64, error: String) -> Result<bool, JournalError> {
        self.ask(|reply| Request::Split(id, error, reply)).await
    }

    /// See [`Journal::refuse`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn refuse(
        &self,
        id: i64,
        error: String,
        is_table_proven: bool,
    ) -> Result<Refusal, JournalError> {
        self.ask(|reply| Request::Refuse(id, error, is_table_proven, reply))
            .await
    }

    /// See [`Journal::delivered`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn delivered(&self, id: i64) -> Result<Confirmed, JournalError> {
        self.ask(|reply| Request::Delivered(id, reply)).await
    }

    /// See [`Journal::failed`].
    ///
    /// # Errors
    /// As there, or when the journal's thread has ended.
    pub async fn failed(&self, id: i64, error: String) -> Result<(), JournalError> {
        self.ask(|reply| Request::Failed(id, error, reply)).await
    }

    /// The spool, as of the last answer.
    #[must_use]
    pub fn stats(&self) -> SpoolStats {
        *self.stats.borrow()
    }

    /// A receiver that wakes when the spool changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<SpoolStats> {
        self.stats.clone()
    }
}
