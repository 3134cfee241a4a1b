//! Maintenance: nothing is restarted meanwhile.

use std::{path::Path, time::Duration};

use clap::Args;
use jiff::Timestamp;

use crate::{
    app::watchdog::Restarts,
    cli::{args::duration, context::Context, error::CliError, exit::ExitCode},
    domain::{micros::micros, restart_policy::Hold},
    report::OutputError,
    unit::{History, HistoryError, HoldFile},
};

/// A hold, or its end.
#[derive(Debug, Args)]
pub struct HoldArgs {
    /// Restart nothing for so long, whatever happens; look and tell nevertheless
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "why")]
    hold: Option<Duration>,
    /// Why it is held
    #[arg(long, value_name = "TEXT", requires = "hold")]
    why: Option<String>,
    /// End a hold
    #[arg(long, conflicts_with = "hold")]
    release: bool,
}

/// What is asked for.
pub enum Request {
    /// A hold of so long, and why.
    Hold(Duration, String),
    /// The end of one.
    Release,
}

impl HoldArgs {
    /// What is asked for, if anything.
    ///
    /// # Errors
    /// When no reason is given.
    pub fn request(&self) -> Result<Option<Request>, CliError> {
        if self.release {
            return Ok(Some(Request::Release));
        }
        let Some(length) = self.hold else {
            return Ok(None);
        };
        let why = self.why.as_deref().unwrap_or_default().trim();
        if why.is_empty() {
            let sentence = "a hold needs a reason for those who find it";
            return Err(CliError::new(ExitCode::Usage, sentence).hint("say it with --why"));
        }
        Ok(Some(Request::Hold(length, why.to_owned())))
    }
}

/// Holds the unit, or ends that.
pub fn run(
    request: Request,
    unit: Option<&dyn Restarts>,
    is_dry_run: bool,
    state_dir: &Path,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let Some(unit) = unit else {
        return Err(
            CliError::new(ExitCode::Usage, "it is not said what is held or released")
                .hint("name it as for the check: --unit, --container or --restart-command"),
        );
    };
    let now_us = context.clock.wall_us();
    let is_hold = matches!(request, Request::Hold(..));
    let target = unit.target();
    let named = |error: HistoryError| {
        let hint = error.hint();
        CliError::from(error).hint(hint)
    };
    let file = HoldFile::of(state_dir, &target);
    let mut lines = vec![match request {
        Request::Hold(length, _) if is_dry_run => {
            let until = moment(now_us.saturating_add(micros(length)));
            format!("dry run: {target} would be held until {until}")
        }
        Request::Release if is_dry_run => {
            let hold = file.read(now_us).map_err(named)?;
            match hold.filter(|hold| hold.until_us > now_us) {
                Some(hold) => format!(
                    "dry run: {target} would be released (is held by {}: {})",
                    hold.by, hold.why
                ),
                None => format!("is not held: {target}"),
            }
        }
        Request::Hold(length, why) => {
            let until_us = now_us.saturating_add(micros(length));
            let by = who();
            let hold = Hold {
                until_us,
                why,
                by,
                since_us: now_us,
            };
            file.set(&hold).map_err(named)?;
            format!("held until {}: {target}", moment(until_us))
        }
        Request::Release => match file.release().map_err(named)? {
            Some(hold) if hold.until_us > now_us => {
                format!("released: {target} (was held by {}: {})", hold.by, hold.why)
            }
            Some(_) | None => format!("was not held: {target}"),
        },
    }];
    if is_hold
        && !is_dry_run
        && let Some(pid) = History::holder(state_dir, &target)
    {
        lines.push(format!(
            "a check is under way (process {pid}): a restart that it has begun goes on"
        ));
    }
    let printed = lines
        .into_iter()
        .try_for_each(|line| context.printer.line(line))
        .and_then(|()| context.printer.flush());
    match printed {
        Ok(()) | Err(OutputError::Closed) => Ok(ExitCode::Ok),
        Err(error) => Err(error.into()),
    }
}

/// Who asks for it. Cron sets LOGNAME, a login USER as well.
fn who() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(std::env::var_os)
        .map(|name| name.to_string_lossy().into_owned())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}

fn moment(at_us: i64) -> String {
    let second = at_us.div_euclid(1_000_000);
    Timestamp::from_second(second)
        .map_or_else(|_| "the end of time".to_owned(), |at| at.to_string())
}
