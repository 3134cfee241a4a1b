//! What a feed tells.

use std::{fmt, sync::Arc, time::Duration};

use crate::domain::tiling::IdRange;

/// Takes what a feed tells.
pub type FeedEmit = Arc<dyn Fn(FeedEvent) + Send + Sync>;

/// Something about where trades come from. Prints as one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEvent {
    /// A file of the archive is on its way.
    ArchiveFetching {
        /// The file.
        file: String,
        /// How much of it is here.
        bytes: u64,
        /// How long it is, once that is known.
        due_bytes: Option<u64>,
    },
    /// A file of the archive is here.
    ArchiveFetched {
        /// The file.
        file: String,
        /// It was here already.
        was_cached: bool,
        /// How many bytes came.
        received_bytes: u64,
        /// What went wrong on the way.
        failures: Vec<String>,
    },
    /// The archive does not have a file, or not yet.
    ArchiveAbsent {
        /// The file.
        file: String,
    },
    /// A file of the archive cannot be had or read; REST takes its place.
    ArchiveBroken {
        /// Why not.
        reason: String,
    },
    /// The exchange brings nothing at the moment.
    Waiting {
        /// Why not.
        reason: String,
        /// When it is asked again.
        retry_in: Duration,
    },
    /// Ids are proven absent.
    Absent {
        /// The ids.
        ids: IdRange,
        /// What proves it.
        proof: String,
    },
}

impl FeedEvent {
    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ArchiveFetching { .. } => "archive.fetching",
            Self::ArchiveFetched { .. } => "archive.fetched",
            Self::ArchiveAbsent { .. } => "archive.absent",
            Self::ArchiveBroken { .. } => "archive.broken",
            Self::Waiting { .. } => "rest.waiting",
            Self::Absent { .. } => "gap.absent",
        }
    }
}

impl fmt::Display for FeedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArchiveFetching {
                file,
                bytes,
                due_bytes,
            } => match due_bytes {
                Some(due_bytes) => write!(f, "{file}: {bytes} of {due_bytes} bytes are here"),
                None => write!(f, "{file}: {bytes} bytes are here"),
            },
            Self::ArchiveFetched {
                file,
                was_cached: true,
                ..
            } => {
                write!(f, "{file} was in the cache")
            }
            Self::ArchiveFetched {
                file,
                received_bytes,
                failures,
                ..
            } => {
                write!(f, "{file} has come: {received_bytes} bytes")?;
                match failures.last() {
                    Some(failure) => {
                        write!(
                            f,
                            ", after {} failures, the last: {failure}",
                            failures.len()
                        )
                    }
                    None => Ok(()),
                }
            }
            Self::ArchiveAbsent { file } => {
                write!(f, "{file} is not in the archive: REST takes its place")
            }
            Self::ArchiveBroken { reason } => {
                write!(f, "failed to {reason}: REST takes its place")
            }
            Self::Waiting { reason, retry_in } => write!(
                f,
                "failed to {reason}; asking again in {}",
                humantime::format_duration(*retry_in)
            ),
            Self::Absent { ids, proof } => write!(f, "{ids} do not exist: {proof}"),
        }
    }
}
