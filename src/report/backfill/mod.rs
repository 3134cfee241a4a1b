//! The queue of backfills: what was asked for, what has become of it, and what changes.

pub mod changes;
pub mod live;
pub mod plan;
pub mod request;
pub mod run;
pub mod status;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod words;
pub mod worker;
