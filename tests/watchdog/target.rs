//! What is done about it beside a restart, and whom it is told.

use std::{fs::File, io::Read as _, process::Stdio, thread, time::Duration};

use crate::{
    common::process::{Process, text},
    scene::{Scene, aged},
};

/// A dead collector, and a unit that is restarted by `script`.
fn dead(script: &str) -> Scene {
    let scene = Scene::sqlite();
    scene.put(&[aged("BTCUSDT", 300, 300)]);
    scene.program("systemctl", &format!("echo \"$@\" >> calls\n{script}"));
    scene
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "rows are written in intervals, as a collector does"
)]
fn a_collector_that_only_delivers_late_is_not_restarted() {
    let scene = dead("");
    // Its clock is behind, or its rows come late: the heartbeat is old at each look, and
    // newer at the second one.
    let child = scene
        .command("--unit collect --breaker 1s")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut child = Process(child);
    while child.0.try_wait().expect("a child").is_none() {
        scene.put(&[aged("BTCUSDT", 150, 150)]);
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().code(), Some(2));
    let mut told = String::new();
    let mut output = child.0.stdout.take().expect("a pipe");
    output.read_to_string(&mut told).expect("text");
    assert!(told.contains("delivering late"), "{told}");
    assert_eq!(scene.read("calls"), "");
}

#[test]
fn one_notice_a_cooldown_and_a_recovery_although_each_run_is_a_new_process() {
    let scene = dead("");
    let pager = scene.program("tell", "cat >> told");
    let alerts = format!(
        "[channels.oncall]\ntype = \"command\"\nprogram = \"{}\"\n",
        pager.display()
    );
    std::fs::write(scene.path("alerts.toml"), alerts).expect("written");
    for _ in 0..3 {
        scene.assert("--alerts ~/alerts.toml", 2, &["dead collector"]);
    }
    let count = |word: &str| scene.read("told").matches(word).count();
    assert_eq!(count("\"kind\":\"firing\""), 1, "{}", scene.read("told"));
    scene.put(&[aged("BTCUSDT", 0, 0)]);
    scene.assert("--alerts ~/alerts.toml", 0, &["fresh"]);
    assert_eq!(count("\"kind\":\"resolved\""), 1, "{}", scene.read("told"));
}

#[test]
fn under_cron_it_says_nothing_when_all_is_well_and_works_without_an_output() {
    let scene = Scene::sqlite();
    scene.put(&[aged("BTCUSDT", 0, 0)]);
    let output = scene.run("-q");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout) + &text(&output.stderr), "");
    scene.put(&[aged("ETHUSDT", 300, 300)]);
    // A disk that is full, and an output that is closed.
    let mut full = scene.command("");
    full.stdout(File::options().write(true).open("/dev/full").expect("it"));
    assert_eq!(full.status().expect("it runs").code(), Some(2));
    let mut shell = std::process::Command::new("/bin/sh");
    let watchdog = scene.command("");
    shell
        .env_clear()
        .env("HOME", scene.home.path())
        .env("PATH", "/usr/bin:/bin")
        .args(["-c", "exec \"$0\" \"$@\" >&- 2>&- <&-"])
        .arg(watchdog.get_program())
        .args(watchdog.get_args());
    assert_eq!(shell.status().expect("it runs").code(), Some(2));
}

#[test]
fn the_textfile_is_whole_and_nothing_is_left_beside_it() {
    let scene = Scene::sqlite();
    scene.put(&[aged("BTCUSDT", 0, 0)]);
    std::fs::create_dir(scene.path("prom")).expect("a directory");
    scene.assert("--textfile ~/prom/watchdog.prom", 0, &[]);
    let names = || {
        let files = std::fs::read_dir(scene.path("prom")).expect("readable");
        files
            .map(|file| file.expect("a file").file_name())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["watchdog.prom"]);
    assert!(
        scene
            .read("prom/watchdog.prom")
            .contains("streamkit_watchdog_")
    );
    // Something that cannot be replaced stands in its place: a directory.
    std::fs::create_dir(scene.path("prom/other.prom")).expect("a directory");
    scene.assert("--textfile ~/prom/other.prom", 0, &["other.prom", "hint: "]);
    assert_eq!(names().len(), 2, "{:?}", names());
    scene.assert("--textfile ~/prom/other.txt", 3, &["hint: "]);
}

#[test]
fn ages_of_single_symbols_are_read_from_the_configuration_file() {
    let scene = Scene::sqlite();
    scene.put(&[aged("BTCUSDT", 1, 80), aged("ETHUSDT", 1, 80)]);
    let config = "freshness = [\"btcusdt=10m/20m\", \"SOLUSDT=10m/20m\"]\n";
    std::fs::write(scene.path("streamkit.toml"), config).expect("written");
    let told = scene.assert("--config ~/streamkit.toml -o json", 1, &[]);
    let document: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    for (index, level, warn_us) in [(0, "fresh", 600_000_000), (1, "warning", 60_000_000)] {
        let symbol = &document["symbols"][index];
        assert_eq!(symbol["level"], level, "{symbol}");
        assert_eq!(symbol["warn_us"], warn_us, "{symbol}");
    }
    scene.assert("", 1, &["BTCUSDT  warning", "ETHUSDT  warning"]);
}

#[test]
fn two_state_directories_have_one_target_between_them() {
    let scene = dead("");
    let first = scene
        .command("--unit collect --state-dir ~/one --breaker 60s")
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let first = Process(first);
    let name = format!(
        "one/watchdog/systemd%20unit%20{}.service.lock",
        scene.unit()
    );
    crate::said::until(|| !scene.read(&name).is_empty());
    let pid = first.0.id().to_string();
    let line = "--unit collect --state-dir ~/two";
    scene.assert(line, 3, &[&pid, "hint: "]);
    drop(first);
    scene.assert(&format!("{line} --recheck 50ms"), 2, &["not fresh again"]);
}
