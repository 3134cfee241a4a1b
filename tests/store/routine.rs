//! What the routine look of a watchdog costs a server that holds many bars.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use streamkit::{
    domain::row::HealthRow,
    store::{StoreOptions, open, sink::HealthQuery},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    place::{BackDoor, Place, clickhouse_address, clickhouse_url},
    rows::health,
};

const SYMBOLS: usize = 500;
/// Far more than a look takes, for slow machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// In the short form, and under `STREAMKIT_SOAK`.
const BARS: [u64; 2] = [200_000, 10_000_000];

/// A relay to `to` that keeps what the server answers.
async fn relay(to: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let kept: Arc<Mutex<Vec<u8>>> = Arc::default();
    let answers = Arc::clone(&kept);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&to).await.expect("the server");
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move {
                // Either side may go at any time.
                let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
                let _ = to_server.shutdown().await;
            });
            let answers = Arc::clone(&answers);
            tokio::spawn(async move {
                let mut piece = vec![0; 16 * 1024];
                while let Ok(length @ 1..) = from_server.read(&mut piece).await {
                    answers
                        .lock()
                        .expect("not poisoned")
                        .extend_from_slice(&piece[..length]);
                    if to_client.write_all(&piece[..length]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (url, kept)
}

/// The `read_rows` of every summary among `answers`.
fn rows_read(answers: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(answers).to_lowercase();
    text.split("x-clickhouse-summary:")
        .skip(1)
        .filter_map(|rest| rest.split_once("\"read_rows\":\""))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .map(|(number, _)| number.parse().expect("a number"))
        .collect()
}

#[tokio::test]
async fn the_routine_look_reads_health_alone_however_many_bars_there_are() {
    let Some(url) = clickhouse_url() else { return };
    let place = Place::clickhouse().await.expect("a server");
    let BackDoor::ClickHouse { database, .. } = &place.back_door else {
        panic!("not ClickHouse");
    };
    let is_soak = std::env::var_os("STREAMKIT_SOAK").is_some();
    let bars = BARS[usize::from(is_soak)];
    place
        .execute(&format!(
            "INSERT INTO bars (exchange, symbol, threshold_decimal_bps, anchor, \
             first_agg_trade_id, last_agg_trade_id, open_time, close_time, version) \
             SELECT 'sim', concat('S', toString(number % {SYMBOLS}), 'USDT'), 250, 'day', \
             number, number, fromUnixTimestamp64Micro(toInt64(1756728000000000 + number)), \
             fromUnixTimestamp64Micro(toInt64(1756728000000001 + number)), 1 \
             FROM numbers({bars})"
        ))
        .await;
    let count = place.number("SELECT count() FROM bars").await;
    assert_eq!(count, bars);
    let rows: Vec<HealthRow> = (0..SYMBOLS)
        .map(|number| health("nas", &format!("S{number}USDT"), 10))
        .collect();
    place.store.put_health(&rows).await.expect("put");

    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let (relayed, answers) = relay(host.to_owned()).await;
    let address = clickhouse_address(&relayed, "default", &database.replace(' ', "%20"));
    let store = open(&address, StoreOptions::default()).expect("a store");
    store.clock_us().await.expect("a clock");
    let found = store.stored_health(&HealthQuery::default()).await;
    assert_eq!(found.expect("health").len(), SYMBOLS);
    assert_only_health(&answers, "the store itself");

    // The same through the program, as cron runs it.
    answers.lock().expect("not poisoned").clear();
    let home = tempfile::tempdir().expect("a directory");
    let mut watchdog = tokio::process::Command::new(env!("CARGO_BIN_EXE_streamkit"));
    watchdog
        .env_clear()
        .env("HOME", home.path())
        .args(["watchdog", "-o", "json", "--store", &address.to_string()])
        .kill_on_drop(true);
    let output = timeout(PATIENCE, watchdog.output()).await;
    let output = output.expect("it ends").expect("it runs");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let symbols = document["symbols"].as_array().expect("symbols");
    assert_eq!(symbols.len(), SYMBOLS, "{document}");
    let is_judged = |symbol: &serde_json::Value| symbol["cause"] != "query_failed";
    assert!(symbols.iter().all(is_judged), "{document}");
    assert_only_health(&answers, "streamkit watchdog");
    place.leave().await;
}

/// One summary for each question; that of health counts its rows, once or, before parts are
/// merged, a few times, and nothing that grows with the bars.
fn assert_only_health(answers: &Mutex<Vec<u8>>, who: &str) {
    let read = rows_read(&answers.lock().expect("not poisoned"));
    assert_eq!(read.len(), 2, "{who}: {read:?}");
    let total: u64 = read.iter().sum();
    let symbols = SYMBOLS as u64;
    assert!((symbols..4 * symbols).contains(&total), "{who}: {read:?}");
}
