//! Everything about collecting that can be set, with its default.

use std::time::Duration;

use crate::{
    app::supervise::{self, MischiefAt},
    domain::{
        anchor::Anchor, crash::CrashPoints, liveness, micros::micros, safeguard::Safeguards,
        symbol::Symbol, threshold::Threshold,
    },
};

/// What to collect, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The symbols.
    pub symbols: Vec<Symbol>,
    /// The thresholds of each.
    pub thresholds: Vec<Threshold>,
    /// Where forming bars are cut.
    pub anchor: Anchor,
    /// Whether the trades themselves are stored as well.
    pub record_trades: bool,
    /// The name of this collector in the store.
    pub collector: String,
    /// Whether missing tables are created in the store.
    pub create_schema: bool,
    /// Times and bounds.
    pub limits: Limits,
    /// What tests arm.
    pub crash: CrashPoints,
    /// What tests make tasks do.
    pub mischief: Vec<MischiefAt>,
}

impl Settings {
    /// These symbols and thresholds, by the day, with every other setting at its default.
    #[must_use]
    pub fn new(symbols: Vec<Symbol>, thresholds: Vec<Threshold>) -> Self {
        Self {
            symbols,
            thresholds,
            anchor: Anchor::Day,
            record_trades: false,
            collector: "default".to_owned(),
            create_schema: true,
            limits: Limits::default(),
            crash: CrashPoints::default(),
            mischief: Vec::new(),
        }
    }
}

/// Times and bounds of collecting. Durations that guard against the same thing are in
/// proportion; tests scale them together.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How often rows and checkpoint are committed.
    pub commit_interval: Duration,
    /// A commit is made early when so many rows wait.
    pub commit_rows: usize,
    /// The shortest silence after which the exchange is asked.
    pub silence_min: Duration,
    /// The longest silence without asking.
    pub silence_max: Duration,
    /// How long a trade that the exchange has may take to arrive by stream.
    pub silence_grace: Duration,
    /// The pause before the second attempt to connect; the first follows at once.
    pub reconnect_min: Duration,
    /// The longest pause between attempts to connect.
    pub reconnect_max: Duration,
    /// The pause after a request for history that failed or brought nothing.
    pub fetch_retry_min: Duration,
    /// The longest such pause.
    pub fetch_retry_max: Duration,
    /// How far apart the two answers that prove an absence must be.
    pub absence_interval: Duration,
    /// How long the exchange may take to reach an id that came by stream.
    pub unconfirmed_after: Duration,
    /// How far apart the two answers that prove an id reset must be.
    pub reset_interval: Duration,
    /// Live trades held per symbol while ids before them are missing.
    pub hold_trades: usize,
    /// Symbols on one connection.
    pub symbols_per_connection: usize,
    /// How long a graceful stop may take.
    pub stop_timeout: Duration,
    /// Rows that make a batch while the store keeps up.
    pub batch_rows: usize,
    /// Rows in a batch at most, when many have waited.
    pub batch_rows_most: usize,
    /// How long a batch may stay open while the store keeps up.
    pub batch_age: Duration,
    /// The pause after a failed delivery.
    pub delivery_retry_min: Duration,
    /// The longest pause between failed deliveries.
    pub delivery_retry_max: Duration,
    /// So many failed deliveries in a row open the breaker.
    pub breaker_failures: u32,
    /// How long the breaker stays open before a trial.
    pub breaker_open: Duration,
    /// How long whoever delivers keeps others away without a sign of life.
    pub delivery_lease: Duration,
    /// Bytes in the spool at which consuming stops.
    pub spool_size_bytes: u64,
    /// The age of the oldest batch in the spool at which consuming stops.
    pub spool_age: Duration,
    /// The journal may have so many pages, as if the disk were full then; for tests.
    pub journal_max_pages: Option<u32>,
    /// How far back a series that only the store knows is continued.
    pub resume_reach: Duration,
    /// Connections at once for each group of symbols; what comes first by any counts.
    pub links: usize,
    /// A connection is replaced after so long, give or take a fiftieth.
    pub renew_after: Duration,
    /// How long an old connection waits for the ids of the new one to meet its own.
    pub renew_overlap: Duration,
    /// How often a session looks at its clocks.
    pub tick: Duration,
    /// How often silent symbols are looked at.
    pub silence_check: Duration,
    /// After so many looks in a row a silent symbol is told of.
    pub silence_checks: u64,
    /// How often wanted symbols are compared with those that show life.
    pub expected_check: Duration,
    /// How often the rows of `stream_health` are written.
    pub health_interval: Duration,
    /// How long writing them may take.
    pub health_timeout: Duration,
    /// How long after the turn of a period it is first read back, to be sealed.
    pub seal_delay: Duration,
    /// How often is looked whether what was sealed still is.
    pub seal_interval: Duration,
    /// The pause after a period could not be sealed.
    pub seal_retry_min: Duration,
    /// The longest such pause.
    pub seal_retry_max: Duration,
    /// How long a period may be over before it is told of that it cannot be sealed.
    pub seal_patience: Duration,
    /// Periods that ended longer ago are not sealed, save the last one.
    pub seal_reach: Duration,
    /// The deadlines of the steps of rebuilding a session.
    pub steps: StepLimits,
    /// Supervision of tasks.
    pub tasks: supervise::Limits,
    /// How long one look at the spool may take; the store has deadlines of its own.
    pub delivery_hang: Duration,
    /// What is not taken away to see what it is good for.
    pub safeguards: Safeguards,
}

