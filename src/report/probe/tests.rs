//! What people and programs are told of an outcome.

use std::{path::PathBuf, sync::Arc};

use serde_json::Value;

use crate::{
    app::probe::{
        budget::BudgetFile,
        event::Event,
        measures::Measures,
        outcome::{RunOutcome, ScenarioOutcome},
        run::Outcome,
        scenario::Scenario,
        scenarios,
        settings::{Database, Settings},
        timeline::{Mark, MarkKind, Sample, Timeline},
    },
    domain::{anchor::Anchor, threshold::Threshold},
    report::{json_schema::violations, messages::Messages},
};

use super::{json::ProbeJson, list, progress::Progress, table};

const SCHEMA: &str = include_str!("../../../schema/probe.schema.json");

fn settings(runs: u32) -> Settings {
    let finest = Threshold::new(10).expect("a threshold");
    Settings {
        binary: PathBuf::from("streamkit"),
        seed: 7,
        runs,
        scale: 0.1,
        thresholds: vec![finest, Threshold::new(250).expect("a threshold")],
        finest,
        anchor: Anchor::Day,
        options: Vec::new(),
        database: Database::File,
        budgets: BudgetFile::default(),
        budget_path: None,
        directory: PathBuf::from("/tmp/probe"),
        is_bare: false,
    }
}

fn run(seed: u64, recovered_ms: Option<u64>, missed: &[&str]) -> RunOutcome {
    RunOutcome {
        seed,
        measures: Some(Measures {
            detected_ms: Some(850),
            recovered_ms,
            peak_rss_bytes: 25 << 20,
            peak_spool_rows: 1200,
            ..Measures::default()
        }),
        missed: missed.iter().map(ToString::to_string).collect(),
        timeline: Timeline {
            samples: vec![Sample {
                at_ms: 100,
                trades_in: 500,
                trades_stored: 490,
                spool_rows: None,
                rss_bytes: Some(1),
            }],
            marks: vec![Mark {
                at_ms: 50,
                kind: MarkKind::Fault,
                text: "it breaks".to_owned(),
            }],
        },
    }
}

fn scenario(name: &'static str, runs: Vec<RunOutcome>, skipped: Option<&str>) -> ScenarioOutcome {
    ScenarioOutcome {
        name,
        group: "network",
        line: "something breaks",
        runs,
        skipped: skipped.map(str::to_owned),
    }
}

fn outcome() -> Outcome {
    let missed = ["never recovered, 30s allowed"];
    Outcome {
        scenarios: vec![
            scenario(
                "cut-rst",
                vec![run(7, Some(1500), &[]), run(8, Some(2500), &[])],
                None,
            ),
            scenario(
                "half-open",
                vec![run(7, None, &missed), run(8, Some(900), &[])],
                None,
            ),
            scenario(
                "store-refused",
                Vec::new(),
                Some("needs a store that is a server: --store"),
            ),
        ],
        evidence: Some(PathBuf::from("/tmp/probe")),
        is_cut_short: false,
    }
}

#[test]
fn the_matrix_says_what_was_missed_and_where_the_rest_is() {
    let text = table::text(&outcome(), &settings(2), 130);
    let expected = "\
scenario        seen          fresh  lost  twice  order  differ  restarts  memory  spool  alerts  result
cut-rst        850ms    1.5s / 2.5s     0      0      0       0         0  25 MiB  1 200       0  passed
half-open      850ms  900ms / never     0      0      0       0         0  25 MiB  1 200       0  MISSED
store-refused      -              -     -      -      -       -         -       -      -       -  not run
  half-open (seed 7): never recovered, 30s allowed
  store-refused: needs a store that is a server: --store
4 runs, sqlite, seeds 7 to 8, time scale 0.1: 1 missed; times are unscaled
what is left of failed runs: /tmp/probe";
    assert_eq!(text, expected, "\n{text}");
    let slow = vec![run(7, Some(11_500), &[]), run(8, Some(112_500), &[])];
    let mut wide = outcome();
    wide.scenarios
        .push(scenario("kill-at-store-confirmed", slow, None));
    let narrow = table::text(&wide, &settings(2), 80);
    assert!(narrow.contains("the worst; -o json"), "\n{narrow}");
    assert!(
        narrow.lines().all(|line| line.chars().count() <= 80),
        "\n{narrow}"
    );
}

