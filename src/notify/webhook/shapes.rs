//! What each receiver understands, with everything quoted made harmless.

use serde_json::{Value, json};

use crate::{
    domain::alert::{Notice, NoticeKind, Severity},
    notify::{
        channel::Message,
        payload,
        text::{self, chars, cut, fit},
    },
};

/// The longest header and section of a Slack message, and what is shown in a notification.
const SLACK_HEADER_CHARS: usize = 150;
const SLACK_SECTION_CHARS: usize = 3000;
const SLACK_TEXT_CHARS: usize = 1000;

/// The longest title and description of a Discord embed.
const DISCORD_TITLE_UNITS: usize = 256;
const DISCORD_DESCRIPTION_UNITS: usize = 4096;

/// The longest summary of a PagerDuty event.
const PAGERDUTY_SUMMARY_CHARS: usize = 1024;

const RED: u32 = 0x00D0_2F2F;
const YELLOW: u32 = 0x00F9_A825;
const GREEN: u32 = 0x002E_7D32;

/// Slack: blocks of plain text, in which nothing is markup. The fallback text, which
/// notifications show, is escaped as Slack wants it, so that no `<!channel>` gets through.
pub(super) fn slack(message: &Message) -> Value {
    let words = text::words(message);
    let body = fit(&words.lines, SLACK_SECTION_CHARS, chars);
    let plain = |text: String| json!({ "type": "plain_text", "text": text, "emoji": false });
    let fallback = cut(&words.title, SLACK_TEXT_CHARS, chars)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let header = cut(&words.title, SLACK_HEADER_CHARS, chars);
    let mut lines = String::new();
    if header.chars().count() < words.title.chars().count() {
        // A header is short: the whole title stands below it then.
        lines.push_str(&words.title);
        lines.push('\n');
    }
    lines.push_str(&body);
    json!({
        "text": fallback,
        "unfurl_links": false,
        "blocks": [
            { "type": "header", "text": plain(header) },
            { "type": "section", "text": plain(cut(&lines, SLACK_SECTION_CHARS, chars)) },
        ],
    })
}

/// Discord: an embed with its markdown escaped, that mentions nobody.
pub(super) fn discord(message: &Message) -> Value {
    let words = text::words(message);
    let title = cut(&words.title, DISCORD_TITLE_UNITS, escaped_units);
    let body = fit(&words.lines, DISCORD_DESCRIPTION_UNITS, escaped_units);
    json!({
        "username": "streamkit",
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            "title": escape_markdown(&title),
            "description": escape_markdown(&body),
            "color": color(message),
        }],
    })
}

fn color(message: &Message) -> u32 {
    let firing = message
        .notices
        .iter()
        .filter(|n| n.kind == NoticeKind::Firing);
    match firing.map(|notice| notice.severity).max() {
        Some(Severity::Critical) => RED,
        Some(Severity::Warning) => YELLOW,
        None => GREEN,
    }
}

fn is_markup(c: char) -> bool {
    c.is_ascii_punctuation()
}

fn escaped_units(c: char) -> usize {
    c.len_utf16() + usize::from(is_markup(c))
}

fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_markup(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// What is done with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Trigger,
    Resolve,
}

impl Action {
    pub fn of(notice: &Notice) -> Self {
        match notice.kind {
            NoticeKind::Firing => Self::Trigger,
            NoticeKind::Resolved => Self::Resolve,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Resolve => "resolve",
        }
    }
}

/// PagerDuty: one event of the Events API v2.
pub(super) fn pagerduty(
    message: &Message,
    notice: &Notice,
    action: Action,
    routing_key: &str,
) -> Value {
    let alone = Message {
        notices: vec![notice.clone()],
        ..message.clone()
    };
    let severity = if message.is_test {
        "info"
    } else {
        notice.severity.as_str()
    };
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": action.as_str(),
        "dedup_key": payload::key(message, notice),
        "client": "streamkit",
        "payload": {
            "summary": cut(&text::title(&alone), PAGERDUTY_SUMMARY_CHARS, chars),
            "source": message.collector,
            "severity": severity,
            "timestamp": text::time(notice.at_us),
            "group": "streamkit",
            "class": notice.rule,
            "custom_details": payload::payload(message, notice),
        },
    });
    if let Some(subject) = &notice.subject {
        event["payload"]["component"] = json!(subject);
    }
    event
}
