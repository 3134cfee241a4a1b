use super::*;
use crate::{
    domain::{
        anchor::Anchor,
        row::{EventRow, Rows},
    },
    journal::{Commit, Journal, JournalError, codec, open::FILE_NAME, testing::options},
};

/// The statements that made a file of format 1.
const FORMAT_1: &str = "
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA application_id = 0x736b6974;
    PRAGMA user_version = 1;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE checkpoints (
      exchange TEXT NOT NULL, symbol TEXT NOT NULL, anchor TEXT NOT NULL,
      last_agg_trade_id INTEGER NOT NULL, state TEXT NOT NULL,
      committed_at_us INTEGER NOT NULL,
      PRIMARY KEY (exchange, symbol, anchor)) STRICT;
    CREATE TABLE batches (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      table_name TEXT NOT NULL, partition INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('open', 'sealed')),
      rows INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
      token TEXT, created_at_us INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT) STRICT;
    CREATE INDEX open_batches ON batches (table_name, partition) WHERE state = 'open';
    CREATE TABLE chunks (
      batch_id INTEGER NOT NULL, place INTEGER NOT NULL,
      payload BLOB NOT NULL, crc32 INTEGER NOT NULL,
      PRIMARY KEY (batch_id, place)) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('journal_id', 'abc'), ('last_version', '500'),
      ('store', 'sqlite:here');
    INSERT INTO checkpoints VALUES ('sim', 'BTCUSDT', 'day', 41, 'the state', 400);";

fn event(number: i64) -> Rows {
    Rows::Events(vec![EventRow {
        time_us: number,
        collector: "test".to_owned(),
        symbol: String::new(),
        code: "code".to_owned(),
        text: String::new(),
    }])
}

/// A file of format 1 with a sealed batch, 7, and an open one, 8; 9 was delivered.
fn old_file(directory: &Path) {
    let old = Connection::open(directory.join(FILE_NAME)).expect("opened");
    old.execute_batch(FORMAT_1).expect("made");
    old.execute_batch(
        "INSERT INTO batches VALUES
           (7, 'events', 0, 'sealed', 1, 5, 'the token', 300, 2, 'refused'),
           (8, 'events', 0, 'open', 1, 5, NULL, 400, 0, NULL),
           (9, 'events', 0, 'open', 1, 5, NULL, 400, 0, NULL);
         DELETE FROM batches WHERE id = 9;",
    )
    .expect("filled");
    for id in [7, 8] {
        let chunk = codec::encode(&event(id)).expect("encoded");
        old.execute(
            "INSERT INTO chunks VALUES (?1, 0, ?2, ?3)",
            rusqlite::params![id, chunk.payload, chunk.crc32],
        )
        .expect("filled");
    }
}

#[test]
fn a_journal_of_format_1_goes_on_where_it_was() {
    let directory = tempfile::tempdir().expect("a directory");
    old_file(directory.path());
    let mut journal = Journal::open(directory.path(), options()).expect("opened");
    let symbol = "BTCUSDT".parse().expect("a symbol");
    let state = journal.checkpoint("sim", &symbol, Anchor::Day);
    assert_eq!(state.expect("read").as_deref(), Some("the state"));
    assert_eq!((journal.stats().batches, journal.stats().rows), (2, 2));
    let sealed = journal.next_batch(None).expect("read").expect("a batch");
    assert_eq!((sealed.id, sealed.attempts), (7, 2));
    assert_eq!(
        (sealed.token.as_str(), &sealed.rows),
        ("the token", &event(7))
    );
    // The open batch goes on growing, and numbers and versions are never used again.
    let commit = Commit {
        rows: vec![event(10)],
        now_us: 450,
        ..Commit::default()
    };
    assert_eq!(journal.commit(commit).expect("committed").version, 501);
    journal.seal(None).expect("sealed");
    journal.delivered(7).expect("deleted");
    let open = journal.next_batch(None).expect("read").expect("a batch");
    assert_eq!((open.id, open.rows.len()), (8, 2));
    journal.delivered(8).expect("deleted");
    let commit = Commit {
        rows: vec![event(11)],
        now_us: 460,
        ..Commit::default()
    };
    journal.commit(commit).expect("committed");
    journal.seal(None).expect("sealed");
    assert_eq!(
        journal.next_batch(None).expect("read").expect("a batch").id,
        10
    );
    drop(journal);
    drop(Journal::open(directory.path(), options()).expect("opened again"));
}

#[test]
fn tables_are_not_changed_under_a_collector_that_runs() {
    let directory = tempfile::tempdir().expect("a directory");
    let running = Journal::open(directory.path(), options()).expect("opened");
    drop(Journal::attach(directory.path(), options()).expect("the format is known"));
    // As if the one that runs were older.
    running
        .connection
        .pragma_update(None, "user_version", 1)
        .expect("written");
    assert!(matches!(
        Journal::attach(directory.path(), options()),
        Err(JournalError::InUse { .. })
    ));
    assert!(matches!(
        Journal::attach(&directory.path().join("elsewhere"), options()),
        Err(JournalError::Missing { .. })
    ));
}
