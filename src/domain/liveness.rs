//! Is a symbol's stream alive, or only its socket?
//!
//! Silence is not death, and pings are not life. A symbol that has been silent for
//! longer than its own habit makes us ask the exchange for its newest id. An id that
//! we have not got, and do not get within a grace period either, means that the stream
//! is dead; the same id means that the market is quiet.
//!
//! All times are µs on a clock that never goes back, taken at receipt.

mod habit;

pub use habit::Habit;

/// When to ask, and how long to wait for what the exchange has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The shortest silence that makes us ask, in µs.
    pub silence_min_us: i64,
    /// The longest silence without asking, in µs.
    pub silence_max_us: i64,
    /// How many p99 gaps of silence make us ask.
    pub habit_factor: i64,
    /// How long a trade that the exchange has may take to arrive by stream, in µs.
    pub grace_us: i64,
}

/// What has to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Ask the exchange for the symbol's newest id.
    Ask,
    /// The stream is dead: reconnect.
    Reconnect(Evidence),
}

/// Why a stream was found dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The newest id here.
    pub last_id: i64,
    /// The newest id at the exchange; none when it could not be asked.
    pub exchange_id: Option<i64>,
    /// How long the stream had been silent, in µs.
    pub silence_us: i64,
}

/// What is known about the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Trades come, or have come recently enough.
    Live,
    /// The exchange was asked and has not answered yet.
    Asking,
    /// The exchange has a newer trade; it has until then to arrive.
    Overdue {
        /// The newest id here.
        last_id: i64,
        /// The newest id at the exchange.
        exchange_id: i64,
        /// When the patience ends, in µs.
        until_us: i64,
    },
    /// The exchange confirmed that there is nothing newer.
    Quiet {
        /// When to ask again, in µs.
        ask_at_us: i64,
        /// How long was waited before that, in µs; it doubles.
        wait_us: i64,
    },
    /// The exchange could not be asked.
    Unknown {
        /// The newest id here.
        last_id: i64,
        /// When to ask again, in µs.
        ask_at_us: i64,
    },
}

/// The liveness of one symbol's stream.
#[derive(Debug, Clone)]
pub struct Liveness {
    limits: Limits,
    habit: Habit,
    state: State,
    received_at_us: i64,
}

/// A silence of so many limits is enough when the exchange cannot be asked about it.
const BLIND_LIMITS: i64 = 2;

impl Liveness {
    /// A stream that was just connected.
    #[must_use]
    pub fn new(limits: Limits, now_us: i64) -> Self {
        Self {
            limits,
            habit: Habit::default(),
            state: State::Live,
            received_at_us: now_us,
        }
    }

    /// The connection was made anew: its silence starts now.
    pub fn reconnected(&mut self, now_us: i64) {
        self.state = State::Live;
        self.received_at_us = now_us;
    }

    /// The symbol was subscribed to anew because of `evidence`: a trade has to come soon. The
    /// time for it is twice that which a trade may take, since a request comes before it.
    pub fn resubscribed(&mut self, evidence: Evidence, now_us: i64) {
        if let Some(exchange_id) = evidence.exchange_id {
            self.state = State::Overdue {
                last_id: evidence.last_id,
                exchange_id,
                until_us: now_us + 2 * self.limits.grace_us,
            };
        }
    }

    /// A trade that was not here before came by stream.
    #[inline]
    pub fn received(&mut self, now_us: i64) {
        if now_us != self.received_at_us {
            self.habit.record(now_us - self.received_at_us);
            self.received_at_us = now_us;
        }
        self.state = State::Live;
    }

    /// How long a silence makes us ask, in µs.
    #[must_use]
    pub fn silence_limit_us(&self) -> i64 {
        let habit_us = self.habit.p99_us().saturating_mul(self.limits.habit_factor);
        habit_us
            .max(self.limits.silence_min_us)
            .min(self.limits.silence_max_us)
    }

    /// From which silence on the stream is suspect: the limit, and the time that the
    /// exchange's answer and its trade may take, in µs.
    #[must_use]
    pub fn patience_us(&self) -> i64 {
        self.silence_limit_us() + 2 * self.limits.grace_us
    }

    /// How long nothing has come, in µs.
    #[must_use]
    pub fn silence_us(&self, now_us: i64) -> i64 {
        now_us - self.received_at_us
    }

