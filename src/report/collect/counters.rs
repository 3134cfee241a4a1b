//! What did not go as it should, counted: nothing to read when all is well.

use crate::app::collect::{SymbolSnapshot, snapshot::Shown};

/// A counter that is not zero: its name for logs, its words for people, its count.
pub struct Counter {
    /// The name, as it is in JSON.
    pub name: &'static str,
    /// What a person is told: `3 malformed messages`.
    pub words: &'static str,
    /// How many.
    pub count: u64,
}

/// The counters that are not zero, over all symbols.
#[must_use]
pub fn counters(shown: &Shown) -> Vec<Counter> {
    let sum = |of: fn(&SymbolSnapshot) -> u64| shown.symbols.iter().map(of).sum();
    let counters = [
        ("reconnects", "reconnects", shown.totals.reconnects),
        ("gaps_repaired", "gaps repaired", sum(|s| s.gaps_repaired)),
        ("gaps_absent", "gaps proven absent", sum(|s| s.gaps_absent)),
        ("duplicates", "duplicates dropped", sum(|s| s.duplicates)),
        ("malformed", "malformed messages", shown.totals.malformed),
        (
            "fallbacks",
            "messages of unusual form",
            shown.totals.fallbacks,
        ),
        (
            "hold_dropped",
            "dropped to be fetched again",
            sum(|s| s.hold_dropped),
        ),
        (
            "unconfirmed",
            "dropped as never confirmed",
            sum(|s| s.unconfirmed),
        ),
    ];
    counters
        .into_iter()
        .map(|(name, words, count)| Counter { name, words, count })
        .filter(|counter| counter.count > 0)
        .collect()
}

/// The counters for people: `2 reconnects, 5 duplicates`; empty when there is nothing.
#[must_use]
pub fn sentence(shown: &Shown) -> String {
    let counters = counters(shown);
    let words: Vec<String> = counters
        .iter()
        .map(|counter| match counter.count {
            1 => format!("1 {}", singular(counter.words)),
            count => format!("{count} {}", counter.words),
        })
        .collect();
    words.join(", ")
}

/// The words for one of them.
fn singular(words: &str) -> String {
    for (many, one) in [
        ("reconnects", "reconnect"),
        ("gaps", "gap"),
        ("duplicates", "duplicate"),
        ("messages", "message"),
    ] {
        if words.contains(many) {
            return words.replacen(many, one, 1);
        }
    }
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_is_told() {
        let mut shown = Shown {
            symbols: vec![SymbolSnapshot::new("A".parse().expect("a symbol")); 2],
            ..Shown::default()
        };
        assert_eq!(sentence(&shown), "");
        shown.totals.malformed = 3;
        shown.totals.reconnects = 1;
        shown.symbols[0].duplicates = 2;
        shown.symbols[1].duplicates = 5;
        shown.symbols[1].hold_dropped = 1;
        assert_eq!(
            sentence(&shown),
            "1 reconnect, 7 duplicates dropped, 3 malformed messages, 1 dropped to be fetched again"
        );
    }
}
