//! The command line, seen from outside.
//!
//! What needs nothing but files is data: `tests/cli/*.trycmd` hold commands with what
//! they print and their exit codes. Run with `TRYCMD=overwrite` to write them anew.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

#[path = "cli/alerting.rs"]
mod alerting;
#[path = "cli/backfill.rs"]
mod backfill;
#[path = "cli/collect.rs"]
mod collect;
#[path = "cli/damage.rs"]
mod damage;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/generated.rs"]
mod generated;
#[path = "cli/golden.rs"]
mod golden;
#[path = "cli/home.rs"]
mod home;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/pipes.rs"]
mod pipes;
#[path = "cli/refusals.rs"]
mod refusals;
#[path = "cli/remote.rs"]
mod remote;
#[path = "cli/since.rs"]
mod since;
#[path = "cli/stored.rs"]
mod stored;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/watching.rs"]
mod watching;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The program, with directories of its own and no settings from outside.
fn streamkit(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamkit"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("STREAMKIT_") {
            command.env_remove(name);
        }
    }
    command
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100");
    command
}

/// A file of the cases.
fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli")
        .join(name)
}

#[test]
fn every_case_prints_what_it_says() {
    let home = tempfile::tempdir().expect("a directory");
    let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    trycmd::TestCases::new()
        .env("HOME", path(""))
        .env("XDG_DATA_HOME", path("data"))
        .env("XDG_STATE_HOME", path("state"))
        .env("XDG_CONFIG_HOME", path("config"))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .insert_var("[HOME]", home.path().to_string_lossy().into_owned())
        .expect("a variable")
        .case("tests/cli/*.trycmd");
}
