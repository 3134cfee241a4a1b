//! The handle that makes things go wrong, for tests in the same process.

use std::sync::Arc;

use super::exchange::Exchange;
use super::fault::{CutHow, Fault, FaultChange, FaultKind};
use super::stats::Stats;

/// Controls the faults of a running sim; clones control the same one.
#[derive(Debug, Clone)]
pub struct Faults {
    exchange: Arc<Exchange>,
}

impl Faults {
    pub(crate) fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange }
    }

    /// Adds a fault.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with the fault: a symbol that is not served, or a number
    /// that makes no sense.
    pub fn add(&self, fault: Fault) -> Result<(), String> {
        self.change(&FaultChange {
            clear: false,
            add: vec![fault],
        })
    }

    /// Changes the faults as `POST /sim/faults` does: all of the change or nothing.
    ///
    /// # Errors
    ///
    /// As for [`Faults::add`].
    pub fn change(&self, change: &FaultChange) -> Result<(), String> {
        self.exchange.change_faults(change)
    }

    /// Ends all faults, and lets silenced connections speak again.
    pub fn clear(&self) {
        self.exchange.board.clear();
        self.exchange.hub.recover();
    }

    /// The faults in force, with the strikes left.
    pub fn list(&self) -> Vec<Fault> {
        self.exchange.board.list()
    }

    /// What has happened at the sim so far.
    pub fn stats(&self) -> Stats {
        self.exchange.stats()
    }

    /// Ends all open stream connections at once.
    pub fn cut(&self, how: CutHow) {
        self.strike_open(&FaultKind::Cut { how, open: true });
    }

    /// Makes all open stream connections half-open: the sockets stay, nothing comes.
    pub fn half_open(&self) {
        self.strike_open(&FaultKind::HalfOpen { open: true });
    }

    /// Stops the data on all open stream connections; pings go on.
    pub fn pings_only(&self) {
        self.strike_open(&FaultKind::PingsOnly { open: true });
    }

    fn strike_open(&self, kind: &FaultKind) {
        let struck = self.exchange.hub.strike(kind, None);
        self.exchange.board.count_strikes(struck as u64);
    }
}
