//! The states of alerts in a small file, so that a restart neither repeats what was told nor
//! forgets to tell that it is over.
//!
//! The file is replaced by a rename, so it is always whole. Whoever judges health never waits
//! for the disk: it is written in the background, and what changes meanwhile is written next.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{task::JoinHandle, time};

use crate::domain::alert::Saved;

/// The file in the state directory.
pub const FILE_NAME: &str = "alerts.json";
/// The same while it is being written.
const NEW_NAME: &str = "alerts.json.new";
/// All states of all rules fit; what is longer was not written here.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why nothing can be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It is there and cannot be read.
    #[error("read {path}: {cause}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It is not what was written.
    #[error("read {path}: {reason}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be written.
    #[error("write {path}: {cause}", path = .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Keeps the states of alerts in a directory.
#[derive(Debug)]
pub struct Memory {
    directory: PathBuf,
    writing: Option<JoinHandle<io::Result<()>>>,
    next: Option<Saved>,
}

impl Memory {
    /// One that keeps them in `directory`. It is not made here: whoever begins to collect
    /// there does.
    #[must_use]
    pub fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            writing: None,
            next: None,
        }
    }

    /// What was kept; none when nothing was.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written.
    pub fn recall(&self) -> Result<Option<Saved>, MemoryError> {
        let path = self.directory.join(FILE_NAME);
        let text = match read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(MemoryError::Unreadable { path, cause }),
        };
        let damaged = |reason| MemoryError::Damaged {
            path: path.clone(),
            reason,
        };
        let saved: Saved =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if !saved.is_known() {
            return Err(damaged("another version has written it".to_owned()));
        }
        Ok(Some(saved))
    }

    /// Has `saved` written soon.
    pub fn keep(&mut self, saved: Saved) {
        self.next = Some(saved);
    }

    /// Begins to write what is to be written; has to be called within a runtime, now and
    /// then. Returns what became of the last time.
    pub fn look(&mut self) -> Option<Result<(), MemoryError>> {
        let outcome = self.writing.as_mut().and_then(FutureExt::now_or_never);
        if outcome.is_some() {
            self.writing = None;
        }
        if self.writing.is_none() && self.directory.is_dir() {
            self.begin();
        }
        outcome.map(|joined| self.judge(joined))
    }

    fn begin(&mut self) {
        if let Some(saved) = self.next.take() {
            let directory = self.directory.clone();
            self.writing = Some(tokio::task::spawn_blocking(move || {
                write(&directory, &saved)
            }));
        }
    }

    fn judge(
        &self,
        joined: Result<io::Result<()>, tokio::task::JoinError>,
    ) -> Result<(), MemoryError> {
        let written = joined.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|cause| MemoryError::Unwritable {
            path: self.directory.join(FILE_NAME),
            cause,
        })
    }

    /// Writes what is left, for at most `patience`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn finish(mut self, patience: Duration) -> Result<(), MemoryError> {
        let until = time::Instant::now() + patience;
        loop {
            if self.writing.is_none() && self.directory.is_dir() {
                self.begin();
            }
            let Some(writing) = &mut self.writing else {
                return Ok(());
            };
            let joined = time::timeout_at(until, writing).await;
            let Ok(joined) = joined else {
                return self.judge(Ok(Err(io::ErrorKind::TimedOut.into())));
            };
            self.writing = None;
            let outcome = self.judge(joined);
            if self.next.is_none() || outcome.is_err() {
                return outcome;
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut file = File::open(path)?.take(MAX_FILE_BYTES);
    file.read_to_end(&mut text)?;
    Ok(text)
}

fn write(directory: &Path, saved: &Saved) -> io::Result<()> {
    let new = directory.join(NEW_NAME);
    let mut file = File::create(&new)?;
    file.write_all(&serde_json::to_vec(saved)?)?;
    // A rename that is on disk before the bytes are would leave an empty file.
    file.sync_all()?;
    std::fs::rename(&new, directory.join(FILE_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::{Alerts, Metric, Reading, Rule};

    const PATIENCE: Duration = Duration::from_secs(10);

    /// What is to be remembered of one alert that fires.
    fn firing() -> Saved {
        let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
        let stale = Reading::new(Metric::DataStaleS, 1000.0).of("BTCUSDT");
        assert_eq!(alerts.evaluate(&[stale], 1_000_000).len(), 1);
        alerts.save()
    }

    #[tokio::test]
    async fn what_was_kept_is_recalled() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut memory = Memory::at(directory.path());
        assert!(memory.recall().expect("nothing yet").is_none());
        memory.keep(Alerts::new(Vec::new()).expect("no rules").save());
        assert!(memory.look().is_none());
        memory.keep(firing());
        memory.finish(PATIENCE).await.expect("written");
        let recalled = Memory::at(directory.path()).recall().expect("readable");
        assert_eq!(recalled, Some(firing()));
        let names: Vec<_> = std::fs::read_dir(directory.path())
            .expect("readable")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, [FILE_NAME]);
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_yet_is_waited_for_and_not_made() {
        let parent = tempfile::tempdir().expect("a directory");
        let directory = parent.path().join("state");
        let mut memory = Memory::at(&directory);
        memory.keep(firing());
        assert!(memory.look().is_none());
        assert!(!directory.exists());
        std::fs::create_dir(&directory).expect("made");
        memory.finish(PATIENCE).await.expect("written");
        let recalled = Memory::at(&directory).recall().expect("readable");
        assert_eq!(recalled, Some(firing()));
    }

    #[tokio::test]
    async fn a_file_that_makes_no_sense_is_named_and_replaced_by_the_next_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(FILE_NAME);
        let whole = serde_json::to_string(&firing()).expect("JSON");
        for text in [
            "",
            "{",
            &whole[..whole.len() / 2],
            "[]",
            "{\"version\":2,\"states\":[]}",
        ] {
            std::fs::write(&path, text).expect("written");
            let error = Memory::at(directory.path()).recall().expect_err(text);
            assert!(matches!(error, MemoryError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains(FILE_NAME), "{error}");
        }
        let mut memory = Memory::at(directory.path());
        memory.keep(firing());
        memory.finish(PATIENCE).await.expect("written");
        let recalled = Memory::at(directory.path()).recall().expect("readable");
        assert_eq!(recalled, Some(firing()));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_an_outcome() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join(NEW_NAME)).expect("in its way");
        let mut memory = Memory::at(directory.path());
        memory.keep(firing());
        let error = memory.finish(PATIENCE).await.expect_err("not written");
        assert!(error.to_string().contains(FILE_NAME), "{error}");
    }
}
