//! `streamkit probe`: what failures cost, and an exchange to test against.

use clap::{Args, Subcommand};

use super::{
    context::{Context, block_on, block_on_threads},
    error::CliError,
    exit::ExitCode,
};

mod list;
mod report;
mod run;
mod serve;

use list::ListArgs;
use run::RunArgs;
use serve::{ServeArgs, TapeArgs};

/// Threads for what a run does side by side: relays, looks at the store, logs.
const WORKERS: usize = 2;

/// Cause failures and measure what they cost, or test against a sim exchange
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed or a budget was missed, 64 usage, \
                        69 address not to be had, 78 configuration, 130 interrupted"
)]
pub struct ProbeArgs {
    #[command(subcommand)]
    command: ProbeCommand,
}

#[derive(Debug, Subcommand)]
enum ProbeCommand {
    /// Cause failures, and measure how they are seen, mended and survived
    ///
    /// Each scenario has an exchange, a collector and a store of its own, each a real process.
    /// What is stored in the end is compared with the bars that a plain reference makes of the
    /// tape. Exits 1 when a budget is missed.
    ///
    /// The store is a SQLite file, or with --store a ClickHouse, where each run has a database of its
    /// own that is dropped afterwards.
    Run(Box<RunArgs>),
    /// List the failures that can be caused
    List(ListArgs),
    /// Run a Binance-compatible sim exchange
    ///
    /// Prints one line to stdout once it listens: the address, then the base URLs of streams and
    /// REST. Without --history the seeded tape runs by the wall clock, and its whole past is served.
    /// With --history or --tape the tape is played from its beginning at --rate.
    /// The archive's zips of days and months that are over are below the base URL of REST, too.
    /// POST /sim/faults makes things go wrong, GET /sim/stats tells what has happened.
    Serve(ServeArgs),
    /// Write the sim's tape to stdout as CSV: a,p,q,f,l,T,m,M, times in microseconds.
    Tape(TapeArgs),
}

/// Runs `streamkit probe …`.
///
/// # Errors
///
/// When the settings are wrong, the tape cannot be read, or the address is not to be had.
pub fn run(args: ProbeArgs, context: &Context) -> Result<ExitCode, CliError> {
    match args.command {
        ProbeCommand::Run(args) => block_on_threads(WORKERS, args.run(context)),
        ProbeCommand::List(args) => args.run(context),
        ProbeCommand::Serve(args) => block_on(serve::serve(args)),
        ProbeCommand::Tape(args) => serve::write_tape(args),
    }
}
