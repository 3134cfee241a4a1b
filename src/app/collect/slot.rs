//! One symbol of a session: its pipe, its requests for history, and how far it is.

use std::{sync::Arc, time::Duration};

use backon::ExponentialBackoff;
use tokio::time::Instant;

use crate::{
    domain::{
        ladder::OutOfOrder,
        liveness::{Action, State},
        row::GapState,
        sequence::Missing,
        symbol::Symbol,
        trade::Trade,
    },
    exchange::source::SourceError,
};

use super::{
    event::Event,
    fetch::{Fetch, backoff},
    pipe::{OpenGap, Pipe, Taken},
    session::{Context, Requests},
    settings::micros,
    snapshot::{Link, Phase, SymbolSnapshot},
    start::{StartError, Started},
};

/// How far a symbol is.
pub(super) enum Stage {
    /// It will be started.
    Waiting { at: Instant },
    /// It is being found out where to start.
    Starting,
    /// It runs.
    Running(Box<Pipe>),
    /// It was given up.
    Stopped,
}

pub(super) struct Slot {
    /// Its place on the board.
    pub place: usize,
    pub symbol: Symbol,
    pub stage: Stage,
    pub fetch: Fetch,
    /// What is to be told.
    pub events: Vec<Event>,
    start_backoff: ExponentialBackoff,
    start_retry_max: Duration,
    begun: Instant,
    /// Everything that the exchange has was here once.
    has_caught_up: bool,
    /// Everything that the exchange has is here, on this connection.
    is_synced: bool,
    /// Why ids are missing, should they be.
    cause: &'static str,
}

impl Slot {
    pub fn new(context: &Context, place: usize, symbol: Symbol) -> Self {
        let limits = &context.settings.limits;
        Self {
            place,
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
            begun: Instant::now(),
            has_caught_up: false,
            is_synced: false,
            cause: "the collector was not running",
        }
    }

    pub fn pipe(&self) -> Option<&Pipe> {
        match &self.stage {
            Stage::Running(pipe) => Some(pipe),
            _ => None,
        }
    }

