//! The file of alerts: rules and channels.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    app::alerts::{Outlets, open},
    domain::alert::{Alerts, Rule},
    notify::{ChannelConfig, process_environment},
};

use super::{
    error::{CliError, Edge as _},
    exit::ExitCode,
};

/// Rules that replace those of the same name or are added, and channels by name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertsFile {
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    channels: BTreeMap<String, ChannelConfig>,
}

/// The rules and the channels that the file at `path` names; the default rules without
/// channels when there is none. Secrets are read, and nobody is asked anything.
pub fn load(path: Option<&PathBuf>) -> Result<(Alerts, Outlets), CliError> {
    let file = path.map_or_else(|| Ok(AlertsFile::default()), |path| read(path))?;
    let mut rules = Rule::defaults();
    for rule in file.rules {
        match rules.iter_mut().find(|known| known.name == rule.name) {
            Some(known) => *known = rule,
            None => rules.push(rule),
        }
    }
    let of = |error: &dyn std::fmt::Display| {
        let path = path.map_or_else(String::new, |path| format!("{}: ", path.display()));
        CliError::new(ExitCode::Configuration, format!("{path}{error}"))
            .hint("correct the file that --alerts names")
    };
    let alerts = Alerts::new(rules).map_err(|error| of(&error))?;
    let outlets = open(&file.channels, &process_environment).map_err(|error| of(&error))?;
    Ok((alerts, outlets))
}

fn read(path: &Path) -> Result<AlertsFile, CliError> {
    let named = |error: &dyn std::fmt::Display| {
        let path = path.display();
        CliError::new(
            ExitCode::Configuration,
            format!("failed to read {path}: {error}"),
        )
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| named(&error))
        .hint("name a file that this user can read")?;
    toml::from_str(&text)
        .map_err(|error| named(&error))
        .hint("correct the file that --alerts names")
}
