use proptest::prelude::*;

use super::*;
use crate::domain::price::{Price, Quantity};

const SINGLE: &str = r#"{"e":"aggTrade","E":1672515782136001,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136000,"m":true,"M":true}"#;

fn combined(single: &str) -> String {
    format!(r#"{{"stream":"bnbbtc@aggTrade","data":{single}}}"#)
}

fn documented_trade() -> Trade {
    Trade {
        id: 12345,
        price: Price(100_000),
        quantity: Quantity(10_000_000_000),
        first_trade_id: 100,
        last_trade_id: 105,
        time_us: 1_672_515_782_136_000,
        buyer_is_maker: true,
    }
}

/// What the scanner and the general parser agree on.
fn read(message: &[u8]) -> Message<'_> {
    let general = read_generally(message);
    if let Some(Scanned { symbol, trade }) = scan(message) {
        let symbol = std::str::from_utf8(symbol)
            .expect("a scanned symbol is ASCII")
            .into();
        assert_eq!(general, Message::Trade { symbol, trade });
    }
    general
}

fn reason(message: &str) -> String {
    assert_eq!(scan(message.as_bytes()), None, "{message}");
    match read(message.as_bytes()) {
        Message::Malformed(malformed) => malformed.reason,
        other => panic!("{message} is {other:?}"),
    }
}

