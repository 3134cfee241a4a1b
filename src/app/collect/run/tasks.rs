//! The tasks of a collector, each with its keeper.
//!
//! | task | what it does | a turn is |
//! | --- | --- | --- |
//! | `session-N` | a group of symbols, on a thread of its own | one look at everything |
//! | `delivery` | from the spool into the store | one look at the spool |
//! | `chronicle` | commits events that are no session's | one look at what waits |
//! | `journal` | sees that the journal's thread answers | an answer |
//! | `heartbeat` | tells the store's readers how it is | one look at the clock |
//! | `seal` | seals periods that are whole in the store | one look at the periods |

use std::{path::Path, sync::Arc, thread, time::Duration};

use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        chronicle,
        deliver::Delivery,
        diary::Diary,
        event::{Emit, Event},
        heartbeat::Heartbeat,
        sealer::Sealer,
        session::{
            Context, Group, Heritage, Outages, Remembered, Repair, Session, SessionError, rebuild,
        },
        snapshot::{GroupSnapshot, Link, Phase},
    },
    CollectError,
};
use crate::{
    app::{
        backoff::backoff,
        supervise::{self, Failure, Turns},
    },
    domain::{outage::Cure, remedy},
    journal::{Fence, Journal, JournalError, Options, Panicked, Reopen, lease},
};

/// How often the journal's thread is asked whether it is there, within its patience.
const PINGS_PER_PATIENCE: u32 = 4;

/// Whether a task is a session.
pub(super) fn is_session(name: &str) -> bool {
    name.starts_with("session-")
}

/// Whether a task is one of those that end once the sessions have.
pub(super) fn is_delivering(name: &str) -> bool {
    name == "delivery" || name == "journal"
}

/// Whether a task is the one that tells of all the others.
pub(super) fn is_heartbeat(name: &str) -> bool {
    name == "heartbeat"
}

/// Whether a task is the one that seals.
pub(super) fn is_sealer(name: &str) -> bool {
    name == "seal"
}

/// How the journal is opened anew when its thread has panicked.
pub(super) fn reopening(state_dir: &Path, options: Options, emit: &Emit) -> Reopen {
    let (state_dir, emit) = (state_dir.to_owned(), emit.clone());
    Reopen {
        catch: |work| {
            supervise::catch(work).map_err(|caught| Panicked {
                reason: caught.reason,
                backtrace: Some(caught.backtrace),
            })
        },
        open: Box::new(move || Journal::open(&state_dir, options.clone())),
        tell: Box::new(move |panicked| {
            emit.emit(&Event::TaskFailed {
                task: "journal".into(),
                reason: panicked.reason,
                backtrace: panicked.backtrace,
                restart: Some((1, Duration::ZERO)),
            });
        }),
    }
}

/// Sees that the journal's thread answers. A disk that hangs cannot be helped from here: when
/// it goes on, the collector ends, and whoever keeps it may try another machine.
pub(super) fn keep_journal(context: &Context, finish: &CancellationToken) {
    let pause = context.settings.limits.tasks.hang / PINGS_PER_PATIENCE;
    let (journal, finished) = (context.journal.clone(), finish.clone());
    let start = move |turns: Turns| {
        let (journal, finished) = (journal.clone(), finished.clone());
        async move {
            loop {
                tokio::select! {
                    () = finished.cancelled() => return Ok(()),
                    () = tokio::time::sleep(pause) => {}
                }
                match journal.ping().await {
                    // Whoever was in the middle of a request hears of that by himself.
                    Ok(()) | Err(JournalError::Interrupted) => {}
                    Err(error) => return Err(error.to_string().into()),
                }
                if turns.take_or_misbehave().await {
                    return Ok(());
                }
            }
        }
    };
    context.supervisor.keep("journal", finish.clone(), start);
}

pub(super) fn keep_chronicle(context: &Context, finish: &CancellationToken) {
    let (task, finished) = (context.clone(), finish.clone());
    let start = move |turns: Turns| {
        let (context, finished) = (task.clone(), finished.clone());
        async move { chronicle::keep_committing(&context, &turns, &finished).await }
    };
    let supervisor = &context.supervisor;
    supervisor.keep(chronicle::TASK, finish.clone(), start);
}

