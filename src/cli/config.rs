//! `streamkit config`: what is set, and where.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{
    config::{Directories, Key, Origin, Settings, Shown, Sources},
    report::{
        Printer,
        table::{Column, Table},
        words::counted,
    },
};

use super::{context::Context, error::CliError, exit::ExitCode};

/// Show the settings and where each comes from
///
/// A setting is given by a flag, else by its variable, else by the settings file, else it
/// has its default: --state-dir, STREAMKIT_STATE_DIR, and state_dir in streamkit.toml.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print each setting with its value and origin, without secrets
    Show,
    /// Look whether a settings file is right, and name everything that is not
    Check {
        /// The file
        file: PathBuf,
    },
}

impl ConfigArgs {
    /// The file that is to be looked at, whatever the settings are; none when the settings are
    /// to be shown.
    pub fn file_to_check(&self) -> Option<&Path> {
        match &self.command {
            ConfigCommand::Check { file } => Some(file),
            ConfigCommand::Show => None,
        }
    }

    pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        if let Some(file) = self.file_to_check() {
            return check(file, context.is_json()?, &context.printer);
        }
        let shown = context.settings.shown();
        let printer = &context.printer;
        if context.is_json()? {
            let settings: Map<String, Value> = shown
                .iter()
                .map(|shown| (shown.key.to_string(), json(shown)))
                .collect();
            printer.line(Value::Object(settings))?;
        } else {
            let mut table = Table::new(vec![
                Column::words("setting"),
                Column::words("value"),
                Column::words("origin"),
            ]);
            for shown in &shown {
                table.push(vec![
                    shown.key.to_string(),
                    human(shown),
                    shown.origin.to_string(),
                ]);
            }
            for line in table.lines(printer.width()) {
                printer.line(line)?;
            }
        }
        printer.flush()?;
        Ok(ExitCode::Ok)
    }
}

/// Looks at a settings file alone: neither flags nor variables count.
pub fn check(file: &Path, is_json: bool, printer: &Printer) -> Result<ExitCode, CliError> {
    let settings = Settings::resolve(&Sources {
        flags: BTreeMap::new(),
        variable: &|_| None,
        file: Some(file.to_owned()),
        directories: Directories::of_this_user(),
    })?;
    let of_the_file = |shown: &&Shown<'_>| matches!(shown.origin, Origin::File { .. });
    let count = settings.shown().iter().filter(of_the_file).count();
    let path = file.display().to_string();
    if is_json {
        printer.line(json!({"file": path, "settings": count}))?;
    } else {
        let settings = counted(count as i128, "setting");
        printer.line(format!("{path}: {settings}, nothing wrong"))?;
    }
    printer.flush()?;
    Ok(ExitCode::Ok)
}

fn human(shown: &Shown<'_>) -> String {
    if shown.values.is_empty() {
        "-".to_owned()
    } else {
        shown.values.join(", ")
    }
}

fn json(shown: &Shown<'_>) -> Value {
    let value = match shown.values.as_slice() {
        values if shown.key == Key::Thresholds => values
            .iter()
            .map(|value| {
                value
                    .parse()
                    .map_or(Value::Null, |number: u32| json!(number))
            })
            .collect(),
        values if shown.key.is_list() => json!(values),
        [value] => json!(value),
        _ => Value::Null,
    };
    let mut object = json!({ "value": value, "origin": shown.origin.as_str() });
    match shown.origin {
        Origin::Flag(name) | Origin::Variable(name) => object["name"] = json!(name),
        Origin::File { path, line } => {
            object["file"] = json!(path.display().to_string());
            object["line"] = json!(line);
        }
        Origin::Default => {}
    }
    object
}
