//! When somebody has to be told, and how often.
//!
//! A [`Rule`] is a bound on a [`Metric`]; a [`Reading`] is a metric's figure at a moment,
//! for a subject (a symbol, a task, a channel) or for the whole collector. [`Alerts`] keeps
//! a state for each rule and subject and says which [`Notice`]s are due:
//!
//! ```text
//!            beyond the bound         for so long            (one notice per cooldown)
//! inactive ───────────────────► pending ──────────► firing ──► notice, reminders
//!    ▲                             │                  │
//!    └──────────(back within)──────┘   (back within for `keep_firing`) ──► one recovery
//! ```
//!
//! The states are those of Prometheus' alerting rules (pending, firing, `for`,
//! `keep_firing_for`). Time is an argument, in µs.

mod alerts;
mod metric;
mod notice;
mod readings;
mod rule;
mod state;

pub use alerts::{Active, Alerts, MAX_SUBJECTS_PER_RULE, OTHERS, Saved};
pub use metric::{Metric, Reading, Unit};
pub use notice::{Ended, Notice, NoticeKind};
pub use readings::readings;
pub use rule::{Comparison, Rule, RuleError, Severity};
pub use state::Phase;

#[cfg(test)]
mod tests;