    /// What is known about the stream.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Looks at the clock.
    pub fn check(&mut self, now_us: i64) -> Option<Action> {
        match self.state {
            State::Live if self.silence_us(now_us) >= self.silence_limit_us() => Some(self.ask()),
            // Neither the stream nor the exchange says anything: it is the network, and all
            // that can be done about it here is to connect anew.
            State::Unknown { last_id, ask_at_us }
                if now_us >= ask_at_us
                    && self.silence_us(now_us) >= BLIND_LIMITS * self.silence_limit_us() =>
            {
                Some(Action::Reconnect(Evidence {
                    last_id,
                    exchange_id: None,
                    silence_us: self.silence_us(now_us),
                }))
            }
            State::Quiet { ask_at_us, .. } | State::Unknown { ask_at_us, .. }
                if now_us >= ask_at_us =>
            {
                Some(self.ask())
            }
            State::Overdue {
                last_id,
                exchange_id,
                until_us,
            } if now_us >= until_us => {
                self.state = State::Live;
                Some(Action::Reconnect(Evidence {
                    last_id,
                    exchange_id: Some(exchange_id),
                    silence_us: self.silence_us(now_us),
                }))
            }
            _ => None,
        }
    }

    fn ask(&mut self) -> Action {
        self.state = match self.state {
            // A quiet spell goes on through the question, so that its backoff can grow.
            State::Quiet { wait_us, .. } => State::Quiet {
                ask_at_us: i64::MAX,
                wait_us,
            },
            _ => State::Asking,
        };
        Action::Ask
    }

    /// The exchange answered that its newest id is `exchange_id`; the newest one here,
    /// whichever way it came, is `last_id`.
    pub fn answered(&mut self, last_id: i64, exchange_id: i64, now_us: i64) {
        let wait_us = match self.state {
            State::Asking | State::Unknown { .. } => self.silence_limit_us(),
            State::Quiet { wait_us, .. } => {
                // A stream can die while its market is quiet: that shows only in an answer.
                wait_us.saturating_mul(2).min(self.limits.silence_max_us)
            }
            // A trade has come meanwhile, or the answer comes late.
            State::Live | State::Overdue { .. } => return,
        };
        self.state = if exchange_id > last_id {
            State::Overdue {
                last_id,
                exchange_id,
                until_us: now_us + self.limits.grace_us,
            }
        } else {
            State::Quiet {
                ask_at_us: now_us + wait_us,
                wait_us,
            }
        };
    }

