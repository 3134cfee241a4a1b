//! Who is told of what, over restarts and at a bad end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::mpsc::Receiver,
    time::Duration,
};

use serde_json::Value;

use crate::{
    common::{
        PATIENCE,
        process::{Process, Sim, text},
    },
    home::{Home, at, exchange, lines, until},
};

/// A home with a pager that writes what it is told into a file, a line an alert.
struct Scene {
    home: Home,
    alerts: PathBuf,
    told: PathBuf,
}

impl Scene {
    fn new(rules: &str) -> Self {
        let home = Home::new();
        let (alerts, told) = (home.path("alerts.toml"), home.path("told"));
        let pager = format!(
            "{rules}\n[channels.pager]\ntype = \"command\"\nprogram = \"/bin/sh\"\n\
             args = [\"-c\", \"cat >> '{}'\"]\n",
            told.display()
        );
        fs::write(&alerts, pager).expect("written");
        Self { home, alerts, told }
    }

    /// Starts a collector of one symbol; returns it with its log.
    fn collect(&self, sim: &str, more: &str) -> (Process, Receiver<String>) {
        let alerts = self.alerts.display();
        let line = format!("collect BTCUSDT {sim} --alerts {alerts}{more}");
        let mut command = self.home.command(&line);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut collector = Process(child.expect("it starts"));
        let log = lines(collector.0.stderr.take().expect("a pipe"));
        (collector, log)
    }

    /// What the pager was told about a rule, in order.
    fn told(&self, rule: &str) -> Vec<Value> {
        let told = fs::read_to_string(&self.told).unwrap_or_default();
        // The last line may be under way.
        let whole = told.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let alerts = whole
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        alerts
            .filter(|alert: &Value| alert["rule"] == rule)
            .collect()
    }

    /// The kinds of what the pager was told about a rule.
    fn kinds(&self, rule: &str) -> Vec<String> {
        kinds(&self.told(rule))
    }

    /// What it was told about the end of the collector, as opposed to a task's restarts.
    fn told_of_the_end(&self) -> Vec<Value> {
        let mut told = self.told("restart_failed");
        told.retain(|alert| alert["subject"] == "collector");
        told
    }

    fn memory(&self) -> PathBuf {
        self.home.path("state/streamkit/alerts.json")
    }
}

fn kinds(told: &[Value]) -> Vec<String> {
    let kinds = told.iter().map(|alert| alert["kind"].as_str());
    kinds.map(|kind| kind.expect("a kind").to_owned()).collect()
}

/// Waits until something is so that no event tells of.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() / 20 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    panic!("waited for {what} in vain");
}

fn holds(path: &Path, words: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.contains(words))
}

/// A task that fails again and again.
fn fails_for_good(task: &str, turn: u64) -> Scene {
    let (scene, sim) = (Scene::new(""), exchange());
    let mischief = format!(" --mischief {task}:panic@{turn}").repeat(6);
    // Five restarts are allowed in 12 s; the pauses between them sum up to 2.7 s.
    let more = format!(" --time-scale 0.02 --hang-after 50s{mischief}");
    let (mut collector, log) = scene.collect(&at(&sim), &more);
    let line = until(&log, "it is given up");
    assert!(line.contains(&format!("CRITICAL task {task}")), "{line}");
    assert!(line.contains("it panicked at"), "{line}");
    let told: Vec<_> = log.iter().collect();
    let has_backtrace = told.iter().any(|line| line.contains("supervise"));
    assert!(has_backtrace, "how the program got there: {told:#?}");
    let has_alert = told.iter().any(|line| line.contains("alert CRITICAL"));
    assert!(has_alert, "{told:#?}");
    assert_eq!(collector.wait().code(), Some(1), "{told:#?}");

    let alerts = scene.told_of_the_end();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["severity"], "critical");
    let detail = alerts[0]["detail"].as_str().expect("a cause");
    let cause = format!("task {task} failed too often: it panicked at");
    assert!(detail.contains(&cause), "{detail}");
    scene
}

#[test]
fn a_task_that_keeps_failing_ends_the_collector_after_an_alert_and_a_flush() {
    let scene = fails_for_good("journal", 1);
    let listed = scene.home.run("spool ls -o json");
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    // What is told of the end itself may come after the last delivery, and waits on disk.
    let batches = listed["batches"].as_array().expect("batches").iter();
    let waits = batches.filter(|batch| batch["table"] != "events");
    assert_eq!(waits.count(), 0, "all was delivered: {listed}");
    scene.home.assert_verified("BTCUSDT");
}

