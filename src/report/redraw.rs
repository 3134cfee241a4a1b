//! Text that is shown again and again: drawn over in place on a terminal, one after the
//! other elsewhere.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal as _},
};

use super::{
    frame::Frame,
    printer::{OutputError, Printer},
    terminal,
};

/// Shows lines on standard output.
pub struct Redraw {
    printer: Printer,
    /// None where nothing can be drawn over.
    frame: Option<Frame>,
    is_first: bool,
}

impl Redraw {
    /// Draws over what it has shown if standard output is a terminal that can.
    #[must_use]
    pub fn new(printer: Printer) -> Self {
        let can_draw = terminal::knows_cursor() && io::stdout().is_terminal();
        Self {
            printer,
            frame: can_draw.then(Frame::default),
            is_first: true,
        }
    }

    /// Whether what is shown takes the place of what was shown before.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.frame.is_some()
    }

    /// How many characters fit into a line now.
    #[must_use]
    pub fn width(&self) -> usize {
        match self.frame {
            Some(_) => terminal::size_of(&io::stdout()).columns,
            None => self.printer.width(),
        }
    }

    /// Shows lines in the place of the last ones, or below them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn show(&mut self, lines: Vec<String>) -> Result<(), OutputError> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if let Some(frame) = &mut self.frame {
            let size = terminal::size_of(&io::stdout());
            let lines = fitting(lines, size);
            let bytes = frame.compose_at(&VecDeque::new(), Some(lines), size.columns);
            self.printer.data(&bytes)?;
        } else {
            if !is_first {
                self.printer.line("")?;
            }
            for line in lines {
                self.printer.line(line)?;
            }
        }
        self.printer.flush()
    }
}

/// What fits onto a terminal, the cursor below it: a frame that is higher could not be drawn
/// over.
fn fitting(mut lines: Vec<String>, size: terminal::Size) -> Vec<String> {
    let room = size.rows.saturating_sub(1).max(1);
    if lines.len() > room {
        let left_out = lines.len() - (room - 1);
        lines.truncate(room - 1);
        lines.push(format!("… and {left_out} more lines"));
    }
    for line in &mut lines {
        cut(line, size.columns);
    }
    lines
}

/// Cuts a line that is too long. Styles take no room, and are not left open.
fn cut(line: &mut String, columns: usize) {
    const PLAIN: &str = "\u{1b}[0m";
    if visible_chars(line) <= columns {
        return;
    }
    let (mut kept, mut room) = (String::new(), columns.saturating_sub(1));
    let (mut in_style, mut has_style) = (false, false);
    for c in line.chars() {
        if in_style || c == '\u{1b}' {
            in_style = c != 'm';
            has_style = true;
        } else if room == 0 {
            break;
        } else {
            room -= 1;
        }
        kept.push(c);
    }
    kept.push('…');
    if has_style {
        kept.push_str(PLAIN);
    }
    *line = kept;
}

/// How many characters of a line take room on a terminal.
pub(super) fn visible_chars(line: &str) -> usize {
    let mut in_style = false;
    line.chars()
        .filter(|&c| {
            if in_style {
                in_style = c != 'm';
                return false;
            }
            in_style = c == '\u{1b}';
            !in_style
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::bad;

    #[test]
    fn what_does_not_fit_is_cut_and_styles_take_no_room() {
        let size = terminal::Size {
            columns: 6,
            rows: 4,
        };
        let lines = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        assert_eq!(
            fitting(lines(&["123456", "1234567"]), size),
            ["123456", "12345…"]
        );
        assert_eq!(
            fitting(lines(&["a", "b", "c", "d"]), size),
            ["a", "b", "… and…"]
        );
        let styled = bad("123456", true);
        assert_eq!(fitting(vec![styled.clone()], size), [styled]);
        let styled = bad("1234567", true);
        let cut = fitting(vec![styled], size).remove(0);
        assert_eq!(cut, "\u{1b}[31m12345…\u{1b}[0m");
        assert_eq!(visible_chars(&cut), 6);
    }

    #[test]
    fn in_a_pipe_one_follows_the_other() {
        let out = crate::report::printer::tests::Shared::default();
        let mut redraw = Redraw {
            printer: Printer::to(out.clone(), io::sink()),
            frame: None,
            is_first: true,
        };
        for text in ["a", "b"] {
            redraw.show(vec![text.to_owned()]).expect("shown");
        }
        assert_eq!(out.text(), "a\n\nb\n");
    }
}
