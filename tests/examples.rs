//! What `examples/` and `docs/` say is so: each file is read, each command line is understood by the
//! program, each metric is one that it has, and each link leads somewhere.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and says what it saw"
)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::process::{run, streamkit, text};
use serde_json::Value;
use streamkit::domain::alert::Rule;
use yaml_rust2::{Yaml, YamlLoader};

/// systemd-analyze(1) calls what is exposed more than this, of 100, worth a look.
const EXPOSURE_MAX: u32 = 30;
/// Where the units look for the program.
const INSTALLED: &str = "/usr/local/bin/streamkit";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The program has to understand these words; it is only asked for help on them.
fn understands(words: &[String], place: &str) {
    let mut command = streamkit();
    let output = run(command.args(words).arg("--help"));
    let said = text(&output.stderr);
    assert!(output.status.success(), "{place}: {words:?}: {said}");
}

/// The words of a command line without what a shell makes of it.
fn words(line: &str) -> Vec<String> {
    shlex::split(line).unwrap_or_else(|| panic!("{line}: a quotation does not end"))
}

/// A unit file: each setting of each section, in order.
fn unit(text: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut sections: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            name.clone_into(&mut section);
            continue;
        }
        let (key, value) = line.split_once('=').expect("KEY=VALUE");
        let settings = sections.entry(section.clone()).or_default();
        settings.push((key.to_owned(), value.to_owned()));
    }
    sections
}

const UNITS: [&str; 3] = [
    "streamkit.service",
    "streamkit-watchdog.service",
    "streamkit-backfill.service",
];

#[test]
fn units_start_what_the_program_has() {
    for name in UNITS {
        let unit = unit(&read(&format!("examples/systemd/{name}")));
        let service = &unit["Service"];
        let (_, line) = service
            .iter()
            .find(|(key, _)| key == "ExecStart")
            .expect("ExecStart");
        let line = line.replace("$SYMBOLS", "BTCUSDT ETHUSDT");
        let line = line.strip_prefix(INSTALLED).expect("the installed program");
        understands(&words(line), name);
    }
    let collector = unit(&read("examples/systemd/streamkit.service"));
    let setting = |section: &str, key: &str| {
        let mut settings = collector[section].iter();
        let found = settings.find(|(name, _)| name == key);
        found.map_or_else(|| panic!("{key} is missing"), |(_, value)| value.clone())
    };
    assert_eq!(setting("Service", "Type"), "notify");
    assert_eq!(setting("Service", "Restart"), "always");
    // Attempts to connect are up to a minute apart, and each is a sign of life.
    assert_eq!(setting("Service", "WatchdogSec"), "3min");
    // It is read in [Unit] alone.
    assert_eq!(setting("Unit", "StartLimitIntervalSec"), "0");
    let timer = unit(&read("examples/systemd/streamkit-watchdog.timer"));
    assert!(timer.contains_key("Timer") && timer.contains_key("Install"));
}

/// The units with the program that is tested in the place of the installed one.
fn installed() -> (tempfile::TempDir, Vec<PathBuf>) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut paths = Vec::new();
    for entry in fs::read_dir(root().join("examples/systemd"))
        .expect("units")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(entry.path()).expect("a unit");
        let text = text.replace(INSTALLED, env!("CARGO_BIN_EXE_streamkit"));
        let path = directory.path().join(&name);
        fs::write(&path, text).expect("written");
        if !name.ends_with(".sysusers") {
            paths.push(path);
        }
    }
    paths.sort();
    (directory, paths)
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        // The units are read by the other test all the same.
        eprintln!("skipped: systemd-analyze is not here");
        return;
    }
    let (_directory, paths) = installed();
    let mut verify = Command::new("systemd-analyze");
    let output = run(verify.args(["verify", "--man=no"]).args(&paths));
    let said = text(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let services = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "service"));
    for path in services {
        let mut security = Command::new("systemd-analyze");
        let threshold = format!("--threshold={EXPOSURE_MAX}");
        let output = run(security
            .args(["security", "--offline=true", "--no-pager", &threshold])
            .arg(path));
        assert!(output.status.success(), "{}", text(&output.stdout));
    }
}

#[test]
fn the_crontab_runs_what_the_program_has() {
    let mut commands = 0;
    for line in read("examples/crontab").lines() {
        if line.is_empty()
            || line.starts_with('#')
            || line
                .split_once('=')
                .is_some_and(|(name, _)| !name.contains(' '))
        {
            continue;
        }
        let fields: Vec<&str> = line.splitn(6, ' ').collect();
        let [.., command] = fields.as_slice() else {
            panic!("{line}");
        };
        let command = command.strip_prefix("streamkit ").expect("the program");
        understands(&words(command), line);
        commands += 1;
    }
    assert_eq!(commands, 3);
}

