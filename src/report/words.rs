//! Words and lines for people.

use jiff::Timestamp;

use super::table::grouped;
use crate::domain::words::noun;

/// A count with its noun, which is given for one: `1 batch`, `2 000 batches`.
#[must_use]
pub fn counted(count: impl Into<i128>, singular: &str) -> String {
    let count = count.into();
    format!("{} {}", grouped(count), noun(count, singular))
}

/// How many spaces every line but the first of a wrapped sentence stands further right.
const CONTINUATION: usize = 2;

/// A sentence in lines of at most `width` characters that stand `indent` spaces from the
/// left. A word that is longer has a line of its own.
#[must_use]
pub fn wrapped(text: &str, indent: usize, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = " ".repeat(indent);
    let mut length = indent;
    let mut is_empty = true;
    for word in text.split(' ') {
        let word_length = word.chars().count();
        if !is_empty && length + 1 + word_length > width {
            lines.push(line);
            length = indent + CONTINUATION;
            line = " ".repeat(length);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// One line of what may come from anywhere: a database, a command, another program.
pub(super) fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.collect::<String>().trim().to_owned()
}

/// A time in µs to the minute, in UTC; the bare number when no calendar holds it.
#[must_use]
pub fn minute(time_us: i64) -> String {
    Timestamp::from_microsecond(time_us).map_or_else(
        |_| time_us.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_one_is_no_plural() {
        assert_eq!(counted(1, "finding"), "1 finding");
        assert_eq!(counted(2000, "batch"), "2 000 batches");
    }

    #[test]
    fn lines_are_wrapped_between_words_and_go_on_further_right() {
        assert_eq!(
            wrapped("one two three four", 2, 11),
            ["  one two", "    three", "    four"]
        );
        assert_eq!(wrapped("one two", 2, 9), ["  one two"]);
        assert_eq!(
            wrapped("a incomprehensibly b", 0, 6),
            ["a", "  incomprehensibly", "  b"]
        );
        assert_eq!(wrapped("", 2, 9), ["  "]);
    }
}
