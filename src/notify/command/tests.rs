use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::notify::testing::{NASTY, PATIENCE, firing, message, nasty, open};

/// A program in a directory of its own, made of a shell script.
fn script(text: &str) -> (TempDir, Box<dyn Channel>) {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("notify");
    fs::write(
        &path,
        format!("#!/bin/sh\ncd '{}'\n{text}\n", folder.path().display()),
    )
    .expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
    let channel = channel(&path, &["two words", "$HOME", "'quoted'"]);
    (folder, channel)
}

fn channel(program: &Path, args: &[&str]) -> Box<dyn Channel> {
    let toml = format!(
        "type = 'command'\nprogram = '{}'\nargs = {}",
        program.display(),
        serde_json::to_string(args).expect("a list")
    );
    open(&toml, &[])
}

/// The process whose number stands in `file`; none when there is none of that number, or
/// when it has only to be waited for.
fn is_running(file: &Path) -> bool {
    let id = fs::read_to_string(file).expect("a number");
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn the_alert_arrives_on_standard_input_and_arguments_as_they_are() {
    let (folder, channel) = script("cat > alert.json; printf '%s\\n' \"$@\" > args");
    channel
        .send(&message(vec![nasty()]), PATIENCE)
        .await
        .expect("told");
    let json = fs::read(folder.path().join("alert.json")).expect("the alert");
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["rule"], "data_stale");
    assert_eq!(json["detail"], NASTY);
    let args = fs::read_to_string(folder.path().join("args")).expect("the arguments");
    assert_eq!(args, "two words\n$HOME\n'quoted'\n");
}

#[tokio::test]
async fn a_program_need_not_read_and_may_talk_as_much_as_it_likes() {
    // Far more than a pipe holds, in both directions.
    let mut long = firing();
    long.detail = "x".repeat(1 << 20);
    let (_folder, channel) = script("exec <&-; exit 0");
    channel
        .send(&message(vec![long.clone()]), PATIENCE)
        .await
        .expect("told");
    let (_folder, channel) = script("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2");
    channel
        .send(&message(vec![long]), PATIENCE)
        .await
        .expect("told");
}

#[tokio::test]
async fn a_program_that_fails_is_quoted_and_says_whether_trying_again_helps() {
    let (_folder, channel) = script("echo 'no\nroute' >&2; exit 3");
    let error = channel
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("failed");
    assert_eq!(error.remedy, Remedy::Retry { after: None });
    assert!(error.what.contains("exit status: 3: no route"), "{error}");
    let (_folder, channel) = script("exit 78");
    let error = channel
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("failed");
    assert!(error.is_permanent(), "{error}");
    let (_folder, channel) = script("kill -9 $$");
    let error = channel
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("killed");
    assert!(error.what.contains("signal: 9"), "{error}");
    let nowhere = self::channel(Path::new("/nonexistent/notify"), &[]);
    let error = nowhere
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("no program");
    assert!(
        error.is_permanent() && error.what.contains("/nonexistent/notify"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_that_hangs_ends_at_the_deadline_with_everything_it_started() {
    let (folder, channel) =
        script("trap '' TERM; sleep 600 & echo $! > child; echo $$ > leader; wait; sleep 600");
    let begun = Instant::now();
    let deadline = Duration::from_millis(700);
    let error = channel
        .send(&message(vec![firing()]), deadline)
        .await
        .expect_err("hung");
    assert!(begun.elapsed() >= deadline && begun.elapsed() < Duration::from_secs(4));
    assert_eq!(error.remedy, Remedy::Retry { after: None });
    assert!(error.what.contains("no answer within 700ms"), "{error}");
    gone(&folder.path().join("child")).await;
    gone(&folder.path().join("leader")).await;
}

#[tokio::test]
async fn a_program_ends_when_the_caller_gives_up() {
    let (folder, channel) = script("sleep 600 & echo $! > child; echo $$ > leader; wait");
    let message = message(vec![firing()]);
    let send = channel.send(&message, Duration::from_secs(60));
    let leader = folder.path().join("leader");
    let began = async {
        while !fs::read_to_string(&leader).is_ok_and(|text| text.ends_with('\n')) {
            time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        result = send => panic!("it ended: {result:?}"),
        () = began => {}
        () = time::sleep(PATIENCE) => panic!("it never began"),
    }
    gone(&folder.path().join("child")).await;
    gone(&leader).await;
}

async fn gone(file: &Path) {
    let until = Instant::now() + PATIENCE;
    while is_running(file) {
        assert!(Instant::now() < until, "{} is still there", file.display());
        time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_neither_delays_nor_ends_with_it() {
    // The one left behind keeps standard error open.
    let (folder, channel) = script("sleep 600 & echo $! > child; exit 0");
    let begun = Instant::now();
    channel
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect("told");
    assert!(begun.elapsed() < Duration::from_secs(3));
    let child = folder.path().join("child");
    assert!(is_running(&child));
    let id = fs::read_to_string(&child).expect("a number");
    let id: i32 = id.trim().parse().expect("a number");
    let id = rustix::process::Pid::from_raw(id).expect("a process");
    rustix::process::kill_process(id, rustix::process::Signal::KILL).expect("killed");
}
