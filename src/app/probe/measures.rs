//! What was measured in a run, and what of several runs is told.

use serde::Serialize;

/// What was measured in one run. Times are unscaled: as they would be without `--time-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Measures {
    /// From the failure until the collector said that it had seen it, in ms.
    pub detected_ms: Option<u64>,
    /// Until the store held trades that were made after it, in ms: counted from when the failure
    /// was over, or from its beginning when only a remedy ends it.
    pub recovered_ms: Option<u64>,
    /// Trades that are in no bar of a threshold that should have them.
    pub lost: u64,
    /// Trades that are in two bars of a threshold, or rows that are there twice.
    pub duplicated: u64,
    /// Bars that got a lower version than the one before them.
    pub misordered: u64,
    /// Bars that differ from those of the reference.
    pub differing: u64,
    /// Connections, tasks and processes that were restarted, and batches that were sent again.
    pub restarts: u64,
    /// Those of them that were not broken.
    pub needless_restarts: u64,
    /// The most memory that any collector's process held, in bytes.
    pub peak_rss_bytes: u64,
    /// The most rows that waited in the spool.
    pub peak_spool_rows: u64,
    /// Alerts that arrived.
    pub alerts: u64,
}

impl Measures {
    /// The medians of several runs, figure by figure; of an even number the lower one. A
    /// time that was not measured counts as the longest.
    #[must_use]
    pub fn median(runs: &[Self]) -> Self {
        Self::choose(runs, |figures| figures[(figures.len() - 1) / 2])
    }

    /// The worst of several runs, figure by figure; the fewest alerts are no worse than the
    /// most, so the most are told.
    #[must_use]
    pub fn worst(runs: &[Self]) -> Self {
        Self::choose(runs, |figures| figures[figures.len() - 1])
    }

    fn choose(runs: &[Self], choose: fn(&[u64]) -> u64) -> Self {
        if runs.is_empty() {
            return Self::default();
        }
        let of = |figure: fn(&Self) -> u64| {
            let mut figures: Vec<u64> = runs.iter().map(figure).collect();
            figures.sort_unstable();
            choose(&figures)
        };
        let never = |ms: u64| (ms != u64::MAX).then_some(ms);
        Self {
            detected_ms: never(of(|run| run.detected_ms.unwrap_or(u64::MAX))),
            recovered_ms: never(of(|run| run.recovered_ms.unwrap_or(u64::MAX))),
            lost: of(|run| run.lost),
            duplicated: of(|run| run.duplicated),
            misordered: of(|run| run.misordered),
            differing: of(|run| run.differing),
            restarts: of(|run| run.restarts),
            needless_restarts: of(|run| run.needless_restarts),
            peak_rss_bytes: of(|run| run.peak_rss_bytes),
            peak_spool_rows: of(|run| run.peak_spool_rows),
            alerts: of(|run| run.alerts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_runs_the_middle_and_the_worst_are_told_figure_by_figure() {
        let run = |detected_ms, lost| Measures {
            detected_ms,
            lost,
            ..Measures::default()
        };
        let runs = [run(Some(300), 0), run(Some(100), 7), run(None, 0)];
        let (median, worst) = (Measures::median(&runs), Measures::worst(&runs));
        assert_eq!((median.detected_ms, median.lost), (Some(300), 0));
        assert_eq!((worst.detected_ms, worst.lost), (None, 7));
        let two = [run(Some(1), 0), run(Some(2), 0)];
        assert_eq!(Measures::median(&two).detected_ms, Some(1));
        assert_eq!(Measures::median(&[]), Measures::default());
    }
}
