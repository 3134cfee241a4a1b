//! Is a symbol's stream alive, or only its socket?
//!
//! Silence is not death, and pings are not life. A symbol that has been silent for
//! longer than its own habit makes us ask the exchange for its newest id. An id that
//! we have not got, and do not get within a grace period either, means that the stream
//! is dead; the same id means that the market is quiet.
//!
//! Two clocks run for each symbol. One says when to ask: a new connection gets a time of its
//! own, so it begins anew with each. The other, [`Signs`], says for how long no trade has
//! come: nothing that is *done* about a silence ends it, only a trade does.
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
    /// The exchange answers, and wants to be asked later.
    Refused {
        /// When to ask again, in µs.
        ask_at_us: i64,
    },
}

/// What is remembered of a symbol's stream over its connections, sessions and tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// When the last live trade came; none before the first.
    pub live_us: Option<i64>,
    /// Since when the first one is awaited.
    pub begun_us: i64,
    /// Until when the exchange has explained a silence: it had nothing newer.
    pub explained_us: i64,
}

impl Signs {
    /// A symbol that is subscribed to for the first time.
    #[must_use]
    pub const fn new(now_us: i64) -> Self {
        Self {
            live_us: None,
            begun_us: now_us,
            explained_us: now_us,
        }
    }

    /// How long no live trade has come, in µs.
    #[must_use]
    pub fn silence_us(&self, now_us: i64) -> i64 {
        now_us - self.live_us.unwrap_or(self.begun_us)
    }

    /// How long no live trade has come and the exchange has not said that there is none, in
    /// µs.
    #[must_use]
    pub fn unexplained_us(&self, now_us: i64) -> i64 {
        self.silence_us(now_us).min(now_us - self.explained_us)
    }
}

/// The liveness of one symbol's stream.
#[derive(Debug, Clone)]
pub struct Liveness {
    limits: Limits,
    habit: Habit,
    state: State,
    /// The clock of asking: the last trade, or the connection, whichever came later.
    waits_since_us: i64,
    signs: Signs,
}

/// So many limits without an explanation are enough when the exchange cannot be asked.
const BLIND_LIMITS: i64 = 2;

impl Liveness {
    /// A stream that was just connected.
    #[must_use]
    pub fn new(limits: Limits, now_us: i64) -> Self {
        Self {
            limits,
            habit: Habit::default(),
            state: State::Live,
            waits_since_us: now_us,
            signs: Signs::new(now_us),
        }
    }

    /// It goes on with what is remembered.
    pub fn remember(&mut self, signs: Signs) {
        self.signs = signs;
    }

    /// What is to be remembered.
    #[must_use]
    pub fn signs(&self) -> Signs {
        self.signs
    }

    /// The connection was made anew: the time after which the exchange is asked starts now.
    /// The silence goes on.
    pub fn reconnected(&mut self, now_us: i64) {
        self.was_quiet_until(now_us);
        self.state = State::Live;
        self.waits_since_us = now_us;
    }

    /// The exchange has nothing that is not here, although nobody waits for that answer.
    pub fn explained(&mut self, now_us: i64) {
        self.signs.explained_us = now_us;
    }

