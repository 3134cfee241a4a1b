//! One SQLite file that holds what must not be lost: checkpoints, and the spool of
//! rows that the store has not confirmed.

pub mod actor;
pub mod codec;
pub mod commit;
pub mod delivery;
pub mod error;
mod fence;
pub mod file;
pub mod filesystem;
pub mod inspect;
pub mod lease;
pub mod look;
pub mod open;
mod partition;
mod receipt;
pub mod refusal;
mod reserve;
pub mod run;
pub mod salvage;
mod schema;
pub mod spool;
#[cfg(test)]
pub(crate) mod testing;
pub mod trace;

pub use actor::{JournalHandle, Lease, Panicked, Reopen, catch, start};
pub use commit::{CheckpointRow, Commit, Committed};
pub use delivery::{Claim, Confirmed};
pub use error::JournalError;
pub use fence::Fence;
pub use file::{Journal, Options, SetAside, random_id};
pub use inspect::{BatchInfo, BatchState, Finding};
pub use look::Looked;
pub use receipt::{Doubtful, Receipt};
pub use refusal::Refusal;
pub use run::{LostRun, RunMark};
pub use salvage::Salvaged;
pub use spool::{Place, SpoolStats, SpooledBatch};
