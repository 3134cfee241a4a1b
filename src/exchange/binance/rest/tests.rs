use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::Instant,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path, query_param},
};

use super::*;
use crate::{domain::price::Price, exchange::dial::Resolve};

fn symbol() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

fn settings(urls: &[String]) -> Settings {
    Settings {
        rest_urls: urls.iter().map(|url| url.parse().expect("a URL")).collect(),
        ..Settings::default()
    }
}

fn client(urls: &[String]) -> Rest {
    Rest::new(&settings(urls)).expect("a client")
}

fn row(id: i64) -> String {
    format!(
        r#"{{"a":{id},"p":"60000.10000000","q":"0.50000000","f":{id},"l":{id},"T":1735689600157336,"m":true,"M":true}}"#
    )
}

fn rows(rows: &[String]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(format!("[{}]", rows.join(",")), "application/json")
}

async fn answering(response: ResponseTemplate) -> (MockServer, Rest) {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(response)
        .mount(&server)
        .await;
    let rest = client(&[server.uri()]);
    (server, rest)
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.expect("recorded").len()
}

/// An address that refuses connections.
async fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[tokio::test]
async fn a_page_is_asked_for_as_documented() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/v3/aggTrades"))
        .and(query_param("symbol", "BTCUSDT"))
        .and(query_param("fromId", "7"))
        .and(query_param("limit", "1000"))
        .and(header("X-MBX-TIME-UNIT", "MICROSECOND"))
        .respond_with(rows(&[row(7), row(8)]))
        .expect(1)
        .mount(&server)
        .await;
    let page = client(&[server.uri()])
        .page(&symbol(), 7)
        .await
        .expect("a page");
    let ids: Vec<_> = page.trades.iter().map(|trade| trade.id).collect();
    assert_eq!(ids, [7, 8]);
    assert_eq!(page.trades[0].price, Price(6_000_010_000_000));
    assert_eq!(page.trades[0].time_us, 1_735_689_600_157_336);
    assert!(!page.is_full);
}

#[tokio::test]
async fn a_page_of_a_thousand_rows_is_full() {
    let all: Vec<_> = (0..1000).map(row).collect();
    let (_server, rest) = answering(rows(&all)).await;
    let page = rest.page(&symbol(), 0).await.expect("a page");
    assert_eq!((page.trades.len(), page.is_full), (1000, true));
}

