//! What is restarted.

use std::{sync::Arc, time::Duration};

use clap::Args;

use crate::{
    app::watchdog::Restarts,
    cli::{args::duration, error::CliError, exit::ExitCode},
    unit::{Environment, KEPT_ATTEMPTS, Unit},
};

/// Reads how many restarts are allowed. What is not remembered cannot be counted.
fn budget(text: &str) -> Result<usize, String> {
    let count = text
        .parse()
        .map_err(|_| "it is a count, such as 3".to_owned())?;
    if count > KEPT_ATTEMPTS {
        return Err(format!("no more than {KEPT_ATTEMPTS} are remembered"));
    }
    Ok(count)
}

/// A unit and its restarts.
#[derive(Debug, Args)]
pub struct TargetArgs {
    /// Restart this service of systemd
    #[arg(long, value_name = "NAME", conflicts_with_all = ["container", "restart_command"])]
    unit: Option<String>,
    /// The service is one of the user's own manager
    #[arg(long, requires = "unit")]
    user: bool,
    /// Restart this container, with docker or podman
    #[arg(long, value_name = "NAME", conflicts_with = "restart_command")]
    container: Option<String>,
    /// Restart by this command; no shell reads it
    #[arg(long, value_name = "CMD ARGS…")]
    restart_command: Option<String>,
    /// How long a restart may take
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = duration)]
    pub restart_timeout: Duration,
    /// So many restarts are made within an hour at most
    #[arg(long, value_name = "COUNT", default_value = "3", value_parser = budget)]
    pub restarts_per_hour: usize,
    /// How far two restarts are apart at least
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub restarts_apart: Duration,
    /// How long to wait after a restart for fresh data
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub recheck: Duration,
    /// Say what would be restarted, and restart nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl TargetArgs {
    /// What distinguishes `target` on a machine where each user has units of their own.
    pub fn on_machine(&self, target: &str) -> String {
        if self.user {
            let user = rustix::process::getuid().as_raw();
            return format!("{target} of user {user}");
        }
        target.to_owned()
    }

    /// What is to be restarted, if anything.
    ///
    /// # Errors
    /// When it can be nothing of the kind.
    pub fn unit(&self) -> Result<Option<Arc<dyn Restarts>>, CliError> {
        let environment = Environment::of_this_process();
        let unit = match (&self.unit, &self.container, &self.restart_command) {
            (Some(name), ..) => Unit::systemd(name, self.user),
            (_, Some(name), _) => Unit::container(name, None, &environment),
            (.., Some(line)) => Unit::command(line),
            (None, None, None) => return Ok(None),
        };
        let unit = unit.map_err(|error| {
            let hint = error.hint();
            CliError::from(error).exit(ExitCode::Usage).hint(hint)
        })?;
        Ok(Some(Arc::new((unit, environment))))
    }
}
