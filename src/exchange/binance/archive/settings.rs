//! The settings of the archive.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use crate::exchange::dial::{Resolver, SystemResolver};

/// Where the exchange's archive is.
pub const ARCHIVE_URL: &str = "https://data.binance.vision";

/// Some weeks of a busy pair.
const CACHE_LIMIT_BYTES: u64 = 4 << 30;

/// The settings of an [`Archive`](super::Archive).
#[derive(Clone)]
pub struct ArchiveSettings {
    /// Where the archive is: `https://host[:port][/path]`.
    pub url: Url,
    /// Where files are kept. Several processes may share it.
    pub cache_directory: PathBuf,
    /// How much of them is kept. What is in use is kept in any case.
    pub cache_limit_bytes: u64,
    /// For name, TCP and TLS of a request.
    pub connect_deadline: Duration,
    /// For an answer to begin, and from one piece of it to the next.
    pub idle_deadline: Duration,
    /// For one try to fetch a file; the next one goes on where it ended.
    pub try_deadline: Duration,
    /// For another process that fetches the same file.
    pub busy_deadline: Duration,
    /// How often in a row a request may fail without getting anywhere.
    pub tries: u32,
    /// A try that comes so much farther than any before has got somewhere.
    pub progress_bytes: u64,
    /// How long to wait before the second try; doubles, with jitter.
    pub retry_min: Duration,
    /// How long to wait between tries at most. A server that wants to be left alone for
    /// longer is an error.
    pub retry_max: Duration,
    /// Finds the addresses of hosts.
    pub resolver: Resolver,
}

impl ArchiveSettings {
    /// The defaults, for an archive at `url` and files kept there.
    #[must_use]
    pub fn new(url: Url, cache_directory: PathBuf) -> Self {
        Self {
            url,
            cache_directory,
            cache_limit_bytes: CACHE_LIMIT_BYTES,
            connect_deadline: Duration::from_secs(10),
            idle_deadline: Duration::from_secs(30),
            try_deadline: Duration::from_secs(15 * 60),
            busy_deadline: Duration::from_secs(30 * 60),
            tries: 6,
            progress_bytes: 1 << 20,
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            resolver: Arc::new(SystemResolver),
        }
    }
}

impl fmt::Debug for ArchiveSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveSettings")
            .field("url", &self.url.as_str())
            .field("cache_directory", &self.cache_directory)
            .field("cache_limit_bytes", &self.cache_limit_bytes)
            .finish_non_exhaustive()
    }
}
