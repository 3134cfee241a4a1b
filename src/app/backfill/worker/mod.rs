//! A worker: takes requests from the queue, one symbol's together, and carries them out.
//!
//! What carrying out means is told by [`Work`]; what is here sees to it that everybody can
//! see how far it is, that nobody else begins it meanwhile, and that it is taken up again
//! when this worker is gone.

mod batch;
mod event;
mod heartbeat;
mod job;
mod run;
#[cfg(test)]
mod tests;

pub use event::Event;
pub use job::{Job, JobProgress, Outcome, ProgressCell, Work};
pub use run::{Settings, Summary, Worker};
