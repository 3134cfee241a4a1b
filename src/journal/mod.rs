//! One SQLite file that holds what must not be lost: checkpoints, and the spool of
//! rows that the store has not confirmed.

pub mod actor;
pub mod codec;
pub mod error;
pub mod file;
pub mod filesystem;
pub mod spool;

pub use actor::{JournalHandle, start};
pub use error::JournalError;
pub use file::{CheckpointRow, Commit, Committed, Journal, Options};
pub use spool::{SpoolStats, SpooledBatch};
