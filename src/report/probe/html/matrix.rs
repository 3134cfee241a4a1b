//! One row for each scenario.

use crate::app::probe::{outcome::ScenarioOutcome, run::Outcome};

use super::{
    escape::escaped,
    figures::{self, FIGURES},
    groups,
    result::Ended,
};

/// The scenario, what happens, and the result.
const WORDS: usize = 3;

/// The table in a container that scrolls by itself: the page stays as wide as the screen.
pub(super) fn table(outcome: &Outcome) -> String {
    let heads = figures::heads();
    let bodies: Vec<String> = groups(outcome)
        .iter()
        .map(|(name, scenarios)| body(name, scenarios))
        .collect();
    let bodies = bodies.join("\n");
    let has_several = outcome.scenarios.iter().any(|it| it.runs.len() > 1);
    let several = if has_several {
        " Of several runs: median / worst."
    } else {
        ""
    };
    format!(
        r#"<div class="scroll" role="region" aria-labelledby="matrix" tabindex="0">
<table class="matrix">
<caption id="matrix"><span>What each failure cost. Times are unscaled.{several}</span></caption>
<thead>
<tr><th scope="col">scenario</th><th scope="col">what happens</th>{heads}<th scope="col">result</th></tr>
</thead>
{bodies}
</table>
</div>"#
    )
}

fn body(group: &str, scenarios: &[&ScenarioOutcome]) -> String {
    let group = escaped(group);
    let rest = FIGURES.len() + WORDS - 1;
    let rows: Vec<String> = scenarios.iter().map(|scenario| row(scenario)).collect();
    let rows = rows.join("\n");
    format!(
        r#"<tbody>
<tr class="group"><th scope="rowgroup">{group}</th><td colspan="{rest}"></td></tr>
{rows}
</tbody>"#
    )
}

fn row(scenario: &ScenarioOutcome) -> String {
    let (name, line) = (escaped(scenario.name), escaped(scenario.line));
    let ended = Ended::of(scenario);
    let (result, mark, badge) = (ended.name(), ended.mark(), ended.badge());
    let cells = figures::cells(&scenario.runs);
    format!(
        r##"<tr id="row-{name}" data-scenario="{name}" data-result="{result}"><th scope="row">{mark} <a href="#scenario-{name}">{name}</a></th><td class="line">{line}</td>{cells}<td class="result">{badge}</td></tr>"##
    )
}
