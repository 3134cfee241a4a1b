//! What stands in the files: dialects, holes, damage, days and months as one tape.

use std::{fs, process::Command};

use jiff::civil::date;
use streamkit::{
    domain::trade::Trade,
    exchange::{
        binance::archive::{FileError, ZipError},
        sim::{ArchiveFault, BooleanText, Config, ZipDamage},
    },
};

use crate::scene::*;

#[tokio::test]
async fn every_dialect_is_the_same_trades() {
    let scene = Scene::new().await;
    let archive = scene.archive();
    let expected = scene.tape(FIRST_ID, TRADES_PER_DAY);
    for (header, seven_columns, milliseconds, booleans) in [
        (true, false, false, BooleanText::Title),
        (true, true, true, BooleanText::Lower),
        (false, true, false, BooleanText::Digit),
        (false, false, true, BooleanText::Digit),
    ] {
        scene.server.faults().clear();
        scene.fault(ArchiveFault::Dialect {
            header,
            seven_columns,
            milliseconds,
            booleans,
        });
        let (file, _) = fetched(&archive, DAY_1).await;
        let (trades, _) = read(file).expect("trades");
        let in_dialect = |trade: &Trade| Trade {
            time_us: if milliseconds {
                trade.time_us / 1000 * 1000
            } else {
                trade.time_us
            },
            ..*trade
        };
        let expected: Vec<Trade> = expected.iter().map(in_dialect).collect();
        assert!(trades == expected, "{header} {seven_columns} {booleans:?}");
    }
}

#[tokio::test]
async fn days_and_months_are_one_tape_with_holes_where_days_are_missing() {
    let scene = Scene::start(Config {
        trades_per_day: Some(200),
        history: Some(200 * 70),
        ..two_days()
    })
    .await;
    let archive = scene.archive();
    let first_id = FIRST_ID / TRADES_PER_DAY * 200;
    let mut last_id = first_id - 4;
    let (mut trades, mut holes) = (Vec::new(), Vec::new());
    for span in ["2025-01", "2025-02-01", "2025-02-03"] {
        let (file, _) = fetched(&archive, &format!("BTCUSDT-aggTrades-{span}.zip")).await;
        let file = file.read().expect("a file").after(Some(last_id));
        let (more, more_holes) = read_file(file).expect("trades");
        last_id = more.last().expect("a trade").id;
        trades.extend(more);
        holes.extend(more_holes);
    }
    let february = first_id + 31 * 200;
    assert_eq!(
        holes,
        [
            (first_id - 3, first_id - 1),
            (february + 200, february + 399)
        ]
    );
    let mut expected = scene.tape(first_id, 32 * 200);
    expected.extend(scene.tape(february + 400, 200));
    assert!(trades == expected);
    assert_eq!(last_id, february + 599);

    // A month behind a day that lies in it repeats ids.
    let (file, _) = fetched(&archive, "BTCUSDT-aggTrades-2025-02.zip").await;
    let path = file.path().display().to_string();
    let file = file.read().expect("a file").after(Some(last_id));
    let error = read_file(file).expect_err("twice").to_string();
    assert!(
        error.starts_with(&format!("read {path}:1: a (aggregate id): ")),
        "{error}"
    );
}

#[tokio::test]
async fn ids_that_are_left_out_are_holes_and_ids_that_come_twice_are_errors() {
    let scene = Scene::new().await;
    let archive = scene.archive();
    let left_out = [2_000, 2_001, 4_998].map(|number| FIRST_ID + number);
    scene.fault(ArchiveFault::LeavesOut {
        ids: left_out.to_vec(),
    });
    let (file, _) = fetched(&archive, DAY_1).await;
    let (trades, holes) = read(file).expect("trades");
    assert_eq!(trades.len() as i64, TRADES_PER_DAY - 3);
    assert_eq!(
        holes,
        [(left_out[0], left_out[1]), (left_out[2], left_out[2])]
    );

    scene.server.faults().clear();
    let twice = FIRST_ID + 1_234;
    scene.fault(ArchiveFault::Twice { id: twice });
    let (file, _) = fetched(&archive, DAY_1).await;
    let path = file.path().display().to_string();
    let error = read(file).expect_err("an id twice").to_string();
    assert_eq!(
        error,
        format!(
            "read {path}:1236: a (aggregate id): the id does not rise after {twice}: '{twice}'"
        )
    );
}

