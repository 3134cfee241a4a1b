//! What a collector says about itself to those who watch it, and that it is true.

#![allow(
    clippy::disallowed_methods,
    reason = "what a process takes is measured on a real clock"
)]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    common::{
        PATIENCE,
        process::{Process, Sim, text},
    },
    home::{Home, at, exchange, lines, until as until_line},
};

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

/// The status and the body of a page.
fn ask(port: u16, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream.write_all(request.as_bytes()).ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).ok()?;
    let status = reply.split(' ').nth(1)?.parse().ok()?;
    let body = reply.split_once("\r\n\r\n")?.1.to_owned();
    Some((status, body))
}

fn get(port: u16, page: &str) -> Option<(u16, String)> {
    let head = "Host: x\r\nConnection: close\r\n\r\n";
    ask(port, &format!("GET {page} HTTP/1.1\r\n{head}"))
}

/// The status of the answer to some JSON.
fn post(port: u16, page: &str, json: &str) -> u16 {
    let length = json.len();
    let head = format!(
        "Host: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}"
    );
    let answer = ask(
        port,
        &format!("POST {page} HTTP/1.1\r\n{head}\r\n\r\n{json}"),
    );
    answer.expect("an answer").0
}

/// Asks until `is_so`; a page that is not so in time fails the test.
fn until(port: u16, page: &str, is_so: impl Fn(u16, &str) -> bool) -> String {
    for _ in 0..PATIENCE.as_millis() / 50 {
        if let Some((status, body)) = get(port, page)
            && is_so(status, &body)
        {
            return body;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("{page} does not become so: {:?}", get(port, page));
}

#[test]
fn health_turns_bad_when_a_stream_is_dead_although_everything_else_is_fine() {
    let (home, sim, port) = (Home::new(), exchange(), free_port());
    let line = format!(
        "collect BTCUSDT ETHUSDT {} --listen 127.0.0.1:{port} --silence-min 2s \
         --silence-grace 400ms --retry-min 100ms --retry-max 200ms",
        at(&sim)
    );
    let mut child = home.command(&line);
    let child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut collector = Process(child.expect("it starts"));
    until(port, "/health", |status, _| status == 200);

    // The way in, the way out and the other symbol are as they were.
    let faults = r#"{"add":[{"fault":{"pings_only":{}},"for_ms":600000}]}"#;
    sim.control("POST", "/sim/faults", faults);
    let struck = Instant::now();
    let body = until(port, "/health", |status, _| status == 503);
    // One and a half of the silence that is allowed, and a second until somebody looks.
    let took = struck.elapsed();
    assert!(took <= Duration::from_secs(3 + 1), "{took:?}");
    let health: Value = serde_json::from_str(&body).expect("JSON");
    let complaint = health["complaints"][0].as_str().expect("a reason");
    assert!(complaint.contains("BTCUSDT"), "{complaint}");
    let checked = home.run(&format!(
        "status --check {}",
        at(&sim).split(" -t").next().expect("it")
    ));
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked.stdout));
    assert!(text(&checked.stdout).starts_with("not healthy: "));

    sim.control("POST", "/sim/faults", r#"{"clear":true}"#);
    until(port, "/health", |status, _| status == 200);
    let metrics = until(port, "/metrics", |status, _| status == 200);
    assert!(metrics.contains("\nstreamkit_healthy 1\n"), "{metrics}");
    let status: Value =
        serde_json::from_str(&get(port, "/status").expect("a page").1).expect("JSON");
    assert_eq!(status["version"], 1);
    assert_eq!(status["connections"][0]["active"], 2, "{status}");
    collector.terminate();
    assert!(collector.wait().success());
}

#[test]
fn a_service_manager_hears_of_the_start_of_life_and_of_the_end() {
    let home = Home::new();
    let sim = Sim::start(
        &["--seed", "5", "--trades-per-day", "700000", "--rate", "700"],
        &["--symbols", "BTCUSDT,ETHUSDT", "--history", "40000"],
    );
    // Catching up takes a few looks, however fast this machine is.
    let delay = r#"{"add": [{"fault": {"rest_delay": {"delay_ms": 150}}}]}"#;
    let (_, port) = sim.rest.rsplit_once(':').expect("a port");
    assert_eq!(
        post(port.parse().expect("a port"), "/sim/faults", delay),
        200
    );
    let path = home.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut command = home.command(&format!("collect BTCUSDT ETHUSDT {}", at(&sim)));
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "2000000");
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut collector = Process(child.expect("it starts"));
    let mut said = Vec::new();
    // Waits for a line after all that were heard before.
    let mut hear = |wanted: &str| {
        let (mut buffer, begun) = ([0; 4096], Instant::now());
        loop {
            assert!(begun.elapsed() < PATIENCE, "not {wanted}: {said:#?}");
            if let Some(place) = said.iter().position(|line| line == wanted) {
                said.drain(..=place);
                return;
            }
            let length = socket.recv(&mut buffer).expect(wanted);
            let text = String::from_utf8_lossy(&buffer[..length]);
            said.extend(text.lines().map(str::to_owned));
        }
    };
    hear("EXTEND_TIMEOUT_USEC=120000000");
    hear("STATUS=BTCUSDT is catching up; ETHUSDT is catching up");
    hear("READY=1");
    hear("STATUS=healthy: 2 symbols");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    collector.terminate();
    hear("STOPPING=1");
    assert!(collector.wait().success());
}

