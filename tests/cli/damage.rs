//! What a person is told of damage.

use super::stored::{Home, START_US, bars};

fn assert_fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}\n{text}");
    }
}

/// The text with its lines joined again.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_column_that_others_imply_is_named_with_what_is_stored_and_what_follows() {
    let home = Home::new(Vec::new());
    let bar = bars()
        .into_iter()
        .find(|bar| bar.threshold.dbps() == 500 && bar.first_agg_trade_id == 101)
        .expect("such a bar");
    home.change(
        "UPDATE bars SET duration_us = duration_us + 1 \
         WHERE threshold_decimal_bps = 500 AND first_agg_trade_id = 101",
    );
    let (code, out, told) = home.run("verify BTCUSDT");
    assert_eq!(code, Some(1), "{told}");
    let line = format!(
        "damage at 500 dbps: the bar of ids 101 to {} has the duration_us {}, its other figures \
         give {}",
        bar.last_agg_trade_id,
        bar.duration_us() + 1,
        bar.duration_us()
    );
    assert!(unwrapped(&out).contains(&line), "{out}");
    assert!(out.ends_with(" bars: 1 finding of damage\n"), "{out}");
    assert_fits(&out);
    // Whoever wants to use the bars gets no such bar.
    let (code, out, told) = home.run("bars BTCUSDT -o csv -t 500");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(told.contains("its column duration_us: it is"), "{told}");
    assert!(told.contains("hint: 'streamkit verify SYMBOL'"), "{told}");
    let (code, ..) = home.run("bars BTCUSDT -o csv -t 250");
    assert_eq!(code, Some(0));
}

#[test]
fn a_row_that_cannot_be_read_is_damage_and_the_other_series_are_checked() {
    let home = Home::new(Vec::new());
    home.change(
        "UPDATE bars SET closed_by = 'by hand' \
         WHERE threshold_decimal_bps = 250 AND first_agg_trade_id = 101",
    );
    let (code, out, told) = home.run("verify BTCUSDT");
    assert_eq!(code, Some(1), "{told}");
    assert!(
        unwrapped(&out).contains("damage at 250 dbps: the bar that begins with id 101"),
        "{out}"
    );
    assert!(
        unwrapped(&out).contains("cannot be read: its column closed_by: 'by hand' is not a cause"),
        "{out}"
    );
    assert!(!out.contains("all thresholds"), "{out}");
    assert!(
        unwrapped(&out).contains("note: 250 dbps is left out of 1 closed period"),
        "{out}"
    );
    assert_fits(&out);
    let (_, out, _) = home.run("verify BTCUSDT -o json");
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["series"][1]["findings"], serde_json::json!([]));
    assert_eq!(json["series"][0]["findings"][0]["code"], "unreadable");
    assert_eq!(json["periods"][0]["left_out"][0]["reason"], "damaged");
}

#[test]
fn a_beginning_that_is_missing_is_told_with_its_ids_and_a_later_one_is_a_note() {
    let home = Home::new(Vec::new());
    home.change("DELETE FROM bars WHERE threshold_decimal_bps = 250 AND first_agg_trade_id < 9");
    let (code, out, _) = home.run("verify BTCUSDT");
    assert_eq!(code, Some(1), "{out}");
    let first = bars()
        .into_iter()
        .filter(|bar| bar.threshold.dbps() == 250 && bar.first_agg_trade_id >= 9)
        .map(|bar| bar.first_agg_trade_id)
        .min()
        .expect("a bar");
    let line = format!(
        "damage at 250 dbps: ids 1 to {} are missing at the start",
        first - 1
    );
    assert!(unwrapped(&out).contains(&line), "{out}");
    assert!(!out.contains("all thresholds"), "{out}");
    assert_fits(&out);

    let home = Home::new(Vec::new());
    home.change(&format!(
        "DELETE FROM bars WHERE threshold_decimal_bps = 250 AND open_time < {}",
        START_US + 86_400_000_000
    ));
    let (code, out, _) = home.run("verify BTCUSDT");
    assert_eq!(code, Some(0), "{out}");
    assert!(
        unwrapped(&out).contains(
            "note: 250 dbps is left out of 1 closed period: its bars begin with the period from \
             2025-01-02T00:00:00Z"
        ),
        "{out}"
    );
    assert!(!out.contains("all thresholds"), "{out}");
}

#[test]
fn an_end_that_is_missing_in_a_closed_period_is_told_with_its_ids() {
    let home = Home::new(Vec::new());
    home.change("DELETE FROM bars WHERE threshold_decimal_bps = 250 AND first_agg_trade_id > 150");
    let (code, out, _) = home.run("verify BTCUSDT");
    assert_eq!(code, Some(1), "{out}");
    let text = unwrapped(&out);
    assert!(text.contains("to 200 are missing at the end"), "{out}");
    assert!(
        text.contains("note: 250 dbps is left out of 2 closed periods: its bars end with"),
        "{out}"
    );
    assert_fits(&out);
}

#[test]
fn a_collector_that_ends_leaves_nothing_beside_the_file() {
    let home = Home::empty();
    let (code, _, told) = home.run("collect BTCUSDT --exchange sim --for 1s");
    assert_eq!(code, Some(0), "{told}");
    for line in ["", "verify BTCUSDT", "bars BTCUSDT -t 1000"] {
        if !line.is_empty() {
            let (code, _, told) = home.run(line);
            assert_eq!(code, Some(0), "{line}: {told}");
        }
        let directory = home.store();
        let directory = directory.parent().expect("a directory");
        let left: Vec<_> = std::fs::read_dir(directory)
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(left, ["streamkit.db"], "after {line:?}");
    }
}
