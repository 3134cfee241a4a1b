//! What tests and `probe` put in the place of the world, or take away from the collector.
//!
//! All of it is inert unless a hidden option asks for it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use clap::Args;
use tokio::time::Instant;

use crate::{
    app::{alerts, clock::Clock, collect::Limits},
    domain::safeguard::{Safeguard, Safeguards},
    exchange::{binance::Settings, hosts::HostsFile},
    store::StoreOptions,
};

/// Longer than anything is waited for.
const NEVER: Duration = Duration::from_secs(86_400);
/// A store has so many times less time for an answer: enough when it is in good health.
const HURRY: u32 = 60;
/// Shorter than anything takes.
const AT_ONCE: Duration = Duration::from_millis(1);
/// How long what a file says of the clock is believed.
const OFFSET_AGE: Duration = Duration::from_millis(20);

/// Hidden options.
#[derive(Debug, Clone, Args)]
pub struct TamperingArgs {
    /// Take a safeguard away, to see what it is good for.
    #[arg(long, value_name = "SAFEGUARD", hide = true)]
    without: Vec<Safeguard>,
    /// Add the µs in this file to the wall clock; the file is read again and again.
    #[arg(long, value_name = "FILE", hide = true)]
    wall_offset: Option<PathBuf>,
    /// Look hosts up in this file alone: an address and a name a line.
    #[arg(long, value_name = "FILE", hide = true)]
    hosts: Option<PathBuf>,
}

impl TamperingArgs {
    fn safeguards(&self) -> Safeguards {
        Safeguards::without(&self.without)
    }

    /// The limits of a collector without what was taken away.
    pub fn limits(&self, mut limits: Limits) -> Limits {
        let safeguards = self.safeguards();
        limits.safeguards = safeguards;
        if !safeguards.has(Safeguard::Detection) {
            (limits.silence_min, limits.silence_max) = (NEVER, NEVER);
        }
        if !safeguards.has(Safeguard::Patience) {
            (limits.silence_min, limits.silence_max) = (AT_ONCE, AT_ONCE);
            limits.silence_grace = Duration::ZERO;
        }
        if !safeguards.has(Safeguard::Supervision) {
            limits.tasks.hang = NEVER;
            limits.tasks.restarts.pause_min_us = i64::MAX / 4;
            limits.tasks.restarts.pause_max_us = i64::MAX / 4;
        }
        limits
    }

    /// The settings of an exchange without what was taken away.
    pub fn exchange(&self, binance: &mut Settings) {
        let safeguards = self.safeguards();
        if !safeguards.has(Safeguard::Detection) {
            (binance.socket.ping_interval, binance.socket.pong_deadline) = (NEVER, NEVER);
        }
        if !safeguards.has(Safeguard::Patience) {
            binance.socket.ping_interval = Duration::from_millis(100);
            binance.socket.pong_deadline = Duration::from_micros(1);
        }
        if !safeguards.has(Safeguard::Deadlines) {
            binance.socket.connect_deadline = NEVER;
        }
        binance.reads_unusual = safeguards.has(Safeguard::Fallback);
        if let Some(hosts) = &self.hosts {
            binance.resolver = Arc::new(HostsFile::new(hosts.clone()));
        }
    }

    /// The deadlines of a store without what was taken away.
    pub fn store(&self, mut options: StoreOptions) -> StoreOptions {
        if !self.safeguards().has(Safeguard::StorePatience) {
            options.clickhouse.answer_timeout /= HURRY;
        }
        options
    }

    /// How alerts are sent without what was taken away.
    pub fn alerting(&self) -> alerts::Limits {
        let mut limits = alerts::Limits::default();
        if !self.safeguards().has(Safeguard::AlertRetry) {
            limits.attempts = 1;
        }
        limits
    }

    /// The clock, as far as it was tampered with.
    pub fn clock(&self, clock: &Clock) -> Clock {
        let mut clock = clock.clone();
        if let Some(path) = self.wall_offset.clone() {
            let (true_clock, read) = (clock.clone(), Arc::new(Offset::new(path)));
            clock = Clock::with_wall(move || true_clock.wall_us() + read.us());
        }
        if self.safeguards().has(Safeguard::SteadyClock) {
            clock
        } else {
            clock.unsteady()
        }
    }
}

/// By how much the wall clock is wrong, as a file says.
struct Offset {
    path: PathBuf,
    us: AtomicI64,
    epoch: Instant,
    /// When the file was last read, in µs since `epoch`.
    read_us: AtomicI64,
}

impl Offset {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            us: AtomicI64::new(0),
            epoch: Instant::now(),
            read_us: AtomicI64::new(i64::MIN),
        }
    }

    fn us(&self) -> i64 {
        let now_us = i64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(i64::MAX);
        let age_us = now_us.saturating_sub(self.read_us.load(Ordering::Relaxed));
        if age_us >= i64::try_from(OFFSET_AGE.as_micros()).unwrap_or(0) {
            self.read_us.store(now_us, Ordering::Relaxed);
            // A file that is not there, or half written, changes nothing.
            let text = std::fs::read_to_string(&self.path).unwrap_or_default();
            if let Ok(us) = text.trim().parse() {
                self.us.store(us, Ordering::Relaxed);
            }
        }
        self.us.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tampering(without: &[Safeguard]) -> TamperingArgs {
        TamperingArgs {
            without: without.to_vec(),
            wall_offset: None,
            hosts: None,
        }
    }

    #[test]
    fn without_an_order_nothing_is_changed() {
        let args = tampering(&[]);
        let limits = Limits::default();
        assert_eq!(
            format!("{:?}", args.limits(limits.clone())),
            format!("{limits:?}")
        );
        let (mut binance, usual) = (Settings::default(), Settings::default());
        args.exchange(&mut binance);
        assert_eq!(binance.socket, usual.socket);
        assert!(binance.reads_unusual);
        assert_eq!(args.alerting().attempts, alerts::Limits::default().attempts);
    }

    #[tokio::test]
    async fn the_wall_clock_follows_a_file_and_the_steady_one_does_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("offset");
        let args = TamperingArgs {
            wall_offset: Some(path.clone()),
            ..tampering(&[])
        };
        let system = Clock::system();
        let clock = args.clock(&system);
        let hour_us = 3_600_000_000;
        assert!(clock.wall_us() - system.wall_us() < hour_us / 2);
        std::fs::write(&path, hour_us.to_string()).expect("written");
        let mut ahead_us = 0;
        for _ in 0..100 {
            ahead_us = clock.wall_us() - system.wall_us();
            if ahead_us > hour_us / 2 {
                break;
            }
            tokio::time::sleep(OFFSET_AGE / 4).await;
        }
        assert!((ahead_us - hour_us).abs() < 1_000_000, "{ahead_us}");
        assert!(clock.steady_us() < hour_us / 2);
        let args = TamperingArgs {
            without: vec![Safeguard::SteadyClock],
            ..args
        };
        assert!(args.clock(&system).steady_us() > hour_us);
    }
}
