//! What is done about it: units, budgets, holds, and whom it is told.

use std::{fs::File, io::Read as _, process::Stdio, thread, time::Duration};

use crate::{
    common::{
        PATIENCE,
        process::{Process, text},
    },
    scene::{Scene, aged},
};

/// A dead collector, and a unit that is restarted by `script`.
fn dead(script: &str) -> Scene {
    let scene = Scene::sqlite();
    scene.put(&[aged("BTCUSDT", 300, 300)]);
    scene.program("systemctl", &format!("echo \"$@\" >> calls\n{script}"));
    scene
}

/// Waits until a script has written something.
#[allow(
    clippy::disallowed_methods,
    reason = "what another program writes can only be looked for"
)]
fn until_written(scene: &Scene, name: &str) {
    for _ in 0..PATIENCE.as_millis() / 5 {
        if !scene.read(name).is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("nothing is written to {name}");
}

#[test]
fn a_restart_that_helps_is_a_warning_and_tells_how_long_it_took() {
    let scene = dead("");
    let mut child = scene.command("--unit collect");
    child.stdout(Stdio::piped());
    let child = child.spawn().expect("it starts");
    until_written(&scene, "calls");
    scene.put(&[aged("BTCUSDT", 0, 0)]);
    let output = child.wait_with_output().expect("it ends");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("fresh again after"), "{told}");
    assert!(scene.read("calls").ends_with("restart collect.service\n"));
    scene.assert("--unit collect", 0, &["fresh"]);
}

#[test]
fn a_restart_that_does_not_help_is_critical_and_the_budget_bounds_it() {
    let scene = dead("");
    let line = "--unit collect --recheck 50ms --restarts-apart 1ms";
    for count in 1..=3 {
        scene.assert(line, 2, &["dead collector"]);
        assert_eq!(scene.read("calls").lines().count(), count);
    }
    scene.assert(line, 2, &["3 restarts within 1h"]);
    assert_eq!(scene.read("calls").lines().count(), 3, "over budget");
    // A moment after a restart there is no other one, and in a hold none at all.
    let scene = dead("");
    for _ in 0..2 {
        scene.assert("--unit collect --recheck 50ms", 2, &["dead collector"]);
    }
    assert_eq!(scene.read("calls").lines().count(), 1);
}

#[test]
fn a_held_unit_is_looked_at_and_not_restarted_until_it_is_released() {
    let scene = dead("");
    scene.assert(
        "--unit collect --hold 2h --why new+disk",
        0,
        &["held until"],
    );
    let told = scene.assert("--unit collect", 2, &["critical"]);
    assert!(told.contains("new disk"), "{told}");
    assert_eq!(scene.read("calls"), "");
    scene.assert("--unit collect --release", 0, &["released", "new disk"]);
    scene.assert("--unit collect --recheck 50ms", 2, &["dead collector"]);
    assert_eq!(scene.read("calls").lines().count(), 1);
    scene.assert("--unit collect --release", 0, &["was not held"]);
    scene.assert("--hold 2h --why nothing", 3, &["hint: "]);
    scene.assert("--unit collect --hold 2h", 3, &["--why"]);
}

#[test]
fn a_restart_that_fails_or_hangs_or_finds_no_unit_is_critical_with_the_reason() {
    for (script, words) in [
        ("echo 'no rights' >&2; exit 4", "no rights"),
        ("exec sleep 600", "not done within"),
        (
            "echo 'Unit collect.service not found.' >&2; exit 5",
            "there is no such unit",
        ),
    ] {
        let scene = dead(script);
        scene.assert("--unit collect --restart-timeout 1s", 2, &[words]);
    }
    let scene = dead("");
    scene.assert("--restart-command no-such-program", 2, &["no-such-program"]);
}

#[test]
fn a_second_watchdog_of_the_same_unit_ends_with_the_number_of_the_first() {
    let scene = dead("");
    let first = scene
        .command("--unit collect --recheck 60s")
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut first = Process(first);
    until_written(&scene, "calls");
    let pid = first.0.id().to_string();
    scene.assert("--unit collect", 3, &[&pid, "hint: "]);
    // Another unit, and a check that restarts nothing, are nobody else's business.
    scene.assert("--unit other --dry-run", 2, &["dead collector"]);
    scene.assert("", 2, &["dead collector"]);
    scene.put(&[aged("BTCUSDT", 0, 0)]);
    assert_eq!(first.wait().code(), Some(1));
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
