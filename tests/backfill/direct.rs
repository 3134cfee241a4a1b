//! From every source the same bars, beside whatever is there.

use jiff::civil::date;
use streamkit::{
    domain::anchor::Anchor,
    exchange::sim::{Config, SimTrade},
};

use crate::{
    common::process::{Process, run, text},
    scene::{FIRST_ID, Place, SYMBOL, Scene, TRADES_PER_DAY},
};

const SOURCES: [(&str, &[&str]); 3] = [
    ("archive", &["--source", "archive", "-v"]),
    ("auto", &["--source", "auto"]),
    ("rest", &["--source", "rest"]),
];

fn from_sources(scene: &Scene, sources: &[(&str, &[&str])], place: impl Fn(&str) -> Place) {
    for &(name, words) in sources {
        let place = place(name);
        let told = scene.backfilled(&place, words);
        if name == "archive" {
            assert!(told.contains("has come"), "{told}");
        }
        scene.assert_exact(&place);
        let before = place.versions();
        // Sealed days are done, and what is right is not written again.
        let told = scene.backfilled(&place, words);
        assert!(told.contains("3 sealed"), "{told}");
        assert_eq!(place.versions(), before, "{name}");
        // Whoever wants it may have everything compared.
        scene.backfilled(&place, &[words, &["--rebuild"]].concat());
        assert_eq!(place.versions(), before, "{name}");
    }
}

#[test]
fn from_archive_and_rest_come_the_bars_of_the_tape_in_sqlite() {
    let scene = Scene::new(1);
    from_sources(&scene, &SOURCES, |name| scene.sqlite(name));
}

#[test]
fn from_archive_and_rest_come_the_bars_of_the_tape_in_clickhouse() {
    let scene = Scene::new(2);
    let Some(place) = Scene::clickhouse("backfill") else {
        return;
    };
    // The store does not know where trades came from: one source shows what it is about.
    let place = std::cell::Cell::new(Some(place));
    from_sources(&scene, &SOURCES[..1], |_| place.take().expect("one source"));
}

#[test]
fn months_are_made_whole_from_daily_files_and_sealed() {
    let scene = Scene::with(Config {
        seed: 3,
        day: Some(date(2025, 1, 30)),
        ..Config::default()
    });
    let place = scene.sqlite("months");
    let words = ["--anchor", "month", "--source", "archive"];
    let told = scene.backfilled(&place, &words);
    assert!(told.contains("2025-01-01: sealed"), "{told}");
    scene.assert_exact_with(&place, Anchor::Month);
    let seals = run(&mut scene.command(&place, &["seals", "--anchor", "month"]));
    let seals = text(&seals.stdout);
    assert!(
        seals.contains("2025-01 ") && seals.contains("100, 250, 500, 1000"),
        "{seals}"
    );
    let before = place.versions();
    let told = scene.backfilled(&place, &words);
    assert!(told.contains("1 sealed"), "{told}");
    assert_eq!(place.versions(), before);
}

/// A trade as the exchange's files have it.
fn line(trade: &SimTrade) -> String {
    let decimal = |e8: i64| format!("{}.{:08}", e8 / 100_000_000, e8 % 100_000_000);
    format!(
        "{},{},{},{},{},{},{}\n",
        trade.id,
        decimal(trade.price_e8),
        decimal(trade.quantity_e8),
        trade.first_id,
        trade.last_id,
        trade.time_us,
        trade.buyer_maker
    )
}

