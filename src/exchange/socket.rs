//! One WebSocket: deadlines on everything it waits for, and its own pings.
//!
//! Knows nothing of exchanges: it hands out the bytes of data frames, and a reason
//! when the connection is over. Three rules:
//!
//! - Frames that are there already are taken in one go. No timer, no task switch and
//!   no allocation of ours belongs to a single frame.
//! - A connection without an answer to our ping is over. That *data* comes says
//!   nothing here about whether the right data comes: the caller judges that.
//! - Time is tokio's, so that tests can stop it.

mod keepalive;

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Sink, StreamExt};
use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::coop,
    time,
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{
        Bytes, Error as WsError, Message,
        error::{CapacityError, ProtocolError},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};
use url::{Position, Url};

use super::{
    dial::{Resolver, dial},
    source::{SourceError, StreamEnd},
};
use keepalive::{Keepalive, Verdict};

/// The close code that stands for "none was given" (RFC 6455, 7.1.5).
const NO_CLOSE_CODE: u16 = 1005;

/// Ours are pings, pongs and a close: more than this means that the peer takes nothing.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// Requests that may wait to be sent.
const MAX_REQUESTS: usize = 8;

/// The statuses that say "too many requests", the second one to those who go on.
pub(super) const RATE_LIMITED: [u16; 2] = [429, 418];

/// How long to keep quiet when the exchange does not say.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The longest ban that is documented; whatever is longer is a mistake.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

/// How long to keep quiet, from the header `Retry-After` (seconds).
pub(super) fn retry_after(header: Option<&[u8]>) -> Duration {
    header
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(|text| text.trim().parse().ok())
        .map_or(DEFAULT_RETRY_AFTER, Duration::from_secs)
        .min(MAX_RETRY_AFTER)
}

/// How much of a refusal's body is kept.
const BODY_EXCERPT_BYTES: usize = 200;

/// The limits of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketSettings {
    /// For name, TCP, TLS and upgrade together.
    pub connect_deadline: Duration,
    /// From one of our pings to the next.
    pub ping_interval: Duration,
    /// From our ping to its pong.
    pub pong_deadline: Duration,
    /// For what we send to leave this machine.
    pub write_deadline: Duration,
    /// For saying goodbye.
    pub close_deadline: Duration,
    /// How much is read from the network at once.
    pub read_buffer_bytes: usize,
    /// A longer message ends the connection.
    pub max_message_bytes: usize,
    /// How many messages one [`receive`](Connection::receive) hands out at most.
    pub max_batch: usize,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            connect_deadline: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            pong_deadline: Duration::from_secs(10),
            write_deadline: Duration::from_secs(5),
            close_deadline: Duration::from_secs(1),
            read_buffer_bytes: 64 * 1024,
            max_message_bytes: 1024 * 1024,
            max_batch: 1024,
        }
    }
}

/// A connection over the network, with or without TLS.
pub type Socket = Connection<MaybeTlsStream<TcpStream>>;

/// A WebSocket over any stream of bytes, in the role of the client.
#[derive(Debug)]
pub struct Connection<S> {
    frames: WebSocketStream<S>,
    keepalive: Keepalive,
    max_batch: usize,
    close_deadline: Duration,
    /// Requests that are still to be sent, one after the other.
    requests: VecDeque<String>,
    /// Why it is over; told by the next call when data came along with it.
    ended: Option<StreamEnd>,
}

/// Connects to one endpoint.
///
/// # Errors
/// When there is no upgraded connection within the deadline.
pub async fn connect(
    endpoint: &Url,
    settings: &SocketSettings,
    resolver: &Resolver,
    tls: Arc<ClientConfig>,
) -> Result<Socket, SourceError> {
    let deadline = settings.connect_deadline;
    let upgraded = upgrade(endpoint, settings, resolver, tls);
    match time::timeout(deadline, upgraded).await {
        Ok(Ok(frames)) => Ok(Connection::over(frames, settings)),
        Ok(Err(error)) => Err(refusal(endpoint, error)),
        Err(_) => Err(SourceError::TimedOut {
            endpoint: host_of(endpoint),
            deadline,
        }),
    }
}

