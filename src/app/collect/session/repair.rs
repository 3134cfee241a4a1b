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

/// A remedy that was used, and the symbols that it has not helped yet.
#[derive(Debug)]
struct Used {
    remedy: Remedy,
    at_us: i64,
    cases: Vec<Case>,
}

pub(in super::super) struct Repair {
    remedies: Remedies,
    used: Option<Used>,
    /// Remedies in a row that have not helped.
    failures: u64,
}

impl Repair {
    pub fn new(limits: Limits) -> Self {
        Self {
            remedies: Remedies::new(limits),
            used: None,
            failures: 0,
        }
    }

    /// Streams were found dead: says what to do, and what has become of the remedy before.
    pub fn choose(&mut self, cases: Vec<Case>, alive: usize, now_us: i64) -> (Remedy, Vec<Event>) {
        let mut events = Vec::new();
        if let Some(used) = self.used.take() {
            let again = |case: &&Case| cases.iter().any(|new| new.index == case.index);
            let failed: Vec<_> = used.cases.iter().filter(again).collect();
            self.failures += u64::from(!failed.is_empty());
            for case in failed {
                events.push(Event::RemedyFailed {
                    symbol: case.symbol.clone(),
                    remedy: used.remedy,
                    evidence: case.evidence,
                    took: since(used.at_us, now_us),
                    failures: self.failures,
                });
            }
        }
        let trouble = Trouble {
            dead: cases.len(),
            alive,
            is_confirmed: cases.iter().any(|case| case.evidence.exchange_id.is_some()),
        };
        let remedy = self.remedies.choose(trouble, now_us);
        self.used = Some(Used {
            remedy,
            at_us: now_us,
            cases,
        });
        (remedy, events)
    }

    /// Looks which symbols the last remedy has helped: those that `shows_life` since then,
    /// given in µs on the steady clock.
    pub fn look(&mut self, now_us: i64, shows_life: impl Fn(usize, i64) -> bool) -> Vec<Event> {
        let Some(used) = &mut self.used else {
            return Vec::new();
        };
        let (remedy, at_us) = (used.remedy, used.at_us);
        let mut events = Vec::new();
        used.cases.retain(|case| {
            let has_helped = shows_life(case.index, at_us);
            if has_helped {
                events.push(Event::Remedied {
                    symbol: case.symbol.clone(),
                    remedy,
                    evidence: case.evidence,
                    took: since(at_us, now_us),
                });
            }
            !has_helped
        });
        if used.cases.is_empty() {
            self.used = None;
            self.failures = 0;
            self.remedies.helped();
        }
        events
    }

    /// The symbols that the last remedy has not helped yet.
    pub fn dead(&self) -> impl Iterator<Item = &Symbol> {
        let used = self.used.iter();
        used.flat_map(|used| used.cases.iter().map(|case| &case.symbol))
    }

    /// Remedies in a row that have not helped.
    pub fn failures(&self) -> u64 {
        self.failures
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

    #[test]
    fn a_remedy_has_helped_when_every_symbol_shows_life_and_each_gets_its_verdict() {
        let mut repair = Repair::new(Limits::DEFAULT);
        let cases = vec![case(0, "BTCUSDT"), case(1, "ETHUSDT")];
        let (remedy, events) = repair.choose(cases, 0, 0);
        assert_eq!((remedy, events.len()), (Remedy::Reconnect, 0));
        let events = repair.look(1_000_000, |index, _| index == 1);
        let texts: Vec<_> = events.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "lives again, reconnected, after 1s; silent for 12s, last id here 7, at the exchange 9"
            ]
        );
        assert_eq!(repair.look(2_000_000, |_, _| true).len(), 1);
        assert!(repair.look(3_000_000, |_, _| true).is_empty());
    }

    #[test]
    fn a_symbol_that_is_dead_again_before_it_showed_life_makes_the_remedy_a_failure() {
        let mut repair = Repair::new(Limits::DEFAULT);
        repair.choose(vec![case(0, "BTCUSDT")], 1, 0);
        let (remedy, events) = repair.choose(vec![case(0, "BTCUSDT")], 1, 2_000_000);
        assert_eq!(remedy, Remedy::Reconnect, "resubscribing has not helped");
        assert!(matches!(
            &events[..],
            [Event::RemedyFailed {
                remedy: Remedy::Resubscribe,
                failures: 1,
                ..
            }]
        ));
        repair.look(3_000_000, |_, _| true);
        assert_eq!(repair.failures(), 0);
    }
}
