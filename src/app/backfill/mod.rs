//! Making the stored bars of a period complete and exact.
//!
//! ```text
//! wish ─ plan ─┬─ job: feed ─ ladder ─ writer ─ store     (one symbol, in turns)
//!              └─ seals                                    (what is whole)
//! ```

pub mod board;
pub mod cooldown;
pub mod direct;
pub mod event;
pub mod feed;
pub mod job;
mod lanes;
pub mod overview;
pub mod patient_source;
pub mod patient_store;
pub mod plan;
pub mod queue;
pub mod run;
pub mod stored;
#[cfg(test)]
mod testing;
pub mod turns;
pub mod work;
pub mod worker;
pub mod writer;
