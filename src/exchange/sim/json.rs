//! What the sim writes as JSON, byte for byte as the exchange does.
//!
//! Stream messages are `{"e":"aggTrade","E":…,"s":…,"a":…,"p":"…","q":"…","f":…,"l":…,"T":…,
//! "m":…,"M":…}`, on a combined connection inside `{"stream":"…","data":…}`; history rows
//! are the same from `a` on. Prices and quantities are strings with eight decimals.

use super::trade::{SimTrade, push_decimal, push_integer};

/// The unit of the times in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TimeUnit {
    #[default]
    Millisecond,
    Microsecond,
}

impl TimeUnit {
    /// The unit that a URL parameter or header names.
    pub(crate) fn named(text: &str) -> Option<Self> {
        match text {
            "MILLISECOND" | "millisecond" => Some(Self::Millisecond),
            "MICROSECOND" | "microsecond" => Some(Self::Microsecond),
            _ => None,
        }
    }

    /// A time in this unit, truncated.
    pub(crate) fn of_us(self, time_us: i64) -> i64 {
        match self {
            Self::Millisecond => time_us.div_euclid(1000),
            Self::Microsecond => time_us,
        }
    }
}

/// How a trade is written: properly, or damaged on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Shape {
    /// As the exchange writes it.
    #[default]
    Proper,
    /// With a field that nobody knows yet.
    ExtraField,
    /// All names and types changed: `price` for `p`, a number for a string.
    Drifted,
    /// `l` below `f`, which no trade can have.
    LastBelowFirst,
    /// A price in scientific notation.
    BadPrice,
}

/// Appends one stream message.
pub(crate) fn push_message(
    out: &mut Vec<u8>,
    symbol: &Names,
    trade: &SimTrade,
    unit: TimeUnit,
    combined: bool,
    shape: Shape,
) {
    if combined {
        out.extend_from_slice(b"{\"stream\":\"");
        out.extend_from_slice(symbol.stream.as_bytes());
        out.extend_from_slice(b"\",\"data\":");
    }
    if shape == Shape::Drifted {
        push_drifted(out, symbol, trade, unit);
    } else {
        out.extend_from_slice(b"{\"e\":\"aggTrade\",\"E\":");
        push_integer(out, unit.of_us(event_time_us(trade)));
        out.extend_from_slice(b",\"s\":\"");
        out.extend_from_slice(symbol.capitals.as_bytes());
        out.extend_from_slice(b"\",");
        push_fields(out, trade, unit, shape);
    }
    if combined {
        out.push(b'}');
    }
}

/// Appends one row of the history.
pub(crate) fn push_row(out: &mut Vec<u8>, trade: &SimTrade, unit: TimeUnit, shape: Shape) {
    out.push(b'{');
    push_fields(out, trade, unit, shape);
}

/// The fields that messages and rows share, and the closing brace.
fn push_fields(out: &mut Vec<u8>, trade: &SimTrade, unit: TimeUnit, shape: Shape) {
    out.extend_from_slice(b"\"a\":");
    push_integer(out, trade.id);
    out.extend_from_slice(b",\"p\":\"");
    if shape == Shape::BadPrice {
        out.extend_from_slice(b"6e4");
    } else {
        push_decimal(out, trade.price_e8);
    }
    out.extend_from_slice(b"\",\"q\":\"");
    push_decimal(out, trade.quantity_e8);
    out.extend_from_slice(b"\",\"f\":");
    push_integer(out, trade.first_id);
    out.extend_from_slice(b",\"l\":");
    let below_first = trade.first_id - 1;
    push_integer(
        out,
        if shape == Shape::LastBelowFirst {
            below_first
        } else {
            trade.last_id
        },
    );
    out.extend_from_slice(b",\"T\":");
    push_integer(out, unit.of_us(trade.time_us));
    out.extend_from_slice(if trade.buyer_maker {
        b",\"m\":true"
    } else {
        b",\"m\":false"
    });
    out.extend_from_slice(if trade.best_match {
        b",\"M\":true"
    } else {
        b",\"M\":false"
    });
    if shape == Shape::ExtraField {
        out.extend_from_slice(b",\"nq\":{\"new\":[\"field\",1.5e-3,null]}");
    }
    out.push(b'}');
}

