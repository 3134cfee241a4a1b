//! Programs for tests: scripts in a directory of their own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::environment::Environment;

/// Longer than anything takes on a machine under load.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory with programs, which is the first one on a PATH.
#[derive(Debug)]
pub(super) struct Programs {
    folder: TempDir,
}

impl Programs {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Adds a program that is a shell script; it runs in the directory.
    pub(super) fn with(self, name: &str, script: &str) -> Self {
        let path = self.path(name);
        let directory = self.folder.path().display();
        fs::write(&path, format!("#!/bin/sh\ncd '{directory}'\n{script}\n")).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a script has written.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("it was written")
    }

    /// Cron's environment, with the directory before its PATH.
    pub(super) fn environment(&self) -> Environment {
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        Environment::cron().with("PATH", path)
    }

    /// The same with nothing else on the PATH.
    pub(super) fn alone(&self) -> Environment {
        Environment::cron().with("PATH", self.folder.path())
    }
}

/// A process whose number a script has written to a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process(Pid);

impl Process {
    pub(super) fn of(file: &Path) -> Self {
        let id = fs::read_to_string(file).expect("a number");
        let id = id.trim().parse().expect("a number");
        Self(Pid::from_raw(id).expect("a number of a process"))
    }

    fn stat(self) -> Option<String> {
        fs::read_to_string(format!("/proc/{}/stat", self.0.as_raw_nonzero())).ok()
    }

    /// Whether there is nothing left of it, not even something to be waited for.
    pub(super) fn is_gone(self) -> bool {
        self.stat().is_none()
    }

    /// Whether it runs. What only waits for its parent to look does not.
    pub(super) fn is_running(self) -> bool {
        self.stat().is_some_and(|stat| !stat.contains(") Z "))
    }

    /// Waits until it does not run any more.
    pub(super) async fn ended(self) {
        let ended = async {
            while self.is_running() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("it ends");
    }

    pub(super) fn kill(self) {
        kill_process(self.0, Signal::KILL).expect("it was there");
    }
}
