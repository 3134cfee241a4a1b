//! The settings, resolved: each with its value and where that came from.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf};

use crate::{
    domain::{anchor::Anchor, threshold::Threshold},
    store::address::StoreAddress,
};

use super::{directories::Directories, file::FileError, key::Key};

mod texts;
mod words;

pub use crate::app::inherited::SETTINGS_VARIABLE as FILE_VARIABLE;
use texts::Texts;
pub use words::{CollectorName, Color, Exchange, Freshness, LogFilter, LogFormat};

/// Where a setting's value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag on the command line.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A line of the settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Nobody set it.
    Default,
}

impl Origin {
    /// The word for its kind.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Variable(_) => "variable",
            Self::File { .. } => "file",
            Self::Default => "default",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// What the settings are made from.
pub struct Sources<'a> {
    /// Values given on the command line.
    pub flags: BTreeMap<Key, Vec<String>>,
    /// Looks an environment variable up.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The settings file to read; without one `streamkit.toml` in the directory for
    /// settings is read if it is there.
    pub file: Option<PathBuf>,
    /// Where files belong.
    pub directories: Directories,
}

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    store: Option<Setting<StoreAddress>>,
    /// Where the store's password came from, if it has one.
    pub store_password: Option<Origin>,
    state_dir: Option<Setting<PathBuf>>,
    /// The exchange.
    pub exchange: Setting<Exchange>,
    /// The exchange's addresses for streams; empty for the exchange's own.
    pub ws_urls: Setting<Vec<String>>,
    /// The exchange's addresses for requests; empty for the exchange's own.
    pub rest_urls: Setting<Vec<String>>,
    /// The address of the exchange's archive; none for the exchange's own.
    pub archive_url: Option<Setting<String>>,
    /// What to build bars with: no two are equal, in the order given.
    pub thresholds: Setting<Vec<Threshold>>,
    /// Where to cut bars.
    pub anchor: Setting<Anchor>,
    /// The name of a collector in the store, if it is not to be that of the machine.
    pub collector: Option<Setting<CollectorName>>,
    /// From which ages on single symbols are stale, for the watchdog.
    pub freshness: Setting<Vec<Freshness>>,
    /// Which messages are logged.
    pub log: Setting<LogFilter>,
    /// How they are written.
    pub log_format: Setting<LogFormat>,
    /// Whether to use colours.
    pub color: Setting<Color>,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The settings file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A value makes no sense.
    #[error("read {key} from {origin}: {reason}")]
    Value {
        /// The setting.
        key: Key,
        /// Where the value came from.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
    /// A default cannot be told, because the user has no home directory.
    #[error("find a place for {0}: this user has no home directory")]
    NoHome(Key),
    /// Several of them are wrong.
    #[error("use the settings: {} of them are wrong{}", .0.len(), listed(.0))]
    Several(Vec<SettingError>),
}

impl SettingError {
    /// The line of the settings file that is wrong, if one is; what stands elsewhere comes later.
    fn line(&self) -> usize {
        match self {
            Self::File(FileError::Wrong { line, .. })
            | Self::Value {
                origin: Origin::File { line, .. },
                ..
            } => *line,
            _ => usize::MAX,
        }
    }
}

/// Each on a line of its own.
fn listed(errors: &[SettingError]) -> String {
    let line = |error: &SettingError| match error {
        SettingError::File(FileError::Wrong { path, line, reason }) => {
            format!("\n  {}, line {line}: {reason}", path.display())
        }
        SettingError::Value {
            key,
            origin,
            reason,
        } => format!("\n  {origin}: {key}: {reason}"),
        other => format!("\n  {other}"),
    };
    errors.iter().map(line).collect()
}

/// What is wrong, as far as it is known.
struct Problems(Vec<SettingError>);

impl Problems {
    /// The value, or none and one more problem.
    fn of<T>(&mut self, read: Result<T, SettingError>) -> Option<T> {
        read.map_err(|error| self.0.push(error)).ok()
    }

    /// Nothing, or everything that is wrong.
    fn none(mut self) -> Result<(), SettingError> {
        match self.0.len() {
            0 => Ok(()),
            1 => Err(self.0.remove(0)),
            _ => {
                // Whoever mends a file goes from the top to the bottom.
                self.0.sort_by_key(SettingError::line);
                Err(SettingError::Several(self.0))
            }
        }
    }
}

/// The default thresholds.
pub const DEFAULT_THRESHOLDS: [u32; 4] = [250, 500, 750, 1000];

