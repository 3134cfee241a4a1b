use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::*;
use crate::domain::restart_policy::{Limits, Ruling, rule};

const MINUTE: i64 = 60_000_000;
const NOW: i64 = 1_767_322_800_000_000;
const TARGET: &str = "systemctl restart streamkit.service";

fn place() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn open(place: &TempDir, now_us: i64) -> History {
    History::lock(place.path(), TARGET, now_us).expect("a history")
}

fn file(place: &TempDir) -> PathBuf {
    let name = file::safe_name(TARGET);
    place.path().join("watchdog").join(format!("{name}.json"))
}

fn ruling(history: &History, now_us: i64) -> Ruling {
    let hold = history.hold(now_us).expect("read");
    rule(Limits::UNIT, &history.attempts_us(), hold.as_ref(), now_us)
}

#[test]
fn runs_share_the_budget_and_know_what_became_of_attempts() {
    let place = place();
    for (minute, outcome) in [
        (
            0,
            Outcome::Restarted {
                took_us: 5,
                effect: "fresh after 20 s".to_owned(),
            },
        ),
        (
            10,
            Outcome::Failed {
                why: "exit status: 1".to_owned(),
            },
        ),
    ] {
        let now_us = NOW + minute * MINUTE;
        let mut history = open(&place, now_us);
        assert_eq!(ruling(&history, now_us), Ruling::Allowed);
        history.begin(now_us, "dead collector").expect("written");
        history.end(outcome.clone()).expect("written");
        drop(history);
        let history = open(&place, now_us);
        let last = history.attempts().last().expect("an attempt");
        assert_eq!((last.at_us, &last.outcome), (now_us, &outcome));
        assert_eq!(last.why, "dead collector");
    }
    let mut history = open(&place, NOW + 20 * MINUTE);
    history.begin(NOW + 20 * MINUTE, "again").expect("written");
    // As if it had crashed now: nothing is said of the outcome.
    drop(history);
    let history = open(&place, NOW + 30 * MINUTE);
    assert_eq!(history.attempts()[2].outcome, Outcome::Open);
    assert!(history.damage().is_none());
    let ruling = ruling(&history, NOW + 30 * MINUTE);
    let expected = Some(NOW + 60 * MINUTE);
    assert!(
        matches!(ruling, Ruling::OverBudget { restarts: 3, next_at_us, .. } if next_at_us == expected),
        "{ruling:?}"
    );
}

#[test]
fn a_second_one_learns_who_is_first_and_another_target_is_free() {
    let place = place();
    let first = open(&place, NOW);
    let second = History::lock(place.path(), TARGET, NOW).expect_err("it is taken");
    let own = std::process::id();
    assert!(matches!(&second, HistoryError::Busy { pid: Some(pid), .. } if *pid == own));
    assert!(
        second.to_string().contains(&format!("process {own}")),
        "{second}"
    );
    History::lock(place.path(), "docker restart x", NOW).expect("another target");
    drop(first);
    open(&place, NOW);
}

/// Names the directory in which a second process of the test below takes the lock.
const OTHER: &str = "STREAMKIT_TEST_HISTORY";

#[test]
fn a_killed_watchdog_leaves_its_attempt_and_no_lock() {
    if let Some(directory) = std::env::var_os(OTHER) {
        let mut history = History::lock(Path::new(&directory), TARGET, NOW).expect("a history");
        history.begin(NOW, "dead collector").expect("written");
        println!("begun");
        // Until it is killed, or the first process has ended.
        let _ = io::stdin().read_line(&mut String::new());
        return;
    }
    let place = place();
    let mut other = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture"])
        .arg("unit::history::tests::a_killed_watchdog_leaves_its_attempt_and_no_lock")
        .env(OTHER, place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(other.stdout.take().expect("its output")).lines();
    let has_begun = lines
        .map_while(Result::ok)
        .any(|line| line.ends_with("begun"));
    assert!(has_begun);
    let busy = History::lock(place.path(), TARGET, NOW).expect_err("it is taken");
    let id = other.id();
    assert!(
        matches!(busy, HistoryError::Busy { pid: Some(pid), .. } if pid == id),
        "{busy}"
    );
    other.kill().expect("killed");
    other.wait().expect("waited for");
    let history = open(&place, NOW + MINUTE);
    assert_eq!(history.attempts_us(), [NOW]);
    assert_eq!(history.attempts()[0].outcome, Outcome::Open);
    assert!(matches!(
        ruling(&history, NOW + MINUTE),
        Ruling::TooSoon { .. }
    ));
}

#[tokio::test]
async fn what_a_restart_leaves_running_does_not_keep_the_lock() {
    use super::super::testing::{PATIENCE, Process, Programs};
    let place = place();
    let programs = Programs::new().with("again", "sleep 600 & echo $! > child");
    let history = open(&place, NOW);
    let unit = super::super::Unit::command("again").expect("a command");
    let restarted = unit.restart(&programs.environment(), PATIENCE).await;
    restarted.expect("restarted");
    drop(history);
    let child = Process::of(&programs.path("child"));
    assert!(child.is_running());
    open(&place, NOW);
    child.kill();
}

#[test]
fn a_damaged_file_is_kept_and_counts_as_one_attempt_just_now() {
    let whole = {
        let place = place();
        open(&place, NOW)
            .begin(NOW, "dead collector")
            .expect("written");
        fs::read(file(&place)).expect("a file")
    };
    let mut damaged: Vec<Vec<u8>> = (0..whole.len() - 1)
        .step_by(7)
        .map(|n| whole[..n].to_vec())
        .collect();
    damaged.push(b"{\"version\":1}".to_vec());
    damaged.push(
        b"{\"version\":1,\"target\":\"x\",\"attempts\":[{\"at_us\":\"x\"}],\"hold\":null}".to_vec(),
    );
    damaged.push(vec![0; 4096]);
    damaged.push(vec![0xff; 10]);
    damaged.push(vec![b' '; (8 << 20) + 1]);
    for bytes in damaged {
        let place = place();
        fs::create_dir(place.path().join("watchdog")).expect("a directory");
        fs::write(file(&place), &bytes).expect("a file");
        let history = open(&place, NOW);
        let damage = history.damage().expect("it is said").clone();
        assert_eq!(fs::read(&damage.copy).expect("a copy"), bytes);
        assert_eq!(history.attempts_us(), [NOW]);
        assert!(matches!(ruling(&history, NOW), Ruling::TooSoon { .. }));
        drop(history);
        // The next run finds the attempt, and nothing wrong.
        let history = open(&place, NOW + 3 * MINUTE);
        assert!(history.damage().is_none());
        assert_eq!(history.attempts_us(), [NOW]);
        assert_eq!(ruling(&history, NOW + 3 * MINUTE), Ruling::Allowed);
    }
}

#[test]
fn damage_again_and_again_fills_no_disk() {
    let place = place();
    drop(open(&place, NOW));
    for round in 0..30 {
        fs::write(file(&place), format!("damage {round}")).expect("a file");
        assert!(open(&place, NOW).damage().is_some());
    }
    let files = fs::read_dir(place.path().join("watchdog")).expect("a directory");
    let copies: Vec<_> = files
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("~damaged-"))
        .collect();
    assert_eq!(copies.len(), 9);
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let place = place();
    drop(open(&place, NOW));
    let later = "{\"version\":2,\"else\":true}";
    fs::write(file(&place), later).expect("a file");
    let error = History::lock(place.path(), TARGET, NOW).expect_err("it is not understood");
    assert!(
        matches!(error, HistoryError::UnknownVersion { found: 2, .. }),
        "{error}"
    );
    assert_eq!(fs::read_to_string(file(&place)).expect("a file"), later);
}

