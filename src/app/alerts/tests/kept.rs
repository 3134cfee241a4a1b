//! Tasks of channels and pings that fail, and are kept like every other task.

use super::*;
use crate::app::{
    clock::Clock,
    supervise::{self, Supervisor, TaskState, TaskStatus},
};

/// One that makes a task misbehave, and what it tells.
fn keeping(mischief: &str) -> (Supervisor, Arc<std::sync::Mutex<Vec<String>>>) {
    let told: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let telling = Arc::clone(&told);
    let mischief = vec![mischief.parse().expect("a mischief")];
    let limits = supervise::Limits::default();
    let supervisor = Supervisor::new(Clock::system(), limits, mischief, move |event| {
        if let supervise::TaskEvent::Failed { task, reason, .. } = event {
            let mut told = telling.lock().expect("unharmed");
            told.push(format!("{task}: {reason}"));
        }
    });
    (supervisor, told)
}

fn task(supervisor: &Supervisor) -> TaskStatus {
    let mut statuses = supervisor.statuses();
    assert_eq!(statuses.len(), 1);
    statuses.remove(0)
}

/// A channel `one` by which everything arrives.
fn sending(supervisor: &Supervisor) -> (Arc<Script>, Dispatcher) {
    let one = Script::new("one", 1, Act::Arrive);
    let (limits, emit) = (Limits::default(), Events::default().emit());
    let outlets = outlets(&[&one]);
    let dispatcher = Dispatcher::start_under(supervisor, "node-1", outlets, &limits, emit);
    (one, dispatcher)
}

/// Waits until the channel shows as broken, and returns why.
async fn until_broken(notifier: &Notifier) -> String {
    let broken = async {
        loop {
            let reading = notifier.readings().remove(0);
            if reading.value > 0.0 {
                return reading.detail;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let why = tokio::time::timeout(MINUTE, broken).await;
    why.expect("it shows as broken")
}

/// What is said of a channel whose task misbehaves with its second message in hand.
async fn a_channel_is_started_anew(mischief: &str, reason: &str) {
    let (supervisor, told) = keeping(&format!("channel:one:{mischief}"));
    let (one, dispatcher) = sending(&supervisor);
    let notifier = dispatcher.notifier();
    notifier.notify(&notice(1));
    one.wait_for(1).await;
    notifier.notify(&notice(2));
    let failed = async {
        while told.lock().expect("unharmed").is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(MINUTE, failed).await.expect("in time");
    assert!(
        told.lock().expect("unharmed")[0].starts_with(&format!("channel:one: {reason}")),
        "{told:?}"
    );
    assert_eq!(
        until_broken(&notifier).await,
        "1 alerts in a row were given up: its task failed and was started anew: the log has \
         the cause"
    );
    notifier.notify(&notice(3));
    let heard = one.wait_for(2).await;
    assert_eq!(heard[1].1.lost, 1, "it hears that one was lost");
    let status = task(&supervisor);
    assert_eq!((status.state, status.restarts), (TaskState::Running, 1));
    let stats = dispatcher.stop(MINUTE).await;
    assert_eq!((stats[0].sent, stats[0].given_up), (2, 1));
    assert_eq!(stats[0].given_up_in_a_row, 0);
    assert_eq!(task(&supervisor).state, TaskState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_task_panics_shows_as_broken_and_works_again() {
    a_channel_is_started_anew("panic@3", "it panicked at ").await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_task_hangs_shows_as_broken_and_works_again() {
    a_channel_is_started_anew("hang@3", "it hangs: no turn for 26.0 s").await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_task_fails_without_a_message_loses_none_and_shows_as_broken() {
    let (supervisor, _) = keeping("channel:one:return@1");
    let (one, dispatcher) = sending(&supervisor);
    let notifier = dispatcher.notifier();
    assert_eq!(
        until_broken(&notifier).await,
        "its task failed and was started anew: the log has the cause"
    );
    notifier.notify(&notice(1));
    assert_eq!(one.wait_for(1).await[0].1.lost, 0);
    let stats = dispatcher.stop(MINUTE).await;
    assert_eq!((stats[0].sent, stats[0].given_up), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_a_stop_has_the_whole_deadline_to_arrive() {
    let (supervisor, told) = keeping("nobody:panic");
    let pause = Duration::from_secs(15);
    let slow = Script::new("slow", 1, Act::Arrive).first(&[Act::FailFor(pause)]);
    let (limits, emit) = (Limits::default(), Events::default().emit());
    let limits = Limits {
        retry_min: pause,
        ..limits
    };
    let dispatcher =
        Dispatcher::start_under(&supervisor, "node-1", outlets(&[&slow]), &limits, emit);
    dispatcher.notifier().notify(&notice(1));
    slow.wait_for(1).await;
    let stats = dispatcher.stop(3 * pause).await;
    assert_eq!((stats[0].sent, stats[0].unsent), (1, 0));
    assert!(told.lock().expect("unharmed").is_empty(), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_task_has_left_is_sent_at_a_stop() {
    let (supervisor, told) = keeping("channel:one:panic@3");
    let (_, dispatcher) = sending(&supervisor);
    for number in 0..4 {
        dispatcher.notifier().notify(&notice(number));
    }
    let stats = dispatcher.stop(MINUTE).await;
    assert_eq!(told.lock().expect("unharmed").len(), 1);
    assert_eq!(
        (stats[0].sent, stats[0].given_up, stats[0].unsent),
        (3, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_has_nothing_to_send_for_a_day_does_not_hang() {
    let (supervisor, told) = keeping("nobody:panic");
    let one = Script::new("one", 1, Act::Arrive);
    let limits = Limits::default();
    let emit = Events::default().emit();
    let dispatcher =
        Dispatcher::start_under(&supervisor, "node-1", outlets(&[&one]), &limits, emit);
    tokio::time::sleep(24 * 60 * MINUTE).await;
    assert!(told.lock().expect("unharmed").is_empty(), "{told:?}");
    assert!(task(&supervisor).turns > 10_000);
    drop(dispatcher);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(task(&supervisor).state, TaskState::Stopped);
}

/// What is said of a ping whose task misbehaves while all is well.
async fn a_ping_is_started_anew(mischief: &str, reason: &str) {
    let (supervisor, told) = keeping(&format!("ping:dead-man:{mischief}"));
    let toml = "[dead-man]\ntype = 'ping'\nurl = 'http://127.0.0.1:1'\ninterval = '60s'";
    let outlets = real::open_all(toml);
    let limits = Limits::default();
    let emit = Events::default().emit();
    let dispatcher = Dispatcher::start_under(&supervisor, "node-1", outlets, &limits, emit);
    let restarted = async {
        while task(&supervisor).restarts == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(MINUTE, restarted)
        .await
        .expect("in time");
    assert!(
        told.lock().expect("unharmed")[0].starts_with(&format!("ping:dead-man: {reason}")),
        "{told:?}"
    );
    tokio::time::sleep(MINUTE).await;
    let stats = dispatcher.notifier().ping_stats();
    assert!(stats[0].failed_in_a_row >= 1, "{stats:?}");
    assert_eq!(task(&supervisor).state, TaskState::Running);
    dispatcher.stop(MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_whose_task_panics_is_started_anew() {
    a_ping_is_started_anew("panic@2", "it panicked at ").await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_whose_task_hangs_is_started_anew() {
    a_ping_is_started_anew("hang@2", "it hangs: no turn for ").await;
}
