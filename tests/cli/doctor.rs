//! `doctor --send-test-alert`: every channel is tried, and no secret is told.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Output,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use serde_json::Value;

use crate::{
    common::{
        PATIENCE,
        process::{run, text},
    },
    home::Home,
};

fn pager(told: &Path) -> String {
    format!(
        "[channels.pager]\ntype = \"command\"\nprogram = \"/bin/sh\"\n\
         args = [\"-c\", \"cat >> '{}'\"]\n",
        told.display()
    )
}

/// A receiver that answers each request with `status`; returns its address and the bodies.
fn receiver(status: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let (sender, bodies) = sync_channel(100);
    let serve = move |mut stream: TcpStream| -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let _ = sender.try_send(text(&body));
        let end = "content-length: 2\r\nconnection: close\r\n\r\n{}";
        stream.write_all(format!("HTTP/1.1 {status}\r\n{end}").as_bytes())
    };
    thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = serve(stream);
            }
        })
        .expect("a thread");
    (url, bodies)
}

const SECRET: &str = "hunter2-no-secret-is-told";

/// Runs `doctor --send-test-alert` with the channels of `toml`.
fn send_test_alert(home: &Home, toml: &str) -> Output {
    let alerts = home.path("alerts.toml");
    fs::write(&alerts, toml).expect("written");
    let line = format!("doctor --send-test-alert --alerts {}", alerts.display());
    let mut command = home.command(&line);
    let bot = format!("123456:AA{SECRET}-and-what-else-a-token-has");
    run(command.env("PAGER_TOKEN", SECRET).env("BOT_TOKEN", bot))
}

#[test]
fn a_test_alert_goes_by_every_channel_and_is_marked() {
    let home = Home::new();
    let ((url, bodies), told) = (receiver("200 OK"), home.path("told"));
    // What only hears of critical alerts is tried as well.
    let hook = format!(
        "[channels.hook]\ntype = \"webhook\"\nurl = \"{url}\"\ntoken_env = \"PAGER_TOKEN\"\n\
         min_severity = \"critical\"\n"
    );
    let output = send_test_alert(&home, &(hook + &pager(&told)));
    let found = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines.len(), 2, "nothing else is looked at: {found}");
    assert!(
        lines[0].starts_with("ok       channel hook   took a test alert in "),
        "{found}"
    );
    assert!(
        lines[1].starts_with("ok       channel pager  took a test alert in "),
        "{found}"
    );
    let by_hook = bodies.recv_timeout(PATIENCE).expect("a request");
    for body in [by_hook, fs::read_to_string(told).expect("it was called")] {
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            (&body["is_test"], &body["rule"]),
            (&true.into(), &"test_alert".into())
        );
    }
    assert!(!(found + &text(&output.stderr)).contains(SECRET));
}

#[test]
fn a_channel_that_fails_is_named_and_the_others_are_tried() {
    let home = Home::new();
    let (refusing, _bodies) = receiver("401 Unauthorized");
    let told = home.path("told");
    let channels = format!(
        "[channels.gone]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:1/{SECRET}\"\n\
         [channels.hook]\ntype = \"webhook\"\nurl = \"{refusing}\"\ntoken_env = \"PAGER_TOKEN\"\n\
         [channels.bot]\ntype = \"telegram\"\ntoken_env = \"BOT_TOKEN\"\nchat_id = 1\n\
         api_url = \"{refusing}\"\n{}",
        pager(&told)
    );
    let output = send_test_alert(&home, &channels);
    let (found, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{found}{error}");
    assert!(error.contains("error: 3 checks failed\nhint: "), "{error}");
    for line in [
        "failed   channel gone   failed to ",
        "failed   channel hook   failed to ",
        "failed   channel bot    failed to ",
        "ok       channel pager  ",
    ] {
        assert!(found.contains(line), "{line:?} in {found}");
    }
    assert_eq!(found.matches("  remedy: ").count(), 3, "{found}");
    assert!(fs::read_to_string(told).is_ok_and(|told| told.contains("\"is_test\":true")));
    assert!(!(found + &error).contains(SECRET));
}

#[test]
fn without_a_channel_or_a_secret_there_is_nothing_to_try() {
    let home = Home::new();
    let (alerts, secret) = (home.path("alerts.toml"), home.path("no-secret"));
    fs::write(&alerts, "").expect("written");
    let named = format!("doctor --send-test-alert --alerts {}", alerts.display());
    for line in ["doctor --send-test-alert", &named] {
        home.assert_refused(line, 78, &["no channel", "--alerts"]);
    }
    let hook = format!(
        "[channels.hook]\ntype = \"webhook\"\nurl_file = \"{}\"\n",
        secret.display()
    );
    fs::write(&alerts, hook).expect("written");
    home.assert_refused(&named, 78, &["alerts.toml", "hook", "url_file"]);
}
