//! The checks of what is given to the program: its settings, and the file of alerts.

use std::{collections::BTreeSet, path::PathBuf};

use crate::{
    app::alerts::Trial,
    cli::{alerts as alerts_file, context::Context, error::CliError},
    config::Origin,
    report::{doctor::Finding, words::counted},
};

const CONFIGURATION: &str = "configuration";

/// An error as the program tells it, with its hint.
pub fn of_error(what: &str, error: impl Into<CliError>) -> Finding {
    let error: CliError = error.into();
    Finding::failure(what, error.message(), error.hint_text())
}

/// Where do the settings come from? They make sense, or nobody would be here.
pub fn configuration(context: &Context) -> Finding {
    let shown = context.settings.shown();
    let files = shown.iter().filter_map(|shown| match &shown.origin {
        Origin::File { path, .. } => Some(path.display().to_string()),
        _ => None,
    });
    let files: Vec<String> = files.collect();
    let of_files = files.len();
    let names: BTreeSet<String> = files.into_iter().collect();
    let detail = match names.first() {
        Some(name) => format!(
            "{name}: {}, nothing wrong",
            counted(of_files as i128, "setting")
        ),
        None => "no settings file is read; nothing is wrong with flags and variables".to_owned(),
    };
    Finding::good(CONFIGURATION, detail)
}

/// Settings that make no sense, with everything that is wrong.
pub fn no_configuration(error: &CliError) -> Finding {
    Finding::failure(CONFIGURATION, error.message(), error.hint_text())
}

/// Does the file of alerts make sense, with the secrets in their places?
pub fn alerts(path: Option<&PathBuf>) -> Finding {
    const WHAT: &str = "alerts";
    let Some(shown) = path.map(|path| path.display()) else {
        return Finding::warning(
            WHAT,
            "no file is named: they are only logged",
            "name one with --alerts, as for 'streamkit collect'",
        );
    };
    let outlets = match alerts_file::load(path) {
        Ok((_, outlets)) => outlets,
        Err(error) => return of_error(WHAT, error),
    };
    let channels = outlets.channels.iter().map(|outlet| outlet.channel.name());
    let pings = outlets.pings.iter().map(|(ping, _)| ping.name());
    let names: Vec<_> = channels.chain(pings).collect();
    if outlets.channels.is_empty() {
        let detail = format!("{shown} names no channel: they are only logged");
        return Finding::warning(WHAT, detail, "add a table [channels.NAME]");
    }
    let detail = format!(
        "{shown} can be read, with its secrets; channels: {}",
        names.join(", ")
    );
    Finding::good(WHAT, detail)
}

/// How a channel fared with a test.
pub fn trial(trial: &Trial) -> Finding {
    let what = format!("channel {}", trial.channel);
    match &trial.outcome {
        Ok(()) => {
            let took_s = trial.took.as_secs_f64();
            Finding::good(what, format!("took a test alert in {took_s:.1} s"))
        }
        Err(error) => {
            let hint = if error.hint.is_empty() {
                "look whether the receiver is there, and try again"
            } else {
                &error.hint
            };
            Finding::failure(what, format!("failed to {}", error.what), hint)
        }
    }
}
