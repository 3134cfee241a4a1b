//! Faults of connections: cut, silent, refused, closed.

use std::time::Duration;

use streamkit::exchange::sim::{Config, CutHow, Fault, FaultKind};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::*;

/// Reads on to the first thing that is not a text.
async fn end_of(stream: &mut Stream) -> Result<Message, Error> {
    loop {
        match stream.next().await {
            Ok(Message::Text(_)) => {}
            other => return other,
        }
    }
}

fn pinging() -> Config {
    Config {
        ping_interval: Duration::from_millis(20),
        pong_timeout: Duration::from_secs(60),
        client_message_limit: 10_000,
        ..config()
    }
}

#[tokio::test]
async fn a_cut_ends_all_connections_and_new_ones_work() {
    let server = start(config()).await;
    for how in [CutHow::Rst, CutHow::Fin] {
        let mut streams = [
            Stream::of(&server, "BTCUSDT").await,
            Stream::of(&server, "ETHUSDT").await,
        ];
        for stream in &mut streams {
            stream.ids(1).await;
        }
        server.faults().cut(how);
        for stream in &mut streams {
            let end = end_of(stream).await;
            match (how, &end) {
                (CutHow::Rst, Err(Error::Io(error))) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                }
                (CutHow::Fin, Err(Error::Protocol(_))) => {}
                _ => panic!("{how:?} ended with {end:?}"),
            }
        }
        assert!(follow(&Stream::of(&server, "BTCUSDT").await.ids(10).await));
    }
}

#[tokio::test]
async fn a_cut_with_times_strikes_the_next_connections_too() {
    let server = start(config()).await;
    let kind = FaultKind::Cut {
        how: CutHow::Fin,
        open: true,
    };
    server.faults().add(Fault::new(kind).times(2)).unwrap();
    for _ in 0..2 {
        let mut stream = Stream::of(&server, "BTCUSDT").await;
        assert!(matches!(end_of(&mut stream).await, Err(Error::Protocol(_))));
    }
    Stream::of(&server, "BTCUSDT").await.ids(10).await;
}

