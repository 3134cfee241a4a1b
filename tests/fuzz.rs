//! Parsers of what others have written, for a moment: seeds as they are, and changed at random.
//! `fuzz/` looks longer, and lets the coverage guide it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and says what it saw"
)]

use std::{fs, panic::catch_unwind, path::Path};

use rand::{RngExt, SeedableRng, rngs::StdRng};

#[path = "../fuzz/targets.rs"]
mod targets;

/// Changed copies of each seed; of files that are written and read again a fifth of them.
const COPIES: usize = 10_000;
/// Changes of a copy, at most.
const CHANGES: usize = 4;
/// What parsers stumble over.
const TRAPS: [&[u8]; 14] = [
    b"\0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"99999999999999999999",
    b"0.000000001",
    b"1e308",
    b"\"\\u0000\"",
    b"\r\n",
    b",",
    b"{",
    b"]",
    b"\xc3\x28",
    b"=",
];

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(name);
    let entries = fs::read_dir(&directory).expect("seeds");
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    // The order of a directory is nobody's.
    paths.sort();
    let seeds: Vec<_> = paths
        .iter()
        .map(|path| fs::read(path).expect("a seed"))
        .collect();
    assert!(!seeds.is_empty(), "{} is empty", directory.display());
    seeds
}

fn change(bytes: &mut Vec<u8>, random: &mut StdRng) {
    let place = random.random_range(0..=bytes.len());
    let size = random.random_range(0..=(bytes.len() - place).min(16));
    match random.random_range(0..5) {
        0 if place < bytes.len() => bytes[place] ^= 1 << random.random_range(0..8),
        1 => drop(bytes.drain(place..place + size)),
        2 => {
            let copy = bytes[place..place + size].to_vec();
            bytes.splice(place..place, copy);
        }
        3 => bytes.truncate(place),
        _ => {
            let trap = TRAPS[random.random_range(0..TRAPS.len())];
            bytes.splice(place..place + size, trap.iter().copied());
        }
    }
}

fn hold(name: &str, copies: usize, target: fn(&[u8])) {
    let mut random = StdRng::seed_from_u64(7);
    for seed in seeds(name) {
        target(&seed);
        for _ in 0..copies {
            let mut bytes = seed.clone();
            for _ in 0..random.random_range(1..=CHANGES) {
                change(&mut bytes, &mut random);
            }
            let is_held = catch_unwind(|| target(&bytes)).is_ok();
            assert!(is_held, "{name}: {:?}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn any_message_of_a_stream_is_read_alike_by_both_parsers() {
    hold("wire", COPIES, targets::wire);
}

#[test]
fn any_file_of_trades_is_read_alike_however_its_bytes_come() {
    hold("csv", COPIES, targets::csv);
}

#[test]
fn any_record_of_a_journal_is_read_or_refused() {
    hold("journal", COPIES, targets::journal);
}

#[test]
fn any_settings_file_is_read_or_refused_with_its_place() {
    hold("settings", COPIES / 5, targets::settings);
}
