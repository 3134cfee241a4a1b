use crate::{
    domain::row::{EventRow, Rows},
    journal::{
        BatchState, Claim, Commit, Journal, Options, SpooledBatch,
        testing::{self, events},
    },
};

const LEASE_US: i64 = 30_000_000;
const SECOND_US: i64 = 1_000_000;

fn options() -> Options {
    Options {
        batch_age_us: SECOND_US,
        most_rows: 100,
        ..testing::options()
    }
}

struct Scene {
    journal: Journal,
    rows: i64,
    now_us: i64,
    _directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            journal: Journal::open(directory.path(), options()).expect("opened"),
            rows: 0,
            now_us: 0,
            _directory: directory,
        }
    }

    /// Commits so many rows a quarter of a second later.
    fn commit(&mut self, rows: i64) {
        self.now_us += SECOND_US / 4;
        let commit = Commit {
            rows: vec![events(self.rows..self.rows + rows)],
            now_us: self.now_us,
            ..Commit::default()
        };
        self.rows += rows;
        self.journal.commit(commit).expect("committed");
    }

    fn claim(&mut self, after: Option<&SpooledBatch>) -> Option<SpooledBatch> {
        let after = after.map(|batch| batch.place);
        match self.journal.claim("me", self.now_us, LEASE_US, after) {
            Ok(Claim::Batch(batch)) => Some(*batch),
            Ok(Claim::Nothing) => None,
            other => panic!("{other:?}"),
        }
    }

    fn batches(&self) -> Vec<(BatchState, u64)> {
        let batches = self.journal.batches().expect("read");
        batches
            .into_iter()
            .map(|batch| (batch.state, batch.rows))
            .collect()
    }
}

#[test]
fn what_waits_becomes_a_few_large_batches_in_order() {
    let mut scene = Scene::new();
    for _ in 0..55 {
        scene.commit(7);
    }
    let full = (BatchState::Sealed, 100);
    let expected = [full, full, full, (BatchState::Open, 85)];
    assert_eq!(scene.batches(), expected);
    let mut first = 0;
    while let Some(batch) = scene.claim(None) {
        let rows = batch.rows.len() as i64;
        assert_eq!(batch.rows, events(first..first + rows));
        scene.journal.delivered(batch.id).expect("deleted");
        first += rows;
    }
    assert_eq!(first, scene.rows);
    assert_eq!(scene.batches(), []);
}

#[test]
fn a_commit_larger_than_a_batch_is_cut_where_batches_are_full() {
    let mut scene = Scene::new();
    scene.commit(30);
    scene.commit(270);
    let full = (BatchState::Sealed, 100);
    assert_eq!(scene.batches(), [full, full, full]);
    assert_eq!(scene.journal.verify().expect("checked"), []);
    let stats = scene.journal.stats();
    assert_eq!((stats.batches, stats.rows), (3, 300));
    assert_eq!(stats, scene.journal.read_stats().expect("read"));
}

#[test]
fn while_the_store_keeps_up_a_batch_is_sent_when_it_has_enough_rows_or_is_old_enough() {
    let mut scene = Scene::new();
    scene.commit(9);
    assert_eq!(scene.claim(None), None, "too few, too young");
    scene.commit(1);
    let full = scene.claim(None).expect("enough rows");
    assert_eq!(full.rows, events(0..10));
    scene.journal.delivered(full.id).expect("deleted");
    for _ in 0..4 {
        scene.commit(1);
        assert_eq!(scene.claim(None), None, "too young");
    }
    scene.commit(1);
    let old = scene.claim(None).expect("a second old");
    assert_eq!(old.rows, events(10..15));
}

#[test]
fn reading_on_brings_what_is_behind_the_batch_that_is_being_sent() {
    let mut scene = Scene::new();
    scene.commit(120);
    let first = scene.claim(None).expect("a batch");
    let second = scene.claim(Some(&first)).expect("enough rows");
    assert_eq!(second.rows, events(100..120));
    scene.commit(5);
    assert_eq!(scene.claim(Some(&second)), None, "what is young stays open");
    // The first one was not confirmed, and comes first again.
    assert_eq!(scene.claim(None), Some(first.clone()));
    scene.journal.delivered(first.id).expect("deleted");
    assert_eq!(scene.claim(None), Some(second));
}

mod turn_of_the_month {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const MONTH_US: i64 = 31 * 86_400 * SECOND_US;

    fn event(series: usize, time_us: i64) -> EventRow {
        EventRow {
            time_us,
            collector: "test".to_owned(),
            symbol: series.to_string(),
            code: "code".to_owned(),
            text: String::new(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Series come to the next month at times of their own, batches are claimed and
        /// confirmed in between, and still the rows of each series go in by their time.
        #[test]
        fn each_series_goes_in_by_its_time(
            steps in proptest::collection::vec(
                (proptest::collection::vec((0_usize..3, 1_i64..20), 0..6), 0_u8..4),
                1..40,
            ),
        ) {
            let mut scene = Scene::new();
            let (mut times, mut sent) = ([0_i64; 3], Vec::new());
            let mut take = |scene: &mut Scene, at_most: usize| {
                for _ in 0..at_most {
                    let Some(batch) = scene.claim(None) else { break };
                    if let Rows::Events(rows) = &batch.rows {
                        sent.extend(rows.iter().map(|row| (row.symbol.clone(), row.time_us)));
                    }
                    scene.journal.delivered(batch.id).expect("deleted");
                }
            };
            for (moves, claims) in steps {
                let rows: Vec<Rows> = moves
                    .into_iter()
                    .map(|(series, tenths)| {
                        times[series] += tenths * MONTH_US / 10;
                        Rows::Events(vec![event(series, times[series])])
                    })
                    .collect();
                scene.now_us += SECOND_US / 4;
                let commit = Commit { rows, now_us: scene.now_us, ..Commit::default() };
                scene.journal.commit(commit).expect("committed");
                take(&mut scene, claims.into());
            }
            scene.journal.seal(None).expect("sealed");
            take(&mut scene, usize::MAX);
            let mut last: HashMap<String, i64> = HashMap::new();
            for (series, time_us) in sent {
                let before = last.insert(series.clone(), time_us);
                prop_assert!(before.is_none_or(|before| before < time_us), "series {series}");
            }
        }
    }
}
