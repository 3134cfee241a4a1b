//! The order of one symbol's trades: next, duplicate, gap.
//!
//! Ids rise by exactly 1, so an id alone proves that nothing is missing. Trades come
//! from two sides, live and by request, and both are offered here in any order; what
//! comes out is the tape. Live trades that arrive while ids are missing are held, up
//! to a bound; at the bound they are dropped, because they can be fetched later.
//!
//! An id is also all that says which trade a live message is, and a wrong one that lies
//! near may come true before anybody looks. So what is fetched has authority, and a held
//! trade enters the tape only if it is vouched for, by one of these:
//!
//! - the exchange's history has the same trade under that id;
//! - it arrived in one *run* with the trade before it: ids that rose by 1 from message to
//!   message, of which the one before is in the tape and was the same there;
//! - its first individual id follows the last individual id of the trade before it.
//!
//! What nobody vouches for is fetched like a missing trade. The same holds for the first
//! live trades of a connection: the stream has to *join* the tape before it may go on
//! with it by itself.
//!
//! Only proof of absence lets the tape go on without an id. See [`Proof`].

use super::trade::Trade;

mod hold;
pub mod proof;

use hold::{Held, Hold, Run};
pub use proof::{Absence, Proof, Seen};

/// What became of a trade that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It is the next trade: take it, then take what [`Sequence::pop_held`] gives.
    Next,
    /// It was taken before, or is held already; or it only claims to be that trade.
    Duplicate,
    /// Its turn has not come, or nobody vouches for it yet; it is held.
    Held,
    /// As before, but the hold was full: so many held trades were dropped, and it is held
    /// alone.
    Dropped(usize),
}

/// What happened to trades that did not simply follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Live trades that had been taken, or were held, already.
    pub duplicates: u64,
    /// Fetched trades that had been taken already.
    pub overlapping: u64,
    /// Trades that had to wait for their turn, or for somebody to vouch for them.
    pub held: u64,
    /// Held trades that were dropped at the hold's bound, to be fetched again.
    pub hold_dropped: u64,
    /// Live trades that were dropped because another trade has their id.
    pub disputed: u64,
    /// Live trades that were dropped because the exchange does not have their id.
    pub unconfirmed: u64,
}

/// The ids from `first` to `last`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The first missing id.
    pub first: i64,
    /// The last missing id.
    pub last: i64,
}

/// Where the stream of the present connection is.
#[derive(Debug, Clone, Copy)]
struct Arriving {
    run: Run,
    /// The id of the last trade that arrived.
    last_id: i64,
}

/// The order of one symbol's trades.
#[derive(Debug, Clone)]
pub struct Sequence {
    next_id: i64,
    /// The last trade of the tape, if it is known in full.
    last: Option<Trade>,
    /// Its last individual id.
    last_fill_id: Option<i64>,
    /// The run that the last trade of the tape was seen in, on the present connection.
    joined: Option<Run>,
    arriving: Option<Arriving>,
    runs: u64,
    /// The highest id that the exchange is known to have: by request, or by stream if the
    /// trade could not be held.
    known_id: i64,
    held: Hold,
    counters: Counters,
}

impl Sequence {
    /// A sequence that waits for `next_id` and holds at most `hold_limit` trades. The last
    /// individual id of the trade before `next_id` is `last_fill_id`, if it is known.
    #[must_use]
    pub fn new(next_id: i64, last_fill_id: Option<i64>, hold_limit: usize) -> Self {
        Self {
            next_id,
            last: None,
            last_fill_id,
            joined: None,
            arriving: None,
            runs: 0,
            known_id: next_id - 1,
            held: Hold::new(hold_limit),
            counters: Counters::default(),
        }
    }

    /// The connection is over: the next one has to join the tape anew.
    pub fn disconnected(&mut self) {
        self.joined = None;
        self.arriving = None;
    }

