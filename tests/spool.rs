//! The spool as an operator meets it: what the store refuses, commands beside a running
//! collector, processes that die between any two steps.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

mod common;

use std::{
    fs::File,
    io::{Read, Write},
    net::TcpStream,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{
    PATIENCE,
    process::{Process, Sim, run, streamkit, text},
};
use rusqlite::Connection;
use serde_json::Value;
use streamkit::{
    domain::{
        crash::CrashPoints,
        row::{GapRow, GapState, Rows},
    },
    journal::{Commit, Journal, Options},
};
use tempfile::TempDir;

/// A store that can be made to refuse rows, and can be asked.
enum Place {
    Sqlite(PathBuf),
    ClickHouse { host: String, database: String },
}

impl Place {
    /// The test server with a database of its own, or none when there is no server.
    fn clickhouse(name: &str) -> Option<Self> {
        let Ok(url) = std::env::var("CLICKHOUSE_URL") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "CLICKHOUSE_URL is not set"
            );
            eprintln!("skipped: CLICKHOUSE_URL is not set");
            return None;
        };
        let host = url.strip_prefix("http://").expect("an http URL");
        Some(Self::ClickHouse {
            host: host.trim_end_matches('/').to_owned(),
            database: format!("spool_{name}_{}", std::process::id()),
        })
    }

    fn address(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::ClickHouse { host, database } => format!("clickhouse://{host}/{database}"),
        }
    }

    /// As the journal has it.
    fn bound(&self) -> String {
        match self {
            Self::Sqlite(_) => self.address(),
            Self::ClickHouse { host, database } => {
                format!("clickhouse://default@{host}/{database}")
            }
        }
    }

    /// Makes the table refuse the rows for which `condition` holds.
    fn poison(&self, table: &str, condition: &str) {
        match self {
            Self::Sqlite(_) => self.ask(&format!(
                "CREATE TRIGGER poison BEFORE INSERT ON {table} WHEN new.{condition} \
                 BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
            )),
            Self::ClickHouse { .. } => self.ask(&format!(
                "ALTER TABLE {table} ADD CONSTRAINT poison CHECK NOT ({condition})"
            )),
        };
    }

    /// Takes every row again.
    fn heal(&self, table: &str) {
        match self {
            Self::Sqlite(_) => self.ask("DROP TRIGGER poison"),
            Self::ClickHouse { .. } => {
                self.ask(&format!("ALTER TABLE {table} DROP CONSTRAINT poison"))
            }
        };
    }

    /// One number that the store answers; 0 when it answers nothing.
    fn ask(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(path) => {
                let connection = Connection::open(path).expect("opened");
                connection.busy_timeout(PATIENCE).expect("set");
                let mut statement = connection.prepare(sql).expect(sql);
                let mut rows = statement.query([]).expect(sql);
                let row = rows.next().expect(sql);
                row.map_or(0, |row| row.get(0).expect("a number"))
            }
            Self::ClickHouse { host, database } => {
                let mut stream = TcpStream::connect(host).expect("connected");
                stream.set_read_timeout(Some(PATIENCE)).expect("set");
                write!(
                    stream,
                    "POST /?database={database} HTTP/1.1\r\nHost: {host}\r\n\
                     Connection: close\r\nContent-Length: {}\r\n\r\n{sql}",
                    sql.len()
                )
                .expect("sent");
                let mut answer = String::new();
                stream.read_to_string(&mut answer).expect("an answer");
                assert!(answer.starts_with("HTTP/1.1 200"), "{sql}: {answer}");
                let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
                let number = body.lines().find_map(|line| line.parse().ok());
                // The first line of a chunked body is its length.
                let chunked = body.lines().nth(1).and_then(|line| line.parse().ok());
                chunked.or(number).unwrap_or(0)
            }
        }
    }

    fn count(&self, table: &str) -> i64 {
        match self {
            Self::Sqlite(_) => self.ask(&format!("SELECT count(*) FROM {table}")),
            // Rows that went in twice would be counted twice.
            Self::ClickHouse { .. } => self.ask(&format!("SELECT count() FROM {table}")),
        }
    }
}

struct Scene {
    directory: TempDir,
    place: Place,
}

