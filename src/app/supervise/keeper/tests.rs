use std::sync::Mutex;

use tokio::time::Instant;

use super::super::{Limits, MischiefAt, Supervisor, TaskStatus};
use super::*;
use crate::app::clock::Clock;

type Told = Arc<Mutex<Vec<TaskEvent>>>;

fn supervisor(mischief: &[&str]) -> (Supervisor, Told) {
    let told = Told::default();
    let teller = Arc::clone(&told);
    let mischief = mischief
        .iter()
        .map(|text| text.parse::<MischiefAt>().expect("a mischief"))
        .collect();
    let supervisor = Supervisor::new(Clock::system(), Limits::default(), mischief, move |event| {
        teller
            .lock()
            .expect("nobody panics here")
            .push(event.clone());
    });
    (supervisor, told)
}

/// A task that works every 100 ms until it is told to end.
fn work(supervisor: &Supervisor, stop: &CancellationToken) {
    let stopped = stop.clone();
    supervisor.keep("worker", stop.clone(), move |turns| {
        let stopped = stopped.clone();
        async move {
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return Ok(()),
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                }
                if turns.take_or_misbehave().await {
                    return Ok(());
                }
            }
        }
    });
}

async fn failure(told: &Told) -> (String, Option<String>, Option<(usize, Duration)>) {
    loop {
        let found = told
            .lock()
            .expect("nobody panics here")
            .iter()
            .find_map(|event| match event {
                TaskEvent::Failed {
                    reason,
                    backtrace,
                    restart,
                    ..
                } => Some((reason.clone(), backtrace.clone(), *restart)),
                _ => None,
            });
        if let Some(found) = found {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn status(supervisor: &Supervisor) -> TaskStatus {
    supervisor.statuses().remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_told_with_its_cause_and_the_task_is_started_again_after_5_s() {
    let (supervisor, told) = supervisor(&["worker:panic@3"]);
    let (stop, begun) = (CancellationToken::new(), Instant::now());
    work(&supervisor, &stop);
    let (reason, backtrace, restart) = failure(&told).await;
    assert!(reason.ends_with(": made to panic"), "{reason}");
    assert!(backtrace.is_some_and(|text| text.contains("supervise")));
    assert_eq!(restart, Some((1, Duration::from_secs(5))));
    assert_eq!(status(&supervisor).state, TaskState::Restarting);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(status(&supervisor).state, TaskState::Running);
    assert!(status(&supervisor).turns > 3, "it works again");
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_neither_ends_nor_works_is_found_within_one_and_a_quarter_of_its_patience() {
    let (supervisor, told) = supervisor(&["worker:hang@3"]);
    let (stop, begun) = (CancellationToken::new(), Instant::now());
    work(&supervisor, &stop);
    let (reason, ..) = failure(&told).await;
    assert_eq!(reason, "it hangs: no turn for 10.0 s, after 3");
    assert!(
        begun.elapsed() <= Duration::from_millis(300 + 12_500),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_unexpected_return_is_a_failure_and_a_stop_is_none() {
    let (supervisor, told) = supervisor(&["worker:return@2"]);
    let stop = CancellationToken::new();
    work(&supervisor, &stop);
    assert_eq!(failure(&told).await.0, "it ended without being told to");
    tokio::time::sleep(Duration::from_secs(10)).await;
    stop.cancel();
    assert!(
        supervisor
            .ended(Instant::now() + Duration::from_secs(1), |_| true)
            .await
            .is_empty()
    );
    let told = told.lock().expect("nobody panics here");
    let failures = told
        .iter()
        .filter(|event| matches!(event, TaskEvent::Failed { .. }));
    assert_eq!(failures.count(), 1);
    assert!(matches!(told.last(), Some(TaskEvent::Stopped { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_keeps_failing_is_given_up_after_its_budget() {
    let (supervisor, told) = supervisor(&[]);
    supervisor.keep("worker", CancellationToken::new(), |_| async {
        Err("no disk".to_owned().into())
    });
    let given = supervisor.given_up().await;
    assert_eq!((&*given.task, given.reason.as_str()), ("worker", "no disk"));
    let told = told.lock().expect("nobody panics here");
    let pauses: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            TaskEvent::Failed { restart, .. } => Some(restart.map(|(_, pause)| pause.as_secs())),
            _ => None,
        })
        .collect();
    assert_eq!(
        pauses,
        [Some(5), Some(10), Some(20), Some(40), Some(60), None]
    );
    assert_eq!(status(&supervisor).restarts, 5);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_when_told_to_is_named() {
    let (supervisor, told) = supervisor(&["worker:hang@1"]);
    let stop = CancellationToken::new();
    work(&supervisor, &stop);
    tokio::time::sleep(Duration::from_millis(150)).await;
    stop.cancel();
    assert_eq!(
        failure(&told).await.0,
        "it did not end within 10.0 s of being told to"
    );
}

#[tokio::test(start_paused = true)]
async fn what_can_be_done_without_is_never_given_up() {
    let (supervisor, told) = supervisor(&[]);
    supervisor.keep_aside("pages", CancellationToken::new(), |_| async {
        Err("no port".to_owned().into())
    });
    let ended = tokio::time::timeout(Duration::from_secs(3600), supervisor.given_up()).await;
    assert!(ended.is_err(), "{ended:?}");
    let told = told.lock().expect("nobody panics here");
    let pauses: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            TaskEvent::Failed { restart, .. } => restart.map(|(_, pause)| pause.as_secs()),
            _ => None,
        })
        .collect();
    assert_eq!(pauses[..6], [5, 10, 20, 40, 60, 60]);
    assert!((50..70).contains(&pauses.len()), "{}", pauses.len());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_even_be_made_is_a_failure_like_another() {
    let (supervisor, told) = supervisor(&[]);
    let mut is_first = true;
    supervisor.keep("worker", CancellationToken::new(), move |_| {
        assert!(!std::mem::take(&mut is_first), "no thread");
        std::future::pending()
    });
    let (reason, backtrace, restart) = failure(&told).await;
    assert!(reason.ends_with("no thread"), "{reason}");
    assert!(backtrace.is_some());
    assert_eq!(restart, Some((1, Duration::from_secs(5))));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(status(&supervisor).state, TaskState::Running);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_takes_no_keeper_with_it() {
    let supervisor = Supervisor::new(Clock::system(), Limits::default(), Vec::new(), |_| {
        panic!("no log");
    });
    let stop = CancellationToken::new();
    work(&supervisor, &stop);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(status(&supervisor).turns > 3);
    stop.cancel();
    let deadline = Instant::now() + Duration::from_secs(1);
    assert!(supervisor.ended(deadline, |_| true).await.is_empty());
    assert_eq!(supervisor.given(), None);
}
