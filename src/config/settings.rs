//! The settings, resolved: each with its value and where that came from.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    domain::{anchor::Anchor, threshold::Threshold},
    store::address::{Password, StoreAddress},
};

use super::{
    directories::Directories,
    file::{self, Entry, FileError},
    key::Key,
};

mod words;

pub use words::{Color, Exchange, LogFilter, LogFormat};

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

/// The variable that names the settings file.
pub const FILE_VARIABLE: &str = "STREAMKIT_CONFIG";

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where rows go, with the password.
    pub store: Setting<StoreAddress>,
    /// Where the store's password came from, if it has one.
    pub store_password: Option<Origin>,
    /// The directory of the journal.
    pub state_dir: Setting<PathBuf>,
    /// The exchange.
    pub exchange: Setting<Exchange>,
    /// The exchange's addresses for streams; empty for the exchange's own.
    pub ws_urls: Setting<Vec<String>>,
    /// The exchange's addresses for requests; empty for the exchange's own.
    pub rest_urls: Setting<Vec<String>>,
    /// What to build bars with: no two are equal, in the order given.
    pub thresholds: Setting<Vec<Threshold>>,
    /// Where to cut bars.
    pub anchor: Setting<Anchor>,
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
    #[error("use {origin} for {key}: {reason}")]
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
}

/// The default thresholds.
pub const DEFAULT_THRESHOLDS: [u32; 4] = [250, 500, 750, 1000];

impl Settings {
    /// Resolves every setting: flag, else variable, else file, else default.
    ///
    /// # Errors
    /// When the file cannot be used, a value makes no sense, or a default needs a home
    /// directory and there is none.
    pub fn resolve(sources: &Sources<'_>) -> Result<Self, SettingError> {
        let texts = Texts {
            sources,
            file: read_file(sources)?,
        };
        let (store, store_password) = texts.store()?;
        Ok(Self {
            store,
            store_password,
            state_dir: texts.state_dir()?,
            exchange: texts.one_or(Key::Exchange, Exchange::default())?,
            ws_urls: texts.urls(Key::WsUrl, &["ws", "wss"])?,
            rest_urls: texts.urls(Key::RestUrl, &["http", "https"])?,
            thresholds: texts.thresholds()?,
            anchor: texts.anchor()?,
            log: texts.one_or(Key::Log, LogFilter::default())?,
            log_format: texts.one_or(Key::LogFormat, LogFormat::Text)?,
            color: texts.one_or(Key::Color, Color::Auto)?,
        })
    }

    /// Each setting as text without secrets, with its origin, in the order of [`Key::ALL`].
    #[must_use]
    pub fn shown(&self) -> Vec<(Key, Vec<String>, &Origin)> {
        fn one<T: fmt::Display>(
            key: Key,
            setting: &Setting<T>,
        ) -> (Key, Vec<String>, &Origin) {
            (key, vec![setting.value.to_string()], &setting.origin)
        }
        let thresholds = self
            .thresholds
            .value
            .iter()
            .map(Threshold::to_string)
            .collect();
        let password: Vec<_> = self
            .store_password
            .iter()
            .map(|_| "***".to_owned())
            .collect();
        let masked = |urls: &[String]| urls.iter().map(|url| words::masked(url)).collect();
        vec![
            one(Key::Store, &self.store),
            (
                Key::StorePassword,
                password,
                self.store_password.as_ref().unwrap_or(&Origin::Default),
            ),
            (
                Key::StateDir,
                vec![self.state_dir.value.display().to_string()],
                &self.state_dir.origin,
            ),
            one(Key::Exchange, &self.exchange),
            (
                Key::WsUrl,
                masked(&self.ws_urls.value),
                &self.ws_urls.origin,
            ),
            (
                Key::RestUrl,
                masked(&self.rest_urls.value),
                &self.rest_urls.origin,
            ),
            (Key::Thresholds, thresholds, &self.thresholds.origin),
            one(Key::Anchor, &self.anchor),
            one(Key::Log, &self.log),
            one(Key::LogFormat, &self.log_format),
            one(Key::Color, &self.color),
        ]
    }
}

/// The settings file's path and entries; no entries without a file.
fn read_file(sources: &Sources<'_>) -> Result<(PathBuf, BTreeMap<Key, Entry>), SettingError> {
    let given = sources.file.clone().or_else(|| {
        (sources.variable)(FILE_VARIABLE)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    });
    if let Some(path) = given {
        let entries = file::read(&path)?;
        return Ok((path, entries));
    }
    match &sources.directories.config {
        // Anything but a plain absence, such as a missing right, is worth an error.
        Some(directory) if !is_absent(&directory.join(file::FILE_NAME)) => {
            let path = directory.join(file::FILE_NAME);
            let entries = file::read(&path)?;
            Ok((path, entries))
        }
        _ => Ok((PathBuf::new(), BTreeMap::new())),
    }
}

fn is_absent(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

/// The texts of all settings, from every source.
struct Texts<'a> {
    sources: &'a Sources<'a>,
    file: (PathBuf, BTreeMap<Key, Entry>),
}

