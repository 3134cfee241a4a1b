//! The verdict, and how it was come to.

use crate::{
    app::probe::{
        outcome::{RunOutcome, ScenarioOutcome},
        run::Outcome,
        settings::Settings,
    },
    domain::words::noun,
    report::table::grouped,
};

use super::{escape::escaped, result::Ended};

/// What came of everything.
pub(super) struct Verdict {
    /// In a few words.
    pub words: String,
    ended: Ended,
}

/// What is said first.
pub(super) fn verdict(outcome: &Outcome) -> Verdict {
    let runs: Vec<&RunOutcome> = outcome.scenarios.iter().flat_map(|it| &it.runs).collect();
    let missed = runs.iter().filter(|run| !run.has_passed()).count();
    let count = runs.len();
    let (ended, words) = if count == 0 {
        (Ended::NotRun, "nothing was run".to_owned())
    } else if missed > 0 {
        let runs = noun(count as i128, "run");
        (Ended::Missed, format!("{missed} of {count} {runs} missed"))
    } else if count == 1 {
        (Ended::Passed, "the only run passed".to_owned())
    } else {
        (Ended::Passed, format!("all {count} runs passed"))
    };
    if outcome.is_cut_short {
        // What was stopped has not passed, but has missed nothing by that either.
        let ended = match ended {
            Ended::Missed => Ended::Missed,
            Ended::Passed | Ended::NotRun => Ended::NotRun,
        };
        let words = format!("{words}, stopped before the end");
        return Verdict { words, ended };
    }
    Verdict { words, ended }
}

/// The head of the page.
pub(super) fn header(outcome: &Outcome, settings: &Settings, made_at: &str) -> String {
    let verdict = verdict(outcome);
    let (mark, words, name) = (
        verdict.ended.mark(),
        escaped(&verdict.words),
        verdict.ended.name(),
    );
    let fact = |(name, value): &(&str, String)| {
        let value = escaped(value);
        format!("<div><dt>{name}</dt><dd>{value}</dd></div>")
    };
    let facts = facts(outcome, settings, made_at);
    let facts: String = facts.iter().map(fact).collect();
    let evidence = evidence(outcome);
    format!(
        r#"<header class="page">
<h1>streamkit probe <span>what failures cost</span></h1>
<p class="verdict {name}">{mark} {words}</p>
<dl class="facts">{facts}</dl>{evidence}
</header>"#
    )
}

fn facts(outcome: &Outcome, settings: &Settings, made_at: &str) -> Vec<(&'static str, String)> {
    let has_run = |scenario: &&ScenarioOutcome| !scenario.runs.is_empty();
    let scenarios = outcome.scenarios.iter().filter(has_run).count();
    let left_out = outcome.scenarios.len() - scenarios;
    let runs: usize = outcome.scenarios.iter().map(|it| it.runs.len()).sum();
    let mut told = grouped(scenarios as i128);
    if left_out > 0 {
        told = format!("{told}, {left_out} not run");
    }
    let (first, count) = (settings.seed, u64::from(settings.runs));
    let last = first.saturating_add(count.saturating_sub(1));
    let seeds = if last == first {
        ("seed", first.to_string())
    } else {
        ("seeds", format!("{first} to {last}"))
    };
    let thresholds: Vec<String> = settings
        .thresholds
        .iter()
        .map(ToString::to_string)
        .collect();
    vec![
        ("scenarios", told),
        ("runs", grouped(runs as i128)),
        seeds,
        ("time scale", settings.scale.to_string()),
        ("store", settings.database.as_str().to_owned()),
        ("thresholds", format!("{} dbps", thresholds.join(", "))),
        ("anchor", settings.anchor.to_string()),
        ("streamkit", env!("CARGO_PKG_VERSION").to_owned()),
        ("made", made_at.to_owned()),
    ]
}

fn evidence(outcome: &Outcome) -> String {
    outcome.evidence.as_ref().map_or_else(String::new, |path| {
        let path = escaped(&path.display().to_string());
        format!(
            r#"
<p class="evidence">What is left of failed runs: <code>{path}</code></p>"#
        )
    })
}
