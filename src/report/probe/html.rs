//! The matrix as a page that needs nothing else: no network, no script, no font.
//!
//! ```text
//!  page ─┬─ header: the verdict, and how it was measured
//!        ├─ matrix: a row for each scenario ── figures: its cells
//!        ├─ section: a scenario ─┬─ what was missed, its runs
//!        │                       └─ svg: what one run looked like
//!        └─ what the figures mean
//! ```
//!
//! Whatever comes from outside is escaped where it is put into the page.

#[cfg(test)]
mod contrast;
mod escape;
mod figures;
mod header;
mod matrix;
mod result;
mod section;
mod svg;
#[cfg(test)]
mod tests;

use crate::app::probe::{outcome::ScenarioOutcome, run::Outcome, settings::Settings};
use escape::escaped;

const STYLE: &str = include_str!("html/page.css");

/// The page about an outcome that was made at `made_at`, which is shown as it is.
#[must_use]
pub fn page(outcome: &Outcome, settings: &Settings, made_at: &str) -> String {
    let title = escaped(&header::verdict(outcome).words);
    let header = header::header(outcome, settings, made_at);
    let matrix = matrix::table(outcome);
    let groups: Vec<String> = groups(outcome)
        .iter()
        .map(|(name, scenarios)| group(name, scenarios, settings))
        .collect();
    let groups = groups.join("\n");
    let legend = figures::legend();
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>streamkit probe: {title}</title>
<style>
{STYLE}</style>
</head>
<body>
{header}
<main>
{matrix}
{groups}
</main>
<footer>
{legend}
</footer>
</body>
</html>
"#
    )
}

/// The scenarios by group, in the order that the groups were begun in.
fn groups(outcome: &Outcome) -> Vec<(&'static str, Vec<&ScenarioOutcome>)> {
    let mut groups: Vec<(&'static str, Vec<&ScenarioOutcome>)> = Vec::new();
    for scenario in &outcome.scenarios {
        match groups.iter_mut().find(|(name, _)| *name == scenario.group) {
            Some((_, scenarios)) => scenarios.push(scenario),
            None => groups.push((scenario.group, vec![scenario])),
        }
    }
    groups
}

fn group(name: &str, scenarios: &[&ScenarioOutcome], settings: &Settings) -> String {
    let name = escaped(name);
    let sections: Vec<String> = scenarios
        .iter()
        .map(|scenario| section::section(scenario, settings))
        .collect();
    let sections = sections.join("\n");
    format!(
        r#"<section class="group" aria-labelledby="group-{name}">
<h2 id="group-{name}">{name}</h2>
{sections}
</section>"#
    )
}