async fn upgrade(
    endpoint: &Url,
    settings: &SocketSettings,
    resolver: &Resolver,
    tls: Arc<ClientConfig>,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, WsError> {
    let invalid = |what| WsError::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, what));
    let host = endpoint
        .host()
        .ok_or_else(|| invalid("the URL names no host"))?;
    let port = endpoint
        .port_or_known_default()
        .ok_or_else(|| invalid("the URL names no port"))?;
    let tcp = dial(resolver.as_ref(), host, port).await?;
    let (frames, _response) = client_async_tls_with_config(
        endpoint.as_str(),
        tcp,
        Some(websocket_config(settings)),
        Some(Connector::Rustls(tls)),
    )
    .await?;
    Ok(frames)
}

/// The limits in the words of the library.
#[must_use]
pub fn websocket_config(settings: &SocketSettings) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(settings.read_buffer_bytes)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(4 * WRITE_BUFFER_BYTES)
        .max_message_size(Some(settings.max_message_bytes))
        .max_frame_size(Some(settings.max_message_bytes))
}

/// Scheme, host and port: what comes behind may name a thousand streams.
fn host_of(endpoint: &Url) -> String {
    endpoint[..Position::AfterPort].to_owned()
}

fn refusal(endpoint: &Url, error: WsError) -> SourceError {
    let endpoint = host_of(endpoint);
    match error {
        WsError::Http(response) if RATE_LIMITED.contains(&response.status().as_u16()) => {
            let header = response.headers().get("retry-after");
            SourceError::RateLimited {
                endpoint,
                status: response.status().as_u16(),
                retry_after: retry_after(header.map(hyper::http::HeaderValue::as_bytes)),
            }
        }
        WsError::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let shown = &body[..body.len().min(BODY_EXCERPT_BYTES)];
            SourceError::Status {
                endpoint,
                status: response.status().as_u16(),
                body: String::from_utf8_lossy(shown).into_owned(),
            }
        }
        error => SourceError::Unreachable {
            endpoint,
            cause: cause(error),
        },
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes over a WebSocket that is open. It should have been opened with
    /// [`websocket_config`].
    #[must_use]
    pub fn over(frames: WebSocketStream<S>, settings: &SocketSettings) -> Self {
        Self {
            frames,
            keepalive: Keepalive::new(settings),
            max_batch: settings.max_batch.max(1),
            close_deadline: settings.close_deadline,
            requests: VecDeque::new(),
            ended: None,
        }
    }

    /// Sends a text with the next [`receive`](Self::receive), after those before it. Returns
    /// false when too many wait already: the peer takes nothing.
    pub fn request(&mut self, text: String) -> bool {
        let may_wait = self.requests.len() < MAX_REQUESTS && text.len() <= WRITE_BUFFER_BYTES;
        if may_wait {
            self.requests.push_back(text);
        }
        may_wait
    }

    /// Waits for data, then hands out every message that is there already, up to the
    /// bound of a batch. Cancelling it loses nothing.
    ///
    /// # Errors
    /// When the connection is over; every message that came before has been handed out.
    pub async fn receive(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), StreamEnd> {
        poll_fn(|cx| self.poll_receive(cx, &mut each)).await
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(&[u8]),
    ) -> Poll<Result<(), StreamEnd>> {
        if let Some(end) = &self.ended {
            return Poll::Ready(Err(end.clone()));
        }
        let (mut seen, mut taken) = (0, 0);
        let mut is_drained = false;
        while seen < self.max_batch && self.ended.is_none() {
            seen += 1;
            match self.frames.poll_next_unpin(cx) {
                // The library has checked that it is UTF-8; nobody checks again.
                Poll::Ready(Some(Ok(Message::Text(text)))) => {
                    taken += 1;
                    each(text.as_bytes());
                }
                Poll::Ready(Some(Ok(Message::Binary(bytes)))) => {
                    taken += 1;
                    each(&bytes);
                }
                Poll::Ready(Some(Ok(Message::Pong(payload)))) => self.keepalive.pong(&payload),
                // The library has queued the answer; it has to be flushed.
                Poll::Ready(Some(Ok(Message::Ping(_)))) => self.keepalive.flush_wanted(),
                Poll::Ready(Some(Ok(Message::Close(frame)))) => {
                    self.keepalive.flush_wanted();
                    self.ended = Some(closed(frame));
                }
                Poll::Ready(Some(Ok(Message::Frame(_)))) => {}
                Poll::Ready(Some(Err(error))) => self.ended = Some(broken(cause(error))),
                Poll::Ready(None) => self.ended = Some(broken("it is closed".to_owned())),
                Poll::Pending => {
                    // Without budget the answer is "pending" whatever there is to read.
                    is_drained = coop::has_budget_remaining();
                    break;
                }
            }
        }
        self.poll_keepalive(cx, is_drained);
        match &self.ended {
            _ if taken > 0 => Poll::Ready(Ok(())),
            Some(end) => Poll::Ready(Err(end.clone())),
            None => {
                if seen == self.max_batch {
                    // Nothing but pings so far, and perhaps more to read.
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }

    /// Sends what is to be sent, and judges the deadlines.
    fn poll_keepalive(&mut self, cx: &mut Context<'_>, is_drained: bool) {
        loop {
            self.poll_flush(cx);
            if self.ended.is_some() {
                return;
            }
            // One at a time, so that what waits in the library's buffer stays bounded.
            if !self.keepalive.wants_flush()
                && let Some(text) = self.requests.pop_front()
            {
                self.keepalive.flush_wanted();
                if let Err(error) = Pin::new(&mut self.frames).start_send(Message::text(text)) {
                    self.ended = Some(broken(cause(error)));
                }
                continue;
            }
            match self.keepalive.poll(cx, is_drained) {
                Poll::Pending => return,
                Poll::Ready(Verdict::SendPing(payload)) => {
                    let ping = Message::Ping(Bytes::copy_from_slice(&payload));
                    if let Err(error) = Pin::new(&mut self.frames).start_send(ping) {
                        self.ended = Some(broken(cause(error)));
                    }
                }
                Poll::Ready(Verdict::NoPong(deadline)) => {
                    self.ended = Some(StreamEnd::NoPong { deadline });
                }
                Poll::Ready(Verdict::StuckWrite(deadline)) => {
                    self.ended = Some(broken(format!(
                        "what was sent did not leave within {deadline:?}"
                    )));
                }
            }
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) {
        if !self.keepalive.wants_flush() {
            return;
        }
        match Pin::new(&mut self.frames).poll_flush(cx) {
            Poll::Ready(Ok(())) => self.keepalive.flushed(),
            Poll::Ready(Err(error)) => {
                self.ended.get_or_insert_with(|| broken(cause(error)));
            }
            Poll::Pending => {}
        }
    }

    /// Says goodbye and waits for the answer, both within the deadline.
    pub async fn close(&mut self) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(broken("it was closed on this side".to_owned()));
        let goodbye = async {
            let frame = CloseFrame {
                code: CloseCode::Normal,
                reason: "".into(),
            };
            if self.frames.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.frames.next().await {}
            }
        };
        // An exchange that does not answer is left standing.
        drop(time::timeout(self.close_deadline, goodbye).await);
    }
}

fn closed(frame: Option<CloseFrame>) -> StreamEnd {
    frame.map_or_else(
        || StreamEnd::Closed {
            code: NO_CLOSE_CODE,
            reason: "no reason given".to_owned(),
        },
        |frame| StreamEnd::Closed {
            code: frame.code.into(),
            reason: frame.reason.to_string(),
        },
    )
}

fn broken(cause: String) -> StreamEnd {
    StreamEnd::Broken { cause }
}

/// What the library says, in words that fit behind "the connection broke".
fn cause(error: WsError) -> String {
    match error {
        WsError::Io(error) => error.to_string(),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            "the peer ended it without a close frame".to_owned()
        }
        WsError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            format!("a message of {size} bytes came, {max_size} are allowed")
        }
        WsError::Utf8(what) => format!("a text message is not UTF-8: {what}"),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