#[test]
fn of_a_run_that_could_not_be_played_no_figure_is_told() {
    let broken = || RunOutcome::broken(7, "failed to start it".to_owned(), Timeline::default());
    let broken_once = vec![broken(), run(8, Some(900), &[])];
    let outcome = Outcome {
        scenarios: vec![
            scenario("half-open", broken_once, None),
            scenario("kill", vec![broken()], None),
        ],
        evidence: None,
        is_cut_short: false,
    };
    let text = table::text(&outcome, &settings(2), 130);
    let row = |name: &str| {
        let row = text.lines().find(|line| line.starts_with(name));
        row.unwrap_or_default().to_owned()
    };
    assert!(row("half-open").contains("900ms"), "{text}");
    assert_eq!(row("kill").matches(" -").count(), 10, "{text}");
    assert!(row("kill").ends_with("MISSED"), "{text}");
    let told = serde_json::to_value(ProbeJson::of(&outcome, &settings(2))).expect("JSON");
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    assert_eq!(violations(&schema, &told), Vec::<String>::new());
    assert_eq!(told["scenarios"][1]["worst"], Value::Null);
    assert_eq!(told["scenarios"][1]["runs"][0].get("lost"), None);
}

#[test]
fn what_is_measured_again_is_measured_in_the_same_way() {
    let settings = Settings {
        database: Database::OwnServer("exec server --data \"$DATA\"".to_owned()),
        options: ["--silence-max", "20s"].map(str::to_owned).to_vec(),
        budget_path: Some(PathBuf::from("my budget.toml")),
        ..settings(2)
    };
    assert_eq!(
        settings.again("kill", 8),
        "streamkit probe run --only kill --seed 8 --time-scale 0.1 --thresholds '10,250' \
         --anchor day --clickhouse-server 'exec server --data \"$DATA\"' \
         --budget 'my budget.toml' -- --silence-max 20s"
    );
}

#[test]
fn what_programs_read_follows_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let (outcome, settings) = (outcome(), settings(2));
    let told = serde_json::to_value(ProbeJson::of(&outcome, &settings)).expect("JSON");
    assert_eq!(violations(&schema, &told), Vec::<String>::new());
    assert_eq!(told["passed"], false);
    let results: Vec<&str> = told["scenarios"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|scenario| scenario["result"].as_str())
        .collect();
    assert_eq!(results, ["passed", "missed", "not_run"]);
    // The run that failed is the one that is shown.
    assert_eq!(told["scenarios"][1]["worst"]["recovered_ms"], Value::Null);
    assert_eq!(told["scenarios"][2]["median"], Value::Null);
}

#[test]
fn the_list_names_every_scenario_within_80_columns() {
    let all = scenarios::all();
    let text = list::text(&all, 80);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "\n{text}"
    );
    let json = serde_json::to_value(list::json(&all)).expect("JSON");
    let schema = include_str!("../../../schema/probe-list.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    assert_eq!(violations(&schema, &json), Vec::<String>::new());
    let listed = json["scenarios"].as_array().expect("a list");
    assert_eq!(listed.len(), all.len());
    for scenario in &all {
        assert!(text.contains(scenario.name), "{}", scenario.name);
    }
}

/// Whoever reads the matrix in the README wants to know that it is all of it.
#[test]
fn the_matrix_of_the_readme_has_a_row_for_each_scenario_of_the_core() {
    let readme = include_str!("../../../README.md");
    let of_a_file = |scenario: &Scenario| Database::File.lacks(scenario.needs).is_none();
    let core = scenarios::all().into_iter();
    let core = core.filter(|one| one.is_core && of_a_file(one));
    let core: Vec<&str> = core.map(|scenario| scenario.name).collect();
    let begin = readme.find("scenario          seen").expect("a matrix");
    let rows = readme[begin..].lines().skip(1);
    let rows: Vec<&str> = rows
        .take_while(|line| line.ends_with("passed"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(rows, core);
}

/// A writer that others can read.
struct Shared(Arc<std::sync::Mutex<Vec<u8>>>);
impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn progress_is_a_line_at_the_beginning_and_at_the_end_of_each_run() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let messages = Messages::to(Shared(Arc::clone(&told)));
    let progress = Progress::new(messages.clone(), false);
    progress.tell(&Event::Begun {
        name: "cut-rst",
        number: 2,
        total: 9,
        seed: 7,
    });
    progress.tell(&Event::RunEnded {
        name: "cut-rst",
        outcome: run(7, Some(1500), &[]),
    });
    progress.tell(&Event::RunEnded {
        name: "cut-rst",
        outcome: run(7, None, &["one", "two"]),
    });
    Progress::new(messages.clone(), true).tell(&Event::RunEnded {
        name: "unheard",
        outcome: run(7, None, &[]),
    });
    messages.drain(std::time::Duration::from_secs(10));
    let told = String::from_utf8(told.lock().expect("not poisoned").clone()).expect("text");
    assert_eq!(
        told,
        "[2/9] cut-rst, seed 7\n        cut-rst passed, seen after 850ms, fresh after 1.5s\n        \
         cut-rst MISSED: one; two\n"
    );
}
