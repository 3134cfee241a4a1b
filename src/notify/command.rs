//! A program that gets each alert as JSON on its standard input.
//!
//! No shell is between: the program and its arguments are what the settings say. It runs
//! in a process group of its own, so that at the deadline it ends with everything that it
//! started.

use std::{
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr},
    time,
};

use super::{
    channel::{Channel, ChannelError, Message, Remedy},
    config::ConfigError,
    payload::payload,
    text,
};

/// What is kept of what the program complains about.
const MAX_COMPLAINT_BYTES: usize = 4096;

/// What is shown of it.
const EXCERPT_CHARS: usize = 200;

/// How long a complaint may still be on its way when the program has ended.
const COMPLAINT_GRACE: Duration = Duration::from_millis(200);

/// Exit codes with which a program says that trying again is of no use (`EX_USAGE` and
/// `EX_CONFIG` of sysexits.h).
const PERMANENT_EXITS: [i32; 2] = [64, 78];

/// Settings of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// The program: a path, or a name to be found in PATH.
    pub program: String,
    /// What it is called with.
    #[serde(default)]
    pub args: Vec<String>,
}

/// A program that is told.
#[derive(Debug)]
pub struct Command {
    name: String,
    program: String,
    args: Vec<String>,
}

impl Command {
    /// Checks the settings; the program is not looked for.
    ///
    /// # Errors
    /// When no program is named.
    pub fn open(name: &str, config: &CommandConfig) -> Result<Self, ConfigError> {
        if config.program.trim().is_empty() {
            return Err(ConfigError::new(name, "program", "name a program"));
        }
        Ok(Self {
            name: name.to_owned(),
            program: config.program.clone(),
            args: config.args.clone(),
        })
    }

    async fn run(&self, json: Vec<u8>, deadline: Duration) -> Result<(), ChannelError> {
        let until = time::Instant::now() + deadline;
        let mut child = self.spawn().map_err(|error| self.not_started(&error))?;
        // Dropped before the child is, also when the caller gives up: whoever belongs to
        // the group ends.
        let mut group = Group::of(&child);
        let complaint = Complaint::default();
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let mut feed = Box::pin(async move {
            if let Some(mut stdin) = stdin {
                // A program need not read all of it, or anything.
                let _ = stdin.write_all(&json).await;
                let _ = stdin.shutdown().await;
            }
        });
        let mut listen = Box::pin(complaint.clone().hear(stderr));
        let (mut is_fed, mut is_heard) = (false, false);
        let ended = loop {
            tokio::select! {
                ended = time::timeout_at(until, child.wait()) => break ended,
                () = &mut feed, if !is_fed => is_fed = true,
                () = &mut listen, if !is_heard => is_heard = true,
            }
        };
        match ended {
            Ok(Ok(status)) => {
                group.let_go();
                if !is_heard {
                    // Something that it left behind may hold the pipe open for ever.
                    let _ = time::timeout(COMPLAINT_GRACE, listen).await;
                }
                self.judge(status, &complaint)
            }
            Ok(Err(error)) => Err(ChannelError::retry(format!(
                "wait for {}: {error}",
                self.program
            ))),
            Err(_) => {
                group.kill();
                let what = format!("run {}", self.program);
                Err(ChannelError::timed_out(&what, deadline))
            }
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }

    fn not_started(&self, error: &io::Error) -> ChannelError {
        let what = format!("start {}: {error}", self.program);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                ChannelError::permanent(what, "check program: a path, or a name to find in PATH")
            }
            _ => ChannelError::retry(what),
        }
    }

    fn judge(&self, status: ExitStatus, complaint: &Complaint) -> Result<(), ChannelError> {
        if status.success() {
            return Ok(());
        }
        let said = complaint.excerpt();
        let colon = if said.is_empty() { "" } else { ": " };
        let is_permanent = status
            .code()
            .is_some_and(|code| PERMANENT_EXITS.contains(&code));
        Err(ChannelError {
            remedy: if is_permanent {
                Remedy::Change
            } else {
                Remedy::Retry { after: None }
            },
            what: format!("run {}: {status}{colon}{said}", self.program),
            hint: format!("try it by hand: echo '{{}}' | {}", self.program),
        })
    }
}

#[async_trait]
impl Channel for Command {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &Message, deadline: Duration) -> Result<(), ChannelError> {
        for notice in &message.notices {
            let mut json = serde_json::to_vec(&payload(message, notice)).map_err(|error| {
                ChannelError::permanent(format!("write the alert as JSON: {error}"), "")
            })?;
            json.push(b'\n');
            self.run(json, deadline).await?;
        }
        Ok(())
    }
}

/// The beginning of what a program writes to its standard error.
#[derive(Debug, Clone, Default)]
struct Complaint(Arc<Mutex<Vec<u8>>>);

impl Complaint {
    /// Reads all of it, so that the program never waits, and keeps the beginning.
    async fn hear(self, stderr: Option<ChildStderr>) {
        let Some(mut stderr) = stderr else { return };
        let mut chunk = [0; 1024];
        while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MAX_COMPLAINT_BYTES.saturating_sub(kept.len());
            kept.extend_from_slice(&chunk[..length.min(room)]);
        }
    }

    fn excerpt(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = text::clean(&String::from_utf8_lossy(&kept));
        text::cut(line.trim(), EXCERPT_CHARS, text::chars)
    }
}

/// The process group of a child. Killed when dropped, unless it was let go.
#[derive(Debug)]
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.and_then(rustix::process::Pid::from_raw),
        }
    }

    #[cfg(not(unix))]
    fn of(_child: &Child) -> Self {
        Self {}
    }

    /// The leader has been waited for: its number may be somebody else's from now on.
    fn let_go(&mut self) {
        #[cfg(unix)]
        {
            self.leader = None;
        }
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader.take() {
            use rustix::process::{Signal, kill_process_group};
            // It fails when all of them have ended.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
