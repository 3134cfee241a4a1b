//! The sim exchange, in a process of its own.

use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::Mutex,
    time::timeout,
};

use super::{
    load::Load,
    process::{Process, command, last_line, log_to},
};
use crate::{
    app::probe::error::ProbeError,
    exchange::{
        sim::{Fault, FaultChange, FaultKind, PaceChange},
        tls::ensure_crypto_provider,
    },
};

/// How long it may take to listen. Machines in CI are slow.
const START: Duration = Duration::from_secs(20);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// No run takes longer; then it ends although nobody has ended it.
pub const LIFE: &str = "2h";

/// The exchange, and the way to tell it what to do, past every fault.
#[derive(Debug)]
pub struct Exchange {
    address: SocketAddr,
    client: reqwest::Client,
    rate: f64,
    is_ordered: AtomicBool,
    process: Mutex<Process>,
}

impl Exchange {
    /// Starts it and waits until it listens.
    pub async fn start(
        binary: &Path,
        load: &Load,
        seed: u64,
        scale: f64,
        directory: &Path,
    ) -> Result<Self, ProbeError> {
        let scaled = |seconds: f64| format!("{}ms", (seconds * scale * 1000.0).ceil());
        let log = directory.join("exchange.log");
        let mut command = command(binary);
        command
            .args(["probe", "serve", "--listen", "127.0.0.1:0", "--for", LIFE])
            .args(load.options(seed, directory))
            .args(["--ping", &scaled(20.0), "--pong-timeout", &scaled(60.0)])
            .args(["--lifetime", &scaled(load.lifetime_s as f64)])
            // The collector's pings come as often as the time scale makes them.
            .args(["--client-message-limit", "1000"])
            .args([
                "--connection-limit",
                "100000",
                "--weight-limit",
                "100000000",
            ])
            .stdout(Stdio::piped())
            .stderr(log_to(&log)?);
        let mut process = Process::start("the sim exchange", &mut command)?;
        let not_ready = |reason: String| ProbeError::NotReady {
            what: "the sim exchange",
            reason,
        };
        let out = process.child().stdout.take();
        let out = out.ok_or_else(|| not_ready("it has no output".to_owned()))?;
        let mut line = String::new();
        let read = timeout(START, BufReader::new(out).read_line(&mut line)).await;
        if !matches!(read, Ok(Ok(_))) {
            return Err(not_ready("it does not listen".to_owned()));
        }
        if line.is_empty() {
            let _ = process.ended(ANSWER).await;
            return Err(not_ready(format!("it ended: {}", last_line(&log))));
        }
        let mut words = line.split_whitespace();
        let address = words.nth(2).and_then(|word| word.parse().ok());
        let address = address.ok_or_else(|| not_ready(format!("it said '{}'", line.trim())))?;
        ensure_crypto_provider();
        let client = reqwest::Client::builder()
            .timeout(ANSWER)
            .no_proxy()
            .build();
        Ok(Self {
            address,
            client: client.map_err(|error| ProbeError::Control(error.to_string()))?,
            rate: load.rate,
            is_ordered: AtomicBool::new(false),
            process: Mutex::new(process),
        })
    }

    /// Where it listens, past every fault.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes something go wrong until it is cleared.
    pub async fn fault(&self, kind: FaultKind) -> Result<(), ProbeError> {
        self.faults(vec![Fault::new(kind)]).await
    }

    /// Makes several things go wrong, with their limits.
    pub async fn faults(&self, add: Vec<Fault>) -> Result<(), ProbeError> {
        self.is_ordered.store(true, Ordering::Relaxed);
        let change = FaultChange { clear: false, add };
        self.post("faults", &change).await
    }

    /// Makes everything go right.
    pub async fn clear(&self) -> Result<(), ProbeError> {
        let change = FaultChange {
            clear: true,
            add: Vec::new(),
        };
        self.post("faults", &change).await
    }

    /// Plays the tape so many times as fast as usual; 0 stops it.
    pub async fn pace(&self, factor: f64) -> Result<(), ProbeError> {
        let rate = self.rate * factor;
        self.post("pace", &PaceChange { rate }).await
    }

    /// The id of the newest trade of each symbol, in the order of `symbols`.
    pub async fn newest(&self, symbols: &[&str]) -> Result<Vec<i64>, ProbeError> {
        let stats = self.stats().await?;
        let newest = |symbol: &&str| {
            let id = stats["symbols"][*symbol]["newest_id"].as_i64();
            id.ok_or_else(|| ProbeError::Control(format!("it does not know {symbol}")))
        };
        symbols.iter().map(newest).collect()
    }

    /// How often its faults have struck; none when nothing went wrong by order.
    pub async fn strikes(&self) -> Result<Option<u64>, ProbeError> {
        if !self.is_ordered.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let struck = self.stats().await?["faults_struck"].as_u64();
        let untold = || ProbeError::Control("it does not tell how often faults struck".to_owned());
        struck.ok_or_else(untold).map(Some)
    }

    async fn stats(&self) -> Result<Value, ProbeError> {
        let failed = |error: reqwest::Error| ProbeError::Control(error.to_string());
        let url = format!("http://{}/sim/stats", self.address);
        let answer = self.client.get(url).send().await.map_err(failed)?;
        let body = answer.bytes().await.map_err(failed)?;
        serde_json::from_slice(&body)
            .map_err(|error| ProbeError::Control(format!("read its figures: {error}")))
    }

    /// Ends it.
    pub async fn end(&self) {
        self.process.lock().await.kill().await;
    }

    async fn post(&self, what: &str, body: &impl Serialize) -> Result<(), ProbeError> {
        let failed = |error: String| ProbeError::Control(error);
        let url = format!("http://{}/sim/{what}", self.address);
        let body = serde_json::to_vec(body).map_err(|error| failed(error.to_string()))?;
        let answer = self.client.post(url).body(body).send().await;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let said = answer.text().await.unwrap_or_default();
        Err(failed(format!("it refuses: {said}")))
    }
}
