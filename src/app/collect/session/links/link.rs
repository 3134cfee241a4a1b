//! One link: the connection that is used, and the one that is to take over from it.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::{
    app::backoff::{Backoff, backoff},
    domain::{lag::Lag, micros::micros, overlap::Overlap, safeguard::Safeguard, symbol::Symbol},
    exchange::source::Source,
};

use super::{
    super::{super::settings::Limits, connection::Connection},
    Change,
};

/// The connection that is to take over.
pub(super) struct Successor {
    pub connection: Connection,
    /// None until it stands.
    pub overlap: Option<Overlap>,
    begun: Instant,
    /// What comes by the old one from then on has to come by it, too.
    pub settles_at: Option<Instant>,
    /// It takes over or is given up at the latest then, once it stands.
    pub deadline: Option<Instant>,
}

/// When a connection is to be replaced, and why.
#[derive(Clone, Copy)]
struct Renewal {
    at: Instant,
    reason: &'static str,
}

pub(super) struct Link {
    source: Arc<dyn Source>,
    symbols: Vec<Symbol>,
    limits: Limits,
    pub connection: Connection,
    pub successor: Option<Successor>,
    pub up_since: Option<Instant>,
    renewal: Option<Renewal>,
    /// The pauses between renewals that come to nothing.
    pauses: Backoff,
    pub has_connected: bool,
    pub reconnects: u64,
    pub trades: u64,
    /// How it does beside the others.
    pub lag: Lag,
    /// Since when it is dead, until everything comes by it again.
    pub dead_since: Option<Instant>,
    /// What the times of `lag` count from.
    epoch: Instant,
}

impl Link {
    pub fn new(source: &Arc<dyn Source>, symbols: &[Symbol], limits: &Limits) -> Self {
        Self {
            connection: Connection::new(Arc::clone(source), symbols.to_vec(), limits),
            source: Arc::clone(source),
            successor: None,
            up_since: None,
            renewal: None,
            pauses: backoff(limits.reconnect_min, limits.reconnect_max),
            has_connected: false,
            reconnects: 0,
            trades: 0,
            lag: Lag::new(symbols.len(), micros(limits.silence_grace)),
            dead_since: None,
            epoch: Instant::now(),
            symbols: symbols.to_vec(),
            limits: limits.clone(),
        }
    }

    pub fn is_up(&self) -> bool {
        let successor = self.successor.as_ref();
        self.connection.is_up() || successor.is_some_and(|successor| successor.connection.is_up())
    }

    /// A time as `lag` counts it.
    pub fn micros(&self, now: Instant) -> i64 {
        micros(now.saturating_duration_since(self.epoch))
    }

    /// It stands from now on, until it is too old. Links that were made together must not
    /// be renewed together.
    pub fn stands(&mut self, now: Instant) {
        self.up_since = Some(now);
        self.renewal = Some(Renewal {
            at: now + age_at_renewal(self.limits.renew_after, rand::random_range(-1.0..=1.0)),
            reason: "it is old",
        });
        self.lag.begin(self.micros(now));
    }

    fn falls(&mut self) {
        self.up_since = None;
        self.renewal = None;
        self.lag.rest();
    }

    /// Looks at the clocks.
    pub fn tick(&mut self, now: Instant) -> Option<Change> {
        self.connection.tick(now);
        if let Some(successor) = &mut self.successor {
            successor.connection.tick(now);
            if let Some(overlap) = &mut successor.overlap
                && successor.settles_at.take_if(|at| now >= *at).is_some()
            {
                overlap.settle();
            }
            if successor.deadline.is_some_and(|deadline| now >= deadline) {
                return self.decide(now);
            }
            return None;
        }
        let may_renew = self.limits.safeguards.has(Safeguard::Renewal);
        let renewal = self
            .renewal
            .filter(|renewal| may_renew && now >= renewal.at)?;
        if !self.connection.is_up() {
            return None;
        }
        let (source, symbols) = (Arc::clone(&self.source), self.symbols.clone());
        self.successor = Some(Successor {
            connection: Connection::new(source, symbols, &self.limits),
            overlap: None,
            begun: now,
            settles_at: None,
            deadline: None,
        });
        Some(Change::Renewing(renewal.reason))
    }

