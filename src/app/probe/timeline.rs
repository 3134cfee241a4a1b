//! What a run looked like, moment by moment.

use serde::Serialize;

/// More samples than this are thinned out.
const MAX_SAMPLES: usize = 400;

/// A look at everything. Times are counted from the beginning of the run and are not unscaled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// When, in ms.
    pub at_ms: u64,
    /// Trades that the exchange has made, of all symbols.
    pub trades_in: u64,
    /// Trades that are in bars of the finest threshold in the store, of all symbols.
    pub trades_stored: u64,
    /// Rows that wait in the spool; none when the collector did not say.
    pub spool_rows: Option<u64>,
    /// The memory of the collector's process; none when there is no process.
    pub rss_bytes: Option<u64>,
}

/// What happened at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A failure began.
    Fault,
    /// The collector said that it had seen it.
    Detected,
    /// The failure was taken away.
    Healed,
    /// The store held trades that were made afterwards.
    Recovered,
    /// Something was restarted.
    Restart,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// When, in ms from the beginning of the run; not unscaled.
    pub at_ms: u64,
    /// What kind.
    pub kind: MarkKind,
    /// What, in words.
    pub text: String,
}

/// Samples and marks of one run, each in the order of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Timeline {
    /// The looks.
    pub samples: Vec<Sample>,
    /// What happened.
    pub marks: Vec<Mark>,
}

impl Timeline {
    /// The same with no more samples than a picture can show; the last one stays.
    #[must_use]
    pub fn thinned(mut self) -> Self {
        let every = self.samples.len().div_ceil(MAX_SAMPLES).max(1);
        let last = self.samples.len().saturating_sub(1);
        let mut place = 0;
        self.samples.retain(|_| {
            let is_kept = place % every == 0 || place == last;
            place += 1;
            is_kept
        });
        self.marks.sort_by_key(|mark| mark.at_ms);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_thinned_and_keeps_its_end() {
        let sample = |at_ms| Sample {
            at_ms,
            trades_in: 0,
            trades_stored: 0,
            spool_rows: None,
            rss_bytes: None,
        };
        let timeline = Timeline {
            samples: (0..1000).map(sample).collect(),
            marks: Vec::new(),
        };
        let thinned = timeline.clone().thinned();
        assert!(thinned.samples.len() <= MAX_SAMPLES + 1);
        assert_eq!(thinned.samples.last(), timeline.samples.last());
        let short = Timeline {
            samples: (0..10).map(sample).collect(),
            marks: Vec::new(),
        };
        assert_eq!(short.clone().thinned(), short);
    }
}
