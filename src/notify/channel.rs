//! What every way of telling somebody has in common.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde::Serialize;

use crate::domain::alert::Notice;

/// A way of telling somebody.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Its name in the settings.
    fn name(&self) -> &str;

    /// How many notices it takes in one message, at least 1. What people read takes many,
    /// so that a storm is one page; what programs read takes one.
    fn max_notices(&self) -> usize {
        1
    }

    /// Sends `message`, or fails within `deadline`. Whoever drops the future ends the
    /// attempt; the message may have gone out then.
    ///
    /// # Errors
    /// When nobody confirmed that the message arrived.
    async fn send(&self, message: &Message, deadline: Duration) -> Result<(), ChannelError>;
}

/// What is sent at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// The collector's name in the store: who speaks.
    pub collector: String,
    /// Whether this only tries the channel.
    pub is_test: bool,
    /// How many alerts before these could not be sent by this channel and never will be.
    pub lost: u64,
    /// What is told, oldest first. At least one.
    pub notices: Vec<Notice>,
}

/// What can be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Trying again, not before so long when the receiver said so.
    Retry {
        /// What the receiver asked for.
        after: Option<Duration>,
    },
    /// Somebody has to change a setting.
    Change,
}

/// Why a message did not arrive. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelError {
    /// What can be done.
    pub remedy: Remedy,
    /// What was tried and what happened.
    pub what: String,
    /// What to do next. May be empty.
    pub hint: String,
}

impl ChannelError {
    /// One that may be over in a moment.
    #[must_use]
    pub fn retry(what: impl Into<String>) -> Self {
        Self {
            remedy: Remedy::Retry { after: None },
            what: what.into(),
            hint: String::new(),
        }
    }

    /// One that lasts until somebody changes something.
    #[must_use]
    pub fn permanent(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            remedy: Remedy::Change,
            what: what.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn timed_out(what: &str, deadline: Duration) -> Self {
        Self::retry(format!("{what}: no answer within {deadline:?}"))
    }

    /// Whether trying again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.remedy == Remedy::Change
    }
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.hint.is_empty() {
            write!(f, "; hint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for ChannelError {}
