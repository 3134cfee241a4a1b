//! What can be done to a run, beside what its parts offer themselves.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::Signal;

use super::{
    Bench, ENDED, STOP,
    collector::Ending,
    load::SYMBOLS,
    process::{Process, command},
    storage::EXCHANGE,
    tls::Flaw,
};
use crate::app::probe::{error::ProbeError, relay::Way};

/// Where the collector looks names up.
pub(super) const HOSTS_FILE: &str = "hosts";
pub(super) const HOSTS: &str = "127.0.0.1 exchange.test\n";
/// By how much the collector's wall clock is wrong, in µs.
pub(super) const OFFSET_FILE: &str = "wall-offset-us";

impl Bench {
    /// Makes the store refuse a row that is not there yet: a bar of the finest threshold.
    pub async fn poison_a_row(&mut self) -> Result<(), ProbeError> {
        const AHEAD: i64 = 100;
        // The tape waits meanwhile: a slow answer must not let the row pass before it is refused.
        self.exchange.pace(0.0).await?;
        let (symbol, newest) = (SYMBOLS[0], self.exchange.newest(&SYMBOLS[..1]).await?);
        let trades = self.oracle.trades(symbol, newest[0] + 2 * AHEAD)?;
        let bars = self.oracle.bars(self.finest, &trades);
        let mut bars = bars.iter().map(|bar| bar.first_agg_trade_id);
        let first_id = bars.find(|&id| id > newest[0] + AHEAD);
        let first_id = first_id.ok_or_else(|| ProbeError::Missing("a bar to refuse".to_owned()))?;
        self.storage.poison(symbol, self.finest, first_id).await?;
        self.exchange.pace(1.0).await
    }

    /// Takes the exchange's name away, or gives it back.
    pub fn set_name(&self, is_known: bool) -> Result<(), ProbeError> {
        let text = if is_known { HOSTS } else { "" };
        write(&self.directory.join(HOSTS_FILE), text)
    }

    /// Shows new connections a certificate with this flaw.
    pub fn show_certificate(&self, flaw: Flaw) -> Result<(), ProbeError> {
        let missing = || ProbeError::Missing("TLS".to_owned());
        self.tls.as_ref().ok_or_else(missing)?.show(flaw);
        Ok(())
    }

    /// Sets the collector's wall clock by so much ahead.
    pub fn set_clock_ahead(&self, ahead_us: i64) -> Result<(), ProbeError> {
        write(&self.directory.join(OFFSET_FILE), &ahead_us.to_string())
    }

    /// The collector's journal.
    pub fn journal(&self) -> PathBuf {
        self.directory.join("state").join("journal.sqlite")
    }

    /// Runs another subcommand on the collector's journal and store, within `patience`, which is
    /// not scaled; whether it succeeded.
    pub async fn run(&self, subcommand: &[&str], patience: Duration) -> Result<bool, ProbeError> {
        let mut command = command(&self.orders.binary);
        command.envs(self.orders.environment.iter().cloned());
        command
            .args(subcommand)
            .args(["--exchange", EXCHANGE, "--store", &self.orders.store])
            .arg("--state-dir")
            .arg(self.directory.join("state"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = Process::start("a command", &mut command)?;
        let status = process.ended(patience).await;
        Ok(status.is_some_and(|status| status.success()))
    }

    /// `kill -9`; the collector is not started again.
    pub async fn kill(&mut self) {
        if let Some(mut collector) = self.collector.take() {
            self.watch.follow(None);
            collector.process().kill().await;
            self.log.note(ENDED, "it was killed");
        }
    }

    /// Sends the collector a signal.
    pub fn signal(&mut self, signal: Signal) -> Result<(), ProbeError> {
        match &mut self.collector {
            Some(collector) => collector.process().signal(signal),
            None => Ok(()),
        }
    }

    /// Asks the collector to stop, and waits for its end within `patience`, which is not
    /// scaled. None when it did not end; it is killed then.
    pub async fn stop(&mut self, patience: Duration) -> Result<Option<Ending>, ProbeError> {
        let Some(mut collector) = self.collector.take() else {
            return Ok(None);
        };
        self.watch.follow(None);
        let ending = collector.stop(patience).await?;
        if ending.is_none() {
            collector.process().kill().await;
        }
        Ok(ending)
    }

    /// Asks the collector to stop, which has to succeed.
    pub async fn stop_in_order(&mut self) -> Result<(), ProbeError> {
        let ending = self.stop(STOP).await?;
        let is_in_order = ending.is_some_and(|ending| ending.status.success());
        let missing = || ProbeError::Missing("a graceful stop".to_owned());
        is_in_order.then_some(()).ok_or_else(missing)
    }

    /// Waits for the end of the collector, which is expected and is the failure, within
    /// `patience`, which is not scaled; then no collector runs.
    pub async fn struck_at_end(
        &mut self,
        patience: Duration,
        text: &str,
    ) -> Result<(), ProbeError> {
        let Some(mut collector) = self.collector.take() else {
            return Ok(());
        };
        if collector.process().ended(patience).await.is_none() {
            self.collector = Some(collector);
            return Err(ProbeError::Missing("the end of the collector".to_owned()));
        }
        self.watch.follow(None);
        self.struck(text).await?;
        self.log.note(ENDED, "it ended");
        Ok(())
    }

    /// Everything is as it should be again, whatever a scenario has broken.
    pub async fn heal_everything(&mut self) -> Result<(), ProbeError> {
        self.streams.set(Way::Open);
        self.history.set(Way::Open);
        self.inbox.set_down(false);
        self.storage.heal().await?;
        self.set_name(true)?;
        self.exchange.clear().await?;
        if !self.is_collecting() {
            self.start(&[])?;
        }
        Ok(())
    }
}

/// Writes a file that whoever reads it meanwhile sees as it was, or as it is then.
pub(super) fn write(path: &Path, text: &str) -> Result<(), ProbeError> {
    let new = path.with_extension("new");
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    written.map_err(|cause| ProbeError::File {
        path: path.to_owned(),
        cause,
    })
}
