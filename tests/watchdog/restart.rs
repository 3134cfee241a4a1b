//! What is restarted and what becomes of it, as a table: a program in the place of systemctl,
//! docker or one's own, and runs one after the other, each with all that it says, its exit
//! code and how often the program was called by then. In SQLite and in ClickHouse.

use std::{process::Stdio, thread};

use serde_json::Value;

use crate::{
    common::process::Process,
    json_schema::violations,
    said::{normal, until},
    scene::{Scene, aged},
};

/// A dead collector, and what restarts it.
struct Case {
    name: &'static str,
    /// The program, and what its script does beside counting its calls.
    program: (&'static str, &'static str),
    runs: &'static [Run],
}

/// One run after another.
struct Run {
    line: &'static str,
    /// What happens as soon as the program was called.
    meanwhile: Option<fn(&Scene, &Process)>,
    code: i32,
    /// All that is said: spans of time are `T`, moments `NOW`, the home is `~`, the unit is
    /// called `collect`, and lines that go on are one.
    told: &'static str,
    /// The arguments with which the program was called last.
    called: &'static str,
    calls: usize,
}

impl Run {
    /// A run that calls nothing.
    const NONE: Self = Self {
        line: "",
        meanwhile: None,
        code: 0,
        told: "",
        called: "",
        calls: 0,
    };
}

fn comes_back(scene: &Scene, _: &Process) {
    scene.put(&[aged("BTCUSDT", 0, 0)]);
}

/// A second watchdog finds the first one at work, and a third one has another target. The
/// hold is set meanwhile, too.
fn second_one(scene: &Scene, first: &Process) {
    let pid = first.0.id().to_string();
    for line in ["--unit collect", "--unit collect --state-dir ~/other"] {
        scene.assert(line, 3, &[&pid, "hint: "]);
    }
    // Other tests on this machine watch units, too.
    let other = format!("other-{}", std::process::id());
    let line = format!("--unit {other} --dry-run --breaker 1ms --heartbeat 1ms");
    scene.assert(&line, 2, &["dead collector"]);
    scene.assert("", 2, &["dead collector"]);
    let line = "--unit collect --hold 2h --why new+disk";
    scene.assert(line, 0, &["held until", "a check is under way", &pid]);
    comes_back(scene, first);
}

/// So many cases are looked at together.
const LANES: usize = 4;

const DEAD: &str = "BTCUSDT: dead collector: heartbeat T old, and the same at a second look";

