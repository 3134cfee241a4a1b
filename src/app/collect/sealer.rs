//! Seals periods once they are whole in the store.
//!
//! A period is looked at when a trade of a later one was taken and everything from before
//! then is delivered. The store is read back: what was collected is not enough. At the start
//! the recent periods have their turn, and all the time those that were sealed and are not any
//! more, because somebody has written their bars again. None of this holds up collecting, and
//! a store that delivery has trouble with is left alone.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        backoff::{Backoff, backoff},
        seals::Sealing,
        supervise::Turns,
    },
    domain::{
        anchor::Period,
        micros::micros,
        seal::{SealKey, SealRow},
        symbol::Symbol,
        tiling::Unsealable,
    },
};

use super::{event::Event, session::Context, settings::Limits};

mod attempt;

use attempt::{Attempt, Due, attempt, is_covered, is_delivered, is_usable, newest_us, patiently};

/// How often the task looks, within the patience that it is given.
const LOOKS_PER_PATIENCE: u32 = 4;

/// So many failures in a row are told of.
const TOLD_FAILURES: u64 = 2;

pub(super) struct Sealer {
    context: Context,
    /// By symbol, the latest time of a trade.
    newest_us: BTreeMap<Symbol, i64>,
    /// Periods that are over and have no seal yet, as far as is known.
    pending: BTreeMap<SealKey, Pending>,
    /// Periods that have one.
    sealed: BTreeSet<SealKey>,
    /// Periods without any bar.
    empty: BTreeSet<SealKey>,
    /// Seals that were written and not confirmed.
    unconfirmed: Vec<SealRow>,
    /// When it was last looked whether what was sealed still is.
    looked: Instant,
    /// Symbols without a trade since the start, whose last bar was asked for.
    asked: BTreeSet<Symbol>,
    begun: Instant,
    failures: u64,
    pauses: Backoff,
    /// Nothing is tried before.
    failed_until: Option<Instant>,
}

/// A period that is to be sealed.
struct Pending {
    /// When it was found that it is over, in µs on the wall clock.
    noticed_us: i64,
    noticed: Instant,
    next: Instant,
    pauses: Backoff,
    /// What was told of it.
    told: Option<Unsealable>,
}

fn retries(limits: &Limits) -> Backoff {
    backoff(limits.seal_retry_min, limits.seal_retry_max)
}

impl Sealer {
    pub fn new(context: Context) -> Self {
        Self {
            pauses: retries(&context.settings.limits),
            context,
            newest_us: BTreeMap::new(),
            pending: BTreeMap::new(),
            sealed: BTreeSet::new(),
            empty: BTreeSet::new(),
            unconfirmed: Vec::new(),
            looked: Instant::now(),
            asked: BTreeSet::new(),
            begun: Instant::now(),
            failures: 0,
            failed_until: None,
        }
    }

    /// Seals until `finish`.
    pub async fn run(mut self, turns: Turns, finish: CancellationToken) {
        let limits = self.context.settings.limits.clone();
        let patience = limits.delivery_hang;
        let look = (limits.tasks.hang / LOOKS_PER_PATIENCE).min(limits.seal_delay / 2);
        while !finish.is_cancelled() {
            if turns.take_or_misbehave().await {
                return;
            }
            self.notice();
            if let Some(symbol) = self.unheard() {
                let asked = newest_us(&self.context, &symbol);
                // Should that fail, the next trade will tell.
                let newest_us = patiently(asked, patience, (&turns, look), &finish).await;
                if let Some(Ok(Ok(Some(time_us)))) = newest_us {
                    self.note_time(&symbol, time_us);
                }
                self.asked.insert(symbol);
                continue;
            }
            let Some(due) = self.due() else {
                tokio::select! {
                    () = finish.cancelled() => {}
                    () = tokio::time::sleep(look) => {}
                }
                continue;
            };
            let unconfirmed = std::mem::take(&mut self.unconfirmed);
            let since_us = self.since_us(&due);
            let attempt = attempt(&self.context, &due, since_us, &unconfirmed);
            let attempt = patiently(attempt, patience, (&turns, look), &finish);
            let Some(result) = attempt.await else {
                return;
            };
            match result {
                Ok(Ok(done)) => self.took_place(&due, done),
                Ok(Err(error)) => self.failed(unconfirmed, &format!("{error:#}")),
                Err(_) => {
                    let address = self.context.store.address();
                    let reason = format!("read {address} within {patience:?}");
                    self.failed(unconfirmed, &reason);
                }
            }
        }
    }

