//! A small HTTP server for people and programs that watch: GET only, a handful of pages.
//!
//! It listens on a TCP address, or on a socket in the file system, which only the user that
//! it runs as can open.
//!
//! Everything is bounded: connections, the time that a request's head may take, the time
//! that a connection may last. It serves what it is given and knows nothing of collecting.

use std::{
    collections::BTreeMap, convert::Infallible, fs, io, net::SocketAddr,
    os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::place::Place;

/// Connections that are served at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 64;
/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may last; whoever scrapes connects anew then.
const CONNECTION_LIFE: Duration = Duration::from_secs(600);
/// How long to wait after a failed accept: the process may be out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long one wait for a connection lasts before the server shows that it still waits.
const ACCEPT_WAIT: Duration = Duration::from_secs(1);

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// Makes the answer of one page.
pub type Page = Arc<dyn Fn() -> Answer + Send + Sync>;

/// The pages, and who may see them.
#[derive(Clone)]
pub struct Site {
    /// By path, such as `/health`.
    pub pages: BTreeMap<&'static str, Page>,
    /// The SHA-256 of the token that a request has to bring; none lets everybody in.
    token: Option<[u8; 32]>,
}

impl Site {
    /// A site; with a token it answers only requests with `Authorization: Bearer TOKEN`.
    #[must_use]
    pub fn new(pages: BTreeMap<&'static str, Page>, token: Option<&str>) -> Self {
        let token = token.map(|token| Sha256::digest(token).into());
        Self { pages, token }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !self.lets_in(request) {
            let mut reply = plain(StatusCode::UNAUTHORIZED, "a token is needed\n");
            let challenge = header::HeaderValue::from_static("Bearer");
            reply
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
            return reply;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET is answered here\n",
            );
        }
        let Some(page) = self.pages.get(request.uri().path()) else {
            let paths: Vec<_> = self.pages.keys().copied().collect();
            let text = format!("no such page; there are {}\n", paths.join(", "));
            return plain(StatusCode::NOT_FOUND, &text);
        };
        let Answer {
            status,
            content_type,
            body,
        } = page();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        reply(status, content_type, &body)
    }

    /// Digests are compared, so that the time it takes tells nothing about the token.
    fn lets_in(&self, request: &Request<Incoming>) -> bool {
        let Some(wanted) = self.token else {
            return true;
        };
        request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|token| <[u8; 32]>::from(Sha256::digest(token)) == wanted)
    }
}

fn plain(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    reply(status, "text/plain; charset=utf-8", body)
}

fn reply(status: StatusCode, content_type: &'static str, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    response
}

/// Where connections come from.
#[derive(Debug)]
pub enum Listener {
    /// A TCP address.
    Tcp(TcpListener),
    /// A socket in the file system.
    Unix(UnixListener),
}

impl Listener {
    /// Listens on a TCP address, so that one that is not to be had is known at once.
    ///
    /// # Errors
    /// When the address is not to be had.
    pub async fn tcp(addr: SocketAddr) -> io::Result<Self> {
        Ok(Self::Tcp(TcpListener::bind(addr).await?))
    }

    /// Listens on a socket in the file system. What is left there by a process that has
    /// died is removed: the caller makes sure that none is alive.
    ///
    /// # Errors
    /// When the path cannot be written, or is long and its directory cannot be read.
    pub fn unix(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(Place::of(path)?.path())?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(Self::Unix(listener))
    }

    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Serves until `stop`, calling `turn` whenever it has looked for a connection.
pub async fn serve<F: Future<Output = bool>>(
    listener: &Listener,
    site: &Site,
    stop: &CancellationToken,
    mut turn: impl FnMut() -> F,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = timeout(ACCEPT_WAIT, accept(listener, &places)) => accepted,
        };
        if turn().await {
            return;
        }
        match accepted {
            // Nobody has come.
            Err(_) => {}
            Ok(Ok((stream, place))) => {
                let (site, stop) = (site.clone(), stop.clone());
                connections.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        // A watcher that goes away is no news.
                        _ = timeout(CONNECTION_LIFE, converse(stream, &site)) => {}
                    }
                    drop(place);
                });
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "could not accept a connection to the health page");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept(
    listener: &Listener,
    places: &Arc<Semaphore>,
) -> io::Result<(Box<dyn Stream>, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    Ok((listener.accept().await?, place))
}

