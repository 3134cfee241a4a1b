//! The sign that all is well.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// The sign that all is well, which pings wait for. It has to be renewed: when whoever
/// judges health is gone, the pings stop as well.
#[derive(Debug, Clone)]
pub struct Pulse(watch::Sender<Option<Instant>>);

impl Pulse {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// All is well now.
    pub fn beat(&self) {
        self.0.send_replace(Some(Instant::now()));
    }

    /// All is not well.
    pub fn stop(&self) {
        self.0.send_replace(None);
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<Instant>> {
        self.0.subscribe()
    }
}

/// Whether `sign` is a sign of life that is at most `max_age` old.
pub(super) fn is_alive(sign: Option<Instant>, max_age: Duration) -> bool {
    sign.is_some_and(|at| at.elapsed() <= max_age)
}
