//! What a client may ask on an open stream: `SUBSCRIBE`, `UNSUBSCRIBE`,
//! `LIST_SUBSCRIPTIONS`, `SET_PROPERTY` and `GET_PROPERTY`, each `{"method":…,"params":[…],"id":…}`.

use serde_json::{Value, json};

use super::connection::{Connection, MAX_STREAMS};
use super::json::Names;

/// The longest text that an `id` may be.
const MAX_ID_CHARS: usize = 36;

/// Carries out one request of a client and returns the answer to send.
pub(crate) fn answer(connection: &Connection, names: &[Names], text: &[u8]) -> String {
    let request: Value = match serde_json::from_slice(text) {
        Ok(request) => request,
        Err(error) => return refusal(3, &format!("Invalid JSON: {error}"), None),
    };
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    if !is_legal_id(&id) {
        return refusal(
            2,
            "Invalid request: request ID must be an unsigned integer",
            None,
        );
    }
    let Some(method) = request.get("method") else {
        return refusal(2, "Invalid request: missing field `method`", Some(&id));
    };
    let params = request.get("params");
    let outcome = match method.as_str() {
        Some("SUBSCRIBE") => streams(params).and_then(|streams| {
            let too_many = || format!("Invalid request: more than {MAX_STREAMS} streams");
            let subscribed = connection.subscribe(names, &streams);
            subscribed
                .map(|()| Value::Null)
                .map_err(|_| (2, too_many()))
        }),
        Some("UNSUBSCRIBE") => streams(params).map(|streams| {
            connection.unsubscribe(names, &streams);
            Value::Null
        }),
        Some("LIST_SUBSCRIPTIONS") => Ok(json!(connection.subscriptions())),
        Some("SET_PROPERTY") => set_property(connection, params).map(|()| Value::Null),
        Some("GET_PROPERTY") => property(params).map(|_| json!(connection.is_combined())),
        _ => {
            let message = format!(
                "Invalid request: unknown variant {method}, expected one of `SUBSCRIBE`, \
                 `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"
            );
            Err((2, message))
        }
    };
    match outcome {
        Ok(result) => format!("{{\"result\":{result},\"id\":{id}}}"),
        Err((code, message)) => refusal(code, &message, Some(&id)),
    }
}

/// An id is an integer, a short alphanumeric text, or null.
fn is_legal_id(id: &Value) -> bool {
    match id {
        Value::Null => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::String(text) => {
            text.len() <= MAX_ID_CHARS
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }
        _ => false,
    }
}

type Refused = (u8, String);

fn streams(params: Option<&Value>) -> Result<Vec<&str>, Refused> {
    let wrong = || {
        (
            2,
            "Invalid request: params must be a list of stream names".to_owned(),
        )
    };
    let list = params.and_then(Value::as_array).ok_or_else(wrong)?;
    list.iter()
        .map(|name| name.as_str().ok_or_else(wrong))
        .collect()
}

fn property(params: Option<&Value>) -> Result<&[Value], Refused> {
    let list = params
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    match list.first().and_then(Value::as_str) {
        Some("combined") => Ok(list),
        Some(_) => Err((0, "Unknown property".to_owned())),
        None => Err((
            2,
            "Invalid request: property name must be a string".to_owned(),
        )),
    }
}

fn set_property(connection: &Connection, params: Option<&Value>) -> Result<(), Refused> {
    let value = property(params)?.get(1).and_then(Value::as_bool);
    let combined = value.ok_or((1, "Invalid value type: expected Boolean".to_owned()))?;
    connection.set_combined(combined);
    Ok(())
}

fn refusal(code: u8, message: &str, id: Option<&Value>) -> String {
    let message = Value::from(message);
    match id {
        Some(id) => format!("{{\"code\":{code},\"msg\":{message},\"id\":{id}}}"),
        None => format!("{{\"code\":{code},\"msg\":{message}}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::TimeUnit;
    use super::super::socket::ResetSwitch;
    use super::*;

    fn ask(connection: &Connection, text: &str) -> String {
        answer(connection, &[Names::of("BTCUSDT")], text.as_bytes())
    }

    fn connection() -> Connection {
        let switch = ResetSwitch::default();
        Connection::new(1, TimeUnit::Millisecond, false, 1 << 20, switch).0
    }

    #[test]
    fn subscriptions_are_made_listed_and_ended() {
        let connection = connection();
        let subscribe = r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","x@depth"],"id":1}"#;
        assert_eq!(ask(&connection, subscribe), r#"{"result":null,"id":1}"#);
        assert!(connection.takes(0));
        let list = r#"{"method":"LIST_SUBSCRIPTIONS","id":"a-3"}"#;
        assert_eq!(
            ask(&connection, list),
            r#"{"result":["btcusdt@aggTrade","x@depth"],"id":"a-3"}"#
        );
        let unsubscribe = r#"{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":null}"#;
        assert_eq!(
            ask(&connection, unsubscribe),
            r#"{"result":null,"id":null}"#
        );
        assert!(!connection.takes(0));
    }

    #[test]
    fn the_combined_property_can_be_read_and_set() {
        let connection = connection();
        let get = r#"{"method":"GET_PROPERTY","params":["combined"],"id":2}"#;
        assert_eq!(ask(&connection, get), r#"{"result":false,"id":2}"#);
        let set = r#"{"method":"SET_PROPERTY","params":["combined",true],"id":5}"#;
        assert_eq!(ask(&connection, set), r#"{"result":null,"id":5}"#);
        assert_eq!(ask(&connection, get), r#"{"result":true,"id":2}"#);
    }

    #[test]
    fn each_mistake_has_its_documented_code() {
        let connection = connection();
        for (text, code) in [
            ("nonsense", 3),
            (r#"{"id":1}"#, 2),
            (r#"{"method":"BUY","id":1}"#, 2),
            (r#"{"method":"SUBSCRIBE","params":[1],"id":1}"#, 2),
            (r#"{"method":"SUBSCRIBE","params":["a"],"id":1.5}"#, 2),
            (r#"{"method":"GET_PROPERTY","params":["x"],"id":1}"#, 0),
            (
                r#"{"method":"SET_PROPERTY","params":["combined",1],"id":1}"#,
                1,
            ),
        ] {
            let answer: Value = serde_json::from_str(&ask(&connection, text)).unwrap();
            assert_eq!(answer["code"], code, "{text}");
        }
    }
}
