//! The matrix for programs: `schema/probe.schema.json`.

use serde::Serialize;

use crate::app::probe::{
    measures::Measures,
    outcome::{RunOutcome, ScenarioOutcome},
    run::Outcome,
    settings::Settings,
    timeline::Timeline,
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct ProbeJson<'a> {
    version: u32,
    streamkit: &'static str,
    passed: bool,
    cut_short: bool,
    seed: u64,
    runs: u32,
    time_scale: f64,
    store: &'static str,
    thresholds: Vec<u32>,
    anchor: String,
    evidence: Option<String>,
    scenarios: Vec<ScenarioJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ScenarioJson<'a> {
    name: &'a str,
    group: &'a str,
    line: &'a str,
    /// `passed`, `missed` or `not_run`.
    result: &'static str,
    /// Why it was not run.
    reason: Option<&'a str>,
    median: Option<Measures>,
    worst: Option<Measures>,
    runs: &'a [RunOutcome],
    timeline: Option<&'a Timeline>,
}

impl<'a> ProbeJson<'a> {
    /// What programs are told of an outcome.
    #[must_use]
    pub fn of(outcome: &'a Outcome, settings: &Settings) -> Self {
        Self {
            version: 1,
            streamkit: env!("CARGO_PKG_VERSION"),
            passed: outcome.has_passed(),
            cut_short: outcome.is_cut_short,
            seed: settings.seed,
            runs: settings.runs,
            time_scale: settings.scale,
            store: settings.database.as_str(),
            thresholds: settings.thresholds.iter().map(|dbps| dbps.dbps()).collect(),
            anchor: settings.anchor.to_string(),
            evidence: outcome
                .evidence
                .as_ref()
                .map(|path| path.display().to_string()),
            scenarios: outcome.scenarios.iter().map(ScenarioJson::of).collect(),
        }
    }
}

impl<'a> ScenarioJson<'a> {
    fn of(scenario: &'a ScenarioOutcome) -> Self {
        let has_run = !scenario.runs.is_empty();
        Self {
            name: scenario.name,
            group: scenario.group,
            line: scenario.line,
            result: match (has_run, scenario.has_passed()) {
                (false, _) => "not_run",
                (true, true) => "passed",
                (true, false) => "missed",
            },
            reason: scenario.skipped.as_deref(),
            median: scenario.median(),
            worst: scenario.worst(),
            runs: &scenario.runs,
            timeline: scenario.shown().map(|run| &run.timeline),
        }
    }
}
