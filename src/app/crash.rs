//! Dying on purpose: the hidden option `--crash-at NAME[:N]` of tests.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::crash::{CrashPoint, CrashPoints};

/// Where to die, and at which visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashAt {
    point: CrashPoint,
    visit: u64,
}

/// Why a text names no crash point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no crash point: NAME or NAME:N is, with N from 1")]
pub struct CrashAtError(String);

impl std::str::FromStr for CrashAt {
    type Err = CrashAtError;

    fn from_str(text: &str) -> Result<Self, CrashAtError> {
        let error = || CrashAtError(text.to_owned());
        let (name, visit) = text.split_once(':').unwrap_or((text, "1"));
        let point = CrashPoint::named(name).ok_or_else(error)?;
        let visit = visit
            .parse()
            .ok()
            .filter(|&visit| visit > 0)
            .ok_or_else(error)?;
        Ok(Self { point, visit })
    }
}

impl CrashAt {
    /// Crash points that kill this process with SIGKILL at the chosen visit: nothing is
    /// flushed, no destructor runs, as when the power fails.
    #[must_use]
    pub fn arm(self) -> CrashPoints {
        let visits = AtomicU64::new(0);
        CrashPoints::armed(move |point| {
            if point == self.point && visits.fetch_add(1, Ordering::SeqCst) + 1 == self.visit {
                die();
            }
        })
    }
}

fn die() {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        let _ = kill_process(getpid(), Signal::KILL);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "dying without a trace is what was asked for"
    )]
    std::process::abort();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_can_be_named_with_a_visit() {
        for point in CrashPoint::ALL {
            let text = format!("{}:3", point.as_str());
            assert_eq!(text.parse(), Ok(CrashAt { point, visit: 3 }));
        }
        for text in ["", "nowhere", "before-send:0", "before-send:x"] {
            assert!(text.parse::<CrashAt>().is_err(), "{text:?}");
        }
    }
}