    fn key(&self, symbol: &Symbol, period: Period) -> SealKey {
        SealKey {
            exchange: self.context.exchange.clone(),
            symbol: symbol.clone(),
            anchor: self.context.settings.anchor,
            period_start_us: period.start_us,
        }
    }

    /// Notes which periods are over by now.
    fn notice(&mut self) {
        for line in self.context.board.read().symbols {
            if let Some(time_us) = line.last_time_us {
                self.note_time(&line.symbol, time_us);
            }
        }
    }

    /// A symbol that nothing has come of since the start: what was left unsealed has no need
    /// to wait for its next trade.
    fn unheard(&self) -> Option<Symbol> {
        let symbols = self.context.settings.symbols.iter();
        let mut unheard = symbols.filter(|symbol| {
            !self.newest_us.contains_key(*symbol) && !self.asked.contains(*symbol)
        });
        let is_time = self.begun.elapsed() >= self.context.settings.limits.seal_delay;
        let is_usable = is_usable(&self.context.board.read().sink);
        (is_time && is_usable).then(|| unheard.next().cloned())?
    }

    /// A trade of that time is there: the periods before its own are over. Those that are too
    /// long ago are forgotten.
    fn note_time(&mut self, symbol: &Symbol, time_us: i64) {
        let anchor = self.context.settings.anchor;
        let limits = &self.context.settings.limits;
        let known = self.newest_us.get(symbol).copied();
        let newest_us = known.map_or(time_us, |known| known.max(time_us));
        self.newest_us.insert(symbol.clone(), newest_us);
        let current = anchor.period(newest_us);
        if known.is_some_and(|known| known >= current.start_us) {
            return;
        }
        let now = Instant::now();
        let oldest_us = newest_us.saturating_sub(micros(limits.seal_reach));
        let mut period = anchor.period(current.start_us.saturating_sub(1));
        loop {
            let key = self.key(symbol, period);
            if !self.sealed.contains(&key) && !self.empty.contains(&key) {
                let next = now + self.context.settings.limits.seal_delay;
                let pending = self.begin(now, next);
                self.pending.entry(key).or_insert(pending);
            }
            if period.start_us <= oldest_us {
                break;
            }
            period = anchor.period(period.start_us.saturating_sub(1));
        }
        let is_recent =
            |key: &SealKey| key.symbol != *symbol || key.period_start_us >= period.start_us;
        self.pending.retain(|key, _| is_recent(key));
        self.sealed.retain(is_recent);
        self.empty.retain(is_recent);
    }

    /// A period that is first tried at `next`.
    fn begin(&self, now: Instant, next: Instant) -> Pending {
        Pending {
            noticed_us: self.context.clock.wall_us(),
            noticed: now,
            next,
            pauses: retries(&self.context.settings.limits),
            told: None,
        }
    }

    /// The periods of one symbol that may be sealed now; or one that was sealed, when it is
    /// time to look whether it still is.
    fn due(&self) -> Option<Due> {
        let now = Instant::now();
        let shown = self.context.board.read();
        if !is_usable(&shown.sink) || self.failed_until.is_some_and(|until| now < until) {
            return None;
        }
        let is_due = |pending: &Pending| {
            now >= pending.next && is_delivered(&shown.spool, pending.noticed_us)
        };
        let mut due = self.pending.iter().filter(|(_, pending)| is_due(pending));
        if let Some((key, _)) = due.next() {
            let symbol = key.symbol.clone();
            let of_symbol = self.pending.iter();
            let periods = of_symbol
                .filter(|(key, pending)| key.symbol == symbol && is_due(pending))
                .map(|(key, _)| key.clone());
            return Some(Due {
                periods: periods.collect(),
                symbols: vec![symbol],
            });
        }
        let is_time = now >= self.looked + self.context.settings.limits.seal_interval;
        let knows_any = !self.sealed.is_empty() || !self.unconfirmed.is_empty();
        (is_time && knows_any).then(|| Due {
            symbols: self.context.settings.symbols.clone(),
            periods: BTreeSet::new(),
        })
    }

    /// The first µs of the first period that is of interest.
    fn since_us(&self, due: &Due) -> Option<i64> {
        let known = self.sealed.iter().chain(&due.periods);
        let of_symbols = known.filter(|key| due.symbols.contains(&key.symbol));
        of_symbols.map(|key| key.period_start_us).min()
    }

