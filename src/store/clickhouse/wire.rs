//! Connections to a server that have deadlines and can tell what passed over them.
//!
//! The HTTP client reports success by the status line alone and waits as long as the
//! other side likes. Neither will do for a batch that is deleted once it is confirmed:
//!
//! - A connection on which nothing moves for a while fails, in either direction. It is
//!   the connection that fails, so nothing is left waiting behind it, whoever gave up.
//! - What came back is kept, up to a limit, until the next request: its status, the
//!   server's exception code, and whether a body follows a status of 200 ([`Answer`]).
//! - The bytes that went out are counted. When none did, the request was not made.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{
    Uri,
    rt::{Read, ReadBuf, ReadBufCursor, Write},
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client as HttpClient,
        connect::{Connected, Connection, HttpConnector},
    },
    rt::TokioExecutor,
};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower_service::Service;

/// How much of a response is kept: the head, and enough of a body to say why.
const KEPT_BYTES: usize = 16 * 1024;

/// How much is read at once. Responses to inserts are small; for the others one more copy
/// is cheap next to decompression.
const READ_BYTES: usize = 16 * 1024;

/// Servers close idle connections after 3 s (older ones) or more; a client that closes
/// them first never sends into a closed one.
const IDLE: Duration = Duration::from_secs(2);

const KEEPALIVE: Duration = Duration::from_secs(60);

/// The connections of one client. Clones share them.
#[derive(Clone)]
pub(super) struct Wire {
    shared: Arc<Shared>,
}

struct Shared {
    connect_timeout: Duration,
    stall_timeout: Duration,
    next_id: AtomicU64,
    exchange: Mutex<Exchange>,
}

/// What passed since [`Wire::begin`].
#[derive(Default)]
struct Exchange {
    /// The connection that was written to last.
    connection: Option<(u64, CancellationToken)>,
    written_bytes: u64,
    response: Vec<u8>,
}

impl Wire {
    /// Connections that are made within `connect_timeout` and fail when nothing moves for
    /// `stall_timeout`.
    pub(super) fn new(connect_timeout: Duration, stall_timeout: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                connect_timeout,
                stall_timeout,
                next_id: AtomicU64::new(1),
                exchange: Mutex::default(),
            }),
        }
    }

    /// A client that uses these connections and no others.
    ///
    /// With `uses_tls` it trusts whom the system trusts, which is how a server of one's
    /// own gets in, or the usual authorities where the system has no list.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn client(&self, uses_tls: bool) -> Result<clickhouse::Client, rustls::Error> {
        let mut http = HttpConnector::new();
        http.set_keepalive(Some(KEEPALIVE));
        http.set_nodelay(true);
        // The TLS connector decides by the scheme.
        http.enforce_http(false);
        let builder = hyper_rustls::HttpsConnectorBuilder::new;
        let provider = rustls::crypto::ring::default_provider;
        let trusting = if uses_tls {
            builder()
                .with_provider_and_platform_verifier(provider())
                .or_else(|_| builder().with_provider_and_webpki_roots(provider()))?
        } else {
            builder().with_provider_and_webpki_roots(provider())?
        };
        let https = trusting.https_or_http().enable_http1().wrap_connector(http);
        let connector = Connector {
            inner: https,
            wire: self.clone(),
        };
        let http = HttpClient::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(clickhouse::Client::with_http_client(http))
    }

    /// Forgets the last request and its response.
    pub(super) fn begin(&self) {
        *self.exchange() = Exchange::default();
    }

    /// Cuts the connection that the request since [`Self::begin`] went over. What still
    /// waits for it fails at once.
    pub(super) fn abandon(&self) {
        if let Some((_, cut)) = &self.exchange().connection {
            cut.cancel();
        }
    }

    /// How many bytes of the request have left, at most; zero is certain.
    pub(super) fn written_bytes(&self) -> u64 {
        self.exchange().written_bytes
    }

    /// What has come back, if it is a response at all.
    pub(super) fn answer(&self) -> Option<Answer> {
        Answer::parse(&self.exchange().response)
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        // The figures are whole after every statement, so a panic leaves no harm.
        self.shared
            .exchange
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The head of a response, and the beginning of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// What the server put into `X-ClickHouse-Exception-Code`.
    pub(super) exception_code: Option<i32>,
    /// Whether any header says that it comes from a ClickHouse server.
    pub(super) is_clickhouse: bool,
    /// The beginning of the body as it came, chunk sizes included; empty when the body is.
    pub(super) body: String,
}

