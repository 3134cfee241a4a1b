//! What can go wrong with the sim itself, not with its clients.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// An error of the sim exchange; it reads on from "failed to …".
#[derive(Debug, Error)]
pub enum SimError {
    /// The tape file could not be opened or read.
    #[error("read the tape {path}: {source}")]
    TapeFile {
        /// The file that was asked for.
        path: PathBuf,
        /// Why it could not be read.
        source: io::Error,
    },
    /// A line of the tape file is not a trade.
    #[error("read the tape {path}, line {line}: {reason}")]
    TapeLine {
        /// The file that was asked for.
        path: PathBuf,
        /// The line, counted from 1 with the header included.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings contradict each other or make no sense.
    #[error("set up the sim exchange: {0}")]
    Config(String),
    /// The address could not be listened on.
    #[error("listen on {addr}: {source}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// Why it could not be bound.
        source: io::Error,
    },
    /// A symbol was asked for that the tape does not hold.
    #[error("find the symbol {0} on the tape")]
    UnknownSymbol(String),
    /// Trades could not be written out.
    #[error("write the tape: {0}")]
    Write(#[source] io::Error),
}
