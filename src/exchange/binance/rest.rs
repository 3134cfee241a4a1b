//! History by id: `GET /api/v3/aggTrades`.
//!
//! One client serves all symbols, so that the weight budget and the silence after a
//! 429 hold for all of them. Nothing is retried here but on another endpoint after a
//! transport error: retry and backoff are the caller's.

mod budget;
mod page;
mod since;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde::Deserialize;
use tokio::time;
use url::Url;

use super::{
    client::{self, innermost},
    endpoints::Endpoints,
    excerpt::excerpt,
    gate::Closed,
    settings::{Settings, SettingsError},
};
use crate::{
    domain::symbol::Symbol,
    exchange::{
        socket::{RATE_LIMITED, retry_after},
        source::{Newest, Page, SourceError},
    },
};
use budget::Budget;
use page::{LATEST_ROWS, PAGE_ROWS};

/// An answer may not be longer. A full page has about 130 kB.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// A minute always refills the budget; who waits longer stands behind too many others.
const BUDGET_DEADLINE: Duration = Duration::from_secs(60);

/// The exchange's code for a symbol that it does not know.
const UNKNOWN_SYMBOL: i64 = -1121;

/// A client for history.
pub(super) struct Rest {
    http: reqwest::Client,
    endpoints: Endpoints,
    budget: Budget,
    request_deadline: Duration,
}

/// What is asked for, beside the symbol.
#[derive(Debug, Clone, Copy)]
enum Query {
    /// A page that begins with this id.
    FromId(i64),
    /// The last few trades.
    Latest,
    /// The first page of a window of time, both ends inclusive, in ms.
    Window { start_ms: i64, end_ms: i64 },
    /// The time; of no symbol.
    Time,
}

/// A complete answer with status 200.
struct Answer {
    endpoint: String,
    body: Vec<u8>,
}

impl Rest {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let endpoints = Endpoints::new(settings.rest_urls.clone())
            .ok_or(SettingsError::NoEndpoint("a history endpoint"))?;
        let mut headers = HeaderMap::new();
        headers.insert("X-MBX-TIME-UNIT", HeaderValue::from_static("MICROSECOND"));
        let http = client::builder(&settings.resolver, settings.connect_deadline)?
            .default_headers(headers)
            .build()?;
        Ok(Self {
            http,
            endpoints,
            budget: Budget::new(settings.weight_per_minute),
            request_deadline: settings.request_deadline,
        })
    }

    /// See [`Source::page`](crate::exchange::source::Source::page).
    pub(super) async fn page(&self, symbol: &Symbol, from_id: i64) -> Result<Page, SourceError> {
        let from_id = from_id.max(0);
        let answer = self.get(Some(symbol), Query::FromId(from_id)).await?;
        page::read(&answer, from_id)
    }

    /// See [`Source::latest`](crate::exchange::source::Source::latest).
    pub(super) async fn latest(&self, symbol: &Symbol) -> Result<Option<Newest>, SourceError> {
        let answer = self.get(Some(symbol), Query::Latest).await?;
        page::read_latest(&answer)
    }

    /// The first page of the trades from `start_ms` to `end_ms`, both inclusive.
    async fn window(
        &self,
        symbol: &Symbol,
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Page, SourceError> {
        let answer = self
            .get(Some(symbol), Query::Window { start_ms, end_ms })
            .await?;
        page::read(&answer, 0)
    }

    /// See [`Source::time_us`](crate::exchange::source::Source::time_us).
    pub(super) async fn time_us(&self) -> Result<i64, SourceError> {
        let answer = self.get(None, Query::Time).await?;
        let time = serde_json::from_slice::<ServerTime>(&answer.body);
        let ServerTime { time } = time.map_err(|error| SourceError::Unreadable {
            endpoint: answer.endpoint,
            reason: error.to_string(),
            excerpt: excerpt(&answer.body),
        })?;
        // Whoever does not know the header that asks for µs answers in ms.
        let is_ms = time < MICROSECONDS_FROM;
        Ok(if is_ms {
            time.saturating_mul(1000)
        } else {
            time
        })
    }

    async fn get(&self, symbol: Option<&Symbol>, query: Query) -> Result<Answer, SourceError> {
        let refused = |closed: Closed| SourceError::RateLimited {
            endpoint: self.endpoints.preferred().to_string(),
            status: closed.status,
            retry_after: closed.remaining(),
        };
        time::timeout(BUDGET_DEADLINE, self.budget.admit())
            .await
            .map_err(|_| SourceError::TimedOut {
                endpoint: self.endpoints.preferred().to_string(),
                deadline: BUDGET_DEADLINE,
            })?
            .map_err(refused)?;
        let asked = AtomicUsize::new(0);
        let deadline = self.request_deadline;
        time::timeout(deadline, self.ask_in_order(symbol, query, &asked))
            .await
            .unwrap_or_else(|_| {
                let number = asked.load(Ordering::Relaxed);
                let endpoint = self.endpoints.name(number);
                // The next request begins with the next endpoint.
                self.endpoints.fails(number);
                Err(SourceError::TimedOut { endpoint, deadline })
            })
    }

    /// Asks one endpoint after the other until one answers, whatever it answers.
    async fn ask_in_order(
        &self,
        symbol: Option<&Symbol>,
        query: Query,
        asked: &AtomicUsize,
    ) -> Result<Answer, SourceError> {
        let mut outcome = None;
        for (number, url) in self.endpoints.in_order() {
            asked.store(number, Ordering::Relaxed);
            match self.ask(url, symbol, query).await {
                Err(error @ SourceError::Unreachable { .. }) => {
                    self.endpoints.fails(number);
                    outcome.get_or_insert(error);
                }
                // It is there but of no use, and the next one may be: the next request
                // begins there.
                Err(error @ (SourceError::Status { .. } | SourceError::Unreadable { .. })) => {
                    self.endpoints.fails(number);
                    return Err(error);
                }
                answered => {
                    self.endpoints.works(number);
                    return answered;
                }
            }
        }
        // The first endpoint is the one that its owner cares about most.
        Err(outcome.unwrap_or_else(|| SourceError::Unreachable {
            endpoint: self.endpoints.preferred().to_string(),
            cause: "there is no endpoint".to_owned(),
        }))
    }

    async fn ask(
        &self,
        endpoint: &Url,
        symbol: Option<&Symbol>,
        query: Query,
    ) -> Result<Answer, SourceError> {
        let unreachable = |error: reqwest::Error| SourceError::Unreachable {
            endpoint: endpoint.to_string(),
            cause: innermost(&error),
        };
        let request = self.http.get(address(endpoint, symbol, query));
        let mut response = request.send().await.map_err(unreachable)?;
        self.note_used_weight(response.headers());
        let status = response.status();
        if RATE_LIMITED.contains(&status.as_u16()) {
            let header = response.headers().get("retry-after");
            let retry_after = retry_after(header.map(HeaderValue::as_bytes));
            self.budget.close(status.as_u16(), retry_after);
            return Err(SourceError::RateLimited {
                endpoint: endpoint.to_string(),
                status: status.as_u16(),
                retry_after,
            });
        }
        let Some(body) = read_body(&mut response).await.map_err(unreachable)? else {
            return Err(SourceError::Unreadable {
                endpoint: endpoint.to_string(),
                reason: format!("it is longer than {MAX_ANSWER_BYTES} bytes"),
                excerpt: String::new(),
            });
        };
        if status == StatusCode::OK {
            let endpoint = endpoint.to_string();
            return Ok(Answer { endpoint, body });
        }
        Err(refusal(endpoint, symbol, status, &body))
    }

    fn note_used_weight(&self, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse().ok();
        if let Some(weight) = number("x-mbx-used-weight-1m") {
            self.budget.used(weight, rest_of_minute(headers));
        }
    }
}

