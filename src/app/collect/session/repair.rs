//! What is done about dead streams, and what comes of it.
//!
//! It outlives the sessions of its group: a session that was rebuilt as a remedy has to show
//! that this has helped.

use std::time::Duration;

use crate::domain::{
    liveness::Evidence,
    remedy::{Limits, Remedies, Remedy, Trouble},
    symbol::Symbol,
};

use super::super::event::Event;

/// A symbol whose stream was found dead.
#[derive(Debug, Clone)]
pub(in super::super) struct Case {
    /// Its index in the group.
    pub index: usize,
    pub symbol: Symbol,
    pub evidence: Evidence,
}

impl Case {
    /// Whether the exchange has shown that trades are missing.
    fn is_confirmed(&self) -> bool {
        self.evidence.exchange_id.is_some()
    }
}

/// What a remedy for a symbol is judged by.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Sight {
    /// When the last live trade came, on the steady clock.
    pub live_us: Option<i64>,
    /// The exchange has nothing newer, which proves nothing about the stream.
    pub is_quiet: bool,
    /// Nothing is expected of it any more.
    pub is_given_up: bool,
    /// The last id that is here.
    pub last_id: i64,
}

/// A case that no live trade has closed yet.
#[derive(Debug)]
struct Open {
    case: Case,
    remedy: Remedy,
    at_us: i64,
    /// Remedies in a row that have not helped this symbol.
    failures: u64,
}

pub(in super::super) struct Repair {
    remedies: Remedies,
    open: Vec<Open>,
}

impl Repair {
    pub fn new(limits: Limits) -> Self {
        Self {
            remedies: Remedies::new(limits),
            open: Vec::new(),
        }
    }

    /// Streams were found dead: says what to do, and what has become of the remedy before.
    pub fn choose(&mut self, cases: Vec<Case>, alive: usize, now_us: i64) -> (Remedy, Vec<Event>) {
        let trouble = Trouble {
            dead: cases.len(),
            alive,
            is_confirmed: cases.iter().any(Case::is_confirmed),
        };
        let remedy = self.remedies.choose(trouble, now_us);
        let mut events = Vec::new();
        let mut opened = Vec::new();
        for case in cases {
            let before = self.open.iter().position(|o| o.case.index == case.index);
            let before = before.map(|place| self.open.swap_remove(place));
            let mut failures = 0;
            if let Some(before) = before {
                // While the exchange cannot be asked, no remedy is shown to have failed.
                failures = before.failures + u64::from(case.is_confirmed());
                events.push(Event::RemedyFailed {
                    symbol: case.symbol.clone(),
                    remedy: before.remedy,
                    evidence: before.case.evidence,
                    still: case.evidence,
                    took: since(before.at_us, now_us),
                    failures,
                });
            }
            opened.push(Open {
                case,
                remedy,
                at_us: now_us,
                failures,
            });
        }
        if remedy >= Remedy::Reconnect {
            // It is done to all symbols of the group.
            for open in &mut self.open {
                open.remedy = open.remedy.max(remedy);
            }
        }
        self.open.extend(opened);
        (remedy, events)
    }

    /// Looks which symbols the last remedy has helped: those that have had a live trade
    /// since. `sight` is none for a symbol that is not there.
    ///
    /// A market that is quiet leaves a case open for as long as it is: then the next trade
    /// shows whether it comes by stream. Only a case that the exchange never confirmed ends
    /// with its word that nothing was missing.
    pub fn look(&mut self, now_us: i64, sight: impl Fn(usize) -> Option<Sight>) -> Vec<Event> {
        let mut events = Vec::new();
        self.open.retain(|open| {
            let Some(sight) = sight(open.case.index) else {
                return false;
            };
            let has_helped = sight.live_us > Some(open.at_us);
            if has_helped {
                events.push(Event::Remedied {
                    symbol: open.case.symbol.clone(),
                    remedy: open.remedy,
                    evidence: open.case.evidence,
                    last_id: sight.last_id,
                    took: since(open.at_us, now_us),
                });
            }
            let is_unfounded = sight.is_quiet && !open.case.is_confirmed();
            !(has_helped || is_unfounded || sight.is_given_up)
        });
        // Of a symbol that has nothing to show, nothing is held against the remedy.
        let is_silent = |open: &Open| {
            open.failures == 0 && sight(open.case.index).is_some_and(|sight| sight.is_quiet)
        };
        if !events.is_empty() && self.open.iter().all(is_silent) {
            self.remedies.helped();
        }
        events
    }

    /// When the stream of a symbol was found dead and treated, if no live trade has come
    /// since.
    pub fn treated_us(&self, index: usize) -> Option<i64> {
        let mut open = self.open.iter();
        open.find(|open| open.case.index == index && open.case.is_confirmed())
            .map(|open| open.at_us)
    }

    /// The symbols that no live trade has come of since they were found dead.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut open: Vec<_> = self.open.iter().map(|open| &open.case).collect();
        open.sort_by_key(|case| case.index);
        open.into_iter().map(|case| case.symbol.clone()).collect()
    }

    /// Remedies in a row that have not helped.
    pub fn failures(&self) -> u64 {
        let failures = self.open.iter().map(|open| open.failures);
        failures.max().unwrap_or(0)
    }
}