/// What is met in the middle of a run spoils its own period, and no other.
#[test]
fn of_a_period_with_a_broken_line_nothing_is_written() {
    let scene = Scene::new(5);
    let day = TRADES_PER_DAY as usize;
    let trades = scene.server.tape().trades(SYMBOL, FIRST_ID, 3 * day as u64);
    let mut lines: Vec<String> = trades.expect("trades").iter().map(line).collect();
    let last = lines.split_off(2 * day);
    // Nobody comes so far before the first day is written.
    lines[2 * day - 10] = "oops\n".to_owned();
    let (first, second) = (scene.path("one.csv"), scene.path("two.csv"));
    std::fs::write(&first, lines.concat()).expect("written");
    std::fs::write(&second, last.concat()).expect("written");
    let names = [&first, &second].map(|path| path.display().to_string());
    let place = scene.sqlite("broken");
    let output = scene.backfill(&place, &["--from-file", &names[0], &names[1]]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let where_it_is = format!("one.csv:{}:", 2 * day - 9);
    assert!(told.contains(&where_it_is), "{told}");
    let ids: Vec<i64> = place
        .rows()
        .iter()
        .map(|row| row.bar.first_agg_trade_id)
        .collect();
    assert!(!ids.is_empty());
    let second_day = FIRST_ID + day as i64;
    assert!(ids.iter().all(|&id| id < second_day), "{ids:?}");
}

#[test]
fn files_of_the_user_are_read_in_any_order_and_what_they_lack_comes_by_rest() {
    let scene = Scene::new(4);
    let tape = scene.path("tape.csv");
    let trades = scene
        .server
        .tape()
        .trades(SYMBOL, FIRST_ID, 3 * TRADES_PER_DAY as u64);
    let trades = trades.expect("trades");
    let lines: Vec<String> = trades.iter().map(line).collect();
    let hole = TRADES_PER_DAY as usize..TRADES_PER_DAY as usize + 700;
    let (first, second) = (scene.path("one.csv"), scene.path("two.csv"));
    std::fs::write(&first, lines[..hole.start].concat()).expect("written");
    std::fs::write(&second, lines[hole.end..].concat()).expect("written");
    std::fs::write(&tape, lines.concat()).expect("written");
    let names = [&second, &first].map(|path| path.display().to_string());
    let place = scene.sqlite("files");
    let told = scene.backfilled(&place, &["--from-file", &names[0], &names[1]]);
    // Their last day is whole only with the first trade of the next one, which is not in them.
    assert!(told.contains("3 days to read"), "{told}");
    let expected = scene.expected(Anchor::Day);
    for row in place.rows() {
        let bars = &expected[&row.bar.threshold.dbps()];
        assert!(bars.contains(&row.bar), "{:?}", row.bar);
    }
    let told = scene.backfilled(&place, &[]);
    assert!(told.contains("1 day to read"), "{told}");
    scene.assert_exact(&place);
    // Files that hold the same trades twice are not used at all.
    let twice = tape.display().to_string();
    let output = scene.backfill(&scene.sqlite("twice"), &["--from-file", &names[0], &twice]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("two.csv") && told.contains("line"), "{told}");
}

/// A real collector stops in the middle of a day, and one runs on.
fn beside_a_collector(scene: &Scene, place: &Place, name: &str) {
    let state = scene.path(&format!("state-{name}")).display().to_string();
    let collect = |more: &[&str]| {
        let ws = scene.server.ws_url();
        let mut words = vec![
            "collect",
            SYMBOL,
            "-t",
            "100,250,500,1000",
            "--state-dir",
            &state,
        ];
        words.extend(["--ws-url", &ws]);
        words.extend(more);
        scene.command(place, &words)
    };
    // It begins with the day of the newest trade: three days are missing.
    let output = run(&mut collect(&["--for", "2s"]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!place.rows().is_empty());
    let live = place.versions();
    let mut collector = Process(collect(&["-o", "json"]).spawn().expect("a collector"));
    scene.backfilled(place, &[]);
    scene.assert_exact(place);
    // What was collected live was right already.
    let now = place.versions();
    assert!(live.iter().all(|(key, version)| now[key] == *version));
    collector.terminate();
    assert!(collector.wait().success());
    scene.assert_exact(place);
}

#[test]
fn beside_a_collector_both_agree_in_sqlite() {
    let scene = Scene::new(5);
    beside_a_collector(&scene, &scene.sqlite("live"), "sqlite");
}

#[test]
fn beside_a_collector_both_agree_in_clickhouse() {
    let scene = Scene::new(6);
    let Some(place) = Scene::clickhouse("backfill_live") else {
        return;
    };
    beside_a_collector(&scene, &place, "clickhouse");
}
