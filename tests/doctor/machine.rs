//! The machine itself: settings, the journal's place, the unit, limits.

use std::{fs, process::Command};

use crate::{
    common::process::{run, text},
    scene::{Found, Scene},
};

#[test]
fn everything_that_is_wrong_with_the_settings_is_named_with_its_line() {
    let scene = Scene::new();
    let file = scene.write(
        "streamkit.toml",
        "# mine\nstroe = \"sqlite:a.db\"\nanchor = \"week\"\n",
    );
    let found = scene.doctor(&format!("--config {file}"));
    found.fails("configuration", "line 2", "correct each");
    found.fails("configuration", "line 3", "correct each");
    found.fails("configuration", "store", "");
    for name in [
        "clock",
        "DNS",
        "TLS",
        "WebSocket",
        "REST",
        "store",
        "journal",
    ] {
        found.is(name, "not_checked");
    }
    found.is("file descriptors", "ok");
    scene.write("streamkit.toml", "anchor = \"month\"\n");
    let found = scene.doctor(&format!("--config {file} --exchange sim"));
    found.is("configuration", "ok");
}

#[test]
fn a_state_directory_that_cannot_be_one_is_named() {
    let scene = Scene::new();
    let file = scene.write("file", "this is no directory");
    let options = format!("--exchange sim --state-dir {file}");
    let found = scene.doctor(&format!("{options}/state"));
    found.fails("state directory", "is no directory", "--state-dir");
}

#[test]
fn a_journal_that_is_damaged_is_found_and_one_that_is_not_is_left_alone() {
    let scene = Scene::new();
    let state = scene.path("state");
    let options = format!("--exchange sim --state-dir {}", state.display());
    let line = format!("collect BTCUSDT --for 1s {options}");
    let output = run(&mut scene.command(&line));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let file = state.join("journal.sqlite");
    let before = fs::read(&file).expect("a journal");
    let found = scene.doctor(&options);
    found.is("journal", "ok");
    found.is("spool", "ok");
    assert_eq!(fs::read(&file).expect("a journal"), before);
    let mut damaged = before;
    // The header stays, so that only a look at the pages finds it.
    damaged[4096..].fill(0x5a);
    fs::write(&file, &damaged).expect("written");
    let found = scene.doctor(&options);
    found.fails("journal", "", "'streamkit spool verify' lists all damage");
    assert_eq!(fs::read(&file).expect("a journal"), damaged);
}

/// What systemctl says of a good unit.
const UNIT: &str = "Id=streamkit.service
Type=notify
ExecStart={ path=/usr/bin/streamkit ; argv[]=/usr/bin/streamkit collect BTCUSDT ; pid=0 }
Restart=always
WatchdogUSec=3min
LimitNOFILESoft=65536
KillMode=mixed
TimeoutStopUSec=30s";

#[test]
fn a_unit_that_is_not_as_collect_needs_it_is_told_with_the_lines_that_mend_it() {
    let scene = Scene::new();
    // The user's own manager is not there, as on most servers.
    let look = |unit: &str| {
        let script = format!("test \"$1\" = --user && exit 1\ncat <<'END'\n{unit}\nEND");
        scene.program("systemctl", &script);
        scene.doctor("--exchange sim")
    };
    look(UNIT).is("unit streamkit.service", "ok");
    let unit = UNIT.replace("Type=notify", "Type=simple");
    let what = "unit streamkit.service";
    look(&unit).fails(what, "Type=simple", "write under [Service]: Type=notify");
    let unit = UNIT.replace("3min", "10s");
    look(&unit).fails(what, "WatchdogSec=10s", "[Service]: WatchdogSec=3min");
    look("Id=other.service\nExecStart={ argv[]=/bin/true ; }").is("unit", "not_checked");
    scene.program("systemctl", "echo 'not booted with systemd' >&2; exit 1");
    let found = scene.doctor("--exchange sim");
    found.is("unit", "not_checked");
    assert!(
        found.told.contains("not booted with systemd"),
        "{}",
        found.told
    );
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_to_be_raised() {
    let scene = Scene::new();
    let program = env!("CARGO_BIN_EXE_streamkit");
    let mut command = Command::new("/bin/sh");
    command.arg("-c");
    command.arg("ulimit -n 64; exec \"$0\" doctor --exchange sim -o json");
    scene.at_home(command.arg(program));
    let found = Found::of(&run(&mut command));
    found.fails("file descriptors", "64 may be open", "ulimit -n");
}

#[test]
fn people_get_aligned_lines_of_eighty_columns() {
    let scene = Scene::new();
    scene.program("systemctl", "echo 'not booted with systemd' >&2; exit 1");
    let output = run(&mut scene.command("doctor --exchange sim --store sqlite:bars.db"));
    let told = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{told}{}",
        text(&output.stderr)
    );
    for line in [
        "ok       configuration     no settings file is read",
        "-        clock             not checked: the exchange is simulated inside",
        "warning  store             sqlite:bars.db is not there yet\n",
        "                           remedy: 'streamkit collect' makes it\n",
    ] {
        assert!(told.contains(line), "{line:?} in {told}");
    }
    let is_narrow = |line: &str| line.chars().count() <= 80 || !line[27..].contains(' ');
    assert!(told.lines().all(is_narrow), "{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
}
