//! What the store refuses for its content.

use std::os::unix::process::ExitStatusExt;

use crate::{
    common::process::text,
    scene::{Scene, batches},
};

/// A poison row in the middle of 10 000.
fn one_row_is_refused(scene: &Scene) {
    scene.spool_gaps(10_000);
    scene.place.poison("gaps", "first_id = 4567");
    let flushed = scene.json(&["spool", "flush"], 0);
    assert_eq!(flushed["rows_delivered"], 9_999);
    assert_eq!(scene.place.count("gaps"), 9_999);
    let list = scene.json(&["spool", "ls"], 0);
    assert_eq!(list["totals"]["rows"], 0);
    assert_eq!(list["totals"]["dead_rows"], 1);
    let dead = &batches(&list)[0];
    assert_eq!(
        (&dead["state"], &dead["table"]),
        (&"dead".into(), &"gaps".into())
    );
    let reason = dead["last_error"].as_str().expect("a reason");
    assert!(reason.contains("poison"), "{reason}");
    let shown = scene.json(&["spool", "show", &dead["id"].to_string()], 0);
    assert_eq!(shown["first_id"], 4567);
    assert_eq!(scene.json(&["spool", "verify"], 0)["is_clean"], true);
    // While the cause is there, trying again changes nothing.
    scene.json(&["spool", "flush", "--dead"], 75);
    assert_eq!(scene.json(&["spool", "ls"], 0)["totals"]["dead_rows"], 1);
    scene.place.heal("gaps");
    let flushed = scene.json(&["spool", "flush", "--dead"], 0);
    assert_eq!(flushed["rows_delivered"], 1);
    assert_eq!(scene.place.count("gaps"), 10_000);
    assert!(batches(&scene.json(&["spool", "ls"], 0)).is_empty());
}

#[test]
fn one_row_that_sqlite_refuses_is_a_dead_letter_and_the_others_go_in() {
    one_row_is_refused(&Scene::sqlite());
}

#[test]
fn one_row_that_clickhouse_refuses_is_a_dead_letter_and_the_others_go_in() {
    if let Some(scene) = Scene::clickhouse("poison") {
        one_row_is_refused(&scene);
    }
}

/// A table that refuses one row in fifty is wrong, and not the rows.
fn the_table_is_wrong(scene: &Scene) {
    scene.spool_gaps(10_000);
    scene.place.poison("gaps", "first_id % 50 = 49");
    let flushed = scene.json(&["spool", "flush"], 75);
    let reason = flushed["last_error"].as_str().expect("a reason");
    assert!(reason.contains("of 10000 rows of gaps"), "{reason}");
    let totals = &scene.json(&["spool", "ls"], 0)["totals"];
    assert_eq!(totals["dead_rows"], 0, "{totals}");
    let left = totals["rows"].as_i64().expect("a number");
    assert_eq!(left + scene.place.count("gaps"), 10_000);
    scene.place.heal("gaps");
    scene.json(&["spool", "flush"], 0);
    assert_eq!(scene.place.count("gaps"), 10_000);
}

#[test]
fn a_sqlite_table_that_refuses_too_much_makes_no_dead_letters() {
    the_table_is_wrong(&Scene::sqlite());
}

#[test]
fn a_clickhouse_table_that_refuses_too_much_makes_no_dead_letters() {
    if let Some(scene) = Scene::clickhouse("wrong") {
        the_table_is_wrong(&scene);
    }
}

/// Dies at each point that is come to on the way, and leaves its lease behind.
fn dying_while_splitting(scene: &Scene) {
    scene.spool_gaps(10_000);
    scene.place.poison("gaps", "first_id = 4567");
    for point in [
        "batch-split:1",
        "batch-split:5",
        "before-send:3",
        "store-confirmed:2",
        "batch-deleted:2",
        "lease-taken:2",
        "row-refused:1",
    ] {
        let output = scene.run(&[
            "spool",
            "flush",
            "--delivery-lease",
            "300ms",
            "--crash-at",
            point,
        ]);
        assert_eq!(
            output.status.signal(),
            Some(9),
            "{point} was not come to: {}",
            text(&output.stderr)
        );
        assert_eq!(scene.json(&["spool", "verify"], 0)["is_clean"], true);
    }
    let flushed = scene.json(&["spool", "flush", "--delivery-lease", "300ms"], 0);
    assert_eq!(flushed["left"]["dead_rows"], 1, "{flushed}");
    assert_eq!(scene.place.count("gaps"), 9_999);
}

#[test]
fn dying_while_a_batch_is_split_changes_nothing_in_sqlite() {
    dying_while_splitting(&Scene::sqlite());
}

#[test]
fn dying_while_a_batch_is_split_changes_nothing_in_clickhouse() {
    if let Some(scene) = Scene::clickhouse("dying") {
        dying_while_splitting(&scene);
    }
}
