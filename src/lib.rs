//! streamkit keeps live trade data flowing into a database for months without
//! anyone watching, and can prove it.
//!
//! The flow of a trade, and the module that each step lives in:
//!
//! ```text
//!  exchange::socket ─ exchange::binance::wire ─ domain::sequence ─ domain::ladder
//!        frames               trades              in id order          bars
//!                                                     │                  │
//!                                  history by id ◄────┘                  ▼
//!                                  (exchange::…::rest)              journal (fsync)
//!                                                                        │
//!                                                     store ◄── app::collect::deliver
//! ```
//!
//! Imports point one way: `main → cli → {report, config, telemetry} → app →
//! {exchange, journal, store, unit, notify} → domain`. The edges never import each other, and
//! `domain` knows no clock, no I/O and no async: time is an argument. The test
//! `tests/layering.rs` holds these arrows.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod exchange;
pub mod journal;
pub mod notify;
pub mod report;
pub mod store;
pub mod telemetry;
pub mod unit;
