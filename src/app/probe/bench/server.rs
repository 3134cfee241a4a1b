//! A ClickHouse that the probe starts, stops and starts again.

use std::{net::Ipv4Addr, path::Path, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::{
    collector::free_port,
    process::{Process, command, last_line, log_to},
    statements::Statements,
};
use crate::{app::probe::error::ProbeError, store::address::ClickHouseAddress};

/// How long it may take to answer after it was started. Machines in CI are slow.
const START: Duration = Duration::from_secs(60);
/// How often it is asked whether it answers.
const ASK: Duration = Duration::from_millis(50);
/// How long it may take to end when it is asked to; then it is killed.
const STOP: Duration = Duration::from_secs(20);
/// What the shell does beside: a server does not outlive a probe that was killed.
const END_WITH_PROBE: &str = "(while kill -0 \"$STREAMKIT_PARENT\" 2>/dev/null; do sleep 1; done; \
     kill -KILL 0) </dev/null &\n";
/// What it is called in messages.
const WHAT: &str = "ClickHouse";

/// A server of one's own.
#[derive(Debug)]
pub struct Server {
    command: String,
    port: u16,
    /// Its data and what it says, which outlive it as long as this is there.
    place: TempDir,
    running: Mutex<Option<Group>>,
}

/// The shell and everything that it has started.
#[derive(Debug)]
struct Group {
    process: Process,
    id: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            // It fails only for what has ended.
            let _ = kill_process_group(id, signal);
        }
    }
}

impl Server {
    /// Starts it with an empty directory below `directory`, and waits until it answers.
    pub async fn start(shell_command: &str, directory: &Path) -> Result<Self, ProbeError> {
        let failed = |cause| ProbeError::File {
            path: directory.to_owned(),
            cause,
        };
        let place = tempfile::Builder::new()
            .prefix("clickhouse-")
            .tempdir_in(directory)
            .map_err(failed)?;
        std::fs::create_dir(place.path().join("data")).map_err(failed)?;
        let server = Self {
            command: shell_command.to_owned(),
            port: free_port()?.port(),
            place,
            running: Mutex::new(None),
        };
        server.run().await?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> ClickHouseAddress {
        ClickHouseAddress {
            tls: false,
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.port,
            user: "default".to_owned(),
            password: None,
            database: "default".to_owned(),
        }
    }

    /// Starts it unless it runs, and waits until it answers. One that has ended by itself spoils
    /// the run that it was needed for, and no other.
    pub async fn run(&self) -> Result<(), ProbeError> {
        let mut running = self.running.lock().await;
        if let Some(group) = running.as_mut()
            && matches!(group.process.child().try_wait(), Ok(None))
        {
            return Ok(());
        }
        *running = None;
        let log = self.place.path().join("stderr.log");
        let mut shell = command("sh");
        shell
            .args(["-c", &format!("{END_WITH_PROBE}{}", self.command)])
            .env("PORT", self.port.to_string())
            .env("DATA", self.place.path().join("data"))
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(log_to(&log)?);
        let process = Process::start(WHAT, &mut shell)?;
        let id = process.id().and_then(|id| i32::try_from(id).ok());
        let group = running.insert(Group {
            id: id.and_then(Pid::from_raw),
            process,
        });
        let statements = Statements::to(&self.address())?;
        let deadline = Instant::now() + START;
        let reason = loop {
            if statements.execute("SELECT 1").await.is_ok() {
                return Ok(());
            }
            if let Some(status) = group.process.ended(ASK).await {
                break format!(
                    "'{}' ended with {status}: {}",
                    self.command,
                    last_line(&log)
                );
            }
            if Instant::now() > deadline {
                break format!("it does not answer on port {}", self.port);
            }
            sleep(ASK).await;
        };
        *running = None;
        Err(ProbeError::NotReady { what: WHAT, reason })
    }

    /// Ends it: in order with `TERM`, at once with `KILL`.
    pub async fn end(&self, signal: Signal) {
        if let Some(mut group) = self.running.lock().await.take() {
            group.signal(signal);
            if group.process.ended(STOP).await.is_none() {
                group.signal(Signal::KILL);
                group.process.kill().await;
            }
        }
    }
}
