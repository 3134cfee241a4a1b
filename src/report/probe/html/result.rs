//! How something ended: in a word, in a sign, and for programs.

use crate::app::probe::outcome::{RunOutcome, ScenarioOutcome};

/// How a scenario or a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Passed,
    Missed,
    NotRun,
}

impl Ended {
    pub(super) fn of(scenario: &ScenarioOutcome) -> Self {
        match (scenario.runs.is_empty(), scenario.has_passed()) {
            (true, _) => Self::NotRun,
            (false, true) => Self::Passed,
            (false, false) => Self::Missed,
        }
    }

    pub(super) fn of_run(run: &RunOutcome) -> Self {
        if run.has_passed() {
            Self::Passed
        } else {
            Self::Missed
        }
    }

    /// As the JSON calls it, and the style.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Missed => "missed",
            Self::NotRun => "not_run",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Missed => "missed",
            Self::NotRun => "not run",
        }
    }

    /// Shapes that differ without their colours.
    const fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Missed => "✗",
            Self::NotRun => "○",
        }
    }

    /// The sign alone, where the word stands elsewhere in the row.
    pub(super) fn mark(self) -> String {
        let (name, sign) = (self.name(), self.sign());
        format!(r#"<span class="sign {name}" aria-hidden="true">{sign}</span>"#)
    }

    /// The sign and the word.
    pub(super) fn badge(self) -> String {
        let (mark, name, words) = (self.mark(), self.name(), self.words());
        format!(r#"<span class="badge {name}">{mark} {words}</span>"#)
    }
}
