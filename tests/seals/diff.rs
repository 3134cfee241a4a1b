//! Two collectors, two stores, and one byte.

use serde_json::Value;

use crate::{
    common::{
        clickhouse::{ask, clickhouse_url, fresh_database},
        process::{Process, run, streamkit, text},
    },
    scene::{DAY, Place, SYMBOL, Scene},
};

/// Compares two stores; returns what is found, what people are told, and the exit code.
fn diff(a: &Place, b: &Place) -> (Value, String, Option<i32>) {
    let command = |format: &str| {
        let stores = [a.address.as_str(), b.address.as_str()];
        run(streamkit()
            .args(["seals", "diff"])
            .args(stores)
            .args([SYMBOL, "-o", format]))
    };
    let (json, human) = (command("json"), command("human"));
    assert_eq!(json.status, human.status);
    let found = serde_json::from_slice(&json.stdout);
    (
        found.unwrap_or_else(|_| panic!("{}", text(&json.stderr))),
        text(&human.stdout),
        json.status.code(),
    )
}

/// Kills a collector and starts it again.
fn restart(scene: &Scene, place: &Place, collector: &mut Process) {
    collector.0.kill().expect("killed");
    collector.wait();
    *collector = scene.collect(place, &[]);
}

/// Two collectors are started on different days, and one is killed twice. `alter` changes one
/// byte in a bar of its store: the price at which the bar with that first id opened.
fn two_collectors(scene: &Scene, [a, b]: [&Place; 2], alter: impl Fn(i64)) {
    let mut first = scene.collect(a, &[]);
    // The tape waits in its second day, however long the other one takes to start.
    scene.play_until(DAY + DAY / 4);
    a.until_day(1);
    let mut second = scene.collect(b, &[]);
    b.until_day(1);
    scene.play();
    restart(scene, b, &mut second);
    b.until_day(2);
    restart(scene, b, &mut second);
    a.until_sealed(&[0, 1, 2]);
    b.until("the last seal", |place| place.sealed().contains(&2));
    for collector in [&mut first, &mut second] {
        collector.terminate();
        assert!(collector.wait().success());
    }
    let (found, told, code) = diff(a, b);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(found["is_equal"], true, "{found:#}");
    assert!(found["compared"].as_u64() >= Some(2), "{found:#}");
    assert!(told.ends_with(": equal\n"), "{told}");
    assert!(told.lines().skip(2).all(|line| line.len() <= 80), "{told}");
    // Whoever has the seals alone can tell, too.
    for theirs in b.seals() {
        let seals = a.seals();
        let mine = seals.iter().find(|seal| seal.key == theirs.key);
        assert_eq!(mine.map(|seal| &seal.digests), Some(&theirs.digests));
    }

    let bars = b.bars(100);
    let altered = &bars[bars.len() / 2].bar;
    alter(altered.first_agg_trade_id);
    let (found, told, code) = diff(a, b);
    assert_eq!(code, Some(1), "{told}");
    let [difference] = found["differences"].as_array().expect("some").as_slice() else {
        panic!("{found:#}");
    };
    assert_eq!(difference["first_agg_trade_id"], altered.first_agg_trade_id);
    assert_eq!(difference["last_agg_trade_id"], altered.last_agg_trade_id);
    assert_eq!(difference["threshold_decimal_bps"], 100);
    assert_eq!(difference["column"], "open");
    let named = format!(
        "the bar of ids {} to {}: open is ",
        altered.first_agg_trade_id, altered.last_agg_trade_id
    );
    assert!(told.replace("\n  ", " ").contains(&named), "{told}");
    let (verified, code) = scene.verify(b, &[]);
    assert_eq!(code, Some(1));
    let seals = verified["seals"].as_array().expect("seals").iter();
    assert_eq!(seals.filter(|seal| seal["state"] == "broken").count(), 1);
    let (verified, code) = scene.verify(a, &[]);
    assert_eq!(code, Some(0), "{verified:#}");
}

#[test]
fn two_collectors_one_of_them_killed_make_equal_stores_and_one_byte_is_found_in_sqlite() {
    let scene = Scene::new(21);
    let (a, b) = (scene.sqlite("a"), scene.sqlite("b"));
    two_collectors(&scene, [&a, &b], |first_id| {
        let path = scene.directory.path().join("b.sqlite");
        let database = rusqlite::Connection::open(path).expect("a database");
        let changed = database.execute(
            "UPDATE bars SET open = substr(open, 1, length(open) - 1) || \
             iif(open LIKE '%1', '2', '1') \
             WHERE threshold_decimal_bps = 100 AND first_agg_trade_id = ?1",
            [first_id],
        );
        assert_eq!(changed.expect("changed"), 1);
    });
}

#[test]
fn two_collectors_one_of_them_killed_make_equal_stores_and_one_byte_is_found_in_clickhouse() {
    let Some(url) = clickhouse_url() else { return };
    let host = url
        .strip_prefix("http://")
        .expect("an http URL")
        .trim_end_matches('/');
    let scene = Scene::new(22);
    let names = [fresh_database("seals_a"), fresh_database("seals_b")];
    let [a, b] = [("a", &names[0]), ("b", &names[1])]
        .map(|(name, database)| scene.place(name, &format!("clickhouse://{host}/{database}")));
    two_collectors(&scene, [&a, &b], |first_id| {
        let sql = format!(
            "ALTER TABLE bars UPDATE open = open + toDecimal64('0.00000001', 8) \
             WHERE threshold_decimal_bps = 100 AND first_agg_trade_id = {first_id} \
             SETTINGS mutations_sync = 2"
        );
        ask(host, &names[1], &sql);
    });
    for name in &names {
        ask(host, "default", &format!("DROP DATABASE {name}"));
    }
}

#[test]
fn stores_that_have_no_whole_period_in_common_are_not_called_equal() {
    let scene = Scene::new(23);
    let (a, b) = (scene.sqlite("a"), scene.sqlite("b"));
    let output = run(streamkit().args(["seals", "diff", &a.address, &b.address]));
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("there is no store at sqlite:"), "{told}");
    for place in [&a, &b] {
        let output = run(scene.command(place, "schema").arg("apply"));
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let output = run(streamkit().args(["seals", "diff", &a.address, &b.address]));
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("no period is whole in both"), "{told}");
}
