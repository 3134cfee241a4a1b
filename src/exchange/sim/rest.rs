//! The REST side: `/api/v3/…` as at the exchange, `/sim/…` for those who test with it.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, Uri};
use tokio::time::sleep;

use super::clock::wall_us;
use super::exchange::Exchange;
use super::fault::{CutHow, FaultChange, FaultKind};
use super::history::HistoryQuery;
use super::info::exchange_info;
use super::json::{TimeUnit, push_row};
use super::limits::Weighed;
use super::pace::PaceChange;
use super::reply::{
    ApiError, Reply, banned, error_reply, json_reply, page_reply, too_much_weight,
    with_retry_after, with_weight,
};

/// About how long a row is, to reserve room.
const ROW_SIZE_BYTES: usize = 160;

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Reply),
    /// The connection ends without an answer.
    End(CutHow),
}

/// Answers a request to the exchange's API.
pub(crate) async fn api(
    exchange: &Exchange,
    address: IpAddr,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Outcome {
    let query = Query::of(uri);
    let symbol = query
        .get("symbol")
        .and_then(|symbol| exchange.tape.index_of(symbol));
    if let Some(outcome) = fail(exchange, symbol).await {
        let status = match &outcome {
            Outcome::Answer(reply) => reply.status().as_u16(),
            Outcome::End(_) => 0,
        };
        exchange.stats.count_rest(status);
        return outcome;
    }
    let weight = match uri.path() {
        "/api/v3/aggTrades" => 4,
        "/api/v3/exchangeInfo" => 20,
        _ => 1,
    };
    let reply = match exchange.limits.weigh(address, weight) {
        Weighed::Banned { retry_after } => {
            let wait_ms = i64::try_from(retry_after.as_millis()).unwrap_or(i64::MAX);
            banned((wall_us() / 1000).saturating_add(wait_ms), retry_after)
        }
        Weighed::TooMuch { used, retry_after } => with_weight(
            too_much_weight(exchange.config.weight_limit, retry_after),
            used,
        ),
        Weighed::Fine { used } => {
            let reply = if method == Method::GET {
                answer(exchange, uri.path(), &query, headers)
            } else {
                error_reply(405, -1000, "This method is not supported here.")
            };
            with_weight(reply, used)
        }
    };
    exchange.stats.count_rest(reply.status().as_u16());
    Outcome::Answer(reply)
}

/// Answers a request to the sim itself.
pub(crate) fn control(exchange: &Exchange, method: &Method, uri: &Uri, body: &Bytes) -> Reply {
    match (method, uri.path()) {
        (&Method::GET, "/sim/stats") => to_json(&exchange.stats()),
        (&Method::GET, "/sim/faults") => to_json(&exchange.board.list()),
        (&Method::POST, "/sim/faults") => {
            let change = serde_json::from_slice::<FaultChange>(body);
            let changed = change
                .map_err(|error| error.to_string())
                .and_then(|change| exchange.change_faults(&change));
            match changed {
                Ok(()) => to_json(&exchange.board.list()),
                Err(complaint) => error_reply(400, -1, &complaint),
            }
        }
        (&Method::POST, "/sim/pace") => {
            let change = serde_json::from_slice::<PaceChange>(body);
            let changed = change
                .map_err(|error| error.to_string())
                .and_then(|change| exchange.change_pace(change).map(|()| change));
            match changed {
                Ok(change) => to_json(&change),
                Err(complaint) => error_reply(400, -1, &complaint),
            }
        }
        _ => error_reply(404, -1, "there is /sim/stats, /sim/faults and /sim/pace"),
    }
}

fn to_json(value: &impl serde::Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => json_reply(200, body),
        Err(error) => error_reply(500, -1, &error.to_string()),
    }
}

