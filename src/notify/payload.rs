//! An alert as JSON, for programs.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{channel::Message, text};
use crate::domain::alert::Notice;

/// Of this shape. It grows by fields only.
const VERSION: u32 = 1;

/// Keys are cut after so many bytes: PagerDuty takes 255.
const MAX_KEY_BYTES: usize = 255;

/// One notice as programs get it.
#[derive(Debug, Serialize)]
pub(super) struct Payload<'a> {
    version: u32,
    collector: &'a str,
    is_test: bool,
    /// How many alerts before this one the channel could not send.
    lost: u64,
    /// The same for an alert, its reminders and its recovery.
    key: String,
    /// All of it in one line.
    title: String,
    /// RFC 3339.
    since: String,
    /// RFC 3339.
    at: String,
    #[serde(flatten)]
    notice: &'a Notice,
}

/// What programs get for `notice` of `message`.
pub(super) fn payload<'a>(message: &'a Message, notice: &'a Notice) -> Payload<'a> {
    let alone = Message {
        notices: vec![notice.clone()],
        ..message.clone()
    };
    Payload {
        version: VERSION,
        collector: &message.collector,
        is_test: message.is_test,
        lost: message.lost,
        key: key(message, notice),
        title: text::title(&alone),
        since: text::time(notice.since_us),
        at: text::time(notice.at_us),
        notice,
    }
}

/// What tells one alert from another: the same for its reminders and its recovery, and for
/// the next time that the same goes wrong.
pub(super) fn key(message: &Message, notice: &Notice) -> String {
    let test = if message.is_test { "/test" } else { "" };
    let subject = notice.subject.as_deref().unwrap_or_default();
    let key = format!(
        "streamkit{test}/{}/{}/{subject}",
        message.collector, notice.rule
    );
    if key.len() <= MAX_KEY_BYTES {
        return key;
    }
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().fold("streamkit/".to_owned(), |key, byte| {
        format!("{key}{byte:02x}")
    })
}
