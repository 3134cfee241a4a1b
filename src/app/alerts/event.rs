//! What happens while alerts are sent, as facts.

use std::{fmt, sync::Arc, time::Duration};

use crate::{app::supervise, notify::ChannelError};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertEvent {
    /// A message arrived.
    Sent {
        /// The channel.
        channel: String,
        /// How many notices it held.
        notices: usize,
        /// The attempts that it took.
        attempts: u32,
    },
    /// An attempt failed; another follows.
    AttemptFailed {
        /// The channel.
        channel: String,
        /// Why.
        error: ChannelError,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// A message is given up: these notices are lost to the channel.
    GaveUp {
        /// The channel.
        channel: String,
        /// How many notices it held.
        notices: usize,
        /// Why.
        error: ChannelError,
    },
    /// The queue is full: from here on its oldest notices are dropped.
    Overflowing {
        /// The channel.
        channel: String,
    },
    /// A channel that could not send did.
    Mended {
        /// The channel.
        channel: String,
        /// How many notices were lost meanwhile; the message that arrived says so.
        lost: u64,
    },
    /// A ping failed.
    PingFailed {
        /// Its name.
        ping: String,
        /// Why.
        error: ChannelError,
    },
    /// A ping that had failed works again.
    PingMended {
        /// Its name.
        ping: String,
    },
    /// No ping is sent, because there is no sign that all is well.
    PingPaused {
        /// Its name.
        ping: String,
    },
    /// Time was up before everything was sent.
    Unsent {
        /// The channel.
        channel: String,
        /// How many notices are lost.
        notices: u64,
    },
}

impl AlertEvent {
    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "alert_sent",
            Self::AttemptFailed { .. } => "alert_attempt_failed",
            Self::GaveUp { .. } => "alert_given_up",
            Self::Overflowing { .. } => "alert_queue_overflowing",
            Self::Mended { .. } => "alert_channel_mended",
            Self::PingFailed { .. } => "ping_failed",
            Self::PingMended { .. } => "ping_mended",
            Self::PingPaused { .. } => "ping_paused",
            Self::Unsent { .. } => "alert_unsent",
        }
    }

    /// Whether something went wrong.
    #[must_use]
    pub const fn is_trouble(&self) -> bool {
        !matches!(
            self,
            Self::Sent { .. } | Self::Mended { .. } | Self::PingMended { .. }
        )
    }
}

impl fmt::Display for AlertEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent {
                channel, notices, ..
            } => write!(f, "{notices} alerts sent by {channel}"),
            Self::AttemptFailed {
                channel,
                error,
                retry_in,
            } => write!(
                f,
                "an alert was not sent by {channel}, next attempt in {retry_in:.1?}: {error}"
            ),
            Self::GaveUp {
                channel,
                notices,
                error,
            } => write!(f, "{notices} alerts are lost to {channel}: {error}"),
            Self::Overflowing { channel } => write!(
                f,
                "too many alerts wait for {channel}: the oldest are dropped"
            ),
            Self::Mended { channel, lost } => {
                write!(f, "{channel} sends alerts again, {lost} were lost")
            }
            Self::PingFailed { ping, error } => write!(f, "ping {ping} failed: {error}"),
            Self::PingMended { ping } => write!(f, "ping {ping} works again"),
            Self::PingPaused { ping } => write!(
                f,
                "ping {ping} is not sent: there is no sign that all is well"
            ),
            Self::Unsent { channel, notices } => {
                write!(f, "{notices} alerts were not sent by {channel} in time")
            }
        }
    }
}

/// Takes events. Cheap to clone; must not block.
#[derive(Clone)]
pub struct Emit(Arc<dyn Fn(&AlertEvent) + Send + Sync>);

impl Emit {
    /// Hands every event to `take`.
    #[must_use]
    pub fn new(take: impl Fn(&AlertEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Hands one event over. Whoever panics on it does not end the task that sends alerts.
    pub(super) fn emit(&self, event: &AlertEvent) {
        if let Err(caught) = supervise::catch(|| (self.0)(event)) {
            tracing::error!(
                code = "alert.taker_panicked",
                "whoever is told of alerts {}\n{}",
                caught.reason,
                caught.backtrace
            );
        }
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Emit")
    }
}
