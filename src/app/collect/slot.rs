//! One symbol of a session: its pipe, its requests for history, and how far it is.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    app::backoff::{Backoff, backoff},
    domain::{
        health::Pulse,
        liveness::{Action, Evidence, Signs},
        symbol::Symbol,
    },
    exchange::source::SourceError,
    journal::Commit,
};

use super::{
    event::Event,
    fetch::{Fetch, Request},
    pipe::Pipe,
    session::{Context, Tally},
    snapshot::{Link, Phase, SymbolSnapshot},
    start::{Delayed, StartError, Started},
};

mod answers;
mod gap;
mod life;

/// How far a symbol is.
pub(super) enum Stage {
    /// It will be started.
    Waiting { at: Instant },
    /// It is being found out where to start.
    Starting,
    /// It runs.
    Running(Box<Pipe>),
    /// It takes nothing more; once a commit holds everything that it took, it starts anew
    /// from its checkpoint.
    Draining {
        pipe: Box<Pipe>,
        /// The commit is under way.
        is_committing: bool,
    },
    /// It was given up.
    Stopped,
}

pub(super) struct Slot {
    /// Its place on the board.
    pub place: usize,
    pub symbol: Symbol,
    pub stage: Stage,
    fetch: Fetch,
    /// What is to be told.
    pub events: Vec<Event>,
    start_backoff: Backoff,
    start_retry_max: Duration,
    /// Series that could not start yet, and when they are tried again.
    delayed: Option<(Delayed, Instant)>,
    begun: Instant,
    /// Everything that the exchange has was here once.
    has_caught_up: bool,
    /// Everything that the exchange has is here, on this connection.
    is_synced: bool,
    /// Why ids are missing, should they be.
    cause: &'static str,
    /// What it came to before it was started anew; only the counters count.
    before: SymbolSnapshot,
    /// What is remembered of its stream while there is no pipe.
    signs: Signs,
    /// Since when the exchange is known to have trades that are not in the bars.
    behind_since_us: Option<i64>,
    /// How far the bars were when that was last looked at.
    seen_id: i64,
    /// When its stream was found dead and treated, until a live trade comes.
    treated_us: Option<i64>,
    /// Its market has been quiet for so long since that nothing is held against it.
    is_excused: bool,
    /// Looks in a row that found it silent.
    silent_looks: u64,
    /// Disputed trades that were seen, and those that have to be told of.
    disputed: (u64, Tally),
}

impl Slot {
    pub fn new(context: &Context, place: usize, symbol: Symbol) -> Self {
        let limits = &context.settings.limits;
        // An earlier session of the same symbol may have been there.
        let shown = context.board.read().symbols;
        let before = shown.into_iter().nth(place);
        let before = before.unwrap_or_else(|| SymbolSnapshot::new(symbol.clone()));
        let now_us = context.clock.steady_us();
        Self {
            place,
            signs: before.signs.unwrap_or(Signs::new(now_us)),
            behind_since_us: before.behind_since_us,
            seen_id: 0,
            treated_us: None,
            is_excused: false,
            before,
            fetch: Fetch::new(
                Arc::clone(&context.source),
                context.runtime.clone(),
                symbol.clone(),
                limits,
            ),
            symbol,
            stage: Stage::Waiting { at: Instant::now() },
            events: Vec::new(),
            start_backoff: backoff(limits.fetch_retry_min, limits.fetch_retry_max),
            start_retry_max: limits.fetch_retry_max,
            delayed: None,
            begun: Instant::now(),
            has_caught_up: false,
            is_synced: false,
            cause: "the collector was not running",
            silent_looks: 0,
            disputed: (0, Tally::default()),
        }
    }

    pub fn pipe_mut(&mut self) -> Option<&mut Pipe> {
        match &mut self.stage {
            Stage::Running(pipe) => Some(pipe),
            _ => None,
        }
    }

    /// How many rows wait to be committed.
    pub fn waiting(&self) -> usize {
        match &self.stage {
            Stage::Running(pipe) | Stage::Draining { pipe, .. } => pipe.waiting(),
            _ => 0,
        }
    }

    /// How many live trades wait for missing ones.
    pub fn held(&self) -> usize {
        match &self.stage {
            Stage::Running(pipe) => pipe.sequence.held(),
            _ => 0,
        }
    }

