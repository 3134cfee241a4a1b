//! From flags to a running collector, and from its end to an exit code.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    app::{
        alerts::is_of_alerts,
        collect::{self, Board, Chronicle, CollectError, Collector, health::Tally},
        supervise::Supervisor,
    },
    cli::{
        context::{Context, block_on_threads},
        error::{CliError, Edge as _},
        exit::ExitCode,
        signals::Signals,
    },
    report::{
        OutputError,
        collect::{
            log::events_to_log,
            summary::{self, SummaryJson},
        },
        terminal,
    },
    store,
};

use super::{
    CollectArgs,
    alerting::{Alerting, bad_reason, escalations},
    exchange,
    reporting::{Reporting, keep_reporting},
    watching::{self, SharedAlerting, Watched},
};

/// How long the end waits until the table is gone from the terminal.
const DRAWING_PATIENCE: Duration = Duration::from_secs(1);
/// How long the summary waits for its reader.
const SUMMARY_PATIENCE: Duration = Duration::from_secs(3);
/// How long the end waits for those who watch.
const WATCHING_PATIENCE: Duration = Duration::from_secs(1);
/// Threads for delivery, reporting and signals; each connection has one of its own.
const WORKERS: usize = 2;

/// Collects until a signal, or until the time is up.
pub fn run(args: &CollectArgs, context: &Context) -> Result<ExitCode, CliError> {
    block_on_threads(WORKERS, collect(args, context))
}

async fn collect(args: &CollectArgs, context: &Context) -> Result<ExitCode, CliError> {
    let is_json = context.is_json()?;
    let mut signals = Signals::new().hint("run it where signals can be received")?;
    let settings = args.settings(context)?;
    let clock = args.tampering.clock(&context.clock);
    let board = Board::new(&settings.symbols);
    let opened = exchange::open(args, context).await?;
    let store_address = context.settings.store()?.value.clone();
    let store_options = args.tampering.store(args.limits.store());
    let stop = CancellationToken::new();
    let listen = args.watching.listen().await?;
    let tally = Tally::default();
    let (emit, escalations) = escalations(tally.before(events_to_log()), stop.clone());
    let ending = CancellationToken::new();
    let emit = told_of_the_end(emit, ending.clone());
    let chronicle = Chronicle::new(&*settings.collector, clock.clone());
    let supervisor = {
        let (emit, limits) = (emit.clone(), settings.limits.tasks);
        let mischief = settings.mischief.clone();
        let told = chronicle.before(emit);
        Supervisor::new(clock.clone(), limits, mischief, move |event| {
            told.emit(&event.into());
        })
    };
    let alerting = Alerting::start(
        &supervisor,
        &settings.collector,
        args.watching.alerts.as_ref(),
        &args.tampering.alerting(),
        // Not before the tally: an alert is no error of its own.
        chronicle.before(events_to_log()),
        &context.journal_dir()?,
        clock.clone(),
    )?;
    let alerting: SharedAlerting = Arc::new(tokio::sync::Mutex::new(Some(alerting)));
    let telling = tell_of_escalations(escalations, Arc::clone(&alerting));
    let telling = AbortOnDropHandle::new(tokio::spawn(telling));
    let watched = Watched {
        alerting: Arc::clone(&alerting),
        collector: settings.collector.clone(),
        board: board.clone(),
        supervisor: supervisor.clone(),
        tally,
        clock: clock.clone(),
        state_dir: context.journal_dir()?,
        ending: ending.clone(),
    };
    let collector = Collector {
        supervisor: supervisor.clone(),
        settings,
        source: opened.source,
        store: store::open(&store_address, store_options)?,
        state_dir: context.journal_dir()?,
        accept_store: args.accept_store,
        clock: clock.clone(),
        emit,
        chronicle,
        board: board.clone(),
    };
    let watching = CancellationToken::new();
    watching::watch(watched, listen, &watching);
    let reporting = Reporting {
        board,
        clock: clock.clone(),
        messages: context.printer.messages(),
        heartbeat: args.limits.heartbeat,
    };
    let shown = CancellationToken::new();
    keep_reporting(&supervisor, reporting, &shown);
    let mut running = tokio::spawn(collect::run(collector, stop.clone()));
    let mut code = ExitCode::Ok;
    let ended = tokio::select! {
        ended = &mut running => Some(ended),
        signal = signals.next() => {
            code = signal;
            None
        }
        () = time_is_up(args.run_for) => None,
    };
    stop.cancel();
    ending.cancel();
    let was_asked = ended.is_none();
    let ended = if let Some(ended) = ended {
        ended
    } else {
        tokio::select! {
            ended = running => ended,
            // Who asks twice does not want to wait.
            code = signals.next() => return Ok(code),
        }
    };
    // The table takes itself away before anything else is printed.
    shown.cancel();
    watching.cancel();
    let deadline = Instant::now() + WATCHING_PATIENCE;
    // Alerts go out until the very end.
    supervisor.ended(deadline, |name| !is_of_alerts(name)).await;
    drop(telling);
    let reason = match &ended {
        Ok(Err(error)) if !was_asked => bad_reason(error),
        Err(error) => Some(format!("it ends: {error}")),
        _ => None,
    };
    // Nobody holds it for long; should somebody do, the end does not wait for him.
    if let Ok(mut alerting) = tokio::time::timeout(WATCHING_PATIENCE, alerting.lock()).await
        && let Some(mut alerting) = alerting.take()
    {
        if let Some(reason) = reason {
            alerting.escalated(&reason);
        }
        alerting.stop().await;
    }
    if terminal::can_draw() {
        context.printer.messages().drain(DRAWING_PATIENCE);
    }
    if let Some(sim) = opened.sim {
        sim.stop().await;
    }
    let summary = ended.map_err(CliError::from)?.map_err(of_collecting)?;
    let text = if is_json {
        serde_json::to_string(&SummaryJson::of(&summary))?
    } else {
        summary::text(&summary, context.printer.width())
    };
    // A pipe that nobody empties must not keep a process that was told to stop.
    match context.printer.line_within(text, SUMMARY_PATIENCE) {
        Ok(()) | Err(OutputError::Closed) => Ok(code),
        Err(error) => Err(error.into()),
    }
}

