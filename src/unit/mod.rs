//! What the watchdog restarts, and the budget that its runs share.
//!
//! A [`Unit`] is a service of systemd, a container, or a command. It is restarted by a
//! program that gets a deadline, a process group of its own and an [`Environment`] that is
//! complete even under cron. The [`History`] of a target is the file in which one run of
//! the watchdog finds what the runs before it did; to have it open is to be the only one
//! with that state directory, and a [`Claim`] is to be the only one at all. A [`HoldFile`]
//! is where people say that they work on the target.

mod child;
mod claim;
mod command;
mod container;
mod environment;
mod error;
mod history;
mod hold;
mod systemd;
mod target;

pub use claim::Claim;
pub use environment::Environment;
pub use error::{RestartError, UnitError};
pub use history::{Attempt, Damage, History, HistoryError, KEPT_ATTEMPTS, Outcome};
pub use hold::HoldFile;
pub use target::{Restarted, Unit};

#[cfg(test)]
mod testing;
