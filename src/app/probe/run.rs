//! All runs of all scenarios that were asked for.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    bench::{Bench, Plan, storage::Backend},
    error::ProbeError,
    event::{Emit, Event, Phase},
    evidence,
    outcome::{RunOutcome, ScenarioOutcome},
    play::play,
    scenario::Scenario,
    settings::Settings,
    timeline::Timeline,
};

/// A run that takes longer than this has hung. At a time scale of 1 the longest takes minutes.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// What came of everything.
#[derive(Debug)]
pub struct Outcome {
    /// By scenario, in the order that they were run in.
    pub scenarios: Vec<ScenarioOutcome>,
    /// Where what is left of failed runs is kept; none when nothing is.
    pub evidence: Option<PathBuf>,
    /// Whether it was stopped before its end.
    pub is_cut_short: bool,
}

impl Outcome {
    /// Whether there was a run, and every one has passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        let has_run = self
            .scenarios
            .iter()
            .any(|scenario| !scenario.runs.is_empty());
        has_run && !self.is_cut_short && self.scenarios.iter().all(ScenarioOutcome::has_passed)
    }
}

/// Runs scenarios one after the other until they are done, or until `stop`.
///
/// # Errors
/// When directories cannot be made. What happens within a run is told in its outcome.
pub async fn run(
    scenarios: &[Scenario],
    settings: &Settings,
    emit: Emit,
    stop: CancellationToken,
) -> Result<Outcome, ProbeError> {
    let backend = tokio::select! {
        backend = Backend::start(&settings.database, &settings.directory) => backend?,
        () = stop.cancelled() => {
            return Ok(Outcome {
                scenarios: Vec::new(),
                evidence: None,
                is_cut_short: true,
            });
        }
    };
    fs::create_dir_all(&settings.directory).map_err(|cause| ProbeError::File {
        path: settings.directory.clone(),
        cause,
    })?;
    let left = backend.left_behind().await;
    if !left.is_empty() {
        let reason = format!(
            "databases of earlier probes are still there: {}",
            left.join(", ")
        );
        emit(&Event::Note {
            name: "the server",
            reason,
        });
    }
    let ran = run_all(scenarios, settings, &backend, &emit, &stop).await;
    backend.end().await;
    ran
}

async fn run_all(
    scenarios: &[Scenario],
    settings: &Settings,
    backend: &Backend,
    emit: &Emit,
    stop: &CancellationToken,
) -> Result<Outcome, ProbeError> {
    let total = scenarios.len() * settings.runs as usize;
    let mut outcome = Outcome {
        scenarios: Vec::new(),
        evidence: None,
        is_cut_short: false,
    };
    for (place, scenario) in scenarios.iter().enumerate() {
        let mut told = ScenarioOutcome {
            name: scenario.name,
            group: scenario.group.as_str(),
            line: scenario.line,
            runs: Vec::new(),
            skipped: settings.database.lacks(scenario.needs).map(str::to_owned),
        };
        let runs = if told.skipped.is_some() {
            0
        } else {
            settings.runs
        };
        for number in 0..runs {
            let seed = settings.seed + u64::from(number);
            emit(&Event::Begun {
                name: scenario.name,
                number: place * settings.runs as usize + number as usize + 1,
                total,
                seed,
            });
            let Some(ran) = one(scenario, settings, backend, seed, emit, stop).await? else {
                outcome.is_cut_short = true;
                break;
            };
            emit(&Event::RunEnded {
                name: scenario.name,
                outcome: ran.clone(),
            });
            if !ran.has_passed() {
                outcome.evidence = Some(settings.directory.clone());
            }
            told.runs.push(ran);
        }
        emit(&Event::ScenarioEnded(Box::new(told.clone())));
        outcome.scenarios.push(told);
        if outcome.is_cut_short {
            break;
        }
    }
    Ok(outcome)
}

/// One run in a directory of its own, which is removed when it has passed; none when it was
/// stopped.
async fn one(
    scenario: &Scenario,
    settings: &Settings,
    backend: &Backend,
    seed: u64,
    emit: &Emit,
    stop: &CancellationToken,
) -> Result<Option<RunOutcome>, ProbeError> {
    let directory = settings.directory_of(scenario.name, seed);
    let failed = |cause| ProbeError::File {
        path: directory.clone(),
        cause,
    };
    fs::create_dir_all(&directory).map_err(failed)?;
    emit(&Event::Phase {
        name: scenario.name,
        phase: Phase::Starting,
    });
    let ran = on_a_bench(scenario, settings, backend, seed, &directory, emit, stop).await;
    let mut ran = match ran {
        Ok(None) => None,
        Ok(Some(ran)) => Some(ran),
        Err(error) => Some(broken(seed, &error, Timeline::default())),
    };
    match &mut ran {
        Some(ran) if !ran.has_passed() => {
            // One run that cannot be kept is no reason to lose all others.
            if let Err(error) = evidence::keep(scenario, settings, ran, &directory) {
                let path = directory.display();
                ran.missed
                    .push(format!("what is left of it is not all in {path}: {error}"));
            }
        }
        // What cannot be removed is only in the way.
        _ => drop(fs::remove_dir_all(&directory)),
    }
    Ok(ran)
}

/// Sets a bench up, plays on it, and clears it away, whatever happens in between.
async fn on_a_bench(
    scenario: &Scenario,
    settings: &Settings,
    backend: &Backend,
    seed: u64,
    directory: &Path,
    emit: &Emit,
    stop: &CancellationToken,
) -> Result<Option<RunOutcome>, ProbeError> {
    let missing = if settings.is_bare {
        scenario.remedies
    } else {
        &[]
    };
    // This takes a moment and is not interrupted: what was half started would be left behind.
    let mut bench = Bench::set_up(Plan {
        settings,
        backend,
        load: scenario.load,
        options: scenario.options,
        seed,
        has_tls: scenario.has_tls,
        missing,
        directory: directory.to_owned(),
    })
    .await?;
    let ran = tokio::select! {
        played = timeout(LONGEST, play(scenario, settings, &mut bench, emit)) => match played {
            Ok(Ok(ran)) => Some(ran),
            Ok(Err(error)) => Some(broken(seed, &error, bench.timeline().thinned())),
            Err(_) => {
                let reason = "it has not come to an end".to_owned();
                Some(RunOutcome::broken(seed, reason, bench.timeline().thinned()))
            }
        },
        () = stop.cancelled() => None,
    };
    let has_failed = ran.as_ref().is_some_and(|ran| !ran.has_passed());
    if let Err(error) = bench.tear_down(has_failed).await {
        // The run is over, and what it has measured stands.
        emit(&Event::Note {
            name: scenario.name,
            reason: format!("failed to clear away what it left: {error}"),
        });
    }
    Ok(ran)
}

fn broken(seed: u64, error: &ProbeError, timeline: Timeline) -> RunOutcome {
    RunOutcome::broken(seed, format!("failed to {error}"), timeline)
}