impl Answer {
    fn parse(mut bytes: &[u8]) -> Option<Self> {
        loop {
            let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
            let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
            let head = String::from_utf8_lossy(head);
            let mut lines = head.split("\r\n");
            let status: u16 = lines
                .next()?
                .strip_prefix("HTTP/1.")?
                .split(' ')
                .nth(1)?
                .parse()
                .ok()?;
            if (100..200).contains(&status) {
                // An interim response; the one that counts follows.
                bytes = rest;
                continue;
            }
            let mut answer = Self {
                status,
                exception_code: None,
                is_clickhouse: false,
                body: String::new(),
            };
            let mut is_empty = rest.is_empty();
            for (name, value) in lines.filter_map(|line| line.split_once(':')) {
                let (name, value) = (name.to_ascii_lowercase(), value.trim());
                answer.is_clickhouse |= name.starts_with("x-clickhouse-");
                match name.as_str() {
                    "x-clickhouse-exception-code" => answer.exception_code = value.parse().ok(),
                    "content-length" => is_empty |= value == "0",
                    "transfer-encoding" => is_empty |= first_chunk_is_empty(rest),
                    _ => {}
                }
            }
            if !is_empty {
                answer.body = String::from_utf8_lossy(rest).into_owned();
            }
            return Some(answer);
        }
    }
}

/// Whether a chunked body ends before it began: its first chunk has the size zero.
fn first_chunk_is_empty(body: &[u8]) -> bool {
    let line = body.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
    !size.is_empty() && size.iter().all(|&digit| digit == b'0')
}

/// Makes connections that are watched.
#[derive(Clone)]
struct Connector {
    inner: HttpsConnector<HttpConnector>,
    wire: Wire,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Stream = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;

impl Service<Uri> for Connector {
    type Response = Watched<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Watched<Stream>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // Name resolution, TCP and TLS together.
        let limit = self.wire.shared.connect_timeout;
        let connected = tokio::time::timeout(limit, self.inner.call(uri));
        let wire = self.wire.clone();
        Box::pin(async move {
            match connected.await {
                Ok(stream) => Ok(Watched::new(stream?, wire)),
                Err(_) => Err(timed_out("no connection", limit).into()),
            }
        })
    }
}

fn timed_out(what: &str, limit: Duration) -> io::Error {
    let text = format!("{what} within {}", humantime::format_duration(limit));
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// A connection with a deadline for anything to move.
struct Watched<S> {
    inner: S,
    id: u64,
    wire: Wire,
    cut: CancellationToken,
    is_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Pin<Box<Sleep>>,
    /// Whether the deadline counts: the last call had to wait.
    is_waiting: bool,
    scratch: Box<[u8]>,
}

impl<S> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl<S> Watched<S> {
    fn new(inner: S, wire: Wire) -> Self {
        let cut = CancellationToken::new();
        Self {
            inner,
            id: wire.shared.next_id.fetch_add(1, Ordering::Relaxed),
            is_cut: Box::pin(cut.clone().cancelled_owned()),
            cut,
            deadline: Box::pin(tokio::time::sleep(wire.shared.stall_timeout)),
            is_waiting: false,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
            wire,
        }
    }

    /// Fails once the connection has been cut.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.is_cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the request was given up",
            )),
            Poll::Pending => Ok(()),
        }
    }

    /// Something moved: the deadline starts anew when it is next needed. A wait that
    /// still goes on in the other direction keeps its timer, set to the new deadline.
    fn moved(&mut self) {
        if self.is_waiting {
            self.push_deadline();
        }
    }

    fn push_deadline(&mut self) {
        let at = Instant::now() + self.wire.shared.stall_timeout;
        self.deadline.as_mut().reset(at);
    }

    /// Nothing moves: fails when that has lasted too long.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.is_waiting {
            self.is_waiting = true;
            self.push_deadline();
        }
        ready!(self.deadline.as_mut().poll(cx));
        let limit = self.wire.shared.stall_timeout;
        Poll::Ready(timed_out("nothing moved on the connection", limit))
    }

    fn note_written(&mut self, bytes: usize) {
        self.moved();
        let mut exchange = self.wire.exchange();
        exchange.written_bytes += bytes as u64;
        if exchange.connection.as_ref().map(|(id, _)| *id) != Some(self.id) {
            exchange.connection = Some((self.id, self.cut.clone()));
            exchange.response.clear();
        }
    }

    fn note_read(&self, bytes: &[u8]) {
        let mut exchange = self.wire.exchange();
        if exchange.connection.as_ref().map(|(id, _)| *id) == Some(self.id) {
            let room = KEPT_BYTES.saturating_sub(exchange.response.len());
            let kept = &bytes[..bytes.len().min(room)];
            exchange.response.extend_from_slice(kept);
        }
    }
}

