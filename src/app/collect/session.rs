//! One group of symbols on its connections.
//!
//! A session is a single loop on a single thread: frames, answers, ticks and finished
//! commits are taken one after the other, so nothing in it is shared. When a commit
//! fails the whole session is thrown away and begun anew from the journal.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    app::{
        clock::Clock,
        supervise::{Supervisor, Turns},
    },
    domain::{
        crash::CrashPoint, ladder::OutOfOrder, micros::micros, row::ExchangeName,
        spool_age::SpoolAge, symbol::Symbol,
    },
    exchange::source::{LiveBatch, Source},
    journal::{Fence, JournalError, JournalHandle},
    store::sink::Store,
};

use super::{
    chronicle::Chronicle,
    event::{Emit, Event},
    fetch::{Answered, Request},
    outbox::Outbox,
    run::CollectError,
    settings::Settings,
    slot::{Slot, Stage},
    snapshot::{Board, GroupSnapshot},
    start::{self, Delayed, StartError, Started},
};

mod commit;
mod connection;
mod links;
mod memory;
mod outages;
mod rebuild;
mod repair;
mod tally;
mod watch;

use connection::LinkEvent;
use links::{Links, Which};
use repair::Case;
pub(super) use {
    memory::{Heritage, Memory, Remembered},
    outages::Outages,
    rebuild::rebuild,
    repair::{Repair, Sight},
    tally::Tally,
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
    /// Who is told of what a session itself writes down.
    pub emit: Emit,
    /// Who is told of everything else; it is written down on the way.
    pub told: Emit,
    pub chronicle: Chronicle,
    pub board: Board,
    pub stop: CancellationToken,
    pub supervisor: Supervisor,
    /// Takes the reason for which the whole collector has to end.
    pub fatal: mpsc::Sender<CollectError>,
}

/// The symbols of one connection, with their places on the board.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub number: usize,
    pub symbols: Vec<(usize, Symbol)>,
    pub outages: Outages,
    pub heritage: Heritage,
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
    /// Reconnecting has not helped: the session is to be built anew.
    #[error("get trades: reconnecting has not helped")]
    Rebuild,
    /// Nothing has helped.
    #[error("get trades: {0}")]
    Escalated(String),
}

/// What a task or a request came to.
enum Done {
    Started(usize, Box<Result<Started, StartError>>),
    Looked(usize, Result<(), Delayed>),
    Fetched(usize, Answered),
}

pub(super) struct Session<'a> {
    context: &'a Context,
    slots: Vec<Slot>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    outbox: Outbox,
    memory: Memory,
    outages: Outages,
    links: Links,
    /// The number of the group, and so its place among the connections on the board.
    group: usize,
    /// The tape has gone on in the journal since it began.
    has_advanced: bool,
    is_paused: bool,
    spool_age: SpoolAge,
    watch: watch::Watch,
    /// Malformed messages to be told of, and the last of them.
    malformed: (Tally, Option<(String, String)>),
}

impl<'a> Session<'a> {
    pub fn new(context: &'a Context, group: &Group, memory: Memory, fence: Fence) -> Self {
        let symbols = group.symbols.iter();
        let limits = &context.settings.limits;
        let slots = symbols
            .clone()
            .map(|(place, symbol)| Slot::new(context, *place, symbol.clone()))
            .collect();
        Self {
            context,
            slots,
            work: FuturesUnordered::new(),
            outbox: Outbox::new(context.journal.clone(), fence),
            memory,
            outages: group.outages.clone(),
            links: Links::new(
                &context.source,
                symbols.map(|(_, symbol)| symbol.clone()).collect(),
                limits,
            ),
            group: group.number,
            has_advanced: false,
            is_paused: false,
            spool_age: SpoolAge::default(),
            watch: watch::Watch::new(limits),
            malformed: Default::default(),
        }
    }

