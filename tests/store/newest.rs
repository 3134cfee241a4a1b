//! What every store does with the newest rows of any table.

use std::time::Duration;

use streamkit::{
    app::clock::Clock,
    store::{
        newest::{NewestOf, NewestQuery, NewestRow},
        sink::{StoreError, StoreErrorKind},
    },
};
use tokio::time::Instant;

use crate::{
    place::{BackDoor, Place},
    suite::suite,
};

suite! {
    times_of_every_type_mean_the_same_moment
    the_newest_row_of_each_name_is_found_and_conditions_hold
    names_are_no_sql
    a_table_without_rows_has_no_newest_one
    a_statement_cannot_write
    an_answer_that_takes_too_long_is_given_up_and_ends
    more_rows_than_allowed_are_a_failure
    what_is_no_name_and_time_is_a_failure
    the_clock_of_the_store_is_read
}

const MOMENT_US: i64 = 1_767_322_800_000_000;

/// Above what a slow machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

fn is_clickhouse(place: &Place) -> bool {
    matches!(place.back_door, BackDoor::ClickHouse { .. })
}

/// Makes a table of `columns`, which are given for ClickHouse and for SQLite.
async fn table(place: &Place, name: &str, columns: [&str; 2]) {
    let sql = if is_clickhouse(place) {
        let columns = columns[0];
        format!("CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY tuple()")
    } else {
        format!("CREATE TABLE {name} ({})", columns[1])
    };
    place.execute(&sql).await;
}

fn of_table(table: &str, time: &str, symbol: Option<&str>, filter: Option<&str>) -> NewestOf {
    NewestOf::Table {
        table: table.to_owned(),
        time_column: time.to_owned(),
        symbol_column: symbol.map(str::to_owned),
        filter: filter.map(str::to_owned),
    }
}

async fn ask(place: &Place, of: NewestOf) -> Result<Vec<NewestRow>, StoreError> {
    let query = NewestQuery {
        of,
        timeout: PATIENCE,
        max_rows: 1000,
    };
    place.store.newest(&query).await
}

async fn newest(place: &Place, of: NewestOf) -> Vec<NewestRow> {
    ask(place, of).await.expect("rows")
}

async fn refused(place: &Place, of: NewestOf) -> StoreError {
    ask(place, of).await.expect_err("it fails")
}

fn row(name: &str, time_us: i64) -> NewestRow {
    NewestRow {
        name: name.to_owned(),
        time_us: Some(time_us),
    }
}

async fn times_of_every_type_mean_the_same_moment(place: Place) {
    let types = if is_clickhouse(&place) {
        vec![
            ("DateTime", "1767322800"),
            ("DateTime('Asia/Tokyo')", "1767322800"),
            ("DateTime64(3)", "'2026-01-02 03:00:00.000Z'"),
            ("DateTime64(6, 'UTC')", "'2026-01-02 03:00:00.000000'"),
            ("DateTime64(9, 'Europe/Berlin')", "1767322800000000000"),
            ("Nullable(DateTime)", "1767322800"),
            ("UInt32", "1767322800"),
            ("Float64", "1767322800"),
            ("Decimal64(6)", "1767322800"),
            ("Int64", "1767322800000"),
            ("UInt64", "1767322800000000"),
            ("Int64", "1767322800000000000"),
            ("String", "'2026-01-02 03:00:00'"),
        ]
    } else {
        vec![
            ("INTEGER", "1767322800"),
            ("INTEGER", "1767322800000"),
            ("INTEGER", "1767322800000000"),
            ("INTEGER", "1767322800000000000"),
            ("REAL", "1767322800.0"),
            ("TEXT", "'2026-01-02 03:00:00'"),
            ("TEXT", "'2026-01-02T03:00:00Z'"),
            ("TEXT", "'2026-01-02T04:00:00+01:00'"),
        ]
    };
    for (number, (kind, value)) in types.into_iter().enumerate() {
        let name = format!("t{number}");
        let columns = format!("at {kind}");
        table(&place, &name, [&columns, &columns]).await;
        place
            .execute(&format!("INSERT INTO {name} VALUES ({value})"))
            .await;
        let found = newest(&place, of_table(&name, "at", None, None)).await;
        assert_eq!(found, [row(&name, MOMENT_US)], "{kind} {value}");
    }
    place.leave().await;
}

