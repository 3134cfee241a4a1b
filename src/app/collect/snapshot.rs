//! What collecting looks like at the moment, for whoever shows it.

use tokio::sync::watch;

use crate::{
    domain::{
        breaker::BreakerState, health::Pulse, liveness::Signs, price::Price, symbol::Symbol,
        threshold::Threshold,
    },
    journal::SpoolStats,
    store::sink::StoreErrorKind,
};

/// How far a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Finding out where to start.
    #[default]
    Starting,
    /// Fetching what the exchange already has.
    CatchingUp,
    /// Everything that the exchange has is here.
    Live,
    /// Given up; a person has to look.
    Stopped,
}

/// The state of a symbol's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// No connection.
    #[default]
    Down,
    /// Connected; trades come.
    Up,
    /// Connected; the exchange confirmed that there is nothing new.
    Quiet,
}

/// One symbol at one moment.
#[derive(Debug, Clone)]
pub struct SymbolSnapshot {
    /// The symbol.
    pub symbol: Symbol,
    /// How far it is.
    pub phase: Phase,
    /// Its connection.
    pub link: Link,
    /// Trades taken since the start.
    pub trades: u64,
    /// Those of them that had to be fetched.
    pub fetched: u64,
    /// Bars closed since the start, by threshold.
    pub bars: Vec<(Threshold, u64)>,
    /// By threshold: when the newest bar closed, in µs since 1970 UTC, where one is known.
    pub newest_bars: Vec<(Threshold, i64)>,
    /// The last id that was taken, before the start too; none before the first.
    pub last_id: Option<i64>,
    /// The last price.
    pub last_price: Option<Price>,
    /// When the last trade was traded, in µs since 1970 UTC.
    pub last_time_us: Option<i64>,
    /// How long ago a live trade was last received, whichever session did, in µs; none before
    /// the first.
    pub age_us: Option<i64>,
    /// When a trade was last taken, by stream or fetched, in µs since 1970 UTC; exact to
    /// one look of the session. None before the first since the start.
    pub received_at_us: Option<i64>,
    /// The next id that is awaited.
    pub next_id: i64,
    /// The newest id that is known to exist.
    pub newest_id: i64,
    /// The first id that was taken since the start.
    pub first_id: i64,
    /// Live trades that came twice.
    pub duplicates: u64,
    /// Fetched trades that were here already.
    pub overlapping: u64,
    /// Live trades that were not what the exchange has, or another live one, under their id.
    pub disputed: u64,
    /// Live trades that were given up because the exchange never had their id.
    pub unconfirmed: u64,
    /// Held trades that were dropped at the hold's bound, to be fetched again.
    pub hold_dropped: u64,
    /// Gaps found and not yet closed.
    pub gaps_open: u64,
    /// Gaps closed by fetching.
    pub gaps_repaired: u64,
    /// Gaps proven absent.
    pub gaps_absent: u64,
    /// What its stream looks like.
    pub pulse: Pulse,
    /// How long nothing has come by stream, in µs. No reconnection makes it shorter.
    pub silence_us: i64,
    /// Looks in a row that found it silent.
    pub silent_looks: u64,
    /// For how much of that the exchange has not said that there was nothing, in µs.
    pub unexplained_us: i64,
    /// From which unexplained silence on the stream is suspect, its grace included, in µs.
    pub patience_us: i64,
    /// Since when the exchange is known to have trades that are not in the bars, on the
    /// steady clock; none while everything known is here.
    pub behind_since_us: Option<i64>,
    /// How long that is, in µs.
    pub behind_us: i64,
    /// What is remembered of its stream; none before the first session.
    pub signs: Option<Signs>,
}

impl SymbolSnapshot {
    /// A symbol of which nothing is known yet.
    #[must_use]
    pub fn new(symbol: Symbol) -> Self {
        Self {
            symbol,
            phase: Phase::default(),
            link: Link::default(),
            trades: 0,
            fetched: 0,
            bars: Vec::new(),
            newest_bars: Vec::new(),
            last_id: None,
            last_price: None,
            last_time_us: None,
            age_us: None,
            received_at_us: None,
            next_id: 0,
            newest_id: -1,
            first_id: 0,
            duplicates: 0,
            overlapping: 0,
            disputed: 0,
            unconfirmed: 0,
            hold_dropped: 0,
            gaps_open: 0,
            gaps_repaired: 0,
            gaps_absent: 0,
            pulse: Pulse::Down,
            silence_us: 0,
            silent_looks: 0,
            unexplained_us: 0,
            patience_us: 0,
            behind_since_us: None,
            behind_us: 0,
            signs: None,
        }
    }

