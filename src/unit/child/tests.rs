use super::{
    super::testing::{PATIENCE, Process, Programs},
    *,
};

async fn run_script(programs: &Programs, deadline: Duration) -> Result<Ended, Failure> {
    let environment = programs.environment();
    run(&programs.path("unit"), &[], &environment, deadline).await
}

/// Waits until a script has written a line to `file`.
async fn written(programs: &Programs, file: &str) {
    let path = programs.path(file);
    let written = async {
        while !std::fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n')) {
            time::sleep(Duration::from_millis(5)).await;
        }
    };
    time::timeout(PATIENCE, written)
        .await
        .expect("it was written");
}

#[tokio::test]
async fn a_program_may_write_as_much_as_it_likes_and_the_end_is_kept() {
    let programs = Programs::new().with(
        "unit",
        "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero | tr '\\0' x >&2
         echo; echo the end; echo >&2; printf 'the \\033[31mcause\\n' >&2; exit 5",
    );
    let ended = run_script(&programs, PATIENCE).await.expect("it ends");
    assert_eq!(ended.status.code(), Some(5));
    assert_eq!(ended.stdout, "the end");
    assert_eq!(ended.stderr, "the  [31mcause");
    assert_eq!(ended.complaint(), "the  [31mcause");
}

#[tokio::test]
async fn a_line_longer_than_what_is_kept_begins_between_two_characters() {
    let mut output = Output::<&[u8]>::new(None);
    for _ in 0..3 {
        output.keep("é".repeat(KEPT_BYTES / 2).as_bytes());
        output.keep(b"x");
    }
    let tail = output.tail();
    assert!(!tail.contains('\u{fffd}') && tail.ends_with("éx"), "{tail}");
    assert!(tail.len() > KEPT_BYTES - 4);
    assert!(output.kept.len() <= KEPT_BYTES);
}

#[tokio::test]
async fn what_a_program_leaves_running_stays_and_is_not_waited_for() {
    // The child holds both pipes open.
    let programs = Programs::new().with("unit", "sleep 600 & echo $! > child; echo done");
    let ended = run_script(&programs, PATIENCE).await.expect("it ends");
    assert!(ended.status.success());
    assert_eq!(ended.stdout, "done");
    assert!(ended.took < PATIENCE);
    let child = Process::of(&programs.path("child"));
    assert!(child.is_running());
    child.kill();
}

#[tokio::test]
async fn at_the_deadline_a_program_ends_with_everything_it_started() {
    let programs = Programs::new().with(
        "unit",
        "trap '' TERM INT HUP; echo stopping >&2
         sleep 600 & echo $! > child; echo $$ > leader; wait; sleep 600",
    );
    let begun = Instant::now();
    let deadline = Duration::from_secs(4);
    let failure = run_script(&programs, deadline).await.expect_err("it hangs");
    assert!(begun.elapsed() >= deadline);
    assert!(matches!(failure, Failure::DeadlinePassed(said) if said == "stopping"));
    // It has been waited for, so that it is no zombie either. What it started is waited for
    // by whoever adopts it.
    assert!(Process::of(&programs.path("leader")).is_gone());
    Process::of(&programs.path("child")).ended().await;
}

#[tokio::test]
async fn a_program_ends_when_the_caller_gives_up() {
    let programs = Programs::new().with(
        "unit",
        "sleep 600 & echo $! > child; echo $$ > leader; wait",
    );
    tokio::select! {
        _ = run_script(&programs, PATIENCE) => panic!("it ended"),
        () = written(&programs, "leader") => {}
    }
    Process::of(&programs.path("leader")).ended().await;
    Process::of(&programs.path("child")).ended().await;
}

#[tokio::test]
async fn it_gets_its_environment_and_nothing_else_and_no_input() {
    let programs = Programs::new().with("unit", "cat; env | cut -d= -f1 | sort | tr '\\n' ' '");
    let environment = programs.environment().with("ASKED", "1");
    let program = programs.path("unit");
    let ended = run(&program, &[], &environment, PATIENCE).await;
    let names = ended.expect("it ends").stdout;
    // The shell adds some of its own.
    let own = ["OLDPWD", "PWD", "SHLVL", "_"];
    let names: Vec<&str> = names
        .split(' ')
        .filter(|name| !own.contains(name))
        .collect();
    assert_eq!(names, ["ASKED", "HOME", "PATH"]);
}
