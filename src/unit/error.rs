//! What can go wrong with a restart.

use std::{io, process::ExitStatus, time::Duration};

/// So much of what a program wrote is shown in an error.
const SHOWN_CHARS: usize = 300;

/// A unit that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// It is no name of a service.
    #[error("use {name:?} as a unit of systemd: it is no name of one")]
    UnitName {
        /// What was given.
        name: String,
    },
    /// It is no name of a container.
    #[error("use {name:?} as a container: it is no name of one")]
    ContainerName {
        /// What was given.
        name: String,
    },
    /// There is neither docker nor podman.
    #[error("restart the container {name}: neither docker nor podman is in PATH ({path})")]
    NoEngine {
        /// The container.
        name: String,
        /// Where they were looked for.
        path: String,
    },
    /// The command has no words, or a quote in it does not end.
    #[error("read the command {line:?}: {reason}")]
    CommandLine {
        /// What was given.
        line: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl UnitError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnitName { .. } => "see `systemctl list-units --type=service` for the names",
            Self::ContainerName { .. } => "see `docker ps -a` for the names",
            Self::NoEngine { .. } => "name the program with its path; cron's PATH is short",
            Self::CommandLine { .. } => {
                "write it as in a shell: 'PROGRAM ARGS…'; for a shell's features, 'sh -c \"…\"'"
            }
        }
    }
}

/// Why a unit was not restarted. `command` is what a person would type.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// There is no such program.
    #[error("run {command}: there is no program {program} in PATH ({path})")]
    ProgramNotFound {
        /// What was to be run.
        command: String,
        /// The program.
        program: String,
        /// Where it was looked for.
        path: String,
    },
    /// The program could not be started, or was lost sight of.
    #[error("run {command}: {cause}")]
    NotRun {
        /// What was to be run.
        command: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The program knows no such unit.
    #[error("run {command}: there is no such unit: {}", excerpt(output_tail))]
    UnitMissing {
        /// What was run.
        command: String,
        /// The end of what it wrote.
        output_tail: String,
    },
    /// The program said that it failed, or was killed.
    #[error("run {command}: {status}{}", said(output_tail))]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to its standard error, or else to its standard output.
        output_tail: String,
    },
    /// It took too long, and was killed with everything that it had started.
    #[error(
        "run {command}: not done within {}, and killed{}",
        humantime::format_duration(*deadline),
        said(output_tail)
    )]
    DeadlinePassed {
        /// What was run.
        command: String,
        /// How long it had.
        deadline: Duration,
        /// The end of what it wrote.
        output_tail: String,
    },
}

impl RestartError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::ProgramNotFound { .. } => {
                "give the program with its path, or set PATH; cron's is short".to_owned()
            }
            Self::NotRun { command, .. } | Self::UnitMissing { command, .. } => {
                format!("check the name, and try it by hand: {command}")
            }
            Self::Failed {
                command,
                output_tail,
                ..
            } => {
                let is_user = command.contains(" --user ");
                if is_user && output_tail.contains("Failed to connect to bus") {
                    // The manager of a user ends with the last login, unless it lingers.
                    "let the user's units run without a login: loginctl enable-linger".to_owned()
                } else {
                    format!("try it by hand, as the same user: {command}")
                }
            }
            Self::DeadlinePassed { command, .. } => {
                format!("see whether it is still going on, or try it by hand: {command}")
            }
        }
    }
}

fn said(output_tail: &str) -> String {
    if output_tail.is_empty() {
        return String::new();
    }
    format!(": {}", excerpt(output_tail))
}

/// The end of the text in one line.
fn excerpt(text: &str) -> String {
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let excess = line.chars().count().saturating_sub(SHOWN_CHARS);
    if excess == 0 {
        return line;
    }
    let end: String = line.chars().skip(excess + 1).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_complaint_is_shown_in_one_line() {
        assert_eq!(excerpt("no\n route "), "no route");
        let long = format!("{}the cause", "é".repeat(400));
        let shown = excerpt(&long);
        assert!(shown.starts_with("…é") && shown.ends_with("the cause"));
        assert_eq!(shown.chars().count(), SHOWN_CHARS);
    }
}
