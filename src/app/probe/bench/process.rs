//! A process that ends with its owner.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::app::{
    inherited::{PARENT_VARIABLE, SETTINGS_VARIABLE},
    probe::error::ProbeError,
};

/// Long enough for a process that is not stuck to end after `SIGKILL`.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// A settings file in which nothing is set.
const NO_SETTINGS: &str = "/dev/null";

/// A command that what the user has set for his own streamkit does not reach, and that ends
/// with this process.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("STREAMKIT_")) {
        command.env_remove(name);
    }
    // Without this it would read the file that is there by default.
    command.env(SETTINGS_VARIABLE, NO_SETTINGS);
    command.env(PARENT_VARIABLE, std::process::id().to_string());
    command
}

/// A new file as somebody's standard error.
///
/// # Errors
/// When it cannot be made.
pub fn log_to(path: &Path) -> Result<Stdio, ProbeError> {
    let file = File::create(path).map_err(|cause| ProbeError::File {
        path: path.to_owned(),
        cause,
    })?;
    Ok(file.into())
}

/// The last line of a log, for people.
pub fn last_line(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let said = text.lines().rfind(|line| !line.trim().is_empty());
    said.unwrap_or("it said nothing").to_owned()
}

/// A process of the bench.
#[derive(Debug)]
pub struct Process {
    what: &'static str,
    child: Child,
}

impl Process {
    /// Starts it.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn start(what: &'static str, command: &mut Command) -> Result<Self, ProbeError> {
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.map_err(|cause| ProbeError::Start { what, cause })?;
        Ok(Self { what, child })
    }

    /// The process itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its id; none when it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), ProbeError> {
        let failed = |cause| ProbeError::Signal {
            what: self.what,
            cause,
        };
        let gone = || failed(io::Error::other("it has ended"));
        let id = self.id().and_then(|id| i32::try_from(id).ok());
        let pid = id.and_then(Pid::from_raw).ok_or_else(gone)?;
        kill_process(pid, signal).map_err(|errno| failed(errno.into()))
    }

    /// Waits for its end, within a time; none when it goes on.
    pub async fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        timeout(patience, self.child.wait()).await.ok()?.ok()
    }

    /// `kill -9`, and waits for the end.
    pub async fn kill(&mut self) {
        // It fails only for what has ended.
        let _ = self.child.start_kill();
        let _ = self.ended(KILL_PATIENCE).await;
    }
}
