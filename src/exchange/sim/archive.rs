//! The archive: `GET /data/spot/{daily,monthly}/aggTrades/SYMBOL/…zip[.CHECKSUM]`.
//!
//! A day or a month is published once it is over on the tape; a tape that has come to its
//! end has no trades to wait for. Parts of a zip can be asked for with `Range`, and
//! `If-Range` with its `ETag` or `Last-Modified`.

use std::sync::Arc;

use hyper::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use hyper::{Method, Response, Uri};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::archive_content::{Period, Published, publish};
use super::archive_fault::ArchiveFault;
use super::body::{Ending, ReplyBody};
use super::exchange::Exchange;
use super::fault::FaultKind;
use super::reply::{Reply, page_reply, text_reply};
use super::rest::failure;

/// How many files are kept once they have been made.
const KEPT_FILES: usize = 8;
/// How long after its end a period is said to have been published.
const PUBLISHED_AFTER_S: i64 = 3 * 3600;

/// What a file is, faults included.
type Key = (usize, Period, Vec<FaultKind>);

/// The files that have been made, the last one last.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    kept: Mutex<Vec<(Key, Arc<Published>)>>,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'u> {
    symbol: &'u str,
    /// The file's name without extensions.
    stem: &'u str,
    period: Period,
    is_checksum: bool,
}

impl<'u> Asked<'u> {
    fn parse(path: &'u str) -> Option<Self> {
        let rest = path.strip_prefix("/data/spot/")?;
        let (kind, rest) = rest.split_once("/aggTrades/")?;
        let (symbol, file) = rest.split_once('/')?;
        let (file, is_checksum) = match file.strip_suffix(".CHECKSUM") {
            Some(file) => (file, true),
            None => (file, false),
        };
        let stem = file.strip_suffix(".zip")?;
        let date = stem.strip_prefix(symbol)?.strip_prefix("-aggTrades-")?;
        let period = match kind {
            "daily" => Period::day(date),
            "monthly" => Period::month(date),
            _ => None,
        };
        Some(Self {
            symbol,
            stem,
            period: period?,
            is_checksum,
        })
    }
}

