//! The live trades of one connection.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{
    endpoints::Endpoints,
    excerpt::excerpt,
    symbols::SymbolTable,
    wire::{self, Control, Message, STREAM_SUFFIX},
};
use crate::{
    domain::symbol::Symbol,
    exchange::{
        socket::Socket,
        source::{LiveBatch, LiveStream, Malformed, StreamEnd},
    },
};

/// How many streams the exchange allows on one connection.
pub const MAX_STREAMS: usize = 1024;

fn stream_name(symbol: &Symbol) -> String {
    symbol.as_str().to_ascii_lowercase() + STREAM_SUFFIX
}

/// So many streams fit into one request; when more are mute, the connection is at fault.
const MAX_RESUBSCRIBED: usize = 50;

/// The address of one connection for all `symbols`.
pub(super) fn stream_url(endpoint: &Url, symbols: &[Symbol]) -> Url {
    let mut query = String::from("streams=");
    for (index, symbol) in symbols.iter().enumerate() {
        if index > 0 {
            query.push('/');
        }
        query.push_str(&stream_name(symbol));
    }
    query.push_str("&timeUnit=MICROSECOND");
    let mut url = endpoint.clone();
    url.set_path(&format!("{}/stream", endpoint.path().trim_end_matches('/')));
    url.set_query(Some(&query));
    url
}

/// One open connection.
pub(super) struct Stream {
    socket: Socket,
    decoder: Decoder,
    /// The name of each symbol's stream.
    names: Vec<String>,
    endpoints: Arc<Endpoints>,
    endpoint: usize,
    /// Whether a trade has come by it.
    has_delivered: bool,
}

impl Stream {
    pub(super) fn new(
        socket: Socket,
        symbols: &[Symbol],
        endpoints: Arc<Endpoints>,
        endpoint: usize,
        reads_unusual: bool,
    ) -> Self {
        Self {
            socket,
            decoder: Decoder {
                symbols: SymbolTable::new(symbols),
                requests: 0,
                reads_unusual,
            },
            names: symbols.iter().map(stream_name).collect(),
            endpoints,
            endpoint,
            has_delivered: false,
        }
    }
}

#[async_trait]
impl LiveStream for Stream {
    async fn receive(&mut self, batch: &mut LiveBatch) -> Result<(), StreamEnd> {
        let decoder = &mut self.decoder;
        let received = self
            .socket
            .receive(|message| decoder.take(message, batch))
            .await;
        if !self.has_delivered && !batch.trades.is_empty() {
            self.has_delivered = true;
            self.endpoints.works(self.endpoint);
        }
        received
    }

    fn resubscribe(&mut self, indexes: &[usize]) -> bool {
        let names: Vec<_> = indexes
            .iter()
            .filter_map(|&index| self.names.get(index))
            .collect();
        if names.len() > MAX_RESUBSCRIBED {
            return false;
        }
        let mut request = |method: &str| {
            self.decoder.requests += 1;
            let id = self.decoder.requests;
            let request = serde_json::json!({ "method": method, "params": names, "id": id });
            self.socket.request(request.to_string())
        };
        request("UNSUBSCRIBE") && request("SUBSCRIBE")
    }

    async fn close(&mut self) {
        self.socket.close().await;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Whatever accepts connections and stays mute must not be tried for ever.
        if !self.has_delivered {
            self.endpoints.fails(self.endpoint);
        }
    }
}

/// Turns messages into trades with the index of their symbol.
struct Decoder {
    symbols: SymbolTable,
    /// Requests made on the connection.
    requests: u64,
    /// Whether messages of an unusual form are read, too.
    reads_unusual: bool,
}

impl Decoder {
    #[inline]
    fn take(&mut self, message: &[u8], batch: &mut LiveBatch) {
        if let Some(scanned) = wire::scan(message)
            && let Some(index) = self.symbols.index_of(scanned.symbol)
        {
            batch.trades.push((index, scanned.trade));
        } else {
            self.take_slowly(message, batch);
        }
    }

