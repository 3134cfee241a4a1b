//! Sentences that repeat: which are written down, and which are only counted.
//!
//! A link that flaps all night says the same thing a thousand times. Under each key the
//! first few sentences of a spell are written; those that follow are counted, and one
//! sentence in their place says how many there were. The longer a spell lasts, the rarer
//! it is spoken of, from once a minute to once an hour; nothing is left uncounted.
//!
//! Whoever counts events from what was written reads the number with [`times`].

use std::collections::BTreeMap;

/// So many sentences are written before a spell begins.
const FREE: u32 = 3;
/// How long the first of a spell's pauses is, in µs.
const FIRST_PAUSE_US: i64 = 60 * 1_000_000;
/// How long a pause may become, in µs.
const LONGEST_PAUSE_US: i64 = 3600 * 1_000_000;
/// What a sentence that stands for several ends in, around their number.
const MARK: (&str, &str) = (" (one of ", " alike)");

/// A sentence that stands for those that were only counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated<K> {
    /// What it is about.
    pub key: K,
    /// The last of the sentences, with their number.
    pub text: String,
}

#[derive(Debug)]
struct Spell {
    until_us: i64,
    pause_us: i64,
    free: u32,
    counted: u64,
    last: String,
}

/// Sentences that were said lately, by key.
#[derive(Debug)]
pub struct Repeats<K> {
    spells: BTreeMap<K, Spell>,
}

impl<K> Default for Repeats<K> {
    fn default() -> Self {
        Self {
            spells: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> Repeats<K> {
    /// Whether `text` is to be written now, at `now_us` on a clock that never goes back.
    /// If not, it is counted.
    pub fn is_written(&mut self, key: &K, text: &str, now_us: i64) -> bool {
        let spell = self.spell(key, now_us);
        if spell.free > 0 {
            spell.free -= 1;
            return true;
        }
        spell.count(text);
        false
    }

    /// Counts `text` although it might have been written.
    pub fn count(&mut self, key: &K, text: &str, now_us: i64) {
        self.spell(key, now_us).count(text);
    }

    fn spell(&mut self, key: &K, now_us: i64) -> &mut Spell {
        self.spells.entry(key.clone()).or_insert_with(|| Spell {
            until_us: now_us + FIRST_PAUSE_US,
            pause_us: FIRST_PAUSE_US,
            free: FREE,
            counted: 0,
            last: String::new(),
        })
    }

    /// What has to be written at `now_us` in place of what was counted.
    pub fn due(&mut self, now_us: i64) -> Vec<Repeated<K>> {
        let mut written = Vec::new();
        self.spells.retain(|key, spell| {
            if now_us < spell.until_us {
                return true;
            }
            // A pause in which nothing was said ends the spell.
            let Some(repeated) = spell.tell(key) else {
                return false;
            };
            written.push(repeated);
            spell.pause_us = (spell.pause_us * 2).min(LONGEST_PAUSE_US);
            spell.until_us = now_us + spell.pause_us;
            true
        });
        written
    }

    /// What has to be written at the end.
    pub fn rest(&mut self) -> Vec<Repeated<K>> {
        let spells = self.spells.iter_mut();
        spells.filter_map(|(key, spell)| spell.tell(key)).collect()
    }
}

impl Spell {
    fn count(&mut self, text: &str) {
        self.counted += 1;
        text.clone_into(&mut self.last);
    }

    fn tell<K: Clone>(&mut self, key: &K) -> Option<Repeated<K>> {
        if self.counted == 0 {
            return None;
        }
        let text = format!("{}{}{}{}", self.last, MARK.0, self.counted, MARK.1);
        self.counted = 0;
        Some(Repeated {
            key: key.clone(),
            text,
        })
    }
}

/// How many events a written sentence stands for.
#[must_use]
pub fn times(text: &str) -> u64 {
    let counted = text.rsplit_once(MARK.0).and_then(|(_, number)| {
        let number = number.strip_suffix(MARK.1)?;
        number.parse().ok()
    });
    counted.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_bad_night_fills_few_rows_and_every_event_is_counted() {
        let mut repeats = Repeats::default();
        let (mut rows, mut counted) = (0u64, 0u64);
        let mut write = |text: &str| {
            rows += 1;
            counted += times(text);
        };
        // A link that flaps every two seconds for ten hours.
        for second in 0..36_000 {
            let now_us = second * SECOND;
            if second % 2 == 0 && repeats.is_written(&"link", "it broke", now_us) {
                write("it broke");
            }
            for repeated in repeats.due(now_us) {
                assert_eq!(repeated.key, "link");
                assert!(repeated.text.starts_with("it broke ("), "{}", repeated.text);
                write(&repeated.text);
            }
        }
        for repeated in repeats.rest() {
            write(&repeated.text);
        }
        assert_eq!(counted, 18_000);
        assert!(rows <= 20, "{rows} rows");
    }

    #[test]
    fn what_happens_now_and_then_is_written_each_time() {
        let mut repeats = Repeats::default();
        for hour in 0..100 {
            let now_us = hour * 3600 * SECOND;
            assert_eq!(repeats.due(now_us), []);
            assert!(repeats.is_written(&"gap", "a gap", now_us));
        }
    }

    #[test]
    fn one_key_says_nothing_about_another() {
        let mut repeats = Repeats::default();
        for _ in 0..10 {
            repeats.is_written(&("BTCUSDT", "gap"), "a gap", 0);
        }
        assert!(repeats.is_written(&("ETHUSDT", "gap"), "a gap", 0));
        let due = repeats.due(61 * SECOND);
        assert_eq!(due.len(), 1);
        assert_eq!(times(&due[0].text), 7);
        assert_eq!(repeats.rest(), []);
    }
}
