//! `streamkit doctor`: will it work here?

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    app::alerts::send_test_alert,
    domain::symbol::Symbol,
    report::{
        OutputError, Printer,
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
mod descriptors;
mod exchange;
mod place;
mod store;
mod unit;

/// Check whether collecting would work here, and say what to mend
///
/// Looks at the settings, the clock, the way to the exchange, the store, the journal, the unit
/// of systemd, file descriptors and the alerts. It changes nothing, and waits for nothing longer
/// than ten seconds. What is not well is told with its remedy.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is well, perhaps with warnings, 1 something failed, \
                        64 usage, 78 configuration"
)]
pub struct DoctorArgs {
    /// Ask the exchange about these symbols as well
    #[arg(value_name = "SYMBOL")]
    symbols: Vec<Symbol>,
    /// The TOML file with rules and channels of alerts, as for 'collect'
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// Only send an alert that is marked as a test through every channel of --alerts
    #[arg(long)]
    send_test_alert: bool,
    /// How long each check may take.
    #[arg(long, value_name = "TIME", hide = true, default_value = "10s",
          value_parser = humantime::parse_duration)]
    deadline: Duration,
    /// Look the exchange's hosts up in this file alone: an address and a name a line.
    #[arg(long, value_name = "FILE", hide = true)]
    hosts: Option<PathBuf>,
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
        tell(&findings, is_json, &context.printer)
    }

    /// Tells what is wrong with the settings, and what can be seen without any.
    pub fn without_settings(
        &self,
        error: &CliError,
        is_json: bool,
        printer: &Printer,
    ) -> Result<ExitCode, CliError> {
        const WHY: &str = "the configuration comes first";
        let mut findings = vec![checks::no_configuration(error)];
        findings.extend(exchange::none(WHY));
        findings.extend(["store", "journal"].map(|what| Finding::not_checked(what, WHY)));
        findings.extend(block_on(async { Ok(unit::check(self.deadline).await) })?);
        findings.push(descriptors::check());
        tell(&findings, is_json, printer)
    }

    /// Everything is looked at at once, and told in this order.
    async fn examine(&self, context: &Context) -> Vec<Finding> {
        let symbols = distinct(&self.symbols);
        let (exchange, store, place, unit) = tokio::join!(
            exchange::check(self, &symbols, context),
            store::check(context, self.deadline),
            place::check(context, self.deadline),
            unit::check(self.deadline),
        );
        let mut findings = vec![checks::configuration(context)];
        findings.extend(exchange.into_iter().chain(store).chain(place).chain(unit));
        findings.push(descriptors::check());
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

/// Prints the findings; an error when one of them is a failure.
fn tell(findings: &[Finding], is_json: bool, printer: &Printer) -> Result<ExitCode, CliError> {
    let printed = if is_json {
        let line = printer.line(report::json(findings));
        line.and_then(|()| printer.flush())
    } else {
        report::human(findings, printer)
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
        .hint("apply the remedies of the checks marked 'failed', and run it again"))
}
