//! One try to fetch a file over HTTP.
//!
//! What has come before is gone on with by `Range`, on condition (`If-Range`) that the
//! file is still the same version: a server that has another one, or knows no ranges,
//! sends all of it, and it begins anew. Every wait has a deadline.

use std::{mem, time::Duration};

use bytes::Bytes;
use reqwest::{
    Response, StatusCode,
    header::{
        CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
    },
};
use tokio::time::{Instant, timeout};
use url::Url;

use super::{
    cache::Cache,
    error::ArchiveError,
    fetch::{OnProgress, Progress, on_disk},
    part::PartFile,
    settings::ArchiveSettings,
};
use crate::exchange::binance::{client::innermost, excerpt::excerpt};

/// How much is written at once.
const WRITE_BYTES: usize = 512 * 1024;

/// A checksum, or a complaint, is shorter.
const SMALL_BYTES: usize = 4096;

/// No file of the archive is longer; whatever is must not fill the disk.
const MAX_FILE_BYTES: u64 = 64 << 30;

/// Requests for files.
pub(super) struct Transfer {
    http: reqwest::Client,
    cache: Cache,
    idle_deadline: Duration,
    try_deadline: Duration,
}

/// What a try came to.
pub(super) struct Outcome {
    /// With what has come, also if it ended with an error.
    pub part: PartFile,
    /// How much came.
    pub received_bytes: u64,
    pub how: Result<Transferred, ArchiveError>,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transferred {
    /// All of the answer is there.
    Whole,
    /// The file is not.
    Absent,
}

impl Transfer {
    pub(super) fn new(http: reqwest::Client, settings: &ArchiveSettings, cache: Cache) -> Self {
        Self {
            http,
            cache,
            idle_deadline: settings.idle_deadline,
            try_deadline: settings.try_deadline,
        }
    }

    /// A small file; none when it is not there.
    pub(super) async fn small(&self, url: &Url) -> Result<Option<Vec<u8>>, ArchiveError> {
        let deadline = self.idle_deadline;
        let asking = async {
            let response = self.http.get(url.clone()).send().await;
            let mut response = response.map_err(|error| unreachable(url, &error))?;
            let status = response.status();
            if is_absent(status) {
                return Ok(None);
            }
            if status == StatusCode::OK {
                return beginning(&mut response, url).await.map(Some);
            }
            Err(refusal(url, &mut response).await)
        };
        timeout(deadline, asking)
            .await
            .unwrap_or_else(|_| Err(timed_out(url, "an answer", deadline)))
    }

    /// Goes on with a part until all of it is there, or something fails.
    ///
    /// # Errors
    /// When the part cannot be written; everything else is in the outcome.
    pub(super) async fn run(
        &self,
        url: &Url,
        part: PartFile,
        on_progress: OnProgress<'_>,
    ) -> Result<Outcome, ArchiveError> {
        let ends = Instant::now() + self.try_deadline;
        let mut flow = Flow {
            cache: &self.cache,
            part: Some(part),
            waiting: Vec::with_capacity(WRITE_BYTES),
            received_bytes: 0,
        };
        let how = self.receive(url, &mut flow, ends, on_progress).await;
        if let Err(error @ ArchiveError::Cache { .. }) = how {
            return Err(error);
        }
        // What has come counts, however the try ended.
        flow.write().await?;
        let received_bytes = flow.received_bytes;
        let part = flow.into_part()?;
        Ok(Outcome {
            part,
            received_bytes,
            how,
        })
    }

    async fn receive(
        &self,
        url: &Url,
        flow: &mut Flow<'_>,
        ends: Instant,
        on_progress: OnProgress<'_>,
    ) -> Result<Transferred, ArchiveError> {
        let start_bytes = flow.length_bytes();
        let mut request = self.http.get(url.clone());
        if let Some(mark) = flow.part().and_then(PartFile::mark) {
            request = request
                .header(RANGE, format!("bytes={start_bytes}-"))
                .header(IF_RANGE, mark);
        }
        let mut response = self
            .wait(url, ends, request.send())
            .await?
            .map_err(|error| unreachable(url, &error))?;
        let status = response.status();
        let due_bytes = match status {
            StatusCode::OK => {
                let mark = mark_of(response.headers());
                flow.change(move |part| part.restart(mark.as_deref()))
                    .await?;
                response.content_length()
            }
            StatusCode::PARTIAL_CONTENT => match content_range(response.headers()) {
                Some((first, all)) if first == start_bytes => all,
                // It is of no use, and the next try begins anew.
                _ => {
                    flow.change(|part| part.restart(None)).await?;
                    let cause = "another range came than was asked for".to_owned();
                    let url = url.to_string();
                    return Err(ArchiveError::Unreachable { url, cause });
                }
            },
            status if is_absent(status) => return Ok(Transferred::Absent),
            StatusCode::RANGE_NOT_SATISFIABLE => {
                flow.change(|part| part.restart(None)).await?;
                let cause = "it is shorter than what has come of it".to_owned();
                let url = url.to_string();
                return Err(ArchiveError::Unreachable { url, cause });
            }
            _ => {
                let refused = self.wait(url, ends, refusal(url, &mut response)).await?;
                return Err(refused);
            }
        };
        let here_bytes = flow.length_bytes();
        if let Some(due_bytes) = due_bytes {
            check_length(url, due_bytes)?;
            let (cache, missing) = (self.cache.clone(), due_bytes.saturating_sub(here_bytes));
            on_disk(&self.cache, move || cache.make_room(missing)).await?;
        }
        let tell = |bytes, on_progress: OnProgress<'_>| on_progress(Progress { bytes, due_bytes });
        tell(here_bytes, on_progress);
        loop {
            let chunk = self.wait(url, ends, response.chunk()).await?;
            let Some(chunk) = chunk.map_err(|error| unreachable(url, &error))? else {
                break;
            };
            check_length(url, flow.length_bytes() + chunk.len() as u64)?;
            flow.take(&chunk).await?;
            tell(flow.length_bytes(), on_progress);
        }
        match due_bytes {
            Some(due_bytes) if flow.length_bytes() < due_bytes => Err(ArchiveError::Truncated {
                url: url.to_string(),
                got_bytes: flow.length_bytes(),
                due_bytes,
            }),
            _ => Ok(Transferred::Whole),
        }
    }