/// Answers a request for a file of the archive.
pub(crate) async fn respond(
    exchange: &Arc<Exchange>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Reply {
    let reply = answer(exchange, method, uri, headers).await;
    let is_checksum = uri.path().ends_with(".CHECKSUM");
    let body_bytes = hyper::body::Body::size_hint(reply.body())
        .exact()
        .unwrap_or(0);
    exchange
        .stats
        .count_archive(reply.status().as_u16(), is_checksum, body_bytes);
    reply
}

async fn answer(
    exchange: &Arc<Exchange>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Reply {
    if method != Method::GET {
        return page_reply(405);
    }
    let Some(asked) = Asked::parse(uri.path()) else {
        return page_reply(404);
    };
    let Some(symbol) = exchange.tape.index_of(asked.symbol) else {
        return page_reply(404);
    };
    let strike = |pick: fn(&ArchiveFault) -> bool| {
        exchange.board.strike(Some(symbol), |kind| match kind {
            FaultKind::Archive(fault) if pick(fault) => Some(fault.clone()),
            _ => None,
        })
    };
    let refused = strike(|fault| {
        matches!(
            fault,
            ArchiveFault::Status { .. } | ArchiveFault::Missing {}
        )
    });
    match refused {
        Some(ArchiveFault::Status {
            status,
            retry_after_s,
        }) => return failure(status, retry_after_s),
        Some(_) => return page_reply(404),
        None => {}
    }
    let Some(places) = places(exchange, symbol, asked.period) else {
        return page_reply(404);
    };
    let published = match published(exchange, &asked, symbol, places).await {
        Ok(published) => published,
        Err(reason) => {
            tracing::warn!(%reason, "the sim could not make a file of its archive");
            return page_reply(500);
        }
    };
    if asked.is_checksum {
        if strike(|fault| matches!(fault, ArchiveFault::NoChecksum {})).is_some() {
            return page_reply(404);
        }
        let wrong = strike(|fault| matches!(fault, ArchiveFault::WrongChecksum {}));
        let checksum = match wrong {
            Some(_) => published.checksum.chars().rev().collect(),
            None => published.checksum.clone(),
        };
        return text_reply(format!("{checksum}  {}.zip\n", asked.stem));
    }
    let has_ranges = strike(|fault| matches!(fault, ArchiveFault::NoRanges {})).is_none();
    let broken = strike(|fault| {
        matches!(
            fault,
            ArchiveFault::Corrupt {}
                | ArchiveFault::Truncated { .. }
                | ArchiveFault::Cut { .. }
                | ArchiveFault::Stall { .. }
        )
    });
    send(
        &published,
        asked.period,
        headers,
        has_ranges,
        broken.as_ref(),
    )
}

/// The places of a period's trades on the tape; none unless it is over, and has trades.
fn places(exchange: &Exchange, symbol: usize, period: Period) -> Option<(u64, u64)> {
    let tape = &exchange.tape.symbols()[symbol];
    let from = tape.place_of_time(period.start_us);
    let to = tape.place_of_time(period.end_us);
    let past = exchange.clock.position(symbol, tape);
    let is_over = exchange.time_us() >= period.end_us || past == tape.end;
    (from < to && to <= past && is_over).then_some((from, to))
}

/// The file, made anew unless it is kept.
async fn published(
    exchange: &Arc<Exchange>,
    asked: &Asked<'_>,
    symbol: usize,
    places: (u64, u64),
) -> Result<Arc<Published>, String> {
    let faults = exchange.board.published_faults(symbol, !asked.is_checksum);
    let key = (symbol, asked.period, faults);
    // Others wait meanwhile: they mostly want the same file.
    let mut kept = exchange.archive.kept.lock().await;
    if let Some((_, published)) = kept.iter().find(|(known, _)| *known == key) {
        return Ok(Arc::clone(published));
    }
    let making = Arc::clone(exchange);
    let (stem, faults) = (asked.stem.to_owned(), key.2.clone());
    let made = spawn_blocking(move || {
        let tape = &making.tape.symbols()[symbol];
        publish(&stem, tape, symbol, places, &faults, &making.board)
    });
    let made = made.await.map_err(|error| error.to_string())?;
    let published = Arc::new(made.map_err(|error| error.to_string())?);
    if kept.len() == KEPT_FILES {
        kept.remove(0);
    }
    kept.push((key, Arc::clone(&published)));
    Ok(published)
}

/// Sends a zip, or the part of it that is asked for.
fn send(
    published: &Published,
    period: Period,
    headers: &HeaderMap,
    has_ranges: bool,
    broken: Option<&ArchiveFault>,
) -> Reply {
    let modified = last_modified(period);
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_same = text(IF_RANGE).is_none_or(|mark| mark == published.etag || mark == modified);
    let range = text(RANGE).filter(|_| has_ranges && is_same);
    let all = published.zip.len() as u64;
    let mut status = 200;
    let mut part = published.zip.clone();
    let mut content_range = None;
    match range.map(|range| parse_range(range, all)) {
        None | Some(Range::Nonsense) => {}
        Some(Range::Outside) => {
            let mut reply = page_reply(416);
            insert(&mut reply, CONTENT_RANGE, &format!("bytes */{all}"));
            return reply;
        }
        Some(Range::Part { first, last }) => {
            status = 206;
            part = part.slice(first as usize..=last as usize);
            content_range = Some(format!("bytes {first}-{last}/{all}"));
        }
    }
    let body = match broken {
        Some(ArchiveFault::Corrupt {}) => {
            let mut bytes = part.to_vec();
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x10;
            }
            ReplyBody::from(bytes::Bytes::from(bytes))
        }
        Some(ArchiveFault::Truncated { by_bytes }) => {
            let left = part.len().saturating_sub(*by_bytes as usize);
            ReplyBody::from(part.slice(..left))
        }
        Some(ArchiveFault::Cut { after_bytes }) => {
            ReplyBody::broken(&part, *after_bytes, Ending::Cut)
        }
        Some(ArchiveFault::Stall { after_bytes }) => {
            ReplyBody::broken(&part, *after_bytes, Ending::Stall)
        }
        _ => ReplyBody::from(part),
    };
    let mut reply = Response::new(body);
    *reply.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    insert(&mut reply, CONTENT_TYPE, "application/zip");
    insert(&mut reply, ETAG, &published.etag);
    insert(&mut reply, LAST_MODIFIED, &modified);
    if has_ranges {
        insert(&mut reply, ACCEPT_RANGES, "bytes");
    }
    if let Some(content_range) = content_range {
        insert(&mut reply, CONTENT_RANGE, &content_range);
    }
    reply
}

fn insert(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// A range of bytes.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// Both ends inclusive.
    Part { first: u64, last: u64 },
    /// It begins behind the end.
    Outside,
    /// To be ignored, as the standard has it.
    Nonsense,
}

/// Reads `bytes=5-` and `bytes=5-9`; other forms are ignored.
fn parse_range(text: &str, all: u64) -> Range {
    let numbers = text
        .strip_prefix("bytes=")
        .and_then(|text| text.split_once('-'));
    let Some((first, last)) = numbers else {
        return Range::Nonsense;
    };
    let Ok(first) = first.parse::<u64>() else {
        return Range::Nonsense;
    };
    let last = match last {
        "" => Some(u64::MAX),
        last => last.parse().ok(),
    };
    match last {
        Some(last) if last >= first => {
            if first < all {
                let last = last.min(all - 1);
                Range::Part { first, last }
            } else {
                Range::Outside
            }
        }
        _ => Range::Nonsense,
    }
}

/// When a period's file is said to have been published, as HTTP writes times.
fn last_modified(period: Period) -> String {
    let seconds = period.end_us / 1_000_000 + PUBLISHED_AFTER_S;
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_paths_are_files() {
        let path = "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2025-01-01.zip";
        let asked = Asked::parse(path).unwrap();
        assert_eq!((asked.symbol, asked.is_checksum), ("BTCUSDT", false));
        assert_eq!(asked.stem, "BTCUSDT-aggTrades-2025-01-01");
        assert!(
            Asked::parse(&format!("{path}.CHECKSUM"))
                .unwrap()
                .is_checksum
        );
        let monthly = path.replace("daily", "monthly").replace("-01.zip", ".zip");
        assert!(Asked::parse(&monthly).is_some());
        for wrong in [
            path.replace("daily", "monthly"),
            path.replace("/BTCUSDT/", "/ETHUSDT/"),
            path.replace(".zip", ".csv"),
            path.replace("spot", "futures"),
            path.replace("01-01", "01-32"),
        ] {
            assert!(Asked::parse(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        let part = |first, last| Range::Part { first, last };
        assert_eq!(parse_range("bytes=0-", 10), part(0, 9));
        assert_eq!(parse_range("bytes=4-5", 10), part(4, 5));
        assert_eq!(parse_range("bytes=4-99", 10), part(4, 9));
        assert_eq!(parse_range("bytes=10-", 10), Range::Outside);
        for nonsense in ["bytes=5-4", "bytes=-", "bytes=x-", "rows=1-", "bytes=1"] {
            assert_eq!(parse_range(nonsense, 10), Range::Nonsense, "{nonsense}");
        }
    }

    #[test]
    fn times_are_written_as_http_has_them() {
        let period = Period::day("2024-12-31").unwrap();
        assert_eq!(last_modified(period), "Wed, 01 Jan 2025 03:00:00 GMT");
    }
}
