//! An exchange whose days pass quickly, and stores to collect it into.

use std::{path::Path, process::Stdio, sync::Arc, thread, time::Duration};

use serde_json::Value;
use streamkit::{
    domain::{row::BarRow, seal::SealRow},
    store::{
        self, StoreOptions,
        address::StoreAddress,
        sink::{BarQuery, SealQuery, Store},
    },
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, time::Instant};

use crate::common::{
    PATIENCE,
    process::{Process, Sim, run, streamkit, text},
};

/// What is collected.
pub const SYMBOL: &str = "BTCUSDT";
/// Trades of a day of the tape.
pub const DAY: u64 = 3000;
/// Days of the tape that end.
pub const DAYS: u64 = 3;
/// The day that the tape begins with, in days since 1970.
pub const FIRST_DAY: i64 = 20_089;

/// The first id of the tape: ids go on from day to day.
const FIRST_ID: i64 = FIRST_DAY * DAY as i64;
/// Trades a second.
const RATE: u32 = 2000;
const DAY_US: i64 = 86_400_000_000;

/// An exchange in a process of its own, and places for collectors.
pub struct Scene {
    pub sim: Sim,
    pub directory: TempDir,
}

/// A store, and the journal of a collector that writes to it.
pub struct Place {
    pub address: String,
    pub store: Arc<dyn Store>,
    runtime: Runtime,
    state_dir: std::path::PathBuf,
}

impl Scene {
    /// Its tape has three days and a half, and takes some seconds.
    pub fn new(seed: u64) -> Self {
        Self::from_day(seed, "2025-01-01")
    }

    /// The same from another day on.
    pub fn from_day(seed: u64, first_day: &str) -> Self {
        let (seed, day) = (seed.to_string(), DAY.to_string());
        let length = (DAYS * DAY + DAY / 2).to_string();
        let tape = [
            "--seed",
            &seed,
            "--trades-per-day",
            &day,
            "--rate",
            &RATE.to_string(),
            "--day",
            first_day,
        ];
        let serve = ["--symbols", SYMBOL, "--history", "500", "--length", &length];
        Self {
            sim: Sim::start(&tape, &serve),
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Lets the tape stand still once it is so many trades long.
    #[allow(
        clippy::disallowed_methods,
        reason = "nothing but another look tells how far another process is"
    )]
    pub fn play_until(&self, trades: u64) {
        let until = i64::try_from(trades).expect("a tape") + FIRST_ID;
        let begun = Instant::now();
        while self.sim.newest_id(SYMBOL).is_none_or(|id| id < until) {
            assert!(begun.elapsed() < PATIENCE, "the tape does not go on");
            thread::sleep(Duration::from_millis(20));
        }
        self.sim.pace(0);
    }

    /// Lets the tape go on.
    pub fn play(&self) {
        self.sim.pace(RATE);
    }

    /// A SQLite file of that name.
    pub fn sqlite(&self, name: &str) -> Place {
        let path = self.directory.path().join(format!("{name}.sqlite"));
        self.place(name, &format!("sqlite:{}", path.display()))
    }

    /// The store at an address, with a journal of that name.
    pub fn place(&self, name: &str, address: &str) -> Place {
        let parsed: StoreAddress = address.parse().expect("an address");
        Place {
            address: address.to_owned(),
            store: store::open(&parsed, StoreOptions::default()).expect("a store"),
            runtime: Runtime::new().expect("a runtime"),
            state_dir: self.directory.path().join(name),
        }
    }

    /// Starts a collector.
    pub fn collect(&self, place: &Place, more: &[&str]) -> Process {
        self.collect_sealing_after("100ms", place, more)
    }

    /// Starts one that waits for so long after a day before it seals it.
    pub fn collect_sealing_after(&self, delay: &str, place: &Place, more: &[&str]) -> Process {
        let child = self
            .command(place, "collect")
            .args([SYMBOL, "-t", "20,100"])
            .args(["--commit-interval", "20ms", "--batch-age", "50ms"])
            .args(["--seal-interval", "500ms"])
            .args(["--retry-min", "50ms"])
            .args(["--seal-delay", delay])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("collect starts");
        Process(child)
    }

    /// A command that knows where things are.
    pub fn command(&self, place: &Place, subcommand: &str) -> std::process::Command {
        let mut command = streamkit();
        command
            .args([subcommand, "--store", &place.address])
            .args(["--exchange", "sim"])
            .args(["--ws-url", &self.sim.ws, "--rest-url", &self.sim.rest])
            .arg("--state-dir")
            .arg(&place.state_dir);
        command
    }

    /// What `streamkit verify` finds, with its exit code.
    pub fn verify(&self, place: &Place, more: &[&str]) -> (Value, Option<i32>) {
        let output = run(self
            .command(place, "verify")
            .args([SYMBOL, "-o", "json"])
            .args(more));
        let code = output.status.code();
        let json = serde_json::from_slice(&output.stdout);
        (
            json.unwrap_or_else(|_| panic!("{}", text(&output.stderr))),
            code,
        )
    }
}

impl Place {
    /// The directory of its collector's journal.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The days that are sealed, the first of the tape being 0.
    pub fn sealed(&self) -> Vec<i64> {
        let days = self.seals().into_iter();
        days.map(|seal| seal.key.period_start_us / DAY_US - FIRST_DAY)
            .collect()
    }

    /// The seals, as far as there is a table for them.
    pub fn seals(&self) -> Vec<SealRow> {
        let query = SealQuery::default();
        let seals = self.runtime.block_on(self.store.seals(&query));
        seals.unwrap_or_default()
    }

    /// The bars of one threshold, as far as there is a table for them.
    pub fn bars(&self, threshold: u32) -> Vec<BarRow> {
        let query = BarQuery {
            thresholds: vec![crate::common::dbps(threshold)],
            ..BarQuery::default()
        };
        let mut bars = Vec::new();
        let read = self.runtime.block_on(self.store.bars(&query, &mut |rows| {
            bars.extend(rows);
            Ok(())
        }));
        // Before there are tables, there are no bars.
        read.map_or_else(|_| Vec::new(), |()| bars)
    }

    /// Waits until the store is as wanted; it is looked at again and again.
    #[allow(
        clippy::disallowed_methods,
        reason = "nothing but another look tells what other processes have written"
    )]
    pub fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "waited for {what} in vain; sealed are {:?}",
                self.sealed()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until these days are sealed, and no others.
    pub fn until_sealed(&self, days: &[i64]) {
        self.until("seals", |place| place.sealed() == days);
    }

    /// Waits until there are bars of a day.
    pub fn until_day(&self, day: i64) {
        self.until("a day", |place| {
            let last = place.bars(20).last().map(|row| row.bar.open_time_us);
            last.is_some_and(|time_us| time_us >= (FIRST_DAY + day) * DAY_US)
        });
    }
}
