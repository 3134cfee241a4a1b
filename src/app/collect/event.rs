//! What happens while collecting, as facts. A reporter decides how they look.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::domain::{liveness::Evidence, symbol::Symbol, threshold::Threshold};

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
    /// The end has begun.
    Stopping,
}

impl Event {
    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Resumed { .. } => "series.resumed",
            Self::Started { .. } => "series.started",
            Self::CheckpointUnusable { .. } => "checkpoint.unusable",
            Self::StartDelayed { .. } => "symbol.start_delayed",
            Self::CaughtUp { .. } => "symbol.caught_up",
            Self::Connected { .. } => "stream.connected",
            Self::ConnectFailed { .. } => "stream.connect_failed",
            Self::Disconnected { .. } => "stream.disconnected",
            Self::StreamDead { .. } => "stream.dead",
            Self::Quiet { .. } => "symbol.quiet",
            Self::GapFound { .. } => "gap.found",
            Self::GapRepaired { .. } => "gap.repaired",
            Self::GapAbsent { .. } => "gap.absent",
            Self::HoleLeft { .. } => "gap.left",
            Self::FetchFailed { .. } => "history.failed",
            Self::Unconfirmed { .. } => "trades.unconfirmed",
            Self::HoldDropped { .. } => "trades.hold_dropped",
            Self::IdReset { .. } => "symbol.id_reset",
            Self::Malformed { .. } => "messages.malformed",
            Self::CommitFailed { .. } => "journal.commit_failed",
            Self::JournalSetAside { .. } => "journal.set_aside",
            Self::SpoolFull { .. } => "spool.full",
            Self::SpoolDrained { .. } => "spool.drained",
            Self::DeliveryFailed { .. } => "delivery.failed",
            Self::BreakerOpened { .. } => "delivery.breaker_opened",
            Self::StoreMisconfigured { .. } => "store.misconfigured",
            Self::RowsRefused { .. } => "delivery.rows_refused",
            Self::DeadLetters { .. } => "delivery.dead_letters",
            Self::BatchDamaged { .. } => "spool.batch_damaged",
            Self::DeliveredElsewhere { .. } => "delivery.elsewhere",
            Self::DeliveryRecovered { .. } => "delivery.recovered",
            Self::StoreUnavailable { .. } => "store.unavailable",
            Self::Stopping => "collect.stopping",
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Quiet { .. } => Severity::Detail,
            Self::Resumed { .. }
            | Self::Started { .. }
            | Self::CaughtUp { .. }
            | Self::Connected { .. }
            | Self::GapFound { .. }
            | Self::GapRepaired { .. }
            | Self::SpoolDrained { .. }
            | Self::DeliveredElsewhere { .. }
            | Self::DeliveryRecovered { .. }
            | Self::Stopping => Severity::Info,
            Self::CheckpointUnusable { .. }
            | Self::StartDelayed { .. }
            | Self::ConnectFailed { .. }
            | Self::Disconnected { .. }
            | Self::StreamDead { .. }
            | Self::FetchFailed { .. }
            | Self::Unconfirmed { .. }
            | Self::HoldDropped { .. }
            | Self::Malformed { .. }
            | Self::DeliveryFailed { .. }
            | Self::BreakerOpened { .. }
            | Self::RowsRefused { .. }
            | Self::StoreUnavailable { .. } => Severity::Warning,
            Self::GapAbsent { .. }
            | Self::HoleLeft { .. }
            | Self::IdReset { .. }
            | Self::CommitFailed { .. }
            | Self::StoreMisconfigured { .. }
            | Self::DeadLetters { .. }
            | Self::BatchDamaged { .. }
            | Self::JournalSetAside { .. }
            | Self::SpoolFull { .. } => Severity::Critical,
        }
    }

    /// The symbol that it concerns, if it is one.
    #[must_use]
    pub const fn symbol(&self) -> Option<&Symbol> {
        match self {
            Self::Resumed { symbol, .. }
            | Self::Started { symbol, .. }
            | Self::CheckpointUnusable { symbol, .. }
            | Self::StartDelayed { symbol, .. }
            | Self::CaughtUp { symbol, .. }
            | Self::StreamDead { symbol, .. }
            | Self::Quiet { symbol, .. }
            | Self::GapFound { symbol, .. }
            | Self::GapRepaired { symbol, .. }
            | Self::GapAbsent { symbol, .. }
            | Self::HoleLeft { symbol, .. }
            | Self::FetchFailed { symbol, .. }
            | Self::Unconfirmed { symbol, .. }
            | Self::HoldDropped { symbol, .. }
            | Self::IdReset { symbol, .. } => Some(symbol),
            _ => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resumed { next_id, .. } => write!(f, "goes on with trade {next_id}"),
            Self::Started {
                thresholds,
                first_id,
                because,
                ..
            } => {
                let thresholds: Vec<_> = thresholds.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "starts {} dbps with trade {first_id}: {because}",
                    thresholds.join(", ")
                )
            }
            Self::CheckpointUnusable { reason, .. } => {
                write!(f, "cannot use the checkpoint: {reason}; starts anew")
            }
            Self::StartDelayed {
                reason, retry_in, ..
            } => {
                write!(
                    f,
                    "cannot start: failed to {reason}; again in {}",
                    short(*retry_in)
                )
            }
            Self::CaughtUp { fetched, took, .. } => {
                write!(
                    f,
                    "has caught up: {fetched} trades fetched in {}",
                    short(*took)
                )
            }
            Self::Connected { symbols, attempts } => {
                write!(
                    f,
                    "connected: {} symbols, attempt {attempts}",
                    symbols.len()
                )
            }
            Self::ConnectFailed { reason, retry_in } => {
                write!(f, "failed to {reason}; again in {}", short(*retry_in))
            }
            Self::Disconnected { reason } => write!(f, "disconnected: {reason}"),
            Self::StreamDead { evidence, .. } => {
                let silence = Duration::from_micros(evidence.silence_us.unsigned_abs());
                let (silence, last_id) = (short(silence), evidence.last_id);
                write!(
                    f,
                    "stream is dead: silent for {silence}, last id here {last_id}, "
                )?;
                match evidence.exchange_id {
                    Some(id) => write!(f, "at the exchange {id}; reconnecting"),
                    None => f.write_str("and the exchange cannot be asked; reconnecting"),
                }
            }
            Self::Quiet { silence, .. } => {
                write!(
                    f,
                    "is quiet: nothing new at the exchange for {}",
                    short(*silence)
                )
            }
            Self::GapFound {
                first_id, last_id, ..
            } => {
                write!(f, "misses trades {first_id} to {last_id}; fetching them")
            }
            Self::GapRepaired {
                first_id,
                last_id,
                took,
                ..
            } => {
                write!(
                    f,
                    "has trades {first_id} to {last_id} now, after {}",
                    short(*took)
                )
            }
            Self::GapAbsent {
                first_id,
                last_id,
                proof,
                ..
            } => {
                write!(
                    f,
                    "has no trades {first_id} to {last_id}: {proof}; bars are cut there"
                )
            }
            Self::HoleLeft {
                first_id,
                last_id,
                remedy,
                ..
            } => {
                write!(
                    f,
                    "trades {first_id} to {last_id} are not in the bars; run: {remedy}"
                )
            }
            Self::FetchFailed {
                reason, retry_in, ..
            } => {
                write!(
                    f,
                    "history: failed to {reason}; again in {}",
                    short(*retry_in)
                )
            }
            Self::Unconfirmed {
                trades,
                exchange_id,
                ..
            } => write!(
                f,
                "dropped {trades} live trades with ids that the exchange, at {exchange_id}, never reached"
            ),
            Self::HoldDropped { trades, .. } => {
                write!(
                    f,
                    "holds no more live trades: {trades} dropped, to be fetched again"
                )
            }
            Self::IdReset {
                last_id,
                exchange_id,
                ..
            } => write!(
                f,
                "stops: the exchange is at id {exchange_id}, below the last one here, {last_id}"
            ),
            Self::Malformed {
                messages,
                reason,
                excerpt,
            } => {
                write!(
                    f,
                    "{messages} malformed messages, the last: {reason}: {excerpt}"
                )
            }
            Self::CommitFailed { reason, retry_in } => {
                write!(
                    f,
                    "failed to {reason}; going on from the journal in {}",
                    short(*retry_in)
                )
            }
            Self::JournalSetAside {
                copy,
                reason,
                salvaged,
            } => write!(
                f,
                "journal is damaged ({reason}): it is kept as {}, and a new one is begun; {salvaged}",
                copy.display()
            ),
            Self::SpoolFull { size_bytes, oldest } => {
                write!(
                    f,
                    "spool is full with {size_bytes} bytes, the oldest for {}: nothing is \
                     consumed until it drains",
                    short(*oldest)
                )
            }
            Self::SpoolDrained { size_bytes } => {
                write!(
                    f,
                    "spool has drained to {size_bytes} bytes: consuming again"
                )
            }
            Self::DeliveryFailed {
                batch,
                rows,
                reason,
                retry_in,
            } => write!(
                f,
                "failed to deliver batch {batch} ({rows} rows): {reason}; again in {}",
                short(*retry_in)
            ),
            Self::BreakerOpened { failures, retry_in } => write!(
                f,
                "leaves the store alone after {failures} failures in a row; one trial in {}",
                short(*retry_in)
            ),
            Self::StoreMisconfigured {
                reason,
                remedy,
                retry_in,
            } => write!(
                f,
                "failed to deliver, and somebody has to mend it: {reason}; {remedy}; \
                 trying again every {}",
                short(*retry_in)
            ),
            Self::RowsRefused {
                batch,
                rows,
                reason,
            } => write!(
                f,
                "looks for the bad ones among the {rows} rows of batch {batch}: {reason}"
            ),
            Self::DeadLetters { rows, table } => write!(
                f,
                "{rows} rows of {table} are dead letters: 'streamkit spool ls' tells why, \
                 'streamkit spool flush --dead' tries them again"
            ),
            Self::BatchDamaged { batch, reason } => write!(
                f,
                "batch {batch} is damaged and cannot be delivered: {reason}; the others can"
            ),
            Self::DeliveredElsewhere { holder } => {
                write!(f, "waits while another process delivers: {holder}")
            }
            Self::DeliveryRecovered { failures } => {
                write!(f, "delivers again after {failures} failures")
            }
            Self::StoreUnavailable { reason } => {
                write!(f, "failed to {reason}; rows stay in the spool")
            }
            Self::Stopping => f.write_str("stopping"),
        }
    }
}

/// A duration to the millisecond, in words that fit a line.
fn short(duration: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_millis(
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    ))
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

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Emit")
    }
}
