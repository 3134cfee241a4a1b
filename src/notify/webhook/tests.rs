use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::Instant,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::*;
use crate::notify::{
    testing::{
        NASTY, PATIENCE, bodies, firing, hanging, message, nasty, open, own_tls, refusing,
        requests, resolved, warning,
    },
    text,
};

const KEY: &str = "R0hunter2hunter2hunter2hunter2ab";

/// A hook of `shape` at `url`, which is kept as a secret.
fn hook(shape: &str, url: &str) -> Box<dyn Channel> {
    let token = if matches!(shape, "pagerduty" | "json") {
        "token_env = 'KEY'"
    } else {
        ""
    };
    let toml = format!("type = 'webhook'\nshape = '{shape}'\nurl_env = 'URL'\n{token}");
    open(&toml, &[("URL", url), ("KEY", KEY)])
}

async fn answering(shape: &str, response: ResponseTemplate) -> (MockServer, Box<dyn Channel>) {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(response)
        .mount(&server)
        .await;
    let hook = hook(shape, &format!("{}/services/hunter2", server.uri()));
    (server, hook)
}

const SHAPES: [&str; 4] = ["json", "slack", "discord", "pagerduty"];

#[tokio::test]
async fn json_is_what_programs_read() {
    let (server, hook) = answering("json", ResponseTemplate::new(204)).await;
    assert_eq!(hook.max_notices(), 1);
    hook.send(&message(vec![nasty()]), PATIENCE)
        .await
        .expect("sent");
    let request = &requests(&server).await[0];
    assert_eq!(request.url.path(), "/services/hunter2");
    assert_eq!(
        request.headers["authorization"],
        format!("Bearer {KEY}").as_str()
    );
    assert_eq!(request.headers["content-type"], "application/json");
    let body = &bodies(&server).await[0];
    assert_eq!(body["version"], 1);
    assert_eq!(body["kind"], "firing");
    assert_eq!(body["severity"], "critical");
    assert_eq!(body["rule"], "data_stale");
    assert_eq!(body["metric"], "data_stale_s");
    assert_eq!(body["value"], 421.0);
    assert_eq!(body["limit"], 90.0);
    assert_eq!(body["since"], "2026-01-02T03:04:05Z");
    assert_eq!(body["collector"], "node-1");
    assert_eq!(body["is_test"], false);
    // Programs get every byte of it.
    assert_eq!(body["detail"], NASTY);
}

#[tokio::test]
async fn slack_gets_plain_text_and_no_mention() {
    let (server, hook) = answering("slack", ResponseTemplate::new(200).set_body_string("ok")).await;
    let mut notices = vec![nasty(); 30];
    hook.send(&message(vec![firing()]), PATIENCE)
        .await
        .expect("sent");
    hook.send(&message(vec![nasty()]), PATIENCE)
        .await
        .expect("sent");
    notices.push(resolved());
    hook.send(&message(notices), PATIENCE).await.expect("sent");
    let bodies = bodies(&server).await;
    let header = bodies[0]["blocks"][0]["text"]["text"]
        .as_str()
        .expect("a header");
    assert!(
        header.starts_with("CRITICAL: BTCUSDT: the exchange"),
        "{header}"
    );
    for body in &bodies {
        for (block, max) in [(0, 150), (1, 3000)] {
            let text = &body["blocks"][block]["text"];
            assert_eq!(text["type"], "plain_text");
            assert_eq!(text["emoji"], false);
            let length = text["text"].as_str().expect("a text").chars().count();
            assert!((1..=max).contains(&length), "{length}");
        }
        let fallback = body["text"].as_str().expect("a text");
        assert!(!fallback.contains(['<', '>']), "{fallback}");
    }
    let fallback = bodies[1]["text"].as_str().expect("a text");
    assert!(fallback.contains("&lt;!channel&gt;"), "{fallback}");
    // A title that the header cuts stands whole below it.
    let section = bodies[1]["blocks"][1]["text"]["text"]
        .as_str()
        .expect("a text");
    assert!(section.starts_with(&text::title(&message(vec![nasty()]))));
}

/// What Discord shows: a backslash makes punctuation plain.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        assert!(c == '\\' || !c.is_ascii_punctuation(), "bare {c} in {text}");
        plain.push(if c == '\\' {
            chars.next().expect("an escaped character")
        } else {
            c
        });
    }
    plain
}

