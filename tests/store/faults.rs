//! Servers that do what servers do on bad days. None of it may pass for a confirmation,
//! and none of it may hang.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use streamkit::{
    domain::row::Rows,
    store::{
        StoreOptions,
        clickhouse::ClickHouseOptions,
        open,
        sink::{BarQuery, GapQuery, Store, StoreError, StoreErrorKind},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::Instant,
};

use crate::rows::{bars, batch, btc};

const PATIENCE: Duration = Duration::from_millis(300);

/// A server that treats each connection with `serve`.
struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn server<F, S>(serve: S) -> Server
where
    F: Future<Output = ()> + Send,
    S: Fn(TcpStream) -> F + Copy + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(async move { serve(stream).await });
        }
    });
    Server { address, task }
}

fn store_at(address: SocketAddr) -> Arc<dyn Store> {
    let address = format!("clickhouse://{address}/db")
        .parse()
        .expect("an address");
    let options = StoreOptions {
        clickhouse: ClickHouseOptions {
            connect_timeout: PATIENCE,
            send_timeout: PATIENCE,
            answer_timeout: PATIENCE,
            insert_timeout: 4 * PATIENCE,
            query_timeout: PATIENCE,
        },
        ..StoreOptions::default()
    };
    open(&address, options).expect("a store")
}

const OK: &str = "HTTP/1.1 200 OK\r\nX-ClickHouse-Query-Id: 1\r\n";

/// Reads one request to its end and tells whether it is an insert.
async fn request(stream: &mut TcpStream) -> Option<bool> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|length| *length > 0)?;
        bytes.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let is_done = match head.split("content-length: ").nth(1) {
            Some(rest) => {
                let length = rest
                    .lines()
                    .next()
                    .and_then(|line| line.trim().parse().ok());
                body.len() >= length.unwrap_or(0)
            }
            None => bytes.ends_with(b"0\r\n\r\n"),
        };
        if is_done {
            return Some(head.contains("query=insert"));
        }
    }
}

/// The answer to `DESCRIBE TABLE bars`, from the schema, in the client's format.
fn columns() -> Vec<u8> {
    fn text(out: &mut Vec<u8>, text: &str) {
        let mut length = text.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(text.as_bytes());
    }
    let sql =
        streamkit::store::schema::statements(streamkit::store::schema::StoreKind::ClickHouse, None)
            .into_iter()
            .find(|statement| statement.object == "bars")
            .expect("bars")
            .sql;
    let mut out = vec![7];
    let names = [
        "name",
        "type",
        "default_type",
        "default_expression",
        "comment",
        "codec_expression",
        "ttl_expression",
    ];
    for name in names {
        text(&mut out, name);
    }
    for _ in names {
        text(&mut out, "String");
    }
    for line in sql
        .lines()
        .filter(|line| line.starts_with("    ") && !line.contains("INDEX"))
    {
        let (name, kind) = line
            .trim()
            .trim_end_matches(',')
            .split_once(' ')
            .expect("a column");
        let kind = kind.replace("Decimal64(8)", "Decimal(18, 8)");
        let kind = kind.replace("Decimal128(8)", "Decimal(38, 8)");
        text(&mut out, name);
        text(&mut out, &kind.replace("Decimal128(16)", "Decimal(38, 16)"));
        for _ in 2..names.len() {
            text(&mut out, "");
        }
    }
    out
}