impl Scene {
    fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let place = Place::Sqlite(directory.path().join("store.sqlite"));
        Self { directory, place }
    }

    fn clickhouse(name: &str) -> Option<Self> {
        Some(Self {
            directory: tempfile::tempdir().expect("a directory"),
            place: Place::clickhouse(name)?,
        })
    }

    fn state_dir(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Where a collector logs.
    fn log(&self) -> PathBuf {
        self.directory.path().join("collect.log")
    }

    fn logs(&self, what: &str) -> usize {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.matches(what).count()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = streamkit();
        command
            .args(words)
            .args(["--store", &self.place.address()])
            .arg("--state-dir")
            .arg(self.state_dir());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        run(&mut self.command(words))
    }

    /// Runs a command that must end with `code`; returns its output as JSON.
    fn json(&self, words: &[&str], code: i32) -> Value {
        let output = self.run(&[words, &["-o", "json"]].concat());
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{words:?}: {out}{err}");
        serde_json::from_str(&out).unwrap_or(Value::Null)
    }

    fn journal(&self) -> Journal {
        let options = Options {
            store: Some(self.place.bound()),
            accept_store: false,
            batch_rows: 10_000,
            batch_age_us: 1_000_000,
            most_rows: 100_000,
            max_pages: None,
            crash: CrashPoints::default(),
        };
        Journal::open(&self.state_dir(), options).expect("a journal")
    }

    /// Puts `count` rows of `gaps` into the spool, as one batch.
    fn spool_gaps(&self, count: i64) {
        let applied = self.run(&["schema", "apply"]);
        assert!(applied.status.success(), "{}", text(&applied.stderr));
        let gap = |first_id| GapRow {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            first_id,
            last_id: first_id,
            found_at_us: 1_700_000_000_000_000,
            cause: "a test".to_owned(),
            state: GapState::Open,
            proof: String::new(),
            version: 0,
        };
        let commit = Commit {
            rows: vec![Rows::Gaps((0..count).map(gap).collect())],
            now_us: 1_700_000_000_000_000,
            ..Commit::default()
        };
        self.journal().commit(commit).expect("committed");
    }
}

fn batches(list: &Value) -> &Vec<Value> {
    list["batches"].as_array().expect("batches")
}

#[allow(
    clippy::disallowed_methods,
    reason = "what another process does can only be looked for"
)]
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited for {what} in vain");
        thread::sleep(Duration::from_millis(50));
    }
}

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

/// A collector beside which things are done; its breaker stays open for long.
struct Collecting {
    sim: Sim,
    process: Process,
}

const TAPE: [&str; 6] = [
    "--seed",
    "21",
    "--trades-per-day",
    "1000000",
    "--rate",
    "1000",
];

impl Collecting {
    fn start(scene: &Scene) -> Self {
        Self::with(scene, &["--breaker-open", "1h"])
    }

    fn with(scene: &Scene, more: &[&str]) -> Self {
        let sim = Sim::start(&TAPE, &["--symbols", "BTCUSDT", "--history", "3000"]);
        let process = Self::process(scene, &sim, more);
        Self { sim, process }
    }

