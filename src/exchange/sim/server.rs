//! The listening socket, the way from a request to its answer, and the server's handle.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::archive;
use super::config::Config;
use super::control::Faults;
use super::error::SimError;
use super::exchange::Exchange;
use super::fault::{CutHow, FaultKind};
use super::player;
use super::reply::{Reply, error_reply};
use super::rest::{self, Outcome};
use super::socket::{ResetSwitch, Socket};
use super::stats::Stats;
use super::tape::Tape;
use super::upgrade;

/// TCP connections that are served at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;
/// How long a client may take to send the head of a request, and to send its body.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest body of a request.
const MAX_BODY_SIZE_BYTES: usize = 1 << 20;
/// How long to wait after a failed accept: the process may be out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// How long connections may take to say goodbye when the sim stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// A running sim exchange. Dropping it stops it, without goodbyes.
#[derive(Debug)]
pub struct Server {
    exchange: Arc<Exchange>,
    addr: SocketAddr,
}

impl Server {
    /// Makes the tape, listens on `addr` (port 0 for any), and serves on the current runtime.
    ///
    /// # Errors
    ///
    /// When the settings are wrong, the tape cannot be read, or the address is not to be had.
    pub async fn start(config: Config, addr: SocketAddr) -> Result<Self, SimError> {
        let exchange = Arc::new(Exchange::new(config)?);
        let failed = |source| SimError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let playing = Arc::clone(&exchange);
        exchange
            .tasks
            .spawn(async move { player::play(&playing).await });
        let accepting = Arc::clone(&exchange);
        exchange.tasks.spawn(async move {
            tokio::select! {
                () = accepting.stop.cancelled() => {}
                () = accept(&accepting, listener) => {}
            }
        });
        Ok(Self { exchange, addr })
    }

    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL of the streams, as in `ws://127.0.0.1:1234`.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.addr)
    }

    /// The base URL of REST, as in `http://127.0.0.1:1234`.
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The base URL of the archive, as in `http://127.0.0.1:1234`.
    pub fn archive_url(&self) -> String {
        self.rest_url()
    }

    /// The handle to make things go wrong.
    pub fn faults(&self) -> Faults {
        Faults::new(Arc::clone(&self.exchange))
    }

    /// The tape that is played.
    pub fn tape(&self) -> &Tape {
        &self.exchange.tape
    }

    /// What has happened so far.
    pub fn stats(&self) -> Stats {
        self.exchange.stats()
    }

    /// Says goodbye to all clients and stops, within a few seconds.
    pub async fn stop(self) {
        self.exchange.stop.cancel();
        self.exchange.tasks.close();
        if timeout(GOODBYE, self.exchange.tasks.wait()).await.is_err() {
            let cut = FaultKind::Cut {
                how: CutHow::Rst,
                open: true,
            };
            self.exchange.hub.strike(&cut, None);
            if timeout(GOODBYE, self.exchange.tasks.wait()).await.is_err() {
                warn!("connections of the sim did not end in time");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.exchange.stop.cancel();
    }
}

/// Accepts connections for ever.
async fn accept(exchange: &Arc<Exchange>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let serving = Arc::clone(exchange);
                exchange.tasks.spawn(async move {
                    serve(&serving, stream, peer.ip()).await;
                    drop(place);
                });
            }
            Err(error) => {
                warn!(%error, "the sim could not accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A request that gets no answer.
#[derive(Debug, Error)]
#[error("the connection ends without an answer")]
struct NoAnswer;

/// Serves one TCP connection; a stream goes on in a task of its own.
async fn serve(exchange: &Arc<Exchange>, stream: TcpStream, address: IpAddr) {
    let socket = Socket::new(stream);
    let switch = socket.switch();
    let refuse = |kind: &FaultKind| matches!(kind, FaultKind::RefuseConnects {}).then_some(());
    if exchange.board.strike(None, refuse).is_some() {
        switch.reset_at_end();
        return;
    }
    let service = service_fn(|request| respond(exchange, &switch, address, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::select! {
        () = exchange.stop.cancelled() => {}
        served = connection => {
            if let Err(error) = served {
                debug!(%error, "a client of the sim went away");
            }
        }
    }
}

async fn respond(
    exchange: &Arc<Exchange>,
    switch: &ResetSwitch,
    address: IpAddr,
    mut request: Request<Incoming>,
) -> Result<Reply, NoAnswer> {
    let path = request.uri().path();
    if upgrade::is_stream_path(path) {
        return Ok(upgrade::respond(exchange, switch, address, &mut request).await);
    }
    if path.starts_with("/sim/") {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY_SIZE_BYTES).collect();
        return Ok(match timeout(REQUEST_TIMEOUT, body).await {
            Ok(Ok(body)) => rest::control(exchange, &head.method, &head.uri, &body.to_bytes()),
            Ok(Err(_)) => error_reply(413, -1, "the body is too large"),
            Err(_) => error_reply(408, -1, "the body did not come"),
        });
    }
    if path.starts_with("/data/") {
        let (method, uri) = (request.method(), request.uri());
        return Ok(archive::respond(exchange, method, uri, request.headers()).await);
    }
    let method: &Method = request.method();
    match rest::api(exchange, address, method, request.uri(), request.headers()).await {
        Outcome::Answer(reply) => Ok(reply),
        Outcome::End(how) => {
            if how == CutHow::Rst {
                switch.reset_at_end();
            }
            Err(NoAnswer)
        }
    }
}
