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
mod tests;
