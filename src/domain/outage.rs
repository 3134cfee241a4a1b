//! When is a symbol's stream down, and what brought it back?
//!
//! A stream is down while nothing can come by it: no connection stands, it was found dead,
//! nothing is consumed because the spool is full, its session is gone, or the symbol was
//! given up. It is up again when none of that holds, everything that the exchange is known to
//! have is here, and there has been a sign of life since: a live trade by stream, or the
//! exchange's word that there is none. A quiet market is not down, and a gap that is being
//! fetched beside a live stream is not, either.
//!
//! One [`Outage`] is kept for each symbol. It is looked at now and then; each change of its
//! state is told once. It outlives the sessions of its symbol.
//!
//! All times are µs on a clock that never goes back.

/// Why a stream is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// No connection stands.
    Disconnected,
    /// It was found dead although its socket is open.
    Dead,
    /// The spool is full, and nothing is consumed.
    SpoolFull,
    /// The session has ended.
    SessionEnded,
    /// The exchange's ids went back, and the symbol was given up.
    IdReset,
}

impl Cause {
    /// The words for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "it is not connected",
            Self::Dead => "its stream is dead",
            Self::SpoolFull => "the spool is full",
            Self::SessionEnded => "its session has ended",
            Self::IdReset => "the exchange's ids went back",
        }
    }

    /// What brings a stream back that nothing else is done about.
    const fn cure(self) -> Cure {
        match self {
            Self::Dead => Cure::Resubscribed,
            Self::Disconnected | Self::IdReset => Cure::Reconnected,
            Self::SpoolFull => Cure::SpoolDrained,
            Self::SessionEnded => Cure::Rebuilt,
        }
    }
}

/// What brought a stream back, from the mildest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cure {
    /// The symbol was subscribed to anew.
    Resubscribed,
    /// The connection was made anew.
    Reconnected,
    /// The spool has drained, and the connection was made anew.
    SpoolDrained,
    /// The session was begun anew from the journal.
    Rebuilt,
    /// The session's task was started anew.
    TaskRestarted,
    /// The program was started.
    Started,
}

impl Cure {
    /// The words for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resubscribed => "resubscribed",
            Self::Reconnected => "reconnected",
            Self::SpoolDrained => "the spool has drained",
            Self::Rebuilt => "its session was rebuilt",
            Self::TaskRestarted => "its task was restarted",
            Self::Started => "the collector was started",
        }
    }
}

/// What a look at a symbol found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Why nothing can come, if so.
    pub trouble: Option<Cause>,
    /// Everything that the exchange is known to have is here.
    pub is_whole: bool,
    /// The last sign of life: a live trade, or the exchange's word that there was none.
    pub lived_us: Option<i64>,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is down.
    Down {
        /// Since then: since the last sign of life.
        since_us: i64,
        /// Why.
        cause: Cause,
    },
    /// It is up again.
    Up {
        /// How long it was down.
        took_us: i64,
        /// What brought it back.
        cure: Cure,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Up {
        since_us: i64,
    },
    Down {
        since_us: i64,
        cure: Cure,
        /// When it was last seen to be in trouble; a sign of life has to be younger.
        troubled_us: Option<i64>,
    },
}

/// Whether one symbol's stream is down.
#[derive(Debug, Clone)]
pub struct Outage {
    stand: Stand,
    /// The last sign of life, whichever session had it.
    lived_us: Option<i64>,
}

impl Outage {
    /// A symbol of a program that was started at `now_us`.
    #[must_use]
    pub fn new(now_us: i64) -> Self {
        Self {
            stand: Stand::Down {
                since_us: now_us,
                cure: Cure::Started,
                troubled_us: None,
            },
            lived_us: None,
        }
    }

    /// Takes in what a look has found.
    pub fn look(&mut self, look: Look, now_us: i64) -> Option<Change> {
        self.lived_us = self.lived_us.max(look.lived_us);
        if let Some(cause) = look.trouble {
            return self.falls(cause, now_us);
        }
        let Stand::Down {
            since_us,
            cure,
            troubled_us,
        } = self.stand
        else {
            return None;
        };
        let shows_life = troubled_us.is_none_or(|troubled_us| self.lived_us > Some(troubled_us));
        if !look.is_whole || !shows_life {
            return None;
        }
        self.stand = Stand::Up { since_us: now_us };
        Some(Change::Up {
            took_us: now_us - since_us,
            cure,
        })
    }

    /// It was found dead.
    pub fn found_dead(&mut self, now_us: i64) -> Option<Change> {
        self.falls(Cause::Dead, now_us)
    }

    /// Its session has ended, and another one begins as `cure`.
    pub fn session_ended(&mut self, cure: Cure, now_us: i64) -> Option<Change> {
        let change = self.falls(Cause::SessionEnded, now_us);
        self.used(cure);
        change
    }

