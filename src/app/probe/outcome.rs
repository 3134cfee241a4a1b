//! What came of a scenario.

use serde::Serialize;

use super::{measures::Measures, timeline::Timeline};

/// One run of a scenario with one seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunOutcome {
    /// The seed.
    pub seed: u64,
    /// What was measured; nothing when the run could not be carried through.
    #[serde(flatten)]
    pub measures: Option<Measures>,
    /// What was not as it should be, in words; empty when the run has passed.
    pub missed: Vec<String>,
    /// What the run looked like.
    #[serde(skip)]
    pub timeline: Timeline,
}

impl RunOutcome {
    /// A run that could not be carried through, and what was seen of it until then.
    #[must_use]
    pub fn broken(seed: u64, reason: String, timeline: Timeline) -> Self {
        Self {
            seed,
            measures: None,
            missed: vec![reason],
            timeline,
        }
    }

    /// Whether all was as it should be.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.missed.is_empty()
    }
}

/// All runs of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioOutcome {
    /// The scenario's name.
    pub name: &'static str,
    /// Where the failure comes from.
    pub group: &'static str,
    /// What happens, in a line.
    pub line: &'static str,
    /// The runs; none when it was not run.
    pub runs: Vec<RunOutcome>,
    /// Why it was not run, if it was not.
    pub skipped: Option<String>,
}

impl ScenarioOutcome {
    /// Whether every run has passed. What was not run has not failed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.runs.iter().all(RunOutcome::has_passed)
    }

    /// The medians of all runs that were measured; none when none was.
    #[must_use]
    pub fn median(&self) -> Option<Measures> {
        self.of_all(Measures::median)
    }

    /// The worst of all runs that were measured; none when none was.
    #[must_use]
    pub fn worst(&self) -> Option<Measures> {
        self.of_all(Measures::worst)
    }

    fn of_all(&self, of: fn(&[Measures]) -> Measures) -> Option<Measures> {
        let measured: Vec<_> = self.runs.iter().filter_map(|run| run.measures).collect();
        (!measured.is_empty()).then(|| of(&measured))
    }

    /// The run that is shown: the first that failed, else the one that took longest to recover.
    #[must_use]
    pub fn shown(&self) -> Option<&RunOutcome> {
        let failed = self.runs.iter().find(|run| !run.has_passed());
        let slowest = || {
            let runs = self.runs.iter();
            runs.max_by_key(|run| run.measures.and_then(|measures| measures.recovered_ms))
        };
        failed.or_else(slowest)
    }
}
