//! One SQLite file that holds what must not be lost: checkpoints, and the spool of
//! rows that the store has not confirmed.

pub mod actor;
pub mod codec;
pub mod delivery;
pub mod error;
pub mod file;
pub mod filesystem;
pub mod inspect;
pub mod lease;
mod schema;
pub mod spool;

pub use actor::{JournalHandle, Lease, start};
pub use delivery::{Claim, Confirmed, Refusal};
pub use error::JournalError;
pub use file::{CheckpointRow, Commit, Committed, Journal, Options, SetAside};
pub use inspect::{BatchInfo, BatchState, Finding};
pub use spool::{SpoolStats, SpooledBatch};
