//! What the runs of the watchdog did about a target before this one.
//!
//! Cron starts a new process each time, so that the budget of restarts is in a file. A
//! history is open in one process at a time: to have it is to be the only watchdog of the
//! target. The lock goes with the process, however that ends.
//!
//! An attempt is written before the restart is made, and its outcome after: a crash between
//! the two leaves an attempt that counts. Nothing in the file, and no damage to it, may
//! lead to more restarts than the budget has:
//!
//! - A file that cannot be understood is kept beside under another name, and counts as one
//!   attempt made just now, as [`History::damage`] says.
//! - A file that cannot be read or written, or that a later version wrote, is an error:
//!   without a record there is no restart.
//! - An attempt that is dated in the future was made before the clock was set back. It is
//!   dated anew, as of now, once: it neither counts for ever nor stops counting.

pub(super) mod file;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::hold::HoldFile;
use crate::domain::restart_policy::Hold;

/// So many attempts are kept, the newest: no budget may be larger.
pub const KEPT_ATTEMPTS: usize = 200;

/// So much of a text is kept.
const KEPT_CHARS: usize = 500;

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// It is not known: it is under way, or the watchdog ended before it knew.
    Open,
    /// The unit was restarted.
    Restarted {
        /// How long that took, in µs.
        took_us: i64,
        /// What is known of its effect.
        effect: String,
    },
    /// The unit was not restarted.
    Failed {
        /// Why.
        why: String,
    },
}

/// A restart that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was begun, in µs.
    pub at_us: i64,
    /// Why.
    pub why: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// A file that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where it is now.
    pub copy: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a history cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Another watchdog has it.
    #[error("watch {target}: {} is already doing so", holder(*pid))]
    Busy {
        /// The target.
        target: String,
        /// The other process, if it has said.
        pid: Option<u32>,
    },
    /// A later version of the program wrote it.
    #[error("read {}: its version is {found}, this build knows {known}", path.display())]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// The version that it names.
        found: u64,
        /// The version that this build writes.
        known: u64,
    },
    /// The system refused.
    #[error("{doing} {}: {cause}", path.display())]
    Io {
        /// What was done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

impl HistoryError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "wait until it ends: it takes no longer than its deadlines",
            Self::UnknownVersion { .. } => "use the newer version, or move the file away",
            Self::Io { .. } => {
                "give this user a state directory with room in it; without a record of \
                 restarts nothing is restarted"
            }
        }
    }
}

/// The restarts of one target. Open in one process at a time.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    content: file::Content,
    damage: Option<Damage>,
    hold: HoldFile,
    lock: File,
}

impl History {
    /// Opens the history of `target` under `state_dir`, at `now_us` on the wall clock, and
    /// locks it until it is dropped. A target is any text that names what is restarted.
    ///
    /// # Errors
    /// When another process has it, or it can be neither read nor made.
    pub fn lock(state_dir: &Path, target: &str, now_us: i64) -> Result<Self, HistoryError> {
        let directory = state_dir.join("watchdog");
        std::fs::create_dir_all(&directory)
            .map_err(|cause| file::refused("make the directory", &directory, cause))?;
        let name = file::safe_name(target);
        let lock = file::lock(&directory.join(format!("{name}.lock")), target)?;
        let path = directory.join(format!("{name}.json"));
        let (content, damage) = match file::read(&path)? {
            file::Found::Nothing => (file::Content::new(target), None),
            file::Found::Content(content) => (content, None),
            file::Found::Damage(reason) => {
                // The copy is made before the file is replaced, so that a crash in between
                // leaves a damaged file and not a full budget.
                let copy = file::keep_aside(&path, &directory, &name)?;
                (file::Content::new(target), Some(Damage { copy, reason }))
            }
        };
        let mut history = Self {
            path,
            content,
            damage,
            hold: HoldFile::of(state_dir, target),
            lock,
        };
        let is_redated = history.redate(now_us);
        if let Some(damage) = &history.damage {
            let why = format!("unknown: the history was damaged: {}", damage.reason);
            history.push(now_us, &why);
        }
        if is_redated || history.damage.is_some() {
            history.write()?;
        }
        Ok(history)
    }

    /// When restarts were tried, in µs, the oldest first.
    #[must_use]
    pub fn attempts_us(&self) -> Vec<i64> {
        let attempts = self.content.attempts.iter();
        attempts.map(|attempt| attempt.at_us).collect()
    }

    /// The attempts that are known, the oldest first.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.content.attempts
    }

    /// The hold as it is at `now_us`, which may have ended. It may come and go while the
    /// history is open.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn hold(&self, now_us: i64) -> Result<Option<Hold>, HistoryError> {
        self.hold.read(now_us)
    }

    /// The process that has the history of `target` under `state_dir` open, as far as it can
    /// be told without asking for it.
    #[must_use]
    pub fn holder(state_dir: &Path, target: &str) -> Option<u32> {
        let name = format!("{}.lock", file::safe_name(target));
        let pid = std::fs::read_to_string(state_dir.join("watchdog").join(name)).ok()?;
        let pid = pid.trim().parse().ok()?;
        // One that was killed has left its number.
        rustix::process::test_kill_process(rustix::process::Pid::from_raw(pid)?).ok()?;
        u32::try_from(pid).ok()
    }

    /// What was wrong with the file, if anything.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Records that a restart is about to be made. Only when this has succeeded may it be.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(&mut self, now_us: i64, why: &str) -> Result<(), HistoryError> {
        self.push(now_us, why);
        self.write()
    }

    /// Records what became of the last attempt; may be said again when more is known.
    ///
    /// # Errors
    /// When it cannot be written. The attempt counts in any case.
    pub fn end(&mut self, outcome: Outcome) -> Result<(), HistoryError> {
        let outcome = match outcome {
            Outcome::Open => Outcome::Open,
            Outcome::Restarted { took_us, effect } => Outcome::Restarted {
                took_us,
                effect: cut(&effect),
            },
            Outcome::Failed { why } => Outcome::Failed { why: cut(&why) },
        };
        let Some(last) = self.content.attempts.last_mut() else {
            return Ok(());
        };
        last.outcome = outcome;
        self.write()
    }

    fn push(&mut self, at_us: i64, why: &str) {
        let attempts = &mut self.content.attempts;
        attempts.push(Attempt {
            at_us,
            why: cut(why),
            outcome: Outcome::Open,
        });
        let excess = attempts.len().saturating_sub(KEPT_ATTEMPTS);
        attempts.drain(..excess);
    }

    /// Dates what is from the future as of now. Returns whether there was any.
    fn redate(&mut self, now_us: i64) -> bool {
        let mut is_changed = false;
        for attempt in &mut self.content.attempts {
            if attempt.at_us > now_us {
                attempt.at_us = now_us;
                is_changed = true;
            }
        }
        is_changed
    }

    fn write(&self) -> Result<(), HistoryError> {
        file::write(&self.path, &self.content)
    }
}

impl Drop for History {
    fn drop(&mut self) {
        // Whoever finds it locked next shall not read the number of a process that is gone.
        let _ = self.lock.set_len(0);
    }
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(KEPT_CHARS).collect()
}

#[cfg(test)]
mod tests;
