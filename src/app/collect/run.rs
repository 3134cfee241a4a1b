//! The whole of collecting: open, run, stop, sum up.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        clock::Clock,
        supervise::{Given, Supervisor},
    },
    exchange::source::{Source, SourceError},
    journal::{self, JournalError, LostRun, RunMark, SpoolStats},
    store::sink::{Store, StoreError},
};

use super::{
    chronicle::{self, Chronicle},
    event::{Emit, Event, names},
    session::Context,
    settings::Settings,
    snapshot::{Board, Phase, Shown},
};

mod prepare;
mod tasks;

use prepare::prepare;
use tasks::{
    is_delivering, is_heartbeat, is_sealer, is_session, keep_chronicle, keep_delivery,
    keep_heartbeat, keep_journal, keep_sealer, keep_sessions, reopening,
};

/// What collecting needs.
pub struct Collector {
    /// What to collect, and how.
    pub settings: Settings,
    /// Where trades come from.
    pub source: Arc<dyn Source>,
    /// Where rows go.
    pub store: Arc<dyn Store>,
    /// The directory of the journal.
    pub state_dir: PathBuf,
    /// Take the journal over although it was made for another store.
    pub accept_store: bool,
    /// The clocks.
    pub clock: Clock,
    /// Who is told.
    pub emit: Emit,
    /// Where what happens is written down, besides what sessions write. Whoever makes the
    /// supervisor has it write there, too.
    pub chronicle: Chronicle,
    /// Where it is shown.
    pub board: Board,
    /// Who keeps the tasks.
    pub supervisor: Supervisor,
}

impl Collector {
    /// A collector on this machine's clock that tells `emit` what happens, and nobody else.
    #[must_use]
    pub fn new(
        settings: Settings,
        source: Arc<dyn Source>,
        store: Arc<dyn Store>,
        state_dir: PathBuf,
        emit: Emit,
    ) -> Self {
        let clock = Clock::system();
        let chronicle = Chronicle::new(&*settings.collector, clock.clone());
        let board = Board::new(&settings.symbols);
        let told = chronicle.before(emit.clone());
        let (tasks, mischief) = (settings.limits.tasks, settings.mischief.clone());
        let supervisor = Supervisor::new(clock.clone(), tasks, mischief, move |event| {
            told.emit(&event.into());
        });
        Self {
            settings,
            source,
            store,
            state_dir,
            accept_store: false,
            clock,
            emit,
            chronicle,
            board,
            supervisor,
        }
    }
}

/// What collecting came to.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The board at the end.
    pub shown: Shown,
    /// What is still in the spool.
    pub spool: SpoolStats,
    /// How long it ran.
    pub took: Duration,
}

/// Why collecting could not begin, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store cannot be used, and there is no checkpoint to go on from.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The exchange does not know a symbol.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The system gives no thread.
    #[error("start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A thread ended by itself.
    #[error("keep {task} running: {reason}")]
    TaskFailed {
        /// What ended.
        task: String,
        /// Why.
        reason: String,
    },
    /// The file of the journal is not what was written.
    #[error("go on with the journal: it is damaged: {0}")]
    JournalDamaged(String),
    /// At a graceful stop, what was taken last could not be committed.
    #[error("commit what was taken before the stop: {0}")]
    NotCommitted(String),
    /// No remedy has helped.
    #[error("{0}")]
    Escalated(String),
    /// The ids of every symbol went back.
    #[error("go on: the exchange is below the last trade here for every symbol")]
    AllStopped,
    /// A graceful stop took too long.
    #[error("stop within {0:?}: what was not committed will be fetched again")]
    StopTimedOut(Duration),
}

/// The shares of the stop timeout after which sessions, then the chronicle, then delivery, then
/// the last events, and then the last heartbeat are not waited for any more; the journal has
/// the rest.
const SESSIONS_SHARE: f64 = 0.5;
const CHRONICLE_SHARE: f64 = 0.6;
const DELIVERY_SHARE: f64 = 0.9;
const LAST_WORDS_SHARE: f64 = 0.93;
const HEARTBEAT_SHARE: f64 = 0.96;
/// Reasons to end at once that may wait to be heard; the first is enough.
const FATALITIES: usize = 8;

