//! What the tests of all channels need.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wiremock::{MockServer, Request};

use super::{
    Channel, Message,
    config::{ChannelConfig, ConfigError, Opened},
};
use crate::domain::alert::{Comparison, Ended, Metric, Notice, NoticeKind, Severity};

/// 2026-01-02T03:04:05Z.
pub const SINCE_US: i64 = 1_767_323_045_000_000;

/// What no secret may appear in: everything printable of an outcome.
pub const TOKEN: &str = "123456:AAhunter2_secret-token";

pub const PATIENCE: Duration = Duration::from_secs(5);

/// Text that breaks whoever does not escape it.
pub const NASTY: &str = "<b>&amp;</b> *bold* _it_ `code` [x](http://e.example) \\ <!channel> @everyone \
     \"quoted\" 'q' ~s~ |p| > # - = { } . ! \u{202e}turned\u{0} 😀\r\nnew line";

pub fn firing() -> Notice {
    Notice {
        kind: NoticeKind::Firing,
        rule: "data_stale".to_owned(),
        severity: Severity::Critical,
        metric: Metric::DataStaleS,
        subject: Some("BTCUSDT".to_owned()),
        value: 421.0,
        comparison: Comparison::Above,
        limit: 90.0,
        text: "the exchange has trades that are missing here".to_owned(),
        detail: "last id here 41, at the exchange 77".to_owned(),
        hint: "look at the log".to_owned(),
        since_us: SINCE_US,
        at_us: SINCE_US,
        reminder: 0,
        flaps: 0,
        suppressed: 0,
        ended: None,
    }
}

pub fn resolved() -> Notice {
    Notice {
        kind: NoticeKind::Resolved,
        value: 0.0,
        at_us: SINCE_US + 600_000_000,
        ended: Some(Ended::Cleared),
        ..firing()
    }
}

pub fn warning() -> Notice {
    Notice {
        severity: Severity::Warning,
        rule: "spool_not_empty".to_owned(),
        metric: Metric::SpoolRows,
        subject: None,
        ..firing()
    }
}

pub fn nasty() -> Notice {
    Notice {
        subject: Some(NASTY.to_owned()),
        detail: NASTY.to_owned(),
        text: NASTY.to_owned(),
        hint: NASTY.to_owned(),
        ..firing()
    }
}

pub fn message(notices: Vec<Notice>) -> Message {
    Message {
        collector: "node-1".to_owned(),
        is_test: false,
        lost: 0,
        notices,
    }
}

/// What `toml` with `variables` in the environment opens.
pub fn try_open(toml: &str, variables: &[(&str, &str)]) -> Result<Opened, ConfigError> {
    let config: ChannelConfig = toml::from_str(toml).expect(toml);
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    config.open("ops", &|name| {
        variables.get(name).map(|&value| value.to_owned())
    })
}

/// The channel that `toml` describes.
pub fn open(toml: &str, variables: &[(&str, &str)]) -> Box<dyn Channel> {
    match try_open(toml, variables) {
        Ok(Opened::Channel(channel)) => channel,
        other => panic!("no channel: {other:?}"),
    }
}

/// The requests that `server` got.
pub async fn requests(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.expect("recorded")
}

/// The JSON bodies that `server` got.
pub async fn bodies(server: &MockServer) -> Vec<serde_json::Value> {
    let requests = requests(server).await;
    let bodies = requests.iter().map(|r| r.body_json().expect("JSON"));
    bodies.collect()
}

/// An address that refuses connections.
pub async fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// An address that takes connections and says nothing, for as long as it is held.
pub async fn hanging() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (listener, address)
}

/// A TLS server for `localhost` with a certificate of its own, which is written to
/// `ca_file`.
pub fn own_tls(ca_file: &Path) -> TlsAcceptor {
    let own =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let base64 = BASE64_STANDARD.encode(own.cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    std::fs::write(ca_file, pem).expect("a file");
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())
        .expect("a configuration");
    TlsAcceptor::from(Arc::new(config))
}
