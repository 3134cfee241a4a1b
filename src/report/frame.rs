//! A few lines that stand below everything else on a terminal and are drawn over in place.
//!
//! It needs nothing but moving up and erasing, hides no cursor and changes no mode: a
//! process that is killed in the middle leaves its last frame and a sane terminal. After
//! each drawing the cursor stands at the beginning of the line below the frame.

use std::collections::VecDeque;

use super::{redraw::visible_chars, terminal};

/// What is drawn at the moment.
#[derive(Debug, Default)]
pub struct Frame {
    /// The lines, as they were drawn.
    lines: Vec<String>,
}

/// From the cursor to the end of the screen.
const ERASE_BELOW: &str = "\u{1b}[J";
/// From the cursor to the end of the line.
const ERASE_LINE: &str = "\u{1b}[K";

impl Frame {
    /// Whether nothing is drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The bytes that put `above` above the frame and draw it anew, as `drawn` if that is
    /// given.
    #[must_use]
    pub fn compose(&mut self, above: &VecDeque<Vec<u8>>, drawn: Option<Vec<String>>) -> Vec<u8> {
        self.compose_at(above, drawn, terminal::size().columns)
    }

    /// The same on a terminal that is `columns` wide.
    #[must_use]
    pub fn compose_at(
        &mut self,
        above: &VecDeque<Vec<u8>>,
        drawn: Option<Vec<String>>,
        columns: usize,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let rows = self.rows(columns);
        if rows > 0 {
            bytes.extend(format!("\r\u{1b}[{rows}A").bytes());
        }
        if !above.is_empty() {
            // A line that is longer than the terminal must not leave the frame beside it.
            bytes.extend(ERASE_BELOW.bytes());
            above.iter().for_each(|line| bytes.extend(line));
        }
        if let Some(drawn) = drawn {
            self.lines = drawn;
        }
        for line in &self.lines {
            bytes.extend(line.bytes());
            bytes.extend(ERASE_LINE.bytes());
            bytes.push(b'\n');
        }
        bytes.extend(ERASE_BELOW.bytes());
        bytes
    }

    /// The rows that it takes on a terminal that may have become narrower since: most of
    /// them break lines anew then.
    fn rows(&self, columns: usize) -> usize {
        let columns = columns.max(1);
        self.lines
            .iter()
            .map(|line| visible_chars(line).div_ceil(columns).max(1))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_frame_is_drawn_over_in_place_and_taken_away() {
        let mut frame = Frame::default();
        let lines = |text: &str| Some(text.split(' ').map(str::to_owned).collect());
        let none = VecDeque::new();
        assert_eq!(
            text(&frame.compose_at(&none, lines("a b"), 80)),
            "a\u{1b}[K\nb\u{1b}[K\n\u{1b}[J"
        );
        assert_eq!(
            text(&frame.compose_at(&none, lines("c"), 80)),
            "\r\u{1b}[2Ac\u{1b}[K\n\u{1b}[J"
        );
        let above = VecDeque::from([b"log\n".to_vec()]);
        assert_eq!(
            text(&frame.compose_at(&above, None, 80)),
            "\r\u{1b}[1A\u{1b}[Jlog\nc\u{1b}[K\n\u{1b}[J"
        );
        assert_eq!(
            text(&frame.compose_at(&none, Some(Vec::new()), 80)),
            "\r\u{1b}[1A\u{1b}[J"
        );
        assert!(frame.is_empty());
    }

    #[test]
    fn lines_that_a_narrower_terminal_breaks_are_erased_whole() {
        let mut frame = Frame::default();
        let none = VecDeque::new();
        let _ = frame.compose_at(&none, Some(vec!["x".repeat(80), String::new()]), 80);
        assert_eq!((frame.rows(80), frame.rows(79), frame.rows(30)), (2, 3, 4));
    }
}
