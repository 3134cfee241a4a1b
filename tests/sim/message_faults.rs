//! Faults of single messages, as they arrive at a client.

use streamkit::exchange::sim::{Config, Fault, FaultKind, GarbleHow, Rate, Server};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::*;

/// A tape that waits for its first subscriber, so that tests know which trades come.
async fn waiting(length: u64) -> Server {
    start(Config {
        rate: Rate::Max,
        history: Some(0),
        length: Some(length),
        symbols: vec!["BTCUSDT".to_owned()],
        ..config()
    })
    .await
}

/// The ids of the first `count` messages under a fault, counted from the tape's first.
async fn offsets(fault: Fault, count: usize) -> Vec<i64> {
    let server = waiting(20).await;
    server.faults().add(fault).unwrap();
    let ids = Stream::of(&server, "BTCUSDT").await.ids(count).await;
    ids.iter().map(|id| id - FIRST_ID).collect()
}

#[tokio::test]
async fn messages_can_be_duplicated_skipped_reordered_and_misnumbered() {
    let duplicate = Fault::new(FaultKind::Duplicate { every: 3 });
    assert_eq!(offsets(duplicate, 6).await, [0, 1, 2, 2, 3, 4]);
    let skip = FaultKind::Skip {
        every: 4,
        ids: vec![],
    };
    assert_eq!(offsets(Fault::new(skip), 6).await, [0, 1, 2, 4, 5, 6]);
    let skip = FaultKind::Skip {
        every: 1,
        ids: vec![FIRST_ID + 1, FIRST_ID + 2],
    };
    assert_eq!(offsets(Fault::new(skip), 3).await, [0, 3, 4]);
    let swap = Fault::new(FaultKind::Reorder { every: 2, by: 1 }).times(1);
    assert_eq!(offsets(swap, 5).await, [0, 2, 1, 3, 4]);
    let late = Fault::new(FaultKind::Reorder { every: 1, by: 3 }).times(1);
    assert_eq!(offsets(late, 5).await, [1, 2, 3, 0, 4]);
    let far = FaultKind::FarId {
        every: 2,
        ahead: 1_000_000,
    };
    assert_eq!(
        offsets(Fault::new(far).times(1), 3).await,
        [0, 1_000_001, 2]
    );
}

#[tokio::test]
async fn skipped_messages_are_in_the_history() {
    let server = waiting(20).await;
    let skip = FaultKind::Skip {
        every: 2,
        ids: vec![],
    };
    add(&server, skip);
    Stream::of(&server, "BTCUSDT").await.ids(10).await;
    let rows = get(&server, "/api/v3/aggTrades?symbol=BTCUSDT")
        .await
        .rows();
    assert_eq!(ids(&rows), (FIRST_ID..FIRST_ID + 20).collect::<Vec<_>>());
}

#[tokio::test]
async fn messages_can_arrive_broken() {
    let garbled = |how| async move {
        let server = waiting(20).await;
        let fault = Fault::new(FaultKind::Garble { every: 2, how });
        server.faults().add(fault.times(1)).unwrap();
        let mut stream = Stream::of(&server, "BTCUSDT").await;
        stream.json().await;
        (stream.next().await, stream)
    };
    for how in [GarbleHow::BrokenJson, GarbleHow::Truncated] {
        let (message, mut stream) = garbled(how).await;
        let text = message.unwrap().into_text().unwrap();
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).is_err(),
            "{text}"
        );
        assert_eq!(stream.ids(1).await, [FIRST_ID + 2]);
    }
    let (message, mut stream) = garbled(GarbleHow::Binary).await;
    assert!(message.unwrap().is_binary());
    assert_eq!(stream.ids(1).await, [FIRST_ID + 2]);
    let (message, _) = garbled(GarbleHow::NotUtf8).await;
    assert!(matches!(message, Err(Error::Utf8(_))), "{message:?}");
}

#[tokio::test]
async fn the_schema_can_grow_or_change() {
    let server = waiting(20).await;
    let grow = Fault::new(FaultKind::ExtraField { every: 1 }).times(1);
    let drift = Fault::new(FaultKind::SchemaDrift { every: 1 }).times(1);
    server.faults().add(grow).unwrap();
    server.faults().add(drift).unwrap();
    let messages = Stream::of(&server, "BTCUSDT").await.trades(3).await;
    assert_eq!(messages[0]["a"], FIRST_ID);
    assert!(messages[0]["nq"].is_object());
    assert!(messages[1].get("a").is_none() && messages[1]["price"].is_f64());
    assert_eq!(messages[2]["a"], FIRST_ID + 2);
}

#[tokio::test]
async fn a_message_sent_byte_by_byte_is_still_whole() {
    let server = waiting(5).await;
    let slow = FaultKind::Slow { delay_us: 1 };
    server.faults().add(Fault::new(slow).times(1)).unwrap();
    let ids = Stream::of(&server, "BTCUSDT").await.ids(5).await;
    assert!(ids[0] == FIRST_ID && follow(&ids));
}

#[tokio::test]
async fn a_fault_of_one_symbol_spares_the_others() {
    let server = start(config()).await;
    let skip = FaultKind::Skip {
        every: 2,
        ids: vec![],
    };
    server
        .faults()
        .add(Fault::new(skip).symbol("ETHUSDT"))
        .unwrap();
    assert!(follow(&Stream::of(&server, "BTCUSDT").await.ids(100).await));
    let holey = Stream::of(&server, "ETHUSDT").await.ids(100).await;
    assert!(holey.windows(2).all(|pair| pair[1] == pair[0] + 2));
}

#[tokio::test]
async fn garbled_frames_do_not_end_the_connection_for_the_server() {
    let server = waiting(100).await;
    add(
        &server,
        FaultKind::Garble {
            every: 1,
            how: GarbleHow::Truncated,
        },
    );
    let mut stream = Stream::of(&server, "BTCUSDT").await;
    for _ in 0..100 {
        assert!(matches!(stream.next().await, Ok(Message::Text(_))));
    }
}