    /// Whether its stream is known, or has to be feared, to be dead although it is connected.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.pulse == Pulse::Dead
            || (self.pulse != Pulse::Quiet && self.unexplained_us > self.patience_us)
    }
}

/// One connection to the exchange at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionSnapshot {
    /// The number of the group that it is for.
    pub group: usize,
    /// The symbols of that group.
    pub symbols: Vec<Symbol>,
    /// Since when it stands, in µs on the steady clock; none while there is none.
    pub up_since_us: Option<i64>,
    /// Trades that have come by it, and by those before it.
    pub messages: u64,
    /// Connections made in its place after the first.
    pub reconnects: u64,
    /// The symbols that the connections beside it bring, and it does not.
    pub behind: Vec<Symbol>,
}

impl SymbolSnapshot {
    /// Goes on counting from `before`, what the symbol came to before it was started anew.
    #[must_use]
    pub(super) fn after(mut self, before: &Self) -> Self {
        if before.trades > 0 {
            self.first_id = before.first_id;
        }
        self.trades += before.trades;
        self.fetched += before.fetched;
        for (threshold, bars) in &before.bars {
            match self.bars.iter_mut().find(|(known, _)| known == threshold) {
                Some((_, count)) => *count += bars,
                None => self.bars.push((*threshold, *bars)),
            }
        }
        for (threshold, close_us) in &before.newest_bars {
            match self.newest_bars.iter_mut().find(|(t, _)| t == threshold) {
                Some((_, newest_us)) => *newest_us = (*newest_us).max(*close_us),
                None => self.newest_bars.push((*threshold, *close_us)),
            }
        }
        if self.last_id.is_none() {
            self.last_id = before.last_id;
            self.last_time_us = before.last_time_us;
        }
        self.duplicates += before.duplicates;
        self.overlapping += before.overlapping;
        self.disputed += before.disputed;
        self.unconfirmed += before.unconfirmed;
        self.hold_dropped += before.hold_dropped;
        self.gaps_repaired += before.gaps_repaired;
        self.gaps_absent += before.gaps_absent;
        self
    }
}

/// Failed inserts by their class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InsertErrors {
    /// Those that pass by themselves.
    pub retry: u64,
    /// Those after which it is not known whether the rows are in.
    pub ambiguous: u64,
    /// Those that a person has to mend.
    pub configuration: u64,
    /// Those that are the fault of the rows.
    pub content: u64,
}

impl InsertErrors {
    /// Counts one.
    pub fn count(&mut self, kind: StoreErrorKind) {
        *match kind {
            StoreErrorKind::Retry => &mut self.retry,
            StoreErrorKind::Ambiguous => &mut self.ambiguous,
            StoreErrorKind::Configuration => &mut self.configuration,
            StoreErrorKind::Content => &mut self.content,
        } += 1;
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.retry + self.ambiguous + self.configuration + self.content
    }
}

/// Delivery at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinkSnapshot {
    /// Rows confirmed by the store since the start.
    pub published: u64,
    /// Of those, the ones that had to wait in the spool: for a failure, or for this start.
    pub flushed_from_buffer: u64,
    /// Failed inserts since the start.
    pub errors: InsertErrors,
    /// Failed attempts in a row; 0 when the last one succeeded.
    pub failures: u32,
    /// The breaker.
    pub breaker: BreakerState,
    /// How often it has opened since the start.
    pub breaker_trips: u64,
    /// When the next trial is made, in µs since 1970 UTC; none when the breaker is not open.
    pub trial_at_us: Option<i64>,
}

/// Counters of the whole collector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages that the strict scanner handed to the general parser.
    pub fallbacks: u64,
    /// Messages that were no trade.
    pub malformed: u64,
    /// Connections made after the first one of each group.
    pub reconnects: u64,
    /// Commits made.
    pub commits: u64,
    /// Rows committed to the journal, to wait there until the store confirms them.
    pub buffered_to_disk: u64,
    /// How often the exchange has confirmed that a silent symbol has nothing new.
    pub quiet_confirmed: u64,
    /// Looks at the spool while nothing is consumed because it is full.
    pub paused_checks: u64,
    /// Looks at the clock while the exchange wants no question about a symbol.
    pub refused_checks: u64,
    /// Commits with which the tape went on; others hold nothing but events.
    pub advances: u64,
    /// Attempts to connect that have failed.
    pub failed_connects: u64,
}