    pub fn pipe_mut(&mut self) -> Option<&mut Pipe> {
        match &mut self.stage {
            Stage::Running(pipe) => Some(pipe),
            _ => None,
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
                self.stage = Stage::Running(Box::new(started.pipe));
                if is_connected {
                    self.connected(context.clock.steady_us());
                }
            }
            Err(error) => {
                let mut pause = self.start_backoff.next().unwrap_or(self.start_retry_max);
                if let StartError::Source(SourceError::RateLimited { retry_after, .. }) = &error {
                    pause = pause.max(*retry_after);
                }
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

    /// Looks at the symbol's silence. Returns whether its stream is dead.
    pub fn check_liveness(&mut self, context: &Context) -> bool {
        let now_us = context.clock.steady_us();
        let Some(pipe) = self.pipe_mut() else {
            return false;
        };
        match pipe.liveness.check(now_us) {
            Some(Action::Ask) => {
                self.fetch.want_latest();
                false
            }
            Some(Action::Reconnect(evidence)) => {
                self.events.push(Event::StreamDead {
                    symbol: self.symbol.clone(),
                    evidence,
                });
                true
            }
            None => false,
        }
    }

    /// The exchange said what its newest trade is, or did not.
    pub fn latest(&mut self, context: &Context, result: Result<Option<Trade>, SourceError>) {
        let now_us = context.clock.steady_us();
        let limits = &context.settings.limits;
        let Stage::Running(pipe) = &mut self.stage else {
            return;
        };
        let exchange_id = match result {
            Ok(Some(trade)) => trade.id,
            // A symbol that has trades here and none there proves nothing.
            Ok(None) => {
                pipe.liveness
                    .unreachable(pipe.sequence.next_id() - 1, now_us);
                self.retry_latest(None);
                return;
            }
            Err(error) => {
                pipe.liveness
                    .unreachable(pipe.sequence.next_id() - 1, now_us);
                self.retry_latest(Some(&error));
                return;
            }
        };
        let was_quiet = matches!(pipe.liveness.state(), State::Quiet { .. });
        let last_id = pipe.sequence.next_id() - 1;
        pipe.judge_stream(exchange_id, now_us);
        if !was_quiet && matches!(pipe.liveness.state(), State::Quiet { .. }) {
            let silence = Duration::from_micros(pipe.liveness.silence_us(now_us).unsigned_abs());
            self.events.push(Event::Quiet {
                symbol: self.symbol.clone(),
                silence,
            });
        }
        if pipe.is_reset(exchange_id, micros(limits.reset_interval), now_us) {
            self.events.push(Event::IdReset {
                symbol: self.symbol.clone(),
                last_id,
                exchange_id,
            });
            self.fetch.give_up();
            self.stage = Stage::Stopped;
            return;
        }
        let is_suspect = pipe.is_suspect();
        // While the stream is merely silent, what the exchange has may still arrive by
        // itself; after a connection, or with ids missing, it has to be fetched.
        if !self.is_synced || pipe.sequence.missing().is_some() {
            let patience_us = micros(limits.unconfirmed_after);
            let trades = pipe.take_latest(exchange_id, patience_us, now_us);
            if trades > 0 {
                // What seemed to be missing before those ids was never there.
                pipe.open_gap = None;
                let symbol = self.symbol.clone();
                self.events.push(Event::Unconfirmed {
                    symbol,
                    trades,
                    exchange_id,
                });
            }
            self.is_synced |= pipe.sequence.missing().is_none() && !is_suspect;
        }
        if is_suspect {
            self.fetch.want_latest();
            self.fetch.wait(
                limits.reset_interval.min(limits.fetch_retry_max),
                Instant::now(),
            );
        }
    }

    fn retry_latest(&mut self, error: Option<&SourceError>) {
        self.fetch.want_latest();
        let pause = self.fetch.failed(error, Instant::now());
        if let Some(error) = error {
            self.events.push(Event::FetchFailed {
                symbol: self.symbol.clone(),
                reason: error.to_string(),
                retry_in: pause,
            });
        }
    }

    pub fn fetch_failed(&mut self, error: &SourceError) {
        let pause = self.fetch.failed(Some(error), Instant::now());
        self.events.push(Event::FetchFailed {
            symbol: self.symbol.clone(),
            reason: error.to_string(),
            retry_in: pause,
        });
    }

    /// Takes the pages that have come, in order. Returns whether any brought something.
    pub fn take_pages(&mut self, context: &Context) -> Result<bool, OutOfOrder> {
        let limits = &context.settings.limits;
        let now_us = context.clock.steady_us();
        let mut has_taken = false;
        let Stage::Running(pipe) = &mut self.stage else {
            return Ok(false);
        };
        while let Some(page) = self.fetch.ready(pipe.sequence.next_id()) {
            let asked_id = pipe.sequence.next_id();
            match pipe.take_page(asked_id, &page, now_us)? {
                Taken::Progress => {
                    has_taken = true;
                    self.fetch.succeeded();
                }
                Taken::Nothing if pipe.awaits_proof() => {
                    self.fetch.wait(limits.absence_interval, Instant::now());
                }
                Taken::Nothing => {
                    // The exchange may not have it yet, or never: its newest id tells.
                    self.fetch.failed(None, Instant::now());
                    self.fetch.want_latest();
                }
                Taken::Absent(absence) => {
                    has_taken = true;
                    self.fetch.succeeded();
                    self.fetch.give_up();
                    pipe.open_gap = None;
                    let proof = if absence.is_malformed {
                        "the exchange has shown twice that what it has there is no trade"
                    } else {
                        "the exchange has shown twice that it has higher ids but not these"
                    };
                    let ids = (absence.first, absence.last);
                    let found_us = context.clock.wall_us();
                    pipe.record_gap(
                        ids,
                        found_us,
                        GapState::Absent,
                        self.cause,
                        proof.to_owned(),
                    );
                    self.events.push(Event::GapAbsent {
                        symbol: self.symbol.clone(),
                        first_id: ids.0,
                        last_id: ids.1,
                        proof: proof.to_owned(),
                    });
                }
            }
        }
        // What came meanwhile by stream made these pages useless: no reason to hurry.
        if self.fetch.drop_stale(pipe.sequence.next_id()) && pipe.sequence.missing().is_some() {
            self.fetch.failed(None, Instant::now());
            self.fetch.want_latest();
        }
        Ok(has_taken)
    }

    /// Opens and closes the account of a gap, and notices when everything is here.
    pub fn check_gap(&mut self, context: &Context, is_connected: bool) {
        let now_us = context.clock.steady_us();
        let Stage::Running(pipe) = &mut self.stage else {
            return;
        };
        match (pipe.sequence.missing(), pipe.open_gap) {
            (Some(Missing { first, last }), None) if self.has_caught_up => {
                let found_wall_us = context.clock.wall_us();
                pipe.open_gap = Some(OpenGap {
                    first_id: first,
                    last_id: last,
                    found_us: now_us,
                    found_wall_us,
                });
                let symbol = self.symbol.clone();
                self.events.push(Event::GapFound {
                    symbol,
                    first_id: first,
                    last_id: last,
                });
            }
            (None, Some(gap)) => {
                pipe.open_gap = None;
                let took = Duration::from_micros((now_us - gap.found_us).unsigned_abs());
                let proof = format!("fetched by id within {} ms", took.as_millis());
                let ids = (gap.first_id, gap.last_id);
                pipe.record_gap(
                    ids,
                    gap.found_wall_us,
                    GapState::Repaired,
                    self.cause,
                    proof,
                );
                self.events.push(Event::GapRepaired {
                    symbol: self.symbol.clone(),
                    first_id: gap.first_id,
                    last_id: gap.last_id,
                    took,
                });
            }
            _ => {}
        }
        if pipe.sequence.missing().is_some() {
            return;
        }
        let has_asked = !self.fetch.awaits_latest() && !pipe.is_suspect();
        self.is_synced |= is_connected && (has_asked || pipe.is_following());
        if self.is_synced {
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
    }

    /// The requests to be made now.
    pub fn requests(&mut self, now: Instant, is_connected: bool) -> Requests {
        let Stage::Running(pipe) = &mut self.stage else {
            return Vec::new();
        };
        // Without a stream there is nothing to catch up with.
        if !is_connected {
            return Vec::new();
        }
        pipe.asks_latest_if(self.fetch.is_about_to_ask(now));
        self.fetch.next(pipe.sequence.missing(), now)
    }

    /// Shows the symbol on the board.
    pub fn show(&self, line: &mut SymbolSnapshot, is_connected: bool, now_us: i64) {
        match &self.stage {
            Stage::Waiting { .. } | Stage::Starting => line.phase = Phase::Starting,
            Stage::Stopped => line.phase = Phase::Stopped,
            Stage::Running(pipe) => {
                let is_live = self.is_synced && pipe.sequence.missing().is_none();
                let phase = if is_live {
                    Phase::Live
                } else {
                    Phase::CatchingUp
                };
                let link = match pipe.liveness.state() {
                    _ if !is_connected => Link::Down,
                    State::Quiet { .. } => Link::Quiet,
                    _ => Link::Up,
                };
                *line = pipe.snapshot(phase, link, now_us);
            }
        }
    }
}
