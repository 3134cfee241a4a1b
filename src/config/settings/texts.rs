//! The texts that settings are read from, and the reading.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    config::{
        file::{self, Contents},
        key::Key,
    },
    domain::{anchor::Anchor, threshold::Threshold},
    store::address::{Password, StoreAddress},
};

use super::{
    DEFAULT_THRESHOLDS, FILE_VARIABLE, Origin, Setting, SettingError, Sources, has_password, words,
};

/// The settings file's path and entries; no entries without a file.
fn read_file(sources: &Sources<'_>) -> Result<(PathBuf, Contents), SettingError> {
    let given = sources.file.clone().or_else(|| {
        (sources.variable)(FILE_VARIABLE)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    });
    if let Some(path) = given {
        let contents = file::read(&path)?;
        return Ok((path, contents));
    }
    match &sources.directories.config {
        // Anything but a plain absence, such as a missing right, is worth an error.
        Some(directory) if !is_absent(&directory.join(file::FILE_NAME)) => {
            let path = directory.join(file::FILE_NAME);
            let contents = file::read(&path)?;
            Ok((path, contents))
        }
        _ => Ok((PathBuf::new(), Contents::default())),
    }
}

fn is_absent(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

/// The texts of all settings, from every source.
pub(super) struct Texts<'a> {
    sources: &'a Sources<'a>,
    file: (PathBuf, Contents),
}

impl<'a> Texts<'a> {
    /// What is wrong with the lines of the settings file; it is told once.
    pub(super) fn wrong_lines(&mut self) -> Vec<SettingError> {
        let wrong = std::mem::take(&mut self.file.1.wrong);
        wrong.into_iter().map(SettingError::File).collect()
    }

    /// Reads the settings file, if there is one.
    pub(super) fn gather(sources: &'a Sources<'a>) -> Result<Self, SettingError> {
        let file = read_file(sources)?;
        Ok(Self { sources, file })
    }

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
        let (path, contents) = &self.file;
        Ok(contents.entries.get(&key).map(|entry| Setting {
            value: entry.values.clone(),
            origin: Origin::File {
                path: path.clone(),
                line: entry.line,
            },
        }))
    }

    /// The setting's single value, read by its type; none when nobody gave one.
    pub(super) fn one<T>(&self, key: Key) -> Result<Option<Setting<T>>, SettingError>
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
    pub(super) fn one_or<T>(&self, key: Key, default: T) -> Result<Setting<T>, SettingError>
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
    pub(super) fn store(
        &self,
    ) -> Result<(Option<Setting<StoreAddress>>, Option<Origin>), SettingError> {
        let default = || {
            let directory = self.sources.directories.data.as_ref()?;
            Some(Setting {
                value: StoreAddress::Sqlite(directory.join("streamkit.db")),
                origin: Origin::Default,
            })
        };
        let Some(store) = self.one(Key::Store)?.or_else(default) else {
            return Ok((None, None));
        };
        if has_password(&store.value) {
            let origin = store.origin.clone();
            return Ok((Some(store), Some(origin)));
        }
        let password: Option<Setting<String>> = self.one(Key::StorePassword)?;
        let Some(password) = password.filter(|_| !matches!(store.value, StoreAddress::Sqlite(_)))
        else {
            return Ok((Some(store), None));
        };
        let value = store.value.or_password(Some(Password::new(password.value)));
        let origin = store.origin;
        Ok((Some(Setting { value, origin }), Some(password.origin)))
    }

    pub(super) fn state_dir(&self) -> Result<Option<Setting<PathBuf>>, SettingError> {
        let given: Option<Setting<PathBuf>> = self.one(Key::StateDir)?;
        if let Some(setting) = given {
            return if setting.value.as_os_str().is_empty() {
                Err(wrong(Key::StateDir, setting.origin, &"the path is empty"))
            } else {
                Ok(Some(setting))
            };
        }
        let directory = self.sources.directories.state.clone();
        Ok(directory.map(|value| Setting {
            value,
            origin: Origin::Default,
        }))
    }

    pub(super) fn thresholds(&self) -> Result<Setting<Vec<Threshold>>, SettingError> {
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

    pub(super) fn anchor(&self) -> Result<Setting<Anchor>, SettingError> {
        let setting = self.one_or(Key::Anchor, Anchor::Day)?;
        if setting.value == Anchor::None {
            let reason = "bars that are never cut can only be built from a file";
            return Err(wrong(Key::Anchor, setting.origin, &reason));
        }
        Ok(setting)
    }

    pub(super) fn freshness(&self) -> Result<Setting<Vec<words::Freshness>>, SettingError> {
        let read = |text: &str| text.parse();
        Ok(self.list(Key::Freshness, read)?.unwrap_or(Setting {
            value: Vec::new(),
            origin: Origin::Default,
        }))
    }

    /// A single address; none when nobody gave one.
    pub(super) fn url(
        &self,
        key: Key,
        schemes: &[&str],
    ) -> Result<Option<Setting<String>>, SettingError> {
        let setting = self.list(key, |text| words::endpoint(text, schemes))?;
        Ok(setting.and_then(|mut setting| {
            let value = setting.value.pop()?;
            let origin = setting.origin;
            Some(Setting { value, origin })
        }))
    }

    pub(super) fn urls(
        &self,
        key: Key,
        schemes: &[&str],
    ) -> Result<Setting<Vec<String>>, SettingError> {
        let read = |text: &str| words::endpoint(text, schemes);
        Ok(self.list(key, read)?.unwrap_or(Setting {
            value: Vec::new(),
            origin: Origin::Default,
        }))
    }
}

fn wrong(key: Key, origin: Origin, reason: &dyn fmt::Display) -> SettingError {
    SettingError::Value {
        key,
        origin,
        reason: reason.to_string(),
    }
}
