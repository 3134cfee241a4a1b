//! Faults of REST and of the trades themselves.

use std::time::Duration;

use streamkit::exchange::sim::{Config, CutHow, Fault, FaultKind, MalformedHow, Rate};
use tokio::time::timeout;

use crate::client::*;

const LATEST: &str = "/api/v3/aggTrades?symbol=BTCUSDT&limit=1";

#[tokio::test]
async fn rest_can_be_down_and_comes_back() {
    let server = start(config()).await;
    for how in [CutHow::Rst, CutHow::Fin] {
        server
            .faults()
            .add(Fault::new(FaultKind::RestDown { how }).times(2))
            .unwrap();
        assert!(request(&server, "GET", LATEST, "", "").await.is_none());
        assert!(request(&server, "GET", LATEST, "", "").await.is_none());
        assert_eq!(get(&server, LATEST).await.status, 200);
    }
    assert_eq!(server.stats().rest_requests[&0], 4);
}

#[tokio::test]
async fn rest_can_answer_any_status() {
    let server = start(config()).await;
    for (status, retry_after_s) in [(429, Some(3)), (418, Some(120)), (500, None), (503, None)] {
        let kind = FaultKind::RestStatus {
            status,
            retry_after_s,
        };
        server.faults().add(Fault::new(kind).times(1)).unwrap();
        let answer = get(&server, LATEST).await;
        assert_eq!(answer.status, status);
        let expected = retry_after_s.map(|seconds| seconds.to_string());
        assert_eq!(answer.header("Retry-After"), expected.as_deref());
        assert_eq!(get(&server, LATEST).await.status, 200);
    }
}

#[tokio::test]
async fn rest_can_hang() {
    let server = start(config()).await;
    server
        .faults()
        .add(Fault::new(FaultKind::RestHang {}).times(1))
        .unwrap();
    let hanging = request(&server, "GET", LATEST, "", "");
    let mut hanging = Box::pin(hanging);
    assert!(
        timeout(Duration::from_millis(100), &mut hanging)
            .await
            .is_err()
    );
    assert_eq!(get(&server, LATEST).await.status, 200);
    drop(hanging);
    server.stop().await;
}

#[tokio::test]
async fn rest_can_answer_empty_pages_for_one_symbol() {
    let server = start(config()).await;
    let empty = Fault::new(FaultKind::RestEmpty {}).symbol("BTCUSDT");
    server.faults().add(empty).unwrap();
    let answer = get(&server, LATEST).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "[]"));
    assert_eq!(
        get(&server, "/api/v3/aggTrades?symbol=ETHUSDT")
            .await
            .rows()
            .len(),
        500
    );
    server.faults().clear();
    assert_eq!(get(&server, LATEST).await.rows().len(), 1);
}

