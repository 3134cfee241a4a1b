use super::{
    super::testing::{PATIENCE, Process, Programs},
    *,
};

/// A stand-in that writes down how it was called.
const RECORD: &str = "echo \"$(basename \"$0\") $*\" > called
    echo \"$XDG_RUNTIME_DIR $DBUS_SESSION_BUS_ADDRESS\" > manager";

fn recording(name: &str, then: &str) -> Programs {
    Programs::new().with(name, &format!("{RECORD}\n{then}"))
}

async fn restart(unit: &Unit, programs: &Programs) -> Result<Restarted, RestartError> {
    unit.restart(&programs.environment(), PATIENCE).await
}

#[tokio::test]
async fn a_service_is_restarted_by_its_full_name_and_asks_for_no_password() {
    let programs = recording("systemctl", "echo done");
    let unit = Unit::systemd("streamkit", false).expect("a name");
    assert_eq!(unit.to_string(), "systemctl restart streamkit.service");
    let restarted = restart(&unit, &programs).await.expect("restarted");
    assert_eq!(restarted.output_tail, "done");
    assert_eq!(
        programs.read("called"),
        "systemctl --no-ask-password restart streamkit.service\n"
    );
    assert_eq!(
        programs.read("manager"),
        " \n",
        "the system's manager needs none"
    );
}

#[tokio::test]
async fn a_service_of_the_user_is_found_from_cron() {
    let programs = recording("systemctl", "");
    let unit = Unit::systemd("streamkit.service", true).expect("a name");
    assert_eq!(
        unit.to_string(),
        "systemctl --user restart streamkit.service"
    );
    restart(&unit, &programs).await.expect("restarted");
    assert_eq!(
        programs.read("called"),
        "systemctl --no-ask-password --user restart streamkit.service\n"
    );
    assert_eq!(
        programs.read("manager"),
        "/run/user/65534 unix:path=/run/user/65534/bus\n"
    );
}

#[tokio::test]
async fn a_service_that_is_not_there_is_told_from_one_that_fails() {
    let unit = Unit::systemd("nope", false).expect("a name");
    for script in [
        "echo 'Failed to restart nope.service: Unit nope.service not found.' >&2; exit 5",
        "echo 'Failed to restart nope.service: Unit nope.service not found.' >&2; exit 1",
        "exit 5",
    ] {
        let error = restart(&unit, &recording("systemctl", script)).await;
        let error = error.expect_err("there is none");
        assert!(matches!(error, RestartError::UnitMissing { .. }), "{error}");
    }
    let script = "echo 'Job for nope.service failed.' >&2; exit 1";
    let error = restart(&unit, &recording("systemctl", script)).await;
    let error = error.expect_err("it fails");
    assert_eq!(
        error.to_string(),
        "run systemctl restart nope.service: exit status: 1: Job for nope.service failed."
    );
    assert!(error.hint().ends_with("systemctl restart nope.service"));
}

#[tokio::test]
async fn a_manager_that_is_not_there_has_its_own_hint() {
    let script = "echo 'Failed to connect to bus: No such file or directory' >&2; exit 1";
    let unit = Unit::systemd("streamkit", true).expect("a name");
    let error = restart(&unit, &recording("systemctl", script)).await;
    let hint = error.expect_err("no manager").hint();
    assert!(hint.contains("enable-linger"), "{hint}");
    let unit = Unit::systemd("streamkit", false).expect("a name");
    let error = restart(&unit, &recording("systemctl", script)).await;
    let hint = error.expect_err("no manager").hint();
    assert!(!hint.contains("enable-linger"), "{hint}");
}

