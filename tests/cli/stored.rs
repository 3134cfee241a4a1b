//! `bars` and `verify` over a store.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use streamkit::{
    domain::{
        anchor::Anchor,
        bar::Bar,
        ladder::{Ladder, Rules},
        price::{Price, Quantity},
        row::{BarRow, GapRow, GapState, Rows},
        threshold::Threshold,
        trade::Trade,
    },
    store::{self, StoreOptions, address::StoreAddress, sink::Batch},
};

use super::streamkit;

const DAY_US: i64 = 86_400_000_000;

/// 2025-01-01, in µs.
pub const START_US: i64 = 1_735_689_600_000_000;

/// A hundred trades a day over four and a half days, with prices that swing.
fn tape() -> Vec<Trade> {
    (1..=450)
        .map(|id| Trade {
            id,
            price: Price(6_000_000_000_000 + (id % 20) * 6_000_000_000),
            quantity: Quantity(10_000_000 + id % 7),
            first_trade_id: id * 2,
            last_trade_id: id * 2 + id % 2,
            time_us: START_US + (id - 1) / 100 * DAY_US + (id - 1) % 100 * 1_000_003,
            buyer_is_maker: id % 3 == 0,
        })
        .collect()
}

pub fn bars() -> Vec<Bar> {
    let mut ladder = Ladder::new(Rules {
        anchor: Anchor::Day,
        gate: true,
    });
    for dbps in [250, 500] {
        ladder.start(Threshold::new(dbps).expect("a threshold"), 1);
    }
    let mut bars = Vec::new();
    for trade in tape() {
        ladder.push(&trade, &mut bars).expect("in order");
    }
    bars
}

fn row(bar: Bar) -> BarRow {
    BarRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        anchor: Anchor::Day,
        bar,
        version: 1,
        is_deleted: false,
    }
}

/// Writes the tape as CSV.
fn write_tape(path: &Path) {
    let line = |trade: Trade| {
        format!(
            "{},{},{},{},{},{},{}\n",
            trade.id,
            trade.price,
            trade.quantity,
            trade.first_trade_id,
            trade.last_trade_id,
            trade.time_us,
            if trade.buyer_is_maker {
                "True"
            } else {
                "False"
            },
        )
    };
    let text: String = tape().into_iter().map(line).collect();
    std::fs::write(path, text).expect("a tape");
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}

/// Puts the bars and `gaps` into the store at `address`.
async fn fill(address: &StoreAddress, gaps: Vec<GapRow>) {
    let store = store::open(address, StoreOptions::default()).expect("a store");
    store.create_schema().await.expect("a schema");
    // A batch is of one partition, and the bars are all of one month.
    let rows = bars().into_iter().map(row).collect();
    for (rows, token) in [(Rows::Bars(rows), "bars"), (Rows::Gaps(gaps), "gaps")] {
        let token = token.to_owned();
        let batch = Batch { rows, token };
        store.insert(&batch).await.expect("inserted");
    }
}

/// A home whose default store holds the bars.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new(gaps: Vec<GapRow>) -> Self {
        let home = Self::empty();
        block_on(fill(&StoreAddress::Sqlite(home.store()), gaps));
        home
    }

    pub fn empty() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    /// The options that build the same bars from a file.
    fn tape_options(&self) -> String {
        let tape = self.0.path().join("BTCUSDT-aggTrades-2025-01-01.csv");
        write_tape(&tape);
        format!("--from-tape {} -t 250,500 --exchange sim", tape.display())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn store(&self) -> PathBuf {
        self.0.path().join("data/streamkit/streamkit.db")
    }

    /// Damages the store.
    pub fn change(&self, sql: &str) {
        let connection = Connection::open(self.store()).expect("the file");
        let unchecked = "PRAGMA ignore_check_constraints = ON";
        connection.execute_batch(unchecked).expect("no constraints");
        let changed = connection.execute(sql, []).expect("the change");
        assert!(changed > 0, "{sql} changes nothing");
    }

    /// Runs the program; returns its exit code, output and messages.
    pub fn run(&self, line: &str) -> (Option<i32>, String, String) {
        let output = streamkit(self.0.path())
            .args(line.split(' '))
            .output()
            .expect("the program");
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("UTF-8"),
            String::from_utf8(output.stderr).expect("UTF-8"),
        )
    }
}