/// Collects until `stop`, then stops gracefully.
///
/// # Errors
/// When it cannot begin, or a part of it has failed for good. Whatever was committed
/// stays in the journal. When it cannot begin for the first time, nothing is left behind:
/// neither a journal nor tables.
pub async fn run(collector: Collector, stop: CancellationToken) -> Result<Summary, CollectError> {
    let begun = Instant::now();
    let told = collector.chronicle.before(collector.emit.clone());
    // A store or an exchange that hangs must not keep a stop waiting.
    let ready = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        ready = prepare(&collector, &told) => Some(ready?),
    };
    let Some(ready) = ready else {
        return Ok(Summary {
            shown: collector.board.read(),
            spool: SpoolStats::default(),
            took: begun.elapsed(),
        });
    };
    let settings = Arc::new(collector.settings);
    let limits = settings.limits.clone();
    let supervisor = collector.supervisor;
    let reopen = reopening(&collector.state_dir, ready.options, &told);
    let (journal, journal_thread) = journal::start(ready.journal, reopen)?;
    let (fatal, mut fatalities) = mpsc::channel(FATALITIES);
    let context = Context {
        settings: Arc::clone(&settings),
        exchange: collector.source.name().into(),
        source: collector.source,
        store: collector.store,
        journal: journal.clone(),
        clock: collector.clock,
        runtime: tokio::runtime::Handle::current(),
        emit: collector.emit,
        told,
        chronicle: collector.chronicle,
        board: collector.board,
        stop: stop.child_token(),
        supervisor: supervisor.clone(),
        fatal,
    };
    let (finish, heart) = (CancellationToken::new(), CancellationToken::new());
    tell_of_start(&context, ready.lost);
    let written = CancellationToken::new();
    keep_journal(&context, &finish);
    keep_chronicle(&context, &written);
    keep_delivery(&context, ready.needs_schema, &finish);
    keep_heartbeat(&context, ready.needs_schema, (&stop, &heart));
    keep_sealer(&context, &context.stop);
    keep_sessions(&context);

    // Until the stop, nothing may end for good.
    let mut failure = tokio::select! {
        // The stop comes first: what ends because of it has not failed, even when both are
        // noticed in one moment.
        biased;
        () = stop.cancelled() => None,
        Some(error) = fatalities.recv() => Some(error),
        given = supervisor.given_up() => Some(given_up(&given)),
        _ = context.board.wait_until(is_given_up) => Some(CollectError::AllStopped),
    };
    context.told.emit(&Event::Stopping);
    context.stop.cancel();
    let stopping = Instant::now();
    let share = |share| stopping + limits.stop_timeout.mul_f64(share);
    let late = supervisor.ended(share(SESSIONS_SHARE), is_session).await;
    if !late.is_empty() {
        failure.get_or_insert(CollectError::StopTimedOut(limits.stop_timeout));
    }
    // What it has to tell shall be written down, too; should it hang, nobody waits longer.
    supervisor.ended(share(SESSIONS_SHARE), is_sealer).await;
    if let Ok(error) = fatalities.try_recv() {
        failure.get_or_insert(error);
    }
    tell_of_end(&context, failure.as_ref());
    // Before delivery ends, so that the end is told in the store, too.
    written.cancel();
    supervisor
        .ended(share(CHRONICLE_SHARE), |name| name == chronicle::TASK)
        .await;
    finish.cancel();
    // What is not delivered stays in the spool.
    supervisor.ended(share(DELIVERY_SHARE), is_delivering).await;
    if let (Some(given), None) = (supervisor.given(), &failure) {
        let error = given_up(&given);
        tell_of_end(&context, Some(&error));
        failure = Some(error);
    }
    let last_words = context.chronicle.finish(&context.journal);
    let _ = tokio::time::timeout_at(share(LAST_WORDS_SHARE), last_words).await;
    let spool = journal.stats();
    context.board.update(|shown| shown.spool = spool);
    heart.cancel();
    supervisor.ended(share(HEARTBEAT_SHARE), is_heartbeat).await;
    let shown = context.board.read();
    drop((context, journal));
    close_journal(journal_thread, share(1.0)).await;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Summary {
            shown,
            spool,
            took: begun.elapsed(),
        }),
    }
}

/// Tells that a run begins, and what became of the last one.
fn tell_of_start(context: &Context, lost: Option<LostRun>) {
    let symbols = context.settings.symbols.clone();
    let started_us = context.clock.wall_us();
    if let Some(lost) = lost {
        context.told.emit(&Event::CollectorLost {
            symbols: lost.symbols,
            // The clock may have been put back since.
            alive_us: lost.alive_us.min(started_us),
            started_us,
        });
    }
    context.chronicle.mark(began(context));
    context.told.emit(&Event::CollectorStarted { symbols });
}

/// Whose run it is that the journal tells of.
fn began(context: &Context) -> RunMark {
    RunMark::Began {
        symbols: names(&context.settings.symbols),
        collector: context.settings.collector.clone(),
    }
}

/// Tells that a run ends, and why.
fn tell_of_end(context: &Context, failure: Option<&CollectError>) {
    let event = match failure {
        None => {
            context.chronicle.mark(RunMark::Ended);
            let symbols = context.settings.symbols.clone();
            Event::CollectorStopped { symbols }
        }
        Some(error) => {
            // The next start shall find that this one did not end well.
            context.chronicle.mark(began(context));
            Event::CollectorFailed {
                reason: error.to_string(),
            }
        }
    };
    context.told.emit(&event);
    context.chronicle.end_is_near();
}

/// Whether every symbol was given up.
fn is_given_up(shown: &Shown) -> bool {
    shown
        .symbols
        .iter()
        .all(|symbol| symbol.phase == Phase::Stopped)
}

fn failed(task: &str, reason: &dyn std::fmt::Display) -> CollectError {
    CollectError::TaskFailed {
        task: task.to_owned(),
        reason: reason.to_string(),
    }
}

fn given_up(given: &Given) -> CollectError {
    failed(&given.task, &given.reason)
}

/// Lets the journal's thread end: it does when the last handle is gone.
async fn close_journal(thread: thread::JoinHandle<()>, deadline: Instant) {
    let joined = tokio::task::spawn_blocking(move || thread.join());
    // A handle that a hanging session still has keeps the thread; the process ends anyway.
    let _ = tokio::time::timeout_at(deadline, joined).await;
}