fn since(then_us: i64, now_us: i64) -> Duration {
    Duration::from_micros(u64::try_from(now_us - then_us).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(index: usize, name: &str) -> Case {
        Case {
            index,
            symbol: name.parse().expect("a symbol"),
            evidence: Evidence {
                last_id: 7,
                exchange_id: Some(9),
                silence_us: 12_000_000,
            },
        }
    }

    fn saw(live_us: Option<i64>, is_quiet: bool) -> Sight {
        Sight {
            live_us,
            is_quiet,
            is_given_up: false,
            last_id: 12,
        }
    }

    #[test]
    fn a_remedy_has_helped_when_every_symbol_shows_life_and_each_gets_its_verdict() {
        let mut repair = Repair::new(Limits::DEFAULT);
        let cases = vec![case(0, "BTCUSDT"), case(1, "ETHUSDT")];
        let (remedy, events) = repair.choose(cases, 0, 0);
        assert_eq!((remedy, events.len()), (Remedy::Reconnect, 0));
        let events = repair.look(1_000_000, |index| {
            Some(saw((index == 1).then_some(900_000), false))
        });
        let texts: Vec<_> = events.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "lives again, reconnected, after 1s, at id 12; it had been silent for 12s, last \
                 id here 7, at the exchange 9"
            ]
        );
        assert_eq!(
            (repair.treated_us(0), repair.treated_us(1)),
            (Some(0), None)
        );
        let lives = |_| Some(saw(Some(1_900_000), false));
        assert_eq!(repair.look(2_000_000, lives).len(), 1);
        assert!(repair.look(3_000_000, lives).is_empty());
    }

    #[test]
    fn a_symbol_that_is_dead_again_before_it_showed_life_makes_the_remedy_a_failure() {
        let mut repair = Repair::new(Limits::DEFAULT);
        repair.choose(vec![case(0, "BTCUSDT")], 1, 0);
        let again = Case {
            evidence: Evidence {
                last_id: 100,
                exchange_id: Some(341),
                silence_us: 24_000_000,
            },
            ..case(0, "BTCUSDT")
        };
        let (remedy, events) = repair.choose(vec![again], 1, 2_000_000);
        assert_eq!(remedy, Remedy::Reconnect, "resubscribing has not helped");
        let texts: Vec<_> = events.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "is still dead, resubscribed, after 2s (1 in a row); silent for 24s, last id here \
                 100, at the exchange 341; it was found dead silent for 12s, last id here 7, at \
                 the exchange 9"
            ]
        );
        assert_eq!(repair.failures(), 1);
        repair.look(3_000_000, |_| Some(saw(Some(2_500_000), false)));
        assert_eq!(repair.failures(), 0);
    }

    #[test]
    fn a_market_that_is_quiet_after_a_remedy_neither_closes_the_case_nor_counts_against_it() {
        let mut repair = Repair::new(Limits::DEFAULT);
        repair.choose(vec![case(0, "BTCUSDT")], 0, 0);
        for hour in 0..24 {
            let events = repair.look(hour * 3_600_000_000, |_| Some(saw(None, true)));
            assert!(events.is_empty());
        }
        assert_eq!((repair.treated_us(0), repair.failures()), (Some(0), 0));
        let (_, events) = repair.choose(vec![case(0, "BTCUSDT")], 0, 90_000_000_000);
        assert_eq!((events.len(), repair.failures()), (1, 1));
    }

    #[test]
    fn moments_of_quiet_between_trades_that_do_not_come_lead_up_the_ladder() {
        let mut repair = Repair::new(Limits::DEFAULT);
        let mut done = Vec::new();
        for round in 0..40 {
            let (remedy, _) = repair.choose(vec![case(0, "BTCUSDT")], 0, round * 14_000_000);
            done.push(remedy);
            if remedy == Remedy::Escalate {
                break;
            }
            assert!(
                repair
                    .look(round * 14_000_000 + 1, |_| Some(saw(None, true)))
                    .is_empty()
            );
            assert_eq!(repair.failures(), round.unsigned_abs());
        }
        assert_eq!(done[..4], {
            use Remedy::{Rebuild, Reconnect};
            [Reconnect, Reconnect, Reconnect, Rebuild]
        });
        assert_eq!(done.last(), Some(&Remedy::Escalate));
    }

    #[test]
    fn a_case_is_not_forgotten_because_another_symbol_is_dead_again() {
        let mut repair = Repair::new(Limits::DEFAULT);
        repair.choose(vec![case(0, "BTCUSDT"), case(1, "ETHUSDT")], 0, 0);
        repair.choose(vec![case(0, "BTCUSDT")], 0, 13_000_000);
        assert_eq!(repair.treated_us(0), Some(13_000_000));
        assert_eq!(repair.treated_us(1), Some(0));
        let events = repair.look(14_000_000, |index| {
            Some(saw((index == 1).then_some(13_500_000), false))
        });
        assert_eq!((events.len(), repair.failures()), (1, 1));
    }

    #[test]
    fn what_the_exchange_never_confirmed_is_no_failure_and_ends_with_its_word() {
        let mut repair = Repair::new(Limits::DEFAULT);
        let mut unconfirmed = case(0, "BTCUSDT");
        unconfirmed.evidence.exchange_id = None;
        for round in 0..10 {
            repair.choose(vec![unconfirmed.clone()], 0, round * 20_000_000);
        }
        assert_eq!((repair.failures(), repair.treated_us(0)), (0, None));
        assert!(
            repair
                .look(200_000_000, |_| Some(saw(None, true)))
                .is_empty()
        );
        let (_, events) = repair.choose(vec![case(0, "BTCUSDT")], 0, 300_000_000);
        assert!(events.is_empty(), "the old case is closed");
    }
}
