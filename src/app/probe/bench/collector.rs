//! The collector, in a process of its own, as somebody would run it.

use std::{
    ffi::OsString,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;
use tokio::{io::AsyncReadExt, task::JoinHandle, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{
    exchange::LIFE,
    load::SYMBOLS,
    log::Log,
    process::{Process, command},
    storage::EXCHANGE,
};
use crate::app::probe::error::ProbeError;

/// Longer silence of a symbol, which the exchange does not confirm, is worth an alert; unscaled.
const SILENCE_S: f64 = 25.0;
/// How long a look at its figures may take.
const LOOK: Duration = Duration::from_millis(500);
/// How long the summary may take to be read once the process has ended.
const SUMMARY: Duration = Duration::from_secs(5);

/// What a collector is started with.
#[derive(Debug, Clone)]
pub struct Orders {
    /// The program.
    pub binary: PathBuf,
    /// The directory of the run.
    pub directory: PathBuf,
    /// The base URL of streams.
    pub ws_url: String,
    /// The base URL of history.
    pub rest_url: String,
    /// The store.
    pub store: String,
    /// All times are multiplied by this.
    pub scale: f64,
    /// What else the user has set, as options.
    pub options: Vec<String>,
    /// What it needs in its environment.
    pub environment: Vec<(&'static str, OsString)>,
}

/// A collector that runs, or has ended.
#[derive(Debug)]
pub struct Collector {
    process: Process,
    status_url: String,
    client: reqwest::Client,
    summary: JoinHandle<String>,
    _log: AbortOnDropHandle<()>,
}

/// How it ended.
#[derive(Debug)]
pub struct Ending {
    /// The exit code, or the signal.
    pub status: ExitStatus,
    /// The last id of each symbol that is in its bars; none when it did not say.
    pub last_ids: Option<Vec<i64>>,
    /// Rows that it gave up.
    pub dead_rows: u64,
}

impl Collector {
    /// Starts one; it is not ready yet. `more` are options for this start alone.
    pub fn start(orders: &Orders, more: &[String], log: &Log) -> Result<Self, ProbeError> {
        let port = free_port()?;
        let mut command = command(&orders.binary);
        command.envs(orders.environment.iter().cloned());
        command
            .arg("collect")
            .args(SYMBOLS)
            .args([
                "--exchange",
                EXCHANGE,
                "--collector",
                "probe",
                "--for",
                LIFE,
            ])
            .args(["--ws-url", &orders.ws_url, "--rest-url", &orders.rest_url])
            .args(["--store", &orders.store, "--state-dir"])
            .arg(orders.directory.join("state"))
            .args(["--time-scale", &orders.scale.to_string()])
            .args(["--listen", &port.to_string()])
            .arg("--alerts")
            .arg(orders.directory.join("alerts.toml"))
            .args(["--log-format", "json", "-v", "-o", "json"])
            .args(&orders.options)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Process::start("the collector", &mut command)?;
        let no_pipe = || ProbeError::NotReady {
            what: "the collector",
            reason: "it has no output".to_owned(),
        };
        let mut out = process.child().stdout.take().ok_or_else(no_pipe)?;
        let err = process.child().stderr.take().ok_or_else(no_pipe)?;
        let following = log.follow(err, &orders.directory.join("collect.log"));
        let summary = tokio::spawn(async move {
            let mut text = String::new();
            let _ = out.read_to_string(&mut text).await;
            text
        });
        let client = reqwest::Client::builder().timeout(LOOK).no_proxy().build();
        Ok(Self {
            process,
            status_url: format!("http://{port}/status"),
            client: client.map_err(|error| ProbeError::Control(error.to_string()))?,
            summary,
            _log: following,
        })
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// A way to look at it from outside.
    pub fn looker(&self) -> Looker {
        Looker {
            pid: self.process.id(),
            url: self.status_url.clone(),
            client: self.client.clone(),
        }
    }

    /// Asks it to stop, and waits; none when it does not end within `patience`.
    pub async fn stop(&mut self, patience: Duration) -> Result<Option<Ending>, ProbeError> {
        self.process.signal(Signal::TERM)?;
        let Some(status) = self.process.ended(patience).await else {
            return Ok(None);
        };
        let text = timeout(SUMMARY, &mut self.summary).await;
        let text = text.ok().and_then(Result::ok).unwrap_or_default();
        let summary: Value = serde_json::from_str(text.trim()).unwrap_or_default();
        let symbols = summary["symbols"].as_array();
        let last_id = |name: &&str| {
            let mut symbols = symbols?.iter();
            symbols.find(|symbol| symbol["symbol"] == **name)?["last_agg_trade_id"].as_i64()
        };
        Ok(Some(Ending {
            status,
            last_ids: SYMBOLS.iter().map(last_id).collect(),
            dead_rows: summary["dead_rows"].as_u64().unwrap_or_default(),
        }))
    }
}

/// What a process holds of the machine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Now.
    pub rss_bytes: u64,
    /// At most so far.
    pub peak_rss_bytes: u64,
}

/// Looks at a collector from outside.
#[derive(Debug, Clone)]
pub struct Looker {
    pid: Option<u32>,
    url: String,
    client: reqwest::Client,
}

impl Looker {
    /// The memory of its process; none when there is none.
    pub fn memory(&self) -> Option<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid?)).ok()?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kib * 1024)
        };
        Some(Memory {
            rss_bytes: bytes("VmRSS:")?,
            // What it held between two looks is in here, too.
            peak_rss_bytes: bytes("VmHWM:")?,
        })
    }

    /// Rows in its spool; none when it does not answer.
    pub async fn spool_rows(&self) -> Option<u64> {
        let answer = self.client.get(&self.url).send().await.ok()?;
        let body = answer.bytes().await.ok()?;
        let status: Value = serde_json::from_slice(&body).ok()?;
        status["spool"]["rows"].as_u64()
    }
}

/// An address that nobody listens on.
pub fn free_port() -> Result<SocketAddr, ProbeError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(ProbeError::Listen)?;
    listener.local_addr().map_err(ProbeError::Listen)
}

/// The rules and the channel of a run's alerts, with waits in proportion to the time scale.
pub fn write_alerts(path: &Path, url: &str, scale: f64) -> Result<(), ProbeError> {
    let text = format!(
        "[[rules]]\nname = \"silence\"\nmetric = \"silence_s\"\nlimit = {:.3}\n\
         severity = \"critical\"\n\n[channels.inbox]\ntype = \"webhook\"\nurl = \"{url}\"\n",
        SILENCE_S * scale
    );
    std::fs::write(path, text).map_err(|cause| ProbeError::File {
        path: path.to_owned(),
        cause,
    })
}
