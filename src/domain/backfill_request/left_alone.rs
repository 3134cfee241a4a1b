//! What a request for all thresholds has left alone, in the words that its row keeps.
//!
//! Such a request is completed although some of its thresholds needed nothing yet. Its row has
//! no column for them, and people are to read them: `left alone: 250, 500 dbps: <why>`.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{threshold::Threshold, words::list};

const BEGIN: &str = "left alone: ";
const END: &str = " dbps: ";

/// The words for these thresholds, each with why; none for none.
#[must_use]
pub fn left_alone_text(skipped: &BTreeMap<Threshold, String>) -> String {
    let Some(reason) = skipped.values().next_back() else {
        return String::new();
    };
    let thresholds: Vec<_> = skipped.keys().collect();
    format!("{BEGIN}{}{END}{reason}", list(&thresholds))
}

/// The thresholds in such words; nothing when these are other words.
#[must_use]
pub fn left_alone(text: &str) -> Option<BTreeSet<Threshold>> {
    if text.is_empty() {
        return Some(BTreeSet::new());
    }
    let (thresholds, _) = text.strip_prefix(BEGIN)?.split_once(END)?;
    let threshold = |word: &str| Threshold::new(word.trim().parse().ok()?).ok();
    thresholds.split(',').map(threshold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dbps(value: u32) -> Threshold {
        Threshold::new(value).expect("a threshold")
    }

    #[test]
    fn what_was_left_alone_is_read_as_it_was_written() {
        let skipped: BTreeMap<_, _> = [250, 500]
            .map(|value| (dbps(value), "it is done, dbps: all".to_owned()))
            .into();
        let text = left_alone_text(&skipped);
        assert_eq!(text, "left alone: 250, 500 dbps: it is done, dbps: all");
        assert_eq!(left_alone(&text), Some(skipped.into_keys().collect()));
        assert_eq!(
            left_alone(&left_alone_text(&BTreeMap::new())),
            Some([].into())
        );
    }

    #[test]
    fn other_words_say_nothing() {
        for text in [
            "why",
            "left alone: x dbps: why",
            "left alone: 250",
            "left alone:  dbps: ",
        ] {
            assert_eq!(left_alone(text), None, "{text}");
        }
    }
}