#[test]
fn what_nobody_has_looked_at_for_a_while_is_not_called_healthy() {
    let (home, sim, port) = (Home::new(), exchange(), free_port());
    let options = at(&sim);
    // It stands still for long enough that no restart mends it meanwhile.
    let line = format!(
        "collect BTCUSDT {options} --listen 127.0.0.1:{port} --hang-after 10m --mischief health:hang@5"
    );
    let mut command = home.command(&line);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut collector = Process(child.expect("it starts"));
    let body = until(port, "/health", |status, body| {
        status == 503 && body.contains("health was last judged")
    });
    let health: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        (&health["version"], &health["healthy"]),
        (&1.into(), &false.into())
    );
    assert!(health["age_s"].as_f64().expect("an age") > 3.0, "{health}");
    assert!(
        health["looked_at_us"].as_i64().expect("a time") > 0,
        "{health}"
    );
    let (code, body) = get(port, "/status").expect("a page");
    assert_eq!(code, 503, "{body}");
    let (_, metrics) = get(port, "/metrics").expect("a page");
    assert!(metrics.contains("\nstreamkit_healthy 0\n"), "{metrics}");
    let active = "\nstreamkit_symbol_active{symbol=\"BTCUSDT\"} 0\n";
    assert!(metrics.contains(active), "{metrics}");
    let place = options.split(" -t").next().expect("it").to_owned();
    let checked = home.run(&format!("status --check {place}"));
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked.stdout));
    let told = text(&checked.stdout);
    assert!(told.contains("health was last judged"), "{told}");
    let checked = home.run(&format!("status --check -o json {place}"));
    let health: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!(health["healthy"], false, "{health}");
    collector.signal(rustix::process::Signal::KILL);
    collector.wait();
}