    fn took_place(&mut self, due: &Due, done: Attempt) {
        let told = &self.context.told;
        if self.failures >= TOLD_FAILURES {
            let failures = self.failures;
            told.emit(&Event::SealingRecovered { failures });
        }
        (self.failures, self.failed_until) = (0, None);
        self.pauses = retries(&self.context.settings.limits);
        self.unconfirmed = done.unconfirmed;
        let wanted = &self.context.settings.thresholds;
        let stored: BTreeMap<SealKey, bool> = done
            .stored
            .iter()
            .map(|seal| (seal.key.clone(), is_covered(seal, wanted)))
            .collect();
        for row in &done.confirmed.sealed {
            told.emit(&Event::PeriodSealed {
                symbol: row.key.symbol.clone(),
                start_us: row.key.period_start_us,
                ids: row.ids,
                thresholds: row.digests.keys().copied().collect(),
            });
        }
        let confirmed = done.confirmed.sealed.iter().map(|row| &row.key);
        let standing = done.sealing.standing.iter();
        let covered = stored.iter().filter(|(_, is_covered)| **is_covered);
        let sealed: BTreeSet<SealKey> = confirmed
            .chain(standing)
            .chain(covered.map(|(key, _)| key))
            .cloned()
            .collect();
        self.judged(&done.sealing, &stored);
        self.pending.retain(|key, _| !sealed.contains(key));
        if due.periods.is_empty() {
            self.looked = Instant::now();
            self.reopen(&sealed);
        }
        self.sealed.extend(sealed);
        self.postpone(due, &done.sealing);
    }

    /// Tells, once, of periods that are over and delivered and cannot be sealed.
    fn judged(&mut self, sealing: &Sealing, stored: &BTreeMap<SealKey, bool>) {
        let patience = self.context.settings.limits.seal_patience;
        for (key, reason) in &sealing.refused {
            let Some(pending) = self.pending.get_mut(key) else {
                continue;
            };
            // One that is sealed without a threshold that came later is nothing to tell of.
            let is_known = pending.told.as_ref() == Some(reason) || stored.contains_key(key);
            if is_known || pending.noticed.elapsed() < patience {
                continue;
            }
            pending.told = Some(reason.clone());
            self.context.told.emit(&Event::PeriodUnsealable {
                symbol: key.symbol.clone(),
                start_us: key.period_start_us,
                reason: reason.clone(),
            });
        }
    }

    /// Periods that were sealed and are not any more have their turn again.
    fn reopen(&mut self, sealed: &BTreeSet<SealKey>) {
        let now = Instant::now();
        let gone: Vec<_> = self.sealed.difference(sealed).cloned().collect();
        for key in gone {
            self.sealed.remove(&key);
            let pending = self.begin(now, now);
            self.pending.entry(key).or_insert(pending);
        }
    }

    /// What was tried and is not sealed is tried again later, if there is anything to seal.
    fn postpone(&mut self, due: &Due, sealing: &Sealing) {
        let limits = &self.context.settings.limits;
        let seen: BTreeSet<&SealKey> = sealing.refused.iter().map(|(key, _)| key).collect();
        let written = sealing.written.iter().map(|row| &row.key);
        let seen: BTreeSet<&SealKey> = seen.into_iter().chain(written).collect();
        for key in &due.periods {
            let Some(pending) = self.pending.get_mut(key) else {
                continue;
            };
            if !seen.contains(key) && pending.noticed.elapsed() >= limits.seal_patience {
                // Nothing was traded, or collecting began later.
                self.pending.remove(key);
                self.empty.insert(key.clone());
                continue;
            }
            let pause = pending.pauses.next().unwrap_or(limits.seal_retry_max);
            pending.next = Instant::now() + pause;
        }
    }

    fn failed(&mut self, unconfirmed: Vec<SealRow>, reason: &str) {
        self.unconfirmed = unconfirmed;
        let limits = &self.context.settings.limits;
        let pause = self.pauses.next().unwrap_or(limits.seal_retry_max);
        self.failed_until = Some(Instant::now() + pause);
        self.failures += 1;
        // A store that is away is delivery's to tell of, which may not know yet. One failure
        // that lasts is told of once.
        if self.failures == TOLD_FAILURES {
            self.context.told.emit(&Event::SealingFailed {
                reason: reason.to_owned(),
            });
        }
    }
}
