//! Why the probe itself could not go on. What the collector does wrong is no error but a
//! result.

use std::{io, path::PathBuf};

use crate::{exchange::sim::SimError, store::sink::StoreError};

/// Why a scenario could not be played.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A process does not start.
    #[error("start {what}: {cause}")]
    Start {
        /// Which one.
        what: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// A process started and did not get ready.
    #[error("start {what}: {reason}")]
    NotReady {
        /// Which one.
        what: &'static str,
        /// What it said or did.
        reason: String,
    },
    /// The sim exchange does not do what it is told.
    #[error("control the sim exchange: {0}")]
    Control(String),
    /// The tape.
    #[error(transparent)]
    Tape(#[from] SimError),
    /// The store, past every fault.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A read of the store, past every fault.
    #[error("read what was stored: {0:#}")]
    Read(anyhow::Error),
    /// The probe's own statement to the database.
    #[error("change or read the database: {0}")]
    Statement(String),
    /// A file or a directory of the probe.
    #[error("use {path}: {cause}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A process cannot be sent a signal.
    #[error("signal {what}: {cause}")]
    Signal {
        /// Which one.
        what: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// A port of this machine.
    #[error("listen on a port of this machine: {0}")]
    Listen(io::Error),
    /// The collector ended by itself where it had to go on.
    #[error("the collector ended by itself with {0}")]
    Ended(String),
    /// What a scenario waits for did not come.
    #[error("go on: {0} did not come")]
    Missing(String),
}
