//! The failures that can be caused.

use std::time::Duration;

use serde::Serialize;

use crate::{
    app::probe::scenario::{Needs, Scenario},
    report::{
        table::{Column, Table},
        words::wrapped,
    },
};

/// What stands below the list.
const ABOUT: &str = "Each is to be seen within 15s and fresh within 30s unless it says otherwise \
    with -o json, and loses nothing; --budget changes what is allowed.";

/// A scenario as programs read it: `schema/probe-list.schema.json`.
#[derive(Debug, Serialize)]
pub struct ScenarioJson {
    name: &'static str,
    group: &'static str,
    line: &'static str,
    is_core: bool,
    needs: &'static str,
    /// None when there is nothing to see.
    detected_within_ms: Option<u64>,
    recovered_within_ms: Option<u64>,
    alerts_min: u64,
    alerts_max: Option<u64>,
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
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let of = |scenario: &Scenario| ScenarioJson {
        name: scenario.name,
        group: scenario.group.as_str(),
        line: scenario.line,
        is_core: scenario.is_core,
        needs: needs(scenario.needs),
        detected_within_ms: scenario.detected_within_time().map(ms),
        recovered_within_ms: scenario.budget.recovered.map(ms),
        alerts_min: scenario.budget.alerts_min,
        alerts_max: scenario.budget.alerts_max,
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
        Column::number("seen").ranked(3),
        Column::number("fresh").ranked(3),
        Column::words("what happens"),
    ]);
    for scenario in scenarios {
        table.push(vec![
            scenario.name.to_owned(),
            scenario.group.to_string(),
            if scenario.is_core { "core" } else { "" }.to_owned(),
            needs(scenario.needs).to_owned(),
            within(scenario.detected_within_time()),
            within(scenario.budget.recovered),
            scenario.line.to_owned(),
        ]);
    }
    let mut lines = table.lines(width);
    lines.extend(wrapped(ABOUT, 0, width));
    lines.join("\n")
}

/// A time of a budget; nothing when it is not in it.
fn within(time: Option<Duration>) -> String {
    time.map_or_else(String::new, |time| format!("{}s", time.as_secs()))
}

const fn needs(needs: Needs) -> &'static str {
    match needs {
        Needs::Nothing => "",
        Needs::Server => "server",
        Needs::OwnServer => "own server",
        Needs::File => "file",
    }
}
