//! Writes `tests/tapes` anew: tapes from seeds, and the bars that the plain reference
//! builder makes of them.
//!
//! `cargo run --example write_tapes`. Only needed when a tape is added: what is there must
//! never change, and `git diff` shows that it has not.

#![allow(
    clippy::expect_used,
    reason = "it runs by hand, and fails by panicking"
)]

#[allow(dead_code, reason = "the tests compare, and this writes")]
#[path = "../../tests/golden/expected.rs"]
mod expected;
mod own_tapes;

use std::{fs, path::Path};

use expected::{HEADER, reference_lines};
use streamkit::{domain::threshold::Threshold, exchange::binance::csv};

fn main() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes");
    for own in own_tapes::all() {
        let path = directory.join(format!("{}.csv", own.name));
        fs::write(&path, &own.text).expect("written");
        let trades = csv::read_file(&path).expect("a tape").trades;
        for &(dbps, gate) in own.bars {
            let threshold = Threshold::new(dbps).expect("a threshold");
            let suffix = if gate { "" } else { "-nogate" };
            let name = format!("{}.bars-{dbps}{suffix}.csv", own.name);
            let mut text = format!("{HEADER}\n");
            for line in reference_lines(&trades, threshold, gate) {
                text.push_str(&line);
                text.push('\n');
            }
            fs::write(directory.join(name), text).expect("written");
        }
    }
}
