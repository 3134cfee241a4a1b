use super::*;
use crate::journal::{
    BatchState, Commit, Options, Refusal,
    refusal::tolerated,
    testing::{self, events},
};

const LEASE_US: i64 = 30_000_000;

fn options() -> Options {
    Options {
        batch_rows: 1,
        most_rows: 100_000,
        ..testing::options()
    }
}

struct Scene {
    directory: tempfile::TempDir,
    journal: Journal,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(directory.path(), options()).expect("opened");
        Self { directory, journal }
    }

    /// Commits the rows as a batch of their own.
    fn with(mut self, numbers: std::ops::Range<i64>) -> Self {
        let commit = Commit {
            rows: vec![events(numbers)],
            now_us: 5,
            ..Commit::default()
        };
        self.journal.commit(commit).expect("committed");
        self.journal.seal(None).expect("sealed");
        self
    }

    fn next(&mut self) -> Option<SpooledBatch> {
        self.journal.next_batch(None).expect("readable")
    }

    /// Delivers to a store that takes everything but these, until nothing is left or the
    /// table counts as wrong. Returns what went in, in order, and how it ended.
    fn deliver(&mut self, bad: &[i64]) -> (Vec<i64>, Option<Refusal>) {
        let mut taken = Vec::new();
        let mut tokens = std::collections::HashSet::new();
        while let Some(batch) = self.next() {
            let Rows::Events(rows) = &batch.rows else {
                panic!("only events were committed")
            };
            let numbers: Vec<i64> = rows.iter().map(|row| row.time_us).collect();
            if !numbers.iter().any(|number| bad.contains(number)) {
                assert!(tokens.insert(batch.token), "a token is used once");
                taken.extend(numbers);
                self.journal.delivered(batch.id).expect("deleted");
            } else if numbers.len() > 1 {
                assert!(self.journal.split(batch.id, "bad").expect("split"));
            } else {
                let refusal = self.journal.refuse(batch.id, "bad", false).expect("noted");
                if let Refusal::TooMany { .. } = refusal {
                    return (taken, Some(refusal));
                }
            }
            // What is counted is what is there.
            let stats = self.journal.read_stats().expect("read");
            assert_eq!(self.journal.stats(), stats);
        }
        (taken, None)
    }

    fn states(&self) -> Vec<BatchState> {
        let batches = self.journal.batches().expect("read");
        batches.into_iter().map(|batch| batch.state).collect()
    }
}

#[test]
fn one_bad_row_among_ten_thousand_is_alone_in_the_end_and_the_order_is_kept() {
    let mut scene = Scene::new().with(0..10_000).with(10_000..10_003);
    let (taken, wrong) = scene.deliver(&[4567]);
    assert_eq!(wrong, None);
    let expected: Vec<i64> = (0..10_003).filter(|&number| number != 4567).collect();
    assert_eq!(taken, expected);
    assert_eq!(scene.states(), [BatchState::Dead]);
    let stats = scene.journal.stats();
    assert_eq!((stats.rows, stats.dead_rows, stats.oldest_us), (0, 1, None));
    let dead = scene.journal.batches().expect("read").remove(0);
    assert_eq!(dead.last_error.as_deref(), Some("bad"));
    assert_eq!(
        scene.journal.read_batch(dead.id).expect("read"),
        events(4567..4568)
    );
    assert_eq!(scene.journal.verify().expect("checked"), []);
    // The cause goes away.
    assert_eq!(scene.journal.revive().expect("revived"), 1);
    assert_eq!(scene.deliver(&[]), (vec![4567], None));
    assert_eq!(scene.journal.stats(), SpoolStats::default());
}

