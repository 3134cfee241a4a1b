//! One stream connection's life: write what is queued, answer the client, ping, end.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::clock::{CENTURY, later, wall_us};
use super::connection::{Connection, Order};
use super::exchange::Exchange;
use super::fault::FaultKind;
use super::frame::{BadFrame, FrameReader, FromClient, Kind, close_frame, frame};
use super::json::server_shutdown;
use super::outbox::Chunk;
use super::requests;
use super::socket::Socket;

/// Chunks up to this size are written together.
const TOGETHER_SIZE_BYTES: usize = 64 << 10;
/// How long the last words to a client may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Unanswered pings that are remembered.
const REMEMBERED_PINGS: usize = 16;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// With a close frame: code and reason.
    Close(u16, &'static str),
    /// The client has closed, is gone, or does not keep up.
    Gone,
}

/// Serves one connection until it ends. `early` is what the client sent with its upgrade.
pub(crate) async fn serve(
    exchange: &Exchange,
    connection: &Arc<Connection>,
    mut socket: Socket,
    early: Bytes,
    orders: mpsc::Receiver<Order>,
) {
    let mut reader = FrameReader::default();
    reader.buffer().extend_from_slice(&early);
    let mut life = Life {
        exchange,
        connection,
        orders,
        reader,
        pings: VecDeque::new(),
        recent: VecDeque::new(),
    };
    let end = tokio::select! {
        biased;
        () = connection.cut.cancelled() => End::Gone,
        end = life.run(&mut socket) => end,
    };
    let farewell = async {
        if let End::Close(code, reason) = end {
            socket.write_all(&close_frame(code, reason)).await?;
        }
        // Sends FIN, unless the switch has decided for a reset.
        socket.shutdown().await
    };
    if !connection.is_cut_with_reset() {
        let _ = timeout(FAREWELL, farewell).await;
    }
}

struct Life<'a> {
    exchange: &'a Exchange,
    connection: &'a Connection,
    orders: mpsc::Receiver<Order>,
    reader: FrameReader,
    /// Pings that the client has not answered: when they were sent, and their payload.
    pings: VecDeque<(Instant, Vec<u8>)>,
    /// When the client's latest messages came, for the limit on them.
    recent: VecDeque<Instant>,
}