impl Texts<'_> {
    /// The texts that count for `key`; none when nobody gave any.
    fn get(&self, key: Key) -> Result<Option<Setting<Vec<String>>>, SettingError> {
        if let Some(values) = self.sources.flags.get(&key) {
            return Ok(Some(Setting {
                value: values.clone(),
                origin: Origin::Flag(key.flag()),
            }));
        }
        let variable = key.variable();
        // An empty variable is an unset one: a service file can hardly unset it.
        if let Some(text) = (self.sources.variable)(&variable).filter(|text| !text.is_empty()) {
            let origin = Origin::Variable(variable);
            let Ok(text) = text.into_string() else {
                return Err(wrong(key, origin, &"it is not UTF-8"));
            };
            let value = if key.is_list() {
                text.split(',').map(|part| part.trim().to_owned()).collect()
            } else {
                vec![text]
            };
            return Ok(Some(Setting { value, origin }));
        }
        let (path, entries) = &self.file;
        Ok(entries.get(&key).map(|entry| Setting {
            value: entry.values.clone(),
            origin: Origin::File {
                path: path.clone(),
                line: entry.line,
            },
        }))
    }

    /// The setting's single value, read by its type; none when nobody gave one.
    fn one<T>(&self, key: Key) -> Result<Option<Setting<T>>, SettingError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let Some(Setting { value, origin }) = self.get(key)? else {
            return Ok(None);
        };
        let text = value.last().map_or("", String::as_str);
        match text.parse() {
            Ok(value) => Ok(Some(Setting { value, origin })),
            Err(error) => Err(wrong(key, origin, &error)),
        }
    }

    /// As [`one`](Self::one), with a default.
    fn one_or<T>(&self, key: Key, default: T) -> Result<Setting<T>, SettingError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        Ok(self.one(key)?.unwrap_or(Setting {
            value: default,
            origin: Origin::Default,
        }))
    }

    /// The setting's values, each read by `read`; none when nobody gave any.
    fn list<T>(
        &self,
        key: Key,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Setting<Vec<T>>>, SettingError> {
        let Some(Setting { value, origin }) = self.get(key)? else {
            return Ok(None);
        };
        let values: Result<Vec<_>, _> = value.iter().map(|text| read(text)).collect();
        match values {
            Ok(value) => Ok(Some(Setting { value, origin })),
            Err(reason) => Err(wrong(key, origin, &reason)),
        }
    }

    /// The store with its password, and where the password came from.
    fn store(&self) -> Result<(Setting<StoreAddress>, Option<Origin>), SettingError> {
        let store = match self.one(Key::Store)? {
            Some(store) => store,
            None => Setting {
                value: StoreAddress::Sqlite(self.place(Key::Store)?.join("streamkit.db")),
                origin: Origin::Default,
            },
        };
        if has_password(&store.value) {
            let origin = store.origin.clone();
            return Ok((store, Some(origin)));
        }
        let password: Option<Setting<String>> = self.one(Key::StorePassword)?;
        let Some(password) = password.filter(|_| !matches!(store.value, StoreAddress::Sqlite(_)))
        else {
            return Ok((store, None));
        };
        let value = store.value.or_password(Some(Password::new(password.value)));
        let origin = store.origin;
        Ok((Setting { value, origin }, Some(password.origin)))
    }

    fn state_dir(&self) -> Result<Setting<PathBuf>, SettingError> {
        let given: Option<Setting<PathBuf>> = self.one(Key::StateDir)?;
        match given {
            Some(setting) if setting.value.as_os_str().is_empty() => {
                Err(wrong(Key::StateDir, setting.origin, &"the path is empty"))
            }
            Some(setting) => Ok(setting),
            None => Ok(Setting {
                value: self.place(Key::StateDir)?,
                origin: Origin::Default,
            }),
        }
    }

    /// The user's directory for what `key` names.
    fn place(&self, key: Key) -> Result<PathBuf, SettingError> {
        let directories = &self.sources.directories;
        let directory = match key {
            Key::StateDir => &directories.state,
            _ => &directories.data,
        };
        directory.clone().ok_or(SettingError::NoHome(key))
    }

    fn thresholds(&self) -> Result<Setting<Vec<Threshold>>, SettingError> {
        let read = |text: &str| text.parse::<Threshold>().map_err(|error| error.to_string());
        let Some(mut setting) = self.list(Key::Thresholds, read)? else {
            let value = DEFAULT_THRESHOLDS
                .into_iter()
                .filter_map(|dbps| Threshold::new(dbps).ok())
                .collect();
            return Ok(Setting {
                value,
                origin: Origin::Default,
            });
        };
        if setting.value.is_empty() {
            return Err(wrong(Key::Thresholds, setting.origin, &"the list is empty"));
        }
        let mut seen = BTreeSet::new();
        setting.value.retain(|&threshold| seen.insert(threshold));
        Ok(setting)
    }

    fn anchor(&self) -> Result<Setting<Anchor>, SettingError> {
        let setting = self.one_or(Key::Anchor, Anchor::Day)?;
        if setting.value == Anchor::None {
            let reason = "bars that are never cut can only be built from a file";
            return Err(wrong(Key::Anchor, setting.origin, &reason));
        }
        Ok(setting)
    }

    fn urls(&self, key: Key, schemes: &[&str]) -> Result<Setting<Vec<String>>, SettingError> {
        let read = |text: &str| words::endpoint(text, schemes);
        Ok(self.list(key, read)?.unwrap_or(Setting {
            value: Vec::new(),
            origin: Origin::Default,
        }))
    }
}

fn has_password(store: &StoreAddress) -> bool {
    matches!(store, StoreAddress::ClickHouse(address) if address.password.is_some())
}

fn wrong(key: Key, origin: Origin, reason: &dyn fmt::Display) -> SettingError {
    SettingError::Value {
        key,
        origin,
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests;