    /// The exchange could not be asked: the network is suspect. The newest id here is
    /// `last_id`.
    pub fn unreachable(&mut self, last_id: i64, now_us: i64) {
        if !matches!(self.state, State::Live | State::Overdue { .. }) {
            self.state = State::Unknown {
                last_id,
                ask_at_us: now_us + self.limits.grace_us,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const LIMITS: Limits = Limits {
        silence_min_us: 10 * SECOND,
        silence_max_us: 60 * SECOND,
        habit_factor: 5,
        grace_us: 2 * SECOND,
    };

    #[test]
    fn a_newer_id_at_the_exchange_that_does_not_come_means_dead() {
        let mut liveness = Liveness::new(LIMITS, 0);
        assert_eq!(liveness.check(10 * SECOND - 1), None);
        assert_eq!(liveness.check(10 * SECOND), Some(Action::Ask));
        assert_eq!(liveness.check(11 * SECOND), None, "it asks once");
        liveness.answered(100, 105, 11 * SECOND);
        assert_eq!(liveness.check(13 * SECOND - 1), None);
        let evidence = Evidence {
            last_id: 100,
            exchange_id: Some(105),
            silence_us: 13 * SECOND,
        };
        assert_eq!(
            liveness.check(13 * SECOND),
            Some(Action::Reconnect(evidence))
        );
    }

    #[test]
    fn a_trade_within_the_grace_period_is_life() {
        let mut liveness = Liveness::new(LIMITS, 0);
        liveness.check(10 * SECOND);
        liveness.answered(100, 105, 10 * SECOND);
        liveness.received(11 * SECOND);
        assert_eq!(liveness.check(20 * SECOND), None);
        assert_eq!(liveness.state(), State::Live);
    }

    #[test]
    fn a_quiet_market_is_asked_about_ever_less_often_and_never_reconnected() {
        let mut liveness = Liveness::new(LIMITS, 0);
        let mut asked_at = Vec::new();
        for second in 0..24 * 3600 {
            let now_us = second * SECOND;
            match liveness.check(now_us) {
                Some(Action::Ask) => {
                    asked_at.push(second);
                    liveness.answered(100, 100, now_us);
                }
                Some(Action::Reconnect(evidence)) => panic!("reconnected on {evidence:?}"),
                None => {}
            }
        }
        assert_eq!(asked_at[..6], [10, 20, 40, 80, 140, 200]);
        assert!(asked_at.len() >= 24 * 3600 / 60, "it never stops asking");
    }

    #[test]
    fn a_slow_symbol_gets_the_patience_of_its_habit() {
        let mut liveness = Liveness::new(LIMITS, 0);
        for trade in 1..200 {
            liveness.received(trade * 6 * SECOND);
        }
        let last_us = 199 * 6 * SECOND;
        assert!(liveness.silence_limit_us() >= 30 * SECOND);
        assert_eq!(liveness.check(last_us + 29 * SECOND), None);
        assert_eq!(
            liveness.check(last_us + 60 * SECOND),
            Some(Action::Ask),
            "but at most 60 s"
        );
    }

    #[test]
    fn an_exchange_that_cannot_be_asked_is_asked_again_and_then_reconnected_to() {
        let mut liveness = Liveness::new(LIMITS, 0);
        assert_eq!(liveness.check(10 * SECOND), Some(Action::Ask));
        liveness.unreachable(100, 15 * SECOND);
        assert_eq!(liveness.check(16 * SECOND), None);
        assert_eq!(liveness.check(17 * SECOND), Some(Action::Ask));
        liveness.unreachable(100, 19 * SECOND);
        let evidence = Evidence {
            last_id: 100,
            exchange_id: None,
            silence_us: 21 * SECOND,
        };
        assert_eq!(
            liveness.check(21 * SECOND),
            Some(Action::Reconnect(evidence))
        );
        liveness.reconnected(21 * SECOND);
        assert_eq!(
            liveness.check(30 * SECOND),
            None,
            "a new connection gets its own time"
        );
    }

    /// A day of bursts and lulls in steps of 20 ms. The history always shows a trade up to
    /// 300 ms before the stream brings it. Returns how often the exchange was asked.
    fn irregular_day(seed: u64) -> usize {
        const STEP: i64 = 20_000;
        let mut state = seed;
        // SplitMix64 (Steele et al. 2014), below a bound.
        let mut random = |bound: i64| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % bound.unsigned_abs()) as i64
        };
        let mut liveness = Liveness::new(LIMITS, 0);
        // Trades that happened and have not come yet, with their time of arrival.
        let mut coming = std::collections::VecDeque::new();
        let (mut happened, mut arrived) = (0_i64, 0_i64);
        let (mut next_us, mut asked, mut answer_at) = (0, 0, None);
        for now_us in (0..24 * 3600 * SECOND).step_by(STEP as usize) {
            while next_us <= now_us {
                happened += 1;
                coming.push_back(now_us + random(300_000));
                next_us = now_us
                    + match random(1000) {
                        0 => 1200 * SECOND,
                        1..20 => 1 + random(60 * SECOND),
                        20..200 => 1 + random(2 * SECOND),
                        _ => 1 + random(SECOND / 20),
                    };
            }
            while coming.front().is_some_and(|&at| at <= now_us) {
                coming.pop_front();
                arrived += 1;
                liveness.received(now_us);
            }
            if answer_at.is_some_and(|at| at <= now_us) {
                answer_at = None;
                liveness.answered(arrived, happened, now_us);
            }
            match liveness.check(now_us) {
                Some(Action::Ask) => {
                    asked += 1;
                    answer_at = Some(now_us + random(200_000));
                }
                Some(Action::Reconnect(evidence)) => panic!("seed {seed}: {evidence:?}"),
                None => {}
            }
        }
        asked
    }

    #[test]
    fn a_day_of_bursts_and_lulls_with_history_ahead_of_the_stream_is_never_a_dead_stream() {
        for seed in 1..=4 {
            assert!(
                irregular_day(seed) > 100,
                "the lulls are long enough to ask"
            );
        }
    }
}
