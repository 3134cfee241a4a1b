//! The one table of exit codes.
//!
//! They follow `sysexits.h` where that has a word for it, so that service managers and
//! scripts can tell what is worth another try. `watchdog` has its own table.

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// It did what it was asked.
    Ok = 0,
    /// It did not, or what it checked is not well.
    Failed = 1,
    /// The command line is wrong.
    Usage = 64,
    /// Something that it needs cannot be reached.
    Unavailable = 69,
    /// It may well work later.
    TryAgain = 75,
    /// The settings, or rights, or files that they name, are wrong.
    Configuration = 78,
    /// It was interrupted.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
