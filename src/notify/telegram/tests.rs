use proptest::prelude::*;
use serde_json::Value;
use tokio::time::Instant;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::*;
use crate::{
    domain::alert::Notice,
    notify::testing::{
        NASTY, PATIENCE, TOKEN, bodies, firing, hanging, message, nasty, open, refusing, requests,
        resolved,
    },
};

/// A bot that talks to `api_url`.
fn bot(api_url: &str) -> Box<dyn Channel> {
    let toml = format!(
        "type = 'telegram'\ntoken_env = 'TOKEN'\nchat_id = -100123\nmessage_thread_id = 9\n\
         api_url = '{api_url}'"
    );
    open(&toml, &[("TOKEN", TOKEN)])
}

async fn answering(response: ResponseTemplate) -> (MockServer, Box<dyn Channel>) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("/bot{TOKEN}/sendMessage")))
        .respond_with(response)
        .mount(&server)
        .await;
    let bot = bot(&server.uri());
    (server, bot)
}

fn ok() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"ok": true, "result": {"message_id": 1}}))
}

fn refusal(status: u16, description: &str, parameters: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({
        "ok": false, "error_code": status, "description": description, "parameters": parameters,
    }))
}

/// What the API would show of `html`: it knows the tag `b` and three entities, and refuses
/// anything else, as the real one does.
fn shown(html: &str) -> Result<String, String> {
    let (mut text, mut rest, mut depth) = (String::new(), html, 0);
    while let Some(c) = rest.chars().next() {
        let known = [
            ("<b>", "", 1),
            ("</b>", "", -1),
            ("&lt;", "<", 0),
            ("&gt;", ">", 0),
            ("&amp;", "&", 0),
        ];
        if let Some((written, meant, deeper)) =
            known.iter().find(|(written, ..)| rest.starts_with(written))
        {
            text.push_str(meant);
            depth += deeper;
            rest = &rest[written.len()..];
        } else if matches!(c, '<' | '>' | '&') {
            return Err(format!("can't parse entities at {rest}"));
        } else {
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    if depth == 0 {
        Ok(text)
    } else {
        Err("a tag is open".to_owned())
    }
}

#[tokio::test]
async fn a_message_is_posted_as_documented() {
    let (server, bot) = answering(ok()).await;
    bot.send(&message(vec![firing()]), PATIENCE)
        .await
        .expect("sent");
    let bodies = bodies(&server).await;
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0]["chat_id"], -100_123);
    assert_eq!(bodies[0]["message_thread_id"], 9);
    assert_eq!(bodies[0]["parse_mode"], "HTML");
    assert_eq!(bodies[0]["link_preview_options"]["is_disabled"], true);
    assert_eq!(
        bodies[0]["text"],
        "<b>CRITICAL: BTCUSDT: the exchange has trades that are missing here \
         (7m 1s, limit 1m 30s) [node-1]</b>\n\
         last id here 41, at the exchange 77\n\
         since 2026-01-02T03:04:05Z\n\
         what to do: look at the log\n\
         rule data_stale, critical"
    );
}

#[tokio::test]
async fn nasty_text_arrives_as_it_is() {
    let (server, bot) = answering(ok()).await;
    bot.send(&message(vec![nasty()]), PATIENCE)
        .await
        .expect("sent");
    let body = &bodies(&server).await[0];
    let text = shown(body["text"].as_str().expect("a text")).expect("valid");
    let clean = text::clean(NASTY);
    // In the first line twice, as the proof and as the hint.
    assert_eq!(text.matches(&clean).count(), 4, "{text}");
    assert!(text.contains("<b>&amp;</b> *bold*"));
    assert!(!text.contains('\u{202e}') && !text.contains('\0'));
}