async fn converse(stream: Box<dyn Stream>, site: &Site) -> Result<(), hyper::Error> {
    let service = service_fn(|request| async move { Ok::<_, Infallible>(site.answer(&request)) });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;
    use crate::telemetry::http::{ClientError, get_local};

    async fn started(token: Option<&str>) -> (SocketAddr, CancellationToken) {
        let listener = Listener::tcp(([127, 0, 0, 1], 0).into())
            .await
            .expect("a port");
        let Listener::Tcp(bound) = &listener else {
            panic!("it is TCP");
        };
        let addr = bound.local_addr().expect("it is bound");
        (addr, serving(listener, token))
    }

    fn serving(listener: Listener, token: Option<&str>) -> CancellationToken {
        let page: Page = Arc::new(|| Answer {
            status: 503,
            content_type: "application/json",
            body: "{}".to_owned(),
        });
        let site = Site::new(BTreeMap::from([("/health", page)]), token);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move { serve(&listener, &site, &stopped, || async { false }).await });
        stop
    }

    #[tokio::test]
    async fn a_collector_on_this_machine_is_asked_through_its_socket() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("collect.sock");
        let patience = Duration::from_secs(10);
        let absent = get_local(&path, "/health", patience)
            .await
            .expect_err("nobody is there");
        assert!(matches!(absent, ClientError::Absent { .. }), "{absent}");
        for _ in 0..2 {
            // The second time the socket of the first is still there.
            let stop = serving(Listener::unix(&path).expect("a socket"), None);
            let (status, body) = get_local(&path, "/health", patience).await.expect("a page");
            assert_eq!((status, body.as_slice()), (503, b"{}".as_slice()));
            let mode = fs::metadata(&path).expect("a socket").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            stop.cancel();
        }
    }

    async fn ask(addr: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(addr).await.expect("it listens");
        let request = format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.expect("it answers");
        reply
    }

    #[tokio::test]
    async fn a_directory_with_a_long_name_is_no_obstacle() {
        let directory = tempfile::tempdir().expect("a directory");
        let deep = directory.path().join("d".repeat(200));
        fs::create_dir(&deep).expect("made");
        let path = deep.join("collect.sock");
        let stop = serving(Listener::unix(&path).expect("a socket"), None);
        let page = get_local(&path, "/health", Duration::from_secs(5)).await;
        assert_eq!(page.expect("a page"), (503, b"{}".to_vec()));
        stop.cancel();
    }

    #[tokio::test]
    async fn a_page_is_served_with_its_status_and_nothing_else_is() {
        let (addr, stop) = started(None).await;
        let page = ask(addr, "GET /health HTTP/1.1").await;
        assert!(
            page.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
            "{page}"
        );
        assert!(page.contains("content-type: application/json"), "{page}");
        assert!(page.ends_with("\r\n\r\n{}"), "{page}");
        let missing = ask(addr, "GET /nowhere HTTP/1.1").await;
        assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
        assert!(missing.contains("there are /health"), "{missing}");
        let post = ask(addr, "POST /health HTTP/1.1\r\nContent-Length: 0").await;
        assert!(post.starts_with("HTTP/1.1 405 "), "{post}");
        let head = ask(addr, "HEAD /health HTTP/1.1").await;
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        stop.cancel();
    }

    #[tokio::test]
    async fn with_a_token_only_who_has_it_is_answered() {
        let (addr, stop) = started(Some("sesame")).await;
        for (line, status) in [
            ("GET /health HTTP/1.1", "401"),
            ("GET /health HTTP/1.1\r\nAuthorization: Bearer wrong", "401"),
            ("GET /health HTTP/1.1\r\nAuthorization: sesame", "401"),
            (
                "GET /health HTTP/1.1\r\nAuthorization: Bearer sesame",
                "503",
            ),
        ] {
            let reply = ask(addr, line).await;
            assert!(
                reply.starts_with(&format!("HTTP/1.1 {status} ")),
                "{line}: {reply}"
            );
        }
        stop.cancel();
    }
}
