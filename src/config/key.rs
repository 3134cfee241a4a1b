//! The table of all settings.
//!
//! One name serves everywhere: the setting `state_dir` is the flag `--state-dir`, the
//! variable `STREAMKIT_STATE_DIR` and the key `state_dir` of the file.

use std::fmt;

/// A setting's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Where rows go.
    Store,
    /// The store's password, when it is not in its address. Never a flag: other users
    /// of the machine can read those.
    StorePassword,
    /// The directory of the journal.
    StateDir,
    /// The exchange.
    Exchange,
    /// The exchange's addresses for streams.
    WsUrl,
    /// The exchange's addresses for requests.
    RestUrl,
    /// The address of the exchange's archive.
    ArchiveUrl,
    /// What to build bars with.
    Thresholds,
    /// Where to cut bars.
    Anchor,
    /// The name of a collector in the store.
    Collector,
    /// From which ages on single symbols are stale, for the watchdog.
    Freshness,
    /// Which messages are logged.
    Log,
    /// How they are written.
    LogFormat,
    /// Whether to use colours.
    Color,
}

impl Key {
    /// Every setting, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Store,
        Self::StorePassword,
        Self::StateDir,
        Self::Exchange,
        Self::WsUrl,
        Self::RestUrl,
        Self::ArchiveUrl,
        Self::Thresholds,
        Self::Anchor,
        Self::Collector,
        Self::Freshness,
        Self::Log,
        Self::LogFormat,
        Self::Color,
    ];

    /// Its name in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::StorePassword => "store_password",
            Self::StateDir => "state_dir",
            Self::Exchange => "exchange",
            Self::WsUrl => "ws_url",
            Self::RestUrl => "rest_url",
            Self::ArchiveUrl => "archive_url",
            Self::Thresholds => "thresholds",
            Self::Anchor => "anchor",
            Self::Collector => "collector",
            Self::Freshness => "freshness",
            Self::Log => "log",
            Self::LogFormat => "log_format",
            Self::Color => "color",
        }
    }

    /// The setting with that name in the file.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Its environment variable.
    #[must_use]
    pub fn variable(self) -> String {
        format!("STREAMKIT_{}", self.name().to_ascii_uppercase())
    }

    /// Its flag on the command line.
    #[must_use]
    pub fn flag(self) -> String {
        match self {
            // The log level has short flags that count.
            Self::Log => "-v/-q".to_owned(),
            _ => format!("--{}", self.name().replace('_', "-")),
        }
    }

    /// Whether it takes several values: a list in the file, commas in a variable.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(
            self,
            Self::WsUrl | Self::RestUrl | Self::Thresholds | Self::Freshness
        )
    }

    /// Whether its value is never shown.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::StorePassword)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_serves_for_the_file_the_flag_and_the_variable() {
        for key in Key::ALL {
            assert_eq!(Key::named(key.name()), Some(key));
        }
        assert_eq!(Key::StateDir.flag(), "--state-dir");
        assert_eq!(Key::StateDir.variable(), "STREAMKIT_STATE_DIR");
        assert_eq!(Key::named("stroe"), None);
    }
}
