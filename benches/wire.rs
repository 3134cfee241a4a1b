//! The scanner for live messages against `serde_json` into a borrowed struct with
//! fixed-point conversion. Both find the symbol's index and check the trade.
//!
//! `cargo bench --bench wire`

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

mod interleave;

use std::hint::black_box;

use serde::Deserialize;
use streamkit::{
    domain::{
        price::{Price, Quantity},
        symbol::Symbol,
        trade::{Trade, time_from_raw},
    },
    exchange::binance::{symbols::SymbolTable, wire},
};

const MESSAGES: usize = 20_000;
const ROUNDS: usize = 31;

#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(rename = "stream")]
    _stream: &'a str,
    #[serde(borrow)]
    data: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    e: &'a str,
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

fn trade_of(payload: &Payload<'_>, symbols: &SymbolTable) -> Option<(u32, Trade)> {
    if payload.e != "aggTrade" {
        return None;
    }
    let trade = Trade {
        id: payload.a,
        price: Price::parse(payload.p.as_bytes()).ok()?,
        quantity: Quantity::parse(payload.q.as_bytes()).ok()?,
        first_trade_id: payload.f,
        last_trade_id: payload.l,
        time_us: time_from_raw(payload.time),
        buyer_is_maker: payload.m,
    };
    trade.check().ok()?;
    Some((symbols.index_of(payload.s.as_bytes())?, trade))
}

fn by_serde_single(message: &str, symbols: &SymbolTable) -> Option<(u32, Trade)> {
    trade_of(&serde_json::from_str(message).ok()?, symbols)
}

fn by_serde_combined(message: &str, symbols: &SymbolTable) -> Option<(u32, Trade)> {
    let message: Combined<'_> = serde_json::from_str(message).ok()?;
    trade_of(&message.data, symbols)
}

fn by_scanner(message: &str, symbols: &SymbolTable) -> Option<(u32, Trade)> {
    let scanned = wire::scan(message.as_bytes())?;
    Some((symbols.index_of(scanned.symbol)?, scanned.trade))
}

/// A random walk over four symbols, written as the exchange writes it.
fn messages(names: &[&str], combined: bool) -> Vec<String> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut time = 1_735_689_600_157_336;
    (0..MESSAGES as u64)
        .map(|n| {
            let name = names[random(names.len() as u64) as usize];
            time += random(20_000);
            let first = 4_311_234_567 + 3 * n;
            let data = format!(
                r#"{{"e":"aggTrade","E":{},"s":"{name}","a":{},"p":"{}.{:08}","q":"{}.{:08}","f":{first},"l":{},"T":{time},"m":{},"M":true}}"#,
                time + 1_500,
                3_409_781_234 + n,
                [60_000, 3_400, 145, 0][random(4) as usize] + random(50),
                (1 + random(9_999)) * 10_000,
                random(3),
                (1 + random(99_999)) * 1_000,
                first + random(3),
                random(2) == 0,
            );
            if combined {
                format!(r#"{{"stream":"{}@aggTrade","data":{data}}}"#, name.to_lowercase())
            } else {
                data
            }
        })
        .collect()
}

fn main() {
    let names = ["BTCUSDT", "ETHUSDT", "SOLUSDC", "DOGEUSDT"];
    let symbols: Vec<Symbol> = names
        .iter()
        .map(|name| name.parse().expect("a symbol"))
        .collect();
    let table = SymbolTable::new(&symbols);
    println!("ns a message, median of {ROUNDS} rounds; ratio min / median / max");
    for (name, combined) in [("wire, single form", false), ("wire, combined form", true)] {
        let messages = messages(&names, combined);
        let by_serde = if combined {
            by_serde_combined
        } else {
            by_serde_single
        };
        for message in &messages {
            let scanned = by_scanner(message, &table);
            assert!(scanned.is_some(), "{message}");
            assert_eq!(by_serde(message, &table), scanned, "{message}");
        }
        let all = |read: fn(&str, &SymbolTable) -> Option<(u32, Trade)>| {
            let (messages, table) = (&messages, &table);
            move || {
                for message in messages {
                    black_box(read(black_box(message), table));
                }
            }
        };
        interleave::compare(
            name,
            ("serde_json", all(by_serde)),
            ("scanner", all(by_scanner)),
            MESSAGES,
            ROUNDS,
        );
    }
}
