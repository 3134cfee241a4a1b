//! The journal on a thread of its own.
//!
//! Commits wait for the disk; whoever asks for one goes on meanwhile and gets the
//! answer later. The queue to the thread is bounded, so a slow disk is felt where the
//! trades are taken, not in memory.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
};

use tokio::sync::{mpsc, oneshot, watch};

use crate::domain::{anchor::Anchor, symbol::Symbol};

use super::{
    commit::{Commit, Committed},
    delivery::{Claim, Confirmed},
    error::JournalError,
    fence::Fence,
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
    Commit(Commit, Fence, Reply<Committed>),
    Ping(Reply<()>),
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

/// A panic of the journal's thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// Its message, and where it happened if that is known.
    pub reason: String,
    /// How the program got there, if that is known.
    pub backtrace: Option<String>,
}

/// Runs something, and turns its panic into a value.
pub type Catch = fn(&mut dyn FnMut()) -> Result<(), Panicked>;

/// What is done when the journal's thread panics: the journal is opened anew.
pub struct Reopen {
    /// Catches the panic.
    pub catch: Catch,
    /// Opens it. The old one is gone by then.
    pub open: Box<dyn FnMut() -> Result<Journal, JournalError> + Send>,
    /// Is told of the panic.
    pub tell: Box<dyn FnMut(Panicked) + Send>,
}

/// Catches a panic with its message alone.
///
/// # Errors
/// When `work` panicked.
pub fn catch(work: &mut dyn FnMut()) -> Result<(), Panicked> {
    // What a panic leaves half-done is thrown away with the journal in memory.
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Panicked {
            reason: text.unwrap_or_else(|| "without a message".to_owned()),
            backtrace: None,
        }
    })
}

impl Reopen {
    /// The thread ends when it panics.
    #[must_use]
    pub fn never() -> Self {
        Self {
            catch,
            open: Box::new(|| Err(JournalError::Closed)),
            tell: Box::new(|_| {}),
        }
    }
}

/// Moves the journal to a thread of its own. When a request makes the thread panic, whoever
/// asked gets an error, and the next one finds the journal as it is on disk.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    journal: Journal,
    reopen: Reopen,
) -> std::io::Result<(JournalHandle, thread::JoinHandle<()>)> {
    let (requests, inbox) = mpsc::channel(QUEUE);
    let (stats_sender, stats) = watch::channel(journal.stats());
    let thread = thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || keep_serving(journal, inbox, &stats_sender, reopen))?;
    Ok((JournalHandle { requests, stats }, thread))
}

fn keep_serving(
    mut journal: Journal,
    mut inbox: mpsc::Receiver<Request>,
    stats: &watch::Sender<SpoolStats>,
    mut reopen: Reopen,
) {
    while let Some(request) = inbox.blocking_recv() {
        let mut request = Some(request);
        let served = (reopen.catch)(&mut || {
            if let Some(request) = request.take() {
                serve(&mut journal, request);
            }
        });
        if let Err(panicked) = served {
            (reopen.tell)(panicked);
            // The lock has to be free before the file is opened again.
            drop(journal);
            journal = match (reopen.open)() {
                Ok(journal) => journal,
                Err(error) => {
                    (reopen.tell)(Panicked {
                        reason: format!("failed to {error}"),
                        backtrace: None,
                    });
                    return;
                }
            };
        }
        let now = journal.stats();
        stats.send_if_modified(|shown| std::mem::replace(shown, now) != now);
    }
}

/// Whoever asked may have stopped waiting; then the answer is dropped.
fn serve(journal: &mut Journal, request: Request) {
    match request {
        Request::Checkpoint(exchange, symbol, anchor, reply) => {
            let _ = reply.send(journal.checkpoint(&exchange, &symbol, anchor));
        }
        Request::Commit(commit, fence, reply) => {
            let _ = reply.send(if fence.is_closed() {
                commit.receipt.set(false);
                Err(JournalError::FencedOff)
            } else {
                journal.commit(commit)
            });
        }
        Request::Ping(reply) => {
            let _ = reply.send(Ok(()));
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
        answer.await.map_err(|_| {
            if self.requests.is_closed() {
                JournalError::Closed
            } else {
                JournalError::Interrupted
            }
        })?
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
        self.commit_through(commit, Fence::default()).await
    }

    /// Commits if `fence` is still open when the journal's thread comes to it.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit), or when the fence is closed: nothing is done then.
    pub async fn commit_through(
        &self,
        commit: Commit,
        fence: Fence,
    ) -> Result<Committed, JournalError> {
        self.ask(|reply| Request::Commit(commit, fence, reply))
            .await
    }

    /// Comes back when the journal's thread has gone through everything asked before.
    ///
    /// # Errors
    /// When the journal's thread has ended.
    pub async fn ping(&self) -> Result<(), JournalError> {
        self.ask(Request::Ping).await
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