impl Settings {
    /// Resolves every setting: flag, else variable, else file, else default.
    ///
    /// # Errors
    /// When the file cannot be used, or a value makes no sense.
    pub fn resolve(sources: &Sources<'_>) -> Result<Self, SettingError> {
        let mut texts = Texts::gather(sources)?;
        let mut problems = Problems(texts.wrong_lines());
        let store = problems.of(texts.store());
        let state_dir = problems.of(texts.state_dir());
        let exchange = problems.of(texts.one_or(Key::Exchange, Exchange::default()));
        let ws_urls = problems.of(texts.urls(Key::WsUrl, &["ws", "wss"]));
        let rest_urls = problems.of(texts.urls(Key::RestUrl, &["http", "https"]));
        let archive_url = problems.of(texts.url(Key::ArchiveUrl, &["http", "https"]));
        let thresholds = problems.of(texts.thresholds());
        let anchor = problems.of(texts.anchor());
        let collector = problems.of(texts.one(Key::Collector));
        let freshness = problems.of(texts.freshness());
        let log = problems.of(texts.one_or(Key::Log, LogFilter::default()));
        let log_format = problems.of(texts.one_or(Key::LogFormat, LogFormat::Text));
        let color = problems.of(texts.one_or(Key::Color, Color::Auto));
        problems.none()?;
        let settings = || {
            let (store, store_password) = store?;
            Some(Self {
                store,
                store_password,
                state_dir: state_dir?,
                exchange: exchange?,
                ws_urls: ws_urls?,
                rest_urls: rest_urls?,
                archive_url: archive_url?,
                thresholds: thresholds?,
                anchor: anchor?,
                collector: collector?,
                freshness: freshness?,
                log: log?,
                log_format: log_format?,
                color: color?,
            })
        };
        // Without problems all of them are there.
        settings().ok_or(SettingError::Several(Vec::new()))
    }

    /// Where rows go, with the password.
    ///
    /// # Errors
    /// When nobody set it, and the user has no home for the default.
    pub fn store(&self) -> Result<&Setting<StoreAddress>, SettingError> {
        self.store.as_ref().ok_or(SettingError::NoHome(Key::Store))
    }

    /// The directory of the journal.
    ///
    /// # Errors
    /// As for [`store`](Self::store).
    pub fn state_dir(&self) -> Result<&Setting<PathBuf>, SettingError> {
        self.state_dir
            .as_ref()
            .ok_or(SettingError::NoHome(Key::StateDir))
    }

    /// Each setting as text without secrets, with its origin, in the order of [`Key::ALL`].
    #[must_use]
    pub fn shown(&self) -> Vec<Shown<'_>> {
        let thresholds = self.thresholds.value.iter().map(ToString::to_string);
        let masked = |urls: &[String]| urls.iter().map(|url| words::masked(url)).collect();
        let password = Shown {
            key: Key::StorePassword,
            values: self
                .store_password
                .iter()
                .map(|_| "***".to_owned())
                .collect(),
            origin: self.store_password.as_ref().unwrap_or(&Origin::Default),
        };
        let store = self.store.as_ref();
        let state_dir = self.state_dir.as_ref();
        let archive_url = self.archive_url.as_ref();
        let collector = self.collector.as_ref();
        let freshness = self.freshness.value.iter();
        vec![
            Shown {
                key: Key::Store,
                values: store.iter().map(|store| store.value.to_string()).collect(),
                origin: store.map_or(&Origin::Default, |store| &store.origin),
            },
            password,
            Shown {
                key: Key::StateDir,
                values: state_dir
                    .iter()
                    .map(|path| path.value.display().to_string())
                    .collect(),
                origin: state_dir.map_or(&Origin::Default, |path| &path.origin),
            },
            Shown::of(Key::Exchange, &self.exchange),
            Shown {
                key: Key::WsUrl,
                values: masked(&self.ws_urls.value),
                origin: &self.ws_urls.origin,
            },
            Shown {
                key: Key::RestUrl,
                values: masked(&self.rest_urls.value),
                origin: &self.rest_urls.origin,
            },
            Shown {
                key: Key::ArchiveUrl,
                values: archive_url
                    .iter()
                    .map(|url| words::masked(&url.value))
                    .collect(),
                origin: archive_url.map_or(&Origin::Default, |url| &url.origin),
            },
            Shown {
                key: Key::Thresholds,
                values: thresholds.collect(),
                origin: &self.thresholds.origin,
            },
            Shown::of(Key::Anchor, &self.anchor),
            Shown {
                key: Key::Collector,
                values: collector
                    .iter()
                    .map(|name| name.value.to_string())
                    .collect(),
                origin: collector.map_or(&Origin::Default, |name| &name.origin),
            },
            Shown {
                key: Key::Freshness,
                values: freshness.map(ToString::to_string).collect(),
                origin: &self.freshness.origin,
            },
            Shown::of(Key::Log, &self.log),
            Shown::of(Key::LogFormat, &self.log_format),
            Shown::of(Key::Color, &self.color),
        ]
    }
}

/// A setting as text, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The setting.
    pub key: Key,
    /// Its value; several for a list, none when there is none.
    pub values: Vec<String>,
    /// Where it came from.
    pub origin: &'a Origin,
}

impl<'a> Shown<'a> {
    fn of<T: fmt::Display>(key: Key, setting: &'a Setting<T>) -> Self {
        Self {
            key,
            values: vec![setting.value.to_string()],
            origin: &setting.origin,
        }
    }
}

fn has_password(store: &StoreAddress) -> bool {
    matches!(store, StoreAddress::ClickHouse(address) if address.password.is_some())
}

#[cfg(test)]
mod tests;