const CASES: &[Case] = &[
    Case {
        name: "a restart that helps",
        program: ("systemctl", ""),
        runs: &[
            Run {
                line: "--unit collect",
                meanwhile: Some(comes_back),
                code: 1,
                told: "BTCUSDT  fresh     last trade T ago\n\
                       restarted systemd unit collect.service in T, fresh again after T: {DEAD}",
                called: "--no-ask-password restart collect.service",
                calls: 1,
            },
            Run {
                line: "--unit collect",
                told: "BTCUSDT  fresh     last trade T ago",
                calls: 1,
                ..Run::NONE
            },
        ],
    },
    Case {
        name: "a user's unit",
        program: ("systemctl", ""),
        runs: &[Run {
            line: "--unit collect --user",
            meanwhile: Some(comes_back),
            code: 1,
            told: "BTCUSDT  fresh     last trade T ago\n\
                   restarted the user's systemd unit collect.service in T, \
                   fresh again after T: {DEAD}",
            called: "--no-ask-password --user restart collect.service",
            calls: 1,
        }],
    },
    Case {
        name: "a container of docker",
        program: ("docker", ""),
        runs: &[Run {
            line: "--container collect",
            meanwhile: Some(comes_back),
            code: 1,
            told: "BTCUSDT  fresh     last trade T ago\n\
                   restarted container collect in T, fresh again after T: {DEAD}",
            called: "restart collect",
            calls: 1,
        }],
    },
    Case {
        name: "a container that is missing, of podman",
        program: ("podman", "echo 'Error: no such container' >&2; exit 125"),
        runs: &[Run {
            line: "--container collect",
            code: 2,
            told: "BTCUSDT  critical  {DEAD}\n\
                   restarting container collect failed: failed to run podman restart collect: \
                   there is no such unit: Error: no such container; check the name, and try it \
                   by hand: podman restart collect",
            called: "restart collect",
            calls: 1,
            ..Run::NONE
        }],
    },
    Case {
        name: "a restart that does not help, until the budget is used up",
        program: ("systemctl", ""),
        runs: &[
            Run {
                calls: 1,
                ..IN_VAIN
            },
            Run {
                calls: 2,
                ..IN_VAIN
            },
            Run {
                calls: 3,
                ..IN_VAIN
            },
            Run {
                told: "BTCUSDT  critical  dead collector, it seems: heartbeat T old\n\
                       systemd unit collect.service is not restarted: 3 restarts within T, \
                       the next is allowed at NOW",
                calls: 3,
                ..IN_VAIN
            },
        ],
    },
    Case {
        name: "a restart a moment after the last one",
        program: ("systemctl", ""),
        runs: &[
            Run {
                line: "--unit collect --recheck 50ms",
                calls: 1,
                ..IN_VAIN
            },
            Run {
                line: "--unit collect --recheck 50ms",
                told: "BTCUSDT  critical  dead collector, it seems: heartbeat T old\n\
                       systemd unit collect.service is not restarted: the last restart was a \
                       moment ago, the next is allowed in T",
                calls: 1,
                ..IN_VAIN
            },
        ],
    },
    Case {
        name: "a restart that fails",
        program: ("systemctl", "echo 'no rights' >&2; exit 4"),
        runs: &[Run {
            line: "--unit collect",
            code: 2,
            told: "BTCUSDT  critical  {DEAD}\n\
                   restarting systemd unit collect.service failed: failed to run systemctl \
                   restart collect.service: exit status: 4: no rights; try it by hand, as the \
                   same user: systemctl restart collect.service",
            calls: 1,
            ..Run::NONE
        }],
    },
    Case {
        name: "a unit that is missing",
        program: ("systemctl", "echo 'Unit x.service not found.' >&2; exit 5"),
        runs: &[Run {
            line: "--unit collect",
            code: 2,
            told: "BTCUSDT  critical  {DEAD}\n\
                   restarting systemd unit collect.service failed: failed to run systemctl \
                   restart collect.service: there is no such unit: Unit x.service not found.; \
                   check the name, and try it by hand: systemctl restart collect.service",
            calls: 1,
            ..Run::NONE
        }],
    },
    Case {
        name: "a program that is missing",
        program: ("systemctl", ""),
        runs: &[Run {
            line: "--restart-command no-such-program",
            code: 2,
            told: "BTCUSDT  critical  {DEAD}\n\
                   restarting command no-such-program failed: failed to run no-such-program: \
                   there is no program no-such-program in PATH (~:/usr/bin:/bin); give the \
                   program with its path, or set PATH; cron's is short",
            ..Run::NONE
        }],
    },
    Case {
        name: "a restart that hangs",
        program: ("systemctl", "exec sleep 600"),
        runs: &[Run {
            line: "--unit collect --restart-timeout 1s --recheck 50ms",
            code: 2,
            told: "BTCUSDT  critical  dead collector, it seems: heartbeat T old\n\
                   restarting systemd unit collect.service failed: failed to run systemctl \
                   restart collect.service: not done within T, and killed; see whether it is \
                   still going on, or try it by hand: systemctl restart collect.service",
            calls: 1,
            ..Run::NONE
        }],
    },
    Case {
        name: "a unit that takes longer to start than the restart may, and is back then",
        program: ("systemctl", "exec sleep 600"),
        runs: &[Run {
            line: "--unit collect --restart-timeout 1s",
            meanwhile: Some(comes_back),
            code: 1,
            told: "BTCUSDT  fresh     last trade T ago\n\
                   restarted systemd unit collect.service in T, fresh again after T: {DEAD}",
            calls: 1,
            ..Run::NONE
        }],
    },
    Case {
        name: "a hold, in which it is looked at and not restarted",
        program: ("systemctl", ""),
        runs: &[
            Run {
                line: "--unit collect --hold 2h --why new+disk --dry-run",
                told: "dry run: systemd unit collect.service would be held until NOW",
                ..Run::NONE
            },
            Run {
                line: "--unit collect --release",
                told: "was not held: systemd unit collect.service",
                ..Run::NONE
            },
            Run {
                line: "--unit collect --hold 2h --why new+disk",
                told: "held until NOW: systemd unit collect.service",
                ..Run::NONE
            },
            Run {
                line: "--unit collect",
                code: 2,
                told: "BTCUSDT  critical  dead collector, it seems: heartbeat T old\n\
                       systemd unit collect.service is not restarted: held by user 0 until NOW: \
                       new disk",
                ..Run::NONE
            },
            Run {
                line: "--unit collect --release --dry-run",
                told: "dry run: systemd unit collect.service would be released (is held by \
                       user 0: new disk)",
                ..Run::NONE
            },
            Run {
                line: "--unit collect --release",
                told: "released: systemd unit collect.service (was held by user 0: new disk)",
                ..Run::NONE
            },
            Run {
                calls: 1,
                ..IN_VAIN
            },
            Run {
                line: "--hold 2h --why nothing",
                code: 3,
                told: "error: it is not said what is held or released\n\
                       hint: name it as for the check: --unit, --container or --restart-command",
                calls: 1,
                ..Run::NONE
            },
        ],
    },
    Case {
        name: "a second watchdog, and a hold while the first one is at it",
        program: ("systemctl", ""),
        runs: &[
            Run {
                line: "--unit collect --recheck 60s",
                meanwhile: Some(second_one),
                code: 1,
                told: "BTCUSDT  fresh     last trade T ago\n\
                       restarted systemd unit collect.service in T, fresh again after T: {DEAD}",
                calls: 1,
                ..Run::NONE
            },
            Run {
                line: "--unit collect --release",
                told: "released: systemd unit collect.service (was held by user 0: new disk)",
                calls: 1,
                ..Run::NONE
            },
        ],
    },
];

