//! How a run is told: on standard output, and to whoever is on call.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use crate::{
    app::{
        alerts::{Dispatcher, Emit, Limits, Memory},
        watchdog::{Outcome, notices},
    },
    cli::{
        alerts,
        collect::collector_name,
        context::{Context, Output},
        error::CliError,
    },
    report::watchdog as report,
};

/// How long a run waits for its notices to be sent.
const GOODBYE: Duration = Duration::from_secs(20);
/// How long it may take to write down what was told.
const MEMORY_PATIENCE: Duration = Duration::from_secs(2);

/// Tells whoever has to be told, once per cooldown, though each run is a new process. What
/// goes wrong with that is logged: the check itself has its result.
pub async fn tell(
    outcome: &Outcome,
    path: &PathBuf,
    state_dir: &Path,
    name: &str,
    context: &Context,
) {
    if let Err(error) = try_to_tell(outcome, path, state_dir, name, context).await {
        tracing::error!(
            code = "watchdog.alerts",
            "nobody was told: {}",
            error.message()
        );
    }
}

async fn try_to_tell(
    outcome: &Outcome,
    path: &PathBuf,
    state_dir: &Path,
    name: &str,
    context: &Context,
) -> Result<(), CliError> {
    let (mut alerts, mut outlets) = alerts::load(Some(path))?;
    // A ping says that a process lives; this one does not stay.
    outlets.pings.clear();
    if outlets.channels.is_empty() {
        return Ok(());
    }
    let directory = memory_of(state_dir, name);
    std::fs::create_dir_all(&directory)?;
    let mut memory = Memory::at(&directory);
    let now_us = context.clock.wall_us();
    let mut due = match memory.recall() {
        Ok(Some(saved)) => alerts.restore(saved, now_us),
        Ok(None) => Vec::new(),
        Err(error) => {
            tracing::warn!(
                code = "watchdog.alerts",
                "failed to {error}; what was told may be told again"
            );
            Vec::new()
        }
    };
    due.extend(notices(outcome, &mut alerts, now_us));
    let collector = format!("watchdog on {}", collector_name(context));
    let emit = Emit::new(|event| tracing::info!(code = event.code(), "{event}"));
    let dispatcher = Dispatcher::start(collector, outlets, &Limits::default(), emit);
    let notifier = dispatcher.notifier();
    for notice in &due {
        notifier.notify(notice);
    }
    let stats = dispatcher.stop(GOODBYE).await;
    let is_told = stats.iter().any(|stats| stats.sent > 0);
    let is_lost = stats.iter().any(|stats| stats.unsent + stats.given_up > 0);
    if is_lost && !is_told {
        // What nobody has heard is told again by the next run, not after the cooldown.
        let error = stats.into_iter().find_map(|stats| stats.last_error);
        let error = error.unwrap_or_else(|| "no channel answers".to_owned());
        return Err(anyhow::anyhow!("send {} notices: {error}", due.len()).into());
    }
    memory.keep(alerts.save());
    memory.finish(MEMORY_PATIENCE).await?;
    Ok(())
}

/// Each target has states of its own: a line in the crontab for one does not end the alerts of
/// another.
fn memory_of(state_dir: &Path, name: &str) -> PathBuf {
    let digest = Sha256::digest(name.as_bytes());
    let mut folder = "alerts-".to_owned();
    for byte in digest.iter().take(8) {
        // Writing to a string does not fail.
        let _ = write!(folder, "{byte:02x}");
    }
    state_dir.join("watchdog").join(folder)
}

/// Prints the result.
///
/// # Errors
/// When it cannot be printed.
pub fn print(outcome: &Outcome, context: &Context) -> Result<(), CliError> {
    let printer = &context.printer;
    match context.output {
        Output::Nagios => printer.line(report::nagios::line(outcome))?,
        Output::Json => printer.line(report::json::document(outcome)?)?,
        Output::Human | Output::Csv => {
            for line in report::human::lines(outcome, printer.width(), printer.has_color()) {
                printer.line(line)?;
            }
        }
    }
    Ok(printer.flush()?)
}