impl<S: Read + Unpin> Read for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.poll_cut(cx)?;
        let length = cursor.remaining().min(this.scratch.len());
        let mut buffer = ReadBuf::new(&mut this.scratch[..length]);
        match Pin::new(&mut this.inner).poll_read(cx, buffer.unfilled()) {
            Poll::Ready(Ok(())) => {
                cursor.put_slice(buffer.filled());
                let length = buffer.filled().len();
                this.note_read(&this.scratch[..length]);
                this.is_waiting = false;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_stalled(cx).map(Err),
        }
    }
}

impl<S: Write + Unpin> Watched<S> {
    fn after_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.note_written(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }
}

impl<S: Write + Unpin> Write for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.after_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.after_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        match Pin::new(&mut self.inner).poll_flush(cx) {
            Poll::Ready(flushed) => Poll::Ready(flushed),
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_shutdown(cx) {
            Poll::Ready(shut) => Poll::Ready(shut),
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }
}

impl<S: Connection> Connection for Watched<S> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Option<Answer> {
        Answer::parse(text.as_bytes())
    }

    #[test]
    fn a_confirmation_has_no_body_and_the_server_s_headers() {
        for head in [
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n000;x=y\r\n\r\n",
            "Content-Length: 0\r\n\r\n",
            "Connection: close\r\n\r\n",
        ] {
            let text = format!("HTTP/1.1 200 OK\r\nX-ClickHouse-Query-Id: 7\r\n{head}");
            let answer = answer(&text).expect("an answer");
            assert_eq!((answer.status, answer.is_clickhouse), (200, true), "{head}");
            assert_eq!(answer.body, "", "{head}");
        }
    }

    #[test]
    fn a_body_behind_a_200_is_seen_however_little_of_it_came() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nC\r\n";
        assert_eq!(
            answer(chunked).map(|answer| answer.body),
            Some("1\r\nC\r\n".into())
        );
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nCode: 241. DB";
        let answer = answer(sized).expect("an answer");
        assert_eq!(
            (answer.body.as_str(), answer.is_clickhouse),
            ("Code: 241. DB", false)
        );
    }

    #[test]
    fn the_exception_code_is_read_from_its_header() {
        let text = "HTTP/1.1 500 Internal Server Error\r\nx-clickhouse-exception-code: 241\r\n\
                    Content-Length: 3\r\n\r\nrow";
        let answer = answer(text).expect("an answer");
        assert_eq!((answer.status, answer.exception_code), (500, Some(241)));
    }

    #[test]
    fn an_interim_response_is_no_answer() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(answer(text).map(|answer| answer.status), Some(503));
        assert_eq!(answer("HTTP/1.1 100 Continue\r\n\r\n"), None);
    }

    #[test]
    fn what_is_no_http_response_is_no_answer() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 x\r\n\r\n",
        ] {
            assert_eq!(answer(text), None, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = Answer::parse(&bytes);
            let mut framed = b"HTTP/1.1 200 OK\r\n".to_vec();
            framed.extend_from_slice(&bytes);
            let _ = Answer::parse(&framed);
        }
    }
}
