//! Telling somebody: a program, an HTTP hook, Telegram, mail; and the ping that is missed
//! when nobody is left to tell.
//!
//! A [`Channel`] sends one [`Message`] within a deadline and says whether trying again can
//! help. Queues, retries and limits are the caller's. Secrets come from the environment or
//! from a file, and are in no message, error or log.

mod channel;
pub mod command;
pub mod config;
pub mod email;
mod http;
mod payload;
pub mod ping;
pub mod secret;
pub mod telegram;
mod text;
mod tls;
pub mod webhook;

pub use channel::{Channel, ChannelError, Message, Remedy};
pub use config::{ChannelConfig, ChannelKind, ConfigError, Opened};
pub use ping::Ping;
pub use secret::{Secret, process_environment};

#[cfg(test)]
mod testing;