fn yaml(path: &str) -> Yaml {
    let mut documents =
        YamlLoader::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

fn list(yaml: &Yaml) -> Vec<String> {
    let words = yaml.as_vec().expect("a list").iter();
    words
        .map(|word| word.as_str().expect("a word").to_owned())
        .collect()
}

#[test]
fn containers_run_what_the_program_has() {
    let dockerfile = read("examples/docker/Dockerfile");
    let mut seen = BTreeSet::new();
    for line in dockerfile.lines() {
        let line = line.trim();
        let Some((word, rest)) = line.split_once(' ') else {
            continue;
        };
        seen.insert(word.to_owned());
        if word == "CMD" {
            let mut words: Vec<String> = serde_json::from_str(rest).expect("a list");
            if words.first().is_some_and(|word| word == INSTALLED) {
                words.remove(0);
            }
            understands(&words, line);
        }
        if word == "USER" {
            assert_ne!(rest, "root");
        }
    }
    for word in ["FROM", "USER", "VOLUME", "HEALTHCHECK", "ENTRYPOINT"] {
        assert!(seen.contains(word), "{word}");
    }
    let compose = yaml("examples/docker/compose.yaml");
    for service in ["collect", "backfill"] {
        understands(&list(&compose["services"][service]["command"]), service);
        let store = &compose["services"][service]["environment"]["STREAMKIT_STORE"];
        assert!(
            store
                .as_str()
                .is_some_and(|store| store.starts_with("clickhouse://"))
        );
    }
    let dockerfile = compose["services"]["collect"]["build"]["dockerfile"]
        .as_str()
        .expect("a path");
    assert!(root().join(dockerfile).is_file());
}

/// Every metric that a collector or the watchdog exports.
fn metrics() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in [
        "src/telemetry/metrics.rs",
        "src/report/watchdog/prometheus.rs",
    ] {
        found.extend(named_in(&read(path)));
    }
    assert!(found.len() > 30, "{found:?}");
    found
}

fn named_in(text: &str) -> BTreeSet<String> {
    let is_of_a_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let names = text.split(|c: char| !is_of_a_name(c));
    names
        .filter(|name| name.starts_with("streamkit_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn dashboard_and_rules_ask_for_metrics_that_there_are() {
    let metrics = metrics();
    let dashboard: Value =
        serde_json::from_str(&read("examples/grafana/dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64()), "{panel}");
        for target in panel["targets"].as_array().expect("targets") {
            let asked = named_in(target["expr"].as_str().expect("an expression"));
            assert!(!asked.is_empty() && asked.is_subset(&metrics), "{asked:?}");
        }
    }
    let rules = yaml("examples/prometheus/alerts.yml");
    for rule in rules["groups"][0]["rules"].as_vec().expect("rules") {
        let asked = named_in(rule["expr"].as_str().expect("an expression"));
        assert!(!asked.is_empty() && asked.is_subset(&metrics), "{asked:?}");
        let runbook = rule["annotations"]["runbook"].as_str().expect("a runbook");
        assert!(root().join(runbook).is_file(), "{runbook}");
        assert!(rule["labels"]["severity"].as_str().is_some(), "{rule:?}");
    }
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let rules = Rule::defaults().into_iter();
    let rules: BTreeMap<String, String> = rules
        .map(|rule| (rule.name.clone(), rule.severity.to_string()))
        .collect();
    let index = read("docs/README.md");
    for (name, severity) in &rules {
        let page = read(&format!("docs/alerts/{name}.md"));
        assert!(
            page.starts_with(&format!("# {name}\n\n*{severity}* · ")),
            "{name}"
        );
        for part in ["## See more", "## Do", "## Wake somebody?"] {
            assert!(page.contains(part), "{name}: {part}");
        }
        assert!(
            index.contains(&format!("| [{name}](alerts/{name}.md) | {severity} |")),
            "{name}"
        );
    }
    let pages = fs::read_dir(root().join("docs/alerts"))
        .expect("pages")
        .flatten();
    for page in pages {
        let name = page.file_name().to_string_lossy().replace(".md", "");
        assert!(rules.contains_key(&name), "{name} is no alert");
    }
}

/// All documents, with their text.
fn documents() -> Vec<(String, String)> {
    let mut paths: Vec<String> = [
        "README.md",
        "CONTRIBUTING.md",
        "docs/README.md",
        "docs/operations.md",
    ]
    .map(str::to_owned)
    .to_vec();
    let pages = fs::read_dir(root().join("docs/alerts"))
        .expect("pages")
        .flatten();
    paths.extend(pages.map(|page| format!("docs/alerts/{}", page.file_name().to_string_lossy())));
    paths
        .into_iter()
        .map(|path| (path.clone(), read(&path)))
        .collect()
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut links = 0;
    for (path, text) in documents() {
        let directory = root().join(&path).parent().expect("a directory").to_owned();
        for part in text.split("](").skip(1) {
            let link = part.split(')').next().expect("an end");
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                root().join(&path)
            } else {
                directory.join(file)
            };
            assert!(target.exists(), "{path}: {link}");
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).expect("a document");
                let heads = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = heads.map(|line| {
                    line.trim_start_matches(['#', ' '])
                        .to_lowercase()
                        .replace(' ', "-")
                });
                assert!(anchors.any(|found| found == anchor), "{path}: {link}");
            }
        }
    }
    assert!(links > 30, "{links}");
}

#[test]
fn commands_in_the_documents_are_understood() {
    let mut commands = 0;
    for (path, text) in documents() {
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ streamkit ") else {
                continue;
            };
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                command.pop();
                command.push_str(lines.next().expect("the rest"));
            }
            // What a shell does with it is not the program's.
            let command = command.split([';', '|', '>']).next().expect("a command");
            let command = command.split(" # ").next().expect("a command");
            let mut words = words(command);
            let behind = words.iter().position(|word| word == "--");
            words.truncate(behind.unwrap_or(words.len()));
            understands(&words, &path);
            commands += 1;
        }
    }
    assert!(commands > 30, "{commands}");
}
