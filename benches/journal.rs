//! The journal against the least that durability can cost: the same bytes appended to a
//! file, and `fdatasync`.
//!
//! `cargo bench --bench journal`; the files are made under `TMPDIR`, which has to be on a
//! disk for the figures to mean anything.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

mod bars;
mod interleave;

use std::{fs::File, io::Write, path::Path, time::Duration};

use interleave::{Spread, race, thread_cpu_time, wall_time};
use streamkit::{
    domain::{
        anchor::Anchor,
        crash::CrashPoints,
        row::{BarRow, Rows},
    },
    journal::{CheckpointRow, Commit, Journal, Options, codec},
};

/// Commits in a round.
const COMMITS: usize = 300;
const ROUNDS: usize = 11;
/// About what the state of a ladder of four thresholds has.
const STATE_BYTES: usize = 2000;

fn journal(directory: &Path) -> Journal {
    let options = Options {
        store: Some("sqlite:bench".to_owned()),
        max_pages: None,
        accept_store: false,
        batch_rows: 1000,
        batch_age_us: 1_000_000,
        most_rows: 100_000,
        crash: CrashPoints::default(),
    };
    Journal::open(directory, options).expect("a journal")
}

/// What a collector commits: some bars, and the checkpoint after them.
fn commits(rows: &[BarRow], size: usize) -> Vec<Commit> {
    rows.chunks(size)
        .enumerate()
        .map(|(number, rows)| Commit {
            rows: vec![Rows::Bars(rows.to_vec())],
            checkpoints: vec![CheckpointRow {
                exchange: "binance".into(),
                symbol: rows[0].symbol.clone(),
                anchor: Anchor::Day,
                last_agg_trade_id: rows[rows.len() - 1].bar.last_agg_trade_id,
                state: "x".repeat(STATE_BYTES),
            }],
            now_us: 1_756_684_800_000_000 + number as i64 * 250_000,
            ..Commit::default()
        })
        .collect()
}

/// The time that the journal takes, by the wall and of the processor.
fn by_journal(commits: Vec<Commit>) -> (Duration, Duration) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = journal(directory.path());
    let (wall, cpu) = (wall_time(), thread_cpu_time());
    for commit in commits {
        journal.commit(commit).expect("a commit");
    }
    (
        wall_time().saturating_sub(wall),
        thread_cpu_time().saturating_sub(cpu),
    )
}

fn by_append(commits: &[Commit]) -> Duration {
    let pieces: Vec<Vec<u8>> = commits
        .iter()
        .map(|commit| {
            let mut bytes = codec::encode(&commit.rows[0]).expect("bytes").payload;
            bytes.extend_from_slice(commit.checkpoints[0].state.as_bytes());
            bytes
        })
        .collect();
    let directory = tempfile::tempdir().expect("a directory");
    let mut file = File::create(directory.path().join("raw")).expect("a file");
    let begun = wall_time();
    for piece in &pieces {
        file.write_all(piece).expect("written");
        file.sync_data().expect("on disk");
    }
    wall_time().saturating_sub(begun)
}

fn main() {
    println!("records a second, median of {ROUNDS} rounds; ratio min / median / max");
    for size in [100, 1000] {
        let rows = bars::bars(size * COMMITS);
        let commits = commits(&rows, size);
        race(
            &format!("journal, {size} a commit"),
            ("journal", || by_journal(commits.clone()).0),
            ("append", || by_append(&commits)),
            rows.len(),
            ROUNDS,
        );
        let cpu = (0..ROUNDS)
            .map(|_| by_journal(commits.clone()).1.as_secs_f64() * 1e6 / rows.len() as f64)
            .collect();
        let cpu = Spread::of(cpu);
        println!(
            "  CPU a record, µs           {:.2} / {:.2} / {:.2}",
            cpu.min, cpu.median, cpu.max
        );
    }
}
