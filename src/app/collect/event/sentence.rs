//! Each event as a sentence.

use std::{fmt, time::Duration};

use super::Event;
use crate::domain::{
    liveness::Evidence,
    symbol::Symbol,
    threshold::Threshold,
    tiling::finding::time_text,
    uptime,
    words::{list, noun, trade_ids},
};

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
                let thresholds = listed(thresholds);
                write!(
                    f,
                    "starts {thresholds} dbps with trade {first_id}: {because}"
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
            Self::SeriesDelayed {
                thresholds,
                reason,
                retry_in,
                ..
            } => write!(
                f,
                "goes on without {} dbps, which cannot start: failed to {reason}; again in {}",
                listed(thresholds),
                short(*retry_in)
            ),
            Self::CaughtUp { fetched, took, .. } => {
                write!(
                    f,
                    "has caught up: {fetched} {} fetched in {}",
                    noun(*fetched, "trade"),
                    short(*took)
                )
            }
            Self::Connected { symbols, attempts } => {
                match symbols.as_slice() {
                    [symbol] => write!(f, "connected: {symbol}")?,
                    symbols => write!(f, "connected: {} symbols", symbols.len())?,
                }
                if *attempts > 1 {
                    write!(f, ", at attempt {attempts}")?;
                }
                Ok(())
            }
            Self::ConnectFailed { reason, retry_in } => {
                write!(f, "failed to {reason}; again in {}", short(*retry_in))
            }
            Self::Disconnected { reason } => write!(f, "disconnected: {reason}"),
            Self::StreamDead { evidence, .. } => {
                f.write_str("stream is dead: ")?;
                proof(f, evidence)
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
                let them = if first_id == last_id { "it" } else { "them" };
                let trades = trade_ids(*first_id, *last_id);
                write!(f, "misses {trades}; fetching {them}")
            }
            Self::GapRepaired {
                first_id,
                last_id,
                took,
                ..
            } => {
                write!(
                    f,
                    "has {} now, after {}",
                    trade_ids(*first_id, *last_id),
                    short(*took)
                )
            }
            Self::GapAbsent {
                first_id,
                last_id,
                proof,
                ..
            } => {
                let trades = trade_ids(*first_id, *last_id);
                write!(f, "has no {trades}: {proof}; bars are cut there")
            }
            Self::HoleLeft {
                first_id,
                last_id,
                remedy,
                ..
            } => {
                let are = if first_id == last_id { "is" } else { "are" };
                let trades = trade_ids(*first_id, *last_id);
                write!(f, "{trades} {are} not in the bars; run: {remedy}")
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
            Self::Disputed { trades, .. } => write!(
                f,
                "dropped {trades} live trades: other trades have their ids"
            ),
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
            } => {
                f.write_str("failed to deliver")?;
                // Without a batch it was the journal that failed.
                if *rows > 0 {
                    write!(f, " batch {batch} ({rows} {})", noun(*rows as u64, "row"))?;
                }
                write!(f, ": {reason}; again in {}", short(*retry_in))
            }
            Self::BreakerOpened { failures, retry_in } => write!(
                f,
                "leaves the store alone after {failures} {} in a row; one trial in {}",
                noun(*failures, "failure"),
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
            } => match rows {
                1 => write!(f, "batch {batch} is one row that is refused: {reason}"),
                _ => write!(
                    f,
                    "looks for the bad ones among the {rows} rows of batch {batch}: {reason}"
                ),
            },
            Self::DeadLetters { rows, table } => {
                let (are, them) = match rows {
                    1 => ("is a dead letter", "it"),
                    _ => ("are dead letters", "them"),
                };
                let noun = noun(*rows, "row");
                write!(
                    f,
                    "{rows} {noun} of {table} {are}: 'streamkit spool ls' tells why, \
                     'streamkit spool flush --dead' tries {them} again"
                )
            }
            Self::BatchDamaged { batch, reason } => write!(
                f,
                "batch {batch} is damaged and cannot be delivered: {reason}; the others can"
            ),
            Self::DeliveredElsewhere { holder } => {
                write!(f, "waits while another process delivers: {holder}")
            }
            Self::DeliveryRecovered { failures } => {
                let noun = noun(*failures, "failure");
                write!(f, "delivers again after {failures} {noun}")
            }
            Self::StoreUnavailable { reason } => {
                write!(f, "failed to {reason}; rows stay in the spool")
            }
            Self::HealthNotWritten { reason } => write!(
                f,
                "failed to write to stream_health: {reason}; collecting goes on, others cannot \
                 see it there"
            ),
            Self::HealthWritten { failures } => {
                let noun = noun(*failures, "failure");
                write!(f, "writes to stream_health again after {failures} {noun}")
            }
            Self::PeriodSealed {
                start_us,
                ids,
                thresholds,
                ..
            } => write!(
                f,
                "period from {} is sealed: {ids} at {} dbps",
                time_text(*start_us),
                list(thresholds)
            ),
            Self::PeriodUnsealable {
                start_us, reason, ..
            } => {
                let start = time_text(*start_us);
                write!(f, "period from {start} cannot be sealed: {reason}")
            }
            Self::PeriodUnsealed { start_us, .. } => write!(
                f,
                "period from {} is not sealed any more: its bars are written again",
                time_text(*start_us)
            ),
            Self::SealingFailed { reason } => {
                write!(f, "failed to seal: {reason}; collecting goes on")
            }
            Self::SealingRecovered { failures } => {
                let noun = noun(*failures, "failure");
                write!(f, "seals again after {failures} {noun}")
            }
            Self::TaskStarted { task } => write!(f, "task {task} runs"),
            Self::TaskFailed {
                task,
                reason,
                backtrace,
                restart,
            } => {
                write!(f, "task {task} failed: {reason}; ")?;
                match restart {
                    Some((attempt, pause)) => {
                        write!(f, "restart {attempt} in {}", short(*pause))?;
                    }
                    None => f.write_str("it is given up")?,
                }
                match backtrace {
                    Some(backtrace) => write!(f, "\n{}", backtrace.trim_end()),
                    None => Ok(()),
                }
            }
            Self::TaskStopped { task } => write!(f, "task {task} has stopped"),
            Self::Remedied {
                remedy,
                evidence,
                last_id,
                took,
                ..
            } => {
                let remedy = remedy.as_str();
                write!(
                    f,
                    "lives again, {remedy}, after {}, at id {last_id}; it had been ",
                    short(*took)
                )?;
                proof(f, evidence)
            }
            Self::RemedyFailed {
                remedy,
                evidence,
                still,
                took,
                failures,
                ..
            } => {
                let remedy = remedy.as_str();
                write!(f, "is still dead, {remedy}, after {}", short(*took))?;
                if *failures > 0 {
                    write!(f, " ({failures} in a row)")?;
                }
                f.write_str("; ")?;
                proof(f, still)?;
                f.write_str("; it was found dead ")?;
                proof(f, evidence)
            }
            Self::StepFailed { step, reason } => {
                write!(
                    f,
                    "step {step} of rebuilding the session failed: {reason}; goes on"
                )
            }
            Self::Escalated { reason } => {
                write!(
                    f,
                    "no remedy has helped: {reason}; ends, to be started anew"
                )
            }
            Self::Renewing { reason } => {
                write!(
                    f,
                    "makes a new connection before it closes this one: {reason}"
                )
            }
            Self::Renewed {
                took,
                has_overlapped,
                has_ended_first,
            } => {
                let how = match (has_overlapped, has_ended_first) {
                    (true, _) => "ids have met",
                    (false, true) => "the old one has ended first",
                    (false, false) => "the old one brought no more than the new one",
                };
                write!(f, "renewed the connection in {}: {how}", short(*took))
            }
            Self::RenewFailed { reason, retry_in } => write!(
                f,
                "keeps the old connection: {reason}; the next one in {}",
                short(*retry_in)
            ),
            Self::LinkDead {
                connection,
                symbols,
                last_id,
                front_id,
                behind,
            } => {
                write!(
                    f,
                    "connection {connection} is dead: behind the others for {} with {}; last id \
                     by it ",
                    short(*behind),
                    names(symbols)
                )?;
                match last_id {
                    Some(last_id) => write!(f, "{last_id}, by another {front_id}"),
                    None => write!(f, "none, by another {front_id}"),
                }
            }
            Self::LinkAlive { connection, took } => write!(
                f,
                "connection {connection} brings everything again, reconnected, after {}",
                short(*took)
            ),
            Self::Silent {
                periods,
                silence,
                pulse,
                ..
            } => write!(
                f,
                "is silent for {}, {periods} looks in a row; its stream is {}",
                short(*silence),
                pulse.as_str()
            ),
            Self::SymbolsMissing {
                expected,
                active,
                missing,
            } => {
                write!(
                    f,
                    "{active} of {expected} {} active; no sign of life: {}",
                    noun(*expected as u64, "symbol"),
                    names(missing)
                )
            }
            Self::SymbolDown { cause, .. } => write!(f, "is down: {}", cause.as_str()),
            Self::SymbolUp { took, cure, .. } => {
                write!(f, "is up after {}: {}", short(*took), cure.as_str())
            }
            Self::CollectorStarted { symbols } => f.write_str(&uptime::started(&names(symbols))),
            Self::CollectorLost {
                symbols,
                alive_us,
                started_us,
            } => f.write_str(&uptime::lost(symbols, *alive_us, *started_us)),
            Self::CollectorStopped { symbols } => f.write_str(&uptime::stopped(&names(symbols))),
            Self::CollectorFailed { reason } => write!(f, "ends: failed to {reason}"),
            Self::Alert {
                label, headline, ..
            } => write!(f, "alert {label}: {headline}"),
            Self::Alerting { text, .. } => f.write_str(text),
            Self::Stopping => f.write_str("stopping"),
        }
    }
}