pub(super) fn keep_delivery(context: &Context, needs_schema: bool, finish: &CancellationToken) {
    let patience = context.settings.limits.delivery_hang;
    // One name for all its starts: one that was started anew need not wait for the lease of
    // the one before, which is gone by then.
    let holder: Arc<str> = lease::collector().into();
    let (task, finished) = (context.clone(), finish.clone());
    let start = move |turns: Turns| {
        let delivery = Delivery {
            journal: task.journal.clone(),
            store: Arc::clone(&task.store),
            needs_schema,
            holder: Arc::clone(&holder),
            limits: task.settings.limits.clone(),
            clock: task.clock.clone(),
            emit: task.told.clone(),
            board: task.board.clone(),
            crash: task.settings.crash.clone(),
            turns,
        };
        let (finished, fatal) = (finished.clone(), task.fatal.clone());
        async move {
            let Err(error) = delivery.run(finished.clone()).await else {
                return Ok(());
            };
            let Some(reason) = error.damage() else {
                return Err(error.to_string().into());
            };
            // Trying again does not mend it; the next start sets it aside.
            let _ = fatal.try_send(CollectError::JournalDamaged(reason));
            finished.cancelled().await;
            Ok(())
        }
    };
    let supervisor = &context.supervisor;
    supervisor.keep_patiently("delivery", patience, finish.clone(), start);
}

/// Keeps telling the store's readers how it is. `asked` is the collector's own stop.
pub(super) fn keep_heartbeat(
    context: &Context,
    needs_schema: bool,
    (asked, finish): (&CancellationToken, &CancellationToken),
) {
    let (task, asked, finished) = (context.clone(), asked.clone(), finish.clone());
    let start = move |turns: Turns| {
        let heartbeat = Heartbeat::new(task.clone(), needs_schema);
        let (asked, finished) = (asked.clone(), finished.clone());
        async move {
            heartbeat
                .run(turns, finished, || asked.is_cancelled())
                .await;
            Ok(())
        }
    };
    context
        .supervisor
        .keep_aside("heartbeat", finish.clone(), start);
}

/// Keeps sealing what is whole in the store.
pub(super) fn keep_sealer(context: &Context, finish: &CancellationToken) {
    let (task, finished) = (context.clone(), finish.clone());
    let start = move |turns: Turns| {
        let sealer = Sealer::new(task.clone());
        let finished = finished.clone();
        async move {
            sealer.run(turns, finished).await;
            Ok(())
        }
    };
    context.supervisor.keep_aside("seal", finish.clone(), start);
}

/// Keeps a session for each group of symbols.
pub(super) fn keep_sessions(context: &Context) {
    let symbols: Vec<_> = context
        .settings
        .symbols
        .iter()
        .cloned()
        .enumerate()
        .collect();
    let size = context.settings.limits.symbols_per_connection.max(1);
    for (number, symbols) in symbols.chunks(size).enumerate() {
        let group = Group {
            number,
            symbols: symbols.to_vec(),
            outages: Outages::new(symbols.len(), context.clock.steady_us()),
            heritage: Heritage::new(),
        };
        let name: Arc<str> = format!("session-{number}").into();
        let (task, thread_name) = (context.clone(), Arc::clone(&name));
        let start = move |turns: Turns| {
            let (context, group) = (task.clone(), group.clone());
            on_a_thread(Arc::clone(&thread_name), context, group, turns)
        };
        let stop = context.stop.clone();
        context.supervisor.keep(name, stop, start);
    }
}

/// Gives a session up when it is dropped: the session is told to go, and should it hang and
/// come to again later, its commits are not taken.
struct GivesUp {
    fence: Fence,
    gone: CancellationToken,
}

impl Drop for GivesUp {
    fn drop(&mut self) {
        self.fence.close();
        self.gone.cancel();
    }
}

/// Runs the sessions of a group on a thread with a runtime of its own.
async fn on_a_thread(
    name: Arc<str>,
    context: Context,
    group: Group,
    turns: Turns,
) -> Result<(), Failure> {
    let guard = GivesUp {
        fence: Fence::default(),
        gone: CancellationToken::new(),
    };
    let (fence, gone) = (guard.fence.clone(), guard.gone.clone());
    let (sender, ended) = oneshot::channel();
    let (fatal, stop) = (context.fatal.clone(), context.stop.clone());
    show_rebuilding(&context, &group);
    let thread = thread::Builder::new().name(name.to_string());
    let spawned = thread.spawn(move || {
        let result = supervise::catch(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| SessionEnd::Failed(format!("start a runtime: {error}")))?;
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = gone.cancelled() => Ok(()),
                    result = keep_running(&context, &group, &fence, &turns) => result,
                }
            })
        });
        drop(context);
        let _ = sender.send(result);
    });
    spawned.map_err(|error| Failure::from(format!("start a thread: {error}")))?;
    let end = match ended.await {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(end))) => end,
        Ok(Err(caught)) => return Err(caught.into()),
        Err(_) => return Err("its thread is gone".to_owned().into()),
    };
    let error = match end {
        SessionEnd::Failed(reason) => return Err(reason.into()),
        SessionEnd::JournalDamaged(reason) => CollectError::JournalDamaged(reason),
        SessionEnd::NotCommitted(reason) => CollectError::NotCommitted(reason),
        SessionEnd::Escalated(reason) => CollectError::Escalated(reason),
    };
    // The whole collector ends for it; starting this task anew would not help.
    let _ = fatal.try_send(error);
    stop.cancelled().await;
    drop(guard);
    Ok(())
}

