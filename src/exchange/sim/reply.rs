//! HTTP answers, and the exchange's errors with their codes.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use super::body::ReplyBody;

/// What the sim answers an HTTP request with.
pub(crate) type Reply = Response<ReplyBody>;

/// The header that tells the request weight used in the window.
const USED_WEIGHT: HeaderName = HeaderName::from_static("x-mbx-used-weight-1m");

/// An error of the exchange: HTTP 400 with a code and a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl ApiError {
    /// -1121: the symbol is not traded here.
    pub(crate) fn invalid_symbol() -> Self {
        Self::of(-1121, "Invalid symbol.")
    }

    /// -1102: a parameter that is needed has not come.
    pub(crate) fn missing(name: &str) -> Self {
        let message =
            format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::of(-1102, &message)
    }

    /// -1100: a parameter is written with characters that it cannot have.
    pub(crate) fn illegal(name: &str, legal: &str) -> Self {
        let message =
            format!("Illegal characters found in parameter '{name}'; legal range is '{legal}'.");
        Self::of(-1100, &message)
    }

    /// -1130: a parameter has a value that it cannot have.
    pub(crate) fn not_valid(name: &str) -> Self {
        Self::of(
            -1130,
            &format!("Data sent for parameter '{name}' is not valid."),
        )
    }

    /// -1128: parameters that exclude each other.
    pub(crate) fn bad_combination() -> Self {
        Self::of(-1128, "Combination of optional parameters invalid.")
    }

    fn of(code: i32, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
        }
    }

    /// The answer that carries this error.
    pub(crate) fn reply(&self) -> Reply {
        error_reply(400, self.code, &self.message)
    }
}

/// A JSON answer.
pub(crate) fn json_reply(status: u16, body: impl Into<Bytes>) -> Reply {
    let mut reply = plain(status, body);
    let json = HeaderValue::from_static("application/json;charset=UTF-8");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}

/// A plain text.
pub(crate) fn text_reply(body: String) -> Reply {
    let mut reply = plain(200, body);
    let text = HeaderValue::from_static("text/plain");
    reply.headers_mut().insert(CONTENT_TYPE, text);
    reply
}

/// An answer with one of the exchange's error codes.
pub(crate) fn error_reply(status: u16, code: i32, message: &str) -> Reply {
    let message = serde_json::Value::from(message);
    json_reply(status, format!("{{\"code\":{code},\"msg\":{message}}}"))
}

/// What a server in front of the exchange answers when the exchange is in trouble: a page.
pub(crate) fn page_reply(status: u16) -> Reply {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason());
    let title = format!("{status} {}", reason.unwrap_or("Error"));
    let body = format!("<html><head><title>{title}</title></head><body>{title}</body></html>\r\n");
    let mut reply = plain(status, body);
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    reply
}

/// 429: the weight of the window is used up.
pub(crate) fn too_much_weight(limit: u32, retry_after: Duration) -> Reply {
    let message = format!(
        "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. \
         Please use WebSocket Streams for live updates to avoid polling the API."
    );
    with_retry_after(error_reply(429, -1003, &message), retry_after)
}

/// 418: the address is banned until then, in milliseconds since 1970.
pub(crate) fn banned(until_ms: i64, retry_after: Duration) -> Reply {
    let message = format!(
        "Way too much request weight used; IP banned until {until_ms}. Please use WebSocket \
         Streams for live updates to avoid bans."
    );
    with_retry_after(error_reply(418, -1003, &message), retry_after)
}

/// Adds `Retry-After` in whole seconds, rounded up.
pub(crate) fn with_retry_after(mut reply: Reply, wait: Duration) -> Reply {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    reply
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    reply
}

/// Adds the used weight.
pub(crate) fn with_weight(mut reply: Reply, used: u32) -> Reply {
    reply
        .headers_mut()
        .insert(USED_WEIGHT, HeaderValue::from(used));
    reply
}

fn plain(status: u16, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(ReplyBody::from(body.into()));
    // An impossible status cannot come from here; it would be the server's error.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *reply.status_mut() = status;
    reply
}
