//! Holds the arrows of the house: which module may import which, and what `domain` must
//! not know. The checker is tried on texts that break each rule, then on the whole tree.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "layering/reader.rs"]
mod reader;
#[path = "layering/rules.rs"]
mod rules;
#[path = "layering/tokens.rs"]
mod tokens;

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use rules::Rules;

fn rules() -> Rules {
    let manifest = include_str!("../Cargo.toml");
    let packages = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.replace('-', "_"))
        .collect();
    Rules { packages }
}

/// Every source file with the name of its module, parents before children.
fn tree() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files).expect("src can be read");
    let mut modules: Vec<(PathBuf, String)> = files
        .into_iter()
        .map(|file| {
            let relative = file.strip_prefix(&root).expect("it was found there");
            let mut names: Vec<String> = relative
                .with_extension("")
                .iter()
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            if names.last().is_some_and(|name| name == "mod") {
                names.pop();
            }
            (file, names.join("::"))
        })
        .collect();
    modules.sort_by(|(_, a), (_, b)| a.cmp(b));
    modules
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[test]
fn every_import_of_the_crate_follows_the_arrows() {
    let rules = rules();
    let tree = tree();
    assert!(tree.len() > 20, "the source was found");
    let mut test_modules: HashSet<Vec<String>> = HashSet::new();
    let mut broken = Vec::new();
    for (file, module) in &tree {
        let text = fs::read_to_string(file).expect("a source file can be read");
        let path: Vec<String> = module.split("::").map(str::to_owned).collect();
        let in_test = (1..=path.len()).any(|length| test_modules.contains(&path[..length]));
        if let Ok(source) = reader::read(&path, &text, in_test) {
            test_modules.extend(source.test_modules);
        }
        broken.extend(rules.check(module, &text, in_test));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Each case: the module that the text stands in, the text, and a word of the complaint.
#[track_caller]
fn assert_refused(module: &str, text: &str, complaint: &str) {
    let broken = rules().check(module, text, false);
    assert!(
        broken.iter().any(|line| line.contains(complaint)),
        "expected {complaint:?} about {module}, got {broken:?}:\n{text}"
    );
}

#[track_caller]
fn assert_accepted(module: &str, text: &str) {
    let broken = rules().check(module, text, false);
    assert!(broken.is_empty(), "{broken:?}:\n{text}");
}

#[test]
fn a_domain_that_reads_a_clock_is_refused() {
    for text in [
        "fn f() { let now = std::time::Instant::now(); }",
        "use std::{time::Instant as Now};",
        "use std::time::{Duration, Instant};",
        "use std::time::*;",
        "use std::*;",
        "use std::time; fn f() { time::Instant::now(); }",
        "use std::time as t; fn f() -> t::SystemTime { t::SystemTime::now() }",
        "use std as s; use s::time as t; fn f() { t::Instant::now(); }",
        "use core::time; mod inner { use super::*; fn f() { time::UNIX_EPOCH; } }",
        "extern crate std as s; fn f() { s::time::Instant::now(); }",
        "fn f() { ::std::time::Instant::now(); }",
        "fn f() { dbg_it!(x, (std::time::Instant::now())); }",
        "macro_rules! now { () => { { use std::time; time::Instant::now() } }; }",
        "macro_rules! now { () => { { use std::{time::{Instant as I}}; I::now() } }; }",
        "type Moment = std::time::Instant;",
        "struct S { #[serde(default = \"std::time::Instant::now\")] at: u64 }",
        "use jiff::Timestamp; fn f() { Timestamp::now(); }",
        "fn f() { jiff::Zoned::now(); }",
    ] {
        assert_refused("domain::liveness", text, "no clock");
    }
}

#[test]
fn a_domain_that_does_io_or_waits_is_refused() {
    for text in [
        "fn f() { std::fs::read(\"x\"); }",
        "use std::{env, fmt};",
        "use std::io::{self, Read};",
        "use std::thread;",
        "use std::net::TcpStream;",
        "use std::process::Command;",
        "async fn f() {}",
        "fn f() { let x = async { 1 }; }",
        "fn f() { let x = async || 1; }",
        "trait T { async fn f(&self); }",
        "macro_rules! f { ($x:expr) => { $x.await }; }",
    ] {
        assert_refused("domain::liveness", text, "no I/O and no async");
    }
    for text in [
        "use tokio::time::Instant;",
        "fn f() { tokio::spawn(g()); }",
        "#[async_trait::async_trait] trait T {}",
        "use tracing::info;",
        "fn f() { tracing::info!(\"x\"); }",
        "fn f() { rand::random::<u8>(); }",
        "use rusqlite as db;",
        "use reqwest::Client;",
    ] {
        assert_refused("domain::liveness", text, "does not use this package");
    }
    assert_refused(
        "domain::bar",
        "fn f() { println!(\"x\"); }",
        "does not print",
    );
}

#[test]
fn an_edge_that_imports_another_edge_is_refused() {
    for (module, text, complaint) in [
        (
            "store::sink",
            "use crate::journal::Journal;",
            "store may not import journal",
        ),
        (
            "exchange::binance::wire",
            "use super::super::super::store::sink::Store;",
            "exchange may not import store",
        ),
        (
            "exchange::source",
            "use super::super::{domain::trade::Trade, journal};",
            "exchange may not import journal",
        ),
        (
            "journal::file",
            "fn f() { vec![1, crate::store::x(), 2]; }",
            "journal may not import store",
        ),
        (
            "journal::file",
            "macro_rules! m { () => { $crate::exchange::source::Page }; }",
            "journal may not import exchange",
        ),
        (
            "journal::file",
            "struct S { #[serde(with = \"crate::store::hex\")] x: u8 }",
            "journal may not import store",
        ),
        (
            "notify::mail",
            "impl crate::unit::systemd::Restart for X {}",
            "notify may not import unit",
        ),
        (
            "unit::history",
            "mod inner { fn f() { super::super::super::notify::send(); } }",
            "unit may not import notify",
        ),
        (
            "store::sqlite",
            "use crate as root; use root::journal::Journal;",
            "store may not import journal",
        ),
        (
            "store::sqlite",
            "use crate::{domain, journal::{self as j}};",
            "store may not import journal",
        ),
    ] {
        assert_refused(module, text, complaint);
    }
}

#[test]
fn an_arrow_that_points_upwards_or_sideways_is_refused() {
    for (module, text, complaint) in [
        (
            "domain::bar",
            "use crate::store::sink::Store;",
            "domain may not import store",
        ),
        (
            "exchange::source",
            "use crate::app::clock::Clock;",
            "exchange may not import app",
        ),
        (
            "app::collect",
            "use crate::report::table;",
            "app may not import report",
        ),
        (
            "app::collect",
            "fn f(c: &crate::cli::Args) {}",
            "app may not import cli",
        ),
        (
            "report::table",
            "use crate::config::Settings;",
            "report may not import config",
        ),
        (
            "telemetry",
            "use crate::cli::Args;",
            "telemetry may not import cli",
        ),
        (
            "main",
            "fn main() { streamkit::app::run(); }",
            "main may not import app",
        ),
        (
            "util::hex",
            "use crate::domain::bar::Bar;",
            "util is not a part of the house",
        ),
        (
            "store::sink",
            "use crate::Journal;",
            "names no part of the house",
        ),
    ] {
        assert_refused(module, text, complaint);
    }
}

#[test]
fn a_simulator_that_shares_code_with_the_adapter_is_refused() {
    for text in [
        "use crate::exchange::binance::wire::parse;",
        "use super::super::binance;",
        "use crate::domain::price::Price;",
        "fn f(t: &crate::domain::trade::Trade) {}",
        "use crate::exchange::socket::Socket;",
        "use crate::exchange::csv;",
        "use crate::exchange::source::Source;",
    ] {
        assert_refused("exchange::sim::server", text, "shares nothing");
    }
    assert_refused(
        "exchange::binance::rest",
        "use super::super::sim::tape::Tape;",
        "share nothing",
    );
    assert_accepted(
        "exchange::sim::server",
        "use super::tape::Tape; use crate::exchange::sim::walk; use std::net::TcpListener;",
    );
}

#[test]
fn only_those_who_may_print_do() {
    for text in [
        "fn f() { println!(\"x\"); }",
        "fn f() { std::eprintln!(\"x\"); }",
        "fn f() { some!(eprint!(\"x\")); }",
        "use std::io::stdout;",
        "use std::io; fn f() { io::stderr().lock(); }",
        "fn f() { dbg!(1); }",
        "use indicatif::ProgressBar;",
    ] {
        for module in ["app::collect", "store::sink", "lib", "main"] {
            assert_refused(module, text, "does not print");
        }
        assert_accepted("report::printer", text);
    }
}

#[test]
fn code_that_is_brought_in_from_elsewhere_is_refused() {
    for text in [
        "#[path = \"../store/sink.rs\"] mod sink;",
        "include!(\"../store/sink.rs\");",
        "fn f() { include!(\"x.rs\") }",
    ] {
        assert_refused("journal::file", text, "code comes from");
    }
}

#[test]
fn what_follows_the_arrows_is_accepted() {
    assert_accepted(
        "domain::liveness",
        "use std::{fmt, time::Duration}; use serde::Serialize; use super::trade::Trade;
         use std::time; fn f(x: time::Duration) -> jiff::Timestamp { x.now() }
         /// Unlike [`std::time::Instant`] and [`crate::store`], this is a number.
         mod instant { pub fn now(fs: &str) {} } fn g() { instant::now(\"std::fs\"); }",
    );
    assert_accepted(
        "app::collect",
        "use crate::{domain::bar::Bar, exchange, journal, store::sink::Store};
         use tokio::time::Instant; async fn f() { exchange::go().await; }",
    );
    assert_accepted("main", "fn main() -> ExitCode { streamkit::cli::run() }");
    assert_accepted("lib", "pub mod app; pub mod domain;");
    assert_accepted(
        "domain::price",
        "#[cfg(test)] mod tests { use super::*; use proptest::prelude::*; use std::fs;
         fn f() { println!(\"in a test\"); } }",
    );
    assert_refused(
        "domain::price",
        "#[cfg(test)] mod tests { use crate::store::sink::Store; }",
        "domain may not import store",
    );
}
