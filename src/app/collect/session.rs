//! One group of symbols on one connection.
//!
//! A session is a single loop on a single thread: frames, answers, ticks and finished
//! commits are taken one after the other, so nothing in it is shared. When a commit
//! fails the whole session is thrown away and begun anew from the journal.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    runtime::Handle,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::clock::Clock,
    domain::{
        crash::CrashPoint,
        ladder::OutOfOrder,
        row::{EventRow, ExchangeName, Rows},
        symbol::Symbol,
    },
    exchange::source::{LiveBatch, LiveStream, Source, SourceError, StreamEnd},
    journal::{Commit, Committed, JournalError, JournalHandle},
    store::sink::Store,
};

use super::{
    event::{Emit, Event, Severity},
    fetch::{self, Answer, Answered, backoff},
    outbox::Outbox,
    pipe::Pipe,
    settings::{Settings, micros},
    slot::{Slot, Stage},
    snapshot::Board,
    start::{self, StartError, Started},
};

/// What all sessions share.
#[derive(Clone)]
pub(super) struct Context {
    pub settings: Arc<Settings>,
    pub exchange: ExchangeName,
    pub source: Arc<dyn Source>,
    pub store: Arc<dyn Store>,
    pub journal: JournalHandle,
    pub clock: Clock,
    /// The runtime that requests are made on.
    pub runtime: Handle,
    pub emit: Emit,
    pub board: Board,
    pub stop: CancellationToken,
}

/// The symbols of one connection, with their places on the board.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub symbols: Vec<(usize, Symbol)>,
}

/// Why a session ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("keep the tape in order: {0}")]
    OutOfOrder(#[from] OutOfOrder),
    #[error("write a checkpoint: {0}")]
    Checkpoint(#[from] serde_json::Error),
}

/// How often the session looks at its clocks.
const TICK: Duration = Duration::from_millis(20);
/// Malformed messages are told of at most this often.
const MALFORMED_EVERY: Duration = Duration::from_secs(10);
/// Rows of `events` that wait for a commit; more are only logged.
const WAITING_EVENTS: usize = 10_000;

/// What a request came to.
enum Done {
    Started(usize, Box<Result<Started, StartError>>),
    Fetched(usize, Answered),
}

type Connecting = BoxFuture<'static, Result<Box<dyn LiveStream>, SourceError>>;

pub(super) struct Session<'a> {
    context: &'a Context,
    slots: Vec<Slot>,
    symbols: Vec<Symbol>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    outbox: Outbox,
    events: Vec<EventRow>,
    stream: Option<Box<dyn LiveStream>>,
    connecting: Option<Connecting>,
    connect_at: Option<Instant>,
    connect_backoff: backon::ExponentialBackoff,
    /// When the last attempt to connect began.
    connect_begun: Option<Instant>,
    /// Attempts to connect since the last live trade.
    attempts: u32,
    has_connected: bool,
    is_paused: bool,
    malformed: (u64, Option<Instant>),
}

impl<'a> Session<'a> {
    pub fn new(context: &'a Context, group: &Group) -> Self {
        let limits = &context.settings.limits;
        let slots = group
            .symbols
            .iter()
            .map(|(place, symbol)| Slot::new(context, *place, symbol.clone()))
            .collect();
        Self {
            context,
            slots,
            symbols: group
                .symbols
                .iter()
                .map(|(_, symbol)| symbol.clone())
                .collect(),
            work: FuturesUnordered::new(),
            outbox: Outbox::new(context.journal.clone()),
            events: Vec::new(),
            stream: None,
            connecting: None,
            connect_at: Some(Instant::now()),
            connect_backoff: backoff(limits.reconnect_min, limits.reconnect_max),
            connect_begun: None,
            attempts: 0,
            has_connected: false,
            is_paused: false,
            malformed: (0, None),
        }
    }

