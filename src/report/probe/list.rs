//! The failures that can be caused.

use serde::Serialize;

use crate::{
    app::probe::scenario::{Needs, Scenario},
    report::table::{Column, Table},
};

/// A scenario as programs read it.
#[derive(Debug, Serialize)]
pub struct ScenarioJson {
    name: &'static str,
    group: &'static str,
    line: &'static str,
    is_core: bool,
    needs: &'static str,
    detected_within_ms: Option<u64>,
    recovered_within_ms: Option<u64>,
}

/// All of them.
#[derive(Debug, Serialize)]
pub struct ListJson {
    version: u32,
    scenarios: Vec<ScenarioJson>,
}

/// The list for programs.
#[must_use]
pub fn json(scenarios: &[Scenario]) -> ListJson {
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let of = |scenario: &Scenario| ScenarioJson {
        name: scenario.name,
        group: scenario.group.as_str(),
        line: scenario.line,
        is_core: scenario.is_core,
        needs: needs(scenario.needs),
        detected_within_ms: scenario.budget.detected.map(ms),
        recovered_within_ms: scenario.budget.recovered.map(ms),
    };
    ListJson {
        version: 1,
        scenarios: scenarios.iter().map(of).collect(),
    }
}

/// The list for people, at most `width` wide.
#[must_use]
pub fn text(scenarios: &[Scenario], width: usize) -> String {
    let mut table = Table::new(vec![
        Column::words("scenario"),
        Column::words("group").ranked(2),
        Column::words("core"),
        Column::words("needs").ranked(1),
        Column::words("what happens"),
    ]);
    for scenario in scenarios {
        table.push(vec![
            scenario.name.to_owned(),
            scenario.group.to_string(),
            if scenario.is_core { "core" } else { "" }.to_owned(),
            needs(scenario.needs).to_owned(),
            scenario.line.to_owned(),
        ]);
    }
    table.lines(width).join("\n")
}

const fn needs(needs: Needs) -> &'static str {
    match needs {
        Needs::Nothing => "",
        Needs::Server => "server",
        Needs::OwnServer => "own server",
        Needs::File => "file",
    }
}
