//! Channels as somebody writes them into the settings.
//!
//! ```toml
//! [channels.ops]
//! type = "telegram"
//! token_env = "TELEGRAM_TOKEN"
//! chat_id = -100123
//! min_severity = "critical"   # every channel: warning is the default
//! deadline = "10s"            # every channel
//! ```

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    channel::Channel,
    command::{Command, CommandConfig},
    email::{Email, EmailConfig},
    ping::{Ping, PingConfig},
    secret::{Environment, Secret, origin},
    telegram::{Telegram, TelegramConfig},
    webhook::{Webhook, WebhookConfig},
};
use crate::domain::alert::Severity;

/// How long an attempt may take when nobody says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// The longest deadline: whoever waits longer tells nobody else.
const MAX_DEADLINE: Duration = Duration::from_secs(300);

/// The shortest deadline.
const MIN_DEADLINE: Duration = Duration::from_millis(100);

/// Settings of one channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelConfig {
    /// What it is, with the settings of that kind.
    #[serde(flatten)]
    pub kind: ChannelKind,
    /// It is told what matters at least so much.
    pub min_severity: Severity,
    /// How long an attempt may take.
    #[serde(serialize_with = "duration_words::serialize")]
    pub deadline: Duration,
}

/// What a channel is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChannelKind {
    /// A program.
    Command(CommandConfig),
    /// An HTTP hook.
    Webhook(WebhookConfig),
    /// A Telegram chat.
    Telegram(TelegramConfig),
    /// Mail.
    Email(EmailConfig),
    /// An address that is called while all is well.
    Ping(PingConfig),
}

/// The kinds, as they are written.
const KINDS: &str = "command, webhook, telegram, email and ping are";

/// What settings open.
pub enum Opened {
    /// Something that alerts are sent to.
    Channel(Box<dyn Channel>),
    /// Something that is called while all is well.
    Ping(Ping),
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => f.debug_tuple("Channel").field(&channel.name()).finish(),
            Self::Ping(ping) => f.debug_tuple("Ping").field(&ping.name()).finish(),
        }
    }
}

/// Why a channel cannot be used. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("alert channel '{channel}', {field}: {reason}")]
pub struct ConfigError {
    /// The channel's name.
    pub channel: String,
    /// The setting.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ConfigError {
    pub(super) fn new(channel: &str, field: &str, reason: impl Into<String>) -> Self {
        Self {
            channel: channel.to_owned(),
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

impl ChannelConfig {
    /// Makes the channel `name`: reads its secrets, checks its settings, asks nobody.
    ///
    /// # Errors
    /// When a setting makes no sense, or a secret is not where it should be.
    pub fn open(&self, name: &str, environment: Environment<'_>) -> Result<Opened, ConfigError> {
        if self.deadline < MIN_DEADLINE || self.deadline > MAX_DEADLINE {
            return Err(ConfigError::new(
                name,
                "deadline",
                "100ms to 5m are possible",
            ));
        }
        Ok(match &self.kind {
            ChannelKind::Command(config) => Opened::Channel(Box::new(Command::open(name, config)?)),
            ChannelKind::Webhook(config) => {
                Opened::Channel(Box::new(Webhook::open(name, config, environment)?))
            }
            ChannelKind::Telegram(config) => {
                Opened::Channel(Box::new(Telegram::open(name, config, environment)?))
            }
            ChannelKind::Email(config) => {
                Opened::Channel(Box::new(Email::open(name, config, environment)?))
            }
            ChannelKind::Ping(config) => Opened::Ping(Ping::open(name, config, environment)?),
        })
    }
}

/// What all channels have.
#[derive(Deserialize)]
struct Common {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    min_severity: Severity,
    #[serde(default = "default_deadline", with = "duration_words")]
    deadline: Duration,
}

fn default_deadline() -> Duration {
    DEFAULT_DEADLINE
}

impl<'de> Deserialize<'de> for ChannelConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::<String, Value>::deserialize(deserializer)?;
        let mut common = Map::new();
        for name in ["type", "min_severity", "deadline"] {
            if let Some((name, value)) = fields.remove_entry(name) {
                common.insert(name, value);
            }
        }
        let common: Common = read(common).map_err(de::Error::custom)?;
        let kind = match common.kind.as_deref() {
            Some("command") => read(fields).map(ChannelKind::Command),
            Some("webhook") => read(fields).map(ChannelKind::Webhook),
            Some("telegram") => read(fields).map(ChannelKind::Telegram),
            Some("email") => read(fields).map(ChannelKind::Email),
            Some("ping") => read(fields).map(ChannelKind::Ping),
            Some(other) => Err(format!(
                "type: there is no channel '{}'; {KINDS}",
                other.escape_debug().take(40).collect::<String>()
            )),
            None => Err(format!("type: a channel needs one; {KINDS}")),
        };
        Ok(Self {
            kind: kind.map_err(de::Error::custom)?,
            min_severity: common.min_severity,
            deadline: common.deadline,
        })
    }
}

/// Reads `fields`; the error names the field and never repeats its value, which may be a
/// secret in the wrong place.
fn read<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, String> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner().to_string();
        let names_field = reason.contains("missing field") || reason.contains("unknown field");
        if path == "." || names_field {
            return reason;
        }
        match reason.split_once("expected ") {
            Some((_, expected)) => format!("{path}: expected {expected}"),
            None => format!("{path}: {reason}"),
        }
    })
}

/// The address of a hook: `url`, or what `url_env` or `url_file` hold; with the setting
/// that it is from.
pub(super) fn secret_url(
    channel: &str,
    url: Option<&Secret>,
    url_env: Option<&String>,
    url_file: Option<&PathBuf>,
    environment: Environment<'_>,
) -> Result<(Secret, &'static str), ConfigError> {
    let kept = origin("url", url_env, url_file)
        .load(environment)
        .map_err(|(field, reason)| ConfigError::new(channel, &field, reason))?;
    match (url, kept) {
        (Some(_), Some(_)) => Err(ConfigError::new(
            channel,
            "url",
            "there is url_env or url_file as well: take one",
        )),
        (Some(url), None) => Ok((url.clone(), "url")),
        (None, Some(url)) => Ok((
            url,
            if url_env.is_some() {
                "url_env"
            } else {
                "url_file"
            },
        )),
        (None, None) => Err(ConfigError::new(
            channel,
            "url",
            "it needs an address: set this, url_env or url_file",
        )),
    }
}

/// Durations as `90s` or `1h 30m`.
pub(super) mod duration_words {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_duration(*duration))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        humantime::parse_duration(&text)
            .map_err(|_| de::Error::custom("expected a duration: 90s, 15m and 1h are"))
    }
}

#[cfg(test)]
mod tests;
