//! A unit of systemd.
//!
//! systemctl waits until the job is done. It exits with 5 for a unit that it does not know
//! (systemctl(1), "Exit status"). When it is killed, the job in the manager goes on.

use super::error::UnitError;

/// The longest name that systemd takes (systemd.unit(5)).
const LONGEST_NAME: usize = 255;

/// The kinds of units; a name without one of them is that of a service.
const KINDS: [&str; 11] = [
    "service",
    "socket",
    "target",
    "device",
    "mount",
    "automount",
    "swap",
    "timer",
    "path",
    "slice",
    "scope",
];

/// A unit by its full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub name: String,
    is_user: bool,
}

impl Service {
    pub(super) fn new(name: &str, is_user: bool) -> Result<Self, UnitError> {
        // Patterns are left out on purpose: one restart is of one unit.
        let is_known = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        let has_kind = name
            .rsplit_once('.')
            .is_some_and(|(before, kind)| !before.is_empty() && KINDS.contains(&kind));
        let full = if has_kind {
            name.to_owned()
        } else {
            format!("{name}.service")
        };
        let is_name =
            name.chars().all(is_known) && !name.is_empty() && !name.starts_with(['-', '.']);
        if !is_name || full.len() > LONGEST_NAME {
            return Err(UnitError::UnitName {
                name: name.to_owned(),
            });
        }
        Ok(Self {
            name: full,
            is_user,
        })
    }

    pub(super) fn is_user(&self) -> bool {
        self.is_user
    }

    /// As a person types it.
    pub(super) fn words(&self) -> Vec<String> {
        let scope: &[&str] = if self.is_user { &["--user"] } else { &[] };
        let words = scope.iter().copied().chain(["restart", &self.name]);
        words.map(str::to_owned).collect()
    }

    /// The same for a program that nobody sits in front of: it must not ask for a password.
    pub(super) fn args(&self) -> Vec<String> {
        let mut args = self.words();
        args.insert(0, "--no-ask-password".to_owned());
        args
    }

    /// Whether a failure means that there is no such unit.
    pub(super) fn is_missing(exit: Option<i32>, complaint: &str) -> bool {
        const NOT_INSTALLED: i32 = 5;
        let is_told = complaint.lines().any(|line| {
            line.contains("Unit ") && (line.contains(" not found") || line.contains(" not loaded"))
        });
        exit == Some(NOT_INSTALLED) || is_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_kind_is_that_of_a_service() {
        let full = |name: &str| Service::new(name, false).map(|service| service.name);
        for (name, expected) in [
            ("streamkit", "streamkit.service"),
            ("streamkit.service", "streamkit.service"),
            ("streamkit@BTC.USDT", "streamkit@BTC.USDT.service"),
            ("collect.target", "collect.target"),
            ("a\\x2db:c_d", "a\\x2db:c_d.service"),
        ] {
            assert_eq!(full(name).as_deref(), Ok(expected));
        }
        let long = "x".repeat(LONGEST_NAME - 7);
        for name in [
            "", "--force", "*", "a b", "a/b", "../a", ".service", "é", "a\n", &long,
        ] {
            assert!(full(name).is_err(), "{name:?}");
        }
    }
}
