//! The terminal that standard error is, if it is one.

use std::io::{self, IsTerminal as _};

/// What is taken for a terminal that does not know its size.
const DEFAULT: Size = Size {
    columns: 80,
    rows: 24,
};

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Its width.
    pub columns: usize,
    /// Its height.
    pub rows: usize,
}

/// The size that it has now: people resize windows.
#[must_use]
pub fn size() -> Size {
    // Some terminals do not know their size and say 0.
    let or = |size: u16, default| {
        if size == 0 {
            default
        } else {
            usize::from(size)
        }
    };
    rustix::termios::tcgetwinsize(io::stderr()).map_or(DEFAULT, |size| Size {
        columns: or(size.ws_col, DEFAULT.columns),
        rows: or(size.ws_row, DEFAULT.rows),
    })
}

/// Whether it can be drawn on: a terminal that knows how to move its cursor.
#[must_use]
pub fn can_draw() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stderr().is_terminal() && !is_dumb
}
