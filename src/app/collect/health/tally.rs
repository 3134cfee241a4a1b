//! What events have told since the start, for health to count by.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    app::collect::event::{Emit, Event},
    domain::symbol::Symbol,
};

/// What events have told since the start. Cheap to clone; clones share their counts.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

/// The counts at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub errors: u64,
    pub dead_letters: u64,
    pub id_resets: Proofs,
    pub gaps_absent: Proofs,
}

/// By symbol: how often it was proven, and the last time in words.
pub(super) type Proofs = BTreeMap<Symbol, (u64, String)>;

impl Tally {
    /// Counts what passes on its way to `emit`.
    #[must_use]
    pub fn before(&self, emit: Emit) -> Emit {
        let tally = self.clone();
        Emit::new(move |event| {
            tally.count(event);
            emit.emit(event);
        })
    }

    fn count(&self, event: &Event) {
        // Nothing is half-done when somebody panics: each is one step.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.errors += u64::from(is_error(event));
        let (proofs, symbol) = match event {
            Event::DeadLetters { rows, .. } => {
                counts.dead_letters += rows;
                return;
            }
            Event::IdReset { symbol, .. } => (&mut counts.id_resets, symbol),
            Event::GapAbsent { symbol, .. } => (&mut counts.gaps_absent, symbol),
            _ => return,
        };
        let (count, last) = proofs.entry(symbol.clone()).or_default();
        *count += 1;
        *last = event.to_string();
    }

    /// What was counted so far.
    pub(super) fn read(&self) -> Counts {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Whether something was tried and has failed: a request, a connection, a commit, an insert.
/// What comes of it, such as a stream that is dead or a task that is restarted, has counts of
/// its own.
const fn is_error(event: &Event) -> bool {
    matches!(
        event,
        Event::FetchFailed { .. }
            | Event::StartDelayed { .. }
            | Event::SeriesDelayed { .. }
            | Event::ConnectFailed { .. }
            | Event::CommitFailed { .. }
            | Event::DeliveryFailed { .. }
            | Event::RowsRefused { .. }
    )
}

#[cfg(test)]
mod tests {
    use std::{
        path::PathBuf,
        sync::atomic::{AtomicU64, Ordering},
        time::Duration,
    };

    use super::{super::Sampler, *};
    use crate::app::collect::snapshot::Shown;

    const MINUTE_US: i64 = 60_000_000;

    #[test]
    fn what_passes_is_counted_and_passed_on() {
        let passed = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&passed);
        let tally = Tally::default();
        let emit = tally.before(Emit::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        emit.emit(&Event::Stopping);
        emit.emit(&Event::ConnectFailed {
            reason: "a test".to_owned(),
            retry_in: Duration::ZERO,
        });
        emit.emit(&Event::Disconnected {
            reason: "what comes of it has a count of its own".to_owned(),
        });
        emit.emit(&Event::DeadLetters {
            rows: 3,
            table: "bars",
        });
        emit.emit(&Event::IdReset {
            symbol: "BTCUSDT".parse().expect("a symbol"),
            last_id: 9,
            exchange_id: 3,
        });
        for first_id in [5, 7] {
            emit.emit(&Event::GapAbsent {
                symbol: "ETHUSDT".parse().expect("a symbol"),
                first_id,
                last_id: first_id,
                proof: "a test".to_owned(),
            });
        }
        assert_eq!(passed.load(Ordering::Relaxed), 7);
        let mut sampler = Sampler::new(tally, PathBuf::from("."));
        let snapshot = sampler.sample(&Shown::default(), &[], 0, 0);
        assert_eq!((snapshot.errors_1h, snapshot.dead_letters_1h), (1, 3));
        let proven = &snapshot.id_resets[0];
        assert_eq!(proven.symbol.as_str(), "BTCUSDT");
        assert!(
            proven.last.contains('3') && proven.last.contains('9'),
            "{proven:?}"
        );
        let proven = &snapshot.gaps_absent[0];
        assert_eq!((proven.symbol.as_str(), proven.count_1h), ("ETHUSDT", 2));
        assert!(proven.last.contains('7'), "the last one: {proven:?}");
        let later = sampler.sample(&Shown::default(), &[], 61 * MINUTE_US, 0);
        assert_eq!(later.gaps_absent[0].count_1h, 0);
    }
}
