//! Every failure that can be caused.

mod alerts;
mod controls;
mod data;
mod kills;
mod network;
mod process;
mod store;
mod stream;

use std::time::Duration;

use super::scenario::{Allowed, Scenario};

/// How a lost connection to the exchange is seen.
const LOST: &[&str] = &["stream.disconnected", "stream.dead"];

/// One connection is lost once; what has no data any more and does not answer a ping is told of
/// twice.
const ONCE: Allowed = Allowed::reconnects(2);

/// Where connections were refused for 20 s the next attempt may be 32 s away, for the pauses
/// double, with jitter; and some more for what was missed.
const AFTER_PAUSES: Duration = Duration::from_secs(45);

/// All of them, by group.
#[must_use]
pub fn all() -> Vec<Scenario> {
    [
        controls::all(),
        network::all(),
        stream::all(),
        data::all(),
        store::all(),
        process::all(),
        kills::all(),
        alerts::all(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_can_be_typed() {
        let all = all();
        let names: BTreeSet<&str> = all.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), all.len());
        for scenario in &all {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(scenario.name.chars().all(is_plain), "{}", scenario.name);
            assert!(scenario.line.chars().count() <= 49, "{}", scenario.name);
        }
    }

    #[test]
    fn each_can_be_made_to_fail() {
        for scenario in all() {
            assert!(!scenario.remedies.is_empty(), "{}", scenario.name);
        }
    }
}
