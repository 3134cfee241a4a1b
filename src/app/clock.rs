//! The two clocks, handed to whatever needs one.
//!
//! Silence and patience are measured on the steady clock, which never goes back.
//! The wall clock only dates rows and versions.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// A steady clock and a wall clock. Cheap to clone; clones agree.
#[derive(Clone)]
pub struct Clock {
    epoch: Instant,
    wall: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// The steady clock is the wall clock, as nobody should have it.
    is_unsteady: bool,
}

impl Clock {
    /// The system's clocks. The steady one is tokio's, so that tests can pause it.
    #[must_use]
    pub fn system() -> Self {
        Self::with_wall(system_wall_us)
    }

    /// A clock whose wall time, in µs since 1970 UTC, is what `wall` says.
    #[must_use]
    pub fn with_wall(wall: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            epoch: Instant::now(),
            wall: Arc::new(wall),
            is_unsteady: false,
        }
    }

    /// The same with a steady clock that jumps with the wall clock: to see what a steady one is
    /// good for.
    #[must_use]
    pub fn unsteady(self) -> Self {
        Self {
            is_unsteady: true,
            ..self
        }
    }

    /// µs on the steady clock, since it was made.
    #[must_use]
    pub fn steady_us(&self) -> i64 {
        if self.is_unsteady {
            return self.wall_us();
        }
        i64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// µs on the wall clock, since 1970 UTC.
    #[must_use]
    pub fn wall_us(&self) -> i64 {
        (self.wall)()
    }
}

fn system_wall_us() -> i64 {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or_default()
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("steady_us", &self.steady_us())
            .finish_non_exhaustive()
    }
}
