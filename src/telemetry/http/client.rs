//! Reads a page from the socket of a collector on this machine.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixStream, time::timeout};

use super::place::Place;

/// A status is far smaller, even with a thousand symbols.
const MAX_BODY_SIZE_BYTES: usize = 16 << 20;

/// Why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No collector listens there.
    #[error("find a collector at {path}: {source}")]
    Absent {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One listens, and does not answer in time.
    #[error("get an answer from the collector at {path} within {deadline:?}")]
    TimedOut {
        /// The socket.
        path: PathBuf,
        /// How long was waited.
        deadline: Duration,
    },
    /// What it answers is no page.
    #[error("read what the collector at {path} answers: {reason}")]
    Unreadable {
        /// The socket.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The HTTP status and the body of a page of the collector that listens on the socket at
/// `path`.
///
/// # Errors
/// When no collector listens there, or it does not answer within `deadline`.
pub async fn get_local(
    path: &Path,
    page: &str,
    deadline: Duration,
) -> Result<(u16, Vec<u8>), ClientError> {
    let absent = |source| ClientError::Absent {
        path: path.to_owned(),
        source,
    };
    let place = Place::of(path).map_err(absent)?;
    let stream = UnixStream::connect(place.path());
    let timed_out = |_| ClientError::TimedOut {
        path: path.to_owned(),
        deadline,
    };
    let stream = timeout(deadline, stream).await.map_err(timed_out)?;
    let stream = stream.map_err(absent)?;
    let asked = timeout(deadline, ask(stream, page));
    asked
        .await
        .map_err(timed_out)?
        .map_err(|reason| ClientError::Unreadable {
            path: path.to_owned(),
            reason,
        })
}

async fn ask(stream: UnixStream, page: &str) -> Result<(u16, Vec<u8>), String> {
    let text = |error: hyper::Error| error.to_string();
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    let request = Request::get(page)
        .header(hyper::header::HOST, "localhost")
        .header(hyper::header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let exchange = async {
        let response = requests.send_request(request).await.map_err(text)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_BODY_SIZE_BYTES).collect();
        let body = body.await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes().to_vec()))
    };
    let (page, _) = tokio::join!(exchange, connection);
    page
}
