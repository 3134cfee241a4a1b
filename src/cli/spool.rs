//! `streamkit spool`: rows that wait for the store.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        collect::{Board, Limits, deliver::Delivery},
        crash::CrashAt,
        spool::{DropError, give_up},
        supervise::Turns,
    },
    domain::{crash::CrashPoints, micros::micros},
    journal::{self, Journal, Options, Reopen, lease},
    report::{OutputError, collect::log::events_to_log, spool as report},
    store::{self, StoreOptions},
};

use super::{
    args::{distinct, duration, positive},
    context::{Context, block_on},
    error::{CliError, Edge as _},
    exit::ExitCode,
};

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// Look after the rows that wait for the store
///
/// Whatever is collected is in the spool until the store has confirmed it. These commands
/// work beside a running collector, and without one.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 done, 1 failed or damaged, 64 usage, \
                        75 try again later, 78 configuration")]
pub struct SpoolArgs {
    #[command(subcommand)]
    command: SpoolCommand,
}

#[derive(Debug, Subcommand)]
enum SpoolCommand {
    /// List the batches: their rows, size, age, attempts, last error and state
    Ls,
    /// Print the rows of a batch as JSON lines
    Show(ShowArgs),
    /// Deliver what waits now, in order
    ///
    /// A collector that runs delivers by itself; this one takes over where it pauses, such
    /// as while its breaker is open. Exit code 0: all is delivered; 75: some is left.
    Flush(FlushArgs),
    /// Check that the journal is what was written; exit code 1 when it is not
    Verify,
    /// Give batches up: their rows will never reach the store
    ///
    /// What goes is noted in the store: bars as open gaps, which a backfill can mend, and
    /// anything else as an event.
    Drop(DropArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The batch's number
    #[arg(value_name = "ID", value_parser = positive::<i64>)]
    id: i64,
}

#[derive(Debug, Args)]
struct FlushArgs {
    /// Try rows again that the store has refused, too
    #[arg(long)]
    dead: bool,
    /// Give up after so long
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5m")]
    deadline: Duration,
    /// Pause so long after a failure, doubling
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "1s")]
    retry_min: Duration,
    /// Leave the store alone for so long after five failures in a row
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    breaker_open: Duration,
    /// Let others take over delivery after so long without a sign of life
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    delivery_lease: Duration,
    /// Die at a named point, at its N-th visit.
    #[arg(long, value_name = "NAME[:N]", hide = true)]
    crash_at: Option<CrashAt>,
}

#[derive(Debug, Args)]
struct DropArgs {
    /// The batches' numbers
    #[arg(value_name = "ID", required = true, value_parser = positive::<i64>)]
    ids: Vec<i64>,
    /// Yes, give them up
    #[arg(long)]
    yes: bool,
    /// Wait so long for whoever delivers at the moment
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    deadline: Duration,
}

impl SpoolArgs {
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let printed = match self.command {
            SpoolCommand::Ls => list(context, is_json),
            SpoolCommand::Show(args) => show(&args, context),
            SpoolCommand::Flush(args) => block_on(flush(&args, context, is_json)),
            SpoolCommand::Verify => verify(context, is_json),
            SpoolCommand::Drop(args) => block_on(drop_batches(&args, context, is_json)),
        };
        context.printer.flush()?;
        printed
    }
}

/// Opens the journal beside whoever collects. Only who delivers has to name the store.
fn attach(
    context: &Context,
    store: Option<String>,
    crash: CrashPoints,
) -> Result<Journal, CliError> {
    let directory: PathBuf = context.journal_dir()?;
    Ok(Journal::attach(&directory, journal_options(store, crash))?)
}

/// How a journal is opened beside a collector.
pub fn journal_options(store: Option<String>, crash: CrashPoints) -> Options {
    let limits = Limits::default();
    Options {
        store,
        accept_store: false,
        batch_rows: limits.batch_rows,
        batch_age_us: micros(limits.batch_age),
        most_rows: limits.batch_rows_most,
        max_pages: None,
        crash,
    }
}

fn look(context: &Context) -> Result<Journal, CliError> {
    attach(context, None, CrashPoints::default())
}