#[test]
fn whoever_watches_goes_on_when_no_collector_answers() {
    let home = Home::new();
    for (options, words) in [
        ("", "no collector answers: "),
        (" -o json", "\"healthy\":false"),
    ] {
        let mut command = home.command(&format!("status --watch{options}"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut watching = Process(child.expect("it starts"));
        let told = lines(watching.0.stdout.take().expect("a pipe"));
        // Twice: it has not ended with the first time.
        let first = until_line(&told, words);
        let second = told.recv_timeout(PATIENCE).expect("the next time");
        if options.is_empty() {
            assert_eq!(second, "", "texts are set apart");
            until_line(&told, words);
        } else {
            assert_eq!(second, first, "documents follow each other, one a line");
        }
        watching.signal(rustix::process::Signal::INT);
        assert_eq!(watching.wait().code(), Some(130));
    }
}

#[test]
fn pages_are_there_until_the_end_and_tell_that_it_has_begun() {
    let (home, sim, port) = (Home::new(), exchange(), free_port());
    let path = home.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    // Delivery that hangs draws out the end, and no restart of it comes before.
    let line = format!(
        "collect BTCUSDT {} --listen 127.0.0.1:{port} --stop-timeout 60s --mischief delivery:hang@3",
        at(&sim)
    );
    let mut command = home.command(&line);
    command.env("NOTIFY_SOCKET", &path);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut collector = Process(child.expect("it starts"));
    until(port, "/health", |status, _| status == 200);
    collector.terminate();
    let body = until(port, "/status", |_, body| {
        body.contains("\"running\":false")
    });
    let status: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(status["health"]["complaints"][0], "it is stopping");
    assert_eq!(get(port, "/health").expect("a page").0, 503);
    let mut buffer = [0; 4096];
    let mut told = String::new();
    while !told.contains("STOPPING=1") {
        let length = socket.recv(&mut buffer).expect("the end is told");
        told.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    assert!(
        collector.0.try_wait().expect("it").is_none(),
        "it still ends"
    );
    collector.wait();
}

#[test]
fn pages_for_other_machines_need_a_token() {
    let home = Home::new();
    home.assert_refused(
        "collect BTCUSDT --exchange sim --listen 0.0.0.0:0",
        64,
        &["can be reached from other machines", "--listen-token-file"],
    );
    home.assert_refused("status", 69, &["find a collector at", "streamkit collect"]);
}

#[test]
fn somebody_is_told_of_a_dead_exchange_and_of_a_file_that_makes_no_sense() {
    let (home, sim) = (Home::new(), exchange());
    let (file, told) = (home.path("alerts.toml"), home.path("told"));
    let rules = format!(
        r#"
        [[rules]]
        name = "data_stale"
        metric = "data_stale_s"
        limit = 1.0
        severity = "critical"

        [channels.pager]
        type = "command"
        program = "/bin/sh"
        args = ["-c", "cat >> '{}'"]
        "#,
        told.display()
    );
    std::fs::write(&file, rules).expect("written");
    let line = format!("collect BTCUSDT {} --alerts {}", at(&sim), file.display());
    let mut command = home.command(&line);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut collector = Process(child.expect("it starts"));
    let log = lines(collector.0.stderr.take().expect("a pipe"));
    until_line(&log, "has caught up");
    drop(sim);
    let line = until_line(&log, "alert CRITICAL");
    assert!(line.contains("BTCUSDT"), "{line}");
    collector.terminate();
    assert!(collector.wait().success());
    let told = std::fs::read_to_string(told).expect("the pager was called");
    assert!(
        told.contains("data_stale") && told.contains("BTCUSDT"),
        "{told}"
    );
    // The store was told, too.
    let store =
        rusqlite::Connection::open(home.path("data/streamkit/streamkit.db")).expect("the store");
    let sql = "SELECT text FROM events WHERE code = 'alert.firing' ORDER BY time LIMIT 1";
    let row: String = store.query_row(sql, [], |row| row.get(0)).expect("a row");
    assert!(row.starts_with("alert CRITICAL: BTCUSDT"), "{row}");

    std::fs::write(&file, "[[rules]]\nname = \"x\"\nmetric = \"moon_phase\"\n").expect("written");
    let line = format!("collect BTCUSDT --exchange sim --alerts {}", file.display());
    home.assert_refused(&line, 78, &["alerts.toml", "moon_phase"]);
}

/// A task of those who watch misbehaves: it is named with the reason, and works again.
fn a_watching_task_is_started_anew(task: &str, what: &str, reason: &str) {
    let (home, sim, port) = (Home::new(), exchange(), free_port());
    let state = at(&sim).split(" -t").next().expect("it").to_owned();
    let line = format!(
        "collect BTCUSDT {} --listen 127.0.0.1:{port} --time-scale 0.1 --hang-after 40s \
         --mischief {task}:{what}@3",
        at(&sim)
    );
    let mut command = home.command(&line);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut collector = Process(child.expect("it starts"));
    let log = lines(collector.0.stderr.take().expect("a pipe"));
    let told = until_line(&log, "CRITICAL task ");
    let words = format!("CRITICAL task {task} failed: {reason}");
    assert!(told.contains(&words), "{told}");
    let works_again = |body: &str| {
        let status: Value = serde_json::from_str(body).expect("JSON");
        let tasks = status["tasks"].as_array().expect("tasks").iter();
        let mut found = tasks.filter(|line| line["name"] == *task);
        let line = found.next().expect("the task").clone();
        line["restarts"] == 1 && line["state"] == "running" && line["turns"].as_u64() > Some(1)
    };
    until(port, "/status", |status, body| {
        status == 200 && works_again(body)
    });
    until(port, "/health", |status, _| status == 200);
    let asked = home.run(&format!("status --check {state}"));
    assert_eq!(asked.status.code(), Some(0), "{}", text(&asked.stdout));
    collector.terminate();
    assert!(collector.wait().success());
}

/// The tasks of a collector. Each is made to panic and to hang by a test: the watching ones
/// here, those that collect in `supervision`, channels beside their code.
const TASKS: [&str; 12] = [
    "channel:pager",
    "chronicle",
    "delivery",
    "health",
    "heartbeat",
    "journal",
    "pages",
    "ping:dead-man",
    "report",
    "seal",
    "session-0",
    "status",
];

#[test]
fn every_task_is_listed_and_known_to_the_tests_that_make_tasks_fail() {
    let (home, sim, port) = (Home::new(), exchange(), free_port());
    let alerts = "[channels.pager]\ntype = 'webhook'\nurl = 'http://127.0.0.1:1'\n\
                  [channels.dead-man]\ntype = 'ping'\nurl = 'http://127.0.0.1:1'\n";
    std::fs::write(home.path("alerts.toml"), alerts).expect("written");
    let line = format!(
        "collect BTCUSDT {} --listen 127.0.0.1:{port} --alerts {}",
        at(&sim),
        home.path("alerts.toml").display()
    );
    let mut command = home.command(&line);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut collector = Process(child.expect("it starts"));
    until(port, "/health", |status, _| status == 200);
    let (_, body) = get(port, "/status").expect("a page");
    let status: Value = serde_json::from_str(&body).expect("JSON");
    let tasks = status["tasks"].as_array().expect("tasks").iter();
    let mut names: Vec<_> = tasks.filter_map(|task| task["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names, TASKS,
        "a task without tests that make it panic and hang"
    );
    collector.terminate();
    assert!(collector.wait().success());
}

#[test]
fn a_health_task_that_hangs_is_named_and_works_again() {
    a_watching_task_is_started_anew("health", "hang", "it hangs: no turn for 5.0 s");
}

#[test]
fn a_health_task_that_panics_is_named_and_works_again() {
    a_watching_task_is_started_anew("health", "panic", "it panicked at ");
}

#[test]
fn a_status_socket_whose_task_hangs_is_named_and_works_again() {
    a_watching_task_is_started_anew("status", "hang", "it hangs: no turn for 5.0 s");
}

#[test]
fn a_status_socket_whose_task_panics_is_named_and_works_again() {
    a_watching_task_is_started_anew("status", "panic", "it panicked at ");
}

#[test]
fn pages_whose_task_hangs_are_named_and_work_again() {
    a_watching_task_is_started_anew("pages", "hang", "it hangs: no turn for 5.0 s");
}

#[test]
fn a_report_whose_task_hangs_is_named_and_works_again() {
    a_watching_task_is_started_anew("report", "hang", "it hangs: no turn for 5.0 s");
}

#[test]
fn a_report_whose_task_panics_is_named_and_works_again() {
    a_watching_task_is_started_anew("report", "panic", "it panicked at ");
}

#[test]
fn pages_whose_task_panics_are_named_and_work_again() {
    a_watching_task_is_started_anew("pages", "panic", "it panicked at ");
}