async fn the_newest_row_of_each_name_is_found_and_conditions_hold(place: Place) {
    // A name of a column that is also a word of what is asked.
    let columns = [
        "name LowCardinality(String), time Int64, kind UInt8",
        "name TEXT, time INTEGER, kind INTEGER",
    ];
    table(&place, "ticks", columns).await;
    let rows = "INSERT INTO ticks VALUES ('B', 1767322800, 1), ('B', 1767322700, 1), \
                ('A', 1767322600, 1), ('A', 1767322900, 2), ('C', 1767322800, 2)";
    place.execute(rows).await;
    let of = of_table("ticks", "time", Some("name"), Some("kind = 1 -- no others"));
    let wanted = [row("A", MOMENT_US - 200_000_000), row("B", MOMENT_US)];
    assert_eq!(newest(&place, of).await, wanted);
    let query = "SELECT name, time FROM ticks WHERE time > 0 AND kind = 1; -- all of them";
    let query = NewestOf::Query(query.replace(';', ""));
    assert_eq!(newest(&place, query).await, wanted);
    let query = NewestOf::Query("SELECT 'x', max(time) FROM ticks ;\n".to_owned());
    assert_eq!(
        newest(&place, query).await,
        [row("x", MOMENT_US + 100_000_000)]
    );
    place.leave().await;
}

async fn names_are_no_sql(place: Place) {
    table(&place, "`odd name`", ["`a b` Int64", "`a b` INTEGER"]).await;
    place
        .execute("INSERT INTO `odd name` VALUES (1767322800)")
        .await;
    let found = newest(&place, of_table("odd name", "a b", None, None)).await;
    assert_eq!(found, [row("odd name", MOMENT_US)]);
    // What is no column is not taken for a text, and nothing gets out of its quotes.
    for (name, time) in [
        ("odd name", "no such column"),
        ("odd name", "a b`) FROM `odd name` --"),
        ("odd name`; DROP TABLE `odd name", "a b"),
        ("no such table", "a b"),
    ] {
        let error = refused(&place, of_table(name, time, None, None)).await;
        assert_eq!(error.kind, StoreErrorKind::Configuration, "{error}");
    }
    assert_eq!(place.number("SELECT count(*) FROM `odd name`").await, 1);
    place.leave().await;
}

async fn a_table_without_rows_has_no_newest_one(place: Place) {
    let columns = [
        "symbol String, at Nullable(DateTime)",
        "symbol TEXT, at INTEGER",
    ];
    table(&place, "ticks", columns).await;
    for symbol in [None, Some("symbol")] {
        let of = of_table("ticks", "at", symbol, None);
        assert_eq!(newest(&place, of).await, [], "{symbol:?}");
    }
    place.execute("INSERT INTO ticks VALUES ('A', NULL)").await;
    let unknown = NewestRow {
        name: "A".to_owned(),
        time_us: None,
    };
    let of = of_table("ticks", "at", Some("symbol"), None);
    assert_eq!(newest(&place, of).await, [unknown]);
    place.leave().await;
}

async fn a_statement_cannot_write(place: Place) {
    table(&place, "ticks", ["at Int64", "at INTEGER"]).await;
    place.execute("INSERT INTO ticks VALUES (1)").await;
    let mut statements = vec![
        "INSERT INTO ticks VALUES (2)",
        "DROP TABLE ticks",
        "SELECT 'a', 1; DROP TABLE ticks",
    ];
    if is_clickhouse(&place) {
        statements.push("TRUNCATE TABLE ticks");
        statements.push("ALTER TABLE ticks DELETE WHERE 1");
    } else {
        statements.push("DELETE FROM ticks RETURNING 'a', at");
        statements.push("ATTACH 'other.db' AS other");
        statements.push("PRAGMA query_only = OFF");
    }
    for sql in statements {
        let error = refused(&place, NewestOf::Query(sql.to_owned())).await;
        assert_eq!(error.kind, StoreErrorKind::Configuration, "{sql}: {error}");
    }
    assert_eq!(place.number("SELECT count(*) FROM ticks").await, 1);
    place.leave().await;
}