#[test]
fn the_scanner_takes_both_documented_forms() {
    for message in [
        SINGLE.to_owned(),
        combined(SINGLE),
        SINGLE.replace(r#","M":true"#, ""),
        combined(&SINGLE.replace(r#","M":true"#, "")),
        SINGLE.replace("1672515782136000", "1672515782136"),
        combined(&SINGLE.replace("1672515782136001", "1672515782136")),
    ] {
        let scanned = scan(message.as_bytes()).expect(&message);
        assert_eq!(scanned.symbol, b"BNBBTC");
        assert_eq!(scanned.trade, documented_trade());
        read(message.as_bytes());
    }
}

#[test]
fn names_of_every_length_are_taken() {
    for length in 1..=31 {
        let name = &"1000SHIBUSDTABCDEFGHIJKLMNOPQRST"[..length];
        let single = SINGLE.replace("BNBBTC", name);
        let stream = name.to_ascii_lowercase();
        for message in [combined(&single).replace("bnbbtc", &stream), single] {
            let scanned = scan(message.as_bytes()).expect(&message);
            assert_eq!(scanned.symbol, name.as_bytes());
            read(message.as_bytes());
        }
    }
}

#[test]
fn other_spellings_of_the_same_go_to_the_general_parser() {
    for message in [
        SINGLE.replace(':', ": "),
        format!(" {SINGLE}\n"),
        SINGLE.replace(r#""m":true"#, r#""m":true,"nq":"1""#),
        SINGLE.replace("BNBBTC", "BNB\\u0042TC"),
        SINGLE.replace(r#""f":100,"l":105"#, r#""l":105,"f":100"#),
        SINGLE.replace("0.001", "0\\u002e001"),
        combined(SINGLE).replace("bnbbtc", "BNBBTC"),
        format!(r#"{{"data":{SINGLE},"stream":"bnbbtc@aggTrade"}}"#),
    ] {
        assert_eq!(scan(message.as_bytes()), None, "{message}");
        let symbol = "BNBBTC".into();
        let trade = documented_trade();
        assert_eq!(
            read(message.as_bytes()),
            Message::Trade { symbol, trade },
            "{message}"
        );
    }
}

#[test]
fn a_damaged_trade_is_malformed_and_says_why() {
    for (from, to, why) in [
        ("12345,", "-12345,", "the id -12345 is negative"),
        ("12345,", "12345.0,", "floating point"),
        ("12345,", "012345,", "invalid number"),
        ("12345,", "9223372036854775808,", "expected i64"),
        (
            r#""a":12345"#,
            r#""a":12345,"a":12345"#,
            "duplicate field `a`",
        ),
        (r#""a":12345,"#, "", "missing field `a`"),
        (r#""s":"BNBBTC","#, "", "missing field `s`"),
        (r#""l":105"#, r#""l":99"#, "below its first one"),
        ("\"0.001\"", "\"0.0010000001\"", "price: more than 8 digits"),
        ("\"0.001\"", "\"-0.001\"", "price: only digits"),
        ("\"0.001\"", "\"1e-3\"", "price: only digits"),
        ("\"0.001\"", "\"\"", "price: a digit is missing"),
        ("\"0.001\"", "0.001", "expected a borrowed string"),
        ("\"0.001\"", "\"0.00000000\"", "price is not above zero"),
        ("\"100\"", "\"92233720369\"", "quantity: the value exceeds"),
        ("1672515782136000", "999999999999999999", "out of range"),
        ("1672515782136001", "\"soon\"", "invalid type: string"),
        ("\"m\":true", "\"m\":\"true\"", "invalid type: string"),
        ("\"m\":true,", "", "missing field `m`"),
    ] {
        for message in [SINGLE.to_owned(), combined(SINGLE)] {
            let damaged = message.replacen(from, to, 1);
            assert_ne!(damaged, message, "{from}");
            let reason = reason(&damaged);
            let why = why.replace("expected a borrowed string", "invalid type");
            assert!(reason.contains(&why), "{damaged}: {reason}");
        }
    }
    for end in ["}", " x", ",", "\0", "{}"] {
        assert!(
            reason(&format!("{SINGLE}{end}")).contains("trailing"),
            "{end}"
        );
    }
    assert!(reason(&SINGLE[..SINGLE.len() - 1]).contains("EOF"));
}

#[test]
fn a_trade_is_never_booked_on_another_symbol_than_its_stream() {
    for (stream, symbol) in [
        ("ethusdt", "ETHUSDC"),
        ("ethusdc", "ETHUSDT"),
        ("eth", "ETHUSDT"),
    ] {
        let message = combined(&SINGLE.replace("BNBBTC", symbol)).replace("bnbbtc", stream);
        assert_eq!(
            reason(&message),
            format!("its stream is '{stream}@aggTrade' but its symbol '{symbol}'")
        );
    }
    let message = combined(SINGLE).replacen("aggTrade", "trade", 1);
    assert!(reason(&message).contains("its stream is 'bnbbtc@trade'"));
}

#[test]
fn other_messages_are_told_apart() {
    for (message, control) in [
        (r#"{"result":null,"id":1}"#, Control::Answer),
        (
            r#"{"error":{"code":3,"msg":"Invalid JSON"},"id":""}"#,
            Control::Answer,
        ),
        (
            r#"{"code":2,"msg":"Invalid request: unknown variant"}"#,
            Control::Answer,
        ),
        (
            r#"{"e":"serverShutdown","E":1770123456789}"#,
            Control::ShutdownAnnounced,
        ),
        (
            r#"{"event":{"e":"serverShutdown","E":1770123456789}}"#,
            Control::ShutdownAnnounced,
        ),
        (
            r#"{"stream":"btcusdt@aggTrade","data":{"e":"serverShutdown","E":1770123456789}}"#,
            Control::ShutdownAnnounced,
        ),
        (
            r#"{"e":"kline","k":{}}"#,
            Control::Event("kline".to_owned()),
        ),
        (
            r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate"}}"#,
            Control::Event("depthUpdate".to_owned()),
        ),
    ] {
        assert_eq!(
            read(message.as_bytes()),
            Message::Control(control),
            "{message}"
        );
    }
    for (message, why) in [
        ("", "it is no JSON object"),
        ("null", "it is no JSON object"),
        ("[1,2]", "it is no JSON object"),
        ("\"aggTrade\"", "it is no JSON object"),
        ("{}", "it is neither an event nor an answer"),
        ("{]", "key must be a string"),
        (
            r#"{"stream":"btcusdt@aggTrade"}"#,
            "it is neither an event nor an answer",
        ),
        (
            r#"{"stream":"btcusdt@aggTrade","data":[1]}"#,
            "the event is no JSON object",
        ),
        (
            r#"{"stream":"btcusdt@aggTrade","data":{}}"#,
            "missing field `e`",
        ),
        (
            r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTradf","a":1}}"#,
            "it is 'aggTradf' on a stream of aggregate trades",
        ),
    ] {
        assert!(
            reason(message).contains(why),
            "{message}: {}",
            reason(message)
        );
    }
}

/// A message of the documented shape, with numbers of every size.
fn message() -> impl Strategy<Value = String> {
    let number = (0..=i64::MAX, 0..19u32).prop_map(|(value, shift)| value / 10i64.pow(shift));
    let decimal = "[0-9]{1,11}(\\.[0-9]{1,8})?";
    (
        ("[A-Z0-9]{1,20}", any::<bool>(), proptest::option::of(any::<bool>()), any::<bool>()),
        (number.clone(), number.clone(), 0..1000i64),
        (decimal, decimal),
        (1i64..=99_999_999_999_999_999, 0..5u32, number),
    )
        .prop_map(
            |((symbol, m, best, single), (id, first, fills), (p, q), (time, shift, event))| {
                let time = time / 10i64.pow(shift);
                let last = first.saturating_add(fills);
                let best = best.map(|best| format!(r#","M":{best}"#)).unwrap_or_default();
                let data = format!(
                    r#"{{"e":"aggTrade","E":{event},"s":"{symbol}","a":{id},"p":"{p}","q":"{q}","f":{first},"l":{last},"T":{time},"m":{m}{best}}}"#
                );
                if single {
                    data
                } else {
                    let stream = symbol.to_ascii_lowercase();
                    format!(r#"{{"stream":"{stream}@aggTrade","data":{data}}}"#)
                }
            },
        )
}

/// What can happen to a message on its way.
#[derive(Debug, Clone)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Insert(prop::sample::Index, u8),
    Copy(prop::sample::Index, prop::sample::Index, usize),
    Truncate(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    // Bytes that mean something in a message do more harm than others.
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"0123456789.-+eE\"\\,:{}[] tfnAaTMm@\0\x7f\x80\xff".to_vec()),
    ];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (index(), byte.clone()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        2 => index().prop_map(Damage::Drop),
        2 => (index(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => (index(), index(), 1..30usize).prop_map(|(from, to, n)| Damage::Copy(from, to, n)),
        1 => index().prop_map(Damage::Truncate),
    ]
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    match damage {
        Damage::Flip(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Damage::Drop(at) => {
            bytes.remove(at.index(bytes.len()));
        }
        Damage::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
        Damage::Copy(from, to, length) => {
            let from = from.index(bytes.len());
            let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
            let to = to.index(bytes.len());
            bytes.splice(to..to, piece);
        }
        Damage::Truncate(at) => bytes.truncate(at.index(bytes.len())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn scanner_and_general_parser_agree_on_every_message(message in message()) {
        read(message.as_bytes());
    }

    #[test]
    fn what_the_scanner_takes_of_a_damaged_message_the_general_parser_takes_too(
        message in message(),
        damages in proptest::collection::vec(damage(), 1..4),
    ) {
        let mut bytes = message.into_bytes();
        for damage in &damages {
            apply(damage, &mut bytes);
        }
        read(&bytes);
    }

    #[test]
    fn no_bytes_make_either_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }
}

#[test]
fn every_single_byte_of_a_message_may_change_to_anything() {
    for message in [SINGLE.to_owned(), combined(SINGLE)] {
        let good = message.into_bytes();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            for byte in 0..=u8::MAX {
                bytes[at] = byte;
                read(&bytes);
            }
            let mut shorter = good.clone();
            shorter.remove(at);
            read(&shorter);
            read(&good[..at]);
        }
    }
}

#[test]
fn ordinary_messages_never_need_the_general_parser() {
    // What the exchange really sends: eight digits after each point, sixteen in a time.
    let message = r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1735689600157336,"s":"BTCUSDT","a":3409781234,"p":"60003.40000000","q":"0.89299514","f":4311234567,"l":4311234571,"T":1735689600157102,"m":false,"M":true}}"#;
    assert!(scan(message.as_bytes()).is_some());
}
