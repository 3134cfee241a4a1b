//! `bars --from-tape` against bars that other programs made of the same trades.
//!
//! Where golden tapes are is told in `golden/place.rs`; without them the ones within the
//! repository are compared alone.

use std::{collections::HashMap, path::PathBuf};

use super::streamkit;

#[path = "../golden/place.rs"]
mod place;

/// Their columns and ours. A turnover there is a whole number of 1e-16.
const COLUMNS: [(&str, &str); 31] = [
    ("open_time", "open_time"),
    ("close_time", "close_time"),
    ("open", "open"),
    ("high", "high"),
    ("low", "low"),
    ("close", "close"),
    ("volume", "volume"),
    ("turnover_raw", "turnover"),
    ("buy_volume", "buy_volume"),
    ("sell_volume", "sell_volume"),
    ("buy_turnover_raw", "buy_turnover"),
    ("sell_turnover_raw", "sell_turnover"),
    ("individual_trade_count", "trade_count"),
    ("agg_record_count", "agg_trade_count"),
    ("buy_trade_count", "buy_trade_count"),
    ("sell_trade_count", "sell_trade_count"),
    ("first_trade_id", "first_trade_id"),
    ("last_trade_id", "last_trade_id"),
    ("first_agg_trade_id", "first_agg_trade_id"),
    ("last_agg_trade_id", "last_agg_trade_id"),
    ("vwap", "vwap"),
    ("duration_us", "duration_us"),
    ("ofi", "ofi"),
    ("vwap_close_deviation", "vwap_close_deviation"),
    ("price_impact", "price_impact"),
    ("kyle_lambda_proxy", "kyle_lambda_proxy"),
    ("trade_intensity", "trade_intensity"),
    ("volume_per_trade", "volume_per_trade"),
    ("aggression_ratio", "aggression_ratio"),
    ("aggregation_density", "aggregation_density"),
    ("turnover_imbalance", "turnover_imbalance"),
];

/// The files of expected bars, each `TAPE.bars-RULES.csv`.
fn expected() -> Vec<PathBuf> {
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tapes");
    [Some(ours), place::golden()]
        .iter()
        .flatten()
        .flat_map(|directory| std::fs::read_dir(directory).expect("a directory"))
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.to_string_lossy().contains(".bars-"))
        .collect()
}

/// The rows of a CSV text as maps from column to value.
fn rows(text: &str) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .deserialize()
        .map(|row| row.expect("a row"))
        .collect()
}

/// A decimal as a whole number of its last digit.
fn raw(decimal: &str) -> String {
    let digits = decimal.replace('.', "");
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() { "0" } else { trimmed }.to_owned()
}

#[test]
fn bars_from_a_tape_equal_the_expected_ones_in_every_column() {
    let home = tempfile::tempdir().expect("a home");
    let mut compared = 0;
    for path in expected() {
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let (tape, rules) = name.split_once(".bars-").expect("bars of a tape");
        let (dbps, gate) = match rules.strip_suffix("-nogate") {
            Some(dbps) => (dbps, false),
            None => (rules, true),
        };
        let mut command = streamkit(home.path());
        command
            .args([
                "bars", "GOLDEN", "--anchor", "none", "-o", "csv", "-t", dbps,
            ])
            .arg("--from-tape")
            .arg(path.with_file_name(format!("{tape}.csv")));
        if !gate {
            command.arg("--no-gate");
        }
        let output = command.output().expect("the program");
        assert!(output.status.success(), "{name}: {output:?}");
        let ours = rows(&String::from_utf8(output.stdout).expect("UTF-8"));
        let mut theirs = rows(&std::fs::read_to_string(&path).expect("a golden file"));
        theirs.retain(|row| row["complete"] == "1");
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            for (their, our) in COLUMNS {
                let expected = &theirs[their];
                let found = match their.strip_suffix("_raw") {
                    Some(_) => raw(&ours[our]),
                    None => ours[our].clone(),
                };
                assert_eq!(&found, expected, "{name}: {our} of bar {}", theirs["idx"]);
            }
            assert_eq!(ours["closed_by"], "breach");
            assert_eq!(ours["threshold_decimal_bps"], dbps);
        }
        compared += ours.len();
    }
    assert!(compared > 1000, "only {compared} bars were compared");
}
