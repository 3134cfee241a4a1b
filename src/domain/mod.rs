//! The words of streamkit as types, and its rules as pure functions.
//!
//! Nothing here reads a clock, does I/O or waits: time is an argument. That is
//! what makes a bar a pure function of the trades.

#![deny(clippy::disallowed_types)]

pub mod alert;
pub mod anchor;
pub mod backfill_request;
pub mod backfill_worker;
pub mod bar;
pub mod breaker;
pub mod completeness;
pub mod crash;
pub mod digest;
pub mod features;
pub mod freshness;
pub mod health;
pub mod ladder;
pub mod lag;
pub mod liveness;
pub mod micros;
pub mod outage;
pub mod overlap;
pub mod price;
#[cfg(test)]
mod random_tape;
pub mod reference;
pub mod remedy;
pub mod repeats;
pub mod restart_budget;
pub mod restart_policy;
pub mod rewrite;
pub mod rolling;
pub mod rotation;
pub mod row;
pub mod safeguard;
pub mod seal;
pub mod sequence;
pub mod spool_age;
pub mod sums;
pub mod survey;
pub mod symbol;
pub mod threshold;
pub mod tiling;
pub mod trade;
pub mod uptime;
pub mod words;
