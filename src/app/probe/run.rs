//! All runs of all scenarios that were asked for.

use std::{fs, io::Write, path::PathBuf};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    bench::load::SYMBOLS,
    error::ProbeError,
    event::{Emit, Event},
    oracle::Oracle,
    outcome::{RunOutcome, ScenarioOutcome},
    play::play,
    scenario::{Needs, Scenario},
    settings::Settings,
    timeline::Timeline,
};

/// A run that takes longer than this has hung. At a time scale of 1 the longest takes minutes.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(30 * 60);

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
    /// Whether every run has passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        !self.is_cut_short && self.scenarios.iter().all(ScenarioOutcome::has_passed)
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
            skipped: why_not(scenario),
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
            let ran = tokio::select! {
                ran = one(scenario, settings, seed, &emit) => ran?,
                () = stop.cancelled() => {
                    outcome.is_cut_short = true;
                    break;
                }
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

fn why_not(scenario: &Scenario) -> Option<String> {
    match scenario.needs {
        Needs::Nothing | Needs::File => None,
        Needs::Server => Some("needs a store that is a server: --store".to_owned()),
        Needs::OwnServer => {
            Some("needs a server that may be stopped: --clickhouse-server".to_owned())
        }
    }
}

/// One run in a directory of its own, which is removed when it has passed.
async fn one(
    scenario: &Scenario,
    settings: &Settings,
    seed: u64,
    emit: &Emit,
) -> Result<RunOutcome, ProbeError> {
    let directory = settings.directory.join(format!("{}-{seed}", scenario.name));
    let failed = |cause| ProbeError::File {
        path: directory.clone(),
        cause,
    };
    fs::create_dir_all(&directory).map_err(failed)?;
    let playing = play(scenario, settings, seed, directory.clone(), emit);
    let ran = match timeout(LONGEST, playing).await {
        Ok(Ok(ran)) => ran,
        Ok(Err(error)) => broken(seed, format!("failed to {error}")),
        Err(_) => broken(seed, "it has not come to an end".to_owned()),
    };
    if ran.has_passed() {
        // What cannot be removed is only in the way.
        let _ = fs::remove_dir_all(&directory);
    } else {
        keep_evidence(scenario, settings, &ran, &directory).map_err(failed)?;
    }
    Ok(ran)
}

fn broken(seed: u64, reason: String) -> RunOutcome {
    RunOutcome {
        seed,
        measures: super::measures::Measures::default(),
        missed: vec![reason],
        timeline: Timeline::default(),
    }
}

/// Puts what explains a failed run beside its log, journal and store: the tape, and what was
/// measured.
fn keep_evidence(
    scenario: &Scenario,
    settings: &Settings,
    ran: &RunOutcome,
    directory: &std::path::Path,
) -> std::io::Result<()> {
    let described = serde_json::json!({
        "scenario": scenario.name,
        "seed": ran.seed,
        "time_scale": settings.scale,
        "run": ran,
        "timeline": ran.timeline,
        "again": format!(
            "streamkit probe run --only {} --seed {} --time-scale {}",
            scenario.name, ran.seed, settings.scale
        ),
    });
    let text = serde_json::to_vec_pretty(&described)?;
    fs::write(directory.join("run.json"), text)?;
    let played = ran
        .timeline
        .samples
        .last()
        .map_or(0, |sample| sample.trades_in);
    let count = i64::try_from(played).unwrap_or(0) / SYMBOLS.len() as i64 + 1000;
    let Ok(oracle) = Oracle::new(&scenario.load.tape(ran.seed, directory), settings.anchor) else {
        return Ok(());
    };
    for symbol in SYMBOLS {
        let mut file = std::io::BufWriter::new(fs::File::create(
            directory.join(format!("tape-{symbol}.csv")),
        )?);
        let first_id = oracle.first_id(symbol).unwrap_or(0);
        oracle
            .write(symbol, first_id + count, &mut file)
            .map_err(std::io::Error::other)?;
        file.flush()?;
    }
    Ok(())
}
