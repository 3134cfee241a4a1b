//! Streams: what is sent, to whom, when, and how connections end.

use std::time::Duration;

use serde_json::json;
use streamkit::exchange::sim::{Config, Rate, SimTrade};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::*;

/// A trade of the tape as the exchange would write it, in microseconds.
fn written(symbol: &str, trade: &SimTrade) -> serde_json::Value {
    let decimal = |e8: i64| format!("{}.{:08}", e8 / 100_000_000, e8 % 100_000_000);
    json!({
        "e": "aggTrade", "s": symbol, "a": trade.id,
        "p": decimal(trade.price_e8), "q": decimal(trade.quantity_e8),
        "f": trade.first_id, "l": trade.last_id, "T": trade.time_us,
        "m": trade.buyer_maker, "M": true,
    })
}

#[tokio::test]
async fn a_single_stream_plays_the_tape_without_a_hole() {
    let server = start(config()).await;
    let mut stream = Stream::of(&server, "BTCUSDT").await;
    let mut trades = stream.trades(500).await;
    let first = trades[0]["a"].as_i64().unwrap();
    assert!(first >= FIRST_ID + 2_000, "history was streamed: {first}");
    let expected = server.tape().trades("BTCUSDT", first, 500).unwrap();
    for (trade, expected) in trades.iter_mut().zip(&expected) {
        let event_time = trade.as_object_mut().unwrap().remove("E").unwrap();
        assert!(event_time.as_i64().unwrap() >= expected.time_us);
        assert_eq!(*trade, written("BTCUSDT", expected));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_combined_stream_carries_every_symbol_and_milliseconds_by_default() {
    let server = start(config()).await;
    let path = "/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade";
    let mut stream = Stream::open(&server, path).await;
    let mut seen = [vec![], vec![]];
    while seen.iter().any(|ids: &Vec<i64>| ids.len() < 200) {
        let message = stream.json().await;
        let data = &message["data"];
        let symbol = data["s"].as_str().unwrap();
        assert_eq!(
            message["stream"],
            format!("{}@aggTrade", symbol.to_ascii_lowercase())
        );
        assert!(data["T"].as_i64().unwrap() < 10_000_000_000_000);
        seen[usize::from(symbol == "ETHUSDT")].push(data["a"].as_i64().unwrap());
    }
    assert!(follow(&seen[0]) && follow(&seen[1]));
}

#[tokio::test]
async fn rest_is_never_behind_the_stream() {
    let server = start(config()).await;
    let mut stream = Stream::of(&server, "ETHUSDT").await;
    for _ in 0..20 {
        let streamed = *stream.ids(50).await.last().unwrap();
        let latest = get(&server, "/api/v3/aggTrades?symbol=ETHUSDT&limit=1")
            .await
            .rows();
        assert!(latest[0]["a"].as_i64().unwrap() >= streamed);
    }
}

#[tokio::test]
async fn a_tape_crosses_midnight_and_then_stays_open_and_quiet() {
    let server = start(Config {
        trades_per_day: Some(1_000),
        length: Some(2_500),
        history: Some(500),
        rate: Rate::PerSecond(4_000.0),
        ping_interval: Duration::from_millis(20),
        client_message_limit: 1_000,
        ..config()
    })
    .await;
    let mut stream = Stream::of(&server, "BTCUSDT").await;
    let last = DAY * 1_000 + 2_499;
    let mut trades = stream.trades(100).await;
    while trades.last().unwrap()["a"] != last {
        trades.extend(stream.trades(1).await);
    }
    assert!(follow(&ids(&trades)));
    for trade in &trades {
        let day = trade["T"].as_i64().unwrap() / 86_400_000_000;
        assert_eq!(day, trade["a"].as_i64().unwrap() / 1_000);
    }
    // Nothing but pings comes any more; the connection is still there to carry them.
    let mut pings = 0;
    while pings < 3 {
        pings += stream
            .arrived()
            .iter()
            .filter(|message| message.is_ping())
            .count();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn at_the_highest_rate_every_trade_arrives_in_order() {
    let server = start(Config {
        rate: Rate::Max,
        history: Some(0),
        length: Some(50_000),
        ..config()
    })
    .await;
    // Nothing is played before somebody listens.
    let mut stream = Stream::of(&server, "BTCUSDT").await;
    let ids = stream.ids(50_000).await;
    assert_eq!(ids[0], FIRST_ID);
    assert!(follow(&ids));
    assert_eq!(server.stats().slow_clients, 0);
}

#[tokio::test]
async fn by_the_wall_clock_a_second_run_continues_the_first() {
    let config = Config {
        rate: Rate::PerSecond(500.0),
        ..Config::default()
    };
    let first = start(config.clone()).await;
    let mut stream = Stream::of(&first, "BTCUSDT").await;
    let streamed = stream.trades(50).await;
    assert!(follow(&ids(&streamed)));
    first.stop().await;

    let second = start(config).await;
    let from = streamed[0]["a"].as_i64().unwrap();
    let path = format!("/api/v3/aggTrades?symbol=BTCUSDT&fromId={from}&limit=50");
    let header = "X-MBX-TIME-UNIT: MICROSECOND\r\n";
    let rows = request(&second, "GET", &path, header, "")
        .await
        .unwrap()
        .rows();
    for (row, trade) in rows.iter().zip(&streamed) {
        for field in ["a", "p", "q", "f", "l", "T", "m", "M"] {
            assert_eq!(row[field], trade[field]);
        }
    }
    let next = Stream::of(&second, "BTCUSDT").await.ids(1).await[0];
    assert!(next > *ids(&streamed).last().unwrap());
}

#[tokio::test]
async fn subscriptions_change_on_an_open_connection() {
    let server = start(Config {
        client_message_limit: 50,
        ..config()
    })
    .await;
    let mut stream = Stream::open(&server, "/ws").await;
    let answer = stream
        .ask(r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","nobody@aggTrade"],"id":1}"#)
        .await;
    assert_eq!(answer, json!({"result": null, "id": 1}));
    assert!(
        stream
            .trades(20)
            .await
            .iter()
            .all(|trade| trade["s"] == "BTCUSDT")
    );
    let list = stream
        .ask(r#"{"method":"LIST_SUBSCRIPTIONS","id":2}"#)
        .await;
    assert_eq!(
        list["result"],
        json!(["btcusdt@aggTrade", "nobody@aggTrade"])
    );
    stream
        .ask(r#"{"method":"SUBSCRIBE","params":["ethusdt@aggTrade"],"id":3}"#)
        .await;
    stream
        .ask(r#"{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":4}"#)
        .await;
    // What was queued before the answer may still come; nothing newer does.
    let ended_at = newest(&server, "BTCUSDT");
    let goes_on_from = newest(&server, "ETHUSDT");
    loop {
        let trade = stream.trades(1).await.remove(0);
        let id = trade["a"].as_i64().unwrap();
        assert!(
            trade["s"] == "ETHUSDT" || id <= ended_at,
            "{id} after {ended_at}"
        );
        if trade["s"] == "ETHUSDT" && id > goes_on_from + 200 {
            break;
        }
    }
}

#[tokio::test]
async fn an_unknown_stream_is_accepted_and_mute() {
    let server = start(Config {
        ping_interval: Duration::from_millis(20),
        client_message_limit: 1_000,
        ..config()
    })
    .await;
    let mut mute = Stream::open(&server, "/ws/BTCUSDT@aggTrade").await;
    Stream::of(&server, "BTCUSDT").await.ids(200).await;
    let arrived = mute.arrived();
    assert!(
        !arrived.is_empty() && arrived.iter().all(Message::is_ping),
        "{arrived:?}"
    );
}

#[tokio::test]
async fn a_client_that_answers_pings_lives_and_one_that_does_not_is_closed() {
    let server = start(Config {
        ping_interval: Duration::from_millis(20),
        pong_timeout: Duration::from_millis(1_500),
        client_message_limit: 1_000,
        ..config()
    })
    .await;
    // A client that does not read cannot answer.
    let _silent = Stream::open(&server, "/ws/nobody@aggTrade").await;
    let mut lively = Stream::of(&server, "BTCUSDT").await;
    while server.stats().connections > 1 {
        lively.ids(10).await;
    }
    assert!(lively.pings > 5);
    lively.ids(10).await;
}

#[tokio::test]
async fn a_client_that_talks_too_much_is_closed() {
    let server = start(config()).await;
    let mut stream = Stream::open(&server, "/ws").await;
    for id in 0..6 {
        let text = format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":{id}}}"#);
        stream.send(Message::text(text)).await;
    }
    for _ in 0..5 {
        assert!(stream.json().await["id"].is_i64());
    }
    let Message::Close(Some(frame)) = stream.next().await.unwrap() else {
        panic!("not closed");
    };
    assert_eq!(frame.code, CloseCode::Policy);
}

#[tokio::test]
async fn a_connection_ends_after_its_life() {
    let server = start(Config {
        lifetime: Duration::from_millis(300),
        ..config()
    })
    .await;
    let mut stream = Stream::of(&server, "BTCUSDT").await;
    let end = loop {
        match stream.next().await.unwrap() {
            Message::Text(_) => {}
            other => break other,
        }
    };
    assert!(matches!(end, Message::Close(Some(frame)) if frame.code == CloseCode::Away));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_ended_and_the_others_do_not_notice() {
    let server = start(Config {
        rate: Rate::PerSecond(50_000.0),
        backlog_size_bytes: 256 << 10,
        ..config()
    })
    .await;
    let _stuck = Stream::of(&server, "BTCUSDT").await;
    let mut reading = Stream::of(&server, "ETHUSDT").await;
    let mut ids = Vec::new();
    while server.stats().slow_clients == 0 {
        ids.extend(reading.ids(100).await);
    }
    ids.extend(reading.ids(100).await);
    assert!(follow(&ids));
    assert_eq!(server.stats().slow_clients, 1);
}

#[tokio::test]
async fn a_sim_that_stops_closes_its_streams() {
    let server = start(config()).await;
    let mut stream = Stream::of(&server, "BTCUSDT").await;
    stream.ids(1).await;
    server.stop().await;
    let end = loop {
        match stream.next().await {
            Ok(Message::Text(_)) => {}
            other => break other,
        }
    };
    let closed = |end: &Result<Message, Error>| match end {
        Ok(Message::Close(Some(frame))) => frame.code == CloseCode::Away,
        _ => false,
    };
    assert!(closed(&end), "{end:?}");
}

#[tokio::test]
async fn stream_connections_are_limited_per_address() {
    let server = start(Config {
        connection_limit: 2,
        ..config()
    })
    .await;
    let _first = Stream::of(&server, "BTCUSDT").await;
    let _second = Stream::of(&server, "BTCUSDT").await;
    match Stream::try_open(&server, "/ws/btcusdt@aggTrade").await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 429),
        other => panic!("not refused: {:?}", other.map(|_| ())),
    }
}