/// Cancels `ending` as soon as the end begins, for whatever reason it does.
fn told_of_the_end(emit: collect::Emit, ending: CancellationToken) -> collect::Emit {
    collect::Emit::new(move |event| {
        if matches!(event, collect::Event::Stopping) {
            ending.cancel();
        }
        emit.emit(event);
    })
}

/// Tells of what ends the collector at once, while it still saves what it can.
async fn tell_of_escalations(mut reasons: mpsc::Receiver<String>, alerting: SharedAlerting) {
    while let Some(reason) = reasons.recv().await {
        if let Some(alerting) = alerting.lock().await.as_mut() {
            alerting.escalated(&reason);
        }
    }
}

async fn time_is_up(run_for: Option<Duration>) {
    match run_for {
        Some(run_for) => tokio::time::sleep(run_for).await,
        None => std::future::pending().await,
    }
}

/// Journal, store and exchange decide the exit code by themselves.
fn of_collecting(error: CollectError) -> CliError {
    match error {
        CollectError::Journal(error) => error.into(),
        CollectError::Store(error) => error.into(),
        CollectError::Source(error) => error.into(),
        error @ CollectError::NotCommitted(_) => {
            CliError::from(error).exit(ExitCode::TryAgain).hint(
                "make room on the disk of --state-dir, or mend it, and start it again; nothing is \
                 lost: it goes on from what was committed, and fetches the rest again",
            )
        }
        error @ CollectError::JournalDamaged(_) => CliError::from(error).hint(
            "check the disk of --state-dir and start it again: the damaged file is kept under \
             another name, what can be read of it goes on, and the rest is fetched again",
        ),
        error @ CollectError::AllStopped => CliError::from(error).hint(
            "check that --ws-url and --rest-url are the exchange that was collected from; for \
             another one use another --state-dir and --store",
        ),
        error => CliError::from(error)
            .hint("start it again: it goes on from what was committed; the log tells more"),
    }
}

/// The name of this collector in the store: that of the machine, unless it was given one.
pub fn collector_name(context: &Context) -> String {
    if let Some(name) = &context.settings.collector {
        return name.value.to_string();
    }
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    if name.is_empty() {
        "collector".to_owned()
    } else {
        name
    }
}
