//! One stream connection as the rest of the sim sees it: what it wants, how it is
//! silenced, and what it has been ordered to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::fault::{CutHow, FaultKind};
use super::json::{Names, TimeUnit};
use super::outbox::Outbox;
use super::socket::ResetSwitch;

/// The most streams on one connection.
pub(crate) const MAX_STREAMS: usize = 1024;
/// Orders that may wait for a connection; more are dropped, for it is about to end anyway.
const WAITING_ORDERS: usize = 8;

/// What a connection is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Send a close frame with this code, then end.
    Close(u16),
    /// Announce the shutdown, then close after a while.
    Shutdown(Duration),
}

/// More streams than a connection may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyStreams;

/// One stream connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) unit: TimeUnit,
    combined: AtomicBool,
    /// The subscribed streams in the order of subscription, also those that do not exist.
    streams: Mutex<Vec<String>>,
    /// Whether a symbol is subscribed to, and whether it is muted here, by index.
    wanted: Box<[AtomicBool]>,
    muted: Box<[AtomicBool]>,
    half_open: AtomicBool,
    pings_only: AtomicBool,
    pub(crate) outbox: Outbox,
    orders: mpsc::Sender<Order>,
    /// Cancelled when the connection must end at once, without a close frame.
    pub(crate) cut: CancellationToken,
    switch: ResetSwitch,
}

impl Connection {
    /// A connection without subscriptions, and where its orders come out.
    pub(crate) fn new(
        symbols: usize,
        unit: TimeUnit,
        combined: bool,
        backlog_size_bytes: usize,
        switch: ResetSwitch,
    ) -> (Self, mpsc::Receiver<Order>) {
        let (orders, received) = mpsc::channel(WAITING_ORDERS);
        let flags = || (0..symbols).map(|_| AtomicBool::new(false)).collect();
        let connection = Self {
            unit,
            combined: AtomicBool::new(combined),
            streams: Mutex::default(),
            wanted: flags(),
            muted: flags(),
            half_open: AtomicBool::new(false),
            pings_only: AtomicBool::new(false),
            outbox: Outbox::new(backlog_size_bytes),
            orders,
            cut: CancellationToken::new(),
            switch,
        };
        (connection, received)
    }

    /// Whether messages are wrapped with their stream's name.
    pub(crate) fn is_combined(&self) -> bool {
        self.combined.load(Ordering::Relaxed)
    }

    /// Sets whether messages are wrapped with their stream's name.
    pub(crate) fn set_combined(&self, combined: bool) {
        self.combined.store(combined, Ordering::Relaxed);
    }

    /// Whether nothing at all comes any more.
    pub(crate) fn is_half_open(&self) -> bool {
        self.half_open.load(Ordering::Acquire)
    }

    /// Whether a symbol's messages are to be queued for this connection.
    pub(crate) fn takes(&self, symbol: usize) -> bool {
        self.wants(symbol)
            && !self.muted[symbol].load(Ordering::Relaxed)
            && !self.pings_only.load(Ordering::Relaxed)
            && !self.half_open.load(Ordering::Relaxed)
    }

    /// Whether a symbol is subscribed to.
    pub(crate) fn wants(&self, symbol: usize) -> bool {
        self.wanted[symbol].load(Ordering::Relaxed)
    }