    fn process(scene: &Scene, sim: &Sim, more: &[&str]) -> Process {
        let child = scene
            .command(&["collect", "BTCUSDT", "-t", "10,250"])
            .args(["--ws-url", &sim.ws, "--rest-url", &sim.rest])
            .args(["--commit-interval", "20ms", "--batch-age", "100ms"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(scene.log()).expect("a file"))
            .spawn()
            .expect("collect starts");
        Process(child)
    }

    /// Stops it; the store then holds exactly the bars of the tape.
    fn judge(mut self, scene: &Scene) {
        self.process.terminate();
        let log = || std::fs::read_to_string(scene.log()).unwrap_or_default();
        assert!(self.process.wait().success(), "{}", log());
        // A row that was refused in the moment before the table was mended is a dead letter.
        scene.json(&["spool", "flush", "--dead"], 0);
        let verified = scene.run(&["verify", "BTCUSDT"]);
        assert!(verified.status.success(), "{}", text(&verified.stdout));
        let tape = scene.directory.path().join("BTCUSDT.csv");
        self.sim.write_tape("BTCUSDT", 60_000, &tape);
        let bars = ["bars", "BTCUSDT", "-t", "10", "-o", "csv"];
        let expected = run(streamkit().args(bars).arg("--from-tape").arg(&tape));
        let stored = scene.run(&bars);
        let (expected, stored) = (text(&expected.stdout), text(&stored.stdout));
        assert!(stored.lines().count() > 10, "{stored}");
        let differs = expected
            .lines()
            .zip(stored.lines())
            .find(|(wanted, found)| wanted != found);
        assert_eq!(differs, None, "the tape makes other bars: {}", log());
    }
}

fn flushing_beside_a_collector(scene: &Scene) {
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let collecting = Collecting::start(scene);
    let waiting = || {
        let output = scene.run(&["spool", "ls", "-o", "json"]);
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        list["totals"]["rows"].as_i64().unwrap_or(0)
    };
    until("rows in the spool", || waiting() > 20);
    // Its breaker is open for an hour now; what is mended is delivered by hand.
    scene.json(&["spool", "flush", "--deadline", "5s"], 75);
    assert_eq!(scene.place.count("bars"), 0);
    scene.place.heal("bars");
    let flushed = scene.json(&["spool", "flush"], 0);
    let delivered = flushed["rows_delivered"].as_i64().expect("a number");
    assert!(delivered > 20, "{flushed}");
    assert!(scene.place.count("bars") > 20);
    collecting.judge(scene);
}

#[test]
fn what_waits_is_delivered_to_sqlite_beside_a_collector() {
    flushing_beside_a_collector(&Scene::sqlite());
}

#[test]
fn what_waits_is_delivered_to_clickhouse_beside_a_collector() {
    if let Some(scene) = Scene::clickhouse("beside") {
        flushing_beside_a_collector(&scene);
    }
}

#[test]
fn what_is_dropped_leaves_an_open_gap_in_the_store() {
    let scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let mut collecting = Collecting::start(&scene);
    let bars = || {
        let output = scene.run(&["spool", "ls", "-o", "json"]);
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let found = list["batches"].as_array().cloned().unwrap_or_default();
        found
            .into_iter()
            .find(|batch| batch["table"] == "bars" && batch["rows"].as_u64() > Some(2))
    };
    until("a batch of bars", || bars().is_some());
    collecting.process.terminate();
    assert!(collecting.process.wait().success());
    let batch = bars().expect("a batch");
    let id = batch["id"].to_string();
    let shown = scene.run(&["spool", "show", &id]);
    let first: Value =
        serde_json::from_str(text(&shown.stdout).lines().next().expect("a row")).expect("JSON");
    assert!(first["open"].is_string(), "decimals are strings: {first}");
    scene.json(&["spool", "drop", &id], 64);
    scene.json(&["spool", "drop", &id, "999999", "--yes"], 1);
    let dropped = scene.json(&["spool", "drop", &id, "--yes"], 0);
    assert_eq!(dropped["rows"], batch["rows"]);
    let gap = &dropped["gaps"][0];
    assert_eq!(gap["first_id"], first["first_agg_trade_id"]);
    scene.place.heal("bars");
    scene.json(&["spool", "flush"], 0);
    let noted = format!(
        "SELECT count(*) FROM gaps WHERE state = 'open' AND first_id = {} AND last_id = {}",
        gap["first_id"], gap["last_id"]
    );
    assert_eq!(scene.place.ask(&noted), 1);
    assert_eq!(scene.run(&["verify", "BTCUSDT"]).status.code(), Some(1));
}

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

#[test]
fn a_full_disk_stops_a_collector_only_until_there_is_room() {
    let scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let limits = [
        "--breaker-open",
        "300ms",
        "--retry-min",
        "50ms",
        "--retry-max",
        "300ms",
    ];
    let full = [
        &limits[..],
        &["--journal-max-pages", "150", "--record-trades"],
    ]
    .concat();
    let mut collecting = Collecting::with(&scene, &full);
    until("a commit to fail", || {
        scene.logs("database or disk is full; going on from the journal") > 2
    });
    assert!(collecting.process.0.try_wait().expect("a child").is_none());
    scene.place.heal("bars");
    until("the spool to drain", || {
        let list = scene.json(&["spool", "ls"], 0);
        scene.place.count("bars") > 50 && list["totals"]["rows"].as_i64() < Some(50)
    });
    let before = scene.place.count("bars");
    until("more bars", || scene.place.count("bars") > before + 20);
    collecting.judge(&scene);
}

#[test]
fn a_spool_that_is_too_old_is_a_full_one() {
    let scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let limits = ["--breaker-open", "300ms", "--spool-age", "1s"];
    let collecting = Collecting::with(&scene, &limits);
    until("consuming to stop", || scene.logs("spool is full") > 0);
    scene.place.heal("bars");
    until("consuming to go on", || scene.logs("consuming again") > 0);
    collecting.judge(&scene);
}

#[test]
fn a_damaged_journal_is_made_up_for_from_the_store_and_the_exchange() {
    let scene = Scene::sqlite();
    let mut collecting = Collecting::start(&scene);
    until("bars", || {
        scene.directory.path().join("store.sqlite").exists()
            && scene.json(&["spool", "ls"], 0)["totals"]["rows"].is_u64()
            && scene.place.count("sqlite_schema") > 5
            && scene.place.count("bars") > 50
    });
    collecting.process.0.kill().expect("killed");
    collecting.process.wait();
    let path = scene.state_dir().join("journal.sqlite");
    let wal = scene.state_dir().join("journal.sqlite-wal");
    if wal.exists() {
        std::fs::remove_file(wal).expect("removed");
    }
    let mut bytes = std::fs::read(&path).expect("read");
    if bytes.len() <= 4096 {
        // Nothing but the write-ahead log was written yet; half a file is damaged as well.
        bytes = Vec::new();
        let whole = tempfile::tempdir().expect("a directory");
        let options = Options {
            store: Some(scene.place.bound()),
            accept_store: false,
            batch_rows: 1,
            batch_age_us: 1,
            most_rows: 100_000,
            max_pages: None,
            crash: CrashPoints::default(),
        };
        drop(Journal::open(whole.path(), options).expect("a journal"));
        bytes.extend(std::fs::read(whole.path().join("journal.sqlite")).expect("read"));
    }
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, bytes).expect("damaged");
    collecting.process = Collecting::process(&scene, &collecting.sim, &[]);
    until("the damage to be named", || {
        scene.logs("journal is damaged") > 0
    });
    let before = scene.place.count("bars");
    until("more bars", || scene.place.count("bars") > before + 20);
    collecting.judge(&scene);
}
