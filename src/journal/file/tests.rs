use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    domain::{anchor::Anchor, crash::CrashPoint, row::Rows},
    journal::{
        CheckpointRow, Commit,
        open::FILE_NAME,
        testing::{events, options},
    },
};

fn checkpoint(last_agg_trade_id: i64) -> CheckpointRow {
    CheckpointRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        anchor: Anchor::Day,
        last_agg_trade_id,
        state: format!("state at {last_agg_trade_id}"),
    }
}

fn commit(rows: Rows, last_id: i64, now_us: i64) -> Commit {
    Commit {
        rows: vec![rows],
        checkpoints: vec![checkpoint(last_id)],
        now_us,
        ..Commit::default()
    }
}

fn state_of(journal: &Journal) -> Option<String> {
    let symbol = "BTCUSDT".parse().expect("a symbol");
    journal
        .checkpoint("sim", &symbol, Anchor::Day)
        .expect("readable")
}

#[test]
fn rows_and_checkpoint_survive_and_batches_come_in_order_until_confirmed() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(directory.path(), options()).expect("opened");
    journal
        .commit(commit(events(1..11), 5, 100))
        .expect("committed");
    journal
        .commit(commit(events(1..4), 6, 200))
        .expect("committed");
    drop(journal);

    let mut journal = Journal::open(directory.path(), options()).expect("opened again");
    assert_eq!(state_of(&journal).as_deref(), Some("state at 6"));
    assert_eq!((journal.stats().batches, journal.stats().rows), (2, 13));
    assert_eq!(journal.stats().oldest_us, Some(100));
    let first = journal
        .next_batch(None)
        .expect("readable")
        .expect("a full batch is sealed");
    assert_eq!(first.rows, events(1..11));
    assert_eq!(
        journal.seal(Some(1199)).expect("sealed"),
        0,
        "it is too young"
    );
    assert_eq!(journal.seal(Some(1200)).expect("sealed"), 1);
    journal.delivered(first.id).expect("deleted");
    let second = journal
        .next_batch(None)
        .expect("readable")
        .expect("the second");
    assert_eq!(second.rows, events(1..4));
    assert_ne!(first.token, second.token);
    journal.delivered(second.id).expect("deleted");
    assert_eq!(journal.stats(), spool::SpoolStats::default());
}

/// A month may end within a commit, with few rows before its end and many behind it.
#[test]
fn a_full_batch_does_not_overtake_the_open_one_before_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(directory.path(), options()).expect("opened");
    let Rows::Events(mut rows) = events(1..16) else {
        panic!("events");
    };
    for row in &mut rows[3..] {
        row.time_us += 40 * 86_400_000_000;
    }
    let before = Rows::Events(rows[..3].to_vec());
    journal
        .commit(commit(Rows::Events(rows), 5, 100))
        .expect("committed");
    let first = journal
        .next_batch(None)
        .expect("readable")
        .expect("a batch");
    assert_eq!(first.rows, before);
}

#[test]
fn a_token_is_kept_by_the_batch_and_never_made_from_content_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let mut journal = Journal::open(directory.path(), options()).expect("opened");
        journal
            .commit(commit(events(1..11), 5, 100))
            .expect("committed");
        let batch = journal
            .next_batch(None)
            .expect("readable")
            .expect("a batch");
        let again = journal
            .next_batch(None)
            .expect("readable")
            .expect("a batch");
        assert_eq!(batch.token, again.token);
        journal.delivered(batch.id).expect("deleted");
        tokens.push(batch.token);
    }
    assert_ne!(tokens[0], tokens[1], "the same rows in another batch");
}

#[test]
fn versions_rise_even_when_the_clock_goes_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(directory.path(), options()).expect("opened");
    let first = journal
        .commit(commit(events(1..2), 1, 1_000_000))
        .expect("committed")
        .version;
    assert_eq!(first, 1_000_000);
    drop(journal);
    let mut journal = Journal::open(directory.path(), options()).expect("opened again");
    let second = journal
        .commit(commit(events(1..2), 2, 5))
        .expect("committed")
        .version;
    assert_eq!(second, first + 1);
}

