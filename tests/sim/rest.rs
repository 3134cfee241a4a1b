//! REST: paging, units, errors, weight and bans.

use std::time::Duration;

use serde_json::{Value, json};
use streamkit::exchange::sim::Config;

use crate::client::*;

#[tokio::test]
async fn history_pages_from_the_tapes_first_id_to_its_newest() {
    let server = start(Config {
        length: Some(2_000),
        ..config()
    })
    .await;
    let mut ids_seen = Vec::new();
    let mut from = 0;
    loop {
        let path = format!("/api/v3/aggTrades?symbol=BTCUSDT&fromId={from}&limit=1000");
        let page = ids(&get(&server, &path).await.rows());
        let Some(last) = page.last() else { break };
        from = last + 1;
        ids_seen.extend(page);
    }
    assert_eq!(ids_seen, (FIRST_ID..FIRST_ID + 2_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_a_place_the_latest_five_hundred_come_oldest_first() {
    let server = start(config()).await;
    let rows = get(&server, "/api/v3/aggTrades?symbol=BTCUSDT")
        .await
        .rows();
    assert_eq!(rows.len(), 500);
    assert!(follow(&ids(&rows)) && ids(&rows)[499] >= FIRST_ID + 1_999);
    let capped = get(&server, "/api/v3/aggTrades?symbol=BTCUSDT&limit=9999")
        .await
        .rows();
    assert_eq!(capped.len(), 1_000);
}

#[tokio::test]
async fn a_row_is_byte_for_byte_in_the_exchanges_form() {
    let server = start(config()).await;
    let trade = server.tape().trades("BTCUSDT", 0, 1).unwrap()[0];
    let row = |time: i64| {
        let decimal = |e8: i64| format!("{}.{:08}", e8 / 100_000_000, e8 % 100_000_000);
        format!(
            r#"[{{"a":{},"p":"{}","q":"{}","f":{},"l":{},"T":{time},"m":{},"M":true}}]"#,
            trade.id,
            decimal(trade.price_e8),
            decimal(trade.quantity_e8),
            trade.first_id,
            trade.last_id,
            trade.buyer_maker
        )
    };
    let path = format!("/api/v3/aggTrades?symbol=BTCUSDT&fromId={FIRST_ID}&limit=1");
    assert_eq!(get(&server, &path).await.body, row(trade.time_us / 1000));
    let header = "X-MBX-TIME-UNIT: MICROSECOND\r\n";
    let answer = request(&server, "GET", &path, header, "").await.unwrap();
    assert_eq!(answer.body, row(trade.time_us));
}

#[tokio::test]
async fn times_are_inclusive_milliseconds() {
    let server = start(config()).await;
    let all = server.tape().trades("BTCUSDT", 0, 2_000).unwrap();
    let (start_ms, end_ms) = (all[300].time_us / 1000, all[600].time_us / 1000);
    let path = format!(
        "/api/v3/aggTrades?symbol=BTCUSDT&startTime={start_ms}&endTime={end_ms}&limit=1000"
    );
    let expected: Vec<i64> = all
        .iter()
        .filter(|trade| (start_ms..=end_ms).contains(&(trade.time_us / 1000)))
        .map(|trade| trade.id)
        .collect();
    assert_eq!(ids(&get(&server, &path).await.rows()), expected);
}

#[tokio::test]
async fn mistakes_have_the_status_and_code_of_the_exchange() {
    let server = start(config()).await;
    for (query, status, code) in [
        ("symbol=DOGEUSDT", 400, -1121),
        ("limit=5", 400, -1102),
        ("symbol=", 400, -1102),
        ("symbol=btcusdt", 400, -1100),
        ("symbol=BTCUSDT&fromId=x", 400, -1100),
        ("symbol=BTCUSDT&fromId=1&startTime=1", 400, -1128),
    ] {
        let answer = get(&server, &format!("/api/v3/aggTrades?{query}")).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_i64()),
            (status, Some(code)),
            "{query}"
        );
        assert!(answer.json()["msg"].is_string());
    }
    assert_eq!(
        get(&server, "/api/v3/aggTrades?symbol=NONE").await.body,
        r#"{"code":-1121,"msg":"Invalid symbol."}"#
    );
    assert_eq!(get(&server, "/api/v3/nothing").await.status, 404);
}

#[tokio::test]
async fn the_small_endpoints_answer() {
    let server = start(config()).await;
    assert_eq!(get(&server, "/api/v3/ping").await.body, "{}");
    let time = get(&server, "/api/v3/time").await.json()["serverTime"]
        .as_i64()
        .unwrap();
    // A played tape has its own time: that of its newest trade.
    assert_eq!(time / 86_400_000, DAY);
    let info = get(&server, "/api/v3/exchangeInfo").await.json();
    let names: Vec<&Value> = info["symbols"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["symbol"])
        .collect();
    assert_eq!(names, [&json!("BTCUSDT"), &json!("ETHUSDT")]);
}

#[tokio::test]
async fn weight_is_told_then_refused_then_banned_then_forgiven() {
    let server = start(Config {
        weight_limit: 10,
        warnings_before_ban: 1,
        weight_window: Duration::from_secs(3600),
        ban: Duration::from_millis(300),
        ..config()
    })
    .await;
    let path = "/api/v3/aggTrades?symbol=BTCUSDT&limit=1";
    let first = get(&server, path).await;
    assert_eq!(
        (first.status, first.header("X-MBX-USED-WEIGHT-1M")),
        (200, Some("4"))
    );
    let second = get(&server, path).await;
    assert_eq!(
        (second.status, second.header("X-MBX-USED-WEIGHT-1M")),
        (200, Some("8"))
    );
    let third = get(&server, path).await;
    assert_eq!(
        (third.status, third.json()["code"].as_i64()),
        (429, Some(-1003))
    );
    let wait: u64 = third.header("Retry-After").unwrap().parse().unwrap();
    assert!((3_590..=3_600).contains(&wait));
    let fourth = get(&server, path).await;
    assert_eq!(
        (fourth.status, fourth.header("Retry-After")),
        (418, Some("1"))
    );
    // The ban ends by itself; the window's weight is still there, small requests fit.
    let mut statuses = vec![fourth.status];
    while *statuses.last().unwrap() == 418 {
        statuses.push(get(&server, "/api/v3/ping").await.status);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(*statuses.last().unwrap(), 200);
    assert_eq!(server.stats().rest_requests[&429], 1);
}