#[tokio::test]
async fn rest_can_be_late() {
    let server = start(config()).await;
    add(&server, FaultKind::RestDelay { delay_ms: 150 });
    let asked = tokio::time::Instant::now();
    assert_eq!(get(&server, LATEST).await.status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn the_latest_id_can_be_lower_than_the_streams() {
    let server = start(Config {
        rate: Rate::PerSecond(20.0),
        ..config()
    })
    .await;
    let streamed = Stream::of(&server, "BTCUSDT").await.ids(1).await[0];
    add(&server, FaultKind::LatestBehind { by: 1_500 });
    let latest = ids(&get(&server, LATEST).await.rows())[0];
    assert!(latest < streamed, "{latest} is not below {streamed}");
    let beyond = format!("/api/v3/aggTrades?symbol=BTCUSDT&fromId={streamed}");
    assert!(get(&server, &beyond).await.rows().is_empty());
}

#[tokio::test]
async fn dropped_trades_exist_nowhere() {
    let server = start(config()).await;
    let mut stream = Stream::of(&server, "BTCUSDT").await;
    let seen = stream.ids(1).await[0];
    let first_dropped = newest(&server, "BTCUSDT") + 50;
    let dropped: Vec<i64> = (first_dropped..first_dropped + 10).collect();
    add(
        &server,
        FaultKind::DropIds {
            ids: dropped.clone(),
        },
    );
    let mut streamed = vec![seen];
    let end = first_dropped + 100;
    while *streamed.last().unwrap() < end {
        streamed.extend(stream.ids(1).await);
    }
    let expected: Vec<i64> = (seen..=end).filter(|id| !dropped.contains(id)).collect();
    assert_eq!(streamed, expected);
    let path = format!(
        "/api/v3/aggTrades?symbol=BTCUSDT&fromId={}&limit=2",
        dropped[0]
    );
    assert_eq!(
        ids(&get(&server, &path).await.rows()),
        [first_dropped + 10, first_dropped + 11]
    );
}

#[tokio::test]
async fn a_malformed_trade_is_malformed_everywhere() {
    let server = start(config()).await;
    let mut stream = Stream::of(&server, "BTCUSDT").await;
    stream.ids(1).await;
    let id = newest(&server, "BTCUSDT") + 50;
    add(
        &server,
        FaultKind::Malformed {
            ids: vec![id],
            how: MalformedHow::LastBelowFirst,
        },
    );
    add(
        &server,
        FaultKind::Malformed {
            ids: vec![FIRST_ID],
            how: MalformedHow::BadPrice,
        },
    );
    let streamed = loop {
        let trade = stream.trades(1).await.remove(0);
        if trade["a"] == id {
            break trade;
        }
    };
    assert!(streamed["l"].as_i64() < streamed["f"].as_i64());
    let path = format!("/api/v3/aggTrades?symbol=BTCUSDT&fromId={id}&limit=2");
    let rows = get(&server, &path).await.rows();
    assert!(rows[0]["l"].as_i64() < rows[0]["f"].as_i64());
    assert!(rows[1]["l"].as_i64() >= rows[1]["f"].as_i64());
    let path = format!("/api/v3/aggTrades?symbol=BTCUSDT&fromId={FIRST_ID}&limit=1");
    assert_eq!(get(&server, &path).await.rows()[0]["p"], "6e4");
}

#[tokio::test]
async fn faults_and_stats_are_there_over_http_too() {
    let server = start(config()).await;
    let body = r#"{"add":[{"fault":{"rest_status":{"status":503}},"times":1}]}"#;
    let added = request(&server, "POST", "/sim/faults", "", body)
        .await
        .unwrap();
    assert_eq!(
        (added.status, added.json().as_array().map(Vec::len)),
        (200, Some(1))
    );
    assert_eq!(get(&server, LATEST).await.status, 503);
    assert_eq!(get(&server, LATEST).await.status, 200);
    let stats = get(&server, "/sim/stats").await.json();
    assert_eq!(stats["rest_requests"]["503"], 1);
    assert_eq!(stats["faults_struck"], 1);
    assert!(stats["symbols"]["BTCUSDT"]["newest_id"].as_i64() >= Some(FIRST_ID + 1_999));
    for (body, word) in [
        (r#"{"add":[{"fault":{"no_such":{}}}]}"#, "no_such"),
        (
            r#"{"add":[{"fault":{"rest_hang":{}},"symbol":"X"}]}"#,
            "not served",
        ),
        (r#"{"add":[{"fault":{"duplicate":{"every":0}}}]}"#, "every"),
    ] {
        let refused = request(&server, "POST", "/sim/faults", "", body)
            .await
            .unwrap();
        assert_eq!(refused.status, 400);
        assert!(refused.body.contains(word), "{}", refused.body);
    }
    assert!(get(&server, "/sim/faults").await.rows().is_empty());
}

#[tokio::test]
async fn the_pace_of_a_played_tape_can_be_changed_over_http() {
    let server = start(config()).await;
    let pace = |body| request(&server, "POST", "/sim/pace", "", body);
    assert_eq!(pace(r#"{"rate":0}"#).await.unwrap().status, 200);
    let newest = || server.stats().symbols["BTCUSDT"].newest_id;
    let stopped = newest();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(newest(), stopped);
    assert_eq!(pace(r#"{"rate":100000}"#).await.unwrap().status, 200);
    let moved = async {
        while newest() == stopped {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, moved).await.expect("the tape goes on");
    for (body, word) in [
        (r#"{"rate":-1}"#, "rate must be"),
        (r#"{"speed":1}"#, "speed"),
    ] {
        let refused = pace(body).await.unwrap();
        assert_eq!(refused.status, 400);
        assert!(refused.body.contains(word), "{}", refused.body);
    }
    let by_the_wall = start(Config::default()).await;
    let refused = request(&by_the_wall, "POST", "/sim/pace", "", r#"{"rate":1}"#).await;
    assert!(refused.unwrap().body.contains("has a pace"));
}