#[test]
fn a_table_that_refuses_too_much_keeps_every_row_in_the_spool() {
    for (rows, bad) in [
        (10_000, (100..111).collect::<Vec<_>>()),
        (300, vec![5, 6, 250, 299]),
        (1, vec![0]),
        (2, vec![0, 1]),
    ] {
        let mut scene = Scene::new().with(0..rows);
        let (taken, wrong) = scene.deliver(&bad);
        assert!(matches!(wrong, Some(Refusal::TooMany { .. })), "{rows}");
        assert_eq!(scene.journal.stats().dead_rows, 0);
        assert!(
            scene
                .states()
                .iter()
                .all(|state| *state == BatchState::Sealed)
        );
        // Once it is mended, the rest goes in, in order.
        let (rest, wrong) = scene.deliver(&[]);
        assert_eq!(wrong, None);
        assert!(rest.is_sorted(), "{rest:?}");
        let mut all = [taken, rest].concat();
        all.sort_unstable();
        assert_eq!(all, (0..rows).collect::<Vec<_>>());
    }
}

#[test]
fn as_many_as_are_tolerated_die_and_one_always_may() {
    for (rows, bad) in [
        (10_000, (100..110).collect::<Vec<_>>()),
        (300, vec![5, 6, 250]),
        (2, vec![1]),
        (50, vec![0]),
    ] {
        let mut scene = Scene::new().with(0..rows);
        let (taken, wrong) = scene.deliver(&bad);
        assert_eq!(wrong, None);
        assert_eq!(taken.len() + bad.len(), rows as usize);
        assert_eq!(scene.journal.stats().dead_rows, bad.len() as u64);
    }
}

/// On either side of the limit, for batches of every kind of size: up to it the bad rows
/// become dead letters, above it nothing does.
#[test]
fn the_limit_of_bad_rows_is_exact_whatever_the_size_of_the_batch() {
    for (rows, limit) in [
        (5, 1),
        (99, 1),
        (100, 1),
        (200, 2),
        (1000, 10),
        (10_000, 10),
    ] {
        assert_eq!(tolerated(rows as u64), limit);
        for bad in [limit as i64, limit as i64 + 1] {
            // Far apart, so that each ends up alone.
            let bad: Vec<i64> = (0..bad).map(|number| number * rows / bad).collect();
            let mut scene = Scene::new().with(0..rows);
            let (taken, wrong) = scene.deliver(&bad);
            let dead = scene.journal.stats().dead_rows;
            if bad.len() as u64 <= limit {
                assert_eq!((wrong, dead), (None, limit), "{rows}");
                assert_eq!(taken.len() + bad.len(), rows as usize);
            } else {
                let refused = bad.len() as u64;
                let of = rows as u64;
                assert_eq!(wrong, Some(Refusal::TooMany { refused, of }));
                assert_eq!(dead, 0, "{rows}");
            }
        }
    }
    // A batch of one is refused as a whole; that it may die at all depends on its table.
    assert_eq!([1, 100_000].map(tolerated), [1, 10]);
}

#[test]
fn a_row_that_is_a_whole_batch_dies_only_when_the_table_is_known_to_take_rows() {
    let mut scene = Scene::new().with(0..1);
    let id = scene.next().expect("a batch").id;
    let refused = |journal: &mut Journal, proven| journal.refuse(id, "bad", proven);
    assert_eq!(
        refused(&mut scene.journal, false).expect("noted"),
        Refusal::TooMany { refused: 1, of: 1 }
    );
    assert_eq!(
        refused(&mut scene.journal, true).expect("noted"),
        Refusal::Dead(1)
    );
    assert_eq!(
        scene.journal.refuse(99, "bad", true).expect("noted"),
        Refusal::Gone
    );
}

/// Trying a dead letter again must not make it stand for its whole table.
#[test]
fn a_dead_letter_that_is_refused_again_is_dead_again_also_when_it_was_a_batch_alone() {
    let mut scene = Scene::new().with(0..1).with(1..3);
    let id = scene.next().expect("a batch").id;
    let refused = scene.journal.refuse(id, "bad", true).expect("noted");
    assert_eq!(refused, Refusal::Dead(1));
    assert_eq!(scene.journal.revive().expect("revived"), 1);
    assert_eq!(
        scene.deliver(&[0]),
        (vec![1, 2], None),
        "nothing waits behind it"
    );
    assert_eq!(scene.states(), [BatchState::Dead]);
    scene.journal.revive().expect("revived");
    assert_eq!(scene.deliver(&[]), (vec![0], None));
}