fn address(endpoint: &Url, symbol: Option<&Symbol>, query: Query) -> Url {
    let mut url = endpoint.clone();
    let path = endpoint.path().trim_end_matches('/');
    let what = match query {
        Query::FromId(id) => format!("fromId={id}&limit={PAGE_ROWS}"),
        Query::Latest => format!("limit={LATEST_ROWS}"),
        Query::Window { start_ms, end_ms } => {
            format!("startTime={start_ms}&endTime={end_ms}&limit={PAGE_ROWS}")
        }
        Query::Time => {
            url.set_path(&format!("{path}/api/v3/time"));
            return url;
        }
    };
    url.set_path(&format!("{path}/api/v3/aggTrades"));
    // A symbol holds nothing that would have to be escaped.
    let symbol = symbol.map_or("", Symbol::as_str);
    url.set_query(Some(&format!("symbol={symbol}&{what}")));
    url
}

/// The whole body; none when it is too long.
async fn read_body(response: &mut Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// What the exchange says when it is asked for the time.
#[derive(Deserialize)]
struct ServerTime {
    #[serde(rename = "serverTime")]
    time: i64,
}

/// Times from here on are in µs: in ms it would be the year 5138.
const MICROSECONDS_FROM: i64 = 100_000_000_000_000;

/// What the exchange says when it refuses.
#[derive(Deserialize)]
struct Complaint {
    code: i64,
    msg: String,
}

fn refusal(
    endpoint: &Url,
    symbol: Option<&Symbol>,
    status: StatusCode,
    body: &[u8],
) -> SourceError {
    let endpoint = endpoint.to_string();
    match (serde_json::from_slice(body), symbol) {
        (
            Ok(Complaint {
                code: UNKNOWN_SYMBOL,
                msg,
            }),
            Some(symbol),
        ) if status == StatusCode::BAD_REQUEST => SourceError::UnknownSymbol {
            endpoint,
            symbol: symbol.clone(),
            message: msg,
        },
        _ => SourceError::Status {
            endpoint,
            status: status.as_u16(),
            body: excerpt(body),
        },
    }
}

/// How long the server's minute still lasts, from the header `Date`; a minute when it
/// cannot be told.
fn rest_of_minute(headers: &HeaderMap) -> Duration {
    // "Sun, 06 Nov 1994 08:49:37 GMT": only the seconds matter.
    let second = headers
        .get(reqwest::header::DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(|date| date.strip_suffix(" GMT"))
        .and_then(|date| date.rsplit(':').next())
        .and_then(|second| second.parse::<u64>().ok())
        .map_or(0, |second| second.min(59));
    Duration::from_secs(60 - second)
}

#[cfg(test)]
mod tests;
