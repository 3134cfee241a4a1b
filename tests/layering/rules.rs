//! The arrows of the house, as rules over what a file names.

use crate::reader::{self, Reference};

/// The parts of the crate, and the parts that each may import.
///
/// `main → cli → {report, config, telemetry} → app → {exchange, journal, store, unit,
/// notify} → domain`: only downwards, and never sideways.
const HOUSE: [(&str, &[&str]); 12] = [
    ("main", &["cli"]),
    ("cli", BELOW_CLI),
    ("report", BELOW_REPORT),
    ("config", BELOW_REPORT),
    ("telemetry", BELOW_REPORT),
    ("app", BELOW_APP),
    ("exchange", &["domain"]),
    ("journal", &["domain"]),
    ("store", &["domain"]),
    ("unit", &["domain"]),
    ("notify", &["domain"]),
    ("domain", &[]),
];

const BELOW_APP: &[&str] = &["exchange", "journal", "store", "unit", "notify", "domain"];

const BELOW_REPORT: &[&str] = &[
    "app", "exchange", "journal", "store", "unit", "notify", "domain",
];

const BELOW_CLI: &[&str] = &[
    "report",
    "config",
    "telemetry",
    "app",
    "exchange",
    "journal",
    "store",
    "unit",
    "notify",
    "domain",
];

/// Who may print.
const PRINTERS: [&str; 3] = ["report", "telemetry", "cli"];

/// What prints.
const PRINTING: [&str; 18] = [
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "std::print!",
    "std::println!",
    "std::eprint!",
    "std::eprintln!",
    "std::dbg!",
    "std::io::stdout",
    "std::io::stderr",
    "tokio::io::stdout",
    "tokio::io::stderr",
    "anstream",
    "console",
    "comfy_table",
    "indicatif",
];

/// What `domain` does not know: the clock, I/O, threads, the environment, async.
const NOT_IN_DOMAIN: [&str; 19] = [
    "async",
    "await",
    "std::env",
    "std::fs",
    "std::future",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::task",
    "std::thread",
    "std::sync::mpsc",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "jiff::tz::TimeZone::system",
    "jiff::tz::db",
];

/// The packages that `domain` may use: they compute, and nothing else.
const PACKAGES_OF_DOMAIN: [&str; 11] = [
    "crc32fast",
    "humantime",
    "itoa",
    "jiff",
    "memchr",
    "postcard",
    "ryu",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
];

/// Where the checker is told of a tree: what depends on Cargo.toml.
#[derive(Debug, Default)]
pub struct Rules {
    /// The names of all packages that the crate depends on, as code spells them.
    pub packages: Vec<String>,
}

impl Rules {
    /// What the text of the file that holds `module` does against the rules, one sentence
    /// each. `module` is written `domain::ladder`, the crate's root `lib`, the binary `main`.
    pub fn check(&self, module: &str, text: &str, in_test: bool) -> Vec<String> {
        let path: Vec<String> = match module {
            "lib" | "main" => Vec::new(),
            _ => module.split("::").map(str::to_owned).collect(),
        };
        match reader::read(&path, text, in_test) {
            Ok(source) => self.judge(module, &source.references),
            Err(error) => vec![format!("{module} cannot be parsed: {error}")],
        }
    }

    fn judge(&self, module: &str, references: &[Reference]) -> Vec<String> {
        let mut broken: Vec<String> = references
            .iter()
            .filter_map(|reference| {
                let rule = self.broken_rule(module, reference)?;
                let (line, path) = (reference.line, reference.path.join("::"));
                Some(format!("{module}, line {line}: {rule}: {path}"))
            })
            .collect();
        broken.dedup();
        broken
    }

    /// The rule that `reference`, made in `module`, breaks.
    fn broken_rule(&self, module: &str, reference: &Reference) -> Option<String> {
        let part = module.split("::").next().unwrap_or_default();
        let path = &reference.path;
        if is_within(path, "#[path]") || is_within(path, "include!") {
            return Some("code comes from where its module is".into());
        }
        if let Some(inside) = path.strip_prefix(&["crate".to_owned()]) {
            return broken_arrow(module, part, inside);
        }
        if let Some(inside) = path.strip_prefix(&["streamkit".to_owned()])
            && part == "main"
        {
            return broken_arrow(module, part, inside);
        }
        if reference.in_test {
            // What a test uses besides the crate is its own business.
            return None;
        }
        let hits = |names: &[&str]| names.iter().any(|name| is_within(path, name));
        if part == "domain" {
            if hits(&NOT_IN_DOMAIN) {
                return Some("domain has no clock, no I/O and no async".into());
            }
            let package = path.first()?;
            if self.packages.contains(package) && !PACKAGES_OF_DOMAIN.contains(&package.as_str()) {
                return Some("domain does not use this package".into());
            }
        }
        if !PRINTERS.contains(&part) && hits(&PRINTING) {
            return Some(format!("{part} does not print"));
        }
        None
    }
}

/// The arrow that a path inside the crate breaks: `inside` has no leading `crate`.
fn broken_arrow(module: &str, part: &str, inside: &[String]) -> Option<String> {
    let target = inside.first().map_or("", String::as_str);
    let target = target.trim_end_matches('!');
    if module.starts_with("exchange::sim") && !starts_with(inside, &["exchange", "sim"]) {
        return Some("exchange::sim shares nothing with the rest of the crate".into());
    }
    if module.starts_with("exchange::binance") && starts_with(inside, &["exchange", "sim"]) {
        return Some("exchange::binance and exchange::sim share nothing".into());
    }
    if target == part || part == "lib" {
        return None;
    }
    let Some((_, allowed)) = HOUSE.iter().find(|(name, _)| *name == part) else {
        return Some(format!("{part} is not a part of the house"));
    };
    if !HOUSE.iter().any(|(name, _)| *name == target) {
        return Some("this names no part of the house".into());
    }
    if allowed.contains(&target) {
        return None;
    }
    Some(format!("{part} may not import {target}"))
}

fn starts_with(path: &[String], start: &[&str]) -> bool {
    path.len() >= start.len() && path.iter().zip(start).all(|(a, b)| a == b)
}

/// Whether `path` is `name`, lies within it, or brings it in by a glob.
fn is_within(path: &[String], name: &str) -> bool {
    let name: Vec<&str> = name.split("::").collect();
    if let Some((last, before)) = path.split_last()
        && last == "*"
        && before.len() < name.len()
    {
        return before.iter().zip(&name).all(|(a, b)| a == b);
    }
    starts_with(path, &name)
}
