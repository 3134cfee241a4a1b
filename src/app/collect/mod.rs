//! Collecting: trades come in over a stream, exact bars go into the store.
//!
//! ```text
//! session (a thread for each group of symbols)
//!   stream ── pipe: sequence → ladder ──┐ bars, checkpoint
//!   fetch  ──┘ (history by id)          ├─ journal (fsync) ── deliver ── store
//! ```

mod chronicle;
pub mod deliver;
mod diary;
pub mod event;
mod fetch;
pub mod health;
mod heartbeat;
mod machine;
mod outbox;
mod pipe;
mod run;
mod sealer;
mod session;
pub mod settings;
mod slot;
pub mod snapshot;
mod start;
pub mod status;
pub mod stored_status;

pub use chronicle::Chronicle;
pub use event::{Emit, Event, Severity};
pub use run::{CollectError, Collector, Summary, run};
pub use settings::{Limits, Settings};
pub use snapshot::{Board, Link, Phase, SymbolSnapshot};