#[tokio::test]
async fn a_broken_line_and_a_damaged_zip_are_named_with_their_file() {
    let scene = Scene::new().await;
    let archive = scene.archive();
    scene.fault(ArchiveFault::BrokenLine { id: FIRST_ID + 99 });
    let (file, _) = fetched(&archive, DAY_1).await;
    let path = file.path().display().to_string();
    let error = read(file).expect_err("a broken line").to_string();
    assert!(
        error.starts_with(&format!("read {path}:100: it has 2 columns")),
        "{error}"
    );
    for (how, expected) in [
        (ZipDamage::Crc, "the zip is damaged: its CRC-32 is "),
        (ZipDamage::CutOff, "the zip is cut off after "),
        (ZipDamage::TwoFiles, "the zip holds 2 files, one CSV is due"),
    ] {
        scene.server.faults().clear();
        scene.fault(ArchiveFault::Damaged { how });
        // The checksum is that of the damaged zip: fetching it again would not help.
        let (file, delivery) = fetched(&archive, DAY_1).await;
        assert_eq!(delivery.failures, [""; 0]);
        let path = file.path().display().to_string();
        let error = read(file).expect_err("damaged");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("read {path}: {expected}")),
            "{text}"
        );
        let FileError::Zip { cause, .. } = error else {
            panic!("{error:?}");
        };
        let is_named = match how {
            ZipDamage::Crc => matches!(cause, ZipError::Crc { .. }),
            ZipDamage::CutOff => matches!(cause, ZipError::Truncated { .. }),
            ZipDamage::TwoFiles => matches!(cause, ZipError::NotOne { count: 2 }),
        };
        assert!(is_named, "{cause:?}");
    }
}

#[tokio::test]
async fn bars_from_a_zip_are_those_from_its_csv() {
    let scene = Scene::start(Config {
        day: Some(date(2025, 1, 1)),
        ..two_days()
    })
    .await;
    let (file, _) = fetched(&scene.archive(), DAY_1).await;
    let home = tempfile::tempdir().expect("a directory");
    let zip = home.path().join(DAY_1);
    fs::copy(file.path(), &zip).expect("a copy");
    let csv = home.path().join("BTCUSDT.csv");
    let mut text = Vec::new();
    let tape = scene.server.tape();
    let count = TRADES_PER_DAY as u64;
    tape.write_csv("BTCUSDT", FIRST_ID, count, &mut text)
        .expect("written");
    fs::write(&csv, text).expect("a file");
    let bars = |path| {
        Command::new(env!("CARGO_BIN_EXE_streamkit"))
            .env_clear()
            .env("HOME", home.path())
            .args(["bars", "-t", "25,100", "-o", "csv", "--from-tape"])
            .arg(path)
            .output()
            .expect("the program")
    };
    let (from_zip, from_csv) = (bars(&zip), bars(&csv));
    assert!(from_zip.status.success(), "{from_zip:?}");
    assert!(from_zip.stdout.len() > 1_000, "{from_zip:?}");
    assert!(from_zip.stdout == from_csv.stdout);

    let whole = fs::read(&zip).expect("the zip");
    fs::write(&zip, &whole[..whole.len() / 2]).expect("cut");
    let cut = bars(&zip);
    assert_eq!(cut.status.code(), Some(1));
    let told = String::from_utf8(cut.stderr).expect("text");
    let expected = format!(
        "error: failed to read {}: the zip is cut off after {} bytes\nhint: fetch the file again",
        zip.display(),
        whole.len() / 2
    );
    assert!(told.starts_with(&expected), "{told}");
    assert!(cut.stdout.is_empty());
}