    /// Whether the stream has brought the last trade of the tape, on this connection.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.joined.is_some()
    }

    /// Offers a trade that came by stream.
    #[inline]
    pub fn offer_live(&mut self, trade: &Trade) -> Offered {
        if trade.id == self.next_id
            && let Some(run) = self.joined
            && self.held.is_empty()
        {
            self.arriving = Some(Arriving {
                run,
                last_id: trade.id,
            });
            self.advance(trade);
            return Offered::Next;
        }
        self.offer_out_of_order(trade)
    }

    #[inline]
    fn advance(&mut self, trade: &Trade) {
        self.next_id += 1;
        self.last = Some(*trade);
        self.last_fill_id = Some(trade.last_trade_id);
    }

    #[cold]
    fn offer_out_of_order(&mut self, trade: &Trade) -> Offered {
        let run = self.run_of(trade.id);
        if trade.id < self.next_id {
            return self.offer_taken(trade, run);
        }
        if trade.id == self.next_id && (self.joined.is_some() || self.follows(trade)) {
            // Of two live trades under one id the one that goes on with the tape is meant.
            if let Some(held) = self.held.remove(trade.id)
                && held.trade != *trade
            {
                self.refute(held.run, trade.id);
            }
            let run = self.joined.unwrap_or(run);
            self.joined = Some(run);
            self.arriving = Some(Arriving {
                run,
                last_id: trade.id,
            });
            self.advance(trade);
            return Offered::Next;
        }
        self.hold(trade, run)
    }

    /// The run that a trade arrives in: the present one, if its id goes on with it.
    fn run_of(&mut self, id: i64) -> Run {
        let run = match self.arriving {
            Some(Arriving { run, last_id }) if id == last_id + 1 || id == last_id => run,
            _ => self.new_run(),
        };
        self.arriving = Some(Arriving { run, last_id: id });
        run
    }

    fn new_run(&mut self) -> Run {
        self.runs += 1;
        Run(self.runs)
    }

    /// A live trade under an id that the tape has passed. The last one of the tape shows
    /// whether the stream brings the same tape.
    fn offer_taken(&mut self, trade: &Trade, run: Run) -> Offered {
        match &self.last {
            Some(last) if last.id == trade.id && last != trade => {
                self.counters.disputed += 1;
                self.arriving = None;
            }
            Some(last) if last.id == trade.id => {
                self.counters.duplicates += 1;
                self.joined = Some(run);
            }
            _ => self.counters.duplicates += 1,
        }
        Offered::Duplicate
    }

    /// Whether the individual ids show that `trade` comes right after the tape's last one.
    fn follows(&self, trade: &Trade) -> bool {
        trade.id == self.next_id
            && self
                .last_fill_id
                .is_some_and(|last| trade.first_trade_id == last + 1)
    }

    /// Holds a live trade.
    fn hold(&mut self, trade: &Trade, run: Run) -> Offered {
        if let Some(held) = self.held.get_mut(trade.id) {
            if held.trade == *trade {
                self.counters.duplicates += 1;
                held.run = Some(run);
                return Offered::Duplicate;
            }
            self.counters.disputed += 1;
            if held.is_confirmed {
                self.arriving = None;
                return Offered::Duplicate;
            }
            // Neither has more to say for itself; the later one has its run before it.
            let is_same_run = held.run == Some(run);
            let run = if is_same_run { self.new_run() } else { run };
            self.arriving = Some(Arriving {
                run,
                last_id: trade.id,
            });
            self.held.insert(Held::live(trade, run));
            return Offered::Held;
        }
        self.counters.held += 1;
        let dropped = if self.held.is_full() {
            // They have to be fetched even if nothing more comes by stream.
            self.known_id = self.newest_id();
            self.held.clear()
        } else {
            0
        };
        self.held.insert(Held::live(trade, run));
        self.counters.hold_dropped += dropped as u64;
        if dropped > 0 {
            Offered::Dropped(dropped)
        } else {
            Offered::Held
        }
    }

    /// Drops a held run from `id` on: it is not what it says.
    fn refute(&mut self, run: Option<Run>, id: i64) {
        self.counters.disputed += 1;
        let Some(run) = run else { return };
        self.counters.disputed += self.held.drop_run(run, id) as u64;
        if self.arriving.is_some_and(|arriving| arriving.run == run) {
            self.arriving = None;
        }
        if self.joined == Some(run) {
            self.joined = None;
        }
    }

    /// Offers a trade that was fetched from the exchange's history.
    pub fn offer_fetched(&mut self, trade: &Trade) -> Offered {
        self.known(trade.id);
        if trade.id < self.next_id {
            self.counters.overlapping += 1;
            return Offered::Duplicate;
        }
        if trade.id > self.next_id {
            return self.hold_fetched(trade);
        }
        self.joined = None;
        if let Some(held) = self.held.remove(trade.id) {
            if held.trade == *trade {
                self.joined = held.run;
            } else {
                self.refute(held.run, trade.id);
            }
        }
        self.advance(trade);
        Offered::Next
    }

    /// A fetched trade behind ids that the exchange did not show.
    fn hold_fetched(&mut self, trade: &Trade) -> Offered {
        let run = match self.held.remove(trade.id) {
            Some(held) if held.trade == *trade => held.run,
            Some(held) => {
                self.refute(held.run, trade.id);
                None
            }
            // Without room it is fetched again when its turn comes.
            None if self.held.is_full() => return Offered::Held,
            None => None,
        };
        self.held.insert(Held::fetched(trade, run));
        Offered::Held
    }

    /// The held trade whose turn it is now, if it is vouched for.
    pub fn pop_held(&mut self) -> Option<Trade> {
        let held = self.held.get(self.next_id)?;
        let is_in_run = held.run.is_some() && held.run == self.joined;
        if !(held.is_confirmed || is_in_run || self.follows(&held.trade)) {
            return None;
        }
        let held = self.held.remove(self.next_id)?;
        self.joined = held.run;
        self.advance(&held.trade);
        Some(held.trade)
    }

    /// Whether the trade `id` was taken, or is held.
    #[must_use]
    pub fn has(&self, id: i64) -> bool {
        id < self.next_id || self.held.get(id).is_some()
    }

    /// Learns that the exchange has the trade `id`.
    pub fn known(&mut self, id: i64) {
        self.known_id = self.known_id.max(id);
    }

    /// The ids that are not here and have to be before the tape can go on.
    #[must_use]
    pub fn missing(&self) -> Option<Missing> {
        let last = match self.held.first() {
            Some(held) => held.trade.id - 1,
            None => self.known_id,
        };
        self.up_to(last)
    }

    /// The ids that have to be fetched before the tape can go on: those that are missing,
    /// and the first one that is held, if nobody vouches for it.
    #[must_use]
    pub fn wanted(&self) -> Option<Missing> {
        let last = match self.held.first() {
            Some(held) if held.is_confirmed => held.trade.id - 1,
            Some(held) => held.trade.id,
            None => self.known_id,
        };
        self.up_to(last)
    }

    fn up_to(&self, last: i64) -> Option<Missing> {
        (last >= self.next_id).then_some(Missing {
            first: self.next_id,
            last,
        })
    }

    /// Goes on with `next_id`: the ids before it are proven absent. What came by stream
    /// under one of them is dropped. Returns how many trades that were.
    pub fn skip_to(&mut self, next_id: i64) -> usize {
        self.next_id = self.next_id.max(next_id);
        self.last = None;
        self.last_fill_id = None;
        self.joined = None;
        let dropped = self.held.drop_before(self.next_id);
        self.counters.unconfirmed += dropped as u64;
        dropped
    }

    /// Gives up what is held above `latest_id`, the newest trade that the exchange has
    /// although it had time enough: those ids are not real, or not yet. Whatever is
    /// real will come again. Returns how many trades were given up.
    pub fn drop_unconfirmed(&mut self, latest_id: i64) -> usize {
        let dropped = self.held.drop_after(latest_id);
        self.counters.unconfirmed += dropped as u64;
        self.known_id = latest_id;
        self.arriving = None;
        dropped
    }

    /// The id that the tape goes on with.
    #[must_use]
    pub fn next_id(&self) -> i64 {
        self.next_id
    }

    /// The highest id that is known to exist, by stream or by request.
    #[must_use]
    pub fn newest_id(&self) -> i64 {
        let held_id = self.held.last_id().unwrap_or(i64::MIN);
        self.known_id.max(held_id).max(self.next_id - 1)
    }

    /// The highest id that the exchange is known to have.
    #[must_use]
    pub fn known_id(&self) -> i64 {
        self.known_id
    }

    /// How many trades are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

#[cfg(test)]
mod tests;
