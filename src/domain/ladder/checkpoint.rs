//! The state of a ladder as it is kept on disk.
//!
//! Each series stands alone, with absolute figures: a checkpoint survives that
//! thresholds are added, removed and added again.

use serde::{Deserialize, Serialize};

use crate::domain::{
    anchor::{Anchor, Period},
    bar::{Last, Opened},
    sums::Sums,
    threshold::Threshold,
};

use super::Rules;

/// The version that this build writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// The state of all series of one symbol and anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    version: u32,
    anchor: Anchor,
    gate: bool,
    /// By threshold.
    pub series: Vec<SeriesState>,
}

/// The state of one series after its last trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesState {
    /// The series' threshold.
    pub threshold: Threshold,
    /// The last trade taken, or the last id given up.
    pub last: Last,
    /// The anchor period that this trade belongs to.
    pub period: Period,
    /// The forming bar; none right after a bar closed.
    pub open: Option<OpenBar>,
}

/// A forming bar with what it has gathered so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBar {
    /// How it started, and its high and low.
    pub opened: Opened,
    /// Its volume, turnover and counts.
    pub sums: Sums,
}

/// Why a checkpoint cannot be continued from.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is not what this program writes.
    #[error("read a checkpoint: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It was written by another version of the format.
    #[error("read a checkpoint of version {found}: this build knows version {VERSION}")]
    UnknownVersion {
        /// The version that it names.
        found: u32,
    },
    /// It was built by other rules.
    #[error("continue a checkpoint built with anchor {anchor} and gate {gate}")]
    OtherRules {
        /// The anchor of the checkpoint.
        anchor: Anchor,
        /// The gate of the checkpoint.
        gate: bool,
    },
}

/// Only as much as every version has.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl Checkpoint {
    pub(super) fn new(rules: Rules, series: Vec<SeriesState>) -> Self {
        Self {
            version: VERSION,
            anchor: rules.anchor,
            gate: rules.gate,
            series,
        }
    }

    /// The checkpoint as JSON text.
    ///
    /// # Errors
    /// Never in practice: all keys are strings and all numbers finite.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads what [`to_json`](Self::to_json) wrote, and checks that `rules` made it.
    ///
    /// # Errors
    /// When it is damaged, of another version, or built by other rules.
    pub fn from_json(text: &str, rules: Rules) -> Result<Self, CheckpointError> {
        let Header { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(CheckpointError::UnknownVersion { found: version });
        }
        let checkpoint: Self = serde_json::from_str(text)?;
        if (checkpoint.anchor, checkpoint.gate) != (rules.anchor, rules.gate) {
            return Err(CheckpointError::OtherRules {
                anchor: checkpoint.anchor,
                gate: checkpoint.gate,
            });
        }
        Ok(checkpoint)
    }

    /// The last id that every series has passed.
    #[must_use]
    pub fn last_id(&self) -> Option<i64> {
        self.series.iter().map(|state| state.last.id).min()
    }
}
