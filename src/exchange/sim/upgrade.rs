//! From an HTTP request to a stream connection (RFC 6455, section 4.2).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

use super::body::ReplyBody;
use super::connection::{Connection, Order};
use super::exchange::Exchange;
use super::fault::FaultKind;
use super::json::TimeUnit;
use super::reply::{Reply, error_reply, page_reply};
use super::rest::Query;
use super::socket::{ResetSwitch, Socket};
use super::stream;

/// How long the answer to an upgrade may take to reach the client.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// Stream connections that are served at once.
const MAX_STREAM_CONNECTIONS: usize = 4096;

/// Whether a path belongs to the streams.
pub(crate) fn is_stream_path(path: &str) -> bool {
    path == "/ws" || path.starts_with("/ws/") || path == "/stream"
}

/// Answers a request on a stream's path, and serves the stream if it is an upgrade.
pub(crate) async fn respond(
    exchange: &Arc<Exchange>,
    switch: &ResetSwitch,
    address: IpAddr,
    request: &mut Request<Incoming>,
) -> Reply {
    let rejected = exchange.board.strike(None, |kind| match kind {
        FaultKind::NeverUpgrade {} => Some(None),
        FaultKind::RejectUpgrade { status } => Some(Some(*status)),
        _ => None,
    });
    match rejected {
        Some(None) => std::future::pending().await,
        Some(Some(status)) => return page_reply(status),
        None => {}
    }
    let Some(key) = upgrade_key(request.headers()).cloned() else {
        return error_reply(400, -1000, "This path wants an upgrade to a WebSocket.");
    };
    if exchange.hub.count() >= MAX_STREAM_CONNECTIONS {
        return page_reply(503);
    }
    if !exchange.limits.may_connect(address) {
        return error_reply(429, -1003, "Too many connections.");
    }
    let asked = match Asked::of(request.uri()) {
        Ok(asked) => asked,
        Err(message) => return error_reply(400, -1000, message),
    };
    let (connection, orders) = Connection::new(
        exchange.tape.symbols().len(),
        asked.unit,
        asked.combined,
        exchange.config.backlog_size_bytes,
        switch.clone(),
    );
    if connection
        .subscribe(exchange.hub.names(), &asked.streams)
        .is_err()
    {
        return error_reply(400, -1000, "More than 1024 streams.");
    }
    let upgrading = hyper::upgrade::on(&mut *request);
    let serving = Arc::clone(exchange);
    exchange.tasks.spawn(async move {
        serve(&serving, upgrading, Arc::new(connection), orders).await;
    });
    switching_protocols(&key)
}

/// Waits for the upgrade and serves the connection until it ends.
async fn serve(
    exchange: &Arc<Exchange>,
    upgrading: OnUpgrade,
    connection: Arc<Connection>,
    orders: mpsc::Receiver<Order>,
) {
    let upgraded = match timeout(UPGRADE_TIMEOUT, upgrading).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => return debug!(%error, "a client left before its upgrade"),
        Err(_) => return debug!("a client took too long to upgrade"),
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<Socket>>() else {
        return debug!("an upgraded connection is not a socket of the sim");
    };
    exchange.stats.count_connection();
    exchange.hub.add(Arc::clone(&connection));
    // After it is known to the hub: a fault added meanwhile strikes it at least once.
    for (kind, symbol) in exchange.board.strike_new_connection() {
        connection.suffer(&kind, symbol);
    }
    let socket = parts.io.into_inner();
    stream::serve(exchange, &connection, socket, parts.read_buf, orders).await;
    exchange.hub.remove(&connection);
}

/// What the URL of a stream asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'u> {
    streams: Vec<&'u str>,
    combined: bool,
    unit: TimeUnit,
}

impl<'u> Asked<'u> {
    fn of(uri: &'u Uri) -> Result<Self, &'static str> {
        let query = Query::of(uri);
        let unit = match query.get("timeUnit") {
            None => TimeUnit::default(),
            Some(text) => TimeUnit::named(text).ok_or("This time unit is not known.")?,
        };
        let combined = uri.path() == "/stream";
        let names = if combined {
            query.get("streams").unwrap_or_default()
        } else {
            uri.path().strip_prefix("/ws/").unwrap_or_default()
        };
        Ok(Self {
            streams: names.split('/').filter(|name| !name.is_empty()).collect(),
            combined,
            unit,
        })
    }
}

/// The key of a proper request to upgrade.
fn upgrade_key(headers: &HeaderMap) -> Option<&HeaderValue> {
    let has_token = |name, token: &str| {
        let values = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut tokens = values.flat_map(|value| value.split(','));
        tokens.any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    let proper = has_token(CONNECTION, "upgrade")
        && has_token(UPGRADE, "websocket")
        && has_token(SEC_WEBSOCKET_VERSION, "13");
    if proper {
        headers.get(SEC_WEBSOCKET_KEY)
    } else {
        None
    }
}

fn switching_protocols(key: &HeaderValue) -> Reply {
    let accept = derive_accept_key(key.as_bytes());
    let Ok(accept) = HeaderValue::from_str(&accept) else {
        return page_reply(500);
    };
    let mut reply = Response::new(ReplyBody::from(Bytes::new()));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &str) -> Result<(Vec<String>, bool, TimeUnit), &'static str> {
        let uri: Uri = uri.parse().unwrap();
        Asked::of(&uri).map(|asked| {
            let streams = asked
                .streams
                .iter()
                .map(|name| (*name).to_owned())
                .collect();
            (streams, asked.combined, asked.unit)
        })
    }

    #[test]
    fn both_forms_of_url_are_understood() {
        let streams = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            asked("/ws/btcusdt@aggTrade?timeUnit=MICROSECOND"),
            Ok((streams(&["btcusdt@aggTrade"]), false, TimeUnit::Microsecond))
        );
        assert_eq!(
            asked("/stream?streams=a@aggTrade/b@aggTrade&timeUnit=millisecond"),
            Ok((
                streams(&["a@aggTrade", "b@aggTrade"]),
                true,
                TimeUnit::Millisecond
            ))
        );
        assert_eq!(asked("/ws"), Ok((vec![], false, TimeUnit::Millisecond)));
        assert!(asked("/ws?timeUnit=SECOND").is_err());
    }
}