#[test]
fn a_second_collector_is_told_who_holds_the_journal() {
    let directory = tempfile::tempdir().expect("a directory");
    let _first = Journal::open(directory.path(), options()).expect("opened");
    match Journal::open(directory.path(), options()) {
        Err(JournalError::InUse { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_store_is_refused_unless_it_is_accepted() {
    let directory = tempfile::tempdir().expect("a directory");
    let slip = Options {
        store: Some("sqlite:slip".to_owned()),
        ..options()
    };
    drop(Journal::open(directory.path(), slip).expect("opened"));
    let mut journal = Journal::open(directory.path(), options()).expect("it held nothing");
    journal
        .commit(commit(events(1..2), 1, 1))
        .expect("committed");
    drop(journal);
    let elsewhere = || Options {
        store: Some("sqlite:there".to_owned()),
        ..options()
    };
    assert!(matches!(
        Journal::open(directory.path(), elsewhere()),
        Err(JournalError::OtherStore { .. })
    ));
    let accepted = Options {
        accept_store: true,
        ..elsewhere()
    };
    drop(Journal::open(directory.path(), accepted).expect("accepted"));
    drop(Journal::open(directory.path(), elsewhere()).expect("bound to the new one"));
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(FILE_NAME);
    let other = Connection::open(&path).expect("opened");
    other
        .execute_batch("CREATE TABLE mine (x)")
        .expect("created");
    drop(other);
    assert!(matches!(
        Journal::open(directory.path(), options()),
        Err(JournalError::UnknownFormat { .. })
    ));
}

#[test]
fn what_is_no_database_is_kept_under_another_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = b"not a database at all, but long enough to look at";
    std::fs::write(directory.path().join(FILE_NAME), text).expect("written");
    let journal = Journal::open(directory.path(), options()).expect("opened");
    let aside = journal.set_aside().expect("it is set aside");
    assert_eq!(std::fs::read(&aside.copy).expect("read"), text);
    assert_eq!(aside.salvaged.rows, 0);
    assert!(!aside.salvaged.lost.is_empty(), "{}", aside.salvaged);
}

#[test]
fn a_damaged_batch_is_named_and_not_delivered() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(directory.path(), options()).expect("opened");
    journal
        .commit(commit(events(1..11), 5, 100))
        .expect("committed");
    journal
        .connection
        .execute("UPDATE chunks SET payload = zeroblob(length(payload))", [])
        .expect("damaged");
    assert!(matches!(
        journal.next_batch(None),
        Err(JournalError::Damaged { batch: 1, .. })
    ));
}

#[test]
fn every_crash_point_of_a_commit_is_passed_in_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let passed = Arc::new(Mutex::new(Vec::new()));
    let crash = {
        let passed = Arc::clone(&passed);
        CrashPoints::armed(move |point| passed.lock().expect("not poisoned").push(point))
    };
    let mut journal =
        Journal::open(directory.path(), Options { crash, ..options() }).expect("opened");
    journal
        .commit(commit(events(1..11), 5, 100))
        .expect("committed");
    journal.delivered(1).expect("deleted");
    assert_eq!(
        *passed.lock().expect("not poisoned"),
        [
            CrashPoint::JournalRowsWritten,
            CrashPoint::JournalBeforeCommit,
            CrashPoint::JournalAfterCommit,
            CrashPoint::BatchSealed,
            CrashPoint::BatchDeleted,
        ]
    );
}

#[test]
fn a_damaged_journal_is_kept_aside_and_a_new_one_begun() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(directory.path(), options()).expect("opened");
    for number in 0..30 {
        let rows = commit(events(1..11), number, number);
        journal.commit(rows).expect("committed");
    }
    assert_eq!(journal.set_aside(), None);
    drop(journal);
    let path = directory.path().join(FILE_NAME);
    let mut bytes = std::fs::read(&path).expect("read");
    // The first page, with what the file says of itself, is whole.
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, &bytes).expect("damaged");
    let journal = Journal::open(directory.path(), options()).expect("a new one");
    let set_aside = journal.set_aside().expect("the old one");
    // SQLite may have counted an access in the first page.
    let kept = std::fs::read(&set_aside.copy).expect("read");
    assert!(kept[4096..] == bytes[4096..], "nothing of it is lost");
    assert_eq!(journal.stats(), spool::SpoolStats::default());
    assert_eq!(state_of(&journal), None);
}