/// Why a session ended for good.
enum SessionEnd {
    Failed(String),
    JournalDamaged(String),
    NotCommitted(String),
    Escalated(String),
}

/// Runs the session of a group until the stop, anew from the journal after each failure.
async fn keep_running(
    context: &Context,
    group: &Group,
    fence: &Fence,
    turns: &Turns,
) -> Result<(), SessionEnd> {
    let limits = &context.settings.limits;
    let mut pauses = backoff(limits.reconnect_min, limits.reconnect_max);
    let memory = group.heritage.take_over(|| Remembered {
        diary: Diary::new(context.settings.collector.clone(), context.clock.clone()),
        repair: Repair::new(remedy::Limits {
            rebuilds: limits.tasks.restarts,
            ..remedy::Limits::DEFAULT
        }),
    });
    // A session that is rebuilt leaves its own fence behind, closed.
    let mut own = fence.inner();
    let mut is_rebuilt = false;
    // Another thread may have been here before, and its session has not ended well.
    group.session_ended(context, Cure::TaskRestarted);
    loop {
        let begun = Instant::now();
        let mut session = Session::new(context, group, memory.clone(), own.clone());
        if is_rebuilt {
            session.create_within(limits.steps.create);
        }
        let Err(error) = session.run(turns).await else {
            return Ok(());
        };
        show_rebuilding(context, group);
        group.session_ended(context, Cure::Rebuilt);
        match error {
            SessionError::Rebuild => {
                rebuild(session, limits.steps, turns).await;
                own.close();
                own = fence.inner();
                is_rebuilt = true;
                continue;
            }
            SessionError::Escalated(reason) => {
                let event = Event::Escalated {
                    reason: reason.clone(),
                };
                context.told.emit(&event);
                // The program ends all the same, but not with less than can be saved.
                rebuild(session, limits.steps, turns).await;
                own.close();
                context.chronicle.inherit(&mut memory.lock().diary);
                return Err(SessionEnd::Escalated(reason));
            }
            SessionError::Journal(JournalError::Closed) => {
                return Err(SessionEnd::Failed(JournalError::Closed.to_string()));
            }
            _ => {}
        }
        if let SessionError::Journal(error) = &error
            && let Some(reason) = error.damage()
        {
            // Trying again does not mend it; the next start sets it aside.
            return Err(SessionEnd::JournalDamaged(reason));
        }
        let has_advanced = session.has_advanced();
        drop(session);
        // A disk that has room for some of it has room for the rest soon, when that has been
        // delivered.
        if has_advanced || begun.elapsed() > limits.reconnect_max * 2 {
            pauses = backoff(limits.reconnect_min, limits.reconnect_max);
        }
        let retry_in = pauses.next().unwrap_or(limits.reconnect_max);
        let reason = error.to_string();
        let event = Event::CommitFailed {
            reason: reason.clone(),
            retry_in,
        };
        context.told.emit(&event);
        memory.lock().diary.failed();
        let until = Instant::now() + retry_in;
        while Instant::now() < until {
            // Waiting for the next attempt is what it does now.
            turns.take();
            tokio::select! {
                // What could not be committed is not lost: it is fetched at the next start.
                () = context.stop.cancelled() => return Err(SessionEnd::NotCommitted(reason)),
                () = tokio::time::sleep_until(until.min(Instant::now() + limits.tasks.hang / 4)) => {}
            }
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
        // Nobody is there to say why nothing is consumed; that a remedy has not helped stays.
        if let Some(shown_group) = shown.groups.get(group.number).cloned() {
            let paused = None;
            shown.show_group(
                group.number,
                GroupSnapshot {
                    paused,
                    ..shown_group
                },
            );
        }
    });
}