#[tokio::test]
async fn a_close_carries_its_code_and_1006_carries_none() {
    let server = start(config()).await;
    for code in [1000, 1012, 1006] {
        let mut stream = Stream::of(&server, "BTCUSDT").await;
        stream.ids(1).await;
        add(&server, FaultKind::Close { code, open: true });
        match end_of(&mut stream).await {
            Ok(Message::Close(Some(frame))) => assert_eq!(u16::from(frame.code), code),
            Err(Error::Protocol(_)) => assert_eq!(code, 1006),
            other => panic!("{code} ended with {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_half_open_connection_says_nothing_and_others_go_on() {
    let server = start(pinging()).await;
    let mut dead = Stream::of(&server, "BTCUSDT").await;
    dead.ids(1).await;
    server.faults().half_open();
    let mut alive = Stream::of(&server, "BTCUSDT").await;
    alive.ids(100).await;
    dead.arrived();
    dead.send(Message::Ping("anybody?".into())).await;
    while alive.pings < 5 {
        alive.ids(10).await;
    }
    let arrived = dead.arrived();
    assert!(arrived.is_empty(), "{arrived:?}");
    assert_eq!(server.stats().connections, 2);
    server.faults().clear();
    dead.ids(10).await;
}

#[tokio::test]
async fn pings_only_keeps_pings_and_pongs_and_stops_data() {
    let server = start(pinging()).await;
    let mut mute = Stream::of(&server, "BTCUSDT").await;
    mute.ids(1).await;
    server.faults().pings_only();
    let mut alive = Stream::of(&server, "BTCUSDT").await;
    alive.ids(100).await;
    mute.arrived();
    mute.send(Message::Ping("still there?".into())).await;
    let pong = mute.next().await.unwrap();
    assert_eq!(pong, Message::Pong("still there?".into()));
    alive.ids(200).await;
    let mut arrived = mute.arrived();
    while arrived.is_empty() {
        alive.ids(10).await;
        arrived = mute.arrived();
    }
    assert!(arrived.iter().all(Message::is_ping), "{arrived:?}");
}

#[tokio::test]
async fn a_new_subscription_can_be_acknowledged_and_mute() {
    let server = start(pinging()).await;
    let mut old = Stream::of(&server, "BTCUSDT").await;
    let mute = Fault::new(FaultKind::PingsOnly { open: false }).times(1);
    server.faults().add(mute).unwrap();
    let mut new = Stream::open(&server, "/ws").await;
    let subscribe = r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}"#;
    assert!(new.ask(subscribe).await["result"].is_null());
    old.ids(300).await;
    assert!(new.arrived().iter().all(Message::is_ping));
    assert!(follow(&Stream::of(&server, "BTCUSDT").await.ids(10).await));
}

#[tokio::test]
async fn one_symbol_can_go_mute_among_busy_ones() {
    let server = start(config()).await;
    let path = "/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade";
    let mut stream = Stream::open(&server, path).await;
    let mute = Fault::new(FaultKind::MuteSymbol { open: true }).symbol("ETHUSDT");
    server.faults().add(mute).unwrap();
    let muted_from = newest(&server, "ETHUSDT");
    let trades = stream.trades(1_000).await;
    let of_eth = trades.iter().filter(|trade| trade["s"] == "ETHUSDT");
    assert!(
        of_eth
            .into_iter()
            .all(|trade| trade["a"].as_i64() <= Some(muted_from))
    );
    // Subscribing anew heals it on this connection.
    stream
        .ask(r#"{"method":"UNSUBSCRIBE","params":["ethusdt@aggTrade"],"id":1}"#)
        .await;
    stream
        .ask(r#"{"method":"SUBSCRIBE","params":["ethusdt@aggTrade"],"id":2}"#)
        .await;
    let trades = stream.trades(500).await;
    assert!(trades.iter().any(|trade| trade["s"] == "ETHUSDT"));
}

#[tokio::test]
async fn a_pong_can_be_withheld() {
    let server = start(config()).await;
    server
        .faults()
        .add(Fault::new(FaultKind::WithholdPong {}).times(1))
        .unwrap();
    let mut stream = Stream::open(&server, "/ws").await;
    stream.send(Message::Ping("one".into())).await;
    stream.send(Message::Ping("two".into())).await;
    assert_eq!(stream.next().await.unwrap(), Message::Pong("two".into()));
}

#[tokio::test]
async fn connections_can_be_refused() {
    let server = start(config()).await;
    server
        .faults()
        .add(Fault::new(FaultKind::RefuseConnects {}).times(1))
        .unwrap();
    assert!(Stream::try_open(&server, "/ws").await.is_err());
    Stream::of(&server, "BTCUSDT").await.ids(1).await;
}

#[tokio::test]
async fn an_upgrade_can_stay_unanswered_or_be_rejected() {
    let server = start(config()).await;
    server
        .faults()
        .add(Fault::new(FaultKind::NeverUpgrade {}).times(1))
        .unwrap();
    let waiting = timeout(Duration::from_millis(100), Stream::try_open(&server, "/ws"));
    assert!(waiting.await.is_err());
    let reject = FaultKind::RejectUpgrade { status: 503 };
    server.faults().add(Fault::new(reject).times(1)).unwrap();
    match Stream::try_open(&server, "/ws").await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        other => panic!("not rejected: {:?}", other.map(|_| ())),
    }
    Stream::of(&server, "BTCUSDT").await.ids(1).await;
}

#[tokio::test]
async fn a_shutdown_is_announced_and_then_happens() {
    let server = start(config()).await;
    let mut plain = Stream::open(&server, "/ws").await;
    let mut combined = Stream::open(&server, "/stream?streams=nobody@aggTrade").await;
    until("both are there", || server.stats().connections == 2).await;
    add(&server, FaultKind::ServerShutdown { grace_ms: 50 });
    assert_eq!(plain.json().await["e"], "serverShutdown");
    let message = combined.json().await;
    assert_eq!(message["stream"], "!serverShutdown");
    assert_eq!(message["data"]["e"], "serverShutdown");
    for stream in [&mut plain, &mut combined] {
        let end = stream.next().await;
        assert!(
            matches!(&end, Ok(Message::Close(Some(frame))) if frame.code == CloseCode::Away),
            "{end:?}"
        );
    }
}
