//! What the tests need of a client: streams, plain HTTP, and patience with a limit.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use jiff::civil::date;
use serde_json::Value;
use streamkit::exchange::sim::{Config, Fault, FaultKind, Rate, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The longest wait for anything: far more than is needed, so that it only ends a hang. By the
/// wall clock a tape may be quiet for half a minute.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// 2025-01-01 in days since 1970.
pub const DAY: i64 = 20_089;
/// Trades of a day in most tests.
pub const TRADES_PER_DAY: i64 = 20_000;
/// The first id of the tape in most tests.
pub const FIRST_ID: i64 = DAY * TRADES_PER_DAY;

/// A tape that plays fast enough for a test, with some history.
pub fn config() -> Config {
    Config {
        history: Some(2_000),
        rate: Rate::PerSecond(2_000.0),
        trades_per_day: Some(TRADES_PER_DAY as u64),
        day: Some(date(2025, 1, 1)),
        ..Config::default()
    }
}

pub async fn start(config: Config) -> Server {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Server::start(config, addr).await.unwrap()
}

pub fn add(server: &Server, kind: FaultKind) {
    server.faults().add(Fault::new(kind)).unwrap();
}

/// A stream connection.
pub struct Stream {
    pub ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub pings: usize,
}

impl Stream {
    pub async fn open(server: &Server, path: &str) -> Self {
        Self::try_open(server, path).await.unwrap()
    }

    pub async fn try_open(server: &Server, path: &str) -> Result<Self, Error> {
        let url = format!("{}{path}", server.ws_url());
        let (ws, _) = timeout(PATIENCE, connect_async(url))
            .await
            .expect("no handshake")?;
        Ok(Self { ws, pings: 0 })
    }

    /// The stream of one symbol, in microseconds.
    pub async fn of(server: &Server, symbol: &str) -> Self {
        let symbol = symbol.to_ascii_lowercase();
        Self::open(
            server,
            &format!("/ws/{symbol}@aggTrade?timeUnit=MICROSECOND"),
        )
        .await
    }

    /// The next frame that is not a ping; pings are counted and answered.
    pub async fn next(&mut self) -> Result<Message, Error> {
        loop {
            let next = timeout(PATIENCE, self.ws.next())
                .await
                .expect("nothing came");
            match next {
                Some(Ok(Message::Ping(_))) => self.pings += 1,
                Some(other) => return other,
                None => return Err(Error::ConnectionClosed),
            }
        }
    }

    /// The next text as JSON.
    pub async fn json(&mut self) -> Value {
        let message = self.next().await.unwrap();
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    /// The next `count` trades, unwrapped from their stream's name if there is one.
    pub async fn trades(&mut self, count: usize) -> Vec<Value> {
        let mut trades = Vec::with_capacity(count);
        while trades.len() < count {
            let mut message = self.json().await;
            if message.get("data").is_some() {
                message = message["data"].take();
            }
            trades.push(message);
        }
        trades
    }

    pub async fn ids(&mut self, count: usize) -> Vec<i64> {
        ids(&self.trades(count).await)
    }

    /// Everything that has come already, without waiting.
    pub fn arrived(&mut self) -> Vec<Message> {
        let mut arrived = Vec::new();
        while let Some(Some(Ok(message))) = self.ws.next().now_or_never() {
            arrived.push(message);
        }
        arrived
    }

    pub async fn send(&mut self, message: Message) {
        timeout(PATIENCE, self.ws.send(message))
            .await
            .expect("not sent")
            .unwrap();
    }

    pub async fn ask(&mut self, text: &str) -> Value {
        self.send(Message::text(text)).await;
        loop {
            let answer = self.json().await;
            if answer.get("id").is_some() {
                return answer;
            }
        }
    }
}

pub fn ids(trades: &[Value]) -> Vec<i64> {
    trades
        .iter()
        .map(|trade| trade["a"].as_i64().unwrap())
        .collect()
}

/// Whether ids follow each other without a hole.
pub fn follow(ids: &[i64]) -> bool {
    ids.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// An answer to an HTTP request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

pub async fn get(server: &Server, path: &str) -> Answer {
    request(server, "GET", path, "", "").await.unwrap()
}

/// One HTTP request on a connection of its own; `None` if the connection ends unanswered.
pub async fn request(
    server: &Server,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Option<Answer> {
    let exchange = async {
        let mut socket = TcpStream::connect(server.addr()).await.unwrap();
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n{headers}\
             content-length: {length}\r\n\r\n{body}"
        );
        // A server that is down may end the connection before all is said.
        let _ = socket.write_all(text.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let answer = timeout(PATIENCE, exchange).await.expect("no answer");
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some(Answer {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

/// The newest id of a symbol that has been given to the streams; on a runtime of one thread nothing
/// newer is under way.
pub fn newest(server: &Server, symbol: &str) -> i64 {
    server.stats().symbols[symbol].newest_streamed_id.unwrap()
}

/// Waits until something is so.
pub async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}
