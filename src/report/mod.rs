//! How results look: text for people, CSV and JSON for programs.
//!
//! Use cases emit facts; what is here decides the characters. All printing passes the
//! [`Printer`].

pub mod backfill;
pub mod bars;
pub mod collect;
pub mod doctor;
pub mod frame;
#[cfg(test)]
mod json_schema;
pub mod messages;
pub mod printer;
pub mod probe;
pub mod redraw;
pub mod seals;
pub mod spool;
pub mod status;
pub mod stored_status;
pub mod style;
pub mod table;
pub mod terminal;
pub mod uptime;
pub mod verify;
pub mod watchdog;
pub mod words;

pub use printer::{OutputError, Printer};
