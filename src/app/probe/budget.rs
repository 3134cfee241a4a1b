//! What a failure may cost, and whether it cost more.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::{
    harm::{Harm, Miss},
    measures::Measures,
};

/// What a failure may cost. Times are unscaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// It is seen within this; any time when none.
    pub detected: Option<Duration>,
    /// Fresh rows are in the store within this, counted from when the failure is over, or
    /// from its beginning when only a remedy ends it.
    pub recovered: Option<Duration>,
    /// Trades that are in no bar.
    pub lost: u64,
    /// Trades, or rows, that are there twice.
    pub duplicated: u64,
    /// Rows that came into the store behind later ones.
    pub misordered: u64,
    /// Bars that differ from those of the reference.
    pub differing: u64,
    /// Restarts of what was not broken.
    pub needless_restarts: u64,
    /// The most memory, in bytes; any when none.
    pub peak_rss_bytes: Option<u64>,
    /// So many alerts at least.
    pub alerts_min: u64,
    /// So many alerts at most; any when none.
    pub alerts_max: Option<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            detected: Some(Duration::from_secs(15)),
            recovered: Some(Duration::from_secs(30)),
            lost: 0,
            duplicated: 0,
            misordered: 0,
            differing: 0,
            needless_restarts: 0,
            peak_rss_bytes: None,
            alerts_min: 0,
            alerts_max: None,
        }
    }
}

impl Budget {
    /// What of the budget was missed; nothing when all is well. `must_be_seen` tells whether the
    /// failure is one that leaves a trace in the log.
    #[must_use]
    pub fn missed(&self, measures: &Measures, must_be_seen: bool) -> Vec<Miss> {
        let mut missed = Vec::new();
        if must_be_seen {
            let late = time("detected", measures.detected_ms, self.detected);
            missed.extend(late.map(|text| Miss::new(Harm::Unseen, text)));
        }
        let late = time("recovered", measures.recovered_ms, self.recovered);
        missed.extend(late.map(|text| Miss::new(Harm::Late, text)));
        for (harm, what, count, most) in [
            (Harm::Lost, "lost", measures.lost, self.lost),
            (
                Harm::Duplicated,
                "duplicated",
                measures.duplicated,
                self.duplicated,
            ),
            (
                Harm::Misordered,
                "misordered",
                measures.misordered,
                self.misordered,
            ),
            (
                Harm::Differing,
                "differing",
                measures.differing,
                self.differing,
            ),
            (
                Harm::Restarts,
                "needless restarts",
                measures.needless_restarts,
                self.needless_restarts,
            ),
        ] {
            if count > most {
                let text = format!("{what}: {count}, at most {most} allowed");
                missed.push(Miss::new(harm, text));
            }
        }
        if let Some(most) = self
            .peak_rss_bytes
            .filter(|&most| measures.peak_rss_bytes > most)
        {
            let peak = measures.peak_rss_bytes;
            let text = format!("memory: {peak} bytes, at most {most} allowed");
            missed.push(Miss::new(Harm::Other, text));
        }
        if measures.alerts < self.alerts_min {
            let (alerts, least) = (measures.alerts, self.alerts_min);
            let text = format!("alerts: {alerts}, at least {least} expected");
            missed.push(Miss::new(Harm::Alerts, text));
        }
        if let Some(most) = self.alerts_max.filter(|&most| measures.alerts > most) {
            let alerts = measures.alerts;
            let text = format!("alerts: {alerts}, at most {most} allowed");
            missed.push(Miss::new(Harm::Alerts, text));
        }
        missed
    }
}

/// Why a time is too long, in words; nothing when it is not.
fn time(what: &str, measured_ms: Option<u64>, most: Option<Duration>) -> Option<String> {
    let most = most?;
    let most_words = humantime::format_duration(most);
    match measured_ms {
        None => Some(format!("never {what}, {most_words} allowed")),
        Some(ms) if u128::from(ms) > most.as_millis() => {
            let took = humantime::format_duration(Duration::from_millis(ms));
            Some(format!("{what} after {took}, {most_words} allowed"))
        }
        Some(_) => None,
    }
}

/// What a file says of budgets: for all scenarios, and for single ones.
///
/// ```toml
/// [default]
/// detected = "15s"
/// recovered = "30s"
/// peak_rss_bytes = 200_000_000
///
/// [scenario.store-outage]
/// recovered = "90s"
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetFile {
    /// For every scenario.
    #[serde(default)]
    pub default: BudgetChange,
    /// For single ones, by name.
    #[serde(default)]
    pub scenario: BTreeMap<String, BudgetChange>,
}

