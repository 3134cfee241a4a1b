//! The whole of collecting: open, run, stop, sum up.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    app::clock::Clock,
    exchange::source::{Source, SourceError},
    journal::{self, JournalError, SpoolStats, lease},
    store::sink::{Store, StoreError},
};

use super::{
    deliver::Delivery,
    event::{Emit, Event},
    fetch::backoff,
    session::{Context, Diary, Group, Session, SessionError},
    settings::Settings,
    snapshot::{Board, Link, Phase, Shown},
};

mod prepare;

use prepare::prepare;

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
    /// Where it is shown.
    pub board: Board,
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
    /// The ids of every symbol went back.
    #[error("go on: the exchange is below the last trade here for every symbol")]
    AllStopped,
    /// A graceful stop took too long.
    #[error("stop within {0:?}: what was not committed will be fetched again")]
    StopTimedOut(Duration),
}

/// The shares of the stop timeout after which sessions, and then delivery, are not waited
/// for any more; the journal has the rest.
const SESSIONS_SHARE: f64 = 0.5;
const DELIVERY_SHARE: f64 = 0.9;

/// Collects until `stop`, then stops gracefully.
///
/// # Errors
/// When it cannot begin, or a part of it has failed for good. Whatever was committed
/// stays in the journal. When it cannot begin for the first time, nothing is left behind:
/// neither a journal nor tables.
pub async fn run(collector: Collector, stop: CancellationToken) -> Result<Summary, CollectError> {
    let begun = Instant::now();
    // A store or an exchange that hangs must not keep a stop waiting.
    let ready = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        ready = prepare(&collector) => Some(ready?),
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
    let (journal, journal_thread) = journal::start(ready.journal)?;
    let context = Context {
        settings: Arc::clone(&settings),
        exchange: collector.source.name().into(),
        source: collector.source,
        store: collector.store,
        journal: journal.clone(),
        clock: collector.clock,
        runtime: tokio::runtime::Handle::current(),
        emit: collector.emit,
        board: collector.board,
        stop: stop.child_token(),
    };
    let finish = CancellationToken::new();
    let delivery = Delivery {
        journal: journal.clone(),
        store: Arc::clone(&context.store),
        needs_schema: ready.needs_schema,
        holder: lease::collector().into(),
        limits: limits.clone(),
        clock: context.clock.clone(),
        emit: context.emit.clone(),
        board: context.board.clone(),
        crash: settings.crash.clone(),
    };
    let mut delivery = tokio::spawn(delivery.run(finish.clone()));
    let (ended, mut endings) = mpsc::channel(settings.symbols.len().max(1));
    let count = spawn_sessions(&context, &ended)?;
    drop(ended);

    // Until the stop, nothing may end.
    let mut failure = None;
    let mut running = count;
    tokio::select! {
        // The stop comes first: what ends because of it has not failed, even when both are
        // noticed in one moment.
        biased;
        () = stop.cancelled() => {}
        Some((task, result)) = endings.recv() => {
            running -= 1;
            failure = Some(ended_early(task, result));
        }
        result = &mut delivery => {
            failure = Some(delivery_ended(result));
        }
        _ = context.board.wait_until(is_given_up) => {
            failure = Some(CollectError::AllStopped);
        }
    }
    context.emit.emit(&Event::Stopping);
    context.stop.cancel();
    let stopping = Instant::now();
    let share = |share| stopping + limits.stop_timeout.mul_f64(share);
    while running > 0 {
        match tokio::time::timeout_at(share(SESSIONS_SHARE), endings.recv()).await {
            Ok(Some((task, result))) => {
                running -= 1;
                if let Err(end) = result {
                    failure.get_or_insert(end.of(task));
                }
            }
            Ok(None) => break,
            Err(_) => {
                failure.get_or_insert(CollectError::StopTimedOut(limits.stop_timeout));
                break;
            }
        }
    }
    finish.cancel();
    if !delivery.is_finished()
        && tokio::time::timeout_at(share(DELIVERY_SHARE), &mut delivery)
            .await
            .is_err()
    {
        // What is not delivered stays in the spool.
        delivery.abort();
    }
    let spool = journal.stats();
    context.board.update(|shown| shown.spool = spool);
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

/// Whether every symbol was given up.
fn is_given_up(shown: &Shown) -> bool {
    shown
        .symbols
        .iter()
        .all(|symbol| symbol.phase == Phase::Stopped)
}

type Ending = (String, Result<(), SessionEnd>);

/// Why a session ended for good.
enum SessionEnd {
    Failed(String),
    JournalDamaged(String),
    NotCommitted(String),
}

impl SessionEnd {
    fn of(self, task: String) -> CollectError {
        match self {
            Self::Failed(reason) => CollectError::TaskFailed { task, reason },
            Self::JournalDamaged(reason) => CollectError::JournalDamaged(reason),
            Self::NotCommitted(reason) => CollectError::NotCommitted(reason),
        }
    }
}

/// Starts a thread with a runtime of its own for each group. Returns how many.
fn spawn_sessions(context: &Context, ended: &mpsc::Sender<Ending>) -> Result<usize, CollectError> {
    let symbols: Vec<_> = context
        .settings
        .symbols
        .iter()
        .cloned()
        .enumerate()
        .collect();
    let size = context.settings.limits.symbols_per_connection.max(1);
    let mut count = 0;
    for (number, symbols) in symbols.chunks(size).enumerate() {
        let group = Group {
            symbols: symbols.to_vec(),
        };
        let (context, ended) = (context.clone(), ended.clone());
        let name = format!("session-{number}");
        let task = name.clone();
        thread::Builder::new().name(name).spawn(move || {
            let ending = Ended { task, ended };
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let result = match runtime {
                Ok(runtime) => runtime.block_on(keep_running(&context, &group)),
                Err(error) => Err(SessionEnd::Failed(error.to_string())),
            };
            drop(context);
            ending.tell(result);
        })?;
        count += 1;
    }
    Ok(count)
}

/// Tells that a thread has ended, even when it panicked.
struct Ended {
    task: String,
    ended: mpsc::Sender<Ending>,
}

impl Ended {
    fn tell(mut self, result: Result<(), SessionEnd>) {
        let task = std::mem::take(&mut self.task);
        // Nobody listens any more when the stop has timed out.
        let _ = self.ended.try_send((task, result));
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if thread::panicking() {
            let task = std::mem::take(&mut self.task);
            let end = SessionEnd::Failed("it panicked".to_owned());
            let _ = self.ended.try_send((task, Err(end)));
        }
    }
}

/// Runs the session of a group until the stop, anew from the journal after each failure.
async fn keep_running(context: &Context, group: &Group) -> Result<(), SessionEnd> {
    let limits = &context.settings.limits;
    let mut pauses = backoff(limits.reconnect_min, limits.reconnect_max);
    let mut diary = Diary::new(context.settings.collector.clone(), context.clock.clone());
    loop {
        let begun = Instant::now();
        let Err(error) = Session::new(context, group, &mut diary).run().await else {
            return Ok(());
        };
        show_rebuilding(context, group);
        if let SessionError::Journal(error) = &error {
            if matches!(error, JournalError::Closed) {
                return Err(SessionEnd::Failed(error.to_string()));
            }
            if let Some(reason) = error.damage() {
                // Trying again does not mend it; the next start sets it aside.
                return Err(SessionEnd::JournalDamaged(reason));
            }
        }
        if begun.elapsed() > limits.reconnect_max * 2 {
            pauses = backoff(limits.reconnect_min, limits.reconnect_max);
        }
        let retry_in = pauses.next().unwrap_or(limits.reconnect_max);
        let reason = error.to_string();
        let event = Event::CommitFailed {
            reason: reason.clone(),
            retry_in,
        };
        context.emit.emit(&event);
        diary.session_failed();
        diary.note(&event);
        tokio::select! {
            // What could not be committed is not lost: it is fetched at the next start.
            () = context.stop.cancelled() => return Err(SessionEnd::NotCommitted(reason)),
            () = tokio::time::sleep(retry_in) => {}
        }
    }
}

/// Shows that a group has no session at the moment, whatever the last one has shown.
fn show_rebuilding(context: &Context, group: &Group) {
    context.board.update(|shown| {
        for (place, _) in &group.symbols {
            if let Some(line) = shown.symbols.get_mut(*place) {
                line.link = Link::Down;
                line.phase = Phase::Starting;
            }
        }
    });
}

fn failed(task: &str, reason: &dyn std::fmt::Display) -> CollectError {
    CollectError::TaskFailed {
        task: task.to_owned(),
        reason: reason.to_string(),
    }
}

fn ended_early(task: String, result: Result<(), SessionEnd>) -> CollectError {
    let end = result.err().unwrap_or_else(|| {
        let reason = "it ended without being told to";
        SessionEnd::Failed(reason.to_owned())
    });
    end.of(task)
}

fn delivery_ended(
    result: Result<Result<(), JournalError>, tokio::task::JoinError>,
) -> CollectError {
    match result {
        Ok(Ok(())) => failed("delivery", &"it ended without being told to"),
        Ok(Err(error)) => match error.damage() {
            Some(reason) => CollectError::JournalDamaged(reason),
            None => failed("delivery", &error),
        },
        Err(error) => failed("delivery", &error),
    }
}

/// Lets the journal's thread end: it does when the last handle is gone.
async fn close_journal(thread: thread::JoinHandle<()>, deadline: Instant) {
    let joined = tokio::task::spawn_blocking(move || thread.join());
    // A handle that a hanging session still has keeps the thread; the process ends anyway.
    let _ = tokio::time::timeout_at(deadline, joined).await;
}
