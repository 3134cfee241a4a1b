//! Looking after the spool: what it holds, whether it is well, and giving rows up.
//!
//! All of it works beside a running collector. Delivering out of turn is
//! [`Delivery::flush`](crate::app::collect::deliver::Delivery::flush).

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{
    domain::{
        micros::micros,
        row::{EventRow, ExchangeName, GapRow, GapState, Rows},
        symbol::Symbol,
    },
    journal::{Journal, JournalError, lease},
};

use super::clock::Clock;

/// How long the lease is held to give batches up.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is looked whether the lease is free.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Why batches could not be given up. None of them is, then.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Another process delivers all the time.
    #[error("drop batches: another process delivers ({holder})")]
    Busy {
        /// Which.
        holder: String,
    },
}

/// What was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The numbers of the batches.
    pub batches: Vec<i64>,
    /// The rows in them.
    pub rows: u64,
    /// The gaps that they leave.
    pub gaps: Vec<GapRow>,
}

/// Gives batches up, and notes in the spool what that leaves: a gap for each run of ids
/// whose bars go, an event for anything else. Waits at most `patience` for whoever
/// delivers at the moment.
///
/// # Errors
/// When one of them is not there, another process delivers all the time, or the journal
/// cannot be used.
pub async fn give_up(
    journal: &mut Journal,
    ids: &[i64],
    collector: &str,
    patience: Duration,
    clock: &Clock,
) -> Result<Dropped, DropError> {
    let holder = lease::flusher();
    let deadline = Instant::now() + patience;
    while let Some(other) = journal.take_lease(&holder, clock.wall_us(), micros(LEASE))? {
        if Instant::now() >= deadline {
            let holder = lease::for_people(&other.name).to_owned();
            return Err(DropError::Busy { holder });
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let dropped = give_up_now(journal, ids, collector, clock.wall_us());
    // What was done is done; a lease that cannot be given back expires.
    let _ = journal.release_lease(&holder);
    Ok(dropped?)
}

fn give_up_now(
    journal: &mut Journal,
    ids: &[i64],
    collector: &str,
    now_us: i64,
) -> Result<Dropped, JournalError> {
    // An open batch could grow between being read and being deleted.
    journal.seal(None)?;
    let known: BTreeMap<i64, u64> = journal
        .batches()?
        .into_iter()
        .map(|batch| (batch.id, batch.rows))
        .collect();
    let (mut gaps, mut events, mut count) = (Vec::new(), Vec::new(), 0);
    for &id in ids {
        let rows = *known
            .get(&id)
            .ok_or(JournalError::UnknownBatch { batch: id })?;
        count += rows;
        let what = match journal.read_batch(id) {
            Ok(Rows::Bars(bars)) => {
                let ids = bars.iter().map(|row| {
                    let (first, last) = (row.bar.first_agg_trade_id, row.bar.last_agg_trade_id);
                    ((row.exchange.clone(), row.symbol.clone()), (first, last))
                });
                gaps.extend(gaps_of(ids, id, now_us));
                continue;
            }
            Ok(rows) => format!("rows of {}", rows.table().as_str()),
            Err(JournalError::Damaged { reason, .. }) => {
                format!("rows that could not be read ({reason})")
            }
            Err(error) => return Err(error),
        };
        events.push(EventRow {
            time_us: now_us,
            collector: collector.to_owned(),
            symbol: String::new(),
            code: "spool.dropped".to_owned(),
            text: format!("batch {id} was dropped from the spool with {rows} {what}"),
        });
    }
    let mut notes = Vec::new();
    if !gaps.is_empty() {
        notes.push(Rows::Gaps(gaps.clone()));
    }
    if !events.is_empty() {
        notes.push(Rows::Events(events));
    }
    journal.give_up(ids, notes, now_us)?;
    Ok(Dropped {
        batches: ids.to_vec(),
        rows: count,
        gaps,
    })
}

/// The runs of ids that bars cover, by exchange and symbol. Bars of several thresholds
/// cover the same ids.
fn gaps_of(
    bars: impl Iterator<Item = ((ExchangeName, Symbol), (i64, i64))>,
    batch: i64,
    now_us: i64,
) -> Vec<GapRow> {
    let mut ranges: BTreeMap<_, Vec<(i64, i64)>> = BTreeMap::new();
    for (tape, ids) in bars {
        ranges.entry(tape).or_default().push(ids);
    }
    let mut gaps = Vec::new();
    for ((exchange, symbol), mut ranges) in ranges {
        ranges.sort_unstable();
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for (first, last) in ranges {
            match runs.last_mut() {
                Some(run) if first <= run.1.saturating_add(1) => run.1 = run.1.max(last),
                _ => runs.push((first, last)),
            }
        }
        gaps.extend(runs.into_iter().map(|(first_id, last_id)| GapRow {
            exchange: exchange.clone(),
            symbol: symbol.clone(),
            first_id,
            last_id,
            found_at_us: now_us,
            cause: format!("batch {batch} of bars was dropped from the spool"),
            state: GapState::Open,
            proof: String::new(),
            version: 0,
        }));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_of_all_thresholds_leave_one_gap_for_each_run_of_ids() {
        let tape = |name: &str| ("sim".into(), name.parse::<Symbol>().expect("a symbol"));
        let bars = [
            (tape("BTCUSDT"), (10, 19)),
            (tape("ETHUSDT"), (5, 5)),
            (tape("BTCUSDT"), (15, 30)),
            (tape("BTCUSDT"), (31, 40)),
            (tape("BTCUSDT"), (42, 43)),
        ];
        let gaps = gaps_of(bars.into_iter(), 7, 99);
        let found: Vec<_> = gaps
            .iter()
            .map(|gap| (gap.symbol.as_str(), gap.first_id, gap.last_id))
            .collect();
        assert_eq!(
            found,
            [("BTCUSDT", 10, 40), ("BTCUSDT", 42, 43), ("ETHUSDT", 5, 5)]
        );
        assert!(gaps.iter().all(|gap| gap.state == GapState::Open));
    }
}
