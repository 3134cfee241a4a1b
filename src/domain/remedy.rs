//! What is done about a stream that is dead: the ladder of remedies.
//!
//! ```text
//! resubscribe ──► reconnect ──► rebuild the session ──► escalate
//!  (some symbols    (all are       (reconnecting has       (rebuilding has
//!   are mute)        mute, or it    not helped)             not helped)
//!                    did not help)
//! ```
//!
//! One ladder belongs to one group of symbols, those of a connection. A remedy that helped
//! (every symbol in trouble has shown life since) puts the ladder back to its foot; one that
//! did not makes the next trouble go a rung higher. Nothing above reconnecting is done while
//! the exchange itself cannot be asked: then the trouble is the network's.
//!
//! Time is an argument, in µs on a clock that never goes back.

use super::restart_budget::{Limits as BudgetLimits, RestartBudget, Ruling};

/// What can be done about a dead stream, from the mildest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remedy {
    /// Subscribe anew to the mute symbols on the same connection.
    Resubscribe,
    /// Make the connection anew.
    Reconnect,
    /// Throw the session away and begin it anew from the journal.
    Rebuild,
    /// Restarting does not help: tell somebody, and let the service manager take over.
    Escalate,
}

impl Remedy {
    /// What was done, for a sentence: "after 3 s it was reconnected".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resubscribe => "resubscribed",
            Self::Reconnect => "reconnected",
            Self::Rebuild => "rebuilt",
            Self::Escalate => "escalated",
        }
    }
}

/// What a dead stream looks like to the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// Symbols of the group whose streams are dead.
    pub dead: usize,
    /// Symbols of the group whose streams show life.
    pub alive: usize,
    /// Whether the exchange could be asked, and is ahead.
    pub is_confirmed: bool,
}

/// How often each remedy is tried before the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Resubscriptions in a row that have not helped.
    pub resubscribes: u32,
    /// Reconnections in a row that have not helped.
    pub reconnects: u32,
    /// Rebuildings.
    pub rebuilds: BudgetLimits,
}

impl Limits {
    /// Resubscribe once, reconnect three times, rebuild as often as a task is restarted.
    pub const DEFAULT: Self = Self {
        resubscribes: 1,
        reconnects: 3,
        rebuilds: BudgetLimits::TASK,
    };
}

/// The ladder of one group.
#[derive(Debug, Clone)]
pub struct Remedies {
    limits: Limits,
    rebuilds: RestartBudget,
    resubscribed: u32,
    reconnected: u32,
}

impl Remedies {
    /// At the foot of the ladder.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            rebuilds: RestartBudget::new(limits.rebuilds),
            resubscribed: 0,
            reconnected: 0,
        }
    }

    /// Streams were found dead: what to do now.
    pub fn choose(&mut self, trouble: Trouble, now_us: i64) -> Remedy {
        let is_partial = trouble.alive > 0 && trouble.is_confirmed;
        if is_partial && self.reconnected == 0 && self.resubscribed < self.limits.resubscribes {
            self.resubscribed += 1;
            return Remedy::Resubscribe;
        }
        if !trouble.is_confirmed || self.reconnected < self.limits.reconnects {
            // Reconnections to a network that is down say nothing about reconnecting.
            self.reconnected += u32::from(trouble.is_confirmed);
            return Remedy::Reconnect;
        }
        match self.rebuilds.failed(now_us) {
            Ruling::Restart { .. } => {
                // A new session deserves a reconnection before it is thrown away, too.
                self.resubscribed = 0;
                self.reconnected = self.limits.reconnects.saturating_sub(1);
                Remedy::Rebuild
            }
            Ruling::Escalate { .. } => Remedy::Escalate,
        }
    }

    /// Every symbol that was in trouble has shown life: the last remedy has helped.
    pub fn helped(&mut self) {
        self.resubscribed = 0;
        self.reconnected = 0;
    }

    /// Whether a remedy was used since the last one that helped.
    #[must_use]
    pub const fn is_in_trouble(&self) -> bool {
        self.resubscribed > 0 || self.reconnected > 0
    }

    /// Rebuildings since the start.
    #[must_use]
    pub const fn rebuilds(&self) -> u64 {
        self.rebuilds.total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const ALL_DEAD: Trouble = Trouble {
        dead: 3,
        alive: 0,
        is_confirmed: true,
    };
    const ONE_MUTE: Trouble = Trouble {
        dead: 1,
        alive: 2,
        is_confirmed: true,
    };
    const NETWORK: Trouble = Trouble {
        dead: 3,
        alive: 0,
        is_confirmed: false,
    };

    #[test]
    fn one_mute_symbol_is_subscribed_anew_before_the_others_lose_their_connection() {
        let mut remedies = Remedies::new(Limits::DEFAULT);
        assert_eq!(remedies.choose(ONE_MUTE, 0), Remedy::Resubscribe);
        assert_eq!(remedies.choose(ONE_MUTE, SECOND), Remedy::Reconnect);
        remedies.helped();
        assert_eq!(remedies.choose(ONE_MUTE, 2 * SECOND), Remedy::Resubscribe);
    }

    #[test]
    fn a_silent_connection_is_not_asked_to_subscribe() {
        let mut remedies = Remedies::new(Limits::DEFAULT);
        assert_eq!(remedies.choose(ALL_DEAD, 0), Remedy::Reconnect);
    }

    #[test]
    fn what_does_not_help_is_followed_by_more_and_in_the_end_by_a_person() {
        let mut remedies = Remedies::new(Limits::DEFAULT);
        let mut done = Vec::new();
        for round in 0..40 {
            let remedy = remedies.choose(ALL_DEAD, round * 12 * SECOND);
            done.push(remedy);
            if remedy == Remedy::Escalate {
                break;
            }
        }
        let count = |wanted| done.iter().filter(|&&remedy| remedy == wanted).count();
        assert_eq!(
            done[..4],
            [Remedy::Reconnect; 3]
                .into_iter()
                .chain([Remedy::Rebuild])
                .collect::<Vec<_>>()[..]
        );
        assert_eq!(count(Remedy::Rebuild), 5);
        assert_eq!(done.last(), Some(&Remedy::Escalate));
        assert_eq!(count(Remedy::Resubscribe), 0);
    }

    #[test]
    fn a_network_that_is_down_for_a_day_never_goes_beyond_reconnecting() {
        let mut remedies = Remedies::new(Limits::DEFAULT);
        for round in 0..7200 {
            assert_eq!(
                remedies.choose(NETWORK, round * 12 * SECOND),
                Remedy::Reconnect
            );
        }
        assert!(!remedies.is_in_trouble());
        assert_eq!(
            remedies.choose(ALL_DEAD, 90_000 * SECOND),
            Remedy::Reconnect
        );
    }

    #[test]
    fn remedies_that_help_never_escalate() {
        let mut remedies = Remedies::new(Limits::DEFAULT);
        for round in 0..1000 {
            assert_eq!(
                remedies.choose(ALL_DEAD, round * 15 * SECOND),
                Remedy::Reconnect
            );
            remedies.helped();
        }
        assert_eq!(remedies.rebuilds(), 0);
    }
}