    /// Waits for the next thing to happen, as long as that may take.
    async fn wait<T>(
        &self,
        url: &Url,
        ends: Instant,
        what: impl Future<Output = T>,
    ) -> Result<T, ArchiveError> {
        let left = ends.saturating_duration_since(Instant::now());
        let (name, deadline) = if left < self.idle_deadline {
            ("the try", self.try_deadline)
        } else {
            ("the next piece", self.idle_deadline)
        };
        timeout(left.min(self.idle_deadline), what)
            .await
            .map_err(|_| timed_out(url, name, deadline))
    }
}

/// What comes, on its way to the disk.
struct Flow<'a> {
    cache: &'a Cache,
    /// None only while it is being written.
    part: Option<PartFile>,
    waiting: Vec<u8>,
    received_bytes: u64,
}

impl Flow<'_> {
    fn part(&self) -> Option<&PartFile> {
        self.part.as_ref()
    }

    fn length_bytes(&self) -> u64 {
        let written = self.part().map_or(0, PartFile::length_bytes);
        written + self.waiting.len() as u64
    }

    async fn take(&mut self, chunk: &Bytes) -> Result<(), ArchiveError> {
        self.received_bytes += chunk.len() as u64;
        self.waiting.extend_from_slice(chunk);
        if self.waiting.len() >= WRITE_BYTES {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), ArchiveError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = mem::take(&mut self.waiting);
        self.waiting = self
            .change(move |part| {
                part.append(&bytes)?;
                let mut bytes = bytes;
                bytes.clear();
                Ok(bytes)
            })
            .await?;
        Ok(())
    }

    /// Works on the part where waiting for a disk is allowed.
    async fn change<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut PartFile) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, ArchiveError> {
        let mut part = self.part.take().ok_or_else(|| self.lost())?;
        let (part, done) = on_disk(self.cache, move || {
            let done = work(&mut part)?;
            Ok((part, done))
        })
        .await?;
        self.part = Some(part);
        Ok(done)
    }

    fn into_part(self) -> Result<PartFile, ArchiveError> {
        let lost = self.lost();
        self.part.ok_or(lost)
    }

    /// The part is gone after an error of the disk, which has been told.
    fn lost(&self) -> ArchiveError {
        ArchiveError::Cache {
            path: self.cache.directory().to_owned(),
            cause: std::io::Error::other("a file could not be written"),
        }
    }
}

fn is_absent(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

fn check_length(url: &Url, length_bytes: u64) -> Result<(), ArchiveError> {
    if length_bytes <= MAX_FILE_BYTES {
        return Ok(());
    }
    Err(ArchiveError::TooLong {
        url: url.to_string(),
        limit_bytes: MAX_FILE_BYTES,
    })
}

fn unreachable(url: &Url, error: &reqwest::Error) -> ArchiveError {
    ArchiveError::Unreachable {
        url: url.to_string(),
        cause: innermost(error),
    }
}

fn timed_out(url: &Url, what: &'static str, deadline: Duration) -> ArchiveError {
    ArchiveError::TimedOut {
        url: url.to_string(),
        what,
        deadline,
    }
}

async fn refusal(url: &Url, response: &mut Response) -> ArchiveError {
    let seconds = header(response.headers(), RETRY_AFTER).and_then(|text| text.trim().parse().ok());
    // One that breaks off has said enough with its status.
    let body = beginning(response, url).await.unwrap_or_default();
    ArchiveError::Status {
        url: url.to_string(),
        status: response.status().as_u16(),
        retry_after: seconds.map(Duration::from_secs),
        excerpt: excerpt(&body),
    }
}

/// The beginning of an answer.
async fn beginning(response: &mut Response, url: &Url) -> Result<Vec<u8>, ArchiveError> {
    let mut body = Vec::new();
    while body.len() < SMALL_BYTES {
        let chunk = response.chunk().await;
        match chunk.map_err(|error| unreachable(url, &error))? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => break,
        }
    }
    body.truncate(SMALL_BYTES);
    Ok(body)
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// What the server knows this version by. A weak mark may stand for several contents.
fn mark_of(headers: &HeaderMap) -> Option<String> {
    let strong = header(headers, ETAG).filter(|etag| !etag.starts_with("W/"));
    strong
        .or_else(|| header(headers, LAST_MODIFIED))
        .map(str::to_owned)
}

/// The first byte of a part, and how long the whole is if that is told.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = header(headers, CONTENT_RANGE)?.strip_prefix("bytes ")?;
    let (range, all) = text.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, all.parse().ok()))
}
