//! What a backfill by hand comes to: an exit code, or what to do next.

use crate::{
    app::backfill::{
        plan::PlanError,
        run::{Finished, RunError},
    },
    cli::{error::CliError, exit::ExitCode},
    domain::words::{list, span},
    report::backfill::run as run_report,
};

use super::sources;

/// Why there is no plan, with what to do about it.
pub fn planned(error: PlanError) -> CliError {
    match error {
        PlanError::Store(error) => error.into(),
        error @ PlanError::Future { .. } => CliError::from(error)
            .exit(ExitCode::Usage)
            .hint("name a time that is past; a collector takes what is to come"),
        error @ PlanError::NeverTraded(_) => CliError::from(error)
            .exit(ExitCode::Usage)
            .hint("spell the symbol as the exchange does, such as BTCUSDT"),
        PlanError::Source(error) => error.into(),
    }
}

/// What the whole run comes to.
pub fn outcome(
    finished: Vec<Finished>,
    resting: &run_report::Resting,
    signal: Option<ExitCode>,
) -> Result<ExitCode, CliError> {
    if let Some(code) = signal {
        let code = match code {
            ExitCode::Ok => ExitCode::Interrupted,
            code => code,
        };
        if finished.iter().any(|finished| finished.result.is_none()) {
            return Err(CliError::new(code, "it was interrupted before it was done")
                .hint("run the same command again: it goes on with what is missing"));
        }
    }
    let (mut failed, mut unsealed, mut count) = (Vec::new(), Vec::new(), 0);
    for finished in finished {
        count += 1;
        match finished.result {
            Some(Err(RunError::NotWhole { symbol, .. })) => unsealed.push(symbol),
            Some(Err(error)) => failed.push((finished.symbol, error)),
            _ => {}
        }
    }
    let many = failed.len();
    if let Some((symbol, error)) = failed.into_iter().next() {
        let error = of_run(error);
        if many == 1 && count == 1 {
            return Err(error);
        }
        let (code, hint) = (error.exit_code(), error.hint_text().to_owned());
        let sentence = format!("{many} of {count} symbols are not done, the first: {symbol}");
        return Err(CliError::new(code, sentence).hint(hint));
    }
    if !unsealed.is_empty() {
        let sentence = format!("{} has closed periods that are not whole", list(&unsealed));
        return Err(CliError::new(ExitCode::Failed, sentence)
            .hint("'streamkit verify SYMBOL' says what is missing; --all-thresholds mends all"));
    }
    if count == 0
        && let Some((symbol, thresholds)) = resting.first()
    {
        let longest_us = thresholds.values().copied().max().unwrap_or(0);
        let sentence = format!("{symbol} was completed a moment ago and is left alone");
        return Err(CliError::new(ExitCode::TryAgain, sentence).hint(format!(
            "run it again in {}, or now with --cooldown 0s",
            span(longest_us)
        )));
    }
    Ok(ExitCode::Ok)
}

fn of_run(error: RunError) -> CliError {
    match error {
        RunError::Plan(error) => planned(error),
        RunError::Seal { cause, .. } => cause.context("seal the periods").into(),
        error => sources::with_hint(error),
    }
}