    fn falls(&mut self, cause: Cause, now_us: i64) -> Option<Change> {
        let Stand::Up { since_us: up_us } = self.stand else {
            self.used(cause.cure());
            if let Stand::Down { troubled_us, .. } = &mut self.stand {
                *troubled_us = Some(now_us);
            }
            return None;
        };
        // What was there before it was up belongs to the time before.
        let since_us = self
            .lived_us
            .map_or(now_us, |lived_us| lived_us.max(up_us + 1));
        self.stand = Stand::Down {
            since_us,
            cure: cause.cure(),
            troubled_us: Some(now_us),
        };
        Some(Change::Down { since_us, cause })
    }

    fn used(&mut self, used: Cure) {
        if let Stand::Down { cure, .. } = &mut self.stand {
            *cure = used.max(*cure);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIVE: Look = Look {
        trouble: None,
        is_whole: true,
        lived_us: None,
    };

    fn at(lived_us: i64) -> Look {
        Look {
            lived_us: Some(lived_us),
            ..LIVE
        }
    }

    fn down(cause: Cause, lived_us: i64) -> Look {
        Look {
            trouble: Some(cause),
            is_whole: false,
            ..at(lived_us)
        }
    }

    fn up(took_us: i64, cure: Cure) -> Change {
        Change::Up { took_us, cure }
    }

    fn running() -> Outage {
        let mut outage = Outage::new(0);
        let look = Look {
            is_whole: false,
            ..LIVE
        };
        assert_eq!(outage.look(look, 5), None, "it is still catching up");
        assert_eq!(outage.look(at(9), 10), Some(up(10, Cure::Started)));
        outage
    }

    #[test]
    fn a_lost_connection_is_one_interruption_since_the_last_trade() {
        let mut outage = running();
        assert_eq!(outage.look(at(90), 100), None);
        assert_eq!(
            outage.look(down(Cause::Disconnected, 95), 110),
            Some(Change::Down {
                since_us: 95,
                cause: Cause::Disconnected
            })
        );
        assert_eq!(outage.look(down(Cause::Disconnected, 95), 120), None);
        let catching_up = Look {
            is_whole: false,
            ..at(130)
        };
        assert_eq!(outage.look(catching_up, 130), None);
        assert_eq!(outage.look(at(140), 140), Some(up(45, Cure::Reconnected)));
    }

    #[test]
    fn a_dead_stream_is_up_again_only_with_a_sign_of_life() {
        let mut outage = running();
        outage.look(at(50), 50);
        let change = outage.found_dead(200);
        assert!(matches!(change, Some(Change::Down { since_us: 50, .. })));
        assert_eq!(outage.look(at(50), 210), None, "its socket stands");
        assert_eq!(outage.look(at(230), 230), Some(up(180, Cure::Resubscribed)));
    }

    #[test]
    fn a_new_connection_that_has_brought_nothing_is_not_up_though_everything_was_fetched() {
        let mut outage = running();
        outage.look(at(90), 90);
        outage.look(down(Cause::Disconnected, 90), 100);
        for now_us in 101..200 {
            assert_eq!(outage.look(at(90), now_us), None, "it may be mute");
        }
        // It was, and what was done about it has not helped either.
        assert_eq!(outage.found_dead(200), None);
        assert_eq!(outage.session_ended(Cure::Rebuilt, 210), None);
        assert_eq!(outage.look(at(90), 220), None);
        assert_eq!(outage.look(at(230), 230), Some(up(140, Cure::Rebuilt)));
    }

    #[test]
    fn the_strongest_cure_counts() {
        let mut outage = running();
        outage.found_dead(100);
        outage.session_ended(Cure::Rebuilt, 200);
        outage.look(down(Cause::Disconnected, 20), 210);
        assert_eq!(outage.look(at(300), 300), Some(up(289, Cure::Rebuilt)));
        let change = outage.session_ended(Cure::TaskRestarted, 400);
        assert!(matches!(
            change,
            Some(Change::Down {
                since_us: 301,
                cause: Cause::SessionEnded
            })
        ));
        assert_eq!(
            outage.look(at(500), 500),
            Some(up(199, Cure::TaskRestarted))
        );
    }

    proptest! {
        /// Whatever happens, down and up take turns, and no outage begins before the last ended.
        #[test]
        fn changes_take_turns(steps in prop::collection::vec((0u8..6, 1i64..50), 0..60)) {
            let mut outage = Outage::new(0);
            let (mut now_us, mut is_up, mut last_us) = (0, false, 0);
            for (kind, pause_us) in steps {
                now_us += pause_us;
                let change = match kind {
                    0 => outage.found_dead(now_us),
                    1 => outage.session_ended(Cure::Rebuilt, now_us),
                    2 => outage.look(down(Cause::Disconnected, now_us - pause_us), now_us),
                    _ => outage.look(at(now_us), now_us),
                };
                match change {
                    Some(Change::Down { since_us, .. }) => {
                        prop_assert!(is_up && since_us > last_us && since_us <= now_us);
                        is_up = false;
                    }
                    Some(Change::Up { took_us, .. }) => {
                        prop_assert!(!is_up && took_us >= 0);
                        (is_up, last_us) = (true, now_us);
                    }
                    None => {}
                }
            }
        }
    }
}
