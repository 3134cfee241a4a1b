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
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::{
    answer::Answer,
    watched::{Watched, timed_out},
};

/// How much of a response is kept: the head, and enough of a body to say why.
pub(super) const KEPT_BYTES: usize = 16 * 1024;

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
pub(super) struct Exchange {
    /// The connection that was written to last.
    pub(super) connection: Option<(u64, CancellationToken)>,
    pub(super) written_bytes: u64,
    pub(super) response: Vec<u8>,
    /// How much longer than usual nothing may move.
    allowance: Duration,
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

    /// Forgets the last request and its response. During the next one nothing may move on
    /// the connection for `allowance` longer than usual.
    pub(super) fn begin(&self, allowance: Duration) {
        *self.exchange() = Exchange {
            allowance,
            ..Exchange::default()
        };
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

    /// A number for a new connection.
    pub(super) fn next_id(&self) -> u64 {
        self.shared.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// How long nothing may move on a connection.
    pub(super) fn stall_timeout(&self) -> Duration {
        self.shared.stall_timeout + self.exchange().allowance
    }

    pub(super) fn exchange(&self) -> MutexGuard<'_, Exchange> {
        // The figures are whole after every statement, so a panic leaves no harm.
        self.shared
            .exchange
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
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