/// The deadlines of the steps of rebuilding a session, each its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepLimits {
    /// Stop taking.
    pub stop: Duration,
    /// Commit what was taken.
    pub checkpoint: Duration,
    /// Close the connections.
    pub shutdown: Duration,
    /// Have a session that is connected.
    pub create: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            commit_interval: Duration::from_millis(250),
            commit_rows: 1000,
            silence_min: Duration::from_secs(10),
            silence_max: Duration::from_secs(60),
            silence_grace: Duration::from_secs(2),
            reconnect_min: Duration::from_secs(1),
            reconnect_max: Duration::from_secs(60),
            fetch_retry_min: Duration::from_millis(500),
            fetch_retry_max: Duration::from_secs(60),
            absence_interval: Duration::from_secs(5),
            unconfirmed_after: Duration::from_secs(10),
            reset_interval: Duration::from_secs(10),
            hold_trades: 100_000,
            symbols_per_connection: 50,
            stop_timeout: Duration::from_secs(10),
            batch_rows: 1000,
            batch_rows_most: 100_000,
            batch_age: Duration::from_secs(1),
            delivery_retry_min: Duration::from_secs(1),
            delivery_retry_max: Duration::from_secs(60),
            breaker_failures: 5,
            breaker_open: Duration::from_secs(60),
            delivery_lease: Duration::from_secs(30),
            spool_size_bytes: 2 << 30,
            spool_age: Duration::from_secs(7 * 86_400),
            journal_max_pages: None,
            resume_reach: Duration::from_secs(7 * 86_400),
            links: 1,
            renew_after: Duration::from_secs(23 * 3600),
            renew_overlap: Duration::from_secs(60),
            tick: Duration::from_millis(20),
            silence_check: Duration::from_secs(5),
            silence_checks: 60,
            expected_check: Duration::from_secs(60),
            health_interval: Duration::from_secs(10),
            health_timeout: Duration::from_secs(3),
            seal_delay: Duration::from_secs(2),
            seal_interval: Duration::from_secs(60),
            seal_retry_min: Duration::from_secs(5),
            seal_retry_max: Duration::from_secs(3600),
            seal_patience: Duration::from_secs(60),
            seal_reach: Duration::from_secs(7 * 86_400),
            steps: StepLimits {
                stop: Duration::from_secs(5),
                checkpoint: Duration::from_secs(5),
                shutdown: Duration::from_secs(5),
                create: Duration::from_secs(30),
            },
            tasks: supervise::Limits::default(),
            delivery_hang: Duration::from_secs(600),
            safeguards: Safeguards::default(),
        }
    }
}

/// How many p99 gaps of silence make a symbol suspect.
const HABIT_FACTOR: i64 = 5;

impl Limits {
    /// The same with every time multiplied by `factor`, and every count as it was: what a
    /// whole collector does can be seen in a fraction of the time.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let scale = |time: Duration| time.mul_f64(factor).max(Duration::from_millis(1));
        Self {
            commit_interval: scale(self.commit_interval),
            silence_min: scale(self.silence_min),
            silence_max: scale(self.silence_max),
            silence_grace: scale(self.silence_grace),
            reconnect_min: scale(self.reconnect_min),
            reconnect_max: scale(self.reconnect_max),
            fetch_retry_min: scale(self.fetch_retry_min),
            fetch_retry_max: scale(self.fetch_retry_max),
            absence_interval: scale(self.absence_interval),
            unconfirmed_after: scale(self.unconfirmed_after),
            reset_interval: scale(self.reset_interval),
            batch_age: scale(self.batch_age),
            delivery_retry_min: scale(self.delivery_retry_min),
            delivery_retry_max: scale(self.delivery_retry_max),
            breaker_open: scale(self.breaker_open),
            renew_after: scale(self.renew_after),
            renew_overlap: scale(self.renew_overlap),
            silence_check: scale(self.silence_check),
            expected_check: scale(self.expected_check),
            health_interval: scale(self.health_interval),
            seal_delay: scale(self.seal_delay),
            seal_interval: scale(self.seal_interval),
            seal_retry_min: scale(self.seal_retry_min),
            seal_retry_max: scale(self.seal_retry_max),
            seal_patience: scale(self.seal_patience),
            steps: StepLimits {
                stop: scale(self.steps.stop),
                checkpoint: scale(self.steps.checkpoint),
                shutdown: scale(self.steps.shutdown),
                create: scale(self.steps.create),
            },
            tasks: supervise::Limits {
                restarts: self.tasks.restarts.scaled(factor),
                hang: scale(self.tasks.hang),
                stop: self.tasks.stop,
            },
            delivery_hang: scale(self.delivery_hang),
            ..self
        }
    }

    /// The part that judges silence.
    #[must_use]
    pub fn liveness(&self) -> liveness::Limits {
        liveness::Limits {
            silence_min_us: micros(self.silence_min),
            silence_max_us: micros(self.silence_max),
            habit_factor: HABIT_FACTOR,
            grace_us: micros(self.silence_grace),
        }
    }
}
