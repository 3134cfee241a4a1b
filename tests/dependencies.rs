//! Holds what deny.toml says about the dependency tree with nothing but cargo: no banned
//! package, one TLS stack, known licences, and everything from the registry.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "dependencies/licence.rs"]
mod licence;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use serde::Deserialize;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    /// One version of it is allowed, a second one is not.
    #[serde(default)]
    deny_multiple_versions: bool,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

fn deny() -> Deny {
    toml::from_str(include_str!("../deny.toml")).expect("deny.toml is readable")
}

/// Every package of every platform, tests included.
fn lock() -> Lock {
    toml::from_str(include_str!("../Cargo.lock")).expect("Cargo.lock is readable")
}

/// What cargo knows about the tree on this platform. Building this test has fetched all of
/// it, so no network is needed.
fn metadata() -> Metadata {
    let rustc = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let text = String::from_utf8(rustc.stdout).expect("rustc speaks UTF-8");
    let host = text
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host");
    let options = ["--locked", "--offline", "--filter-platform", host];
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(options.map(str::to_owned))
        .exec()
        .expect("cargo metadata answers")
}

/// The packages that a binary is made of or built with; those of tests alone are not.
fn shipped(metadata: &Metadata) -> Vec<&Package> {
    let resolve = metadata.resolve.as_ref().expect("the tree is resolved");
    let nodes: HashMap<&PackageId, _> = resolve.nodes.iter().map(|n| (&n.id, n)).collect();
    let mut open = vec![resolve.root.as_ref().expect("the crate is the root")];
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let is_shipped = |kind| matches!(kind, DependencyKind::Normal | DependencyKind::Build);
        open.extend(
            nodes[id]
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|info| is_shipped(info.kind)))
                .map(|dep| &dep.pkg),
        );
    }
    seen.into_iter().map(|id| &metadata[id]).collect()
}

#[test]
fn no_banned_package_is_in_the_tree_of_any_platform() {
    let lock = lock();
    assert!(lock.package.len() > 100, "the lock file was read");
    let banned: HashSet<String> = deny()
        .bans
        .deny
        .into_iter()
        .filter(|ban| !ban.deny_multiple_versions)
        .map(|ban| ban.name)
        .collect();
    for name in [
        "aws-lc-rs",
        "aws-lc-sys",
        "openssl",
        "openssl-sys",
        "native-tls",
    ] {
        assert!(banned.contains(name), "deny.toml bans {name}");
    }
    let found: Vec<&str> = lock
        .package
        .iter()
        .map(|package| package.name.as_str())
        .filter(|name| banned.contains(*name))
        .collect();
    assert!(found.is_empty(), "banned, see deny.toml: {found:?}");
}

#[test]
fn there_is_exactly_one_tls_stack_and_one_http_stack() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in shipped(&metadata) {
        let of_package = versions.entry(package.name.as_str()).or_default();
        of_package.insert(package.version.to_string());
    }
    for name in ["rustls", "ring", "tokio-rustls", "hyper", "tokio"] {
        let found = versions.get(name).map_or(0, BTreeSet::len);
        assert_eq!(found, 1, "{name}: {:?}", versions.get(name));
    }
    for ban in deny().bans.deny {
        if let Some(found) = versions.get(ban.name.as_str()) {
            assert!(found.len() <= 1, "{} is there as {found:?}", ban.name);
        }
    }
}

#[test]
fn every_licence_that_is_shipped_is_on_the_list() {
    let allowed = deny().licenses.allow;
    let metadata = metadata();
    let packages = shipped(&metadata);
    assert!(packages.len() > 100, "the tree was walked");
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| {
            let licence = package.license.as_deref().unwrap_or_default();
            !licence::is_allowed(licence, &allowed)
        })
        .map(|package| format!("{} ({:?})", package.name, package.license))
        .collect();
    assert!(
        refused.is_empty(),
        "see [licenses] in deny.toml: {refused:?}"
    );
}

#[test]
fn everything_comes_from_one_registry() {
    let mut sources = BTreeSet::new();
    for package in lock().package {
        match package.source {
            Some(source) => {
                assert!(
                    source.starts_with("registry+"),
                    "{} {} is from {source}",
                    package.name,
                    package.version
                );
                sources.insert(source);
            }
            None => assert_eq!(package.name, "streamkit", "only this crate has no source"),
        }
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
}

#[test]
fn a_licence_expression_is_judged_as_spdx_reads_it() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
    for (expression, answer) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Apache-2.0", true),
        ("MIT OR Apache-2.0 AND GPL-3.0", true),
        ("GPL-3.0 OR Apache-2.0 AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT WITH LLVM-exception", false),
        ("", false),
        ("MIT MIT", false),
        ("(MIT", false),
    ] {
        assert_eq!(
            licence::is_allowed(expression, &allowed),
            answer,
            "{expression:?}"
        );
    }
}