/// What has proven a stream dead.
fn proof(f: &mut fmt::Formatter<'_>, evidence: &Evidence) -> fmt::Result {
    let silence = Duration::from_micros(evidence.silence_us.unsigned_abs());
    let (silence, last_id) = (short(silence), evidence.last_id);
    write!(f, "silent for {silence}, last id here {last_id}, ")?;
    match evidence.exchange_id {
        Some(id) => write!(f, "at the exchange {id}"),
        None => f.write_str("and the exchange cannot be asked"),
    }
}

/// The names of symbols, as they are listed.
pub(in super::super) fn names(symbols: &[Symbol]) -> String {
    let names: Vec<_> = symbols.iter().map(Symbol::as_str).collect();
    names.join(", ")
}

fn listed(thresholds: &[Threshold]) -> String {
    let thresholds: Vec<_> = thresholds.iter().map(ToString::to_string).collect();
    thresholds.join(", ")
}

/// A duration to the millisecond, in words that fit a line.
fn short(duration: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_millis(
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural_and_a_failure_of_the_journal_names_no_batch() {
        let failed = |batch, rows| {
            let reason = "use the journal: it is full".to_owned();
            let retry_in = Duration::from_secs(1);
            Event::DeliveryFailed {
                batch,
                rows,
                reason,
                retry_in,
            }
        };
        let refused = |rows| Event::RowsRefused {
            batch: 7,
            rows,
            reason: "no".to_owned(),
        };
        let table = "bars";
        for (event, text) in [
            (
                failed(7, 1),
                "failed to deliver batch 7 (1 row): use the journal: it is full; again in 1s",
            ),
            (
                failed(0, 0),
                "failed to deliver: use the journal: it is full; again in 1s",
            ),
            (refused(1), "batch 7 is one row that is refused: no"),
            (
                refused(2),
                "looks for the bad ones among the 2 rows of batch 7: no",
            ),
            (
                Event::DeadLetters { rows: 1, table },
                "1 row of bars is a dead letter: 'streamkit spool ls' tells why, \
                 'streamkit spool flush --dead' tries it again",
            ),
            (
                Event::DeliveryRecovered { failures: 1 },
                "delivers again after 1 failure",
            ),
        ] {
            assert_eq!(event.to_string(), text);
        }
    }
}
