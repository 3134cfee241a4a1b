//! Whether data are fresh where they are read, and one restart where it helps.
//!
//! ```text
//! look (stored, ask: what database, journal and exchange say) ─► judged
//!   └─► run: rule, second look, restart, recheck ─► outcome ─► alerts
//! ```

mod alerts;
mod ask;
mod look;
pub mod outcome;
mod run;
mod seals;
mod settings;
mod stored;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use alerts::notices;
pub use look::{Database, JournalTrace, Seen, Sight};
pub use outcome::{Action, Outcome, SymbolOutcome, UnsealedNote};
pub use run::{NotRestarted, Restarts, Watchdog};
pub use seals::check_seals;
pub use settings::{Patience, Settings};
pub use stored::{AnyTable, NoFile, StoredHealth};