/// Where sessions write what they look like, and reporters read it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Board(watch::Sender<Shown>);

/// Everything on the board.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// By symbol, in the order given on the command line.
    pub symbols: Vec<SymbolSnapshot>,
    /// Delivery.
    pub sink: SinkSnapshot,
    /// What the store has not confirmed.
    pub spool: SpoolStats,
    /// Counters.
    pub totals: Totals,
    /// By group of symbols, and within a group one by one.
    pub connections: Vec<ConnectionSnapshot>,
    /// Why nothing is consumed at the moment, in any group, if so.
    pub paused: Option<String>,
    /// By group of symbols.
    pub groups: Vec<GroupSnapshot>,
}

/// What concerns a whole group of symbols, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// Why nothing is consumed at the moment, if so.
    pub paused: Option<String>,
    /// Rows that were taken and are not in the journal yet.
    pub waiting_rows: u64,
    /// Live trades that wait for missing ones.
    pub held_trades: u64,
    /// Remedies in a row that have not helped.
    pub failed_remedies: u64,
    /// The symbols that they were for.
    pub dead: Vec<Symbol>,
}

impl Shown {
    /// Shows a group, and what that makes of all of them.
    pub fn show_group(&mut self, number: usize, group: GroupSnapshot) {
        if self.groups.len() <= number {
            self.groups.resize_with(number + 1, GroupSnapshot::default);
        }
        self.groups[number] = group;
        let mut groups = self.groups.iter();
        self.paused = groups.find_map(|group| group.paused.clone());
    }
}

impl Board {
    /// A board with a line for each symbol.
    #[must_use]
    pub fn new(symbols: &[Symbol]) -> Self {
        let symbols = symbols.iter().cloned().map(SymbolSnapshot::new).collect();
        Self(watch::Sender::new(Shown {
            symbols,
            ..Shown::default()
        }))
    }

    /// Changes what is shown.
    pub fn update(&self, change: impl FnOnce(&mut Shown)) {
        self.0.send_modify(change);
    }

    /// What is shown now.
    #[must_use]
    pub fn read(&self) -> Shown {
        self.0.borrow().clone()
    }

    /// Waits until what is shown satisfies `condition`; returns it then.
    pub async fn wait_until(&self, condition: impl FnMut(&Shown) -> bool) -> Shown {
        let mut shown = self.0.subscribe();
        match shown.wait_for(condition).await {
            Ok(shown) => shown.clone(),
            // The board itself is a sender, so there is always one.
            Err(_) => self.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_hides_what_is_wrong_in_another() {
        let group = |failed_remedies, paused: Option<&str>| GroupSnapshot {
            paused: paused.map(str::to_owned),
            failed_remedies,
            ..GroupSnapshot::default()
        };
        let mut shown = Shown::default();
        shown.show_group(1, group(2, Some("full")));
        shown.show_group(0, group(0, None));
        let failed: Vec<_> = shown.groups.iter().map(|g| g.failed_remedies).collect();
        assert_eq!(failed, [0, 2]);
        assert_eq!(shown.paused.as_deref(), Some("full"));
        shown.show_group(1, group(0, None));
        assert_eq!(shown.paused, None);
    }

    #[test]
    fn a_symbol_that_is_started_anew_goes_on_counting() {
        let threshold = |dbps| Threshold::new(dbps).expect("a threshold");
        let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
        let before = SymbolSnapshot {
            trades: 10,
            first_id: 100,
            bars: vec![(threshold(25), 2)],
            newest_bars: vec![(threshold(25), 7), (threshold(50), 9)],
            last_id: Some(109),
            last_time_us: Some(11),
            gaps_repaired: 1,
            ..SymbolSnapshot::new(symbol.clone())
        };
        let now = SymbolSnapshot {
            trades: 5,
            first_id: 110,
            next_id: 115,
            bars: vec![(threshold(25), 1), (threshold(50), 7)],
            newest_bars: vec![(threshold(25), 8)],
            gaps_repaired: 2,
            ..SymbolSnapshot::new(symbol)
        };
        let shown = now.after(&before);
        assert_eq!((shown.trades, shown.gaps_repaired), (15, 3));
        assert_eq!((shown.first_id, shown.next_id), (100, 115));
        assert_eq!(shown.bars, [(threshold(25), 3), (threshold(50), 7)]);
        assert_eq!(shown.newest_bars, [(threshold(25), 8), (threshold(50), 9)]);
        assert_eq!((shown.last_id, shown.last_time_us), (Some(109), Some(11)));
    }
}
