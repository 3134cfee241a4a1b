//! The terminal that standard error or standard output is, if it is one.

use std::{
    io::{self, IsTerminal as _},
    os::fd::AsFd,
};

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

/// The size that standard error has now: people resize windows.
#[must_use]
pub fn size() -> Size {
    size_of(&io::stderr())
}

/// The size that a terminal has now.
#[must_use]
pub fn size_of(terminal: &impl AsFd) -> Size {
    // Some terminals do not know their size and say 0.
    let or = |size: u16, default| {
        if size == 0 {
            default
        } else {
            usize::from(size)
        }
    };
    rustix::termios::tcgetwinsize(terminal).map_or(DEFAULT, |size| Size {
        columns: or(size.ws_col, DEFAULT.columns),
        rows: or(size.ws_row, DEFAULT.rows),
    })
}

/// Whether standard error can be drawn on: a terminal that knows how to move its cursor.
#[must_use]
pub fn can_draw() -> bool {
    io::stderr().is_terminal() && knows_cursor()
}

/// Whether a terminal here, if there is one, knows how to move its cursor.
#[must_use]
pub fn knows_cursor() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}
