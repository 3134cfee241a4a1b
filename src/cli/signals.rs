//! The signals that ask for an end.

use std::{io, pin::pin};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::ExitCode;

/// The signals that ask for an end.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens for them from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one; returns the exit code that it stands for.
    pub async fn next(&mut self) -> ExitCode {
        tokio::select! {
            _ = self.interrupt.recv() => ExitCode::Interrupted,
            _ = self.terminate.recv() => ExitCode::Ok,
        }
    }
}

/// Waits until `running` has ended; a signal makes it end sooner, by way of `stop`. Returns what
/// came of it, and the exit code that the signal stands for, if there was one.
pub async fn until_done<T>(
    running: impl Future<Output = T>,
    stop: &CancellationToken,
    signals: &mut Signals,
) -> (T, Option<ExitCode>) {
    let mut running = pin!(running);
    let mut signal = None;
    loop {
        tokio::select! {
            done = &mut running => return (done, signal),
            code = signals.next(), if signal.is_none() => {
                signal = Some(code);
                stop.cancel();
            }
        }
    }
}
