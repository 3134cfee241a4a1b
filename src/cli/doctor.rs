//! `streamkit doctor`: will it work here?

use std::path::PathBuf;

use clap::Args;

use crate::{
    app::alerts::send_test_alert,
    domain::symbol::Symbol,
    report::{
        OutputError,
        doctor::{self as report, Finding, Verdict},
    },
};

use super::{
    alerts,
    args::distinct,
    collect::collector_name,
    context::{Context, block_on},
    error::CliError,
    exit::ExitCode,
};

mod checks;

/// Check whether collecting would work here, and say what to mend
///
/// Looks at the state directory, the store, the exchange and the alerts, and changes nothing.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is well, perhaps with warnings, 1 something failed, \
                        64 usage, 78 configuration"
)]
pub struct DoctorArgs {
    /// Ask the exchange about these symbols [default: BTCUSDT]
    #[arg(value_name = "SYMBOL")]
    symbols: Vec<Symbol>,
    /// The TOML file with rules and channels of alerts, as for 'collect'
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// Only send an alert that is marked as a test through every channel of --alerts
    #[arg(long)]
    send_test_alert: bool,
}

impl DoctorArgs {
    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let is_json = context.is_json()?;
        let findings = block_on(async {
            if self.send_test_alert {
                self.try_channels(context).await
            } else {
                Ok(self.examine(context).await)
            }
        })?;
        let printed = if is_json {
            let json = report::json(&findings);
            context
                .printer
                .line(json)
                .and_then(|()| context.printer.flush())
        } else {
            report::human(&findings, &context.printer)
        };
        match printed {
            // Whoever stopped reading still gets the verdict.
            Ok(()) | Err(OutputError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
        let failures = findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Failure);
        let what = match failures.count() {
            0 => return Ok(ExitCode::Ok),
            1 => "1 check failed".to_owned(),
            failures => format!("{failures} checks failed"),
        };
        Err(CliError::new(ExitCode::Failed, what)
            .hint("mend what the findings marked 'fail' name, and run it again"))
    }

    async fn examine(&self, context: &Context) -> Vec<Finding> {
        let mut findings = vec![checks::state_dir(context), checks::store(context).await];
        let symbols = distinct(&self.symbols);
        findings.extend(checks::exchange(&symbols, context).await);
        findings.push(checks::alerts(self.alerts.as_ref()));
        findings
    }

    /// Sends a test by every channel. Pings are left out: one would say that all is well.
    async fn try_channels(&self, context: &Context) -> Result<Vec<Finding>, CliError> {
        let (_, outlets) = alerts::load(self.alerts.as_ref())?;
        if outlets.channels.is_empty() {
            return Err(CliError::new(
                ExitCode::Configuration,
                "there is no channel to send a test alert by",
            )
            .hint("name a file with a table [channels.NAME] with --alerts"));
        }
        let collector = collector_name(context);
        let trials = send_test_alert(&collector, &outlets.channels, context.clock.wall_us()).await;
        Ok(trials.iter().map(checks::trial).collect())
    }
}
