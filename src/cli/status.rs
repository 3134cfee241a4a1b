//! `streamkit status`: how is the collector on this machine?

use std::time::Duration;

use clap::Args;

use crate::{
    app::collect::status::Status,
    domain::symbol::Symbol,
    report::status as report,
    telemetry::http::{ClientError, get_local},
};

use super::{
    args::Since,
    collect::SOCKET_NAME,
    context::{Context, block_on},
    error::{CliError, Edge as _},
    exit::ExitCode,
};

mod since;

/// How long a collector has to answer. It answers from memory.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked while being watched.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// Show how the collector on this machine is doing
///
/// It is asked through a socket in its state directory. With --since the store is asked
/// instead: for how long every symbol was up, and what ended its outages.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 shown (with --check: healthy), 1 not healthy, or nothing \
                        to count from, 64 usage, 69 no collector or store answers"
)]
pub struct StatusArgs {
    /// Say only by the exit code, and in one line, whether it is healthy
    #[arg(long)]
    check: bool,
    /// Show it again and again, until interrupted
    #[arg(long, conflicts_with = "check")]
    watch: bool,
    /// Count uptime from then on: 30d, 2025-01-31, 2025-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with_all = ["check", "watch"])]
    since: Option<Since>,
    /// Count only these symbols [default: all that the store tells of]
    #[arg(value_name = "SYMBOL", requires = "since")]
    symbols: Vec<Symbol>,
}

/// Shows the status.
pub fn run(args: &StatusArgs, context: &Context) -> Result<ExitCode, CliError> {
    if let Some(since) = args.since {
        return since::run(since, &args.symbols, context);
    }
    let is_json = context.is_json()?;
    let socket = context.journal_dir()?.join(SOCKET_NAME);
    block_on(async {
        loop {
            let page = get_local(&socket, "/status", PATIENCE).await;
            let (http_status, body) = page.map_err(|error| absent(&error))?;
            if http_status != 200 {
                return Err(CliError::new(
                    ExitCode::TryAgain,
                    "the collector has only just begun".to_owned(),
                )
                .hint("ask again in a second"));
            }
            let status: Status = serde_json::from_slice(&body)
                .hint("use the same version of streamkit for the collector and for 'status'")?;
            if args.check {
                let health = &status.health;
                let text = if health.healthy {
                    "healthy".to_owned()
                } else {
                    format!("not healthy: {}", health.complaints.join("; "))
                };
                context.printer.line(text)?;
                context.printer.flush()?;
                return Ok(if health.healthy {
                    ExitCode::Ok
                } else {
                    ExitCode::Failed
                });
            }
            if is_json {
                context
                    .printer
                    .line(String::from_utf8_lossy(body.trim_ascii_end()))?;
            } else {
                let (width, has_color) = (context.printer.width(), context.printer.has_color());
                for line in report::lines(&status, width, has_color) {
                    context.printer.line(line)?;
                }
            }
            if !args.watch {
                context.printer.flush()?;
                return Ok(ExitCode::Ok);
            }
            context.printer.line("")?;
            context.printer.flush()?;
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(ExitCode::Interrupted),
                () = tokio::time::sleep(WATCH_INTERVAL) => {}
            }
        }
    })
}

fn absent(error: &ClientError) -> CliError {
    CliError::new(ExitCode::Unavailable, format!("failed to {error}")).hint(
        "start one with 'streamkit collect', or name its --state-dir (and --exchange sim for a \
         simulated one)",
    )
}