    /// Runs until the stop is asked for; everything taken is committed then. Each time that
    /// it has looked at everything it takes a turn.
    pub async fn run(&mut self, turns: &Turns) -> Result<(), SessionError> {
        let stop = self.context.stop.clone();
        let mut batch = LiveBatch::default();
        let mut tick = tokio::time::interval(self.context.settings.limits.tick);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let may_receive = !self.is_paused && !self.is_held_back();
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.finish().await,
                done = self.outbox.done() => self.committed(done)?,
                Some(done) = self.work.next() => self.done(done)?,
                _ = tick.tick() => {
                    self.tick()?;
                    if turns.take_or_misbehave().await {
                        return Ok(());
                    }
                }
                (which, event) = self.links.next(&mut batch, may_receive) => {
                    self.happened(which, event, &mut batch)?;
                }
            }
        }
    }

    /// Whether no symbol is left; then there is nothing to be connected for.
    fn is_given_up(&self) -> bool {
        let mut slots = self.slots.iter();
        slots.all(|slot| matches!(slot.stage, Stage::Stopped))
    }

    fn waiting(&self) -> usize {
        self.slots.iter().map(Slot::waiting).sum()
    }

    /// Whether commits are so slow that nothing more may be taken.
    fn is_held_back(&self) -> bool {
        let limits = &self.context.settings.limits;
        self.outbox.is_full(self.waiting(), limits)
    }

    fn happened(
        &mut self,
        which: Which,
        event: LinkEvent,
        batch: &mut LiveBatch,
    ) -> Result<(), SessionError> {
        match event {
            LinkEvent::Received => self.take(which, batch)?,
            LinkEvent::Ended(end) => {
                self.take(which, batch)?;
                self.disconnected(which, &end);
            }
            LinkEvent::Connected => self.connected(which),
            LinkEvent::ConnectFailed(error) => {
                let retry_in = self.links.connect_failed(which);
                let board = &self.context.board;
                board.update(|shown| shown.totals.failed_connects += 1);
                self.emit(&Event::ConnectFailed {
                    reason: error.to_string(),
                    retry_in,
                });
            }
        }
        Ok(())
    }

    /// Takes what has arrived by stream.
    fn take(&mut self, which: Which, batch: &mut LiveBatch) -> Result<(), SessionError> {
        let now_us = self.context.clock.steady_us();
        for (index, trade) in &batch.trades {
            let slot = self.slots.get_mut(*index as usize);
            let Some(pipe) = slot.and_then(Slot::pipe_mut) else {
                continue;
            };
            let dropped = pipe.take_live(trade, now_us)?;
            if dropped > 0 {
                let symbol = pipe.symbol().clone();
                self.emit(&Event::HoldDropped {
                    symbol,
                    trades: dropped,
                });
            }
        }
        if !batch.trades.is_empty() {
            self.context.settings.crash.reach(CrashPoint::TradesTaken);
            let change = self.links.traded(which, batch, Instant::now());
            self.tell_of_links(change);
        }
        if batch.fallbacks > 0 || !batch.malformed.is_empty() {
            let (fallbacks, malformed) = (batch.fallbacks, batch.malformed.len() as u64);
            self.context.board.update(|shown| {
                shown.totals.fallbacks += fallbacks;
                shown.totals.malformed += malformed;
            });
            self.malformed.0.add(malformed);
            if let Some(last) = batch.malformed.pop() {
                self.malformed.1 = Some((last.reason, last.excerpt));
            }
        }
        let shutdown = batch.shutdown_announced;
        batch.clear();
        if shutdown {
            let change = self.links.shutdown_announced(which, Instant::now());
            self.tell_of_links(change);
        }
        self.commit_if_due()
    }

    fn tell_malformed(&mut self, messages: Option<u64>) {
        if let Some(messages) = messages {
            let (reason, excerpt) = self.malformed.1.clone().unwrap_or_default();
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
        self.count_refusals();
        let messages = self.malformed.0.due(now);
        self.tell_malformed(messages);
        let (is_connected, is_held_back) = (self.links.is_up(), self.is_held_back());
        let is_link_alive = self.is_link_alive();
        let mut dead = Vec::new();
        for index in 0..self.slots.len() {
            let context = self.context;
            let slot = &mut self.slots[index];
            if slot.wants_start(now) {
                self.start(index);
                continue;
            }
            if is_held_back {
                slot.held_back(context.clock.steady_us());
            } else if is_connected && !self.is_paused {
                dead.extend(
                    slot.check_liveness(context, is_link_alive)
                        .map(|evidence| Case {
                            index,
                            symbol: slot.symbol.clone(),
                            evidence,
                        }),
                );
            }
            slot.settle(context, is_connected);
            slot.look_at_lag(is_connected, context.clock.steady_us());
            if let Some(delayed) = slot.take_delayed(now) {
                self.look(index, delayed);
            }
            self.tell_of(index);
            self.request(index, now);
        }
        if !dead.is_empty() {
            self.found_dead(&dead);
            self.remedy(&dead)?;
        }
        self.judge_remedy();
        self.look_at_outages();
        if self.is_given_up() {
            self.links.pause();
        }
        let changes = self.links.tick(now);
        self.tell_of_links(changes);
        self.compare_links(!is_held_back && !self.is_paused, now);
        self.watch(now);
        self.memory.lock().diary.tick();
        self.show();
        self.commit_if_due()
    }

    /// Begins to find out where a symbol starts.
    fn start(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.stage = Stage::Starting;
        let (context, symbol) = (self.context.clone(), slot.symbol.clone());
        // Should the session end before, the task ends with it: nothing that hangs at the
        // exchange keeps the journal.
        let started = AbortOnDropHandle::new(
            self.context
                .runtime
                .spawn(async move { start::start(&context, &symbol).await }),
        );
        let done = async move {
            let started = started.await;
            let started = started.unwrap_or_else(|error| Err(StartError::Panicked(error)));
            Done::Started(index, Box::new(started))
        };
        self.work.push(done.boxed());
    }

    /// Begins to look whether series that could not start can now.
    fn look(&mut self, index: usize, delayed: Delayed) {
        let (context, symbol) = (self.context.clone(), self.slots[index].symbol.clone());
        let looked = async move { start::look(&context, &symbol, delayed).await };
        self.work
            .push(looked.map(move |done| Done::Looked(index, done)).boxed());
    }

    /// Makes the requests of a symbol that are to be made now.
    fn request(&mut self, index: usize, now: Instant) {
        if self.is_paused || self.is_held_back() {
            return;
        }
        let is_connected = self.links.is_up();
        let requests: Vec<Request> = self.slots[index].requests(now, is_connected);
        for request in requests {
            self.work
                .push(request.map(move |done| Done::Fetched(index, done)).boxed());
        }
    }

    fn done(&mut self, done: Done) -> Result<(), SessionError> {
        let is_connected = self.links.is_up();
        let index = match done {
            Done::Started(index, result) => {
                self.slots[index].started(self.context, *result, is_connected);
                index
            }
            Done::Looked(index, delayed) => {
                self.slots[index].looked(delayed);
                index
            }
            Done::Fetched(index, answered) => {
                if self.slots[index].answered(self.context, answered, is_connected)? {
                    self.context.settings.crash.reach(CrashPoint::PageTaken);
                }
                index
            }
        };
        self.tell_of(index);
        // The next page need not wait for the tick.
        self.request(index, Instant::now());
        self.commit_if_due()
    }

    /// Stops consuming while the spool is full, and goes on when it has drained.
    fn pause_or_resume(&mut self) {
        let limits = &self.context.settings.limits;
        let (limit, limit_us) = (limits.spool_size_bytes, micros(limits.spool_age));
        let spool = self.context.journal.stats();
        let size_bytes = spool.size_bytes;
        let clock = &self.context.clock;
        let age = &mut self.spool_age;
        let age_us = age.look(spool.oldest_us, clock.steady_us(), clock.wall_us());
        let age_us = age_us.unwrap_or(0);
        if self.is_paused {
            let board = &self.context.board;
            board.update(|shown| shown.totals.paused_checks += 1);
        }
        if !self.is_paused && (size_bytes >= limit || age_us >= limit_us) {
            self.is_paused = true;
            self.links.pause();
            for slot in &mut self.slots {
                slot.disconnected();
            }
            self.emit(&Event::SpoolFull {
                size_bytes,
                oldest: Duration::from_micros(age_us.unsigned_abs()),
            });
        } else if self.is_paused && size_bytes < limit / 10 * 9 && age_us < limit_us / 10 * 9 {
            self.is_paused = false;
            self.links.resume();
            self.emit(&Event::SpoolDrained { size_bytes });
        }
    }

    /// Shows that waiting for an exchange that wants no questions is not hanging, however
    /// long it wants none.
    fn count_refusals(&self) {
        if self.slots.iter().any(Slot::is_refused) {
            let board = &self.context.board;
            board.update(|shown| shown.totals.refused_checks += 1);
        }
    }

    fn show(&self) {
        let clock = &self.context.clock;
        let (now_us, wall_us) = (clock.steady_us(), clock.wall_us());
        let is_connected = self.links.is_up();
        let (failed_remedies, dead) = {
            let repair = &self.memory.lock().repair;
            (repair.failures(), repair.symbols())
        };
        let group = GroupSnapshot {
            paused: self.is_paused.then(|| "the spool is full".to_owned()),
            waiting_rows: self.waiting() as u64,
            held_trades: self.slots.iter().map(|slot| slot.held() as u64).sum(),
            failed_remedies,
            dead,
        };
        self.context.board.update(|shown| {
            shown.spool = self.context.journal.stats();
            shown.show_group(self.group, group);
            self.show_links(shown);
            for slot in &self.slots {
                if let Some(line) = shown.symbols.get_mut(slot.place) {
                    slot.show(line, is_connected, now_us, wall_us);
                }
            }
        });
    }

    /// Tells of what has happened to a symbol.
    fn tell_of(&mut self, index: usize) {
        for event in std::mem::take(&mut self.slots[index].events) {
            self.emit(&event);
        }
    }

    /// Tells of an event, and keeps it for the store.
    fn emit(&mut self, event: &Event) {
        self.context.emit.emit(event);
        self.memory.lock().diary.note(event);
    }
}

#[cfg(test)]
mod tests;
