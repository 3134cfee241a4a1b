//! All stream connections, and how a trade reaches them.
//!
//! A message looks the same on every connection of one kind (time unit, wrapped or
//! not), so its frame is built once a kind and its bytes are shared. A connection that
//! takes too long is ended and counted; it never holds the others up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use tokio::sync::Notify;
use tracing::warn;

use super::board::Board;
use super::connection::Connection;
use super::fault::{CutHow, FaultKind, GarbleHow};
use super::frame::{Kind, push_frame};
use super::json::{Names, Shape, TimeUnit, push_message};
use super::mangle::Item;
use super::outbox::Chunk;
use super::trade::SimTrade;

/// About how long a framed message is, to reserve room.
const MESSAGE_SIZE_BYTES: usize = 260;
/// A connection with more than this waiting holds back a tape that is played as fast as
/// it is taken.
const COMFORTABLE_BACKLOG_SIZE_BYTES: usize = 2 << 20;

/// The kinds of connection: two time units, wrapped or not.
const KINDS: usize = 4;

/// The register of stream connections.
#[derive(Debug)]
pub(crate) struct Hub {
    names: Vec<Names>,
    connections: RwLock<Vec<Arc<Connection>>>,
    /// Told when a connection has emptied its queue, subscribed or ended.
    pub(crate) room: Notify,
    slow_clients: AtomicU64,
}

impl Hub {
    /// A hub without connections.
    pub(crate) fn new(names: Vec<Names>) -> Self {
        Self {
            names,
            connections: RwLock::default(),
            room: Notify::new(),
            slow_clients: AtomicU64::new(0),
        }
    }

    /// The symbols' spellings, by index.
    pub(crate) fn names(&self) -> &[Names] {
        &self.names
    }

    /// Adds a connection: from now on it gets every trade that becomes past.
    pub(crate) fn add(&self, connection: Arc<Connection>) {
        self.write().push(connection);
        self.room.notify_one();
    }

    /// Removes a connection that has ended.
    pub(crate) fn remove(&self, connection: &Arc<Connection>) {
        self.write().retain(|known| !Arc::ptr_eq(known, connection));
        self.room.notify_one();
    }

    /// How many connections there are.
    pub(crate) fn count(&self) -> usize {
        self.read().len()
    }

    /// How many connections subscribe to a symbol.
    pub(crate) fn subscribers(&self, symbol: usize) -> usize {
        self.read()
            .iter()
            .filter(|connection| connection.wants(symbol))
            .count()
    }

    /// How many clients were ended for being too slow.
    pub(crate) fn slow_clients(&self) -> u64 {
        self.slow_clients.load(Ordering::Relaxed)
    }

    /// Ends a client that does not keep up.
    pub(crate) fn end_slow_client(&self, connection: &Connection) {
        if !connection.cut.is_cancelled() {
            self.slow_clients.fetch_add(1, Ordering::Relaxed);
            connection.end(CutHow::Rst);
            warn!("a client of the sim does not keep up, and is cut off");
        }
    }

    /// Does to all connections what a fault says; returns how many there were.
    pub(crate) fn strike(&self, kind: &FaultKind, symbol: Option<usize>) -> usize {
        let connections = self.read();
        for connection in connections.iter() {
            connection.suffer(kind, symbol);
        }
        connections.len()
    }

    /// Lets all silenced connections speak again.
    pub(crate) fn recover(&self) {
        for connection in self.read().iter() {
            connection.recover();
        }
        self.room.notify_one();
    }

    /// Whether a symbol has subscribers, and none of them is behind.
    pub(crate) fn has_room(&self, symbol: usize) -> bool {
        let connections = self.read();
        let mut takers = connections.iter().filter(|c| c.takes(symbol)).peekable();
        takers.peek().is_some()
            && takers.all(|c| c.outbox.size_bytes() < COMFORTABLE_BACKLOG_SIZE_BYTES)
    }

    /// Whether anybody takes a symbol's messages.
    pub(crate) fn is_taken(&self, symbol: usize) -> bool {
        self.read()
            .iter()
            .any(|connection| connection.takes(symbol))
    }

    /// Queues trades of a symbol for all who take them.
    pub(crate) fn publish(&self, symbol: usize, trades: &[SimTrade], board: &Board) {
        if !board.any() {
            let proper = |trade: &SimTrade| Item {
                trade: *trade,
                shape: Shape::Proper,
                garble: None,
            };
            self.send(symbol, trades.len(), || trades.iter().map(proper));
            return;
        }
        // One message at a time, so that a fault can strike exactly one.
        for item in board.mangle(symbol, trades) {
            self.send(symbol, 1, || std::iter::once(item));
        }
    }

