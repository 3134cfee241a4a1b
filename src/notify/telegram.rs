//! Telegram: `sendMessage` of the Bot API.
//!
//! The parse mode is HTML: its only special characters are `&`, `<` and `>`, so that
//! nothing of what an alert quotes can break a message.

use std::{fmt, path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::json;

use super::{
    channel::{Channel, ChannelError, Message, Remedy},
    config::ConfigError,
    http::{self, Answer, Http, Sensitivity},
    secret::{Environment, Secret, origin},
    text,
};

/// Where bots live.
const API_URL: &str = "https://api.telegram.org";

/// The longest message, in UTF-16 units after its markup was read.
const MAX_MESSAGE_UNITS: usize = 4096;

/// The longest first line.
const MAX_TITLE_UNITS: usize = 512;

/// A storm is told in one message of so many alerts.
const MAX_NOTICES: usize = 40;

/// Settings of a Telegram channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramConfig {
    /// The variable that holds the bot's token.
    pub token_env: Option<String>,
    /// The file that holds the bot's token.
    pub token_file: Option<PathBuf>,
    /// The chat: a number, or the `@name` of a channel.
    pub chat_id: ChatId,
    /// The topic within a forum.
    pub message_thread_id: Option<i64>,
    /// Another server for bots.
    pub api_url: Option<String>,
    /// Roots to trust beside the usual ones, as PEM.
    pub ca_file: Option<PathBuf>,
}

/// A chat: a number, or the `@name` of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ChatId {
    /// A user, group or channel.
    Number(i64),
    /// A public channel.
    Name(String),
}

impl<'de> Deserialize<'de> for ChatId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = ChatId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or the '@name' of a channel")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<ChatId, E> {
                Ok(ChatId::Number(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<ChatId, E> {
                let number = i64::try_from(number);
                number.map_or_else(
                    |_| Err(E::custom(format_args!("expected {Shown}"))),
                    |n| Ok(ChatId::Number(n)),
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ChatId, E> {
                if let Ok(number) = text.parse() {
                    return Ok(ChatId::Number(number));
                }
                let name = text.strip_prefix('@').unwrap_or_default();
                let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if name.is_empty() || !is_name {
                    return Err(E::custom(format_args!("expected {Shown}")));
                }
                Ok(ChatId::Name(text.to_owned()))
            }
        }

        struct Shown;

        impl fmt::Display for Shown {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                de::Visitor::expecting(&Visitor, f)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// A chat that a bot writes to.
#[derive(Debug)]
pub struct Telegram {
    name: String,
    http: Http,
    chat_id: ChatId,
    message_thread_id: Option<i64>,
}

/// What the API answers.
#[derive(Debug, Default, Deserialize)]
struct Reply {
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    retry_after: Option<f64>,
    migrate_to_chat_id: Option<i64>,
}

impl Telegram {
    /// Reads the token.
    ///
    /// # Errors
    /// When a setting makes no sense, or there is no token where it should be.
    pub fn open(
        name: &str,
        config: &TelegramConfig,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let wrong = |field: &str, reason: String| ConfigError::new(name, field, reason);
        let token = origin(
            "token",
            config.token_env.as_ref(),
            config.token_file.as_ref(),
        )
        .load(environment)
        .map_err(|(field, reason)| wrong(&field, reason))?
        .ok_or_else(|| {
            wrong(
                "token_env",
                "a bot needs a token: set this or token_file".into(),
            )
        })?;
        if !is_token(token.expose()) {
            return Err(wrong(
                if config.token_env.is_some() {
                    "token_env"
                } else {
                    "token_file"
                },
                "what it holds is no token of a bot, 123456:ABC…; @BotFather tells it".to_owned(),
            ));
        }
        let api_url = config.api_url.as_deref().unwrap_or(API_URL);
        let api_url = api_url.trim_end_matches('/');
        let url = Secret::new(format!("{api_url}/bot{}/sendMessage", token.expose()));
        let ca_file = config.ca_file.as_deref();
        let http = Http::new(&url, Sensitivity::Secret, ca_file, vec![token])
            .map_err(|reason| wrong("api_url", reason))?;
        Ok(Self {
            name: name.to_owned(),
            http,
            chat_id: config.chat_id.clone(),
            message_thread_id: config.message_thread_id,
        })
    }

    fn judge(&self, answer: &Answer) -> Result<(), ChannelError> {
        let reply: Reply = serde_json::from_slice(&answer.body).unwrap_or_default();
        let hint = match (answer.status, reply.parameters.migrate_to_chat_id) {
            (_, Some(id)) => format!("the group became a supergroup: set chat_id = {id}"),
            (401 | 404, _) => "the token is wrong or was revoked: @BotFather tells it".to_owned(),
            (403, _) => "the bot may not write there: add it to the chat".to_owned(),
            _ => "check chat_id: write to the bot, then ask getUpdates for the chat".to_owned(),
        };
        let mut outcome = self.http.judge(answer, &hint);
        if outcome.is_ok() && !reply.ok {
            let what = format!(
                "read what {} answered: it does not say ok",
                self.http.place()
            );
            outcome = Err(ChannelError::retry(what));
        }
        if let (Err(error), Some(after)) = (&mut outcome, reply.parameters.retry_after)
            && !error.is_permanent()
        {
            error.remedy = Remedy::Retry {
                after: http::seconds(after),
            };
        }
        outcome
    }
}

#[async_trait]
impl Channel for Telegram {
    fn name(&self) -> &str {
        &self.name
    }

    fn max_notices(&self) -> usize {
        MAX_NOTICES
    }

    async fn send(&self, message: &Message, deadline: Duration) -> Result<(), ChannelError> {
        let mut body = json!({
            "chat_id": self.chat_id,
            "text": html(message),
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        });
        if let Some(thread) = self.message_thread_id {
            body["message_thread_id"] = thread.into();
        }
        let answer = self.http.post(&body, None, deadline).await?;
        self.judge(&answer)
    }
}

fn is_token(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.split_once(':').is_some_and(|(id, rest)| {
        !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_digit())
            && !rest.is_empty()
            && rest.chars().all(is_word)
    })
}

/// The message in Telegram's HTML: cut first and escaped then, so that neither a tag nor an
/// entity is ever cut.
fn html(message: &Message) -> String {
    let words = text::words(message);
    let title = text::cut(&words.title, MAX_TITLE_UNITS, char::len_utf16);
    let room = MAX_MESSAGE_UNITS - title.encode_utf16().count() - 1;
    let body = text::fit(&words.lines, room, char::len_utf16);
    format!("<b>{}</b>\n{}", escape(&title), escape(&body))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