    #[cold]
    #[inline(never)]
    fn take_slowly(&mut self, message: &[u8], batch: &mut LiveBatch) {
        batch.fallbacks += 1;
        if !self.reads_unusual {
            batch
                .malformed
                .push(unexpected("something unusual", message));
            return;
        }
        let malformed = match wire::read_generally(message) {
            Message::Trade { symbol, trade } => {
                if let Some(index) = self.symbols.index_of(symbol.as_bytes()) {
                    batch.trades.push((index, trade));
                    return;
                }
                Malformed {
                    id: Some(trade.id),
                    ..unexpected(&format!("a trade of '{symbol}'"), message)
                }
            }
            Message::Control(Control::ShutdownAnnounced) => {
                batch.shutdown_announced = true;
                return;
            }
            // A request that is refused shows in the trades, which do not come.
            Message::Control(Control::Answer) if self.requests > 0 => return,
            Message::Control(Control::Answer) => unexpected("an answer", message),
            Message::Control(Control::Event(name)) => {
                unexpected(&format!("an event '{name}'"), message)
            }
            Message::Malformed(malformed) => malformed,
        };
        batch.malformed.push(malformed);
    }
}

fn unexpected(what: &str, message: &[u8]) -> Malformed {
    Malformed {
        id: None,
        reason: format!("{what} came that was not asked for"),
        excerpt: excerpt(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(names: &[&str]) -> Vec<Symbol> {
        names.iter().map(|name| name.parse().expect(name)).collect()
    }

    fn decode(messages: &[String]) -> LiveBatch {
        let mut decoder = Decoder {
            symbols: SymbolTable::new(&symbols(&["BTCUSDT", "ETHUSDT"])),
            requests: 0,
            reads_unusual: true,
        };
        let mut batch = LiveBatch::default();
        for message in messages {
            decoder.take(message.as_bytes(), &mut batch);
        }
        batch
    }

    fn message(symbol: &str, id: i64) -> String {
        let stream = symbol.to_lowercase();
        format!(
            r#"{{"stream":"{stream}@aggTrade","data":{{"e":"aggTrade","E":1672515782136001,"s":"{symbol}","a":{id},"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136000,"m":true,"M":true}}}}"#
        )
    }

    #[test]
    fn all_symbols_share_one_address() {
        for (endpoint, url) in [
            (
                "wss://stream.binance.com:9443",
                "wss://stream.binance.com:9443/stream",
            ),
            ("ws://127.0.0.1:8000/", "ws://127.0.0.1:8000/stream"),
            ("ws://127.0.0.1:8000/sim/", "ws://127.0.0.1:8000/sim/stream"),
        ] {
            let symbols = symbols(&["BTCUSDT", "ETHUSDT"]);
            let query = "streams=btcusdt@aggTrade/ethusdt@aggTrade&timeUnit=MICROSECOND";
            let endpoint = endpoint.parse().expect("a URL");
            assert_eq!(
                stream_url(&endpoint, &symbols).as_str(),
                format!("{url}?{query}")
            );
        }
    }

    #[test]
    fn trades_carry_the_index_of_their_symbol_in_order_of_arrival() {
        let spaced = message("BTCUSDT", 8).replace(',', ", ");
        let batch = decode(&[message("ETHUSDT", 1), message("BTCUSDT", 7), spaced]);
        let ids: Vec<_> = batch
            .trades
            .iter()
            .map(|(index, trade)| (*index, trade.id))
            .collect();
        assert_eq!(ids, [(1, 1), (0, 7), (0, 8)]);
        assert_eq!(batch.fallbacks, 1);
        assert_eq!(batch.malformed, []);
    }

    #[test]
    fn whatever_is_no_trade_that_was_asked_for_is_reported() {
        let batch = decode(&[
            message("SOLUSDT", 3),
            message("BTCUSDT", 4).replace("\"0.001\"", "\"x\""),
            r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate"}}"#.to_owned(),
            "not JSON".to_owned(),
        ]);
        let found: Vec<_> = batch
            .malformed
            .iter()
            .map(|bad| (bad.id, bad.reason.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (Some(3), "a trade of 'SOLUSDT' came that was not asked for"),
                (Some(4), "price: only digits and one point are allowed"),
                (None, "an event 'depthUpdate' came that was not asked for"),
                (None, "it is no JSON object"),
            ]
        );
        assert!(batch.trades.is_empty());
    }

    #[test]
    fn an_announced_end_is_passed_on() {
        let batch = decode(&[r#"{"e":"serverShutdown","E":1770123456789}"#.to_owned()]);
        assert!(batch.shutdown_announced);
        assert_eq!(batch.malformed, []);
    }
}
