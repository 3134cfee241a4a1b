//! Whoever writes bars of a sealed period again takes the seal back first, and dies where he
//! likes.

use std::{os::unix::process::ExitStatusExt as _, path::Path};

use crate::scene::{DAYS, FIRST_DAY, Place, Scene};

const KILLED: Option<i32> = Some(9);
const DAY_US: i64 = 86_400_000_000;

/// Takes what was collected after the second day out of a store, seals and all, and the
/// journal: the second day, which is sealed, is gone over again.
fn forget(scene: &Scene, place: &Place, name: &str) {
    let path = scene.directory.path().join(format!("{name}.sqlite"));
    let database = rusqlite::Connection::open(path).expect("a database");
    let from_us = (FIRST_DAY + 2) * DAY_US;
    for sql in [
        "DELETE FROM bars WHERE open_time >= ?1",
        "DELETE FROM seals WHERE period_start >= ?1",
    ] {
        database.execute(sql, [from_us]).expect("deleted");
    }
    remove(place.state_dir());
}

fn remove(directory: &Path) {
    std::fs::remove_dir_all(directory).expect("a journal");
}

fn collected(scene: &Scene, name: &str) -> Place {
    let place = scene.sqlite(name);
    let mut collector = scene.collect(&place, &[]);
    place.until_sealed(&[0, 1, 2]);
    collector.terminate();
    assert!(collector.wait().success());
    place
}

#[test]
fn a_lost_journal_goes_over_a_sealed_day_which_is_sealed_again_when_the_rows_are_equal() {
    assert_eq!(DAYS, 3);
    let scene = Scene::new(31);
    let place = collected(&scene, "a");
    let before = place.seals();
    forget(&scene, &place, "a");
    assert_eq!(place.sealed(), [0, 1]);
    let mut collector = scene.collect(&place, &[]);
    place.until("newer seals", |place| {
        let seals = place.seals();
        seals.len() == 3 && seals[1].version > before[1].version
    });
    collector.terminate();
    assert!(collector.wait().success());
    let after = place.seals();
    assert_eq!(
        after[0], before[0],
        "nobody has written the first day again"
    );
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.digests, after.digests);
    }
    let (verified, code) = scene.verify(&place, &[]);
    assert_eq!(code, Some(0), "{verified:#}");
}

#[test]
fn a_crash_between_unsealing_and_rewriting_leaves_no_seal_over_rows_that_nobody_checked() {
    let scene = Scene::new(32);
    let place = collected(&scene, "a");
    for point in ["unsealed", "bars-written"] {
        forget(&scene, &place, "a");
        assert_eq!(place.sealed(), [0, 1]);
        let mut collector = scene.collect(&place, &["--crash-at", point]);
        assert_eq!(collector.wait().signal(), KILLED, "{point}");
        assert_eq!(place.sealed(), [0], "died at {point}");
        let mut collector = scene.collect(&place, &[]);
        place.until_sealed(&[0, 1, 2]);
        collector.terminate();
        assert!(collector.wait().success());
        let (verified, code) = scene.verify(&place, &[]);
        assert_eq!(code, Some(0), "{verified:#}");
    }
}
