//! Have two connections met, so that the old one can go?
//!
//! While a connection is replaced both are open, and what comes first by either counts. The
//! old one can be closed once the new one carries every symbol from where the old one is: its
//! first id is at most one above the last id that has come by any other way. A symbol that is
//! silent on both says nothing and holds nothing up.

/// What each symbol has shown on the two connections.
#[derive(Debug, Clone)]
pub struct Overlap {
    symbols: Vec<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The last id that came by the old connection since the new one is open, or was here
    /// when it was opened.
    old: i64,
    /// Whether the old one has brought anything since.
    old_has_come: bool,
    /// The first id that came by the new one.
    new: Option<i64>,
}

impl Overlap {
    /// Begins when the new connection is open, with the last id that is here of each symbol.
    #[must_use]
    pub fn new(last_ids: impl IntoIterator<Item = i64>) -> Self {
        let seen = |old| Seen {
            old,
            old_has_come: false,
            new: None,
        };
        Self {
            symbols: last_ids.into_iter().map(seen).collect(),
        }
    }

    /// A trade has come by the old connection.
    pub fn by_old(&mut self, symbol: usize, id: i64) {
        if let Some(seen) = self.symbols.get_mut(symbol) {
            seen.old = seen.old.max(id);
            seen.old_has_come = true;
        }
    }

    /// A trade has come by the new connection.
    pub fn by_new(&mut self, symbol: usize, id: i64) {
        if let Some(seen) = self.symbols.get_mut(symbol) {
            seen.new.get_or_insert(id);
        }
    }

    /// Whether the new connection carries everything that the old one does. At least one
    /// symbol has to show it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let met = |seen: &Seen| match seen.new {
            Some(new) => new <= seen.old + 1,
            None => !seen.old_has_come,
        };
        self.symbols.iter().all(met) && self.symbols.iter().any(|seen| seen.new.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_connection_goes_when_every_symbol_that_trades_has_met() {
        let mut overlap = Overlap::new([10, 20, 30]);
        assert!(!overlap.is_complete(), "nothing has been shown yet");
        overlap.by_old(0, 11);
        overlap.by_new(0, 12);
        assert!(overlap.is_complete(), "the others are silent on both");
        overlap.by_old(1, 21);
        assert!(!overlap.is_complete(), "it is mute on the new one");
        overlap.by_new(1, 21);
        assert!(overlap.is_complete());
    }

    #[test]
    fn a_new_connection_that_begins_later_waits_for_the_old_one_to_reach_it() {
        let mut overlap = Overlap::new([10]);
        overlap.by_new(0, 15);
        assert!(!overlap.is_complete());
        overlap.by_old(0, 13);
        assert!(!overlap.is_complete());
        overlap.by_old(0, 14);
        assert!(overlap.is_complete());
    }

    #[test]
    fn a_trade_that_only_the_new_one_brings_is_enough() {
        let mut overlap = Overlap::new([10, 20]);
        overlap.by_new(1, 21);
        assert!(overlap.is_complete());
    }
}
