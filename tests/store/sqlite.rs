//! What only a file can meet.

use std::{fs, path::Path, sync::Arc, time::Duration};

use streamkit::{
    domain::row::Rows,
    store::{
        StoreOptions,
        address::StoreAddress,
        open,
        sink::{BarQuery, Store, StoreErrorKind},
        sqlite::SqliteOptions,
    },
};

use crate::{
    place::{BackDoor, Place, read},
    rows::{bars, batch, btc, event},
};

fn at(file: &Path) -> Arc<dyn Store> {
    open(
        &StoreAddress::Sqlite(file.to_owned()),
        StoreOptions {
            sqlite: SqliteOptions {
                busy_timeout: Duration::from_millis(50),
                ..SqliteOptions::default()
            },
            ..StoreOptions::default()
        },
    )
    .expect("a store")
}

fn file(place: &Place) -> &Path {
    match &place.back_door {
        BackDoor::Sqlite { file, .. } => file,
        BackDoor::ClickHouse { .. } => panic!("not SQLite"),
    }
}

/// Every use of the file fails with this kind, for this reason.
async fn fails(store: &dyn Store, kind: StoreErrorKind, reason: &str) {
    let insert = batch(Rows::Bars(bars(&btc(), 1, 1)), "t");
    let errors = [
        store.ping().await.expect_err("no ping"),
        store.insert(&insert).await.expect_err("no insert"),
        store
            .series(&BarQuery::default())
            .await
            .expect_err("no series"),
    ];
    for error in errors {
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains("sqlite:"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made_by_reading() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bars.db");
    let store = at(&file);
    fails(&*store, StoreErrorKind::Configuration, "no such file").await;
    assert!(!file.exists());
    store.create_schema().await.expect("a schema");
    store.ping().await.expect("an answer");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("notes.txt");
    let text = "not a database, and long enough to tell\n".repeat(100);
    fs::write(&file, &text).expect("a file");
    let store = at(&file);
    fails(
        &*store,
        StoreErrorKind::Configuration,
        "not a SQLite database",
    )
    .await;
    let error = store.create_schema().await.expect_err("no schema");
    assert_eq!(error.kind, StoreErrorKind::Configuration);
    assert_eq!(fs::read_to_string(&file).expect("the file"), text);

    fails(
        &*at(directory.path()),
        StoreErrorKind::Configuration,
        "it is a directory",
    )
    .await;
    let below = at(&file.join("bars.db"));
    let error = below.create_schema().await.expect_err("no schema");
    assert_eq!(error.kind, StoreErrorKind::Configuration);
    assert!(error.to_string().contains("cannot be made"), "{error}");
}

#[tokio::test]
async fn a_locked_file_passes() {
    let place = Place::sqlite().await;
    let store = at(file(&place));
    store.ping().await.expect("an answer");
    let other = rusqlite::Connection::open(file(&place)).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let insert = batch(Rows::Bars(bars(&btc(), 1, 1)), "t");
    let error = store.insert(&insert).await.expect_err("no insert");
    assert_eq!(error.kind, StoreErrorKind::Retry, "{error}");
    assert!(error.to_string().contains("locked"), "{error}");
    // Reading goes on meanwhile.
    assert_eq!(read(&*store, &BarQuery::default()).await, []);
    other.execute_batch("ROLLBACK").expect("no lock");
    store.insert(&insert).await.expect("an insert");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_a_new_file_at_that_moment_is_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("bars.db");
    let reader = rusqlite::Connection::open(&path).expect("a file");
    reader
        .execute_batch("CREATE TABLE other (x); BEGIN; SELECT * FROM other")
        .expect("a reader");
    let store =
        open(&StoreAddress::Sqlite(path.clone()), StoreOptions::default()).expect("a store");
    let making = tokio::spawn(async move { store.create_schema().await });
    // Long enough to meet it; whoever does not wait has failed by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!making.is_finished(), "it waits for the reader");
    reader.execute_batch("COMMIT").expect("no reader");
    making.await.expect("no panic").expect("a schema");
}

#[tokio::test]
async fn another_process_reads_while_rows_go_in() {
    let place = Place::sqlite().await;
    let other = rusqlite::Connection::open(file(&place)).expect("the file");
    place.put(Rows::Bars(bars(&btc(), 10, 1)), "a").await;
    // A reader that stays where it is, in the middle of a transaction.
    other.execute_batch("BEGIN").expect("a transaction");
    let count = |db: &rusqlite::Connection| -> i64 {
        db.query_row("SELECT count(*) FROM bars_current", [], |row| row.get(0))
            .expect("a count")
    };
    assert_eq!(count(&other), 10);
    place.put(Rows::Bars(bars(&btc(), 20, 2)), "b").await;
    assert_eq!(count(&other), 10);
    other.execute_batch("COMMIT").expect("the end");
    assert_eq!(count(&other), 20);
    let second = place.reopened(StoreOptions::default());
    assert_eq!(read(&*second, &BarQuery::default()).await.len(), 20);
}

#[tokio::test]
async fn a_file_that_is_deleted_takes_no_more_rows_with_it() {
    let place = Place::sqlite().await;
    place.put(Rows::Bars(bars(&btc(), 1, 1)), "a").await;
    fs::remove_file(file(&place)).expect("no file");
    fails(&*place.store, StoreErrorKind::Configuration, "no such file").await;
    place.store.create_schema().await.expect("a schema");
    place.put(Rows::Bars(bars(&btc(), 2, 1)), "b").await;
    assert_eq!(place.bars(&BarQuery::default()).await.len(), 2);
}

#[tokio::test]
async fn a_file_of_a_newer_streamkit_is_left_alone() {
    let place = Place::sqlite().await;
    place.execute("PRAGMA user_version = 99").await;
    let store = at(file(&place));
    fails(&*store, StoreErrorKind::Configuration, "version 99").await;
}

#[tokio::test]
async fn a_file_of_another_program_keeps_its_marks_and_tables() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("mine.db");
    let mine = rusqlite::Connection::open(&file).expect("a file");
    mine.execute_batch(
        "CREATE TABLE mine (a); PRAGMA application_id = 7; PRAGMA user_version = 99",
    )
    .expect("mine");
    let store = at(&file);
    store.create_schema().await.expect("a schema");
    let insert = batch(Rows::Bars(bars(&btc(), 1, 1)), "t");
    store.insert(&insert).await.expect("an insert");
    let version: i64 = mine
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("a version");
    assert_eq!(version, 99);
}

#[tokio::test]
async fn a_missing_table_is_for_somebody_to_mend() {
    let place = Place::sqlite().await;
    place
        .execute("DROP VIEW bars_real; DROP VIEW bars_current; DROP TABLE bars")
        .await;
    let insert = batch(Rows::Bars(bars(&btc(), 1, 1)), "t");
    let error = place.store.insert(&insert).await.expect_err("no insert");
    assert_eq!(error.kind, StoreErrorKind::Configuration, "{error}");
    place.store.create_schema().await.expect("a schema");
    place.store.insert(&insert).await.expect("an insert");
}

#[tokio::test]
async fn a_row_that_can_never_go_in_is_content_and_takes_no_other_with_it() {
    let place = Place::sqlite().await;
    let mut rows = bars(&btc(), 3, 1);
    rows[1].bar.features.ofi = f64::NAN;
    let error = place
        .store
        .insert(&batch(Rows::Bars(rows.clone()), "t"))
        .await
        .expect_err("no insert");
    assert_eq!(error.kind, StoreErrorKind::Content, "{error}");
    rows[1].bar.features.ofi = 0.0;
    rows[1].version = u64::MAX;
    let error = place
        .store
        .insert(&batch(Rows::Bars(rows), "t"))
        .await
        .expect_err("no insert");
    assert_eq!(error.kind, StoreErrorKind::Content, "{error}");
    assert_eq!(place.bars(&BarQuery::default()).await, []);
}

#[tokio::test]
async fn decimals_are_exact_text_and_real_beside_it() {
    let place = Place::sqlite().await;
    place.put(Rows::Bars(bars(&btc(), 1, 1)), "a").await;
    let db = rusqlite::Connection::open(file(&place)).expect("the file");
    let (open, volume): (String, String) = db
        .query_row("SELECT open, volume FROM bars_current", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("a row");
    assert_eq!(
        (open.as_str(), volume.as_str()),
        ("60000.00000000", "5.00000000")
    );
    let (open, volume): (f64, f64) = db
        .query_row("SELECT open, volume FROM bars_real", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("a row");
    assert!((open - 60_000.0).abs() < 1e-9 && (volume - 5.0).abs() < 1e-9);
}

#[tokio::test]
async fn the_tokens_that_are_kept_have_a_bound() {
    let place = Place::sqlite().await;
    place
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) \
             INSERT INTO batches_seen (token) SELECT 'old ' || i FROM n",
        )
        .await;
    place.put(Rows::Events(vec![event("a")]), "new").await;
    let kept = place.number("SELECT count(*) FROM batches_seen").await;
    assert_eq!(kept, 10_000);
    let newest = "SELECT count(*) FROM batches_seen WHERE token IN ('new', 'old 12000')";
    assert_eq!(place.number(newest).await, 2);
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    let place = Place::sqlite().await;
    place.put(Rows::Bars(bars(&btc(), 2, 1)), "a").await;
    place
        .execute("UPDATE bars SET volume = '5', buy_volume = 'five' WHERE first_agg_trade_id = 0")
        .await;
    let mut each = |_| Ok(());
    let error = place
        .store
        .bars(&BarQuery::default(), &mut each)
        .await
        .expect_err("no bars");
    assert!(
        error.to_string().contains("its column volume: '5'"),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_but_the_file_is_left_when_its_last_user_goes() {
    let place = Place::sqlite().await;
    let rows = Rows::Bars(bars(&btc(), 20_000, 1));
    place.put(rows, "bars").await;
    let reader = place.reopened(StoreOptions::default());
    reader.ping().await.expect("an answer");
    let beside = |suffix: &str| {
        let mut path = file(&place).as_os_str().to_owned();
        path.push(suffix);
        std::path::PathBuf::from(path)
    };
    assert!(beside("-wal").exists(), "there is a log while it is used");
    let (wal, shm, file) = (beside("-wal"), beside("-shm"), file(&place).to_owned());
    let Place {
        store, back_door, ..
    } = place;
    drop(store);
    assert!(wal.exists(), "somebody else still uses it");
    drop(reader);
    assert!(!wal.exists() && !shm.exists());
    // Everything is in the file itself.
    let db = rusqlite::Connection::open(file).expect("the file");
    let count: i64 = db
        .query_row("SELECT count(*) FROM bars", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(count, 20_000);
    drop(back_door);
}