    fn send<I: Iterator<Item = Item>>(&self, symbol: usize, count: usize, items: impl Fn() -> I) {
        let mut chunks: [Option<Chunk>; KINDS] = [const { None }; KINDS];
        for connection in self
            .read()
            .iter()
            .filter(|connection| connection.takes(symbol))
        {
            let combined = connection.is_combined();
            let unit = connection.unit;
            let kind = usize::from(combined) * 2 + usize::from(unit == TimeUnit::Microsecond);
            let chunk = chunks[kind].get_or_insert_with(|| {
                let mut bytes = Vec::with_capacity(count * MESSAGE_SIZE_BYTES);
                for item in items() {
                    push_item(&mut bytes, &self.names[symbol], &item, unit, combined);
                }
                Chunk {
                    bytes: Bytes::from(bytes),
                    messages: count as u64,
                }
            });
            if !connection.outbox.push(chunk.clone()) {
                self.end_slow_client(connection);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Arc<Connection>>> {
        self.connections
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Arc<Connection>>> {
        self.connections
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much an oversized message is too long.
const OVERSIZE_BYTES: usize = 2_000_000;

/// Appends the frame of one message, broken if a fault says so.
fn push_item(out: &mut Vec<u8>, names: &Names, item: &Item, unit: TimeUnit, combined: bool) {
    let message = |out: &mut Vec<u8>| {
        push_message(out, names, &item.trade, unit, combined, item.shape);
    };
    match item.garble {
        None => push_frame(out, Kind::Text, message),
        Some(GarbleHow::BrokenJson) => push_frame(out, Kind::Text, |out| {
            let start = out.len();
            message(out);
            // A missing colon after the id's name, in the middle of the message.
            if let Some(at) = find(&out[start..], b"\"a\":") {
                out.remove(start + at + 3);
            }
        }),
        Some(GarbleHow::Truncated) => push_frame(out, Kind::Text, |out| {
            let start = out.len();
            message(out);
            out.truncate(start + (out.len() - start) / 2);
        }),
        Some(GarbleHow::Binary) => push_frame(out, Kind::Binary, |out| {
            out.extend_from_slice(&item.trade.time_us.to_be_bytes());
            out.extend_from_slice(&[0, 0xff, 0xfe, 0x80]);
        }),
        Some(GarbleHow::NotUtf8) => push_frame(out, Kind::Text, |out| {
            message(out);
            let last = out.len() - 1;
            out[last] = 0xff;
        }),
        Some(GarbleHow::Oversized) => push_frame(out, Kind::Text, |out| {
            message(out);
            out.resize(out.len() + OVERSIZE_BYTES, b' ');
        }),
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::super::fault::Fault;
    use super::super::socket::ResetSwitch;
    use super::*;

    const TRADE: SimTrade = SimTrade {
        id: 5,
        price_e8: 1,
        quantity_e8: 1,
        first_id: 5,
        last_id: 5,
        time_us: 5_000_123,
        buyer_maker: false,
        best_match: true,
    };

    fn hub_with(kinds: &[(TimeUnit, bool)], backlog: usize) -> (Hub, Vec<Arc<Connection>>) {
        let hub = Hub::new(vec![Names::of("BTCUSDT")]);
        let mut connections = Vec::new();
        for (unit, combined) in kinds {
            let switch = ResetSwitch::default();
            let (connection, _) = Connection::new(1, *unit, *combined, backlog, switch);
            connection
                .subscribe(hub.names(), &["btcusdt@aggTrade"])
                .unwrap();
            connections.push(Arc::new(connection));
        }
        connections
            .iter()
            .for_each(|connection| hub.add(Arc::clone(connection)));
        (hub, connections)
    }

    fn text(connection: &Connection) -> String {
        let chunks = connection.outbox.take_now();
        let bytes: Vec<u8> = chunks
            .iter()
            .flat_map(|chunk| chunk.bytes.to_vec())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn each_kind_of_connection_gets_its_own_form() {
        let kinds = [
            (TimeUnit::Millisecond, false),
            (TimeUnit::Microsecond, true),
        ];
        let (hub, connections) = hub_with(&kinds, 1 << 20);
        hub.publish(0, &[TRADE, TRADE], &Board::default());
        let plain = text(&connections[0]);
        assert_eq!(plain.matches(r#""T":5000,"#).count(), 2, "{plain}");
        assert!(!plain.contains("stream"));
        let combined = text(&connections[1]);
        assert_eq!(combined.matches(r#""T":5000123,"#).count(), 2, "{combined}");
        assert_eq!(
            combined
                .matches(r#"{"stream":"btcusdt@aggTrade","data":"#)
                .count(),
            2
        );
    }

    #[test]
    fn a_client_that_does_not_keep_up_is_ended_and_counted_once() {
        let (hub, connections) = hub_with(&[(TimeUnit::Millisecond, false)], 300);
        for _ in 0..5 {
            hub.publish(0, &[TRADE], &Board::default());
        }
        assert!(connections[0].cut.is_cancelled());
        assert_eq!(hub.slow_clients(), 1);
    }

    #[test]
    fn garbled_messages_are_broken_each_in_its_way() {
        let garble = |how| {
            let (hub, connections) = hub_with(&[(TimeUnit::Millisecond, false)], 4 << 20);
            let board = Board::default();
            board.add(Fault::new(FaultKind::Garble { every: 1, how }), None);
            hub.publish(0, &[TRADE], &board);
            connections[0].outbox.take_now()[0].bytes.to_vec()
        };
        let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes);
        let broken = garble(GarbleHow::BrokenJson);
        assert!(broken[0] == 0x81 && json(&broken[4..]).is_err());
        let truncated = garble(GarbleHow::Truncated);
        assert!(truncated[0] == 0x81 && json(&truncated[2..]).is_err());
        assert_eq!(garble(GarbleHow::Binary)[0], 0x82);
        let oversized = garble(GarbleHow::Oversized);
        assert!(oversized.len() > OVERSIZE_BYTES && json(&oversized[10..]).is_ok());
        let not_utf8 = garble(GarbleHow::NotUtf8);
        assert!(not_utf8[0] == 0x81 && std::str::from_utf8(&not_utf8[4..]).is_err());
    }
}
