//! The fields of an aggregate trade in JSON, as the stream and the history share them.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    domain::{
        price::{Price, Quantity},
        trade::{Trade, time_from_raw},
    },
    exchange::source::Malformed,
};

use super::excerpt::excerpt;

/// `a`, `p`, `q`, `f`, `l`, `T`, `m` and perhaps `M`, in any order, each once; other
/// keys are left alone.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(rename = "a")]
    id: i64,
    #[serde(rename = "p", borrow)]
    price: Cow<'a, str>,
    #[serde(rename = "q", borrow)]
    quantity: Cow<'a, str>,
    #[serde(rename = "f")]
    first_trade_id: i64,
    #[serde(rename = "l")]
    last_trade_id: i64,
    #[serde(rename = "T")]
    time: i64,
    #[serde(rename = "m")]
    buyer_is_maker: bool,
    /// Says nothing that is used, but must be what it is documented to be.
    #[serde(rename = "M")]
    _best_match: Option<bool>,
}

/// The id alone, for a row in which something else is wrong.
#[derive(Deserialize)]
struct OnlyId {
    a: i64,
}

/// Reads the trade in a JSON object.
///
/// # Errors
/// When a field is missing, occurs twice, is of another type or out of range, or the
/// trade fails [`Trade::check`].
pub(super) fn read(object: &str) -> Result<Trade, Malformed> {
    trade_in(object).map_err(|reason| Malformed {
        id: id_in(object),
        reason,
        excerpt: excerpt(object.as_bytes()),
    })
}

/// The id that an object names, when at least that is sure.
pub(super) fn id_in(object: &str) -> Option<i64> {
    if !is_object(object.as_bytes()) {
        return None;
    }
    serde_json::from_str(object).map(|OnlyId { a }| a).ok()
}

fn trade_in(object: &str) -> Result<Trade, String> {
    // An array would be taken for the fields in their order of declaration.
    if !is_object(object.as_bytes()) {
        return Err("it is no JSON object".to_owned());
    }
    let row: Row<'_> = serde_json::from_str(object).map_err(|error| error.to_string())?;
    let trade = Trade {
        id: row.id,
        price: Price::parse(row.price.as_bytes()).map_err(|error| format!("price: {error}"))?,
        quantity: Quantity::parse(row.quantity.as_bytes())
            .map_err(|error| format!("quantity: {error}"))?,
        first_trade_id: row.first_trade_id,
        last_trade_id: row.last_trade_id,
        time_us: time_from_raw(row.time),
        buyer_is_maker: row.buyer_is_maker,
    };
    trade.check().map_err(|error| error.to_string())?;
    Ok(trade)
}

/// Whether a JSON text is an object, judged by its first byte.
pub(super) fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27783,"T":1498793709153123,"m":true,"M":true}"#;

    #[test]
    fn the_documented_row_is_read() {
        assert_eq!(
            read(GOOD),
            Ok(Trade {
                id: 26129,
                price: Price(1_633_102),
                quantity: Quantity(470_443_515),
                first_trade_id: 27781,
                last_trade_id: 27783,
                time_us: 1_498_793_709_153_123,
                buyer_is_maker: true,
            })
        );
        assert!(read(&GOOD.replace(r#","M":true"#, "")).is_ok());
        assert!(read(&GOOD.replace('{', r#"{"new":[1,{"a":2}],"#)).is_ok());
    }

    #[test]
    fn a_damaged_row_keeps_its_id_and_names_what_is_wrong() {
        for (from, to, reason) in [
            (
                r#""4.70443515""#,
                r#""4.704435151""#,
                "quantity: more than 8 digits",
            ),
            (r#""0.01633102""#, "0.01633102", "invalid type"),
            (r#""p":"0.01633102","#, "", "missing field `p`"),
            (
                r#""l":27783"#,
                r#""l":27780"#,
                "last individual id 27780 is below",
            ),
            (r#""f":27781"#, r#""f":-1"#, "negative"),
            ("1498793709153123", "99999999999999999999", "invalid type"),
            ("1498793709153123", "0", "out of range"),
            (r#""m":true"#, r#""m":1"#, "invalid type: integer"),
            (r#""m":true"#, r#""m":true,"m":true"#, "duplicate field `m`"),
            (r#""M":true"#, r#""M":"yes""#, "invalid type: string"),
        ] {
            let damaged = GOOD.replace(from, to);
            let malformed = read(&damaged).expect_err(&damaged);
            assert!(
                malformed.reason.contains(reason),
                "{damaged}: {}",
                malformed.reason
            );
            assert_eq!(malformed.id, Some(26129), "{damaged}");
        }
    }

    #[test]
    fn an_id_that_is_not_sure_is_not_named() {
        for damaged in [
            GOOD.replace("26129", "26129.5"),
            GOOD.replace(r#""a":26129"#, r#""a":26129,"a":26130"#),
            r#"[26129,"1","1",1,1,1498793709153,true,true]"#.to_owned(),
            "null".to_owned(),
            GOOD[..GOOD.len() - 1].to_owned(),
        ] {
            assert_eq!(read(&damaged).expect_err(&damaged).id, None, "{damaged}");
        }
    }
}
