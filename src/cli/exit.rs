//! The one table of exit codes.
//!
//! They follow `sysexits.h` where that has a word for it, so that service managers and
//! scripts can tell what is worth another try. `watchdog` ends as plugins of Nagios do:
//! 0 fresh, 1 a warning, 2 critical, 3 unknown, and 3 whatever else goes wrong.

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// It did what it was asked.
    Ok = 0,
    /// It did not, or what it checked is not well.
    Failed = 1,
    /// Only of `watchdog`: somebody has to look.
    Critical = 2,
    /// Only of `watchdog`: it cannot be told.
    Unknown = 3,
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
