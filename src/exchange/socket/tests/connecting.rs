//! Over TCP, with and without TLS.

use std::{
    future::pending,
    io,
    net::{IpAddr, SocketAddr},
};

use async_trait::async_trait;
use futures_util::SinkExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_tungstenite::{accept_async, tungstenite::Utf8Bytes};

use super::*;
use crate::exchange::{
    dial::{Resolve, SystemResolver},
    tls,
};

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

async fn connect_to(url: &str, deadline: Duration) -> Result<Socket, SourceError> {
    let settings = SocketSettings {
        connect_deadline: deadline,
        ..settings()
    };
    let tls = tls::client_config().expect("a configuration");
    let resolver: Resolver = Arc::new(SystemResolver);
    connect(&url.parse().expect("a URL"), &settings, &resolver, tls).await
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn it_connects_over_tcp_and_a_reset_ends_it() {
    let (listener, address) = listener().await;
    let peer = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut frames = accept_async(stream).await.expect("an upgrade");
        frames.send(Message::text("hello")).await.expect("sent");
        // The answer shows that the message has been read.
        frames.next().await.expect("open").expect("a frame");
        frames.get_ref().set_zero_linger().expect("an option");
    });
    let settings = SocketSettings {
        ping_interval: SHORT,
        ..settings()
    };
    let tls = tls::client_config().expect("a configuration");
    let resolver: Resolver = Arc::new(SystemResolver);
    let url = format!("ws://{address}/stream?streams=x")
        .parse()
        .expect("a URL");
    let mut ours = connect(&url, &settings, &resolver, tls)
        .await
        .expect("a connection");
    assert_eq!(receive_text(&mut ours).await, Ok(vec!["hello".to_owned()]));
    let end = receive_text(&mut ours).await.expect_err("it ends");
    assert!(end.to_string().to_lowercase().contains("reset"), "{end}");
    peer.await.expect("the peer ends");
}

/// A resolver that never answers.
struct Stuck;
#[async_trait]
impl Resolve for Stuck {
    async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        pending().await
    }
}

#[tokio::test]
async fn each_step_of_connecting_has_the_same_deadline() {
    // TCP is accepted by the system; nobody answers the upgrade, or the TLS greeting.
    let (_listener, address) = listener().await;
    for scheme in ["ws", "wss"] {
        let error = connect_to(&format!("{scheme}://{address}/"), SHORT)
            .await
            .expect_err("no answer");
        assert!(
            matches!(
                error,
                SourceError::TimedOut {
                    deadline: SHORT,
                    ..
                }
            ),
            "{error}"
        );
    }

    let settings = SocketSettings {
        connect_deadline: SHORT,
        ..settings()
    };
    let url = "ws://exchange.test/".parse().expect("a URL");
    let tls = tls::client_config().expect("a configuration");
    let resolver: Resolver = Arc::new(Stuck);
    let error = connect(&url, &settings, &resolver, tls)
        .await
        .expect_err("no address");
    assert!(matches!(error, SourceError::TimedOut { .. }), "{error}");
}

async fn answer_with(answer: &'static str) -> String {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 1024];
        let read = stream.read(&mut request).await.expect("a request");
        assert!(read > 0);
        stream.write_all(answer.as_bytes()).await.expect("written");
    });
    address.to_string()
}

#[tokio::test]
async fn a_refused_upgrade_says_what_the_server_said() {
    let address = answer_with("HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nnot you").await;
    let error = connect_to(&format!("ws://{address}/"), LONG)
        .await
        .expect_err("refused");
    assert!(
        matches!(error, SourceError::Status { status: 403, .. }),
        "{error}"
    );

    let address =
        answer_with("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").await;
    let error = connect_to(&format!("ws://{address}/"), LONG)
        .await
        .expect_err("refused");
    let retry_after = Duration::from_secs(7);
    assert!(
        matches!(error, SourceError::RateLimited { status: 429, retry_after: r, .. } if r == retry_after),
        "{error}"
    );

    for scheme in ["ws", "wss"] {
        let address = answer_with("hello, this is no HTTP\r\n\r\n").await;
        let error = connect_to(&format!("{scheme}://{address}/"), LONG)
            .await
            .expect_err("refused");
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
    }
}

#[test]
fn retry_after_is_taken_in_seconds_and_within_reason() {
    let seconds = |header: Option<&str>| retry_after(header.map(str::as_bytes)).as_secs();
    assert_eq!(seconds(Some("7")), 7);
    assert_eq!(seconds(Some("0")), 0);
    assert_eq!(seconds(None), 60);
    assert_eq!(seconds(Some("Wed, 21 Oct 2026 07:28:00 GMT")), 60);
    assert_eq!(seconds(Some("-1")), 60);
    assert_eq!(seconds(Some("99999999999")), 3 * 24 * 3600);
}

/// A TLS server with a certificate of its own, and a client configuration that trusts it.
fn own_tls() -> (tokio_rustls::TlsAcceptor, Arc<ClientConfig>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let own =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())
        .expect("a configuration");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(own.cert.der().clone()).expect("a root");
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server).into(), Arc::new(client))
}

#[tokio::test]
async fn tls_works_with_a_trusted_certificate_only() {
    let (acceptor, trusting) = own_tls();
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            if let Ok(stream) = acceptor.accept(stream).await {
                let mut frames = accept_async(stream).await.expect("an upgrade");
                frames
                    .send(Message::text(Utf8Bytes::from_static("secret")))
                    .await
                    .expect("sent");
                while frames.next().await.is_some() {}
            }
        }
    });
    let url: Url = format!("wss://localhost:{}/", address.port())
        .parse()
        .expect("a URL");
    let resolver: Resolver = Arc::new(SystemResolver);
    let ours = connect(&url, &settings(), &resolver, trusting).await;
    let mut ours = ours.expect("a connection");
    assert_eq!(receive_text(&mut ours).await, Ok(vec!["secret".to_owned()]));
    ours.close().await;

    let distrusting = tls::client_config().expect("a configuration");
    let error = connect(&url, &settings(), &resolver, distrusting)
        .await
        .expect_err("distrust");
    assert!(error.to_string().contains("certificate"), "{error}");
}