#[tokio::test]
async fn a_container_is_restarted_by_whichever_engine_is_there() {
    let podman = recording("podman", "echo collect-1");
    let unit = Unit::container("collect-1", None, &podman.alone()).expect("an engine");
    assert_eq!(unit.to_string(), "podman restart collect-1");
    let restarted = restart(&unit, &podman).await.expect("restarted");
    assert_eq!(restarted.output_tail, "collect-1");
    assert_eq!(podman.read("called"), "podman restart collect-1\n");
    let both = recording("docker", "").with("podman", "exit 1");
    let unit = Unit::container("collect-1", None, &both.alone()).expect("an engine");
    assert_eq!(unit.to_string(), "docker restart collect-1");
    let given = Unit::container("collect-1", Some("/opt/podman"), &both.alone());
    let given = given.expect("an engine").to_string();
    assert_eq!(given, "/opt/podman restart collect-1");
    let neither = Unit::container("collect-1", None, &Programs::new().alone());
    assert!(
        matches!(neither, Err(UnitError::NoEngine { .. })),
        "{neither:?}"
    );
    for name in ["", "-f", "--all", "a b", "../a", "a/b"] {
        let refused = Unit::container(name, None, &both.alone());
        assert!(
            matches!(refused, Err(UnitError::ContainerName { .. })),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_container_that_is_not_there_is_told_from_one_that_fails() {
    for (script, is_missing) in [
        (
            "echo 'Error response from daemon: No such container: x' >&2; exit 1",
            true,
        ),
        (
            "echo 'Error: no container with name or ID \"x\" found: no such container' >&2; exit 125",
            true,
        ),
        (
            "echo 'Cannot connect to the Docker daemon at unix:///x' >&2; exit 1",
            false,
        ),
    ] {
        let programs = recording("docker", script);
        let unit = Unit::container("x", None, &programs.environment()).expect("an engine");
        let error = restart(&unit, &programs).await.expect_err("it fails");
        let found = matches!(error, RestartError::UnitMissing { .. });
        assert_eq!(found, is_missing, "{error}");
    }
}

#[tokio::test]
async fn a_command_gets_its_words_and_is_shown_as_it_is_typed() {
    let programs = Programs::new().with("again", "printf '%s|' \"$@\"; echo careful >&2");
    let unit = Unit::command("again 'two words' $HOME \\* ''").expect("a command");
    assert_eq!(unit.to_string(), "again 'two words' '$HOME' '*' ''");
    let restarted = restart(&unit, &programs).await.expect("restarted");
    assert_eq!(restarted.output_tail, "two words|$HOME|*||\ncareful");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_with_the_path() {
    let unit = Unit::systemd("streamkit", false).expect("a name");
    let error = unit.restart(&Programs::new().alone(), PATIENCE).await;
    let error = error.expect_err("no program");
    assert!(
        matches!(&error, RestartError::ProgramNotFound { program, .. } if program == "systemctl")
    );
    assert!(
        error
            .to_string()
            .contains("no program systemctl in PATH (/"),
        "{error}"
    );
    // What has the rights of a program but is none.
    let programs = Programs::new().with("broken", "");
    std::fs::write(programs.path("broken"), "#!/nonexistent/shell\n").expect("a file");
    let error = restart(&Unit::command("broken").expect("a command"), &programs).await;
    let error = error.expect_err("it cannot run");
    assert!(matches!(error, RestartError::NotRun { .. }), "{error}");
}

#[tokio::test]
async fn a_command_that_fails_is_quoted_and_exit_5_means_nothing_special() {
    let programs = Programs::new().with("again", "echo 'no\nroute' >&2; echo out; exit 5");
    let unit = Unit::command("again").expect("a command");
    let error = restart(&unit, &programs).await.expect_err("it fails");
    assert_eq!(error.to_string(), "run again: exit status: 5: no route");
    let programs = Programs::new().with("again", "kill -9 $$");
    let error = restart(&unit, &programs).await.expect_err("it is killed");
    assert!(error.to_string().contains("signal: 9"), "{error}");
}

#[tokio::test]
async fn a_restart_that_hangs_is_killed_at_the_deadline_and_says_so() {
    let programs = Programs::new().with(
        "docker",
        "trap '' TERM; echo 'waiting for the daemon' >&2; echo $$ > leader; sleep 600; sleep 600",
    );
    let unit = Unit::container("x", None, &programs.environment()).expect("an engine");
    let error = unit
        .restart(&programs.environment(), Duration::from_secs(4))
        .await
        .expect_err("it hangs");
    assert_eq!(
        error.to_string(),
        "run docker restart x: not done within 4s, and killed: waiting for the daemon"
    );
    assert!(Process::of(&programs.path("leader")).is_gone());
}
