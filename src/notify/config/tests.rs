use super::*;
use crate::notify::testing::{TOKEN, try_open};

fn parse(toml: &str) -> Result<ChannelConfig, String> {
    toml::from_str(toml).map_err(|error| error.message().to_owned())
}

#[test]
fn each_kind_is_read_with_its_defaults() {
    let telegram = parse("type = 'telegram'\ntoken_env = 'T'\nchat_id = -100123").expect("read");
    assert_eq!(telegram.min_severity, Severity::Warning);
    assert_eq!(telegram.deadline, DEFAULT_DEADLINE);
    let other = parse(
        "type = 'telegram'\ntoken_file = '/t'\nchat_id = '@ops'\nmin_severity = 'critical'\n\
         deadline = '3s'\nmessage_thread_id = 7",
    )
    .expect("read");
    assert_eq!(other.min_severity, Severity::Critical);
    assert_eq!(other.deadline, Duration::from_secs(3));
    for toml in [
        "type = 'command'\nprogram = '/bin/true'\nargs = ['-x']",
        "type = 'webhook'\nurl = 'https://example.org/hook'",
        "type = 'webhook'\nshape = 'pagerduty'\ntoken_env = 'KEY'",
        "type = 'email'\nhost = 'mail.example.org'\nfrom = 'a@example.org'\nto = ['b@example.org']",
        "type = 'ping'\nurl_env = 'PING_URL'\ninterval = '30s'",
    ] {
        parse(toml).expect(toml);
    }
}

#[test]
fn what_is_wrong_is_said_with_the_field_and_without_its_value() {
    let telegram = "type = 'telegram'\nchat_id = 1\n";
    let email = "type = 'email'\nhost = 'h'\nfrom = 'a@b.c'\nto = ['a@b.c']\n";
    for (toml, part) in [
        ("chat_id = 1", "type: a channel needs one"),
        ("type = 'pigeon'", "type: there is no channel 'pigeon'"),
        ("type = 5", "type: expected a string"),
        ("type = 'telegram'", "missing field `chat_id`"),
        (
            &format!("{telegram}token = 'hunter2'"),
            "unknown field `token`",
        ),
        (
            &format!("{telegram}token_env = 4243"),
            "token_env: expected a string",
        ),
        (
            &format!("{telegram}token_file = ['hunter2']"),
            "token_file: expected",
        ),
        (
            "type = 'telegram'\nchat_id = 'hunter2'",
            "chat_id: expected a number, or",
        ),
        (
            "type = 'telegram'\nchat_id = [1]",
            "chat_id: expected a number, or",
        ),
        (
            &format!("{telegram}deadline = 'hunter2'"),
            "deadline: expected a duration",
        ),
        (
            &format!("{telegram}min_severity = 'dire'"),
            "min_severity: expected",
        ),
        (&format!("{email}port = 'hunter2'"), "port: expected u16"),
        (&format!("{email}port = 70000"), "port: "),
        (
            &format!("{email}password = 'hunter2'"),
            "unknown field `password`",
        ),
        (
            &email.replace("['a@b.c']", "[4243]"),
            "to[0]: expected a string",
        ),
        (
            "type = 'webhook'\nshape = 'round'",
            "shape: expected one of",
        ),
    ] {
        let error = parse(toml).expect_err(toml);
        assert!(error.contains(part), "{toml}: {error}");
        assert!(
            !error.contains("hunter2") && !error.contains("4243"),
            "{error}"
        );
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated_when_a_channel_is_opened() {
    let url = "https://hooks.example/services/hunter2";
    let variables = [("TOKEN", TOKEN), ("BAD", "hunter2 and more"), ("URL", url)];
    let telegram = "type = 'telegram'\nchat_id = 1\n";
    let email = "type = 'email'\nhost = 'h'\nfrom = 'a@b.c'\nto = ['a@b.c']\n";
    for (toml, part) in [
        (telegram.to_owned(), "token_env: a bot needs a token"),
        (
            format!("{telegram}token_env = '{TOKEN}'"),
            "token_env: this is no name",
        ),
        (
            format!("{telegram}token_file = '{TOKEN}'"),
            "token_file: this is no absolute",
        ),
        (
            format!("{telegram}token_env = 'BAD'"),
            "token_env: what it holds is no token",
        ),
        (
            format!("{telegram}token_env = 'TOKEN'\napi_url = 'http://api.example'"),
            "api_url: a secret would be sent unencrypted",
        ),
        (
            format!("{telegram}token_env = 'TOKEN'\ndeadline = '1h'"),
            "deadline: 100ms",
        ),
        (
            format!("{telegram}token_env = 'TOKEN'\nca_file = '/nonexistent'"),
            "/nonexistent",
        ),
        (
            format!("type = 'webhook'\nshape = 'slack'\nurl = '{url}'"),
            "url: whoever knows",
        ),
        ("type = 'webhook'".to_owned(), "url: it needs an address"),
        (
            format!("type = 'webhook'\nurl = '{url}'\nurl_env = 'URL'"),
            "url: there is url_env",
        ),
        (
            "type = 'webhook'\nurl = 'https://u:hunter2@h'".to_owned(),
            "url: it holds a user",
        ),
        (
            "type = 'webhook'\nurl = 'hunter2'".to_owned(),
            "url: this is not a URL",
        ),
        (
            "type = 'webhook'\nurl = 'ftp://hunter2'".to_owned(),
            "url: http:// and",
        ),
        (
            "type = 'webhook'\nshape = 'pagerduty'".to_owned(),
            "token_env: PagerDuty needs",
        ),
        (
            "type = 'webhook'\nshape = 'discord'\nurl_env = 'URL'\ntoken_env = 'TOKEN'".to_owned(),
            "token_env: the address is the secret here",
        ),
        (
            "type = 'webhook'\nurl = 'http://h.example'\ntoken_env = 'TOKEN'".to_owned(),
            "url: a secret would be sent unencrypted",
        ),
        (
            "type = 'ping'\nurl_env = 'NOT_SET'".to_owned(),
            "url_env: the variable NOT_SET",
        ),
        (
            "type = 'ping'\nurl_env = 'URL'\ninterval = '1ms'".to_owned(),
            "interval: at least 1s",
        ),
        (
            format!("{email}user = 'ann'"),
            "password_env: a user needs a password",
        ),
        (
            format!("{email}password_env = 'TOKEN'"),
            "user: a password needs a user",
        ),
        (format!("{email}tls = 'none'"), "tls: without encryption"),
        (
            email.replace("'h'", "'smtp://h'"),
            "host: the name or address",
        ),
        (email.replace("['a@b.c']", "[]"), "to: 1 to 20"),
        (
            email.replace("['a@b.c']", "['nobody']"),
            "to: 'nobody' is no address",
        ),
        (
            "type = 'command'\nprogram = ' '".to_owned(),
            "program: name a program",
        ),
    ] {
        let error = try_open(&toml, &variables).expect_err(&toml).to_string();
        assert!(error.starts_with("alert channel 'ops', "), "{error}");
        assert!(error.contains(part), "{toml}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn settings_are_shown_without_addresses_that_may_be_secrets() {
    let config = parse("type = 'webhook'\nurl = 'https://example.org/hunter2'").expect("read");
    let json = serde_json::to_value(&config).expect("JSON");
    assert_eq!(json["type"], "webhook");
    assert_eq!(json["url"], "***");
    assert_eq!(json["deadline"], "10s");
    assert_eq!(json["min_severity"], "warning");
    assert!(!format!("{config:?}").contains("hunter2"));
}