/// A restart after which nothing comes.
const IN_VAIN: Run = Run {
    line: "--unit collect --recheck 50ms --restarts-apart 1ms",
    code: 2,
    told: "BTCUSDT  critical  dead collector, it seems: heartbeat T old\n\
           restarted systemd unit collect.service in T, not fresh again within T: {DEAD}",
    ..Run::NONE
};

/// Most of the time somebody waits for somebody: several cases at a time, each with a store
/// of its own. All programs are written before any is started, so that no child holds one
/// open that is to be run.
fn check(scene: fn() -> Option<Scene>) {
    let prepared = CASES.iter().filter_map(|case| Some((case, scene()?)));
    let prepared: Vec<_> = prepared.collect();
    for (case, scene) in &prepared {
        let (program, script) = case.program;
        scene.program(program, &format!("echo \"$@\" >> calls\n{script}"));
        scene.put(&[aged("BTCUSDT", 300, 300)]);
    }
    let wrong: Vec<String> = thread::scope(|scope| {
        let check_lane = |lane| {
            let cases = prepared.iter().skip(lane).step_by(LANES);
            let wrong = cases.flat_map(|(case, scene)| case.check(scene));
            wrong.collect::<Vec<_>>()
        };
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| scope.spawn(move || check_lane(lane)))
            .collect();
        let lanes = lanes.into_iter();
        lanes
            .flat_map(|lane| lane.join().expect("no panic"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

impl Case {
    /// What is not as it has to be.
    fn check(&self, scene: &Scene) -> Vec<String> {
        let mut wrong = Vec::new();
        for step in self.runs {
            let mut child = scene.command(step.line);
            child.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = Process(child.spawn().expect("it starts"));
            if let Some(meanwhile) = step.meanwhile {
                until(|| scene.read("calls").lines().count() == step.calls);
                meanwhile(scene, &child);
            }
            let code = child.wait().code();
            let told = read(&mut child);
            let name = format!("{}: {} in {}", self.name, step.line, scene.address);
            let expected = step
                .told
                .replace("critical  {DEAD}", &format!("critical  {}", &DEAD[9..]));
            let expected = expected.replace("{DEAD}", DEAD);
            let calls = normal(&scene.read("calls"), scene);
            let found = (code, normal(&told, scene), calls.lines().count());
            if found != (Some(step.code), expected.clone(), step.calls) {
                let expected = (step.code, expected, step.calls);
                wrong.push(format!("{name}:\n{found:#?}\nand not\n{expected:#?}"));
            }
            let last = calls.lines().last().unwrap_or_default();
            if !step.called.is_empty() && last != step.called {
                wrong.push(format!("{name}: called with {last}"));
            }
        }
        wrong
    }
}

fn read(child: &mut Process) -> String {
    use std::io::Read as _;
    let mut told = String::new();
    let mut out = child.0.stdout.take().expect("a pipe");
    out.read_to_string(&mut told).expect("text");
    let mut err = child.0.stderr.take().expect("a pipe");
    err.read_to_string(&mut told).expect("text");
    told
}

#[test]
fn each_restart_has_its_line_and_its_exit_code_in_sqlite() {
    check(|| Some(Scene::sqlite()));
}

#[test]
fn each_restart_has_its_line_and_its_exit_code_in_clickhouse() {
    check(Scene::clickhouse);
}

/// What a run says in JSON, which follows the schema.
fn document(child: &mut Process, code: i32) -> Value {
    let found = child.wait().code();
    let told = read(child);
    assert_eq!(found, Some(code), "{told}");
    let document = serde_json::from_str(&told).expect("JSON");
    let schema = include_str!("../../schema/watchdog.schema.json");
    let schema = serde_json::from_str(schema).expect("JSON");
    assert_eq!(violations(&schema, &document), [""; 0], "{told}");
    document
}

#[test]
fn programs_get_each_outcome_of_a_restart_as_a_document() {
    let scene = Scene::sqlite();
    let start = |line: &str| {
        let mut command = scene.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Process(command.spawn().expect("it starts"))
    };
    let die = || {
        scene.clear();
        scene.put(&[aged("BTCUSDT", 300, 300)]);
    };
    scene.program("systemctl", "echo \"$@\" >> calls; test ! -e broken");
    die();
    let mut child = start("-o json --unit collect");
    until(|| scene.read("calls").lines().count() == 1);
    comes_back(&scene, &child);
    let helped = document(&mut child, 1);
    assert_eq!(helped["action"]["kind"], "restarted");
    assert!(helped["action"]["took_us"].is_i64(), "{helped:#}");
    assert!(helped["action"]["fresh_after_us"].is_i64(), "{helped:#}");

    die();
    let refused = document(&mut start("-o json --unit collect --restarts-apart 1h"), 2);
    assert_eq!(refused["action"]["kind"], "refused");
    assert_eq!(refused["action"]["ruling"], "too_soon");
    assert!(refused["action"]["allowed_at_us"].is_i64(), "{refused:#}");
    assert_eq!(scene.read("calls").lines().count(), 1);

    let line = "-o json --unit collect --recheck 50ms --restarts-apart 1ms";
    let in_vain = document(&mut start(line), 2);
    assert_eq!(in_vain["action"]["kind"], "restarted");
    assert!(in_vain["action"]["fresh_after_us"].is_null(), "{in_vain:#}");
    assert!(in_vain["action"]["waited_us"].is_i64(), "{in_vain:#}");

    std::fs::write(scene.path("broken"), "").expect("written");
    let failed = document(&mut start(line), 2);
    assert_eq!(failed["action"]["kind"], "failed");
    assert_eq!(scene.read("calls").lines().count(), 3);
}
