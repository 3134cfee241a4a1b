//! Alerts on their way: to each channel by a queue and a task of its own.
//!
//! ```text
//!             ┌─ queue (bounded) ─ task: rate limit, deadline, retries ── channel
//! notify() ───┼─ queue (bounded) ─ task ───────────────────────────────── channel
//!             └─ …                            │
//!                                readings: which channels cannot send
//! ```
//!
//! Whoever notifies never waits. A channel that cannot send shows as a
//! [`Reading`](crate::domain::alert::Reading) of the metric `channel_broken`; the rule on it
//! makes a notice that goes to all the others. Reminders of it go to the broken one as well:
//! they are what finds out that it works again.

mod dispatcher;
mod event;
mod limit;
mod memory;
mod pinger;
mod pulse;
mod queue;
mod settings;
mod task;
#[cfg(test)]
mod testing;
mod trial;

pub use dispatcher::{Dispatcher, Notifier, is_of_alerts};
pub use event::{AlertEvent, Emit};
pub use memory::{FILE_NAME, Memory, MemoryError};
pub use pinger::PingStats;
pub use pulse::Pulse;
pub use settings::{Limits, Outlet, Outlets, open};
pub use task::OutletStats;
pub use trial::{Trial, send_test_alert};

#[cfg(test)]
mod tests;
