//! The matrix for people.

use crate::{
    app::probe::{measures::Measures, outcome::ScenarioOutcome, run::Outcome, settings::Settings},
    report::{
        table::{Column, Table, grouped},
        words::{counted, wrapped},
    },
};

use super::{mebibytes, seconds};

/// The matrix, what was missed, and a verdict, at most `width` wide.
#[must_use]
pub fn text(outcome: &Outcome, settings: &Settings, width: usize) -> String {
    let mut lines = matrix(outcome, Of::All).lines(width);
    if settings.runs > 1 && lines.iter().any(|line| line.chars().count() > width) {
        lines = matrix(outcome, Of::Worst).lines(width);
        let text = "of each scenario's runs the worst; -o json has the medians, too";
        lines.extend(wrapped(text, 0, width));
    }
    lines.extend(missed(outcome, width));
    lines.extend(wrapped(&verdict(outcome, settings), 0, width));
    if let Some(evidence) = &outcome.evidence {
        lines.push(format!(
            "what is left of failed runs: {}",
            evidence.display()
        ));
    }
    lines.join("\n")
}

/// What is told of several runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// The median and the worst, where they differ.
    All,
    /// The worst alone.
    Worst,
}

fn matrix(outcome: &Outcome, of: Of) -> Table {
    let mut table = Table::new(vec![
        Column::words("scenario"),
        Column::number("seen"),
        Column::number("fresh"),
        Column::number("lost"),
        Column::number("twice"),
        Column::number("order").ranked(1),
        Column::number("differ"),
        Column::number("restarts"),
        Column::number("memory").ranked(4),
        Column::number("spool").ranked(3),
        Column::number("alerts").ranked(2),
        Column::words("result"),
    ]);
    for scenario in &outcome.scenarios {
        table.push(row(scenario, of));
    }
    table
}

fn row(scenario: &ScenarioOutcome, of: Of) -> Vec<String> {
    let result = match (scenario.runs.is_empty(), scenario.has_passed()) {
        (true, _) => "not run",
        (false, true) => "passed",
        (false, false) => "MISSED",
    };
    let (Some(median), Some(worst)) = (scenario.median(), scenario.worst()) else {
        // Of what was not played to its end nothing is known, and nought is a figure.
        let mut cells = vec![scenario.name.to_owned()];
        cells.extend(std::iter::repeat_n("-".to_owned(), 10));
        cells.push(result.to_owned());
        return cells;
    };
    let is_one = scenario.runs.len() == 1 || of == Of::Worst;
    let time = |figure: fn(&Measures) -> Option<u64>| {
        let (median, worst) = (figure(&median), figure(&worst));
        match (median, worst) {
            (None, None) => "-".to_owned(),
            _ if is_one || median == worst => seconds(worst),
            _ => format!("{} / {}", seconds(median), seconds(worst)),
        }
    };
    let count = |figure: fn(&Measures) -> u64| {
        let (median, worst) = (figure(&median), figure(&worst));
        if is_one || median == worst {
            grouped(worst)
        } else {
            format!("{} / {}", grouped(median), grouped(worst))
        }
    };
    vec![
        scenario.name.to_owned(),
        time(|measures| measures.detected_ms),
        time(|measures| measures.recovered_ms),
        count(|measures| measures.lost),
        count(|measures| measures.duplicated),
        count(|measures| measures.misordered),
        count(|measures| measures.differing),
        count(|measures| measures.needless_restarts),
        mebibytes(worst.peak_rss_bytes),
        count(|measures| measures.peak_spool_rows),
        count(|measures| measures.alerts),
        result.to_owned(),
    ]
}

fn missed(outcome: &Outcome, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for scenario in &outcome.scenarios {
        for run in &scenario.runs {
            for missed in &run.missed {
                let text = format!("{} (seed {}): {missed}", scenario.name, run.seed);
                lines.extend(wrapped(&text, 2, width));
            }
        }
        if let Some(reason) = &scenario.skipped {
            lines.extend(wrapped(&format!("{}: {reason}", scenario.name), 2, width));
        }
    }
    lines
}

fn verdict(outcome: &Outcome, settings: &Settings) -> String {
    let runs: usize = outcome
        .scenarios
        .iter()
        .map(|scenario| scenario.runs.len())
        .sum();
    let failed = outcome
        .scenarios
        .iter()
        .flat_map(|scenario| &scenario.runs)
        .filter(|run| !run.has_passed())
        .count();
    let seeds = settings.seed..settings.seed + u64::from(settings.runs);
    let seeds = if seeds.end - seeds.start == 1 {
        format!("seed {}", seeds.start)
    } else {
        format!("seeds {} to {}", seeds.start, seeds.end - 1)
    };
    let verdict = match (failed, outcome.is_cut_short) {
        (0, false) => "all passed".to_owned(),
        (0, true) => "stopped before the end".to_owned(),
        (_, false) => format!("{failed} missed"),
        (_, true) => format!("{failed} missed, stopped before the end"),
    };
    format!(
        "{}, {}, {seeds}, time scale {}: {verdict}; times are unscaled",
        counted(runs as i128, "run"),
        settings.database.as_str(),
        settings.scale
    )
}
