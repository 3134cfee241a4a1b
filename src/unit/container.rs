//! A container of docker or podman, which are driven alike.

use super::{environment::Environment, error::UnitError};

/// The programs that are looked for, in this order.
const ENGINES: [&str; 2] = ["docker", "podman"];

/// A container by its name or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub engine: String,
    pub name: String,
}

impl Container {
    pub(super) fn new(
        name: &str,
        engine: Option<&str>,
        environment: &Environment,
    ) -> Result<Self, UnitError> {
        let is_known = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !is_name || !name.chars().all(is_known) {
            return Err(UnitError::ContainerName {
                name: name.to_owned(),
            });
        }
        let found = || ENGINES.into_iter().find(|e| environment.find(e).is_some());
        let Some(engine) = engine.or_else(found) else {
            return Err(UnitError::NoEngine {
                name: name.to_owned(),
                path: environment.path(),
            });
        };
        Ok(Self {
            engine: engine.to_owned(),
            name: name.to_owned(),
        })
    }

    pub(super) fn words(&self) -> Vec<String> {
        vec!["restart".to_owned(), self.name.clone()]
    }

    /// Whether a failure means that there is no such container. The exit codes are those of
    /// any failure.
    pub(super) fn is_missing(complaint: &str) -> bool {
        complaint.to_ascii_lowercase().contains("no such container")
    }
}
