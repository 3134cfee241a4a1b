//! Have two connections met, so that the old one can go?
//!
//! While a connection is replaced both are open, and what comes first by either counts. The
//! old one can be closed once the new one carries every symbol from where the old one is: its
//! first id is at most one above the last id that has come by any other way. A symbol that is
//! silent on both has not shown yet whether the new one carries it: there is time to wait, and
//! when that is over it is no reason to keep the old one.

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

impl Seen {
    fn has_met(&self) -> bool {
        self.new.is_some_and(|new| new <= self.old + 1)
    }
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

    /// What the old connection has brought so far may have happened before the new one was
    /// open: that much need not come by it.
    pub fn settle(&mut self) {
        for seen in &mut self.symbols {
            seen.old_has_come = false;
        }
    }

    /// Whether the new connection has shown for every symbol that it carries what the old one
    /// does.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.symbols.iter().all(Seen::has_met)
    }

    /// Whether it has shown that for every symbol that trades, and for one at least.
    #[must_use]
    pub fn has_met(&self) -> bool {
        let is_silent = |seen: &Seen| seen.new.is_none() && !seen.old_has_come;
        let mut symbols = self.symbols.iter();
        symbols.all(|seen| seen.has_met() || is_silent(seen))
            && self.symbols.iter().any(Seen::has_met)
    }

    /// The symbols that the old connection brings and the new one does not: as long as there
    /// are any, the old one is the better of the two.
    pub fn lacking(&self) -> impl Iterator<Item = usize> {
        let symbols = self.symbols.iter().enumerate();
        symbols.filter_map(|(symbol, seen)| {
            let is_lacking = seen.old_has_come && seen.new.is_none();
            is_lacking.then_some(symbol)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_connection_goes_when_every_symbol_has_met() {
        let mut overlap = Overlap::new([10, 20]);
        assert!(!overlap.has_met(), "nothing has been shown yet");
        overlap.by_old(0, 11);
        overlap.by_new(0, 12);
        assert!(overlap.has_met(), "the other one is silent on both");
        assert!(!overlap.is_complete(), "it may be mute on the new one");
        overlap.by_old(1, 21);
        assert!(!overlap.has_met(), "it is mute on the new one");
        overlap.by_new(1, 21);
        assert!(overlap.has_met() && overlap.is_complete());
    }

    #[test]
    fn what_came_before_the_new_connection_was_open_need_not_come_by_it() {
        let mut overlap = Overlap::new([10, 20]);
        overlap.by_old(1, 21);
        overlap.settle();
        overlap.by_new(0, 11);
        assert!(overlap.has_met());
        assert_eq!(overlap.lacking().count(), 0);
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
    fn what_only_the_old_connection_brings_is_lacking() {
        let mut overlap = Overlap::new([10, 20, 30]);
        assert_eq!(overlap.lacking().count(), 0, "both are silent");
        overlap.by_old(0, 11);
        overlap.by_old(1, 21);
        overlap.by_new(1, 22);
        overlap.by_new(2, 31);
        assert_eq!(overlap.lacking().collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_trade_that_only_the_new_one_brings_is_enough() {
        let mut overlap = Overlap::new([10, 20]);
        overlap.by_new(1, 21);
        assert!(overlap.has_met());
    }
}