/// A batch of 300 rows in pieces, of which one row is refused and the others still wait.
fn half_refused() -> (Scene, i64) {
    let mut scene = Scene::new().with(0..300);
    let refused = loop {
        let piece = scene.next().expect("a piece");
        if piece.rows.len() == 1 {
            break piece.id;
        }
        assert!(scene.journal.split(piece.id, "bad").expect("split"));
    };
    let waits = scene.journal.refuse(refused, "bad", true).expect("noted");
    assert_eq!(waits, Refusal::Waits);
    (scene, refused)
}

fn sealed(journal: &Journal) -> Vec<i64> {
    let batches = journal.batches().expect("read").into_iter();
    let sealed = batches.filter(|batch| batch.state == BatchState::Sealed);
    sealed.map(|batch| batch.id).collect()
}

#[test]
fn what_is_refused_is_a_dead_letter_when_the_rest_of_its_batch_is_given_up() {
    let (mut scene, refused) = half_refused();
    let rest = sealed(&scene.journal);
    scene.journal.give_up(&rest, Vec::new(), 9).expect("gone");
    assert_eq!(scene.states(), [BatchState::Dead]);
    assert_eq!(scene.journal.batches().expect("read")[0].id, refused);
    let stats = scene.journal.stats();
    assert_eq!((stats.rows, stats.dead_rows), (0, 1));
}

#[test]
fn what_is_refused_is_a_dead_letter_when_the_rest_of_its_batch_is_damaged() {
    let (mut scene, _) = half_refused();
    scene
        .journal
        .connection
        .execute(
            "UPDATE chunks SET payload = zeroblob(9)
             WHERE id >> 20 IN (SELECT id FROM batches WHERE state = 'sealed')",
            [],
        )
        .expect("damaged");
    while scene.journal.next_batch(None).is_err() {}
    let states = scene.states();
    assert!(!states.contains(&BatchState::Refused), "{states:?}");
    assert!(states.contains(&BatchState::Dead), "{states:?}");
    assert_eq!(scene.journal.stats().rows, 0);
}

#[test]
fn a_batch_of_which_a_piece_is_missing_is_damaged_and_not_delivered_in_part() {
    let mut scene = Scene::new();
    for numbers in [0..3, 3..5] {
        let commit = Commit {
            rows: vec![events(numbers)],
            now_us: 5,
            ..Commit::default()
        };
        scene.journal.commit(commit).expect("committed");
    }
    scene.journal.seal(None).expect("sealed");
    let deleted = scene
        .journal
        .connection
        .execute("DELETE FROM chunks WHERE id & 0xfffff = 1", [])
        .expect("deleted");
    assert_eq!(deleted, 1);
    let error = scene.journal.next_batch(None).expect_err("it is damaged");
    assert_eq!(error.to_string(), "read batch 1: it has 3 rows, not 5");
    assert_eq!(scene.states(), [BatchState::Damaged]);
}

#[test]
fn a_split_survives_and_halves_keep_their_tokens() {
    let mut scene = Scene::new().with(0..4).with(4..5);
    let whole = scene.next().expect("a batch");
    assert!(scene.journal.split(whole.id, "bad").expect("split"));
    assert!(!scene.journal.split(whole.id, "bad").expect("it is gone"));
    let half = scene.next().expect("a half");
    assert_eq!(half.rows, events(0..2));
    assert!(half.id > whole.id && half.token != whole.token);
    assert_eq!(half.attempts, 1);
    drop(scene.journal);
    scene.journal = Journal::open(scene.directory.path(), options()).expect("opened again");
    assert_eq!(scene.next().expect("a half"), half);
    assert_eq!(scene.deliver(&[]), ((0..5).collect(), None));
}

