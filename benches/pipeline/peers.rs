//! What ours is compared with: the bare receive loop, and what one would put together
//! from the crates that there are.

use std::{hint::black_box, net::SocketAddr, time::Duration};

use futures_util::StreamExt as _;
use rangebar_core::{AggTrade, FixedPoint, RangeBar, RangeBarProcessor};
use serde::Deserialize;
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

use crate::{interleave::process_cpu_time, market::SYMBOLS};

/// Receives `count` messages on one thread, hands each to `each`, and returns the CPU time
/// that this took from before the connection to after its end.
fn receive(
    server: SocketAddr,
    config: Option<WebSocketConfig>,
    count: usize,
    mut each: impl FnMut(Utf8Bytes),
) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let began = process_cpu_time();
    runtime.block_on(async {
        let url = format!("ws://{server}/stream");
        let (mut socket, _) = connect_async_with_config(url, config, true)
            .await
            .expect("a connection");
        for _ in 0..count {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => each(text),
                other => panic!("the stream ended early: {other:?}"),
            }
        }
    });
    process_cpu_time().saturating_sub(began)
}

/// The bare loop.
pub fn receive_only(server: SocketAddr, config: Option<WebSocketConfig>, count: usize) -> Duration {
    receive(server, config, count, |text| {
        black_box(text);
    })
}

#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(rename = "stream")]
    _stream: &'a str,
    #[serde(borrow)]
    data: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    s: &'a str,
    a: i64,
    p: &'a str,
    q: &'a str,
    f: i64,
    l: i64,
    #[serde(rename = "T")]
    time: i64,
    m: bool,
}

/// A bar with the index of its symbol and its threshold in dbps.
pub type TheirBar = (usize, u32, RangeBar);

/// The bare loop, then `serde_json`, then one processor a symbol and threshold.
/// Keeps the bars in memory, and nothing on disk.
pub fn receive_and_build(
    server: SocketAddr,
    thresholds: &[u32],
    count: usize,
) -> (Duration, Vec<TheirBar>) {
    let processor = |&dbps: &u32| {
        let processor = RangeBarProcessor::new(dbps).expect("a threshold");
        (dbps, processor)
    };
    let mut processors: Vec<Vec<_>> = SYMBOLS
        .map(|_| thresholds.iter().map(processor).collect())
        .into();
    let mut bars = Vec::new();
    let cpu = receive(server, None, count, |text| {
        let message: Combined<'_> = serde_json::from_str(&text).expect("a trade");
        let payload = message.data;
        let index = SYMBOLS.iter().position(|name| *name == payload.s);
        let index = index.expect("a known symbol");
        let trade = AggTrade {
            agg_trade_id: payload.a,
            price: FixedPoint::from_str(payload.p).expect("a price"),
            volume: FixedPoint::from_str(payload.q).expect("a quantity"),
            first_trade_id: payload.f,
            last_trade_id: payload.l,
            timestamp: payload.time,
            is_buyer_maker: payload.m,
            is_best_match: None,
        };
        for (dbps, processor) in &mut processors[index] {
            if let Some(bar) = processor.process_single_trade(&trade).expect("in order") {
                bars.push((index, *dbps, bar));
            }
        }
    });
    (cpu, bars)
}