    /// Subscribes to streams; names that do not exist are kept, and stay mute. A symbol that
    /// was muted here is healed.
    pub(crate) fn subscribe(
        &self,
        names: &[Names],
        streams: &[&str],
    ) -> Result<(), TooManyStreams> {
        let mut subscribed = self.streams();
        let new: Vec<&str> = streams
            .iter()
            .copied()
            .filter(|stream| !subscribed.iter().any(|known| known == stream))
            .collect();
        if subscribed.len() + new.len() > MAX_STREAMS {
            return Err(TooManyStreams);
        }
        subscribed.extend(new.iter().map(|stream| (*stream).to_owned()));
        for stream in streams {
            if let Some(symbol) = names.iter().position(|names| names.stream == *stream) {
                self.muted[symbol].store(false, Ordering::Relaxed);
                self.wanted[symbol].store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Ends subscriptions; unknown ones are ignored.
    pub(crate) fn unsubscribe(&self, names: &[Names], streams: &[&str]) {
        let mut subscribed = self.streams();
        subscribed.retain(|known| !streams.contains(&known.as_str()));
        for (symbol, names) in names.iter().enumerate() {
            if streams.contains(&names.stream.as_str()) {
                self.wanted[symbol].store(false, Ordering::Relaxed);
            }
        }
    }

    /// The subscribed streams.
    pub(crate) fn subscriptions(&self) -> Vec<String> {
        self.streams().clone()
    }

    /// Does to the connection what a fault says.
    pub(crate) fn suffer(&self, kind: &FaultKind, symbol: Option<usize>) {
        match kind {
            FaultKind::Cut { how, .. } => self.end(*how),
            FaultKind::Close { code: 1006, .. } => self.end(CutHow::Fin),
            FaultKind::Close { code, .. } => self.order(Order::Close(*code)),
            FaultKind::HalfOpen { .. } => self.half_open.store(true, Ordering::Release),
            FaultKind::PingsOnly { .. } => self.pings_only.store(true, Ordering::Release),
            FaultKind::MuteSymbol { .. } => {
                for (index, muted) in self.muted.iter().enumerate() {
                    if symbol.is_none_or(|symbol| symbol == index) {
                        muted.store(true, Ordering::Relaxed);
                    }
                }
            }
            FaultKind::ServerShutdown { grace_ms } => {
                self.order(Order::Shutdown(Duration::from_millis(*grace_ms)));
            }
            _ => {}
        }
    }

    /// Lets a silenced connection speak again, from now on.
    pub(crate) fn recover(&self) {
        self.half_open.store(false, Ordering::Release);
        self.pings_only.store(false, Ordering::Release);
        for muted in &self.muted {
            muted.store(false, Ordering::Relaxed);
        }
    }

    /// Ends the connection at once, without a close frame.
    pub(crate) fn end(&self, how: CutHow) {
        if how == CutHow::Rst {
            self.switch.reset_at_end();
        }
        self.cut.cancel();
    }

    /// Whether the connection has been ended with a reset, so that no last word goes out.
    pub(crate) fn is_cut_with_reset(&self) -> bool {
        self.cut.is_cancelled() && self.switch.is_set()
    }

    fn order(&self, order: Order) {
        // A full queue means that the connection already has orders to end.
        let _ = self.orders.try_send(order);
    }

    fn streams(&self) -> MutexGuard<'_, Vec<String>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let switch = ResetSwitch::default();
        Connection::new(2, TimeUnit::Millisecond, false, 1 << 20, switch).0
    }

    fn names() -> Vec<Names> {
        vec![Names::of("BTCUSDT"), Names::of("ETHUSDT")]
    }

    #[test]
    fn unknown_streams_are_kept_and_change_nothing() {
        let connection = connection();
        let streams = ["ethusdt@aggTrade", "nobody@depth", "BTCUSDT@aggTrade"];
        connection.subscribe(&names(), &streams).unwrap();
        assert_eq!(connection.subscriptions(), streams);
        assert!(connection.takes(1) && !connection.takes(0));
        connection.unsubscribe(&names(), &["ethusdt@aggTrade", "never@seen"]);
        assert_eq!(
            connection.subscriptions(),
            ["nobody@depth", "BTCUSDT@aggTrade"]
        );
        assert!(!connection.takes(1));
    }

    #[test]
    fn a_connection_has_a_bound_on_its_streams() {
        let connection = connection();
        let many: Vec<String> = (0..MAX_STREAMS).map(|n| format!("s{n}@aggTrade")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        connection.subscribe(&names(), &many).unwrap();
        connection.subscribe(&names(), &["s0@aggTrade"]).unwrap();
        let one_more = connection.subscribe(&names(), &["btcusdt@aggTrade"]);
        assert_eq!(one_more, Err(TooManyStreams));
    }

    #[test]
    fn a_muted_symbol_is_healed_by_a_new_subscription() {
        let connection = connection();
        let streams = ["btcusdt@aggTrade", "ethusdt@aggTrade"];
        connection.subscribe(&names(), &streams).unwrap();
        connection.suffer(&FaultKind::MuteSymbol { open: true }, Some(0));
        assert!(!connection.takes(0) && connection.takes(1));
        connection.unsubscribe(&names(), &streams[..1]);
        connection.subscribe(&names(), &streams[..1]).unwrap();
        assert!(connection.takes(0));
    }
}