#[tokio::test]
async fn discord_gets_escaped_text_and_pings_nobody() {
    let (server, hook) = answering("discord", ResponseTemplate::new(204)).await;
    hook.send(&message(vec![nasty()]), PATIENCE)
        .await
        .expect("sent");
    hook.send(&message(vec![resolved()]), PATIENCE)
        .await
        .expect("sent");
    hook.send(&message(vec![nasty(); 40]), PATIENCE)
        .await
        .expect("sent");
    let bodies = bodies(&server).await;
    for body in &bodies {
        assert_eq!(body["allowed_mentions"], json!({"parse": []}));
        let embed = &body["embeds"][0];
        for (field, max) in [("title", 256), ("description", 4096)] {
            let text = embed[field].as_str().expect("a text");
            assert!(text.encode_utf16().count() <= max, "{field}: {text}");
            unescaped(text);
        }
    }
    let description = bodies[0]["embeds"][0]["description"]
        .as_str()
        .expect("a text");
    assert!(
        unescaped(description).contains(&text::clean(NASTY)),
        "{description}"
    );
    assert_eq!(bodies[0]["embeds"][0]["color"], 0x00D0_2F2F);
    assert_eq!(bodies[1]["embeds"][0]["color"], 0x002E_7D32);
}

#[tokio::test]
async fn pagerduty_opens_and_closes_one_incident_by_its_key() {
    let (server, hook) = answering("pagerduty", ResponseTemplate::new(202)).await;
    assert_eq!(hook.max_notices(), 1);
    for notice in [firing(), resolved(), warning()] {
        hook.send(&message(vec![notice]), PATIENCE)
            .await
            .expect("sent");
    }
    let bodies = bodies(&server).await;
    assert_eq!(bodies[0]["routing_key"], KEY);
    assert_eq!(bodies[0]["event_action"], "trigger");
    assert_eq!(
        bodies[0]["dedup_key"],
        "streamkit/node-1/data_stale/BTCUSDT"
    );
    assert_eq!(bodies[0]["payload"]["severity"], "critical");
    assert_eq!(bodies[0]["payload"]["source"], "node-1");
    assert_eq!(bodies[0]["payload"]["timestamp"], "2026-01-02T03:04:05Z");
    assert_eq!(bodies[0]["payload"]["custom_details"]["value"], 421.0);
    assert_eq!(bodies[1]["event_action"], "resolve");
    assert_eq!(bodies[1]["dedup_key"], bodies[0]["dedup_key"]);
    assert_eq!(bodies[2]["payload"]["severity"], "warning");
    assert_eq!(bodies[0]["payload"]["component"], "BTCUSDT");
    assert_eq!(bodies[2]["payload"].get("component"), None, "no null");
    assert_ne!(bodies[2]["dedup_key"], bodies[0]["dedup_key"]);
}

#[tokio::test]
async fn pagerduty_keeps_its_bounds_and_a_test_leaves_no_incident() {
    let (server, hook) = answering("pagerduty", ResponseTemplate::new(202)).await;
    let mut long = nasty();
    long.subject = Some(NASTY.repeat(30));
    let mut test = message(vec![long]);
    test.is_test = true;
    hook.send(&test, PATIENCE).await.expect("sent");
    let bodies = bodies(&server).await;
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0]["event_action"], "trigger");
    assert_eq!(bodies[1]["event_action"], "resolve");
    assert_eq!(bodies[0]["dedup_key"], bodies[1]["dedup_key"]);
    assert_eq!(bodies[0]["payload"]["severity"], "info");
    assert!(bodies[0]["dedup_key"].as_str().expect("a key").len() <= 255);
    let summary = bodies[0]["payload"]["summary"].as_str().expect("a summary");
    assert_eq!(summary.chars().count(), 1024);
    assert!(summary.starts_with("TEST, CRITICAL: "));
}

