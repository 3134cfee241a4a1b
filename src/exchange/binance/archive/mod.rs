//! The exchange's archive: files of trades by day and by month.
//!
//! ```text
//! name ─ fetch (HTTP, checksum) ─ cache ─┐
//!                     --from-file, tape ─┴─ file (CSV, or zip ─ inflated on a thread) ─ blocks
//! ```

mod cache;
mod checksum;
mod error;
mod fetch;
mod file;
mod inflated;
mod name;
mod part;
mod settings;
mod transfer;
mod zip;

pub use cache::CachedFile;
pub use checksum::Checksum;
pub use error::ArchiveError;
pub use fetch::{Archive, ArchiveSetupError, Delivery, Fetched, OnProgress, Progress};
pub use file::{Block, FileError, TradeFile};
pub use name::{ArchiveName, Span};
pub use settings::{ARCHIVE_URL, ArchiveSettings};
pub use zip::ZipError;