/// A message after a change of schema that nobody announced.
fn push_drifted(out: &mut Vec<u8>, symbol: &Names, trade: &SimTrade, unit: TimeUnit) {
    out.extend_from_slice(b"{\"event\":\"aggTrade\",\"symbol\":\"");
    out.extend_from_slice(symbol.capitals.as_bytes());
    out.extend_from_slice(b"\",\"id\":\"");
    push_integer(out, trade.id);
    out.extend_from_slice(b"\",\"price\":");
    push_decimal(out, trade.price_e8);
    out.extend_from_slice(b",\"quantity\":");
    push_decimal(out, trade.quantity_e8);
    out.extend_from_slice(b",\"time\":");
    push_integer(out, unit.of_us(trade.time_us));
    out.extend_from_slice(if trade.buyer_maker {
        b",\"side\":\"sell\"}"
    } else {
        b",\"side\":\"buy\"}"
    });
}

/// When the message was sent, by the exchange's clock: a little after the trade, and as much
/// a function of the tape as everything else.
fn event_time_us(trade: &SimTrade) -> i64 {
    trade.time_us + 1_500 + trade.id % 1_000
}

/// The announcement that the server is about to restart.
pub(crate) fn server_shutdown(time_us: i64, unit: TimeUnit, combined: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    if combined {
        out.extend_from_slice(b"{\"stream\":\"!serverShutdown\",\"data\":");
    }
    out.extend_from_slice(b"{\"e\":\"serverShutdown\",\"E\":");
    push_integer(&mut out, unit.of_us(time_us));
    out.push(b'}');
    if combined {
        out.push(b'}');
    }
    out
}

/// A symbol in the two spellings that messages need.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// As in `BTCUSDT`.
    pub(crate) capitals: String,
    /// As in `btcusdt@aggTrade`.
    pub(crate) stream: String,
}

impl Names {
    /// The spellings of a symbol given in capitals.
    pub(crate) fn of(symbol: &str) -> Self {
        Self {
            capitals: symbol.to_owned(),
            stream: format!("{}@aggTrade", symbol.to_ascii_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRADE: SimTrade = SimTrade {
        id: 12_345,
        price_e8: 100_000,
        quantity_e8: 10_000_000_000,
        first_id: 100,
        last_id: 105,
        time_us: 1_672_515_782_136_789,
        buyer_maker: true,
        best_match: true,
    };

    fn message(unit: TimeUnit, combined: bool, shape: Shape) -> String {
        let mut out = Vec::new();
        push_message(
            &mut out,
            &Names::of("BNBBTC"),
            &TRADE,
            unit,
            combined,
            shape,
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_message_is_byte_for_byte_the_documented_one() {
        assert_eq!(
            message(TimeUnit::Millisecond, false, Shape::Proper),
            concat!(
                r#"{"e":"aggTrade","E":1672515782138,"s":"BNBBTC","a":12345,"p":"0.00100000","#,
                r#""q":"100.00000000","f":100,"l":105,"T":1672515782136,"m":true,"M":true}"#
            )
        );
    }

    #[test]
    fn a_combined_message_is_wrapped_and_can_have_microseconds() {
        let text = message(TimeUnit::Microsecond, true, Shape::Proper);
        assert!(
            text.starts_with(r#"{"stream":"bnbbtc@aggTrade","data":{"e":"aggTrade","#),
            "{text}"
        );
        assert!(
            text.ends_with(r#""T":1672515782136789,"m":true,"M":true}}"#),
            "{text}"
        );
    }

    #[test]
    fn damaged_shapes_are_json_all_the_same() {
        let shapes = [
            Shape::ExtraField,
            Shape::Drifted,
            Shape::LastBelowFirst,
            Shape::BadPrice,
        ];
        for shape in shapes {
            let text = message(TimeUnit::Microsecond, true, shape);
            assert!(
                serde_json::from_str::<serde_json::Value>(&text).is_ok(),
                "{text}"
            );
            assert_ne!(text, message(TimeUnit::Microsecond, true, Shape::Proper));
        }
    }

    #[test]
    fn a_shutdown_is_announced_in_both_forms() {
        let combined = server_shutdown(1_770_123_456_789_000, TimeUnit::Millisecond, true);
        assert_eq!(
            String::from_utf8(combined).unwrap(),
            r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#
        );
    }
}