#[test]
fn stored_bars_read_back_as_they_are_built_from_the_tape() {
    let home = Home::new(Vec::new());
    let from_tape = home.tape_options();
    for format in ["csv", "json", "human"] {
        for range in ["", " --limit 3", " --since 2025-01-03"] {
            let stored = home.run(&format!("bars BTCUSDT -o {format}{range}"));
            let built = home.run(&format!("bars {from_tape} -o {format}{range}"));
            assert_eq!(stored, built, "{format}{range}");
            assert_eq!((stored.0, stored.2.as_str()), (Some(0), ""));
        }
    }
    let (_, all, _) = home.run("bars BTCUSDT -o csv");
    assert_eq!(all.lines().count(), 1 + bars().len());
    let (_, some, _) = home.run("bars BTCUSDT -o csv -t 500 --anchor day --limit 3");
    assert_eq!(some.lines().count(), 4);
    let (_, shown, _) = home.run("bars BTCUSDT");
    assert_eq!(shown.lines().count(), 2 * (2 + 20) + 1);
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn bars_that_are_not_there_are_told_apart_from_none_since_then() {
    let home = Home::new(Vec::new());
    let (code, out, told) = home.run("bars ETHUSDT -o csv");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(told.contains("there are no bars of ETHUSDT"), "{told}");
    let (code, out, told) = home.run("bars BTCUSDT -o csv --since 2025-06-01");
    assert_eq!((code, out.lines().count()), (Some(0), 1));
    assert_eq!(told, "no bar is complete in the part that was asked for\n");
    let (code, _, told) = home.run("bars BTCUSDT --exchange binance");
    assert_eq!(code, Some(1), "{told}");
}

#[test]
fn whole_bars_verify_clean() {
    let home = Home::new(Vec::new());
    let (code, out, told) = home.run("verify BTCUSDT");
    assert_eq!((code, told.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.contains("the sums of all thresholds agree in 4 closed periods"),
        "{out}"
    );
    assert!(out.ends_with(": no damage\n"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    let (code, out, _) = home.run("verify BTCUSDT -o json --since 2025-01-04");
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(code, Some(0));
    assert_eq!(json["is_clean"], true);
    assert_eq!(json["series"][0]["first_agg_trade_id"], 301);
}

#[test]
fn a_deleted_bar_is_named_with_its_ids() {
    let home = Home::new(Vec::new());
    let removed = bars().remove(9);
    home.change(&format!(
        "DELETE FROM bars WHERE threshold_decimal_bps = {} AND first_agg_trade_id = {}",
        removed.threshold, removed.first_agg_trade_id
    ));
    let (code, out, told) = home.run("verify BTCUSDT");
    assert_eq!(code, Some(1));
    let line = format!(
        "damage at {} dbps: ids {} to {} are missing",
        removed.threshold, removed.first_agg_trade_id, removed.last_agg_trade_id
    );
    assert!(out.contains(&line), "{out}");
    assert!(
        told.contains("error: the stored bars are not whole: 1 finding"),
        "{told}"
    );
    assert!(told.contains("hint: "), "{told}");
}

#[test]
fn an_altered_figure_is_found_in_its_bar_and_over_thresholds() {
    let home = Home::new(Vec::new());
    home.change(
        "UPDATE bars SET buy_volume = '99.00000000' \
         WHERE threshold_decimal_bps = 500 AND first_agg_trade_id = 101",
    );
    let (code, out, _) = home.run("verify BTCUSDT -o json");
    assert_eq!(code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let findings = json["series"][1]["findings"].as_array().expect("findings");
    assert!(!findings.is_empty());
    assert!(
        findings.iter().all(|finding| finding["first_id"] == 101),
        "{findings:?}"
    );
    let disagreement = &json["periods"][0]["disagreements"][0];
    assert_eq!(disagreement["column"], "buy_volume");
    assert_eq!(disagreement["start"], START_US + DAY_US);
}

#[test]
fn a_hole_that_is_proven_absent_passes_unless_strict() {
    let removed = bars().remove(9);
    let gap = GapRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        first_id: removed.first_agg_trade_id,
        last_id: removed.last_agg_trade_id,
        found_at_us: START_US,
        cause: "a test".to_owned(),
        state: GapState::Absent,
        proof: "asked twice".to_owned(),
        version: 1,
    };
    let home = Home::new(vec![gap]);
    home.change(&format!(
        "DELETE FROM bars WHERE threshold_decimal_bps = {} AND first_agg_trade_id = {}",
        removed.threshold, removed.first_agg_trade_id
    ));
    // The other threshold still holds the trades, and so their sums differ: an absent
    // gap excuses the hole, not the disagreement.
    let (_, out, _) = home.run("verify BTCUSDT");
    assert!(out.contains("are proven absent at the exchange"), "{out}");
    assert!(out.contains("disagree on"), "{out}");
    let alone = format!("verify BTCUSDT -t {}", removed.threshold);
    let (code, out, _) = home.run(&alone);
    assert_eq!(code, Some(0), "{out}");
    let (code, ..) = home.run(&format!("{alone} --strict"));
    assert_eq!(code, Some(1));
}

#[test]
fn a_symbol_or_threshold_without_bars_is_damage() {
    let home = Home::new(Vec::new());
    let (code, out, told) = home.run("verify ETHUSDT");
    assert_eq!(code, Some(1));
    assert!(out.contains("ETHUSDT: there are no bars"), "{out}");
    assert!(told.contains("streamkit collect"), "{told}");
    let (code, out, _) = home.run("verify BTCUSDT -t 250,600");
    assert_eq!(code, Some(1));
    assert!(
        out.contains("BTCUSDT: there are no bars at 600 dbps"),
        "{out}"
    );
}

#[test]
fn a_file_that_is_no_store_is_a_matter_of_configuration() {
    let home = Home::new(Vec::new());
    let line = format!(
        "verify BTCUSDT --store sqlite:{}",
        home.0.path().join("a.db").display()
    );
    let text = "not a database, but long enough to be looked at".repeat(30);
    std::fs::write(home.0.path().join("a.db"), text).expect("a file");
    let (code, _, told) = home.run(&line);
    assert_eq!(code, Some(78), "{told}");
    assert!(told.contains("hint: "), "{told}");
}

#[test]
fn clickhouse_holds_the_same_bars_and_verifies_as_well() {
    let Ok(url) = std::env::var("CLICKHOUSE_URL") else {
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(
            !is_ci,
            "CLICKHOUSE_URL is not set: run scripts/with-clickhouse"
        );
        eprintln!("skipped: CLICKHOUSE_URL is not set (see scripts/with-clickhouse)");
        return;
    };
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let database = format!("test_cli_{}", std::process::id());
    let address = format!("clickhouse://{host}/{database}");
    block_on(fill(&address.parse().expect("an address"), Vec::new()));

    let home = Home::empty();
    let from_tape = home.tape_options();
    for range in ["", " --limit 3", " --since 2025-01-03"] {
        let stored = home.run(&format!("bars BTCUSDT -o csv --store {address}{range}"));
        let built = home.run(&format!("bars {from_tape} -o csv{range}"));
        assert_eq!(stored, built, "{range}");
    }
    let (code, out, told) = home.run(&format!("verify BTCUSDT --store {address}"));
    assert_eq!((code, told.as_str()), (Some(0), ""), "{out}");
    let (code, _, told) = home.run(&format!(
        "verify BTCUSDT --store clickhouse://nobody:wrong@{host}/{database}"
    ));
    assert_eq!(code, Some(78), "{told}");
    assert!(told.contains("hint: ") && !told.contains("wrong"), "{told}");

    let client = clickhouse::Client::default().with_url(&url);
    let drop_it = format!("DROP DATABASE {database}");
    block_on(client.query(&drop_it).execute()).expect("dropped");
}