async fn an_answer_that_takes_too_long_is_given_up_and_ends(place: Place) {
    let sql = if is_clickhouse(&place) {
        "SELECT 'a', sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1, \
         function_sleep_max_microseconds_per_block = 0"
    } else {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
         SELECT 'a', max(i) FROM n"
    };
    let query = NewestQuery {
        of: NewestOf::Query(sql.to_owned()),
        timeout: Duration::from_millis(200),
        max_rows: 10,
    };
    let start = Instant::now();
    let error = place.store.newest(&query).await.expect_err("too long");
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!(error.kind, StoreErrorKind::Retry, "{error}");
    assert!(error.reason.contains("in time"), "{error}");
    // The store is not kept by it.
    place.store.ping().await.expect("it answers");
    place.leave().await;
}

async fn more_rows_than_allowed_are_a_failure(place: Place) {
    let columns = ["name String, at Int64", "name TEXT, at INTEGER"];
    table(&place, "ticks", columns).await;
    place
        .execute("INSERT INTO ticks VALUES ('a', 1), ('b', 2), ('c', 3)")
        .await;
    let mut query = NewestQuery {
        of: of_table("ticks", "at", Some("name"), None),
        timeout: PATIENCE,
        max_rows: 3,
    };
    assert_eq!(place.store.newest(&query).await.expect("rows").len(), 3);
    query.max_rows = 2;
    place.store.newest(&query).await.expect_err("too many");
    place.leave().await;
}

async fn what_is_no_name_and_time_is_a_failure(place: Place) {
    for (sql, reason) in [
        ("SELECT 'a'", "1 columns"),
        ("SELECT 'a', 1, 2", "3 columns"),
        ("SELECT 'a', 'yesterday'", "'yesterday' is no time"),
    ] {
        let error = refused(&place, NewestOf::Query(sql.to_owned())).await;
        assert_eq!(error.kind, StoreErrorKind::Configuration, "{error}");
        assert!(error.reason.contains(reason), "{error}");
    }
    place.leave().await;
}

async fn the_clock_of_the_store_is_read(place: Place) {
    let us = || Clock::system().wall_us();
    let before_us = us();
    let clock_us = place.store.clock_us().await.expect("a clock");
    let after_us = us();
    if is_clickhouse(&place) {
        // The server is on this machine.
        let clock_us = clock_us.expect("its own clock");
        assert!((before_us..=after_us).contains(&clock_us), "{clock_us}");
    } else {
        assert_eq!(clock_us, None);
    }
    place.leave().await;
}

/// A collector that writes keeps nobody from looking, and the looking changes no mode of a
/// file that is another program's.
#[tokio::test]
async fn a_file_in_use_is_read_and_left_as_it_is() {
    let place = Place::sqlite().await;
    let BackDoor::Sqlite { file, .. } = &place.back_door else {
        panic!("not SQLite");
    };
    let other = file.with_file_name("other.db");
    let writer = rusqlite::Connection::open(&other).expect("a file");
    writer
        .execute_batch(
            "CREATE TABLE t (at INTEGER); INSERT INTO t VALUES (1767322800); BEGIN; \
             INSERT INTO t VALUES (1767322900)",
        )
        .expect("a transaction");
    let store = streamkit::store::open(
        &streamkit::store::address::StoreAddress::Sqlite(other.clone()),
        streamkit::store::StoreOptions::default(),
    )
    .expect("a store");
    let query = NewestQuery {
        of: of_table("t", "at", None, None),
        timeout: PATIENCE,
        max_rows: 10,
    };
    // What is not committed is not seen.
    assert_eq!(
        store.newest(&query).await.expect("rows"),
        [row("t", MOMENT_US)]
    );
    writer.execute_batch("COMMIT").expect("committed");
    let newest = store.newest(&query).await.expect("rows");
    assert_eq!(newest, [row("t", MOMENT_US + 100_000_000)]);
    let mode: String = writer
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .expect("a mode");
    assert_eq!(mode, "delete");
    place.leave().await;
}
