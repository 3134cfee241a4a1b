use futures_util::SinkExt;
use tokio::{
    io::{DuplexStream, duplex},
    time::Instant,
};
use tokio_tungstenite::tungstenite::protocol::{
    Role,
    frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::*;

mod connecting;

type Peer = WebSocketStream<DuplexStream>;

/// A connection and its peer, without a network: the clock can be stopped.
async fn pair(settings: &SocketSettings) -> (Connection<DuplexStream>, Peer) {
    pair_over(settings, 1 << 20).await
}

async fn pair_over(
    settings: &SocketSettings,
    pipe_bytes: usize,
) -> (Connection<DuplexStream>, Peer) {
    let (ours, theirs) = duplex(pipe_bytes);
    let config = Some(websocket_config(settings));
    let ours = WebSocketStream::from_raw_socket(ours, Role::Client, config).await;
    let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
    (Connection::over(ours, settings), theirs)
}

async fn receive_text<S: AsyncRead + AsyncWrite + Unpin>(
    connection: &mut Connection<S>,
) -> Result<Vec<String>, StreamEnd> {
    let mut messages = Vec::new();
    connection
        .receive(|bytes| messages.push(String::from_utf8_lossy(bytes).into_owned()))
        .await?;
    Ok(messages)
}

fn settings() -> SocketSettings {
    SocketSettings::default()
}

#[tokio::test(start_paused = true)]
async fn every_frame_that_is_there_is_taken_at_once() {
    let (mut ours, mut theirs) = pair(&settings()).await;
    for n in 0..500 {
        theirs
            .feed(Message::text(n.to_string()))
            .await
            .expect("fed");
    }
    theirs.flush().await.expect("flushed");
    let messages = receive_text(&mut ours).await.expect("messages");
    assert_eq!(
        messages,
        (0..500).map(|n| n.to_string()).collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_bounded_and_the_rest_follows() {
    let settings = SocketSettings {
        max_batch: 100,
        ..settings()
    };
    let (mut ours, mut theirs) = pair(&settings).await;
    for n in 0..250 {
        theirs
            .feed(Message::text(n.to_string()))
            .await
            .expect("fed");
    }
    theirs.flush().await.expect("flushed");
    for (first, count) in [(0, 100), (100, 100), (200, 50)] {
        let messages = receive_text(&mut ours).await.expect("messages");
        assert_eq!(
            (messages[0].as_str(), messages.len()),
            (first.to_string().as_str(), count)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_loses_and_doubles_nothing() {
    let (mut ours, mut theirs) = pair_over(&settings(), 64).await;
    let sender = tokio::spawn(async move {
        for n in 0..300u64 {
            // Messages longer than the pipe arrive in pieces.
            let text = format!("{n} {}", "x".repeat((n % 90) as usize));
            theirs.send(Message::text(text)).await.expect("sent");
            time::sleep(Duration::from_micros(n * 37 % 1500)).await;
        }
        theirs
    });
    let mut numbers = Vec::new();
    while numbers.len() < 300 {
        let receiving = ours.receive(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            numbers.push(text.split(' ').next().map(str::to_owned));
        });
        if let Ok(result) = time::timeout(Duration::from_millis(1), receiving).await {
            result.expect("still open");
        }
    }
    let expected: Vec<_> = (0..300).map(|n| Some(n.to_string())).collect();
    assert_eq!(numbers, expected);
    drop(sender.await.expect("the sender ends"));
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_although_nothing_is_ever_written() {
    let (mut ours, mut theirs) = pair(&settings()).await;
    let ours = tokio::spawn(async move { receive_text(&mut ours).await });
    theirs
        .send(Message::Ping("payload".into()))
        .await
        .expect("sent");
    let answer = theirs.next().await.expect("open").expect("a frame");
    assert_eq!(answer, Message::Pong("payload".into()));
    ours.abort();
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_that_answers_pings_lives() {
    let (mut ours, mut theirs) = pair(&settings()).await;
    let peer = tokio::spawn(async move {
        let mut pings = 0;
        while let Some(Ok(message)) = theirs.next().await {
            pings += usize::from(message.is_ping());
        }
        pings
    });
    let outcome = time::timeout(Duration::from_secs(110), receive_text(&mut ours)).await;
    assert!(outcome.is_err(), "it ended: {outcome:?}");
    drop(ours);
    assert_eq!(peer.await.expect("the peer ends"), 5);
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_does_not_come_ends_it_on_time() {
    let start = Instant::now();
    let (mut ours, _theirs) = pair(&settings()).await;
    let deadline = settings().pong_deadline;
    assert_eq!(
        receive_text(&mut ours).await,
        Err(StreamEnd::NoPong { deadline })
    );
    assert_eq!(start.elapsed().as_secs(), 30);
    // And it stays over.
    assert_eq!(
        receive_text(&mut ours).await,
        Err(StreamEnd::NoPong { deadline })
    );
}

#[tokio::test(start_paused = true)]
async fn neither_data_nor_pings_nor_other_pongs_stand_in_for_the_pong() {
    let start = Instant::now();
    let (mut ours, mut theirs) = pair(&settings()).await;
    let peer = tokio::spawn(async move {
        loop {
            time::sleep(Duration::from_millis(300)).await;
            for frame in [
                Message::text("data"),
                Message::Ping("ping".into()),
                Message::Pong("another".into()),
                Message::Pong(Bytes::new()),
            ] {
                if theirs.send(frame).await.is_err() {
                    return;
                }
            }
        }
    });
    let end = loop {
        if let Err(end) = receive_text(&mut ours).await {
            break end;
        }
    };
    let deadline = settings().pong_deadline;
    assert_eq!(end, StreamEnd::NoPong { deadline });
    assert_eq!(start.elapsed().as_secs(), 30);
    peer.abort();
}

#[tokio::test(start_paused = true)]
async fn a_pong_behind_much_data_counts_though_nobody_looked_for_a_minute() {
    let settings = SocketSettings {
        max_batch: 10,
        ..settings()
    };
    let (mut ours, mut theirs) = pair(&settings).await;
    let until_ping = Duration::from_secs(21);
    assert!(
        time::timeout(until_ping, receive_text(&mut ours))
            .await
            .is_err()
    );
    let ping = theirs.next().await.expect("open").expect("a frame");
    assert!(ping.is_ping());
    for n in 0..1000 {
        theirs
            .feed(Message::text(n.to_string()))
            .await
            .expect("fed");
    }
    theirs
        .send(Message::Pong(ping.into_data()))
        .await
        .expect("sent");
    time::sleep(Duration::from_secs(15)).await;
    let mut count = 0;
    while count < 1000 {
        count += receive_text(&mut ours).await.expect("it lives").len();
    }
    let next_ping = Duration::from_secs(1);
    assert!(
        time::timeout(next_ping, receive_text(&mut ours))
            .await
            .is_err(),
        "it lives"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_ends_it() {
    let start = Instant::now();
    // Our ping does not fit into the pipe.
    let (mut ours, _theirs) = pair_over(&settings(), 8).await;
    let end = receive_text(&mut ours).await.expect_err("it ends");
    assert_eq!(
        end.to_string(),
        "the connection broke: what was sent did not leave within 5s"
    );
    assert_eq!(start.elapsed().as_secs(), 25);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_leaves_room_for_others() {
    let settings = SocketSettings {
        max_batch: 5,
        ..settings()
    };
    let (mut ours, mut theirs) = pair(&settings).await;
    for _ in 0..100 {
        theirs.feed(Message::Ping(Bytes::new())).await.expect("fed");
    }
    theirs.send(Message::text("data")).await.expect("sent");
    assert_eq!(receive_text(&mut ours).await, Ok(vec!["data".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_end_is_handed_out_first() {
    let (mut ours, mut theirs) = pair(&settings()).await;
    theirs.feed(Message::text("last words")).await.expect("fed");
    let frame = CloseFrame {
        code: CloseCode::Restart,
        reason: "back soon".into(),
    };
    theirs.close(Some(frame)).await.expect("sent");
    assert_eq!(
        receive_text(&mut ours).await,
        Ok(vec!["last words".to_owned()])
    );
    let end = receive_text(&mut ours).await.expect_err("it ends");
    assert_eq!(
        end,
        StreamEnd::Closed {
            code: 1012,
            reason: "back soon".to_owned()
        }
    );
    // The answer has been sent, so that the peer ends in order, too.
    let answer = theirs.next().await.expect("an answer").expect("a frame");
    assert!(answer.is_close());
}

#[tokio::test(start_paused = true)]
async fn each_way_to_end_has_its_words() {
    let (mut ours, mut theirs) = pair(&settings()).await;
    theirs.close(None).await.expect("sent");
    let end = receive_text(&mut ours).await.expect_err("it ends");
    assert!(matches!(end, StreamEnd::Closed { code: 1005, .. }), "{end}");

    let (mut ours, theirs) = pair(&settings()).await;
    drop(theirs);
    let end = receive_text(&mut ours).await.expect_err("it ends");
    assert!(
        end.to_string()
            .ends_with("the peer ended it without a close frame"),
        "{end}"
    );

    let small = SocketSettings {
        max_message_bytes: 1000,
        ..settings()
    };
    let (mut ours, mut theirs) = pair(&small).await;
    theirs
        .send(Message::text("x".repeat(1001)))
        .await
        .expect("sent");
    let end = receive_text(&mut ours).await.expect_err("it ends");
    assert!(
        end.to_string()
            .ends_with("a message of 1001 bytes came, 1000 are allowed"),
        "{end}"
    );

    let (mut ours, mut theirs) = pair(&settings()).await;
    let bytes = Bytes::from_static(b"\xff{}");
    let frame = Frame::message(bytes, OpCode::Data(Data::Text), true);
    theirs.send(Message::Frame(frame)).await.expect("sent");
    let end = receive_text(&mut ours).await.expect_err("it ends");
    assert!(
        end.to_string().contains("a text message is not UTF-8"),
        "{end}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_in_pieces_comes_whole() {
    let (mut ours, mut theirs) = pair(&settings()).await;
    for (text, kind, is_last) in [("he", Data::Text, false), ("llo", Data::Continue, true)] {
        let bytes = Bytes::from_static(text.as_bytes());
        let frame = Frame::message(bytes, OpCode::Data(kind), is_last);
        theirs.send(Message::Frame(frame)).await.expect("sent");
    }
    assert_eq!(receive_text(&mut ours).await, Ok(vec!["hello".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn goodbye_is_answered_or_given_up() {
    let (mut ours, mut theirs) = pair(&settings()).await;
    let peer = tokio::spawn(async move {
        let goodbye = theirs.next().await;
        while theirs.next().await.is_some() {}
        goodbye
    });
    ours.close().await;
    let goodbye = peer
        .await
        .expect("the peer ends")
        .expect("a frame")
        .expect("a frame");
    assert!(goodbye.is_close());
    assert!(receive_text(&mut ours).await.is_err());

    let start = Instant::now();
    let (mut ours, _theirs) = pair(&settings()).await;
    ours.close().await;
    assert_eq!(start.elapsed(), settings().close_deadline);
}
