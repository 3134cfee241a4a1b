//! `streamkit backfill status`: what has become of requests?

use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use crate::{
    app::backfill::overview::{Overview, overview},
    cli::{
        args::distinct,
        context::{Context, block_on},
        error::CliError,
        exit::ExitCode,
    },
    domain::symbol::Symbol,
    report::{
        OutputError,
        backfill::{
            changes::Changes,
            status::{json, lines},
        },
        redraw::Redraw,
    },
    store::sink::Store,
};

/// How often it is looked at while being watched.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// Show requests for backfills, and the workers that take them
///
/// Shown are those that wait or are under way, and those that ended in the last 24 h. A
/// request that waits is 'queued' with its position; when it has waited for more than 5
/// minutes, and no worker has told of itself for as long, its state is 'no worker'
/// (watcher-offline in JSON).
///
/// --watch shows it again and again until nothing waits or is under way any more: drawn over
/// in place on a terminal, what changes as lines elsewhere, as JSON an object a line.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 shown, 1 no store, or with --check: one shown waits without a \
                  worker, has failed in the last 24 h, or cannot be read, 64 usage, \
                  69 store unavailable, 78 configuration, 130 interrupted"
)]
pub struct StatusArgs {
    /// Only requests for these symbols [default: all]
    #[arg(value_name = "SYMBOL")]
    symbols: Vec<Symbol>,
    /// Show it again and again until nothing waits or is under way
    #[arg(long)]
    watch: bool,
    /// Show all that have ever ended
    #[arg(long)]
    all: bool,
    /// Exit with 1 when one waits without a worker or has failed in the last 24 h
    #[arg(long)]
    check: bool,
}

impl StatusArgs {
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let symbols = distinct(&self.symbols);
        let Some(store) = context.store_to_read()? else {
            return Err(no_store(context)?);
        };
        let store = store.as_ref();
        let seen = block_on(async {
            if self.watch {
                let watch = self.watch(&symbols, is_json, store, context);
                return tokio::select! {
                    seen = watch => seen.map(Some),
                    _ = tokio::signal::ctrl_c() => Ok(None),
                };
            }
            let seen = overview(store, &context.clock, &symbols, self.all).await?;
            show(&seen, is_json, context)?;
            Ok(Some(seen))
        })?;
        Ok(match seen {
            None => ExitCode::Interrupted,
            Some(seen) if self.check && !seen.is_well() => ExitCode::Failed,
            Some(_) => ExitCode::Ok,
        })
    }

    /// Shows the queue until nothing in it is open, and returns what was seen last.
    async fn watch(
        &self,
        symbols: &[Symbol],
        is_json: bool,
        store: &dyn Store,
        context: &Context,
    ) -> Result<Overview, CliError> {
        let mut redraw = Redraw::new(context.printer.clone());
        let mut changes = Changes::default();
        let printer = &context.printer;
        loop {
            let seen = overview(store, &context.clock, symbols, self.all).await;
            match seen.map_err(CliError::from) {
                Ok(seen) => {
                    if is_json {
                        printer.line(json(&seen))?;
                        printer.flush()?;
                    } else if redraw.is_in_place() {
                        redraw.show(lines(&seen, redraw.width(), printer.has_color()))?;
                    } else {
                        for line in changes.lines(&seen) {
                            printer.line(line)?;
                        }
                        printer.flush()?;
                    }
                    if !seen.has_open() {
                        return Ok(seen);
                    }
                }
                // Whoever watches wants to see it come back.
                Err(error) if error.is_passing() => {
                    let absent = format!("the store does not answer: {}", error.message());
                    if redraw.is_in_place() && !is_json {
                        redraw.show(vec![absent])?;
                    } else {
                        printer.tell(absent);
                    }
                }
                Err(error) => return Err(error),
            }
            sleep(WATCH_INTERVAL).await;
        }
    }
}

fn show(seen: &Overview, is_json: bool, context: &Context) -> Result<(), OutputError> {
    let printer = &context.printer;
    if is_json {
        printer.line(json(seen))?;
    } else {
        for line in lines(seen, printer.width(), printer.has_color()) {
            printer.line(line)?;
        }
    }
    printer.flush()
}

/// What is said where there is no store, and so no queue.
pub(super) fn no_store(context: &Context) -> Result<CliError, CliError> {
    let place = &context.settings.store()?.value;
    let sentence = format!("there is no store at {place}");
    Ok(CliError::new(ExitCode::Failed, sentence)
        .hint("name the store with --store, or make one with 'streamkit schema apply'"))
}