/// Answers everything but inserts; an insert is read and handed back for the fault.
async fn until_insert(stream: &mut TcpStream) -> Option<()> {
    while !request(stream).await? {
        let body = columns();
        let head = format!("{OK}Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(&body).await.ok()?;
    }
    Some(())
}

/// Answers an insert with `text` and closes.
async fn answer_insert(mut stream: TcpStream, text: &str) {
    if until_insert(&mut stream).await.is_some() {
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

async fn insert(server: &Server, rows: i64) -> Result<(), StoreError> {
    let store = store_at(server.address);
    let insert = batch(Rows::Bars(bars(&btc(), rows, 1)), "t");
    let started = Instant::now();
    let result = store.insert(&insert).await;
    assert!(
        started.elapsed() < 20 * PATIENCE,
        "it took {:?}",
        started.elapsed()
    );
    result
}

async fn kind(server: Server) -> (StoreErrorKind, Option<i32>) {
    let error = insert(&server, 10).await.expect_err("no confirmation");
    println!("{error}");
    (error.kind, error.code)
}

#[tokio::test]
async fn a_server_that_confirms_is_believed() {
    let server = server(|stream| async {
        answer_insert(stream, &format!("{OK}Content-Length: 0\r\n\r\n")).await;
    })
    .await;
    insert(&server, 10).await.expect("a confirmation");
}

#[tokio::test]
async fn nobody_there_passes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let store = store_at(address);
    let insert = batch(Rows::Bars(bars(&btc(), 1, 1)), "t");
    for error in [
        store.insert(&insert).await.expect_err("no insert"),
        store.ping().await.expect_err("no ping"),
        store.create_schema().await.expect_err("no schema"),
        store
            .series(&BarQuery::default())
            .await
            .expect_err("no series"),
    ] {
        assert_eq!(error.kind, StoreErrorKind::Retry, "{error}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_stalls_is_given_up() {
    let server = server(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let store = store_at(server.address);
    let started = Instant::now();
    for error in [
        store.ping().await.expect_err("no ping"),
        store
            .series(&BarQuery::default())
            .await
            .expect_err("no series"),
        store.last_bar(&btc()).await.expect_err("no bar"),
    ] {
        assert_eq!(error.kind, StoreErrorKind::Retry, "{error}");
    }
    assert!(started.elapsed() < 20 * PATIENCE);
    // Nothing of the insert was sent: the table's columns never came.
    assert_eq!(kind(server).await, (StoreErrorKind::Retry, None));
}

/// Reads everything there is to read, as `bars` and `verify` do, and returns the errors.
async fn reading_errors(store: &dyn Store) -> Vec<StoreError> {
    let mut errors = vec![store.gaps(&GapQuery::default()).await.expect_err("no gaps")];
    let read = store.bars(&BarQuery::default(), &mut |_| Ok(())).await;
    let error = read.expect_err("no bars");
    errors.push(error.downcast::<StoreError>().expect("the store's own"));
    errors
}

#[tokio::test]
async fn a_reader_of_a_mute_server_is_told_soon_and_clearly() {
    // Whoever verifies by hand gives up long before five minutes are over.
    let patience = ClickHouseOptions::default().query_timeout;
    assert!(patience <= Duration::from_secs(30), "{patience:?}");
    let mute = server(|mut stream| async move {
        let _ = request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let half = server(|mut stream| async move {
        if request(&mut stream).await.is_some() {
            let head = format!("{OK}Content-Length: 100000\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&columns()[..20]).await;
            std::future::pending::<()>().await;
        }
    })
    .await;
    for server in [mute, half] {
        let started = Instant::now();
        for error in reading_errors(&*store_at(server.address)).await {
            // Exit code 69: it may answer another time.
            assert_eq!(error.kind, StoreErrorKind::Retry, "{error}");
            assert!(error.reason.contains("nothing moved"), "{error}");
        }
        assert!(started.elapsed() < 20 * PATIENCE);
    }
}

#[tokio::test]
async fn a_server_that_stops_reading_is_given_up() {
    let server = server(|mut stream| async move {
        if request(&mut stream).await.is_some() {
            let body = columns();
            let head = format!("{OK}Content-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
            std::future::pending::<()>().await;
        }
    })
    .await;
    // More than the sockets hold, and less.
    for rows in [100_000, 10] {
        let error = insert(&server, rows).await.expect_err("no confirmation");
        assert_eq!(error.kind, StoreErrorKind::Ambiguous, "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_it_open_whether_the_rows_are_in() {
    let server = server(|mut stream| async move {
        if until_insert(&mut stream).await.is_some() {
            std::future::pending::<()>().await;
        }
    })
    .await;
    assert_eq!(kind(server).await, (StoreErrorKind::Ambiguous, None));
}

#[tokio::test]
async fn an_answer_that_is_dropped_leaves_it_open_whether_the_rows_are_in() {
    let server = server(|stream| answer_insert(stream, "")).await;
    assert_eq!(kind(server).await, (StoreErrorKind::Ambiguous, None));
}

#[tokio::test]
async fn an_answer_that_trickles_is_given_up() {
    let server = server(|mut stream| async move {
        if until_insert(&mut stream).await.is_some() {
            let text = format!(
                "{OK}Content-Length: 0\r\nX-Padding: {}",
                "x".repeat(100_000)
            );
            for byte in text.bytes() {
                if stream.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(PATIENCE / 10).await;
            }
        }
    })
    .await;
    assert_eq!(kind(server).await, (StoreErrorKind::Ambiguous, None));
}

#[tokio::test]
async fn an_exception_behind_a_200_is_no_confirmation_however_it_is_cut() {
    let plain = server(|stream| async {
        let body = "Code: 241. DB::Exception: Memory limit exceeded";
        let text = format!("{OK}Content-Length: {}\r\n\r\n{body}", body.len());
        answer_insert(stream, &text).await;
    })
    .await;
    assert_eq!(kind(plain).await, (StoreErrorKind::Retry, Some(241)));

    let in_bytes = server(|mut stream| async move {
        if until_insert(&mut stream).await.is_some() {
            let head = format!("{OK}Transfer-Encoding: chunked\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            for byte in "Code: 469. DB::Exception: Constraint (VIOLATED_CONSTRAINT)\n".chars() {
                let _ = stream
                    .write_all(format!("1\r\n{byte}\r\n").as_bytes())
                    .await;
            }
            let _ = stream.write_all(b"0\r\n\r\n").await;
        }
    })
    .await;
    let (kind, _) = kind(in_bytes).await;
    assert_ne!(
        kind,
        StoreErrorKind::Content,
        "a text in pieces proves nothing about the rows"
    );
}

#[tokio::test]
async fn an_exception_s_header_counts_before_its_text() {
    let server = server(|stream| async {
        let body = "rows\nmore rows\n";
        let text = format!(
            "HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: 252\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        answer_insert(stream, &text).await;
    })
    .await;
    assert_eq!(kind(server).await, (StoreErrorKind::Retry, Some(252)));
}

#[tokio::test]
async fn a_refusal_before_all_was_sent_is_heard() {
    let server = server(|mut stream| async move {
        if request(&mut stream).await.is_none() {
            return;
        }
        let body = columns();
        let head = format!("{OK}Content-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(&body).await;
        // The beginning of the insert is enough for a no.
        let mut buffer = vec![0; 1000];
        let _ = stream.read(&mut buffer).await;
        let body = "Code: 252. DB::Exception: Too many parts. (TOO_MANY_PARTS)";
        let text = format!(
            "HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: 252\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(text.as_bytes()).await;
        // Taking the rest keeps the answer from being lost in a reset.
        while stream
            .read(&mut buffer)
            .await
            .is_ok_and(|length| length > 0)
        {}
    })
    .await;
    let error = insert(&server, 100_000).await.expect_err("no confirmation");
    assert_eq!(
        (error.kind, error.code),
        (StoreErrorKind::Retry, Some(252)),
        "{error}"
    );
    assert!(error.to_string().contains("Too many parts"), "{error}");
}

#[tokio::test]
async fn a_500_passes_with_a_body_and_without() {
    let bare = server(|stream| async {
        answer_insert(stream, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").await;
    })
    .await;
    assert_eq!(kind(bare).await, (StoreErrorKind::Retry, None));
    let page = server(|stream| async {
        let text = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 15\r\n\r\n<html>no</html>";
        answer_insert(stream, text).await;
    })
    .await;
    assert_eq!(kind(page).await, (StoreErrorKind::Retry, None));
}

#[tokio::test]
async fn whatever_else_answers_200_has_stored_nothing() {
    let server = server(|mut stream| async move {
        // It knows the columns, so that only the insert's answer is at fault.
        if until_insert(&mut stream).await.is_some() {
            let text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            let _ = stream.write_all(text.as_bytes()).await;
        }
    })
    .await;
    assert_eq!(kind(server).await, (StoreErrorKind::Configuration, None));
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_costs_no_confirmation() {
    // Each connection confirms one insert and is closed without a word.
    let server = server(|stream| async {
        answer_insert(stream, &format!("{OK}Content-Length: 0\r\n\r\n")).await;
    })
    .await;
    let store = store_at(server.address);
    let mut confirmed = 0;
    for number in 0..20 {
        let insert = batch(Rows::Bars(bars(&btc(), 1, 1)), &number.to_string());
        match store.insert(&insert).await {
            Ok(()) => confirmed += 1,
            Err(error) => assert_ne!(error.kind, StoreErrorKind::Content, "{error}"),
        }
    }
    assert!(confirmed > 0);
}

#[tokio::test]
async fn an_insert_that_is_no_longer_waited_for_leaves_no_connection_behind() {
    let (closed, mut is_closed) = tokio::sync::mpsc::channel(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        until_insert(&mut stream).await.expect("an insert");
        // The rest of the stream is its end.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        closed.send(()).await.expect("a listener");
    });
    let address = format!("clickhouse://{address}/db")
        .parse()
        .expect("an address");
    // With the default patience: it is the caller who gives up.
    let store = open(&address, StoreOptions::default()).expect("a store");
    let insert = batch(Rows::Bars(bars(&btc(), 1, 1)), "t");
    let given_up = tokio::time::timeout(PATIENCE, store.insert(&insert)).await;
    assert!(given_up.is_err());
    tokio::time::timeout(Duration::from_secs(5), is_closed.recv())
        .await
        .expect("the connection is closed");
    server.await.expect("the server");
}