    /// Moves what waits into a commit.
    pub fn drain_into(&mut self, commit: &mut Commit) -> Result<(), serde_json::Error> {
        match &mut self.stage {
            Stage::Running(pipe) => pipe.drain_into(commit),
            Stage::Draining {
                pipe,
                is_committing,
            } => {
                *is_committing = true;
                pipe.drain_into(commit)
            }
            _ => Ok(()),
        }
    }

    /// A commit is in the journal.
    pub fn committed(&mut self) {
        if let Stage::Draining {
            pipe,
            is_committing: true,
        } = &self.stage
        {
            self.signs = pipe.liveness.signs();
            self.before = self.snapshot(pipe);
            self.stage = Stage::Waiting { at: Instant::now() };
        }
    }

    pub fn wants_start(&self, now: Instant) -> bool {
        matches!(self.stage, Stage::Waiting { at } if now >= at)
    }

    pub fn started(
        &mut self,
        context: &Context,
        result: Result<Started, StartError>,
        is_connected: bool,
    ) {
        match result {
            Ok(started) => {
                self.events.extend(started.events);
                let mut pipe = Box::new(started.pipe);
                pipe.remember(self.signs);
                self.stage = Stage::Running(pipe);
                self.disputed.0 = 0;
                if let Some(delayed) = started.delayed {
                    self.delay(delayed);
                }
                if is_connected {
                    self.connected(context.clock.steady_us());
                }
            }
            Err(error) => {
                let pause = self.start_pause(&error);
                self.stage = Stage::Waiting {
                    at: Instant::now() + pause,
                };
                self.events.push(Event::StartDelayed {
                    symbol: self.symbol.clone(),
                    reason: error.to_string(),
                    retry_in: pause,
                });
            }
        }
    }

    fn start_pause(&mut self, error: &StartError) -> Duration {
        let pause = self.start_backoff.next().unwrap_or(self.start_retry_max);
        match error {
            StartError::Source(SourceError::RateLimited { retry_after, .. }) => {
                pause.max(*retry_after)
            }
            _ => pause,
        }
    }

    fn delay(&mut self, delayed: Delayed) {
        let retry_in = self.start_pause(&delayed.error);
        self.events.push(Event::SeriesDelayed {
            symbol: self.symbol.clone(),
            thresholds: delayed.thresholds.clone(),
            reason: delayed.error.to_string(),
            retry_in,
        });
        self.delayed = Some((delayed, Instant::now() + retry_in));
    }

    /// The series that could not start, if it is time to look whether they can now.
    pub fn take_delayed(&mut self, now: Instant) -> Option<Delayed> {
        if !matches!(self.stage, Stage::Running(_)) {
            return None;
        }
        let delayed = self.delayed.take_if(|(_, at)| now >= *at);
        delayed.map(|(delayed, _)| delayed)
    }

    /// It was looked whether the series that could not start can now. They begin in the
    /// past, so the whole symbol starts anew, from its checkpoint.
    pub fn looked(&mut self, delayed: Result<(), Delayed>) {
        match (delayed, std::mem::replace(&mut self.stage, Stage::Stopped)) {
            (Ok(()), Stage::Running(pipe)) => {
                self.fetch.give_up();
                self.stage = Stage::Draining {
                    pipe,
                    is_committing: false,
                };
            }
            (Ok(()), stage) => self.stage = stage,
            (Err(delayed), stage) => {
                self.stage = stage;
                self.delay(delayed);
            }
        }
    }

    /// A connection was made: what has the exchange that is not here?
    pub fn connected(&mut self, now_us: i64) {
        self.is_synced = false;
        self.fetch.connected();
        if let Some(pipe) = self.pipe_mut() {
            pipe.reconnected(now_us);
        }
    }

    /// Nothing is received because commits are slow: that silence is our own.
    pub fn held_back(&mut self, now_us: i64) {
        if let Some(pipe) = self.pipe_mut() {
            pipe.liveness.reconnected(now_us);
        }
    }

    pub fn disconnected(&mut self) {
        self.is_synced = false;
        self.cause = "the stream was interrupted";
    }