/// It judges the rules itself, and must not fail unheard.
#[test]
fn a_health_task_that_keeps_failing_is_told_of() {
    fails_for_good("health", 1);
}

#[test]
fn when_delivery_is_given_up_nothing_is_lost_and_the_next_start_tells_that_it_is_over() {
    let scene = fails_for_good("delivery", 2);
    let rule = "[[rules]]\nname = \"restart_failed\"\nmetric = \"restart_failed\"\nlimit = 0.0\n\
                severity = \"critical\"\n";
    let channels = fs::read_to_string(&scene.alerts).expect("readable");
    fs::write(&scene.alerts, format!("{rule}{channels}")).expect("written");
    let sim = exchange();
    let (mut collector, log) = scene.collect(&at(&sim), "");
    until(&log, "has caught up");
    eventually("the recovery", || {
        kinds(&scene.told_of_the_end()) == ["firing", "resolved"]
    });
    collector.terminate();
    assert!(collector.wait().success());
    scene.home.assert_verified("BTCUSDT");
}

/// Silence of one second is critical; that of two is told of every second.
const STALE: &str = r#"
    [[rules]]
    name = "data_stale"
    metric = "data_stale_s"
    limit = 1.0
    severity = "critical"
    keep_firing = "10s"

    [[rules]]
    name = "canary"
    metric = "data_stale_s"
    limit = 2.0
    cooldown = "1s"
"#;

/// An alert has fired, and the collector was killed. Returns the options that name the
/// exchange that is gone.
fn killed_after_an_alert(scene: &Scene) -> String {
    let sim: Sim = exchange();
    let dead = at(&sim);
    let (mut collector, log) = scene.collect(&dead, "");
    until(&log, "has caught up");
    drop(sim);
    until(&log, "alert CRITICAL");
    eventually("the states to be kept", || {
        holds(&scene.memory(), "\"phase\":\"firing\"")
    });
    eventually("the pager", || !scene.told("data_stale").is_empty());
    collector.signal(rustix::process::Signal::KILL);
    assert!(!collector.wait().success());
    dead
}

#[test]
fn a_restart_neither_repeats_an_alert_nor_forgets_its_recovery() {
    let scene = Scene::new(STALE);
    let dead = killed_after_an_alert(&scene);
    assert_eq!(scene.kinds("data_stale"), ["firing"]);

    // The exchange is still gone, and who needs to know knows.
    let canaries = scene.told("canary").len();
    let (mut collector, _log) = scene.collect(&dead, "");
    eventually("stale data after the restart", || {
        scene.told("canary").len() > canaries
    });
    assert_eq!(scene.kinds("data_stale"), ["firing"]);
    collector.signal(rustix::process::Signal::KILL);
    assert!(!collector.wait().success());

    let sim = exchange();
    let (mut collector, _log) = scene.collect(&at(&sim), "");
    eventually("the recovery", || {
        scene.kinds("data_stale") == ["firing", "resolved"]
    });
    collector.terminate();
    assert!(collector.wait().success());
}

#[test]
fn states_that_cannot_be_read_or_kept_are_a_warning_and_alerts_go_on() {
    let scene = Scene::new(STALE);
    let dead = killed_after_an_alert(&scene);
    fs::write(scene.memory(), "{\"version\":1,\"sta").expect("written");
    let in_the_way = scene.memory().with_extension("json.new");
    fs::create_dir(&in_the_way).expect("made");
    let (mut collector, log) = scene.collect(&dead, "");
    let line = until(&log, "alerts.json");
    assert!(
        line.contains("WARN") && line.contains("failed to read"),
        "{line}"
    );
    eventually("the alert of a collector that remembers nothing", || {
        scene.kinds("data_stale") == ["firing", "firing"]
    });
    let line = until(&log, "alerts.json");
    assert!(
        line.contains("WARN") && line.contains("failed to write"),
        "{line}"
    );
    let canaries = scene.told("canary").len();
    eventually("more alerts", || scene.told("canary").len() >= canaries + 2);
    collector.terminate();
    assert!(collector.wait().success());
    let more = log.iter().filter(|line| line.contains("alerts.json"));
    assert_eq!(more.count(), 0, "it warns once");
    assert!(text(&fs::read(scene.memory()).expect("it")).starts_with("{\"version\":1,\"sta"));
}
