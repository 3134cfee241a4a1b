//! Who seals, and when.

use serde_json::Value;

use crate::{
    common::process::{run, text},
    scene::{FIRST_DAY, SYMBOL, Scene},
};

const DAY_US: i64 = 86_400_000_000;

/// The texts of the events with a code.
fn events(scene: &Scene, name: &str, code: &str) -> Vec<String> {
    let path = scene.directory.path().join(format!("{name}.sqlite"));
    let database = rusqlite::Connection::open(path).expect("a database");
    let mut statement = database
        .prepare("SELECT text FROM events WHERE code = ?1 ORDER BY time")
        .expect("a query");
    let texts = statement.query_map([code], |row| row.get(0));
    let texts = texts.expect("events");
    texts.map(|text| text.expect("a text")).collect()
}

#[test]
fn two_collectors_that_write_to_one_store_leave_every_closed_day_sealed() {
    let scene = Scene::new(41);
    let place = scene.sqlite("a");
    let other = scene.place("other", &place.address);
    let mut first = scene.collect(&place, &[]);
    place.until_day(1);
    let mut second = scene.collect(&other, &["-t", "20,100,300"]);
    place.until(
        "every day to be sealed, the last with all thresholds",
        |place| {
            let seals = place.seals();
            seals.len() == 3 && seals[2].digests.len() == 3
        },
    );
    for collector in [&mut first, &mut second] {
        collector.terminate();
        assert!(collector.wait().success());
    }
    let (verified, code) = scene.verify(&place, &[]);
    assert_eq!(code, Some(0), "{verified:#}");
    let states = verified["seals"].as_array().expect("seals").iter();
    assert!(states.clone().count() == 3, "{verified:#}");
    assert!(states.clone().all(|seal| seal["is_damage"] == false));
}

#[test]
fn days_that_end_while_the_store_takes_nothing_are_sealed_once_it_does() {
    let scene = Scene::new(42);
    let place = scene.sqlite("a");
    let mut collector = scene.collect(&place, &["--breaker-open", "300ms"]);
    place.until_day(1);
    let path = scene.directory.path().join("a.sqlite");
    let lock = rusqlite::Connection::open(path).expect("a database");
    lock.busy_timeout(std::time::Duration::from_secs(10))
        .expect("set");
    lock.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let before = place.sealed();
    // The second day ends meanwhile, which only its exchange can tell.
    let summary = |scene: &Scene| -> Value {
        let output = run(scene.command(&place, "status").args(["-o", "json"]));
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
    };
    place.until("the third day", |_| {
        let last_us = summary(&scene)["symbols"][0]["last_trade_time_us"].as_i64();
        last_us >= Some((FIRST_DAY + 2) * DAY_US)
    });
    assert_eq!(place.sealed(), before);
    drop(lock);
    place.until("the seals and the events", |place| {
        let told = events(&scene, "a", "period.sealed");
        place.sealed() == [0, 1, 2] && told.len() == 3
    });
    collector.terminate();
    assert!(collector.wait().success());
    assert_eq!(
        events(&scene, "a", "period.unsealable"),
        Vec::<String>::new(),
        "a store that is away is no reason"
    );
    let sealed = events(&scene, "a", "period.sealed");
    assert_eq!(sealed.len(), 3, "{sealed:?}");
    assert!(
        sealed[0].starts_with("period from 2025-01-01T00:00:00Z is sealed: ids "),
        "{sealed:?}"
    );
}

#[test]
fn what_nobody_has_sealed_is_named_with_its_reason_and_sealed_by_verify() {
    let scene = Scene::new(43);
    let place = scene.sqlite("a");
    // This one never comes to seal anything.
    let mut collector = scene.collect_sealing_after("1h", &place, &[]);
    place.until_day(3);
    collector.terminate();
    assert!(collector.wait().success());
    assert!(place.sealed().is_empty());
    let output = run(scene.command(&place, "verify").arg(SYMBOL));
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}");
    let told = told.replace("\n    ", " ");
    assert!(
        told.contains("note: the day 2025-01-01 is not sealed: nothing shows that the id "),
        "{told}"
    );
    assert!(
        told.contains(
            "note: each of the 2 days from 2025-01-02 to 2025-01-03 is not sealed: it is whole, \
             and nobody has sealed it; 'streamkit verify --seal' seals it"
        ),
        "{told}"
    );
    let (verified, code) = scene.verify(&place, &["--seal"]);
    assert_eq!(code, Some(0), "{verified:#}");
    assert_eq!(verified["sealed"].as_array().map(Vec::len), Some(3));
    assert_eq!(place.sealed(), [0, 1, 2]);
    let output = run(scene.command(&place, "verify").args([SYMBOL, "--seal"]));
    let told = text(&output.stdout);
    assert!(told.contains("3 closed periods are sealed\n"), "{told}");
    assert!(!told.contains("just now"), "{told}");
    let output = run(scene.command(&place, "seals").args([SYMBOL]));
    let listed = text(&output.stdout);
    assert!(
        output.status.success() && listed.ends_with("3 seals\n"),
        "{listed}"
    );
    assert!(listed.lines().all(|line| line.len() <= 80), "{listed}");
    let output =
        run(scene
            .command(&place, "seals")
            .args(["--since", "2025-01-03T12:00:00Z", "-o", "json"]));
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let [seal] = listed["seals"].as_array().expect("seals").as_slice() else {
        panic!("{listed:#}");
    };
    assert_eq!(seal["period_start"], (FIRST_DAY + 2) * DAY_US);
    assert_eq!(
        seal["digests"].as_object().map(serde_json::Map::len),
        Some(2)
    );
}

#[test]
fn a_sealer_that_panics_is_started_anew_and_seals() {
    let scene = Scene::new(44);
    let place = scene.sqlite("a");
    let mut collector = scene.collect(&place, &["--mischief", "seal:panic@3"]);
    place.until("the failure of the task", |_| {
        let path = scene.directory.path().join("a.sqlite");
        path.exists() && place.sealed().contains(&2)
    });
    collector.terminate();
    assert!(collector.wait().success());
    let failed = events(&scene, "a", "task.failed");
    assert!(failed[0].starts_with("task seal failed: "), "{failed:?}");
}

#[test]
fn a_month_is_sealed_by_its_collector_and_by_whoever_verifies_it() {
    let scene = Scene::from_day(43, "2025-01-30");
    let place = scene.sqlite("a");
    let mut collector = scene.collect(&place, &["--anchor", "month"]);
    place.until("the month to be sealed", |place| !place.seals().is_empty());
    collector.terminate();
    assert!(collector.wait().success());
    let seals = place.seals();
    assert_eq!(seals.len(), 1, "{seals:?}");
    assert_eq!(seals[0].key.anchor.as_str(), "month");
    assert_eq!(seals[0].digests.len(), 2);
    let path = scene.directory.path().join("a.sqlite");
    let database = rusqlite::Connection::open(path).expect("a database");
    database.execute("DELETE FROM seals", []).expect("deleted");
    let (verified, code) = scene.verify(&place, &["--seal"]);
    assert_eq!(code, Some(0), "{verified:#}");
    let again = place.seals();
    assert_eq!(again[0].digests, seals[0].digests);
}