    /// Looks at the symbol's silence. Returns what proves its stream dead, if it is.
    /// `is_link_alive` tells whether other symbols show that the connection works.
    pub fn check_liveness(&mut self, context: &Context, is_link_alive: bool) -> Option<Evidence> {
        let now_us = context.clock.steady_us();
        match self.pipe_mut()?.liveness.check(now_us, is_link_alive)? {
            Action::Ask => {
                self.fetch.want_newest();
                None
            }
            Action::Reconnect(evidence) => {
                self.events.push(Event::StreamDead {
                    symbol: self.symbol.clone(),
                    evidence,
                });
                Some(evidence)
            }
        }
    }

    /// Looks where the symbol is after anything has happened: whether ids are missing,
    /// and whether everything that the exchange has is here.
    pub fn settle(&mut self, context: &Context, is_connected: bool) {
        self.account_for_gap(context);
        let Stage::Running(pipe) = &mut self.stage else {
            return;
        };
        let disputed = pipe.sequence.counters().disputed;
        self.disputed.1.add(disputed - self.disputed.0);
        self.disputed.0 = disputed;
        if let Some(trades) = self.disputed.1.due(Instant::now()) {
            let symbol = self.symbol.clone();
            self.events.push(Event::Disputed { symbol, trades });
        }
        if pipe.sequence.wanted().is_some() || !is_connected {
            return;
        }
        // Either the exchange was asked, or its stream goes on where the tape ends.
        let was_asked = self.fetch.is_newest_settled() && !pipe.is_suspect();
        self.is_synced |= was_asked || pipe.sequence.is_joined();
        if !self.is_synced {
            return;
        }
        self.cause = "live ids were skipped";
        if !self.has_caught_up {
            self.has_caught_up = true;
            self.events.push(Event::CaughtUp {
                symbol: self.symbol.clone(),
                fetched: pipe.fetched,
                took: self.begun.elapsed(),
            });
        }
    }

    /// What is still to be told at the end.
    pub fn finish(&mut self) {
        if let Some(trades) = self.disputed.1.rest() {
            let symbol = self.symbol.clone();
            self.events.push(Event::Disputed { symbol, trades });
        }
    }

    /// The requests to be made now.
    pub fn requests(&mut self, now: Instant, is_connected: bool) -> Vec<Request> {
        let Stage::Running(pipe) = &mut self.stage else {
            return Vec::new();
        };
        // Without a stream there is nothing to catch up with.
        if !is_connected {
            return Vec::new();
        }
        if self.fetch.is_about_to_ask(now) {
            pipe.asks_latest();
        }
        let sequence = &pipe.sequence;
        self.fetch.next(sequence.wanted(), sequence.known_id(), now)
    }

    /// Shows the symbol on the board, at `now_us` on the steady clock and `wall_us` on the
    /// other.
    pub fn show(&self, line: &mut SymbolSnapshot, is_connected: bool, now_us: i64, wall_us: i64) {
        match &self.stage {
            Stage::Waiting { .. } | Stage::Starting => {
                line.phase = Phase::Starting;
                line.link = if is_connected { Link::Up } else { Link::Down };
            }
            Stage::Stopped => line.phase = Phase::Stopped,
            Stage::Running(pipe) | Stage::Draining { pipe, .. } => {
                let mut snapshot = self.snapshot(pipe);
                snapshot.pulse = self.pulse(pipe, is_connected);
                snapshot.link = match snapshot.pulse {
                    Pulse::Down => Link::Down,
                    Pulse::Quiet => Link::Quiet,
                    _ => Link::Up,
                };
                // The board remembers over sessions, and trades need not be stamped one by one.
                snapshot.received_at_us = if snapshot.trades > line.trades {
                    Some(wall_us)
                } else {
                    line.received_at_us
                };
                *line = snapshot;
            }
        }
        let signs = self.signs();
        line.signs = Some(signs);
        line.age_us = signs.live_us.map(|live_us| now_us - live_us);
        line.silence_us = signs.silence_us(now_us);
        line.unexplained_us = signs.unexplained_us(now_us);
        line.behind_since_us = self.behind_since_us;
        line.behind_us = self.behind_since_us.map_or(0, |since_us| now_us - since_us);
    }

    fn snapshot(&self, pipe: &Pipe) -> SymbolSnapshot {
        let mut snapshot = pipe.snapshot().after(&self.before);
        snapshot.phase = if self.is_whole(pipe) {
            Phase::Live
        } else {
            Phase::CatchingUp
        };
        snapshot.silent_looks = self.silent_looks;
        snapshot
    }
}
