//! The command line: one file a subcommand, with its flags, its help and one `run`.
//!
//! What the library says in errors is turned into sentences with a hint and an exit
//! code [here](error).

mod alerts;
mod app;
mod args;
mod backfill;
mod bars;
mod collect;
mod config;
mod context;
mod doctor;
pub mod error;
pub mod exit;
pub mod probe;
pub mod schema;
mod seals;
mod shell;
mod signals;
mod spool;
mod status;
mod verify;
mod watchdog;

pub use app::run;
pub use collect::{alerting, watching};
