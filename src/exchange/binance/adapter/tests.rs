use std::time::Duration;

use futures_util::SinkExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    time,
};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
    },
};

use super::*;
use crate::exchange::source::{LiveBatch, StreamEnd};

/// What every wait in these tests is bounded by.
const LONG: Duration = Duration::from_secs(30);

fn symbols(names: &[&str]) -> Vec<Symbol> {
    names.iter().map(|name| name.parse().expect(name)).collect()
}

fn adapter(ws_urls: &[String]) -> Binance {
    Binance::new(Settings {
        name: "sim".to_owned(),
        ws_urls: ws_urls
            .iter()
            .map(|url| url.parse().expect("a URL"))
            .collect(),
        ..Settings::default()
    })
    .expect("an adapter")
}

fn message(symbol: &str, id: i64) -> Message {
    let stream = symbol.to_lowercase();
    Message::text(format!(
        r#"{{"stream":"{stream}@aggTrade","data":{{"e":"aggTrade","E":1672515782136001,"s":"{symbol}","a":{id},"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136000,"m":true,"M":true}}}}"#
    ))
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// A server that sends the same messages on each connection and then ends it; it tells
/// which addresses were asked for.
async fn server(messages: Vec<Message>) -> (String, mpsc::Receiver<String>) {
    let (listener, url) = listener().await;
    let (asked_tx, asked) = mpsc::channel(100);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut address = String::new();
            #[expect(clippy::result_large_err, reason = "the library wants it so")]
            let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
                address = request.uri().to_string();
                Ok(response)
            };
            let mut frames = accept_hdr_async(stream, note).await.expect("an upgrade");
            asked_tx.send(address).await.expect("somebody listens");
            for message in &messages {
                frames.feed(message.clone()).await.expect("fed");
            }
            drop(frames.close(None).await);
        }
    });
    (url, asked)
}

async fn everything(stream: &mut Box<dyn LiveStream>) -> (LiveBatch, StreamEnd) {
    let mut batch = LiveBatch::default();
    loop {
        let received = time::timeout(LONG, stream.receive(&mut batch)).await;
        if let Err(end) = received.expect("something comes") {
            return (batch, end);
        }
    }
}

#[tokio::test]
async fn one_connection_carries_all_symbols() {
    let messages = vec![
        message("ETHUSDT", 5),
        message("BTCUSDT", 7),
        message("BTCUSDT", 8),
    ];
    let (url, mut asked) = server(messages).await;
    let exchange = adapter(&[url]);
    assert_eq!(exchange.name(), "sim");
    let mut stream = exchange
        .connect(&symbols(&["BTCUSDT", "ETHUSDT"]))
        .await
        .expect("a stream");
    let (batch, end) = everything(&mut stream).await;
    let ids: Vec<_> = batch
        .trades
        .iter()
        .map(|(index, trade)| (*index, trade.id))
        .collect();
    assert_eq!(ids, [(1, 5), (0, 7), (0, 8)]);
    assert!(matches!(end, StreamEnd::Closed { code: 1005, .. }), "{end}");
    assert_eq!(
        asked.recv().await.as_deref(),
        Some("/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade&timeUnit=MICROSECOND")
    );
}

#[tokio::test]
async fn a_failed_connect_tries_the_next_endpoint() {
    let (gone, refusing) = listener().await;
    drop(gone);
    let (url, _asked) = server(vec![message("BTCUSDT", 7)]).await;
    let exchange = adapter(&[refusing.clone(), url]);
    let mut stream = exchange
        .connect(&symbols(&["BTCUSDT"]))
        .await
        .expect("a stream");
    assert_eq!(everything(&mut stream).await.0.trades.len(), 1);

    let exchange = adapter(std::slice::from_ref(&refusing));
    let error = exchange
        .connect(&symbols(&["BTCUSDT"]))
        .await
        .map(drop)
        .expect_err("nobody");
    assert!(
        matches!(&error, SourceError::Unreachable { endpoint, .. } if *endpoint == refusing),
        "{error}"
    );
}

#[tokio::test]
async fn an_endpoint_that_stays_mute_is_followed_by_the_next() {
    let (mute, mut asked_mute) = server(Vec::new()).await;
    let (url, mut asked) = server(vec![message("BTCUSDT", 7)]).await;
    let exchange = adapter(&[mute, url]);
    for _ in 0..3 {
        let mut stream = exchange
            .connect(&symbols(&["BTCUSDT"]))
            .await
            .expect("a stream");
        everything(&mut stream).await;
    }
    assert!(asked_mute.try_recv().is_ok());
    assert!(
        asked_mute.try_recv().is_err(),
        "the mute one was asked once"
    );
    assert!(asked.try_recv().is_ok() && asked.try_recv().is_ok());
}

#[tokio::test]
async fn a_connection_for_too_many_symbols_or_none_is_refused() {
    let (url, _asked) = server(Vec::new()).await;
    let exchange = adapter(&[url]);
    let many: Vec<Symbol> = (0..=MAX_STREAMS)
        .map(|n| format!("S{n}").parse().expect("a symbol"))
        .collect();
    for symbols in [&many[..], &[]] {
        let error = exchange
            .connect(symbols)
            .await
            .map(drop)
            .expect_err("refused");
        assert!(
            matches!(error, SourceError::StreamCount { limit: 1024, .. }),
            "{error}"
        );
    }
    assert!(exchange.connect(&many[1..]).await.is_ok());
}

#[tokio::test]
async fn a_429_keeps_it_from_asking_anybody() {
    let (listener, limiting) = listener().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).await.expect("a request") > 0);
        let answer = "HTTP/1.1 429 Slow\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.expect("written");
    });
    let (url, mut asked) = server(Vec::new()).await;
    let exchange = adapter(&[limiting, url]);
    for _ in 0..2 {
        let error = exchange
            .connect(&symbols(&["BTCUSDT"]))
            .await
            .map(drop)
            .expect_err("refused");
        assert!(
            matches!(error, SourceError::RateLimited { status: 429, .. }),
            "{error}"
        );
    }
    assert!(asked.try_recv().is_err());
}