#[tokio::test]
async fn a_storm_is_one_message_that_counts_what_it_leaves_out() {
    let (server, bot) = answering(ok()).await;
    let mut notices: Vec<Notice> = vec![nasty(); MAX_NOTICES];
    notices.push(resolved());
    bot.send(&message(notices), PATIENCE).await.expect("sent");
    let body = &bodies(&server).await[0];
    let text = shown(body["text"].as_str().expect("a text")).expect("valid");
    assert!(text.encode_utf16().count() <= MAX_MESSAGE_UNITS);
    assert!(text.starts_with("41 alerts: 40 critical, 1 resolved [node-1]\n"));
    assert!(text.lines().last().expect("a line").starts_with("… and "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_told_the_markup_is_valid_and_short_enough(
        texts in proptest::collection::vec("(.|[<>&\"😀\\n]){0,3000}", 4),
        count in 1_usize..50,
    ) {
        let notice = Notice {
            subject: Some(texts[0].clone()),
            text: texts[1].clone(),
            detail: texts[2].clone(),
            hint: texts[3].clone(),
            ..firing()
        };
        let text = shown(&html(&message(vec![notice; count])));
        let text = text.map_err(TestCaseError::fail)?;
        prop_assert!(text.encode_utf16().count() <= MAX_MESSAGE_UNITS);
    }
}

#[tokio::test]
async fn a_limit_is_kept_for_as_long_as_the_api_says() {
    let limited = refusal(
        429,
        "Too Many Requests: retry after 7",
        &json!({"retry_after": 7}),
    );
    let (_server, bot) = answering(limited).await;
    let error = bot
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("limited");
    let after = Some(Duration::from_secs(7));
    assert_eq!(error.remedy, Remedy::Retry { after });
    let header = ResponseTemplate::new(429).insert_header("Retry-After", "9");
    let (_server, bot) = answering(header).await;
    let error = bot
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("limited");
    let after = Some(Duration::from_secs(9));
    assert_eq!(error.remedy, Remedy::Retry { after });
}

#[tokio::test]
async fn what_lasts_is_told_from_what_passes() {
    for (response, is_permanent, part) in [
        (refusal(401, "Unauthorized", &json!({})), true, "@BotFather"),
        (refusal(404, "Not Found", &json!({})), true, "@BotFather"),
        (
            refusal(403, "Forbidden: bot was kicked", &json!({})),
            true,
            "add it to the chat",
        ),
        (
            refusal(400, "Bad Request: chat not found", &json!({})),
            true,
            "chat not found",
        ),
        (
            refusal(400, "group upgraded", &json!({"migrate_to_chat_id": -7})),
            true,
            "chat_id = -7",
        ),
        (ResponseTemplate::new(500), false, "HTTP 500"),
        (
            ResponseTemplate::new(502).set_body_string("<html>"),
            false,
            "HTTP 502: <html>",
        ),
        (
            ResponseTemplate::new(200).set_body_string("a login page"),
            false,
            "not say ok",
        ),
        (
            ResponseTemplate::new(302).insert_header("Location", format!("/bot{TOKEN}/x").as_str()),
            true,
            "set the final address",
        ),
        // A server that repeats what it was asked.
        (
            refusal(400, &format!("no /bot{TOKEN}/sendMessage"), &json!({})),
            true,
            "no /bot***/sendMessage",
        ),
    ] {
        let (server, bot) = answering(response).await;
        let error = bot
            .send(&message(vec![firing()]), PATIENCE)
            .await
            .expect_err(part);
        assert_eq!(error.is_permanent(), is_permanent, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        let everything = format!("{error} {error:?}");
        assert!(!everything.contains("hunter2"), "{everything}");
        assert_eq!(
            requests(&server).await.len(),
            1,
            "nothing is retried or followed here"
        );
    }
}

#[tokio::test]
async fn an_address_that_refuses_or_says_nothing_fails_in_time_without_the_token() {
    let refused = bot(&format!("http://{}", refusing().await));
    let error = refused
        .send(&message(vec![firing()]), PATIENCE)
        .await
        .expect_err("refused");
    assert_eq!(error.remedy, Remedy::Retry { after: None });
    assert!(error.what.contains("refused"), "{error}");
    let (_listener, address) = hanging().await;
    let begun = Instant::now();
    let deadline = Duration::from_millis(300);
    let silent = bot(&format!("http://{address}"));
    let late = silent
        .send(&message(vec![firing()]), deadline)
        .await
        .expect_err("no answer");
    assert!(begun.elapsed() >= deadline && begun.elapsed() < Duration::from_secs(3));
    assert_eq!(late.remedy, Remedy::Retry { after: None });
    assert!(late.what.contains("no answer within 300ms"), "{late}");
    for error in [error, late] {
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn a_bot_prints_without_its_token() {
    let config = TelegramConfig {
        token_env: Some("TOKEN".to_owned()),
        token_file: None,
        chat_id: ChatId::Number(1),
        message_thread_id: None,
        api_url: None,
        ca_file: None,
    };
    let bot = Telegram::open("ops", &config, &|_| Some(TOKEN.to_owned())).expect("a bot");
    let text = format!("{bot:?} {config:?}");
    assert!(text.contains("***") && !text.contains("hunter2"), "{text}");
}