/// Whoever stopped reading still gets the verdict.
fn unless_closed(printed: Result<(), OutputError>) -> Result<(), CliError> {
    match printed {
        Ok(()) | Err(OutputError::Closed) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn list(context: &Context, is_json: bool) -> Result<ExitCode, CliError> {
    let journal = look(context)?;
    let (batches, stats) = (journal.batches()?, journal.stats());
    let now_us = context.clock.wall_us();
    if is_json {
        context
            .printer
            .line(report::list_json(&batches, &stats, now_us))?;
    } else {
        report::list_human(&batches, &stats, now_us, &context.printer)?;
    }
    Ok(ExitCode::Ok)
}

fn show(args: &ShowArgs, context: &Context) -> Result<ExitCode, CliError> {
    let rows = look(context)?.read_batch(args.id)?;
    report::rows(&rows, &context.printer)?;
    Ok(ExitCode::Ok)
}

fn verify(context: &Context, is_json: bool) -> Result<ExitCode, CliError> {
    let mut journal = look(context)?;
    let findings = journal.verify()?;
    let batches = journal.batches()?.len();
    unless_closed(context.printer.line(if is_json {
        report::verified_json(batches, &findings)
    } else {
        report::verified_text(batches, &findings)
    }))?;
    if findings.is_empty() {
        return Ok(ExitCode::Ok);
    }
    Err(
        CliError::new(ExitCode::Failed, "the journal is not what was written").hint(
            "check the disk; 'streamkit collect', started again, fetches bars and trades again that \
             cannot be read, and 'streamkit spool drop ID' gives up a batch of anything else",
        ),
    )
}

async fn drop_batches(
    args: &DropArgs,
    context: &Context,
    is_json: bool,
) -> Result<ExitCode, CliError> {
    let ids = distinct(&args.ids);
    let mut journal = look(context)?;
    if !args.yes {
        return Err(CliError::new(
            ExitCode::Usage,
            "dropping batches loses their rows for good",
        )
        .hint("look at them with 'streamkit spool show ID'; if you are sure, add --yes"));
    }
    let name = super::collect::collector_name(context);
    let dropped = give_up(&mut journal, &ids, &name, args.deadline, &context.clock)
        .await
        .map_err(|error| match error {
            DropError::Journal(error) => CliError::from(error),
            error @ DropError::Busy { .. } => CliError::from(error)
                .exit(ExitCode::TryAgain)
                .hint("run it again, or stop the other process first"),
        })?;
    unless_closed(context.printer.line(if is_json {
        report::dropped_json(&dropped)
    } else {
        report::dropped_text(&dropped)
    }))?;
    Ok(ExitCode::Ok)
}

async fn flush(args: &FlushArgs, context: &Context, is_json: bool) -> Result<ExitCode, CliError> {
    let address = context.settings.store()?.value.clone();
    let store = store::open(&address, StoreOptions::default())?;
    let crash = args
        .crash_at
        .map_or_else(CrashPoints::default, CrashAt::arm);
    let mut journal = attach(context, Some(store.address()), crash.clone())?;
    if args.dead {
        journal.revive()?;
    }
    let (directory, address) = (context.journal_dir()?, store.address());
    let again = crash.clone();
    let reopen = Reopen {
        catch: journal::catch,
        open: Box::new(move || {
            Journal::attach(
                &directory,
                journal_options(Some(address.clone()), again.clone()),
            )
        }),
        tell: Box::new(|panicked| {
            tracing::error!("the journal's thread failed: {}", panicked.reason);
        }),
    };
    let (journal, thread) =
        journal::start(journal, reopen).hint("free some memory, file descriptors or threads")?;
    let board = Board::new(&[]);
    let stop = CancellationToken::new();
    let defaults = Limits::default();
    let delivery = Delivery {
        journal: journal.clone(),
        store,
        needs_schema: false,
        holder: lease::flusher().into(),
        limits: Limits {
            delivery_retry_min: args.retry_min,
            delivery_retry_max: args.retry_min.max(defaults.delivery_retry_max),
            breaker_open: args.breaker_open,
            delivery_lease: args.delivery_lease,
            ..defaults
        },
        clock: context.clock.clone(),
        emit: events_to_log(),
        board: board.clone(),
        crash,
        turns: Turns::default(),
    };
    let deadline = Instant::now() + args.deadline;
    let mut flushing = std::pin::pin!(delivery.flush(deadline, stop.clone()));
    let mut progress =
        tokio::time::interval_at(Instant::now() + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
    let flushed = loop {
        tokio::select! {
            flushed = &mut flushing => break flushed?,
            _ = tokio::signal::ctrl_c() => stop.cancel(),
            _ = progress.tick() => {
                let shown = board.read();
                let text = report::flushed_text(shown.sink.published, &shown.spool);
                context.printer.tell(text);
            }
        }
    };
    let (rows, left) = (board.read().sink.published, journal.stats());
    drop(journal);
    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    unless_closed(context.printer.line(if is_json {
        report::flushed_json(&flushed, rows, &left)
    } else {
        report::flushed_text(rows, &left)
    }))?;
    if stop.is_cancelled() {
        return Ok(ExitCode::Interrupted);
    }
    if flushed.is_complete && !(args.dead && left.dead_rows > 0) {
        return Ok(ExitCode::Ok);
    }
    let mut message = format!("{} rows are left in the spool", left.rows + left.dead_rows);
    if let Some(error) = &flushed.last_error {
        message = format!("{message}: failed to {error}");
    } else if let Some(holder) = &flushed.held_by {
        message = format!("{message}: {} delivers", lease::for_people(holder));
    }
    Err(CliError::new(ExitCode::TryAgain, message).hint(
        "nothing is lost: mend what it says and run it again; 'streamkit spool ls' lists them",
    ))
}