/// Lets the faults of REST strike.
async fn fail(exchange: &Exchange, symbol: Option<usize>) -> Option<Outcome> {
    let delay = exchange.board.strike(symbol, |kind| match kind {
        FaultKind::RestDelay { delay_ms } => Some(Duration::from_millis(*delay_ms)),
        _ => None,
    });
    if let Some(delay) = delay {
        sleep(delay).await;
    }
    let kind = exchange.board.strike(symbol, |kind| match kind {
        FaultKind::RestDown { .. } | FaultKind::RestStatus { .. } | FaultKind::RestHang {} => {
            Some(kind.clone())
        }
        _ => None,
    })?;
    match kind {
        FaultKind::RestDown { how } => Some(Outcome::End(how)),
        FaultKind::RestStatus {
            status,
            retry_after_s,
        } => Some(Outcome::Answer(failure(status, retry_after_s))),
        // The caller gives up, or the sim stops; nothing else ends this.
        _ => std::future::pending().await,
    }
}

/// An answer with a status that a fault asks for.
pub(crate) fn failure(status: u16, retry_after_s: Option<u64>) -> Reply {
    let reply = match status {
        429 => error_reply(429, -1003, "Too many requests."),
        418 => error_reply(418, -1003, "Way too many requests; IP banned."),
        400..=499 => error_reply(status, -1000, "An unknown error occurred."),
        _ => page_reply(status),
    };
    match retry_after_s {
        Some(seconds) => with_retry_after(reply, Duration::from_secs(seconds)),
        None => reply,
    }
}

fn answer(exchange: &Exchange, path: &str, query: &Query<'_>, headers: &HeaderMap) -> Reply {
    let unit = headers
        .get("x-mbx-time-unit")
        .and_then(|value| value.to_str().ok());
    let unit = unit.and_then(TimeUnit::named).unwrap_or_default();
    match path {
        "/api/v3/ping" => json_reply(200, "{}"),
        "/api/v3/time" => {
            let time = unit.of_us(exchange.time_us());
            json_reply(200, format!("{{\"serverTime\":{time}}}"))
        }
        "/api/v3/exchangeInfo" => {
            json_reply(200, exchange_info(exchange, unit.of_us(exchange.time_us())))
        }
        "/api/v3/aggTrades" => history(exchange, query, unit).unwrap_or_else(|error| error.reply()),
        _ => page_reply(404),
    }
}

/// `GET /api/v3/aggTrades`.
fn history(exchange: &Exchange, query: &Query<'_>, unit: TimeUnit) -> Result<Reply, ApiError> {
    let symbol = query.get("symbol").filter(|symbol| !symbol.is_empty());
    let symbol = symbol.ok_or_else(|| ApiError::missing("symbol"))?;
    let legal =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if symbol.len() > 20 || !symbol.bytes().all(legal) {
        return Err(ApiError::illegal("symbol", "^[A-Z0-9-_.]{1,20}$"));
    }
    let asked = HistoryQuery::parse(|name| query.get(name))?;
    let index = exchange
        .tape
        .index_of(symbol)
        .ok_or_else(ApiError::invalid_symbol)?;
    let empty = exchange.board.strike(Some(index), |kind| {
        matches!(kind, FaultKind::RestEmpty {}).then_some(())
    });
    if empty.is_some() {
        return Ok(json_reply(200, "[]"));
    }
    let behind = exchange.board.strike(Some(index), |kind| match kind {
        FaultKind::LatestBehind { by } => Some(*by),
        _ => None,
    });
    let tape = &exchange.tape.symbols()[index];
    let past = exchange.clock.position(index, tape);
    let past = past.saturating_sub(behind.unwrap_or(0)).max(tape.start);
    let rows = asked.rows(tape, index, past, &exchange.board);
    let mut body = Vec::with_capacity(rows.len() * ROW_SIZE_BYTES + 2);
    body.push(b'[');
    for (number, (trade, shape)) in rows.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        push_row(&mut body, trade, unit, *shape);
    }
    body.push(b']');
    Ok(json_reply(200, body))
}

/// The parameters of a URL. The exchange's own need no percent-decoding, so a value that is
/// encoded is simply not legal.
#[derive(Debug)]
pub(crate) struct Query<'u>(Vec<(&'u str, &'u str)>);

impl<'u> Query<'u> {
    /// The parameters of this URL.
    pub(crate) fn of(uri: &'u Uri) -> Self {
        let pairs = uri.query().unwrap_or_default().split('&');
        let pairs = pairs.filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .collect(),
        )
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&'u str> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}
