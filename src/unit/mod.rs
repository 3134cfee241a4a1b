//! What the watchdog restarts, and the budget that its runs share.
//!
//! A [`Unit`] is a service of systemd, a container, or a command. It is restarted by a
//! program that gets a deadline, a process group of its own and an [`Environment`] that is
//! complete even under cron. The [`History`] of a target is the file in which one run of
//! the watchdog finds what the runs before it did; to have it open is to be the only one.

mod child;
mod command;
mod container;
mod environment;
mod error;
mod history;
mod systemd;
mod target;

pub use environment::Environment;
pub use error::{RestartError, UnitError};
pub use history::{Attempt, Damage, History, HistoryError, Outcome};
pub use target::{Restarted, Unit};

#[cfg(test)]
mod testing;
