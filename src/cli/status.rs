//! `streamkit status`: how are the collectors?

use std::time::Duration;

use clap::Args;

use crate::{
    app::collect::{
        status::{HealthStatus, Status},
        stored_status::StoredStatus,
    },
    domain::symbol::Symbol,
    report::{redraw::Redraw, status as report, stored_status},
    telemetry::http::{ClientError, get_local},
};

use super::{
    args::Since,
    collect::SOCKET_NAME,
    context::{Context, block_on},
    error::{CliError, Edge as _},
    exit::ExitCode,
};

mod remote;
mod since;

/// How long a collector has to answer. It answers from memory.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked while being watched.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// Show how the collectors are doing
///
/// The one on this machine is asked through a socket in its state directory. Those on other
/// machines write into the store, every 10 s, how they are doing: --remote shows that. So does
/// status without it when no collector answers here and the store knows some.
///
/// With --remote, ages are counted on this machine's clock, and a collector is healthy when
/// each of its symbols is live or quiet and it has missed fewer than three of the heartbeats
/// that it means to have. A state of 'ended' means that it was told to stop. The columns tell
/// how long ago the last trade was traded (trade) and taken (taken), the newest bar closed
/// (bar), and the row was written (heard).
///
/// With --since the store is asked for how long every symbol was up, and what ended its
/// outages.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 shown (with --check: healthy), 1 not healthy, or nothing \
                        to count from, 64 usage, 69 no collector answers, or no store, \
                        75 it has only just begun"
)]
pub struct StatusArgs {
    /// Ask the store, for collectors on whatever machine
    #[arg(long)]
    remote: bool,
    /// Only the collector of this name
    #[arg(long, value_name = "NAME", requires = "remote")]
    collector: Option<String>,
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

/// What there is to show.
enum View {
    /// The answer of the collector on this machine, and its text.
    Local(Box<Status>, Vec<u8>),
    /// What collectors have written.
    Stored(StoredStatus),
    /// Nobody answers at the moment, and why.
    Absent(String),
}

/// Shows the status.
pub fn run(args: &StatusArgs, context: &Context) -> Result<ExitCode, CliError> {
    if let Some(since) = args.since {
        return since::run(since, &args.symbols, context);
    }
    let is_json = context.is_json()?;
    block_on(async {
        let mut redraw = Redraw::new(context.printer.clone());
        loop {
            let view = match view(args, context).await {
                // Whoever watches wants to see it come back.
                Err(error) if args.watch && error.is_passing() => {
                    View::Absent(error.message().to_owned())
                }
                view => view?,
            };
            if args.check {
                return view.check(context, is_json);
            }
            if is_json {
                context.printer.line(view.json()?)?;
            } else if args.watch {
                redraw.show(view.lines(redraw.width(), context.printer.has_color()))?;
            } else {
                let printer = &context.printer;
                for line in view.lines(printer.width(), printer.has_color()) {
                    printer.line(line)?;
                }
            }
            context.printer.flush()?;
            if !args.watch {
                return Ok(ExitCode::Ok);
            }
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(ExitCode::Interrupted),
                () = tokio::time::sleep(WATCH_INTERVAL) => {}
            }
        }
    })
}

async fn view(args: &StatusArgs, context: &Context) -> Result<View, CliError> {
    if args.remote {
        let status = remote::ask(args.collector.as_deref(), context).await?;
        return Ok(View::Stored(status));
    }
    local(args, context).await
}

/// Asks the collector on this machine, and the store if none answers. A check is about this
/// machine: others' health would not excuse a collector that is gone.
async fn local(args: &StatusArgs, context: &Context) -> Result<View, CliError> {
    let socket = context.journal_dir()?.join(SOCKET_NAME);
    let (http_status, body) = match get_local(&socket, "/status", PATIENCE).await {
        Ok(page) => page,
        Err(error) if args.check => return Err(absent(&error)),
        Err(error) => return remote::in_place_of(absent(&error), context).await,
    };
    // One that is old says so itself; what nobody has seen yet is no status.
    let status: Status = match serde_json::from_slice(&body) {
        Ok(status) => status,
        Err(_) if http_status != 200 => {
            return Err(CliError::new(
                ExitCode::TryAgain,
                "the collector has only just begun".to_owned(),
            )
            .hint("ask again in a second"));
        }
        Err(error) => {
            return Err(error)
                .hint("use the same version of streamkit for the collector and for 'status'");
        }
    };
    Ok(View::Local(Box::new(status), body))
}

impl View {
    fn lines(&self, width: usize, has_color: bool) -> Vec<String> {
        match self {
            Self::Local(status, _) => report::lines(status, width, has_color),
            Self::Stored(status) => stored_status::lines(status, width, has_color),
            Self::Absent(reason) => vec![format!("no collector answers: {reason}")],
        }
    }

    fn json(&self) -> Result<String, CliError> {
        Ok(match self {
            Self::Local(_, body) => String::from_utf8_lossy(body.trim_ascii_end()).into_owned(),
            Self::Stored(status) => serde_json::to_string(status)?,
            Self::Absent(reason) => {
                let complaint = format!("no collector answers: {reason}");
                serde_json::to_string(&HealthStatus::unknown(&complaint))?
            }
        })
    }

    /// Says in one line whether it is healthy.
    fn check(&self, context: &Context, is_json: bool) -> Result<ExitCode, CliError> {
        let (is_healthy, complaints) = match self {
            Self::Local(status, _) => (status.health.healthy, status.health.complaints.clone()),
            Self::Stored(status) => (status.healthy, status.complaints.clone()),
            Self::Absent(reason) => (false, vec![reason.clone()]),
        };
        let text = match self {
            Self::Local(status, _) if is_json => serde_json::to_string(&status.health)?,
            _ if is_json => self.json()?,
            _ if is_healthy => "healthy".to_owned(),
            _ => format!("not healthy: {}", complaints.join("; ")),
        };
        let code = if is_healthy {
            ExitCode::Ok
        } else {
            ExitCode::Failed
        };
        context.printer.line(text)?;
        context.printer.flush()?;
        Ok(code)
    }
}

fn absent(error: &ClientError) -> CliError {
    CliError::new(ExitCode::Unavailable, format!("failed to {error}")).hint(
        "start one with 'streamkit collect', or name its --state-dir (and --exchange sim for a \
         simulated one); --remote asks the store about collectors elsewhere",
    )
}