#[tokio::test]
async fn the_newest_trade_is_asked_for_without_an_id() {
    let server = MockServer::start().await;
    Mock::given(query_param("limit", "10"))
        .and(query_param("symbol", "BTCUSDT"))
        .respond_with(rows(&[row(99)]))
        .mount(&server)
        .await;
    let rest = client(&[server.uri()]);
    let latest = rest
        .latest(&symbol())
        .await
        .expect("an answer")
        .expect("a trade");
    assert_eq!(latest.id, 99);
    assert_eq!(latest.trade.expect("a trade").id, 99);
    let requests = server.received_requests().await.expect("recorded");
    assert!(!requests[0].url.as_str().contains("fromId"));

    let (_server, rest) = answering(rows(&[])).await;
    assert_eq!(rest.latest(&symbol()).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_newest_row_that_is_no_trade_still_tells_its_id() {
    let damaged = row(99).replace("60000.1", "-1");
    let (_server, rest) = answering(rows(&[row(97), row(98), damaged.clone()])).await;
    let latest = rest.latest(&symbol()).await.expect("an answer");
    let latest = latest.expect("something");
    assert_eq!(latest.id, 99);
    assert_eq!(latest.trade.map(|trade| trade.id), Some(98));
    let (_server, rest) = answering(rows(&[damaged])).await;
    let latest = rest.latest(&symbol()).await.expect("an answer");
    let latest = latest.expect("something");
    assert_eq!((latest.id, latest.trade), (99, None));
    let (_server, rest) = answering(rows(&["17".to_owned()])).await;
    let error = rest.latest(&symbol()).await.expect_err("nothing to go by");
    assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_row_does_not_hide_the_others() {
    let damaged = row(8).replace("\"0.50000000\"", "\"0.5x\"");
    let (_server, rest) = answering(rows(&[row(7), damaged, "17".to_owned(), row(9)])).await;
    let page = rest.page(&symbol(), 7).await.expect("a page");
    assert_eq!(
        page.trades.iter().map(|trade| trade.id).collect::<Vec<_>>(),
        [7, 9]
    );
    assert_eq!(
        page.malformed.iter().map(|bad| bad.id).collect::<Vec<_>>(),
        [Some(8), None]
    );
    assert!(page.malformed[0].reason.contains("quantity"));
    assert!(page.malformed[0].excerpt.contains("0.5x"));
}

#[tokio::test]
async fn ids_that_do_not_rise_make_the_page_unreadable() {
    for wrong in [
        vec![row(7), row(7)],
        vec![row(8), row(7)],
        vec![row(6)],
        vec![row(7), row(7).replace("60000", "-1")],
    ] {
        let (_server, rest) = answering(rows(&wrong)).await;
        let error = rest.page(&symbol(), 7).await.expect_err("unreadable");
        assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
        assert!(error.to_string().contains("is due"), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_list_of_rows_is_unreadable() {
    for body in ["", "{}", "[", r#"[{"a":1}"#, "<html>", "null"] {
        let response = ResponseTemplate::new(200).set_body_string(body);
        let (_server, rest) = answering(response).await;
        let error = rest.page(&symbol(), 7).await.expect_err("unreadable");
        assert!(
            matches!(error, SourceError::Unreadable { .. }),
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let response = ResponseTemplate::new(200).set_body_bytes(vec![b' '; MAX_ANSWER_BYTES + 1]);
    let (_server, rest) = answering(response).await;
    let error = rest.page(&symbol(), 7).await.expect_err("too long");
    assert!(
        error
            .to_string()
            .contains("it is longer than 4194304 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn after_429_and_418_nothing_is_sent_until_the_time_is_over() {
    for status in [429, 418] {
        let refusal = ResponseTemplate::new(status).insert_header("Retry-After", "1");
        let (server, rest) = answering(refusal).await;
        let start = Instant::now();
        let error = rest.page(&symbol(), 7).await.expect_err("refused");
        let wanted = Duration::from_secs(1);
        assert!(
            matches!(error, SourceError::RateLimited { status: s, retry_after, .. }
                if s == status && retry_after == wanted),
            "{error}"
        );
        // The silence holds for everybody, whatever they ask.
        for _ in 0..5 {
            let error = rest.latest(&symbol()).await.expect_err("refused");
            assert!(
                matches!(error, SourceError::RateLimited { status: s, retry_after, .. }
                    if s == status && retry_after <= wanted),
                "{error}"
            );
        }
        assert!(start.elapsed() < wanted, "refused at once");
        assert_eq!(asked(&server).await, 1);
        time::sleep_until(start + Duration::from_millis(1100)).await;
        drop(rest.latest(&symbol()).await);
        assert_eq!(asked(&server).await, 2);
    }
}

#[tokio::test]
async fn without_retry_after_the_silence_lasts_a_minute() {
    let (_server, rest) = answering(ResponseTemplate::new(429)).await;
    let error = rest.page(&symbol(), 7).await.expect_err("refused");
    assert!(
        matches!(error, SourceError::RateLimited { retry_after, .. }
            if retry_after == Duration::from_secs(60)),
        "{error}"
    );
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let body = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
    let (_server, rest) = answering(ResponseTemplate::new(400).set_body_string(body)).await;
    let error = rest.page(&symbol(), 7).await.expect_err("unknown");
    assert!(
        matches!(&error, SourceError::UnknownSymbol { message, .. } if message == "Invalid symbol.")
    );

    for (status, body) in [
        (400, r#"{"code":-1100,"msg":"Illegal characters"}"#),
        (403, "<html>"),
        (500, body),
        (503, ""),
        (302, ""),
    ] {
        let response = ResponseTemplate::new(status)
            .insert_header("Location", "http://127.0.0.1:1/")
            .set_body_string(body);
        let (_server, rest) = answering(response).await;
        let error = rest.page(&symbol(), 7).await.expect_err("refused");
        assert!(
            matches!(&error, SourceError::Status { status: s, body: b, .. } if *s == status && b == body),
            "{status}: {error}"
        );
    }
}

#[tokio::test]
async fn a_transport_error_leads_to_the_next_endpoint_which_is_then_kept() {
    let (server, _) = answering(rows(&[row(7)])).await;
    let rest = client(&[refusing().await, server.uri()]);
    for _ in 0..2 {
        assert_eq!(
            rest.page(&symbol(), 7).await.expect("a page").trades.len(),
            1
        );
    }
    assert_eq!(
        rest.endpoints.preferred().as_str(),
        format!("{}/", server.uri())
    );
    assert_eq!(asked(&server).await, 2);

    let first = refusing().await;
    let rest = client(&[first.clone(), refusing().await]);
    let error = rest.page(&symbol(), 7).await.expect_err("unreachable");
    assert!(
        matches!(&error, SourceError::Unreachable { endpoint, cause }
            if *endpoint == format!("{first}/") && cause.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_error_is_told_and_the_next_request_tries_the_next_endpoint() {
    let (failing, _) = answering(ResponseTemplate::new(502)).await;
    let (server, _) = answering(rows(&[row(7)])).await;
    let rest = client(&[failing.uri(), server.uri()]);
    assert!(rest.page(&symbol(), 7).await.is_err());
    assert!(rest.page(&symbol(), 7).await.is_ok());
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_deadline_and_no_more() {
    let response = rows(&[row(7)]).set_delay(Duration::from_secs(30));
    let (hanging, _) = answering(response).await;
    let (server, _) = answering(rows(&[row(7)])).await;
    let deadline = Duration::from_millis(200);
    let rest = Rest::new(&Settings {
        request_deadline: deadline,
        ..settings(&[hanging.uri(), server.uri()])
    })
    .expect("a client");
    let error = rest.page(&symbol(), 7).await.expect_err("too late");
    assert!(
        matches!(&error, SourceError::TimedOut { endpoint, deadline: d }
            if *endpoint == format!("{}/", hanging.uri()) && *d == deadline),
        "{error}"
    );
    // The next request does not run into the same.
    assert!(rest.page(&symbol(), 7).await.is_ok());
}

#[tokio::test]
async fn a_body_that_breaks_off_or_trickles_is_no_page() {
    for (announced, rest_of_body) in [(1000, None), (1000, Some(Duration::from_secs(60)))] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).await.expect("a request") > 0);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {announced}\r\n\r\n[");
            stream.write_all(head.as_bytes()).await.expect("written");
            if let Some(wait) = rest_of_body {
                time::sleep(wait).await;
            }
        });
        let settings = Settings {
            request_deadline: Duration::from_millis(200),
            ..settings(&[url])
        };
        let rest = Rest::new(&settings).expect("a client");
        let error = rest.page(&symbol(), 7).await.expect_err("no page");
        match rest_of_body {
            None => assert!(matches!(error, SourceError::Unreachable { .. }), "{error}"),
            Some(_) => assert!(matches!(error, SourceError::TimedOut { .. }), "{error}"),
        }
    }
}

#[tokio::test]
async fn names_are_looked_up_by_the_resolver_that_was_given() {
    struct Loopback;
    #[async_trait::async_trait]
    impl Resolve for Loopback {
        async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
            match host {
                "exchange.test" => Ok(vec!["127.0.0.1".parse().expect("an address")]),
                _ => Err(std::io::Error::other("no such name")),
            }
        }
    }
    let (server, _) = answering(rows(&[row(7)])).await;
    let port = server.address().port();
    let rest = Rest::new(&Settings {
        resolver: Arc::new(Loopback),
        ..settings(&[
            format!("http://other.test:{port}"),
            format!("http://exchange.test:{port}"),
        ])
    })
    .expect("a client");
    assert!(rest.page(&symbol(), 7).await.is_ok());
}

#[tokio::test]
async fn a_used_up_minute_spaces_requests_out() {
    let response = rows(&[row(7)]).insert_header("X-MBX-USED-WEIGHT-1M", "5999");
    let (_server, rest) = answering(response).await;
    let start = Instant::now();
    for _ in 0..2 {
        assert!(rest.page(&symbol(), 7).await.is_ok());
    }
    assert!(
        start.elapsed() >= Duration::from_millis(990),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn the_budget_paces_requests() {
    let (server, _) = answering(rows(&[row(7)])).await;
    let rest = Rest::new(&Settings {
        // One request a half second, after the first.
        weight_per_minute: NonZeroU32::new(480).expect("not zero"),
        ..settings(&[server.uri()])
    })
    .expect("a client");
    let start = Instant::now();
    for _ in 0..17 {
        assert!(rest.page(&symbol(), 7).await.is_ok());
    }
    // Fifteen at once, two more after half a second each.
    assert!(
        start.elapsed() >= Duration::from_millis(900),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn the_rest_of_the_minute_is_the_servers() {
    let rest = |date: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("date", date.parse().expect("a value"));
        rest_of_minute(&headers).as_secs()
    };
    assert_eq!(rest("Sun, 06 Nov 1994 08:49:37 GMT"), 23);
    assert_eq!(rest("Sun, 06 Nov 1994 08:49:00 GMT"), 60);
    assert_eq!(rest("today"), 60);
    assert_eq!(rest_of_minute(&HeaderMap::new()).as_secs(), 60);
}

#[tokio::test]
async fn the_time_is_in_microseconds_whatever_the_header_led_to() {
    for (body, time_us) in [
        (
            r#"{"serverTime":1735689600157336}"#,
            Some(1_735_689_600_157_336),
        ),
        (
            r#"{"serverTime":1735689600157}"#,
            Some(1_735_689_600_157_000),
        ),
        (r#"{"time":1735689600157}"#, None),
        ("", None),
    ] {
        let response = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/api/v3/time"))
            .respond_with(response)
            .expect(1)
            .mount(&server)
            .await;
        let told = client(&[server.uri()]).time_us().await;
        assert_eq!(told.ok(), time_us, "{body}");
    }
}
