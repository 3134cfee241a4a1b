//! A machine with a store on which the watchdog runs.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use streamkit::{
    domain::{
        breaker::BreakerState,
        row::{HealthRow, StreamState},
    },
    store::{StoreOptions, open, sink::Store},
};
use tempfile::TempDir;

use crate::common::{
    clickhouse::{Dropped, ask, clickhouse_url, fresh_database},
    process::{run, text},
};

pub const SECOND_US: i64 = 1_000_000;

/// Short waits before a second look; ages are in seconds.
const SCALED: [(&str, &str); 5] = [
    ("--warn", "60s"),
    ("--crit", "120s"),
    ("--breaker", "50ms"),
    ("--heartbeat", "50ms"),
    ("--recheck", "20s"),
];

/// A home and a store.
pub struct Scene {
    pub home: TempDir,
    pub address: String,
    pub store: Arc<dyn Store>,
    runtime: tokio::runtime::Runtime,
    database: Option<Dropped>,
}

impl Scene {
    pub fn sqlite() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let address = format!("sqlite:{}", home.path().join("bars.db").display());
        Self::new(home, address, None)
    }

    /// With ClickHouse, where there is one.
    pub fn clickhouse() -> Option<Self> {
        Some(Self::clickhouse_at(&clickhouse_url()?))
    }

    /// With the ClickHouse at `url`.
    pub fn clickhouse_at(url: &str) -> Self {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let database = fresh_database("watchdog");
        let dropped = Dropped {
            host: host.to_owned(),
            database: database.clone(),
        };
        let address = format!("clickhouse://default@{host}/{database}");
        let home = tempfile::tempdir().expect("a directory");
        Self::new(home, address, Some(dropped))
    }

    fn new(home: TempDir, address: String, database: Option<Dropped>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let parsed = address.parse().expect("an address");
        let store = open(&parsed, StoreOptions::default()).expect("a store");
        runtime.block_on(store.create_schema()).expect("a schema");
        Self {
            home,
            address,
            store,
            runtime,
            database,
        }
    }

    pub fn is_clickhouse(&self) -> bool {
        self.address.starts_with("clickhouse")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Puts rows of health in.
    pub fn put(&self, rows: &[HealthRow]) {
        self.runtime
            .block_on(self.store.put_health(rows))
            .expect("put");
    }

    /// The unit that command lines call `collect`: tests that run at the same time share a
    /// machine, on which each target has one watchdog.
    pub fn unit(&self) -> String {
        let home = self.home.path().file_name().expect("a name");
        let home = home.to_string_lossy();
        format!("collect-{}", home.trim_start_matches('.'))
    }

    /// Removes all rows of health.
    pub fn clear(&self) {
        self.execute(if self.is_clickhouse() {
            "TRUNCATE TABLE stream_health"
        } else {
            "DELETE FROM stream_health"
        });
    }

    /// Runs a statement past the store.
    pub fn execute(&self, sql: &str) {
        if let Some(file) = self.address.strip_prefix("sqlite:") {
            let db = rusqlite::Connection::open(file).expect("the file");
            db.execute_batch(sql).expect(sql);
        } else {
            let dropped = self.database.as_ref().expect("a database");
            ask(&dropped.host, &dropped.database, sql);
        }
    }

    /// A program that is a shell script; it runs in the home.
    pub fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path(name);
        let home = self.home.path().display();
        fs::write(&path, format!("#!/bin/sh\ncd '{home}'\n{script}\n")).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
        path
    }

    /// What a script has written; nothing when it has not.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The watchdog under cron's conditions: HOME, a PATH, and nothing else. Words are split
    /// at spaces; `~` stands for the home.
    pub fn command(&self, line: &str) -> Command {
        let home = self.home.path().to_string_lossy().into_owned();
        let mut command = self.bare(env!("CARGO_BIN_EXE_streamkit"));
        command.arg("watchdog");
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            if word == "collect" {
                command.arg(self.unit());
            } else {
                command.arg(word.replace('~', &home).replace('+', " "));
            }
        }
        for (flag, value) in SCALED {
            if !line.split(' ').any(|word| word == flag) {
                command.args([flag, value]);
            }
        }
        if !line.contains("--store") {
            command.args(["--store", &self.address]);
        }
        command
    }

    /// A program under the same conditions.
    pub fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let home = self.home.path().display();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", format!("{home}:/usr/bin:/bin"));
        command
    }

    pub fn run(&self, line: &str) -> Output {
        run(&mut self.command(line))
    }

    /// Asserts that it ends with `code` and says all of `words`.
    pub fn assert(&self, line: &str, code: i32, words: &[&str]) -> String {
        let output = self.run(line);
        let told = text(&output.stdout) + &text(&output.stderr);
        let place = &self.address;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{line} at {place}: {told}"
        );
        for word in words {
            assert!(told.contains(word), "{line} at {place}: {word:?} in {told}");
        }
        assert!(!told.contains("panicked"), "{told}");
        told
    }
}

/// Now, on this machine's clock.
#[allow(
    clippy::disallowed_methods,
    reason = "rows of a real collector are dated by the real clock"
)]
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_micros()).expect("before 2262")
}

/// A row whose heartbeat and whose newest trade are so many seconds old.
pub fn aged(symbol: &str, heartbeat_s: i64, trade_s: i64) -> HealthRow {
    let now_us = now_us();
    HealthRow {
        collector: "nas".to_owned(),
        exchange: "binance".into(),
        symbol: symbol.parse().expect("a symbol"),
        state: StreamState::Live,
        last_agg_trade_id: Some(1000),
        last_trade_time_us: Some(now_us - trade_s * SECOND_US),
        received_at_us: Some(now_us - trade_s * SECOND_US),
        newest_bars: BTreeMap::new(),
        spool_rows: 0,
        breaker: BreakerState::Closed,
        interval_us: 10 * SECOND_US,
        heartbeat_at_us: now_us - heartbeat_s * SECOND_US,
    }
}
