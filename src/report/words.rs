//! Words and lines for people.

use super::table::grouped;

/// A count with its noun, which is given for one: `1 batch`, `2 batches`, `3 series`.
#[must_use]
pub fn counted(count: impl Into<i128>, noun: &str) -> String {
    let count = count.into();
    let ending = match noun {
        _ if count == 1 => "",
        _ if noun.ends_with("series") => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", grouped(count))
}

/// Ids of trades with their noun: `trade 5`, `trades 5 to 9`.
#[must_use]
pub fn trade_ids(first_id: i64, last_id: i64) -> String {
    if first_id == last_id {
        format!("trade {first_id}")
    } else {
        format!("trades {first_id} to {last_id}")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, "finding"), "1 finding");
        assert_eq!(counted(0, "finding"), "0 findings");
        assert_eq!(counted(2000, "batch"), "2 000 batches");
        assert_eq!(counted(2, "series"), "2 series");
        assert_eq!(trade_ids(5, 5), "trade 5");
        assert_eq!(trade_ids(5, 6), "trades 5 to 6");
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
