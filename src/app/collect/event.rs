//! What happens while collecting, as facts. A reporter decides how they look.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::app::supervise::TaskEvent;
use crate::domain::{
    health::Pulse,
    liveness::Evidence,
    outage::{Cause, Cure},
    remedy::Remedy,
    symbol::Symbol,
    threshold::Threshold,
    tiling::{IdRange, Unsealable},
};

mod kind;
mod sentence;

pub(super) use sentence::names;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a line when somebody looks closely.
    Detail,
    /// Worth a line.
    Info,
    /// Something went wrong and is being mended.
    Warning,
    /// Somebody has to do something.
    Critical,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A series goes on after its checkpoint.
    Resumed {
        /// The symbol.
        symbol: Symbol,
        /// The first id that it takes.
        next_id: i64,
    },
    /// Series begin with a period's first trade.
    Started {
        /// The symbol.
        symbol: Symbol,
        /// The thresholds.
        thresholds: Vec<Threshold>,
        /// The first id that they take.
        first_id: i64,
        /// Why there.
        because: &'static str,
    },
    /// A checkpoint cannot be used.
    CheckpointUnusable {
        /// The symbol.
        symbol: Symbol,
        /// Why not.
        reason: String,
    },
    /// A symbol cannot start yet.
    StartDelayed {
        /// The symbol.
        symbol: Symbol,
        /// Why not.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// Series of a symbol that runs cannot start yet; the others go on without them.
    SeriesDelayed {
        /// The symbol.
        symbol: Symbol,
        /// The thresholds that wait.
        thresholds: Vec<Threshold>,
        /// Why they cannot start.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// A symbol has caught up with the exchange.
    CaughtUp {
        /// The symbol.
        symbol: Symbol,
        /// How many trades were fetched.
        fetched: u64,
        /// How long it took.
        took: Duration,
    },
    /// A connection stands.
    Connected {
        /// The symbols on it.
        symbols: Vec<Symbol>,
        /// How many attempts it took.
        attempts: u32,
    },
    /// A connection could not be made.
    ConnectFailed {
        /// Why not.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// A connection is over.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// A stream was found dead although its socket is open.
    StreamDead {
        /// The symbol that showed it.
        symbol: Symbol,
        /// What proves it.
        evidence: Evidence,
    },
    /// A silent symbol has nothing newer at the exchange either.
    Quiet {
        /// The symbol.
        symbol: Symbol,
        /// How long nothing has come.
        silence: Duration,
    },
    /// Live trades showed that ids are missing.
    GapFound {
        /// The symbol.
        symbol: Symbol,
        /// The first missing id.
        first_id: i64,
        /// The last missing id.
        last_id: i64,
    },
    /// Missing ids have come.
    GapRepaired {
        /// The symbol.
        symbol: Symbol,
        /// The first id that was missing.
        first_id: i64,
        /// The last id that was missing.
        last_id: i64,
        /// How long it took.
        took: Duration,
    },
    /// Missing ids are proven not to exist.
    GapAbsent {
        /// The symbol.
        symbol: Symbol,
        /// The first absent id.
        first_id: i64,
        /// The last absent id.
        last_id: i64,
        /// What proves it.
        proof: String,
    },
    /// Stored bars end longer ago than is continued: a hole stays.
    HoleLeft {
        /// The symbol.
        symbol: Symbol,
        /// The first missing id.
        first_id: i64,
        /// The last missing id.
        last_id: i64,
        /// The command that mends it.
        remedy: String,
    },
    /// A request for history failed.
    FetchFailed {
        /// The symbol.
        symbol: Symbol,
        /// Why.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// Live trades were dropped because other trades have their ids.
    Disputed {
        /// The symbol.
        symbol: Symbol,
        /// How many since the last such event.
        trades: u64,
    },
    /// Live ids that the exchange never reached were dropped.
    Unconfirmed {
        /// The symbol.
        symbol: Symbol,
        /// How many trades.
        trades: usize,
        /// The newest id at the exchange.
        exchange_id: i64,
    },
    /// The hold was full; what it held will be fetched.
    HoldDropped {
        /// The symbol.
        symbol: Symbol,
        /// How many trades.
        trades: usize,
    },
    /// The exchange's ids went back: the symbol stops.
    IdReset {
        /// The symbol.
        symbol: Symbol,
        /// The last id here.
        last_id: i64,
        /// The newest id at the exchange.
        exchange_id: i64,
    },
    /// Messages that were no trade.
    Malformed {
        /// How many since the last such event.
        messages: u64,
        /// What is wrong with the last of them.
        reason: String,
        /// Its beginning.
        excerpt: String,
    },
    /// The journal could not commit; its last state is loaded and work goes on from there.
    CommitFailed {
        /// Why.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// The journal was damaged: it is kept under another name, and a new one was begun.
    JournalSetAside {
        /// Where it is now.
        copy: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What became of its contents, in words.
        salvaged: String,
    },
    /// The spool is full: nothing is consumed until it drains.
    SpoolFull {
        /// Bytes in the spool.
        size_bytes: u64,
        /// The age of the oldest batch.
        oldest: Duration,
    },
    /// The spool has drained: consuming goes on.
    SpoolDrained {
        /// Bytes in the spool.
        size_bytes: u64,
    },
    /// A batch was not confirmed.
    DeliveryFailed {
        /// The batch.
        batch: i64,
        /// Its rows.
        rows: usize,
        /// Why.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// The store has failed too often in a row: it is left alone for a while.
    BreakerOpened {
        /// How many attempts have failed.
        failures: u32,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// The store refuses for a reason that only a person can mend.
    StoreMisconfigured {
        /// Why.
        reason: String,
        /// What mends it.
        remedy: &'static str,
        /// How often it is tried meanwhile.
        retry_in: Duration,
    },
    /// The store refuses rows for their content; the bad ones are looked for.
    RowsRefused {
        /// The batch.
        batch: i64,
        /// Its rows.
        rows: usize,
        /// Why.
        reason: String,
    },
    /// Rows can never go in as they are; they are kept aside.
    DeadLetters {
        /// How many.
        rows: u64,
        /// The table that does not take them.
        table: &'static str,
    },
    /// A batch in the spool is not what was written.
    BatchDamaged {
        /// The batch.
        batch: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process delivers from this journal at the moment.
    DeliveredElsewhere {
        /// Which.
        holder: String,
    },
    /// Delivery works again.
    DeliveryRecovered {
        /// How many attempts had failed.
        failures: u32,
    },
    /// The store cannot be used yet; rows stay in the spool.
    StoreUnavailable {
        /// Why.
        reason: String,
    },
    /// The rows of `stream_health` could not be written; they are tried again and again.
    HealthNotWritten {
        /// Why.
        reason: String,
    },
    /// They were written, after failures.
    HealthWritten {
        /// How many attempts had failed.
        failures: u64,
    },
    /// A period is whole in the store, and sealed.
    PeriodSealed {
        /// The symbol.
        symbol: Symbol,
        /// The first µs of the period.
        start_us: i64,
        /// Its trades.
        ids: IdRange,
        /// The thresholds that it is sealed with.
        thresholds: Vec<Threshold>,
    },
    /// A period is over, delivered, and does not deserve a seal.
    PeriodUnsealable {
        /// The symbol.
        symbol: Symbol,
        /// The first µs of the period.
        start_us: i64,
        /// Why not.
        reason: Unsealable,
    },
    /// Bars of a sealed period are written again.
    PeriodUnsealed {
        /// The symbol.
        symbol: Symbol,
        /// The first µs of the period.
        start_us: i64,
    },
    /// Nothing can be sealed; it is tried again and again.
    SealingFailed {
        /// Why.
        reason: String,
    },
    /// Sealing works again, after failures.
    SealingRecovered {
        /// How many attempts had failed.
        failures: u64,
    },
    /// A task runs, for the first time or again.
    TaskStarted {
        /// Which.
        task: Arc<str>,
    },
    /// A task panicked, hung, or ended without being told to.
    TaskFailed {
        /// Which.
        task: Arc<str>,
        /// In which way.
        reason: String,
        /// How the program got there, after a panic.
        backtrace: Option<String>,
        /// The number of the restart that follows, and when; none when it is given up.
        restart: Option<(usize, Duration)>,
    },
    /// A task was told to end, and has.
    TaskStopped {
        /// Which.
        task: Arc<str>,
    },
    /// A remedy was used on a dead stream, and has helped.
    Remedied {
        /// The symbol.
        symbol: Symbol,
        /// What was done.
        remedy: Remedy,
        /// What had proven it dead.
        evidence: Evidence,
        /// The last id that is here now.
        last_id: i64,
        /// From then to the first live trade.
        took: Duration,
    },
    /// A remedy was used on a dead stream, and has not helped.
    RemedyFailed {
        /// The symbol.
        symbol: Symbol,
        /// What was done.
        remedy: Remedy,
        /// What had proven it dead before the remedy.
        evidence: Evidence,
        /// What proves it dead now.
        still: Evidence,
        /// How long was waited for a live trade.
        took: Duration,
        /// Remedies in a row that have not helped.
        failures: u64,
    },
    /// One step of rebuilding a session went wrong; the next ones follow all the same.
    StepFailed {
        /// Which.
        step: &'static str,
        /// In which way.
        reason: String,
    },
    /// No remedy has helped: the collector ends, so that its service manager takes over.
    Escalated {
        /// What has been tried.
        reason: String,
    },
    /// A connection is replaced by a new one, which is made first.
    Renewing {
        /// Why.
        reason: &'static str,
    },
    /// The new connection carries what the old one did; the old one is closed.
    Renewed {
        /// How long both were open.
        took: Duration,
        /// Whether the ids of both have met.
        has_overlapped: bool,
        /// Whether the old one has ended before they could.
        has_ended_first: bool,
    },
    /// The new connection is given up; the old one goes on.
    RenewFailed {
        /// What is wrong with the new one.
        reason: String,
        /// When the next one is made.
        retry_in: Duration,
    },
    /// A connection does not bring what others beside it do; it alone is made anew.
    LinkDead {
        /// Its number, from 1 on.
        connection: usize,
        /// The symbols that do not come by it.
        symbols: Vec<Symbol>,
        /// The last id that came by it, of the one that it is behind with for longest; none
        /// when nothing has since it was opened.
        last_id: Option<i64>,
        /// The last id that came by another connection, of the same symbol.
        front_id: i64,
        /// How long it was behind.
        behind: Duration,
    },
    /// Everything comes again by a connection that was made anew for being mute.
    LinkAlive {
        /// Its number, from 1 on.
        connection: usize,
        /// From the verdict to then.
        took: Duration,
    },
    /// A symbol goes on being silent.
    Silent {
        /// The symbol.
        symbol: Symbol,
        /// Looks in a row without a trade.
        periods: u64,
        /// How long nothing has come.
        silence: Duration,
        /// What its stream looks like.
        pulse: Pulse,
    },
    /// Symbols are subscribed to, and mute.
    SymbolsMissing {
        /// How many are wanted.
        expected: usize,
        /// How many show life.
        active: usize,
        /// Those that do not.
        missing: Vec<Symbol>,
    },
    /// A symbol's stream is down.
    SymbolDown {
        /// The symbol.
        symbol: Symbol,
        /// The last sign of life, in µs on the wall clock.
        since_us: i64,
        /// Why.
        cause: Cause,
    },
    /// A symbol's stream is up, and everything that the exchange is known to have is here.
    SymbolUp {
        /// The symbol.
        symbol: Symbol,
        /// How long it was down.
        took: Duration,
        /// What brought it back.
        cure: Cure,
    },
    /// The collector has begun.
    CollectorStarted {
        /// What it collects.
        symbols: Vec<Symbol>,
    },
    /// The last run did not come to a good end.
    CollectorLost {
        /// What it collected, as it said.
        symbols: String,
        /// Its last sign of life, in µs on the wall clock.
        alive_us: i64,
        /// When this run has begun, in µs on the wall clock.
        started_us: i64,
    },
    /// The collector ends because it was told to.
    CollectorStopped {
        /// What it collected.
        symbols: Vec<Symbol>,
    },
    /// The collector ends because something has failed for good.
    CollectorFailed {
        /// What.
        reason: String,
    },
    /// The condition of an alert holds, or is over.
    Alert {
        /// The rule, and what it is about.
        rule: String,
        /// The word that it begins with.
        label: &'static str,
        /// What is wrong, with figures.
        headline: String,
        /// How bad it is; none when it is over.
        firing: Option<Severity>,
    },
    /// Sending alerts met trouble, or is over it.
    Alerting {
        /// The stable code of what happened.
        code: &'static str,
        /// The same in a sentence.
        text: String,
        /// Whether something went wrong.
        is_trouble: bool,
    },
    /// The end has begun.
    Stopping,
}

impl From<&TaskEvent> for Event {
    fn from(event: &TaskEvent) -> Self {
        match event {
            TaskEvent::Started { task } => Self::TaskStarted {
                task: Arc::clone(task),
            },
            TaskEvent::Failed {
                task,
                reason,
                backtrace,
                restart,
            } => Self::TaskFailed {
                task: Arc::clone(task),
                reason: reason.clone(),
                backtrace: backtrace.clone(),
                restart: *restart,
            },
            TaskEvent::Stopped { task } => Self::TaskStopped {
                task: Arc::clone(task),
            },
        }
    }
}

/// Takes events. Cheap to clone; must not block.
#[derive(Clone)]
pub struct Emit(Arc<dyn Fn(&Event) + Send + Sync>);

impl Emit {
    /// Hands every event to `take`.
    #[must_use]
    pub fn new(take: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Hands one event over.
    pub fn emit(&self, event: &Event) {
        (self.0)(event);
    }
}

impl std::fmt::Debug for Emit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Emit")
    }
}
