//! A journal that is not what was written.

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use crate::scene::{Collecting, Scene, batches, until};

#[test]
fn damage_is_found_named_and_out_of_the_way_of_the_rest() {
    let scene = Scene::sqlite();
    scene.spool_gaps(10);
    scene.spool_gaps(20);
    let journal = scene.state_dir().join("journal.sqlite");
    // The two commits are one batch until it is closed.
    scene.journal().seal(None).expect("sealed");
    scene.spool_gaps(5);
    let damaged = Connection::open(journal).expect("opened");
    damaged
        .execute(
            "UPDATE chunks SET payload = zeroblob(length(payload)) WHERE id >> 20 = 1",
            [],
        )
        .expect("damaged");
    drop(damaged);
    let found = scene.json(&["spool", "verify"], 1);
    assert_eq!(found["findings"][0]["batch"], 1, "{found}");
    scene.json(&["spool", "show", "1"], 1);
    scene.json(&["spool", "flush"], 0);
    assert_eq!(scene.place.count("gaps"), 5);
    let list = scene.json(&["spool", "ls"], 0);
    assert_eq!(batches(&list)[0]["state"], "damaged");
    scene.json(&["spool", "drop", "1", "--yes"], 0);
    scene.json(&["spool", "flush"], 0);
    assert_eq!(
        scene
            .place
            .ask("SELECT count(*) FROM events WHERE code = 'spool.dropped'"),
        1
    );
}

/// Bars wait in the spool when the file is damaged; nobody else has them.
fn made_up_for(damage: fn(&Path)) {
    let scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let mut collecting = Collecting::start(&scene);
    until("rows in the spool", || {
        let output = scene.run(&["spool", "ls", "-o", "json"]);
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        list["totals"]["rows"].as_i64() > Some(100)
    });
    collecting.process.terminate();
    assert!(collecting.process.wait().success());
    let path = scene.state_dir().join("journal.sqlite");
    damage(&path);
    let bytes = std::fs::read(&path).expect("read");
    scene.place.heal("bars");
    collecting.process = Collecting::process(&scene, &collecting.sim, &[]);
    until("the damage to be named", || {
        scene.logs("journal is damaged") > 0
    });
    let kept = std::fs::read(scene.state_dir().join("journal.damaged-1.sqlite"));
    assert_eq!(kept.expect("a copy").len(), bytes.len());
    until("the tape to be whole again", || {
        scene.logs("has caught up") > 0
    });
    collecting.judge(&scene);
}

/// Damages the bytes of the file.
fn bytes_of(path: &Path, damage: fn(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).expect("read");
    damage(&mut bytes);
    std::fs::write(path, &bytes).expect("damaged");
}

/// Nothing but a checksum shows it.
#[test]
fn a_journal_with_a_wrong_row_is_made_up_for_from_the_exchange() {
    made_up_for(|path| {
        let journal = Connection::open(path).expect("opened");
        let damaged = journal
            .execute(
                "UPDATE chunks SET payload = zeroblob(length(payload)) WHERE id =
                   (SELECT (id << 20) + chunks / 2 FROM batches WHERE table_name = 'bars'
                    ORDER BY chunks DESC LIMIT 1)",
                [],
            )
            .expect("damaged");
        assert_eq!(damaged, 1);
    });
}

#[test]
fn a_journal_with_damaged_pages_is_made_up_for_from_the_exchange() {
    made_up_for(|path| {
        bytes_of(path, |bytes| {
            let third = bytes.len() / 3;
            for byte in &mut bytes[third..2 * third] {
                *byte ^= 0xa5;
            }
        });
    });
}

#[test]
fn a_journal_that_is_cut_off_is_made_up_for_from_the_exchange() {
    made_up_for(|path| bytes_of(path, |bytes| bytes.truncate(bytes.len() / 2 - 100)));
}

#[test]
fn a_journal_without_a_header_is_made_up_for() {
    made_up_for(|path| bytes_of(path, |bytes| bytes[..100].fill(0)));
}

#[test]
fn a_journal_of_which_only_the_first_page_is_left_is_made_up_for() {
    made_up_for(|path| bytes_of(path, |bytes| bytes[4096..].fill(0xa5)));
}
