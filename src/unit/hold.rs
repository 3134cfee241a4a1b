//! Whether somebody works on a target, and does not want it restarted meanwhile.
//!
//! ```text
//! NAME~hold.json    {"version":1,"hold":{…}}; there while it is held
//! NAME~hold.lock    locked while that is changed
//! ```
//!
//! A hold has a file of its own beside the history, so that it can be set and ended while a
//! run has the history, which may take minutes. A run reads it just before it restarts. The
//! lock is taken after that of the history or without it, and never waited for: whoever has
//! it changes one file.
//!
//! A hold that cannot be read is an error, since it may hold: nothing is restarted until it
//! is set anew or released. One that is dated in the future was made before the clock was
//! set back; it keeps its length, from now on.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::history::{
    HistoryError, cut,
    file::{self, Head},
};
use crate::domain::restart_policy::Hold;

/// The version of the file.
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Content {
    version: u64,
    hold: Hold,
}

/// The hold of one target.
#[derive(Debug)]
pub struct HoldFile {
    directory: PathBuf,
    name: String,
    target: String,
}

impl HoldFile {
    /// That of `target` under `state_dir`. Nothing is touched yet.
    #[must_use]
    pub fn of(state_dir: &Path, target: &str) -> Self {
        Self {
            directory: state_dir.join("watchdog"),
            name: file::safe_name(target),
            target: target.to_owned(),
        }
    }

    /// The hold, which may have ended, at `now_us` on the wall clock.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn read(&self, now_us: i64) -> Result<Option<Hold>, HistoryError> {
        let Some(hold) = self.stored()? else {
            return Ok(None);
        };
        if hold.since_us <= now_us {
            return Ok(Some(hold));
        }
        // Whoever changes it just now dates it, too.
        if let Ok(_lock) = self.lock()
            && self.stored()?.as_ref() == Some(&hold)
        {
            self.write(&redated(&hold, now_us))?;
        }
        Ok(Some(redated(&hold, now_us)))
    }

    /// Holds the target until `hold.until_us`. Replaces an earlier hold.
    ///
    /// # Errors
    /// When it cannot be written, or somebody else changes it just now.
    pub fn set(&self, hold: &Hold) -> Result<(), HistoryError> {
        fs::create_dir_all(&self.directory)
            .map_err(|cause| file::refused("make the directory", &self.directory, cause))?;
        let _lock = self.lock()?;
        self.write(&Hold {
            until_us: hold.until_us,
            why: cut(&hold.why),
            by: cut(&hold.by),
            since_us: hold.since_us,
        })
    }

    /// Ends the hold, and returns it if there was one that could be read.
    ///
    /// # Errors
    /// When it cannot be removed, or somebody else changes it just now.
    pub fn release(&self) -> Result<Option<Hold>, HistoryError> {
        let path = self.path();
        if matches!(path.try_exists(), Ok(false)) {
            return Ok(None);
        }
        let _lock = self.lock()?;
        let hold = self.stored().unwrap_or_default();
        let remove = || -> io::Result<()> {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            File::open(&self.directory)?.sync_all()
        };
        remove().map_err(|cause| file::refused("remove", &path, cause))?;
        Ok(hold)
    }

    fn path(&self) -> PathBuf {
        self.directory.join(format!("{}~hold.json", self.name))
    }

    fn lock(&self) -> Result<File, HistoryError> {
        let path = self.directory.join(format!("{}~hold.lock", self.name));
        file::lock(&path, &self.target)
    }

    fn write(&self, hold: &Hold) -> Result<(), HistoryError> {
        let content = Content {
            version: VERSION,
            hold: hold.clone(),
        };
        file::write(&self.path(), &content)
    }

    fn stored(&self) -> Result<Option<Hold>, HistoryError> {
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(file::refused("read", &path, cause)),
        };
        let damaged = |error| file::refused("read", &path, io::Error::from(error));
        let head: Head = serde_json::from_slice(&bytes).map_err(damaged)?;
        if head.version > VERSION {
            return Err(HistoryError::UnknownVersion {
                path,
                found: head.version,
                known: VERSION,
            });
        }
        let content: Content = serde_json::from_slice(&bytes).map_err(damaged)?;
        Ok(Some(content.hold))
    }
}

fn redated(hold: &Hold, now_us: i64) -> Hold {
    let length_us = hold.until_us.saturating_sub(hold.since_us);
    Hold {
        since_us: now_us,
        until_us: now_us.saturating_add(length_us),
        ..hold.clone()
    }
}

#[cfg(test)]
impl Hold {
    /// One by ada because of a new disk, for tests.
    pub(super) fn sample(since_us: i64, length_us: i64) -> Self {
        Self {
            until_us: since_us + length_us,
            why: "new disk".to_owned(),
            by: "ada".to_owned(),
            since_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;
    const NOW: i64 = 1_767_322_800_000_000;

    #[test]
    fn a_hold_stays_until_it_is_released() {
        let place = tempfile::tempdir().expect("a directory");
        let file = HoldFile::of(place.path(), "it");
        assert_eq!(file.read(NOW).expect("read"), None);
        assert_eq!(file.release().expect("nothing to do"), None);
        let wanted = Hold::sample(NOW, 120 * MINUTE);
        file.set(&wanted).expect("written");
        assert_eq!(file.read(NOW + MINUTE).expect("read"), Some(wanted.clone()));
        let other = HoldFile::of(place.path(), "another");
        assert_eq!(other.read(NOW).expect("read"), None);
        assert_eq!(file.release().expect("removed"), Some(wanted));
        assert_eq!(file.read(NOW).expect("read"), None);
    }

    #[test]
    fn a_hold_from_the_future_keeps_its_length_from_now_on() {
        let place = tempfile::tempdir().expect("a directory");
        let file = HoldFile::of(place.path(), "it");
        file.set(&Hold::sample(NOW + 9000 * MINUTE, 30 * MINUTE))
            .expect("written");
        for later in [0, 20, 40] {
            let found = file.read(NOW + later * MINUTE).expect("read");
            assert_eq!(found, Some(Hold::sample(NOW, 30 * MINUTE)), "{later}");
        }
    }

    #[test]
    fn a_hold_that_cannot_be_read_may_hold_until_it_is_set_or_released() {
        let place = tempfile::tempdir().expect("a directory");
        let file = HoldFile::of(place.path(), "it");
        let wanted = Hold::sample(NOW, MINUTE);
        for damage in ["", "{\"version\":1}", "{\"version\":2,\"else\":1}"] {
            file.set(&wanted).expect("written");
            fs::write(file.path(), damage).expect("written");
            file.read(NOW).expect_err(damage);
            file.set(&wanted).expect("written");
            assert_eq!(file.read(NOW).expect("read"), Some(wanted.clone()));
            fs::write(file.path(), damage).expect("written");
            assert_eq!(file.release().expect("removed"), None);
            assert_eq!(file.read(NOW).expect("read"), None);
        }
    }

    #[test]
    fn two_do_not_change_it_at_once() {
        let place = tempfile::tempdir().expect("a directory");
        let file = HoldFile::of(place.path(), "it");
        file.set(&Hold::sample(NOW, MINUTE)).expect("written");
        let lock = file.lock().expect("free");
        let error = file.set(&Hold::sample(NOW, MINUTE)).expect_err("taken");
        assert!(matches!(error, HistoryError::Busy { .. }), "{error}");
        file.release().expect_err("taken");
        assert!(file.read(NOW).expect("reading needs no lock").is_some());
        drop(lock);
        file.release().expect("free");
    }
}
