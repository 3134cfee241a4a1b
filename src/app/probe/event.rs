//! What happens while the probe runs.

use super::outcome::{RunOutcome, ScenarioOutcome};

/// Something that whoever watches wants to know.
#[derive(Debug, Clone)]
pub enum Event {
    /// A run of a scenario begins.
    Begun {
        /// The scenario.
        name: &'static str,
        /// Which of how many runs of all scenarios, from 1.
        number: usize,
        /// How many there are.
        total: usize,
        /// The seed.
        seed: u64,
    },
    /// It has come so far.
    Phase {
        /// The scenario.
        name: &'static str,
        /// What it does now.
        phase: Phase,
    },
    /// It is over.
    RunEnded {
        /// The scenario.
        name: &'static str,
        /// What came of it.
        outcome: RunOutcome,
    },
    /// Something that is no result and has to be known all the same.
    Note {
        /// The scenario.
        name: &'static str,
        /// What, and why.
        reason: String,
    },
    /// All runs of a scenario are over.
    ScenarioEnded(Box<ScenarioOutcome>),
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Exchange, store and collector start.
    Starting,
    /// The failure goes on.
    Failing,
    /// Everything works again, and what is behind catches up.
    Recovering,
    /// The tape stands still; everything that is stored is compared.
    Comparing,
    /// The tape goes on, and new trades have to arrive.
    Proving,
}

impl Phase {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Failing => "failing",
            Self::Recovering => "recovering",
            Self::Comparing => "comparing",
            Self::Proving => "proving",
        }
    }
}

/// Takes events.
pub type Emit = std::sync::Arc<dyn Fn(&Event) + Send + Sync>;
