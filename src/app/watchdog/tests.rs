//! Runs on paused time, against a database that is made up.

mod evidence;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    run::{NotRestarted, Restarts, Watchdog},
    *,
};
use crate::{
    app::clock::Clock,
    domain::{
        freshness::{Cause, Dated, Level, Row},
        restart_policy,
    },
    unit::History,
};

const SECOND: i64 = 1_000_000;
const START: i64 = 1_767_322_800 * SECOND;

/// What the database answers after so many µs.
type Answers = Box<dyn Fn(i64) -> Result<Sight, String> + Send + Sync>;

struct MadeUp {
    begun: Instant,
    answers: Answers,
    looks: AtomicUsize,
}

#[async_trait::async_trait]
impl Database for MadeUp {
    fn address(&self) -> String {
        "made up".to_owned()
    }

    async fn look(&self) -> Result<Sight, String> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let after_us = i64::try_from(self.begun.elapsed().as_micros()).expect("short");
        (self.answers)(after_us)
    }
}

/// A unit that takes a second to restart, and remembers when it was.
struct Fake {
    begun: Instant,
    restarted_us: Mutex<Vec<i64>>,
    outcome: Result<(), NotRestarted>,
}

impl Fake {
    fn restarts(&self) -> Vec<i64> {
        let restarted = self.restarted_us.lock();
        restarted.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait::async_trait]
impl Restarts for Fake {
    fn target(&self) -> String {
        "restart it".to_owned()
    }

    async fn restart(&self, _deadline: Duration) -> Result<Duration, NotRestarted> {
        let at_us = i64::try_from(self.begun.elapsed().as_micros()).expect("short");
        self.restarted_us
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(at_us);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.outcome.clone().map(|()| Duration::from_secs(1))
    }
}

struct Scene {
    watchdog: Watchdog,
    unit: Arc<Fake>,
    database: Arc<MadeUp>,
    history: History,
    state_dir: TempDir,
}

impl Scene {
    fn new(answers: impl Fn(i64) -> Result<Sight, String> + Send + Sync + 'static) -> Self {
        let begun = Instant::now();
        let wall = move || START + i64::try_from(begun.elapsed().as_micros()).expect("short");
        let unit = Arc::new(Fake {
            begun,
            restarted_us: Mutex::default(),
            outcome: Ok(()),
        });
        let database = Arc::new(MadeUp {
            begun,
            answers: Box::new(answers),
            looks: AtomicUsize::new(0),
        });
        let state_dir = tempfile::tempdir().expect("a directory");
        let history = History::lock(state_dir.path(), "it", START).expect("free");
        Self {
            watchdog: Watchdog {
                settings: testing::settings(),
                clock: Clock::with_wall(wall),
                database: Arc::clone(&database) as Arc<dyn Database>,
                journal: None,
                exchange: None,
                unit: Some(Arc::clone(&unit) as Arc<dyn Restarts>),
            },
            unit,
            database,
            history,
            state_dir,
        }
    }

