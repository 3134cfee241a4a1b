//! What a way does, as somebody types it: `latency:delay_ms=500,after_ms=1000,for_ms=2000`.
//!
//! ```text
//! fin  rst  deaf  mute  blackhole
//! slow_handshake:delay_ms=N  latency:delay_ms=N  bandwidth:bytes_per_second=N
//! ```
//!
//! `after_ms` is when it begins, counted from the start, and `for_ms` how long it lasts; without
//! them it begins at once and lasts.

use std::{str::FromStr, time::Duration};

use tokio::time::sleep;

use super::{Relay, Way};

/// The names of all that can be typed.
pub const WAYS: [&str; 8] = [
    "fin",
    "rst",
    "deaf",
    "mute",
    "blackhole",
    "slow_handshake",
    "latency",
    "bandwidth",
];

/// What a way does, from when on, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaySpec {
    /// What it does.
    pub way: Way,
    /// How long after the start it begins.
    pub after: Duration,
    /// How long it lasts; to the end when none.
    pub lasting: Option<Duration>,
}

impl WaySpec {
    /// Whether a text names a way, well or badly.
    #[must_use]
    pub fn is_named_in(text: &str) -> bool {
        let name = text.split(':').next().unwrap_or_default();
        WAYS.contains(&name)
    }

    /// Lets the relay do it when its time has come, and nothing any more when it is over.
    pub async fn play(self, relay: &Relay) {
        sleep(self.after).await;
        relay.set(self.way);
        if let Some(lasting) = self.lasting {
            sleep(lasting).await;
            relay.set(Way::Open);
        }
    }
}

impl FromStr for WaySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |reason: &str| format!("'{text}' is no fault: {reason}");
        let (name, settings) = text.split_once(':').unwrap_or((text, ""));
        let (mut after, mut lasting, mut figure) = (Duration::ZERO, None, None);
        for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
            let (word, value) = setting
                .split_once('=')
                .ok_or_else(|| wrong(&format!("'{setting}' is not NAME=VALUE")))?;
            let value: u64 = value
                .parse()
                .map_err(|_| wrong(&format!("{word} takes a whole number, not '{value}'")))?;
            match (word, name) {
                ("after_ms", _) => after = Duration::from_millis(value),
                ("for_ms", _) => lasting = Some(Duration::from_millis(value)),
                ("delay_ms", "latency" | "slow_handshake") | ("bytes_per_second", "bandwidth") => {
                    figure = Some(value);
                }
                _ => return Err(wrong(&format!("'{name}' has no '{word}'"))),
            }
        }
        let delay = || {
            let delay_ms = figure.ok_or_else(|| wrong("it needs delay_ms"))?;
            Ok::<_, String>(Duration::from_millis(delay_ms))
        };
        let way = match name {
            "fin" => Way::Fin,
            "rst" => Way::Rst,
            "deaf" => Way::Deaf,
            "mute" => Way::Mute,
            "blackhole" => Way::Blackhole,
            "slow_handshake" => Way::SlowHandshake { delay: delay()? },
            "latency" => Way::Latency { delay: delay()? },
            "bandwidth" => Way::Bandwidth {
                bytes_per_second: figure
                    .filter(|&figure| figure > 0)
                    .ok_or_else(|| wrong("it needs bytes_per_second of 1 or more"))?,
            },
            _ => return Err(wrong(&format!("one of {} is", WAYS.join(", ")))),
        };
        Ok(Self {
            way,
            after,
            lasting,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_can_be_typed() {
        let late = Way::Latency {
            delay: Duration::from_millis(500),
        };
        let spec: WaySpec = "latency:delay_ms=500,after_ms=1000,for_ms=2000"
            .parse()
            .expect("a way");
        assert_eq!(spec.way, late);
        assert_eq!(spec.after, Duration::from_secs(1));
        assert_eq!(spec.lasting, Some(Duration::from_secs(2)));
        for name in WAYS {
            let settings = match name {
                "latency" | "slow_handshake" => ":delay_ms=1",
                "bandwidth" => ":bytes_per_second=1",
                _ => "",
            };
            let text = format!("{name}{settings}");
            assert!(WaySpec::is_named_in(&text));
            let spec: WaySpec = text.parse().expect("a way");
            assert_eq!((spec.after, spec.lasting), (Duration::ZERO, None));
        }
    }

    #[test]
    fn what_is_no_way_is_named() {
        for (text, reason) in [
            ("latency", "it needs delay_ms"),
            ("latency:delay_ms=soon", "takes a whole number, not 'soon'"),
            ("fin:delay_ms=1", "'fin' has no 'delay_ms'"),
            ("bandwidth:bytes_per_second=0", "of 1 or more"),
            ("rst:for_ms", "'for_ms' is not NAME=VALUE"),
            ("half_open", "one of fin, rst, "),
        ] {
            let error = text.parse::<WaySpec>().expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(!WaySpec::is_named_in("skip:every=2"));
    }
}
