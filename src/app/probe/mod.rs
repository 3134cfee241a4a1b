//! Measures what failures cost: causes each of them, with real processes, and compares what is
//! stored afterwards with what should be.
//!
//! ```text
//!  scenarios (what fails) ─┐
//!  settings ───────────────┴─ run ─ play ─ bench: exchange ─ relay ─ collector ─ store
//!                                    │        └─ watch, log, inbox: what is seen
//!                                    ├─ oracle: what should be stored
//!                                    └─ outcome: measures against a budget
//! ```

mod bench;
pub mod budget;
pub mod error;
pub mod event;
mod evidence;
pub mod harm;
pub mod measures;
pub mod oracle;
pub mod outcome;
mod play;
pub mod proxy;
pub mod relay;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod settings;
pub mod timeline;