    /// Runs until the stop is asked for; everything taken is committed then.
    pub async fn run(mut self) -> Result<(), SessionError> {
        let stop = self.context.stop.clone();
        let mut batch = LiveBatch::default();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let may_receive = !self.is_paused
                && !self
                    .outbox
                    .is_full(self.waiting(), &self.context.settings.limits);
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.finish().await,
                done = self.outbox.done() => self.committed(done)?,
                Some(done) = self.work.next() => self.done(done)?,
                _ = tick.tick() => self.tick()?,
                result = connected(&mut self.connecting) => self.connected(result),
                end = receive(&mut self.stream, &mut batch), if may_receive => {
                    self.take(&mut batch)?;
                    if let Err(end) = end {
                        self.disconnected(&end);
                    }
                }
            }
        }
    }

    /// Whether no symbol is left; then there is nothing to be connected for.
    fn is_given_up(&self) -> bool {
        self.slots
            .iter()
            .all(|slot| matches!(slot.stage, Stage::Stopped))
    }

    fn waiting(&self) -> usize {
        self.slots
            .iter()
            .filter_map(Slot::pipe)
            .map(Pipe::waiting)
            .sum()
    }

    /// Takes what has arrived by stream.
    fn take(&mut self, batch: &mut LiveBatch) -> Result<(), SessionError> {
        let now_us = self.context.clock.steady_us();
        for (index, trade) in &batch.trades {
            let Some(slot) = self.slots.get_mut(*index as usize) else {
                continue;
            };
            let Some(pipe) = slot.pipe_mut() else {
                continue;
            };
            let dropped = pipe.take_live(trade, now_us)?;
            if dropped > 0 {
                let symbol = pipe.symbol.clone();
                self.emit(&Event::HoldDropped {
                    symbol,
                    trades: dropped,
                });
            }
        }
        if !batch.trades.is_empty() {
            self.context.settings.crash.reach(CrashPoint::TradesTaken);
            self.attempts = 0;
        }
        if batch.fallbacks > 0 || !batch.malformed.is_empty() {
            let (fallbacks, malformed) = (batch.fallbacks, batch.malformed.len() as u64);
            self.context.board.update(|shown| {
                shown.totals.fallbacks += fallbacks;
                shown.totals.malformed += malformed;
            });
            self.note_malformed(batch);
        }
        let shutdown = batch.shutdown_announced;
        batch.clear();
        if shutdown {
            let reason = "the exchange announced its shutdown".to_owned();
            self.disconnected(&StreamEnd::Closed { code: 1001, reason });
        }
        self.commit_if_due()
    }

    fn note_malformed(&mut self, batch: &LiveBatch) {
        self.malformed.0 += batch.malformed.len() as u64;
        let is_due = self
            .malformed
            .1
            .is_none_or(|last| last.elapsed() >= MALFORMED_EVERY);
        if let (true, Some(last)) = (is_due, batch.malformed.last()) {
            let messages = std::mem::take(&mut self.malformed.0);
            self.malformed.1 = Some(Instant::now());
            let (reason, excerpt) = (last.reason.clone(), last.excerpt.clone());
            self.emit(&Event::Malformed {
                messages,
                reason,
                excerpt,
            });
        }
    }

    /// Looks at the clocks: silence, requests, commits, the connection, the board.
    fn tick(&mut self) -> Result<(), SessionError> {
        let now = Instant::now();
        self.pause_or_resume();
        let is_connected = self.stream.is_some();
        let is_held_back = self
            .outbox
            .is_full(self.waiting(), &self.context.settings.limits);
        let mut is_dead = false;
        for index in 0..self.slots.len() {
            let context = self.context;
            let slot = &mut self.slots[index];
            if slot.wants_start(now) {
                slot.stage = Stage::Starting;
                let (context, symbol) = (context.clone(), slot.symbol.clone());
                let started = self
                    .context
                    .runtime
                    .spawn(async move { start::start(&context, &symbol).await });
                let done = async move {
                    let started = started
                        .await
                        .unwrap_or_else(|e| Err(StartError::Panicked(e)));
                    Done::Started(index, Box::new(started))
                };
                self.work.push(done.boxed());
                continue;
            }
            if is_held_back {
                slot.held_back(context.clock.steady_us());
            } else if is_connected && !self.is_paused {
                is_dead |= slot.check_liveness(context);
            }
            slot.check_gap(context, is_connected);
            let events = std::mem::take(&mut slot.events);
            let requests = if self.is_paused || is_held_back {
                Vec::new()
            } else {
                slot.requests(now, is_connected)
            };
            for request in requests {
                self.work
                    .push(request.map(move |done| Done::Fetched(index, done)).boxed());
            }
            self.emit_all(events);
        }
        if is_dead {
            self.reconnect_now();
        }
        if self.is_given_up() {
            self.stream = None;
            self.connecting = None;
            self.connect_at = None;
        }
        if self.connect_at.is_some_and(|at| now >= at) && !self.is_paused {
            self.connect_at = None;
            self.connect_begun = Some(now);
            let (source, symbols) = (Arc::clone(&self.context.source), self.symbols.clone());
            self.attempts += 1;
            self.connecting = Some(async move { source.connect(&symbols).await }.boxed());
        }
        self.show();
        self.commit_if_due()
    }

    fn done(&mut self, done: Done) -> Result<(), SessionError> {
        let index = match done {
            Done::Started(index, result) => {
                self.slots[index].started(self.context, *result, self.stream.is_some());
                index
            }
            Done::Fetched(index, answered) => {
                if let Some(answer) = self.slots[index].fetch.answered(answered) {
                    match answer {
                        Answer::Latest(result) => self.slots[index].latest(self.context, result),
                        Answer::Page(_, Err(error)) => self.slots[index].fetch_failed(&error),
                        Answer::Page(_, Ok(_)) => {}
                    }
                }
                if self.slots[index].take_pages(self.context)? {
                    self.context.settings.crash.reach(CrashPoint::PageTaken);
                }
                index
            }
        };
        let events = std::mem::take(&mut self.slots[index].events);
        self.emit_all(events);
        // The next page need not wait for the tick.
        if !self.is_paused
            && !self
                .outbox
                .is_full(self.waiting(), &self.context.settings.limits)
        {
            for request in self.slots[index].requests(Instant::now(), self.stream.is_some()) {
                self.work
                    .push(request.map(move |done| Done::Fetched(index, done)).boxed());
            }
        }
        self.commit_if_due()
    }

    fn connected(&mut self, result: Result<Box<dyn LiveStream>, SourceError>) {
        match result {
            Ok(stream) => {
                self.stream = Some(stream);
                if self.has_connected {
                    self.context
                        .board
                        .update(|shown| shown.totals.reconnects += 1);
                }
                self.has_connected = true;
                let now_us = self.context.clock.steady_us();
                for slot in &mut self.slots {
                    slot.connected(now_us);
                }
                let (symbols, attempts) = (self.symbols.clone(), self.attempts);
                self.emit(&Event::Connected { symbols, attempts });
            }
            Err(error) => {
                let pause = self.connect_later();
                self.emit(&Event::ConnectFailed {
                    reason: error.to_string(),
                    retry_in: pause,
                });
            }
        }
    }

    /// Plans the next attempt: at once the first time, then ever later. A live trade, not
    /// a handshake, makes it the first time again.
    fn connect_later(&mut self) -> Duration {
        let limits = &self.context.settings.limits;
        let pause = if self.attempts == 0 {
            self.connect_backoff = backoff(limits.reconnect_min, limits.reconnect_max);
            // At once, but not over and over, should each connection end with its first trade.
            let since = self
                .connect_begun
                .map_or(limits.reconnect_min, |begun| begun.elapsed());
            limits.reconnect_min.saturating_sub(since)
        } else {
            self.connect_backoff.next().unwrap_or(limits.reconnect_max)
        };
        self.connect_at = Some(Instant::now() + pause);
        pause
    }

    fn disconnected(&mut self, end: &StreamEnd) {
        if self.stream.take().is_none() {
            return;
        }
        for slot in &mut self.slots {
            slot.disconnected();
        }
        self.emit(&Event::Disconnected {
            reason: end.to_string(),
        });
        self.connect_later();
    }

    /// The stream is dead although its socket is open.
    fn reconnect_now(&mut self) {
        self.stream = None;
        for slot in &mut self.slots {
            slot.disconnected();
        }
        self.connect_later();
    }

    /// Stops consuming while the spool is full, and goes on when it has drained.
    fn pause_or_resume(&mut self) {
        let limits = &self.context.settings.limits;
        let (limit, limit_us) = (limits.spool_size_bytes, micros(limits.spool_age));
        let spool = self.context.journal.stats();
        let size_bytes = spool.size_bytes;
        let age_us = spool.oldest_us.map_or(0, |oldest_us| {
            self.context.clock.wall_us().saturating_sub(oldest_us)
        });
        if !self.is_paused && (size_bytes >= limit || age_us >= limit_us) {
            self.is_paused = true;
            self.stream = None;
            self.connecting = None;
            self.connect_at = None;
            for slot in &mut self.slots {
                slot.disconnected();
            }
            self.emit(&Event::SpoolFull {
                size_bytes,
                oldest: Duration::from_micros(age_us.unsigned_abs()),
            });
        } else if self.is_paused && size_bytes < limit / 10 * 9 && age_us < limit_us / 10 * 9 {
            self.is_paused = false;
            self.connect_at = Some(Instant::now());
            self.emit(&Event::SpoolDrained { size_bytes });
        }
    }

    fn commit_if_due(&mut self) -> Result<(), SessionError> {
        if self
            .outbox
            .is_due(self.waiting(), &self.context.settings.limits)
        {
            self.begin_commit()?;
        }
        Ok(())
    }

    fn begin_commit(&mut self) -> Result<(), SessionError> {
        let mut commit = Commit {
            now_us: self.context.clock.wall_us(),
            ..Commit::default()
        };
        for slot in &mut self.slots {
            if let Some(pipe) = slot.pipe_mut() {
                pipe.drain_into(&mut commit)?;
            }
        }
        if !self.events.is_empty() {
            commit
                .rows
                .push(Rows::Events(std::mem::take(&mut self.events)));
        }
        if !commit.rows.is_empty() || !commit.checkpoints.is_empty() {
            self.outbox.begin(commit);
        }
        Ok(())
    }

    fn committed(&mut self, done: Result<Committed, JournalError>) -> Result<(), SessionError> {
        let done = done?;
        self.count(&done);
        self.commit_if_due()
    }

    fn count(&self, done: &Committed) {
        self.context.board.update(|shown| {
            shown.totals.commits += 1;
            shown.totals.buffered_to_disk += done.rows;
        });
    }

    /// Commits everything that was taken, and says goodbye to the exchange.
    async fn finish(mut self) -> Result<(), SessionError> {
        if self.outbox.is_busy() {
            let done = self.outbox.done().await;
            self.committed(done)?;
        }
        if self.outbox.is_busy() {
            let done = self.outbox.done().await?;
            self.count(&done);
        }
        self.begin_commit()?;
        if self.outbox.is_busy() {
            let done = self.outbox.done().await?;
            self.count(&done);
        }
        self.context.settings.crash.reach(CrashPoint::StopCommitted);
        self.show();
        if let Some(mut stream) = self.stream.take() {
            stream.close().await;
        }
        Ok(())
    }

    fn show(&self) {
        let now_us = self.context.clock.steady_us();
        let is_connected = self.stream.is_some();
        self.context.board.update(|shown| {
            shown.spool = self.context.journal.stats();
            for slot in &self.slots {
                if let Some(line) = shown.symbols.get_mut(slot.place) {
                    slot.show(line, is_connected, now_us);
                }
            }
        });
    }

    fn emit_all(&mut self, events: Vec<Event>) {
        for event in events {
            self.emit(&event);
        }
    }

    /// Tells of an event, and keeps it for the store.
    fn emit(&mut self, event: &Event) {
        self.context.emit.emit(event);
        if event.severity() > Severity::Detail && self.events.len() < WAITING_EVENTS {
            self.events.push(EventRow {
                time_us: self.context.clock.wall_us(),
                collector: self.context.settings.collector.clone(),
                symbol: event.symbol().map(ToString::to_string).unwrap_or_default(),
                code: event.code().to_owned(),
                text: event.to_string(),
            });
        }
    }
}

async fn receive(
    stream: &mut Option<Box<dyn LiveStream>>,
    batch: &mut LiveBatch,
) -> Result<(), StreamEnd> {
    match stream {
        Some(stream) => stream.receive(batch).await,
        None => std::future::pending().await,
    }
}

async fn connected(
    connecting: &mut Option<Connecting>,
) -> Result<Box<dyn LiveStream>, SourceError> {
    let Some(future) = connecting else {
        return std::future::pending().await;
    };
    let result = future.await;
    *connecting = None;
    result
}

/// The requests of a slot, as the session polls them.
pub(super) type Requests = Vec<fetch::Request>;