    async fn run(&mut self) -> Outcome {
        self.watchdog.run(Some(Ok(&mut self.history))).await
    }
}

/// A row whose heartbeat and newest trade are from so many µs after the start.
fn row(at_us: i64) -> Seen {
    Seen {
        exchange: "sim".to_owned(),
        name: "BTCUSDT".to_owned(),
        collector: Some("nas".to_owned()),
        row: Row {
            received_at_us: Some(START + at_us),
            heartbeat_at_us: Some(START + at_us),
            ..Row::default()
        },
        last_id: Some(7),
        dated: Dated::ByDatabase,
        has_ended: false,
    }
}

#[allow(clippy::unnecessary_wraps, reason = "other answers are errors")]
fn sight(rows: &[Seen]) -> Result<Sight, String> {
    Ok(Sight {
        skew_us: Some(0),
        seen: rows.to_vec(),
        unreadable: Vec::new(),
    })
}

const OLD: i64 = -900 * SECOND;

#[tokio::test(start_paused = true)]
async fn a_dead_collector_is_restarted_after_a_second_look_and_seen_fresh_again() {
    let mut scene = Scene::new(|after_us| {
        // The unit is restarted after 70 s, and its first heartbeat is there 5 s later.
        sight(&[row(if after_us < 76 * SECOND {
            OLD
        } else {
            after_us
        })])
    });
    let outcome = scene.run().await;
    assert_eq!(scene.unit.restarts(), [70 * SECOND]);
    let Action::Restarted { fresh_after_us, .. } = &outcome.action else {
        panic!("{outcome:?}");
    };
    assert_eq!(*fresh_after_us, Some(5 * SECOND));
    assert_eq!(outcome.symbols[0].verdict.level, Level::Fresh);
    assert_eq!(outcome.level(), Level::Warning);
    assert_eq!(scene.history.attempts_us(), [START + 70 * SECOND]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_does_not_help_is_waited_for_and_critical() {
    let mut scene = Scene::new(|_| sight(&[row(OLD)]));
    let outcome = scene.run().await;
    assert!(
        matches!(outcome.action, Action::Restarted { fresh_after_us: None, waited_us, .. }
            if waited_us == 60 * SECOND),
        "{outcome:?}"
    );
    assert_eq!(outcome.level(), Level::Critical);
    // The next run finds that the last one was a moment ago, and does not even wait.
    let looks = scene.database.looks.load(Ordering::SeqCst);
    let outcome = scene.run().await;
    assert!(matches!(outcome.action, Action::Refused(_)), "{outcome:?}");
    assert_eq!(scene.unit.restarts().len(), 1);
    assert_eq!(scene.database.looks.load(Ordering::SeqCst), looks + 1);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_after_an_outage_of_the_database_restarts_nothing() {
    // The breaker closes after 55 s, and a heartbeat comes with it.
    let mut scene = Scene::new(|after_us| {
        sight(&[row(if after_us < 55 * SECOND {
            OLD
        } else {
            55 * SECOND
        })])
    });
    let outcome = scene.run().await;
    assert_eq!(outcome.action, Action::NotNeeded);
    assert_eq!(outcome.level(), Level::Fresh);
    assert_eq!(scene.unit.restarts(), [0_i64; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_fails_at_the_second_look_restarts_nothing() {
    for is_hanging in [false, true] {
        let mut scene = Scene::new(move |after_us| match after_us {
            0..1_000_000 => sight(&[row(OLD)]),
            _ if is_hanging => sight(&[]),
            _ => Err("gone".to_owned()),
        });
        let outcome = scene.run().await;
        assert_eq!(outcome.level(), Level::Unknown, "{outcome:?}");
        assert_eq!(scene.unit.restarts(), [0_i64; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_the_database_is_taken_out_of_ages() {
    for minutes in [-10_i64, 10] {
        let skew_us = minutes * 60 * SECOND;
        let mut scene = Scene::new(move |after_us| {
            sight(&[row(after_us + skew_us - SECOND)]).map(|sight| Sight {
                skew_us: Some(skew_us),
                ..sight
            })
        });
        let outcome = scene.run().await;
        assert_eq!(outcome.level(), Level::Fresh, "{outcome:?}");
        assert_eq!(outcome.symbols[0].age_us, Some(SECOND));
        assert_eq!(outcome.notable_skew_us(), Some(skew_us));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_record_nothing_is_restarted() {
    let scene = Scene::new(|_| sight(&[row(OLD)]));
    let why = "the disk is full".to_owned();
    let outcome = scene.watchdog.run(Some(Err(why.clone()))).await;
    assert_eq!(outcome.action, Action::Failed { why });
    assert_eq!(outcome.level(), Level::Critical);
    assert_eq!(scene.unit.restarts(), [0_i64; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_ran_into_its_deadline_has_worked_if_the_data_are_fresh_again() {
    for (may_come, comes, worked) in [
        (true, true, true),
        (true, false, false),
        // One that failed is not waited for.
        (false, true, false),
    ] {
        let mut scene = Scene::new(move |after_us| {
            // The restart ends after 71 s.
            let is_back = comes && after_us >= 80 * SECOND;
            sight(&[row(if is_back { after_us } else { OLD })])
        });
        let begun = scene.database.begun;
        scene.unit = Arc::new(Fake {
            begun,
            restarted_us: Mutex::default(),
            outcome: Err(NotRestarted {
                why: "not done".to_owned(),
                may_come,
            }),
        });
        scene.watchdog.unit = Some(Arc::clone(&scene.unit) as Arc<dyn Restarts>);
        let outcome = scene.run().await;
        assert_eq!(
            matches!(
                outcome.action,
                Action::Restarted {
                    fresh_after_us: Some(_),
                    took_us: SECOND,
                    ..
                }
            ),
            worked,
            "{outcome:?}"
        );
        assert_eq!(outcome.level() == Level::Warning, worked, "{outcome:?}");
        assert_eq!(scene.history.attempts_us().len(), 1);
        let end = &scene.history.attempts()[0].outcome;
        let is_recorded = matches!(end, crate::unit::Outcome::Restarted { .. });
        assert_eq!(is_recorded, worked, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_comes_during_the_second_look_holds() {
    let mut scene = Scene::new(|_| sight(&[row(OLD)]));
    let file = crate::unit::HoldFile::of(scene.state_dir.path(), "it");
    let holding = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let hold = restart_policy::Hold {
            until_us: START + 3600 * SECOND,
            why: "new disk".to_owned(),
            by: "ada".to_owned(),
            since_us: START,
        };
        file.set(&hold)
            .expect("written while a run has the history");
    };
    let (outcome, ()) = tokio::join!(scene.watchdog.run(Some(Ok(&mut scene.history))), holding);
    assert!(
        matches!(
            outcome.action,
            Action::Refused(restart_policy::Ruling::Held { .. })
        ),
        "{outcome:?}"
    );
    assert_eq!(scene.unit.restarts(), [0_i64; 0]);
}
