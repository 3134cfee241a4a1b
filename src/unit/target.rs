//! A unit of any kind, and its restart.

use std::{fmt, time::Duration};

use super::{
    child::{self, Ended, Failure},
    command::CommandLine,
    container::Container,
    environment::Environment,
    error::{RestartError, UnitError},
    systemd::Service,
};

/// What can be restarted. Shown as the command that a person would type for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Service(Service),
    Container(Container),
    Command(CommandLine),
}

/// A unit that was restarted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarted {
    /// How long the restart took.
    pub took: Duration,
    /// The end of what was said about it, possibly nothing.
    pub output_tail: String,
}

impl Unit {
    /// A unit of systemd, `NAME` or `NAME.service`: of the system's manager, or of the
    /// user's own.
    ///
    /// # Errors
    /// When it is no name of a unit. Whether there is such a one is not asked.
    pub fn systemd(name: &str, is_user: bool) -> Result<Self, UnitError> {
        Ok(Self(Kind::Service(Service::new(name, is_user)?)))
    }

    /// A container, by name or id. `engine` is the program that drives it; without it,
    /// docker or podman, whichever PATH has.
    ///
    /// # Errors
    /// When it is no name of a container, or PATH has neither of them.
    pub fn container(
        name: &str,
        engine: Option<&str>,
        environment: &Environment,
    ) -> Result<Self, UnitError> {
        let container = Container::new(name, engine, environment)?;
        Ok(Self(Kind::Container(container)))
    }

    /// A command, `PROGRAM ARGS…`, in words as a shell splits them; no shell runs.
    ///
    /// # Errors
    /// When it names no program, or a quote in it does not end.
    pub fn command(line: &str) -> Result<Self, UnitError> {
        Ok(Self(Kind::Command(CommandLine::parse(line)?)))
    }

    /// What it is, in words. Two names are two units: each has a history of its own.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Service(service) => {
                let owner = if service.is_user() { "the user's " } else { "" };
                format!("{owner}systemd unit {}", quoted(&service.name))
            }
            Kind::Container(container) => format!("container {}", quoted(&container.name)),
            Kind::Command(_) => format!("command {self}"),
        }
    }

    /// Restarts it and waits until that is done, for at most `deadline`; then whatever runs
    /// is killed, with everything that it started. The same happens when the future is
    /// dropped.
    ///
    /// # Errors
    /// When it is not known to be restarted. It may be so nevertheless after a deadline.
    pub async fn restart(
        &self,
        environment: &Environment,
        deadline: Duration,
    ) -> Result<Restarted, RestartError> {
        let name = self.program();
        let program = environment
            .find(name)
            .ok_or_else(|| RestartError::ProgramNotFound {
                command: self.to_string(),
                program: name.to_owned(),
                path: environment.path(),
            })?;
        let environment = self.environment(environment);
        let ended = child::run(&program, &self.args(), &environment, deadline).await;
        match ended {
            Ok(ended) if ended.status.success() => Ok(Restarted {
                took: ended.took,
                output_tail: joined(&ended.stdout, &ended.stderr),
            }),
            Ok(ended) => Err(self.failed(ended)),
            Err(Failure::Io(cause)) => Err(RestartError::NotRun {
                command: self.to_string(),
                cause,
            }),
            Err(Failure::DeadlinePassed(output_tail)) => Err(RestartError::DeadlinePassed {
                command: self.to_string(),
                deadline,
                output_tail,
            }),
        }
    }

    fn program(&self) -> &str {
        match &self.0 {
            Kind::Service(_) => "systemctl",
            Kind::Container(container) => &container.engine,
            Kind::Command(command) => &command.program,
        }
    }

    /// The arguments as a person types them.
    fn words(&self) -> Vec<String> {
        match &self.0 {
            Kind::Service(service) => service.words(),
            Kind::Container(container) => container.words(),
            Kind::Command(command) => command.args.clone(),
        }
    }

    fn args(&self) -> Vec<String> {
        match &self.0 {
            Kind::Service(service) => service.args(),
            Kind::Container(_) | Kind::Command(_) => self.words(),
        }
    }

    fn environment(&self, given: &Environment) -> Environment {
        let given = given.clone();
        match &self.0 {
            Kind::Service(service) if service.is_user() => given.with_user_manager(),
            Kind::Service(_) | Kind::Container(_) | Kind::Command(_) => given,
        }
    }

    fn failed(&self, ended: Ended) -> RestartError {
        let status = ended.status;
        let output_tail = ended.complaint();
        let command = self.to_string();
        let is_missing = match &self.0 {
            Kind::Service(_) => Service::is_missing(status.code(), &output_tail),
            Kind::Container(_) => Container::is_missing(&output_tail),
            Kind::Command(_) => false,
        };
        if is_missing {
            return RestartError::UnitMissing {
                command,
                output_tail,
            };
        }
        RestartError::Failed {
            command,
            status,
            output_tail,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(self.program()))?;
        for word in self.words() {
            write!(f, " {}", quoted(&word))?;
        }
        Ok(())
    }
}

/// A word as it is typed in a shell.
fn quoted(word: &str) -> String {
    // It refuses only NUL, which no word has.
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), std::borrow::Cow::into_owned)
}

fn joined(first: &str, second: &str) -> String {
    let parts = [first, second];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

#[cfg(test)]
mod tests;
