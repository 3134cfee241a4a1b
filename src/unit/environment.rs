//! The environment that a program is started with.
//!
//! Cron gives HOME and a short PATH, and nothing else. What systemctl needs besides to find
//! the manager of the user is added here.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// Variables by name, handed to a program as all that it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    user: u32,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            user: rustix::process::getuid().as_raw(),
        }
    }

    /// The same with `name` set to `value`.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The same with what leads to the user's own manager, as far as it is missing.
    #[must_use]
    pub(super) fn with_user_manager(self) -> Self {
        let runtime = self.get("XDG_RUNTIME_DIR").map_or_else(
            || format!("/run/user/{}", self.user).into(),
            OsStr::to_owned,
        );
        let bus = self.get("DBUS_SESSION_BUS_ADDRESS").map_or_else(
            || {
                let mut address = OsString::from("unix:path=");
                address.push(Path::new(&runtime).join("bus"));
                address
            },
            OsStr::to_owned,
        );
        self.with("XDG_RUNTIME_DIR", runtime)
            .with("DBUS_SESSION_BUS_ADDRESS", bus)
    }

    /// What cron gives, to somebody who is nobody.
    #[cfg(test)]
    pub(super) fn cron() -> Self {
        Self {
            variables: BTreeMap::new(),
            user: 65534,
        }
        .with("HOME", "/nonexistent")
        .with("PATH", "/usr/bin:/bin")
    }

    /// All of them.
    pub(super) fn variables(&self) -> &BTreeMap<OsString, OsString> {
        &self.variables
    }

    /// Where programs are looked for.
    pub(super) fn path(&self) -> String {
        let path = self.get("PATH").unwrap_or_default();
        path.to_string_lossy().into_owned()
    }

    /// The file that `program` is: a path as it is, a name where PATH has it.
    pub(super) fn find(&self, program: &str) -> Option<PathBuf> {
        let is_program = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
        if program.contains('/') {
            return Some(PathBuf::from(program)).filter(|path| is_program(path));
        }
        std::env::split_paths(self.get("PATH")?)
            // An empty entry means the directory that one happens to be in.
            .filter(|directory| !directory.as_os_str().is_empty())
            .map(|directory| directory.join(program))
            .find(|path| is_program(path))
    }

    /// A variable that says something: an empty one counts as missing.
    fn get(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(OsStr::new(name))?;
        (!value.is_empty()).then_some(value.as_os_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(user: u32) -> Environment {
        Environment {
            user,
            ..Environment::cron()
        }
    }

    fn value<'a>(environment: &'a Environment, name: &str) -> &'a str {
        let value = environment.get(name).expect("it is set");
        value.to_str().expect("text")
    }

    #[test]
    fn what_cron_does_not_set_leads_to_the_manager_of_the_user() {
        let filled = cron(1000).with_user_manager();
        assert_eq!(value(&filled, "XDG_RUNTIME_DIR"), "/run/user/1000");
        let bus = value(&filled, "DBUS_SESSION_BUS_ADDRESS");
        assert_eq!(bus, "unix:path=/run/user/1000/bus");
        assert_eq!(value(&filled, "HOME"), "/nonexistent");
    }

    #[test]
    fn what_is_set_stays_and_what_is_empty_counts_as_missing() {
        let given = cron(1000)
            .with("XDG_RUNTIME_DIR", "/tmp/run")
            .with("DBUS_SESSION_BUS_ADDRESS", "");
        let filled = given.with_user_manager();
        assert_eq!(value(&filled, "XDG_RUNTIME_DIR"), "/tmp/run");
        let bus = value(&filled, "DBUS_SESSION_BUS_ADDRESS");
        assert_eq!(bus, "unix:path=/tmp/run/bus");
        let given = cron(1000).with("DBUS_SESSION_BUS_ADDRESS", "tcp:host=h");
        let filled = given.with_user_manager();
        assert_eq!(value(&filled, "DBUS_SESSION_BUS_ADDRESS"), "tcp:host=h");
    }

    #[test]
    fn only_what_can_be_run_is_found() {
        let folder = tempfile::tempdir().expect("a directory");
        std::fs::write(folder.path().join("plain"), "text").expect("a file");
        let path = format!("::{}:/usr/bin:/bin", folder.path().display());
        let environment = cron(1).with("PATH", path);
        assert_eq!(environment.find("plain"), None);
        assert_eq!(environment.find("no-such-program"), None);
        assert_eq!(environment.find("/"), None);
        assert!(environment.find("sh").is_some_and(|sh| sh.is_absolute()));
        assert_eq!(environment.find("/bin/sh"), Some("/bin/sh".into()));
    }
}