    /// A quiet spell may end now.
    fn was_quiet_until(&mut self, now_us: i64) {
        if let State::Quiet { .. } = self.state {
            self.signs.explained_us = now_us;
        }
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
        if now_us != self.waits_since_us {
            self.habit.record(now_us - self.waits_since_us);
            self.waits_since_us = now_us;
        }
        self.signs.live_us = Some(now_us);
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

    /// How long no trade has come, whatever was done about it meanwhile, in µs.
    #[must_use]
    pub fn silence_us(&self, now_us: i64) -> i64 {
        self.signs.silence_us(now_us)
    }

    /// How long this connection has brought nothing, in µs.
    #[must_use]
    pub fn waited_us(&self, now_us: i64) -> i64 {
        now_us - self.waits_since_us
    }

    /// The longest silence without asking, in µs.
    #[must_use]
    pub fn silence_max_us(&self) -> i64 {
        self.limits.silence_max_us
    }

    /// What is known about the stream.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Looks at the clock. `is_link_alive` tells whether other symbols show that the
    /// connection works.
    pub fn check(&mut self, now_us: i64, is_link_alive: bool) -> Option<Action> {
        match self.state {
            State::Live if self.waited_us(now_us) >= self.silence_limit_us() => Some(self.ask()),
            // Neither the stream nor the exchange says anything: it is the network, and all
            // that can be done about it here is to connect anew. A connection that others
            // live on is not given up for a suspicion.
            State::Unknown { last_id, ask_at_us }
                if !is_link_alive
                    && now_us >= ask_at_us
                    && self.blind_us(now_us) >= BLIND_LIMITS * self.silence_limit_us() =>
            {
                Some(Action::Reconnect(Evidence {
                    last_id,
                    exchange_id: None,
                    silence_us: self.silence_us(now_us),
                }))
            }
            State::Quiet { ask_at_us, .. }
            | State::Unknown { ask_at_us, .. }
            | State::Refused { ask_at_us }
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

    /// How long neither this connection nor the exchange has said anything, in µs.
    fn blind_us(&self, now_us: i64) -> i64 {
        now_us - self.waits_since_us.max(self.signs.explained_us)
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
            State::Asking | State::Unknown { .. } | State::Refused { .. } => {
                self.silence_limit_us()
            }
            State::Quiet { wait_us, .. } => {
                // A stream can die while its market is quiet: that shows only in an answer.
                wait_us.saturating_mul(2).min(self.limits.silence_max_us)
            }
            // A trade has come meanwhile, or the answer comes late.
            State::Live | State::Overdue { .. } => return,
        };
        self.was_quiet_until(now_us);
        self.state = if exchange_id > last_id {
            State::Overdue {
                last_id,
                exchange_id,
                until_us: now_us + self.limits.grace_us,
            }
        } else {
            self.signs.explained_us = now_us;
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
            self.was_quiet_until(now_us);
            self.state = State::Unknown {
                last_id,
                ask_at_us: now_us + self.limits.grace_us,
            };
        }
    }

    /// The exchange wants no question for `pause_us`: nothing is known, and nothing suspect.
    pub fn refused(&mut self, pause_us: i64, now_us: i64) {
        if !matches!(self.state, State::Live | State::Overdue { .. }) {
            self.was_quiet_until(now_us);
            self.state = State::Refused {
                ask_at_us: now_us + pause_us.max(self.limits.grace_us),
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
        assert_eq!(liveness.check(10 * SECOND - 1, false), None);
        assert_eq!(liveness.check(10 * SECOND, false), Some(Action::Ask));
        assert_eq!(liveness.check(11 * SECOND, false), None, "it asks once");
        liveness.answered(100, 105, 11 * SECOND);
        assert_eq!(liveness.check(13 * SECOND - 1, false), None);
        let evidence = Evidence {
            last_id: 100,
            exchange_id: Some(105),
            silence_us: 13 * SECOND,
        };
        assert_eq!(
            liveness.check(13 * SECOND, false),
            Some(Action::Reconnect(evidence))
        );
    }

    #[test]
    fn a_trade_within_the_grace_period_is_life() {
        let mut liveness = Liveness::new(LIMITS, 0);
        liveness.check(10 * SECOND, false);
        liveness.answered(100, 105, 10 * SECOND);
        liveness.received(11 * SECOND);
        assert_eq!(liveness.check(20 * SECOND, false), None);
        assert_eq!(liveness.state(), State::Live);
    }

    #[test]
    fn a_quiet_market_is_asked_about_ever_less_often_and_never_reconnected() {
        let mut liveness = Liveness::new(LIMITS, 0);
        let mut asked_at = Vec::new();
        for second in 0..24 * 3600 {
            let now_us = second * SECOND;
            match liveness.check(now_us, false) {
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
        assert_eq!(liveness.check(last_us + 29 * SECOND, false), None);
        assert_eq!(
            liveness.check(last_us + 60 * SECOND, false),
            Some(Action::Ask),
            "but at most 60 s"
        );
    }

    #[test]
    fn an_exchange_that_cannot_be_asked_is_asked_again_and_then_reconnected_to() {
        let mut liveness = Liveness::new(LIMITS, 0);
        assert_eq!(liveness.check(10 * SECOND, false), Some(Action::Ask));
        liveness.unreachable(100, 15 * SECOND);
        assert_eq!(liveness.check(16 * SECOND, false), None);
        assert_eq!(liveness.check(17 * SECOND, false), Some(Action::Ask));
        liveness.unreachable(100, 19 * SECOND);
        let evidence = Evidence {
            last_id: 100,
            exchange_id: None,
            silence_us: 21 * SECOND,
        };
        assert_eq!(
            liveness.check(21 * SECOND, false),
            Some(Action::Reconnect(evidence))
        );
        liveness.reconnected(21 * SECOND);
        assert_eq!(
            liveness.check(30 * SECOND, false),
            None,
            "a new connection gets its own time"
        );
    }

    #[test]
    fn no_remedy_ends_a_silence_only_a_trade_does() {
        let mut liveness = Liveness::new(LIMITS, 0);
        liveness.received(SECOND);
        let mut reconnects = 0;
        for second in 1..=600 {
            let now_us = second * SECOND;
            match liveness.check(now_us, false) {
                Some(Action::Ask) => liveness.answered(100, 100 + second, now_us),
                Some(Action::Reconnect(evidence)) => {
                    assert_eq!(evidence.silence_us, now_us - SECOND);
                    reconnects += 1;
                    liveness.reconnected(now_us);
                }
                None => {}
            }
            assert_eq!(liveness.silence_us(now_us), now_us - SECOND);
            assert_eq!(liveness.signs().unexplained_us(now_us), now_us - SECOND);
        }
        assert!(reconnects > 40, "each connection is judged anew");
        // A session that begins anew goes on with it.
        let mut next = Liveness::new(LIMITS, 600 * SECOND);
        next.remember(liveness.signs());
        assert_eq!(next.silence_us(601 * SECOND), 600 * SECOND);
        next.received(602 * SECOND);
        assert_eq!(next.silence_us(602 * SECOND), 0);
    }

    #[test]
    fn a_quiet_spell_explains_itself_until_it_ends() {
        let mut liveness = Liveness::new(LIMITS, 0);
        liveness.check(10 * SECOND, false);
        liveness.answered(100, 100, 10 * SECOND);
        assert_eq!(liveness.check(70 * SECOND, false), Some(Action::Ask));
        liveness.answered(100, 101, 70 * SECOND);
        assert!(matches!(liveness.state(), State::Overdue { .. }));
        assert_eq!(liveness.signs().unexplained_us(71 * SECOND), SECOND);
        assert_eq!(liveness.silence_us(71 * SECOND), 71 * SECOND);
    }

    #[test]
    fn a_connection_that_others_live_on_is_kept_while_the_exchange_cannot_be_asked() {
        let mut liveness = Liveness::new(LIMITS, 0);
        let mut asked = 0;
        for second in 0..3600 {
            let now_us = second * SECOND;
            match liveness.check(now_us, true) {
                Some(Action::Ask) => {
                    asked += 1;
                    liveness.unreachable(100, now_us);
                }
                Some(Action::Reconnect(evidence)) => panic!("reconnected on {evidence:?}"),
                None => {}
            }
        }
        assert!(asked > 1000, "it goes on asking");
        assert!(matches!(
            liveness.check(3600 * SECOND, false),
            Some(Action::Reconnect(Evidence {
                exchange_id: None,
                ..
            }))
        ));
    }

    #[test]
    fn an_exchange_that_wants_to_be_asked_later_makes_nothing_suspect() {
        let mut liveness = Liveness::new(LIMITS, 0);
        let mut asked_at = Vec::new();
        for second in 0..600 {
            let now_us = second * SECOND;
            match liveness.check(now_us, false) {
                Some(Action::Ask) => {
                    asked_at.push(second);
                    liveness.refused(100 * SECOND, now_us);
                }
                Some(Action::Reconnect(evidence)) => panic!("reconnected on {evidence:?}"),
                None => {}
            }
        }
        assert_eq!(asked_at, [10, 110, 210, 310, 410, 510]);
    }

    #[test]
    fn a_quiet_market_survives_a_moment_without_answers() {
        let mut liveness = Liveness::new(LIMITS, 0);
        for second in 0..3600 {
            let now_us = second * SECOND;
            match liveness.check(now_us, false) {
                Some(Action::Ask) if second % 1000 >= 985 => liveness.unreachable(100, now_us),
                Some(Action::Ask) => liveness.answered(100, 100, now_us),
                Some(Action::Reconnect(evidence)) => panic!("reconnected on {evidence:?}"),
                None => {}
            }
        }
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
            match liveness.check(now_us, false) {
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
