//! Which symbols of a group are down, and since when.
//!
//! It outlives the sessions of its group, and their threads: an interruption that a session
//! did not survive is one all the same.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::domain::{
    outage::{Cause, Change, Cure, Outage},
    symbol::Symbol,
};

use super::{super::event::Event, Context, Group, Session, repair::Case};

/// The outages of a group, in the order of its symbols. Cheap to clone.
#[derive(Clone)]
pub(in super::super) struct Outages(Arc<Mutex<Vec<Outage>>>);

impl fmt::Debug for Outages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outages").finish_non_exhaustive()
    }
}

impl Outages {
    /// Those of so many symbols, at `now_us` on the steady clock.
    pub fn new(symbols: usize, now_us: i64) -> Self {
        Self(Arc::new(Mutex::new(vec![Outage::new(now_us); symbols])))
    }

    fn all(&self) -> MutexGuard<'_, Vec<Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    /// The session of the group has ended, and another one begins as `cure`.
    pub fn session_ended(&self, context: &Context, cure: Cure) {
        let now_us = context.clock.steady_us();
        let mut outages = self.outages.all();
        for ((_, symbol), outage) in self.symbols.iter().zip(outages.iter_mut()) {
            tell(context, symbol, outage.session_ended(cure, now_us), now_us);
        }
    }
}

impl Session<'_> {
    /// Looks which symbols are down, and which are up again.
    pub(super) fn look_at_outages(&mut self) {
        let trouble = if self.is_paused {
            Some(Cause::SpoolFull)
        } else {
            (!self.links.is_up()).then_some(Cause::Disconnected)
        };
        let now_us = self.context.clock.steady_us();
        let mut outages = self.outages.all();
        for (slot, outage) in self.slots.iter().zip(outages.iter_mut()) {
            let change = outage.look(slot.look(trouble), now_us);
            tell(self.context, &slot.symbol, change, now_us);
        }
    }

    /// The streams of these symbols were found dead.
    pub(super) fn found_dead(&mut self, dead: &[Case]) {
        let now_us = self.context.clock.steady_us();
        let mut outages = self.outages.all();
        for case in dead {
            if let Some(outage) = outages.get_mut(case.index) {
                tell(
                    self.context,
                    &case.symbol,
                    outage.found_dead(now_us),
                    now_us,
                );
            }
        }
    }
}

/// It is told past the session's own diary, which may end with the session.
fn tell(context: &Context, symbol: &Symbol, change: Option<Change>, now_us: i64) {
    let symbol = || symbol.clone();
    let event = match change {
        None => return,
        Some(Change::Down { since_us, cause }) => Event::SymbolDown {
            symbol: symbol(),
            since_us: context.clock.wall_us() - (now_us - since_us),
            cause,
        },
        Some(Change::Up { took_us, cure }) => Event::SymbolUp {
            symbol: symbol(),
            took: Duration::from_micros(took_us.unsigned_abs()),
            cure,
        },
    };
    context.told.emit(&event);
}
