//! Tasks that never die unheard.
//!
//! Every long-lived task has a name and a keeper. The keeper hears a panic, an unexpected
//! return, and a task that neither ends nor gets on with its work, tells of it, and starts
//! the task anew after a pause that doubles. A task that keeps failing is given up, which
//! ends the whole program: a service manager can do what a task cannot do for itself.
//!
//! A task shows that it works through its [`Turns`]: it counts each time that it has gone
//! through its work. Nothing else counts them, no timer above all, so that a count that
//! stands still means that the work does.

mod keeper;
mod panics;
mod supervisor;
mod turns;

pub use panics::{Catching, Caught, Failure, catch};
pub use supervisor::{Given, Limits, Supervisor, TaskEvent, TaskState, TaskStatus};
pub use turns::{Mischief, MischiefAt, MischiefAtError, Turns};