#[test]
fn without_a_record_there_is_no_restart() {
    let place = place();
    let mut history = open(&place, NOW);
    // A directory in its place can neither be read as a file nor replaced by one.
    fs::create_dir(file(&place)).expect("a directory");
    fs::write(file(&place).join("x"), "").expect("a file");
    let error = history.begin(NOW, "dead collector").expect_err("no record");
    assert!(
        matches!(error, HistoryError::Io { doing: "write", .. }),
        "{error}"
    );
    drop(history);
    let error = History::lock(place.path(), TARGET, NOW).expect_err("no record");
    assert!(
        matches!(error, HistoryError::Io { doing: "read", .. }),
        "{error}"
    );
    let file = place.path().join("file");
    fs::write(&file, "").expect("a file");
    let error = History::lock(&file, TARGET, NOW).expect_err("no directory");
    assert!(
        error.to_string().starts_with("make the directory"),
        "{error}"
    );
    assert!(!error.hint().is_empty());
}

#[test]
fn a_clock_that_was_set_back_neither_locks_it_for_ever_nor_frees_it() {
    let place = place();
    let year = 365 * 24 * 60 * MINUTE;
    {
        let mut history = open(&place, NOW + year);
        for minute in [0, 5, 10] {
            history
                .begin(NOW + year + minute * MINUTE, "x")
                .expect("written");
        }
        let file = HoldFile::of(place.path(), TARGET);
        file.set(&Hold::sample(NOW + year, 30 * MINUTE))
            .expect("written");
    }
    // The clock is right again: the attempts count, from now on.
    {
        let history = open(&place, NOW);
        assert_eq!(history.attempts_us(), [NOW; 3]);
        let found = history.hold(NOW).expect("read");
        assert_eq!(found, Some(Hold::sample(NOW, 30 * MINUTE)));
        assert!(matches!(ruling(&history, NOW), Ruling::Held { .. }));
    }
    {
        let history = open(&place, NOW + 31 * MINUTE);
        let ruling = ruling(&history, NOW + 31 * MINUTE);
        assert!(matches!(ruling, Ruling::OverBudget { .. }), "{ruling:?}");
    }
    let history = open(&place, NOW + 60 * MINUTE);
    assert_eq!(ruling(&history, NOW + 60 * MINUTE), Ruling::Allowed);
}

#[test]
fn a_hold_comes_and_goes_while_a_run_has_the_history() {
    let place = place();
    let history = open(&place, NOW);
    let file = HoldFile::of(place.path(), TARGET);
    assert_eq!(ruling(&history, NOW), Ruling::Allowed);
    file.set(&Hold::sample(NOW, MINUTE)).expect("written");
    assert!(matches!(ruling(&history, NOW), Ruling::Held { .. }));
    file.release().expect("written");
    assert_eq!(ruling(&history, NOW), Ruling::Allowed);
    let own = Some(std::process::id());
    assert_eq!(History::holder(place.path(), TARGET), own);
    drop(history);
    assert_eq!(History::holder(place.path(), TARGET), None);
}

#[test]
fn the_file_has_a_bound() {
    let place = place();
    let mut history = open(&place, NOW);
    let long = "\u{1}".repeat(10_000);
    for round in 0..300 {
        history.push(NOW + round, &long);
    }
    history.begin(NOW + 300, &long).expect("written");
    history.end(Outcome::Failed { why: long }).expect("written");
    drop(history);
    let history = open(&place, NOW + 300);
    assert!(history.damage().is_none());
    assert_eq!(history.attempts().len(), 200);
    assert_eq!(history.attempts_us().last(), Some(&(NOW + 300)));
}