#[tokio::test]
async fn what_lasts_is_told_from_what_passes_in_every_shape() {
    let after = |seconds| Remedy::Retry {
        after: Some(Duration::from_secs_f64(seconds)),
    };
    let at_once = Remedy::Retry { after: None };
    let limited = || ResponseTemplate::new(429).insert_header("Retry-After", "3");
    for shape in SHAPES {
        for (response, remedy) in [
            (ResponseTemplate::new(500), at_once),
            (
                ResponseTemplate::new(503).insert_header("Retry-After", "5"),
                after(5.0),
            ),
            (limited(), after(3.0)),
            (
                ResponseTemplate::new(429).insert_header("Retry-After", "soon"),
                at_once,
            ),
            (
                ResponseTemplate::new(429).insert_header("Retry-After", "1e300"),
                at_once,
            ),
            (
                ResponseTemplate::new(429).insert_header("Retry-After", "86400"),
                after(3600.0),
            ),
            (ResponseTemplate::new(400), Remedy::Change),
            (
                ResponseTemplate::new(401).set_body_string(KEY),
                Remedy::Change,
            ),
            (
                ResponseTemplate::new(404).set_body_string("/services/hunter2"),
                Remedy::Change,
            ),
            (ResponseTemplate::new(301), Remedy::Change),
        ] {
            let (server, hook) = answering(shape, response).await;
            let sent = hook.send(&message(vec![firing()]), PATIENCE).await;
            let error = sent.expect_err(shape);
            assert_eq!(error.remedy, remedy, "{shape}: {error}");
            let everything = format!("{error} {error:?}");
            let token = if shape == "slack" || shape == "discord" {
                ""
            } else {
                "R0hunter2"
            };
            assert!(
                token.is_empty() || !everything.contains(token),
                "{everything}"
            );
            assert!(
                everything.contains(&server.address().to_string()),
                "{everything}"
            );
            assert_eq!(requests(&server).await.len(), 1);
        }
    }
    let exact = limited().set_body_json(json!({"retry_after": 0.65, "global": false}));
    let (_server, hook) = answering("discord", exact).await;
    let error = hook
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("limited");
    assert_eq!(error.remedy, after(0.65));
}

#[tokio::test]
async fn dead_and_hanging_receivers_fail_in_time_without_the_address_in_the_error() {
    let (_listener, hanging) = hanging().await;
    let refusing = refusing().await;
    for shape in SHAPES {
        let dead = hook(shape, &format!("http://{refusing}/services/hunter2"));
        let error = dead
            .send(&message(vec![firing()]), PATIENCE)
            .await
            .expect_err(shape);
        assert_eq!(error.remedy, Remedy::Retry { after: None });
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        let begun = Instant::now();
        let deadline = Duration::from_millis(150);
        let silent = hook(shape, &format!("http://{hanging}/services/hunter2"));
        let error = silent
            .send(&message(vec![firing()]), deadline)
            .await
            .expect_err(shape);
        assert!(begun.elapsed() < Duration::from_secs(3));
        assert!(error.what.contains("no answer within 150ms"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let unknown = hook("slack", "https://hunter2.invalid/services/hunter2");
    let error = unknown
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("no host");
    assert!(!error.what.contains("/services"), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let body = "x".repeat(1 << 20);
    let (_server, hook) = answering("json", ResponseTemplate::new(400).set_body_string(body)).await;
    let error = hook
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("refused");
    assert!(error.what.len() < 1000, "{}", error.what.len());
}

#[tokio::test]
async fn over_tls_only_whom_the_settings_trust_gets_the_alert() {
    let folder = tempfile::tempdir().expect("a directory");
    let ca_file = folder.path().join("ca.pem");
    let acceptor = own_tls(&ca_file);
    let listener = TcpListener::bind("localhost:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(async move {
        let mut got = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            // Whoever does not trust the certificate leaves here.
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            while !got.ends_with(b"}") {
                assert!(stream.read_buf(&mut got).await.expect("a request") > 0);
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.expect("an answer");
            stream.flush().await.expect("an answer");
            break;
        }
        String::from_utf8(got).expect("text")
    });
    let toml = format!("type = 'webhook'\nurl = 'https://localhost:{port}/x'\ntoken_env = 'KEY'");
    let stranger = open(&toml, &[("KEY", KEY)]);
    let sent = stranger.send(&message(vec![firing()]), PATIENCE).await;
    let error = sent.expect_err("a certificate of nobody");
    assert!(error.what.contains("certificate"), "{error}");
    let toml = format!("{toml}\nca_file = '{}'", ca_file.display());
    let friend = open(&toml, &[("KEY", KEY)]);
    friend
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect("sent");
    let got = server.await.expect("a request");
    assert!(got.starts_with("POST /x HTTP/1.1\r\n"), "{got}");
    assert_eq!(got.matches(KEY).count(), 1, "{got}");
}