    /// The exchange has announced that it will close the connection, or the successor.
    pub fn shutdown_announced(&mut self, is_successor: bool, now: Instant) -> Option<Change> {
        let Some(successor) = &mut self.successor else {
            // A successor may have taken over with the same message.
            self.renew_early("the exchange announced its end", now);
            return None;
        };
        if !is_successor {
            return None;
        }
        // It is no better than the old one, which is used until there is one that is.
        successor.overlap = None;
        successor.deadline = None;
        Some(Change::RenewFailed {
            reason: "the exchange announced the end of the new one, too".to_owned(),
            retry_in: successor.connection.connect_later(),
        })
    }

    /// Has the connection replaced before it is old: at once, but not over and over, should
    /// the end of every new one be announced.
    fn renew_early(&mut self, reason: &'static str, now: Instant) {
        let age = self
            .up_since
            .map(|since| now.saturating_duration_since(since));
        let is_young = age.is_some_and(|age| age < self.limits.renew_overlap);
        let pause = if is_young {
            self.pause()
        } else {
            Duration::ZERO
        };
        self.renewal = Some(Renewal {
            at: now + pause,
            reason,
        });
    }

    fn pause(&mut self) -> Duration {
        self.pauses.next().unwrap_or(self.limits.reconnect_max)
    }

    /// The successor has had its time, and has not shown that it carries every symbol. It must
    /// not replace a connection that brings more than it does.
    fn decide(&mut self, now: Instant) -> Option<Change> {
        let overlap = self.successor.as_ref()?.overlap.as_ref()?;
        let lacking: Vec<_> = overlap
            .lacking()
            .filter_map(|symbol| self.symbols.get(symbol))
            .map(Symbol::as_str)
            .collect();
        if lacking.is_empty() {
            let has_overlapped = overlap.has_met();
            return self.succeed(has_overlapped, now);
        }
        let reason = format!(
            "the new one brings no trades of {}, which the old one does",
            lacking.join(", ")
        );
        let successor = self.successor.take()?;
        goodbye(successor.connection);
        let retry_in = self.pause();
        if let Some(renewal) = &mut self.renewal {
            renewal.at = now + retry_in;
        }
        Some(Change::RenewFailed { reason, retry_in })
    }

    /// The successor takes over, and the old connection is closed.
    pub fn succeed(&mut self, has_overlapped: bool, now: Instant) -> Option<Change> {
        let successor = self.successor.take()?;
        let old = std::mem::replace(&mut self.connection, successor.connection);
        let has_ended_first = !old.is_up();
        self.stands(now);
        // It has shown its worth; the next renewal is far.
        if has_overlapped {
            let (min, max) = (self.limits.reconnect_min, self.limits.reconnect_max);
            self.pauses = backoff(min, max);
        }
        goodbye(old);
        Some(Change::Renewed {
            took: now.saturating_duration_since(successor.begun),
            has_overlapped,
            has_ended_first,
        })
    }

    /// The successor has ended before it took over.
    pub fn successor_ended(&mut self) {
        if let Some(successor) = &mut self.successor {
            successor.overlap = None;
            successor.deadline = None;
            successor.connection.connect_later();
        }
    }

    /// Ends what there is, and plans the next attempt.
    pub fn reconnect(&mut self) {
        self.successor = None;
        self.falls();
        self.connection.connect_later();
    }

    /// Ends what there is.
    pub fn pause_for_now(&mut self) {
        self.successor = None;
        self.falls();
        self.connection.pause();
    }
}

/// A goodbye may take a while, and nobody waits for it.
fn goodbye(connection: Connection) {
    tokio::spawn(connection.close().boxed());
}

/// How old a connection gets, with `chance` from -1 to 1. The exchange ends those of 24 h; what
/// is renewed after 23 h has to be done with it before.
fn age_at_renewal(renew_after: Duration, chance: f64) -> Duration {
    const SPREAD: f64 = 0.02;
    renew_after.mul_f64(1.0 + SPREAD * chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_renewed_well_before_the_exchange_ends_it() {
        let limits = Limits::default();
        let hour = Duration::from_secs(3600);
        for chance in [-1.0, -0.5, 0.0, 0.5, 1.0] {
            let age = age_at_renewal(limits.renew_after, chance);
            // Attempts that fail are repeated after at most a minute.
            let spare = limits.renew_overlap * 10;
            assert!(age + spare < 24 * hour, "{age:?}");
            assert!(age > 22 * hour, "{age:?}");
        }
        let (least, most) = (
            age_at_renewal(limits.renew_after, -1.0),
            age_at_renewal(limits.renew_after, 1.0),
        );
        assert!(most > least + hour / 2, "links are not renewed together");
    }
}
