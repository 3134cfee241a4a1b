//! Where alerts go, and the bounds of sending them.

use std::{collections::BTreeMap, fmt, num::NonZeroU32, sync::Arc, time::Duration};

use crate::{
    domain::alert::Severity,
    notify::{Channel, ChannelConfig, ConfigError, Opened, Ping, secret::Environment},
};

/// A channel, and what it is for.
#[derive(Clone)]
pub struct Outlet {
    /// The channel.
    pub channel: Arc<dyn Channel>,
    /// It is told what matters at least so much.
    pub min_severity: Severity,
    /// How long an attempt may take.
    pub deadline: Duration,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet")
            .field("channel", &self.channel.name())
            .field("min_severity", &self.min_severity)
            .field("deadline", &self.deadline)
            .finish()
    }
}

/// Everything that alerts go to.
#[derive(Debug, Default)]
pub struct Outlets {
    /// Who is told.
    pub channels: Vec<Outlet>,
    /// What is called while all is well, and how long a call may take.
    pub pings: Vec<(Ping, Duration)>,
}

/// Makes the channels that the settings name: reads their secrets, asks nobody.
///
/// # Errors
/// When a setting makes no sense, or a secret is not where it should be.
pub fn open(
    channels: &BTreeMap<String, ChannelConfig>,
    environment: Environment<'_>,
) -> Result<Outlets, ConfigError> {
    let mut outlets = Outlets::default();
    for (name, config) in channels {
        match config.open(name, environment)? {
            Opened::Channel(channel) => outlets.channels.push(Outlet {
                channel: channel.into(),
                min_severity: config.min_severity,
                deadline: config.deadline,
            }),
            Opened::Ping(ping) => outlets.pings.push((ping, config.deadline)),
        }
    }
    Ok(outlets)
}

/// The bounds of sending.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Notices that wait for one channel. Beyond, the oldest are dropped and counted.
    pub queue: usize,
    /// Attempts to send one message.
    pub attempts: u32,
    /// The pause after the first attempt that failed.
    pub retry_min: Duration,
    /// The longest pause that we take by ourselves.
    pub retry_max: Duration,
    /// The longest pause that a receiver may ask for.
    pub retry_after_max: Duration,
    /// Messages a minute by one channel.
    pub per_minute: NonZeroU32,
    /// Messages at once.
    pub burst: NonZeroU32,
    /// A sign of life older than this many intervals of a ping is none.
    pub pulse_intervals: u32,
}

impl Default for Limits {
    fn default() -> Self {
        const TWENTY: NonZeroU32 = NonZeroU32::new(20).unwrap();
        const FIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();
        Self {
            queue: 256,
            // About two minutes: what keeps an alert back is often what it is about, and over soon.
            attempts: 10,
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(30),
            retry_after_max: Duration::from_secs(300),
            per_minute: TWENTY,
            burst: FIVE,
            pulse_intervals: 2,
        }
    }
}