impl Life<'_> {
    async fn run(&mut self, socket: &mut Socket) -> End {
        let config = &self.exchange.config;
        let mut closes_at = later(config.lifetime);
        let mut farewell = (1001, "24 hours are over");
        let mut ping_at = later(config.ping_interval);
        // Read before anything else: the client may have spoken with its upgrade.
        if let Err(end) = self.listen(socket).await {
            return end;
        }
        loop {
            let pong_due = self.pong_due();
            let waits_for_pong = pong_due.is_some();
            let step = tokio::select! {
                () = self.exchange.stop.cancelled() => Err(End::Close(1001, "the sim stops")),
                Some(order) = self.orders.recv() => match order {
                    Order::Close(code) => Err(End::Close(code, "")),
                    Order::Shutdown(grace) => {
                        closes_at = closes_at.min(later(grace));
                        farewell = (1001, "the server restarts");
                        self.announce_shutdown(socket).await
                    }
                },
                chunks = self.connection.outbox.take() => self.write_chunks(socket, chunks).await,
                read = socket.read_buf(self.reader.buffer()) => match read {
                    Ok(0) | Err(_) => Err(End::Gone),
                    Ok(_) => self.listen(socket).await,
                },
                () = sleep_until(ping_at) => {
                    ping_at = later(config.ping_interval);
                    self.ping(socket).await
                }
                () = sleep_until(pong_due.unwrap_or(closes_at)), if waits_for_pong => {
                    Err(End::Close(1008, "no pong came"))
                }
                () = sleep_until(closes_at) => Err(End::Close(farewell.0, farewell.1)),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Answers everything that the client has said so far.
    async fn listen(&mut self, socket: &mut Socket) -> Result<(), End> {
        loop {
            let said = match self.reader.next() {
                Ok(Some(said)) => said,
                Ok(None) => return Ok(()),
                Err(BadFrame) => return Err(End::Close(1002, "not a legal frame")),
            };
            if self.connection.is_half_open() {
                // Whatever is said to a dead connection is heard by nobody.
                continue;
            }
            self.count_message()?;
            match said {
                FromClient::Message(text) => {
                    let names = self.exchange.hub.names();
                    let answer = requests::answer(self.connection, names, &text);
                    self.exchange.hub.room.notify_one();
                    self.write(socket, &frame(Kind::Text, answer.as_bytes()))
                        .await?;
                }
                FromClient::Ping(payload) => {
                    let withhold =
                        |kind: &FaultKind| matches!(kind, FaultKind::WithholdPong {}).then_some(());
                    if self.exchange.board.strike(None, withhold).is_none() {
                        self.write(socket, &frame(Kind::Pong, &payload)).await?;
                    }
                }
                FromClient::Pong(payload) => {
                    // A pong answers its own ping and all before it.
                    if let Some(at) = self.pings.iter().position(|(_, sent)| *sent == payload) {
                        self.pings.drain(..=at);
                    }
                }
                FromClient::Close(payload) => {
                    let _ = self.write(socket, &frame(Kind::Close, &payload)).await;
                    return Err(End::Gone);
                }
            }
        }
    }

    /// Ends a client that says more than it may in a second.
    fn count_message(&mut self) -> Result<(), End> {
        let limit = self.exchange.config.client_message_limit as usize;
        let now = Instant::now();
        while let Some(oldest) = self.recent.front()
            && now.duration_since(*oldest) >= Duration::from_secs(1)
        {
            self.recent.pop_front();
        }
        if self.recent.len() >= limit {
            return Err(End::Close(1008, "Too many requests"));
        }
        self.recent.push_back(now);
        Ok(())
    }

    /// When the oldest unanswered ping has been so for too long.
    fn pong_due(&self) -> Option<Instant> {
        if self.connection.is_half_open() {
            return None;
        }
        let (sent, _) = self.pings.front()?;
        Some(*sent + self.exchange.config.pong_timeout.min(CENTURY))
    }

    async fn ping(&mut self, socket: &mut Socket) -> Result<(), End> {
        if self.connection.is_half_open() {
            return Ok(());
        }
        let payload = (wall_us() / 1000).to_string().into_bytes();
        self.write(socket, &frame(Kind::Ping, &payload)).await?;
        if self.pings.len() == REMEMBERED_PINGS {
            // The oldest one stays: it decides when the client counts as dead.
            self.pings.remove(1);
        }
        self.pings.push_back((Instant::now(), payload));
        Ok(())
    }

    async fn announce_shutdown(&self, socket: &mut Socket) -> Result<(), End> {
        let time_us = self.exchange.time_us();
        let combined = self.connection.is_combined();
        let text = server_shutdown(time_us, self.connection.unit, combined);
        self.write(socket, &frame(Kind::Text, &text)).await
    }

    async fn write_chunks(&self, socket: &mut Socket, chunks: VecDeque<Chunk>) -> Result<(), End> {
        let mut together = Vec::new();
        let mut messages = 0;
        for chunk in chunks {
            if self.connection.is_half_open() {
                return Ok(());
            }
            let slow = self.slow();
            if slow.is_some() || together.len() + chunk.bytes.len() > TOGETHER_SIZE_BYTES {
                self.write_data(socket, &together, messages).await?;
                together.clear();
                messages = 0;
            }
            if let Some(delay) = slow {
                write_slowly(socket, &chunk.bytes, delay).await?;
                self.exchange.stats.count_messages(chunk.messages);
            } else if chunk.bytes.len() > TOGETHER_SIZE_BYTES {
                self.write_data(socket, &chunk.bytes, chunk.messages)
                    .await?;
            } else {
                together.extend_from_slice(&chunk.bytes);
                messages += chunk.messages;
            }
        }
        self.write_data(socket, &together, messages).await?;
        self.exchange.hub.room.notify_one();
        Ok(())
    }

    async fn write_data(
        &self,
        socket: &mut Socket,
        bytes: &[u8],
        messages: u64,
    ) -> Result<(), End> {
        self.write(socket, bytes).await?;
        self.exchange.stats.count_messages(messages);
        Ok(())
    }

    /// The pause between bytes, if a fault asks for one.
    fn slow(&self) -> Option<Duration> {
        self.exchange.board.strike(None, |kind| match kind {
            FaultKind::Slow { delay_us } => Some(Duration::from_micros(*delay_us)),
            _ => None,
        })
    }

    async fn write(&self, socket: &mut Socket, bytes: &[u8]) -> Result<(), End> {
        if bytes.is_empty() {
            return Ok(());
        }
        match timeout(self.exchange.config.write_timeout, socket.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => {
                self.exchange.hub.end_slow_client(self.connection);
                Err(End::Gone)
            }
        }
    }
}

/// Writes a message one byte at a time.
async fn write_slowly(socket: &mut Socket, bytes: &[u8], delay: Duration) -> Result<(), End> {
    let dribble = async {
        for byte in bytes {
            socket.write_all(&[*byte]).await?;
            tokio::time::sleep(delay).await;
        }
        io::Result::Ok(())
    };
    dribble.await.map_err(|_| End::Gone)
}
