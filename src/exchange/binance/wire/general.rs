//! The parser for everything that the scanner does not accept.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{Control, Message, STREAM_SUFFIX, TRADE_EVENT};
use crate::exchange::{
    binance::{excerpt::excerpt, row},
    source::Malformed,
};

/// The event that announces the end of the connection.
const SHUTDOWN_EVENT: &str = "serverShutdown";

/// The keys that tell one kind of message from another.
#[derive(Deserialize)]
struct Envelope<'a> {
    stream: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// Some events about the connection itself come wrapped so.
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    e: Option<IgnoredAny>,
    id: Option<IgnoredAny>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
    code: Option<IgnoredAny>,
}

/// What an event says about itself.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "e", borrow)]
    event: Cow<'a, str>,
    /// Not used, but it must be a number.
    #[serde(rename = "E")]
    _event_time: Option<i64>,
    #[serde(rename = "s", borrow, default)]
    symbol: Option<Cow<'a, str>>,
}

/// Reads any message. It takes what the scanner takes, and also any order of keys,
/// spaces, escapes and new fields.
#[must_use]
pub fn read(message: &[u8]) -> Message<'_> {
    match understand(message) {
        Ok(understood) => understood,
        Err(malformed) => Message::Malformed(malformed),
    }
}

fn understand(message: &[u8]) -> Result<Message<'_>, Malformed> {
    let malformed = |reason: String| Malformed {
        id: None,
        reason,
        excerpt: excerpt(message),
    };
    let text = std::str::from_utf8(message).map_err(|error| malformed(error.to_string()))?;
    // An array would be taken for the keys in their order of declaration.
    if !row::is_object(message) {
        return Err(malformed("it is no JSON object".to_owned()));
    }
    let envelope: Envelope<'_> =
        serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    match envelope {
        Envelope {
            stream: Some(stream),
            data: Some(data),
            e: None,
            ..
        } => event(data.get(), Some(&stream)),
        Envelope {
            stream: None,
            data: None,
            e: Some(_),
            ..
        } => event(text, None),
        Envelope {
            stream: None,
            data: None,
            e: None,
            event: Some(wrapped),
            ..
        } => event(wrapped.get(), None),
        Envelope {
            stream: None,
            data: None,
            e: None,
            event: None,
            id,
            result,
            error,
            code,
        } if [id, result, error, code].iter().any(Option::is_some) => {
            Ok(Message::Control(Control::Answer))
        }
        _ => Err(malformed("it is neither an event nor an answer".to_owned())),
    }
}

fn event<'a>(object: &'a str, stream: Option<&str>) -> Result<Message<'a>, Malformed> {
    let malformed = |reason: String| Malformed {
        id: row::id_in(object),
        reason,
        excerpt: excerpt(object.as_bytes()),
    };
    if !row::is_object(object.as_bytes()) {
        return Err(malformed("the event is no JSON object".to_owned()));
    }
    let head: Head<'_> =
        serde_json::from_str(object).map_err(|error| malformed(error.to_string()))?;
    let trades_of = stream.and_then(|stream| stream.strip_suffix(STREAM_SUFFIX));
    match (&*head.event, head.symbol) {
        (TRADE_EVENT, Some(symbol)) => {
            // A name damaged on the way must not book the trade on another symbol.
            if let Some(stream) = stream
                && !trades_of.is_some_and(|name| name.eq_ignore_ascii_case(&symbol))
            {
                return Err(malformed(format!(
                    "its stream is '{stream}' but its symbol '{symbol}'"
                )));
            }
            let trade = row::read(object)?;
            Ok(Message::Trade { symbol, trade })
        }
        (TRADE_EVENT, None) => Err(malformed("missing field `s`".to_owned())),
        (SHUTDOWN_EVENT, _) => Ok(Message::Control(Control::ShutdownAnnounced)),
        (name, _) if trades_of.is_some() => Err(malformed(format!(
            "it is '{name}' on a stream of aggregate trades"
        ))),
        (name, _) => Ok(Message::Control(Control::Event(name.to_owned()))),
    }
}