#[test]
fn only_the_holder_of_the_lease_gets_a_batch_until_it_expires() {
    let mut scene = Scene::new().with(0..1);
    let mut other = Journal::attach(scene.directory.path(), options()).expect("attached");
    let claim = |journal: &mut Journal, who, now_us| {
        journal
            .claim(who, now_us, LEASE_US, None)
            .expect("readable")
    };
    let journal = &mut scene.journal;
    assert!(matches!(claim(journal, "a", 0), Claim::Batch(_)));
    match claim(&mut other, "b", 1_000_000) {
        Claim::HeldElsewhere(holder) => {
            assert_eq!(
                (holder.name.as_str(), holder.remaining_us),
                ("a", 29_000_000)
            );
        }
        found => panic!("{found:?}"),
    }
    // It is renewed by working, given back, or expires.
    assert!(matches!(claim(journal, "a", 20_000_000), Claim::Batch(_)));
    assert!(matches!(
        claim(&mut other, "b", 40_000_000),
        Claim::HeldElsewhere(_)
    ));
    assert!(matches!(
        claim(&mut other, "b", 50_000_000),
        Claim::Batch(_)
    ));
    assert!(matches!(
        claim(journal, "a", 50_000_001),
        Claim::HeldElsewhere(_)
    ));
    journal.release_lease("a").expect("not its own");
    assert!(matches!(
        claim(journal, "a", 50_000_002),
        Claim::HeldElsewhere(_)
    ));
    other.release_lease("b").expect("given back");
    let Claim::Batch(batch) = claim(journal, "a", 50_000_003) else {
        panic!("it is free")
    };
    // What another process does is noticed.
    other.delivered(batch.id).expect("deleted");
    assert_eq!(claim(journal, "a", 50_000_004), Claim::Nothing);
    assert_eq!(scene.journal.stats(), SpoolStats::default());
}

#[test]
fn a_lease_from_a_clock_that_went_back_keeps_nobody_away() {
    let mut scene = Scene::new().with(0..1);
    let day_us = 86_400_000_000;
    let journal = &mut scene.journal;
    assert_eq!(
        journal.take_lease("a", day_us, LEASE_US).expect("taken"),
        None
    );
    assert_eq!(journal.take_lease("b", 0, LEASE_US).expect("taken"), None);
}

#[test]
fn a_collector_that_died_leaves_no_lease_to_the_next_one() {
    let mut scene = Scene::new().with(0..1);
    let dead = crate::journal::lease::collector();
    scene.journal.take_lease(&dead, 0, LEASE_US).expect("taken");
    drop(scene.journal);
    scene.journal = Journal::open(scene.directory.path(), options()).expect("opened");
    let flusher = crate::journal::lease::flusher();
    let taken = scene.journal.take_lease(&flusher, 1, LEASE_US);
    assert_eq!(taken.expect("taken"), None);
    drop(scene.journal);
    scene.journal = Journal::open(scene.directory.path(), options()).expect("opened");
    let held = scene.journal.take_lease("next", 2, LEASE_US).expect("read");
    assert_eq!(
        held.map(|holder| holder.name),
        Some(flusher),
        "it may still run"
    );
}

#[test]
fn a_damaged_batch_is_found_and_out_of_the_way() {
    let mut scene = Scene::new().with(0..3).with(3..5);
    let id = scene.next().expect("a batch").id;
    scene
        .journal
        .connection
        .execute(
            "UPDATE chunks SET payload = zeroblob(9) WHERE id >> 20 = ?1",
            [id],
        )
        .expect("damaged");
    let findings = scene.journal.verify().expect("checked");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].batch, Some(id));
    assert!(scene.journal.next_batch(None).is_err());
    assert_eq!(scene.journal.stats().dead_rows, 3);
    assert_eq!(scene.deliver(&[]), (vec![3, 4], None));
    assert_eq!(scene.states(), [BatchState::Damaged]);
}

#[test]
fn what_is_given_up_is_told_in_the_same_transaction() {
    let mut scene = Scene::new().with(0..3).with(3..5);
    let id = scene.next().expect("a batch").id;
    let missing = scene.journal.give_up(&[id, 99], vec![events(7..8)], 9);
    assert!(matches!(
        missing,
        Err(JournalError::UnknownBatch { batch: 99 })
    ));
    assert_eq!(scene.journal.stats().rows, 5, "nothing is done by halves");
    let journal = &mut scene.journal;
    journal
        .give_up(&[id], vec![events(7..8)], 9)
        .expect("given up");
    journal.seal(None).expect("sealed");
    assert_eq!(scene.deliver(&[]), (vec![3, 4, 7], None));
}