/// What a file changes of a budget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetChange {
    detected: Option<Words>,
    recovered: Option<Words>,
    lost: Option<u64>,
    duplicated: Option<u64>,
    misordered: Option<u64>,
    differing: Option<u64>,
    needless_restarts: Option<u64>,
    peak_rss_bytes: Option<u64>,
    alerts_min: Option<u64>,
    alerts_max: Option<u64>,
}

/// A duration in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Words(Duration);

impl TryFrom<String> for Words {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = humantime::parse_duration(&text);
        parsed
            .map(Self)
            .map_err(|error| format!("'{text}' is no duration: {error}"))
    }
}

impl BudgetFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is not TOML, or names something that is no part of a budget.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The budget of a scenario: its own, as the file changes it.
    #[must_use]
    pub fn apply(&self, name: &str, budget: Budget) -> Budget {
        let budget = self.default.apply(budget);
        match self.scenario.get(name) {
            Some(change) => change.apply(budget),
            None => budget,
        }
    }
}

impl BudgetChange {
    fn apply(&self, budget: Budget) -> Budget {
        let words = |words: Option<Words>, before| words.map_or(before, |words| Some(words.0));
        Budget {
            detected: words(self.detected, budget.detected),
            recovered: words(self.recovered, budget.recovered),
            lost: self.lost.unwrap_or(budget.lost),
            duplicated: self.duplicated.unwrap_or(budget.duplicated),
            misordered: self.misordered.unwrap_or(budget.misordered),
            differing: self.differing.unwrap_or(budget.differing),
            needless_restarts: self.needless_restarts.unwrap_or(budget.needless_restarts),
            peak_rss_bytes: self.peak_rss_bytes.or(budget.peak_rss_bytes),
            alerts_min: self.alerts_min.unwrap_or(budget.alerts_min),
            alerts_max: self.alerts_max.or(budget.alerts_max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Measures {
        Measures {
            detected_ms: Some(900),
            recovered_ms: Some(1200),
            ..Measures::default()
        }
    }

    #[test]
    fn what_was_missed_is_told_with_both_figures() {
        let budget = Budget::default();
        let missed = |budget: Budget, measures: &Measures, must_be_seen| {
            let missed = budget.missed(measures, must_be_seen).into_iter();
            missed.map(|miss| miss.text).collect::<Vec<_>>()
        };
        assert_eq!(missed(budget, &well(), true), Vec::<String>::new());
        let late = Measures {
            detected_ms: None,
            recovered_ms: Some(31_000),
            lost: 3,
            needless_restarts: 1,
            ..well()
        };
        assert_eq!(
            missed(budget, &late, true),
            [
                "never detected, 15s allowed",
                "recovered after 31s, 30s allowed",
                "lost: 3, at most 0 allowed",
                "needless restarts: 1, at most 0 allowed",
            ]
        );
        assert_eq!(budget.missed(&late, false).len(), 3);
        let silent = Budget {
            alerts_min: 1,
            ..budget
        };
        assert_eq!(
            missed(silent, &well(), true),
            ["alerts: 0, at least 1 expected"]
        );
    }

    #[test]
    fn a_file_changes_all_budgets_and_then_single_ones() {
        let file = BudgetFile::parse(
            "[default]\nrecovered = \"20s\"\npeak_rss_bytes = 5\n\
             [scenario.half-open]\nrecovered = \"1m\"\nlost = 2\n",
        )
        .expect("a budget");
        let usual = file.apply("cut-fin", Budget::default());
        assert_eq!(usual.recovered, Some(Duration::from_secs(20)));
        assert_eq!((usual.peak_rss_bytes, usual.lost), (Some(5), 0));
        let own = file.apply("half-open", Budget::default());
        assert_eq!(own.recovered, Some(Duration::from_secs(60)));
        assert_eq!((own.lost, own.detected), (2, Budget::default().detected));
    }

    #[test]
    fn a_file_with_a_word_that_means_nothing_is_refused() {
        for text in [
            "[defaults]\n",
            "[default]\ndetect = \"1s\"\n",
            "[default]\ndetected = \"soon\"\n",
            "[default]\nlost = -1\n",
        ] {
            assert!(BudgetFile::parse(text).is_err(), "{text}");
        }
    }
}
