//! A Binance-compatible exchange on loopback: streams, history, limits, and every way
//! in which an exchange can fail.
//!
//! It judges the rest of the crate, so it shares nothing with it: own trades, own
//! decimals, own JSON, own paging. A [`Tape`] is a seeded random walk or a CSV
//! file; a [`Server`] plays it on a port; [`Faults`] make things go wrong, from the same process or by
//! `POST /sim/faults`; `POST /sim/pace` with `{"rate": 5}` plays it faster or slower.
//!
//! ```text
//!  walk, tape_file ─ tape ─ clock (what is past) ─ player ─ hub ─ stream   (WebSocket)
//!                                   ├───────────── history ─ rest         (HTTP)
//!                                   └── archive_content ─ archive         (HTTP)
//!                            board (faults) strikes all of them
//! ```

mod archive;
mod archive_content;
mod archive_fault;
mod archive_zip;
mod board;
mod body;
mod clock;
mod config;
mod connection;
mod control;
mod error;
mod exchange;
mod fault;
mod fault_spec;
mod frame;
mod history;
mod hub;
mod info;
mod json;
mod limits;
mod mangle;
mod market;
mod outbox;
mod pace;
mod player;
mod random;
mod reply;
mod requests;
mod rest;
mod server;
mod socket;
mod stats;
mod stream;
mod tape;
mod tape_file;
mod trade;
mod upgrade;
mod walk;
mod walk_block;
mod walk_time;

pub use archive_fault::{ArchiveFault, BooleanText, ZipDamage};
pub use config::{Config, Rate};
pub use control::Faults;
pub use error::SimError;
pub use fault::{CutHow, Fault, FaultChange, FaultKind, GarbleHow, MalformedHow};
pub use pace::PaceChange;
pub use server::Server;
pub use stats::{ArchiveStats, Stats, SymbolStats};
pub use tape::Tape;
pub use trade::SimTrade;
