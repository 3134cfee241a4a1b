//! What a wrong command line is answered with.

use std::error::Error;

use clap::error::ErrorKind;

use crate::{
    cli::exit::ExitCode,
    domain::{symbol::SymbolError, threshold::ThresholdError},
    report::{OutputError, Printer},
};

/// How clap ends its errors; the hint takes the place of it.
const CLAP_ENDING: &str = "For more information, try";

/// Prints help, the version, or what is wrong with the command line.
pub fn report(error: &clap::Error) -> ExitCode {
    let printer = Printer::stdio(false);
    let is_answer = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if is_answer {
        // clap knows whether standard output takes colours.
        return match error.print() {
            Ok(()) => ExitCode::Ok,
            Err(failure) => match OutputError::from(failure) {
                OutputError::Closed => ExitCode::Ok,
                OutputError::Failed(_) | OutputError::Stuck(_) => ExitCode::Failed,
            },
        };
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
    } else {
        printer.tell(text(error));
    }
    ExitCode::Usage
}

/// The error with a hint at its end.
fn text(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text
        .split(CLAP_ENDING)
        .next()
        .unwrap_or_default()
        .trim_end();
    format!("{text}\nhint: {}", hint(error))
}

fn hint(error: &clap::Error) -> &'static str {
    let source = error.source();
    if source.is_some_and(<dyn Error>::is::<SymbolError>) {
        return "spell symbols as the exchange does, such as BTCUSDT";
    }
    if source.is_some_and(<dyn Error>::is::<ThresholdError>) {
        return "give thresholds in decimal basis points, such as -t 250,500 for 0.25 % and 0.5 %";
    }
    match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::InvalidSubcommand => {
            "--help in its place lists the commands"
        }
        _ => "--help after the command shows what it takes",
    }
}
