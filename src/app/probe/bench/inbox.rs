//! Where alerts arrive: a webhook of the probe's own, which can be down.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use crate::app::probe::error::ProbeError;

/// An alert is far smaller.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Counts the alerts that arrive.
#[derive(Debug)]
pub struct Inbox {
    address: SocketAddr,
    state: Arc<State>,
    _serving: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    firing: AtomicU64,
    is_down: AtomicBool,
}

impl Inbox {
    /// Listens on a port of its own.
    pub async fn open() -> Result<Self, ProbeError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(ProbeError::Listen)?;
        let address = listener.local_addr().map_err(ProbeError::Listen)?;
        let state = Arc::<State>::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers with an error from now on, or no longer.
    pub fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How many alerts that something is wrong have arrived.
    pub fn firing(&self) -> u64 {
        self.state.firing.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&state)));
    }
}

async fn answer(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(take(&state, request).await) }
    });
    // Who hangs up early has been counted already.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn take(state: &State, request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    let body = Limited::new(request.into_body(), MAX_BODY_BYTES);
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    if state.is_down.load(Ordering::SeqCst) {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return response;
    }
    let alert = body
        .ok()
        .and_then(|body| serde_json::from_slice::<Value>(&body).ok());
    if alert.is_some_and(|alert| alert["kind"] == "firing") {
        state.firing.fetch_add(1, Ordering::SeqCst);
    }
    response
}
