//! Why a file of the archive is not to be had.

use std::{io, path::PathBuf, time::Duration};

use super::checksum::Checksum;

/// Why a file cannot be fetched. That it is not there is no error.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The cache's directory.
    #[error("use the archive's cache {path}: {cause}")]
    Cache {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process fetches the same file and does not come to an end.
    #[error("fetch {url}: another process has been fetching it for {waited:?}")]
    Busy {
        /// The file.
        url: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The connection could not be made, or broke.
    #[error("fetch {url}: {cause}")]
    Unreachable {
        /// The file.
        url: String,
        /// What happened.
        cause: String,
    },
    /// Nothing came for too long.
    #[error("fetch {url}: {what} took longer than {deadline:?}")]
    TimedOut {
        /// The file.
        url: String,
        /// What took too long.
        what: &'static str,
        /// How long it may take.
        deadline: Duration,
    },
    /// The server answers, but not with the file.
    #[error("fetch {url}: HTTP {status}: {excerpt}")]
    Status {
        /// The file.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How long to wait before asking again, if it says so.
        retry_after: Option<Duration>,
        /// The beginning of the answer.
        excerpt: String,
    },
    /// The answer ends early.
    #[error("fetch {url}: it ends after {got_bytes} of {due_bytes} bytes")]
    Truncated {
        /// The file.
        url: String,
        /// How much came.
        got_bytes: u64,
        /// How much was announced.
        due_bytes: u64,
    },
    /// The answer is longer than any file of the archive.
    #[error("fetch {url}: it is longer than {limit_bytes} bytes")]
    TooLong {
        /// The file.
        url: String,
        /// What is the most.
        limit_bytes: u64,
    },
    /// What is where the checksum should be is none.
    #[error("read {url}: it is no checksum of the file beside it: '{excerpt}'")]
    NoChecksum {
        /// The checksum's file.
        url: String,
        /// Its beginning.
        excerpt: String,
    },
    /// What came is not what the checksum says, twice.
    #[error("fetch {url}: its checksum is {got} where {due} is due, {size_bytes} bytes came")]
    Mismatch {
        /// The file.
        url: String,
        /// What the checksum's file says.
        due: Checksum,
        /// What the file has.
        got: Checksum,
        /// How long it is.
        size_bytes: u64,
    },
}

impl ArchiveError {
    /// Whether what came is wrong: it is fetched again once.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::NoChecksum { .. } | Self::Mismatch { .. })
    }

    /// Whether it may be well if the same is asked again later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Truncated { .. }
            | Self::Busy { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 418 | 425 | 429 | 500..),
            Self::Cache { .. }
            | Self::TooLong { .. }
            | Self::NoChecksum { .. }
            | Self::Mismatch { .. } => false,
        }
    }

    /// How long the server wants not to be asked.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
