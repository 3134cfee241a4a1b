//! The connection of a group: it is made, used, lost, and made anew.
//!
//! The first attempt after a loss follows at once, the next ones ever later. A live trade,
//! not a handshake, makes it the first one again.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::Instant;

use crate::{
    app::backoff::{Backoff, backoff},
    domain::{safeguard::Safeguard, symbol::Symbol},
    exchange::source::{LiveBatch, LiveStream, Source, SourceError, StreamEnd},
};

use super::super::settings::Limits;

/// What has happened to the connection.
pub(super) enum LinkEvent {
    /// It stands.
    Connected,
    /// It could not be made.
    ConnectFailed(SourceError),
    /// Something has come.
    Received,
    /// It is over; what has come before is valid.
    Ended(StreamEnd),
}

enum State {
    /// It is made at that time; never, if none.
    Down { connect_at: Option<Instant> },
    /// It is being made.
    Connecting(BoxFuture<'static, Result<Box<dyn LiveStream>, SourceError>>),
    /// It stands.
    Up(Box<dyn LiveStream>),
}

pub(super) struct Connection {
    source: Arc<dyn Source>,
    symbols: Vec<Symbol>,
    state: State,
    pauses: (Duration, Duration),
    reconnects: bool,
    backoff: Backoff,
    /// When the last attempt began.
    begun: Option<Instant>,
    /// Attempts since the last live trade.
    attempts: u32,
}

impl Connection {
    pub fn new(source: Arc<dyn Source>, symbols: Vec<Symbol>, limits: &Limits) -> Self {
        let pauses = (limits.reconnect_min, limits.reconnect_max);
        Self {
            source,
            symbols,
            state: State::Down {
                connect_at: Some(Instant::now()),
            },
            pauses,
            reconnects: limits.safeguards.has(Safeguard::Reconnect),
            backoff: backoff(pauses.0, pauses.1),
            begun: None,
            attempts: 0,
        }
    }

    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Waits for the next thing to happen; for ever while nothing can, or while nothing
    /// may be received. Cancelling it loses nothing.
    pub async fn next(&mut self, batch: &mut LiveBatch, may_receive: bool) -> LinkEvent {
        match &mut self.state {
            State::Up(stream) if may_receive => match stream.receive(batch).await {
                Ok(()) => LinkEvent::Received,
                Err(end) => LinkEvent::Ended(end),
            },
            State::Connecting(connecting) => match connecting.await {
                Ok(stream) => {
                    self.state = State::Up(stream);
                    LinkEvent::Connected
                }
                Err(error) => {
                    self.state = State::Down { connect_at: None };
                    LinkEvent::ConnectFailed(error)
                }
            },
            State::Up(_) | State::Down { .. } => std::future::pending().await,
        }
    }

    /// Begins to connect when it is time.
    pub fn tick(&mut self, now: Instant) {
        if let State::Down {
            connect_at: Some(connect_at),
        } = self.state
            && now >= connect_at
        {
            self.begun = Some(now);
            self.attempts += 1;
            let (source, symbols) = (Arc::clone(&self.source), self.symbols.clone());
            let connecting = async move { source.connect(&symbols).await };
            self.state = State::Connecting(connecting.boxed());
        }
    }

    /// Subscribes anew to some symbols. Returns whether that is possible.
    pub fn resubscribe(&mut self, symbols: &[usize]) -> bool {
        match &mut self.state {
            State::Up(stream) => stream.resubscribe(symbols),
            _ => false,
        }
    }

    /// Live trades have come.
    pub fn traded(&mut self) {
        self.attempts = 0;
    }

    /// Ends what there is, and plans the next attempt. Returns the pause before it.
    pub fn connect_later(&mut self) -> Duration {
        let (min, max) = self.pauses;
        let pause = if self.attempts == 0 {
            self.backoff = backoff(min, max);
            // At once, but not over and over, should each connection end with its first trade.
            let since = self.begun.map_or(min, |begun| begun.elapsed());
            min.saturating_sub(since)
        } else {
            self.backoff.next().unwrap_or(max)
        };
        self.state = State::Down {
            connect_at: self.reconnects.then(|| Instant::now() + pause),
        };
        pause
    }

    /// Ends what there is; [`resume`](Self::resume) connects again.
    pub fn pause(&mut self) {
        self.state = State::Down { connect_at: None };
    }

    /// Connects again.
    pub fn resume(&mut self) {
        self.state = State::Down {
            connect_at: Some(Instant::now()),
        };
    }

    /// Says goodbye to the exchange.
    pub async fn close(self) {
        if let State::Up(mut stream) = self.state {
            stream.close().await;
        }
    }
}
