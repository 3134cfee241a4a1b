//! The use cases. They emit events and print nothing.

pub mod alerts;
pub mod backfill;
pub mod backoff;
pub mod clock;
pub mod collect;
pub mod crash;
pub mod from_tape;
pub mod inherited;
pub mod probe;
pub mod seals;
pub mod spool;
pub mod supervise;
pub mod uptime;
pub mod verify;
pub mod watchdog;
