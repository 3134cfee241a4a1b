//! What a user wants to have measured, and how.

use std::path::PathBuf;

use super::budget::BudgetFile;
use crate::domain::{anchor::Anchor, threshold::Threshold};

/// The shortest that times may be scaled to: below it, what a process costs counts for more
/// than what is measured.
pub const MIN_SCALE: f64 = 0.1;

/// What is measured, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program that is measured.
    pub binary: PathBuf,
    /// The seed of the first run; every further one has the next number.
    pub seed: u64,
    /// How many seeds each scenario is run with.
    pub runs: u32,
    /// All times are multiplied by this, from [`MIN_SCALE`] to 1.
    pub scale: f64,
    /// The thresholds of the bars.
    pub thresholds: Vec<Threshold>,
    /// The one of them whose bars come most often.
    pub finest: Threshold,
    /// Where forming bars are cut.
    pub anchor: Anchor,
    /// Further options of `collect` that the user has set.
    pub options: Vec<String>,
    /// Changes of budgets.
    pub budgets: BudgetFile,
    /// Below this directory each run has its own.
    pub directory: PathBuf,
    /// Whether the remedies that scenarios test are taken away from the collector.
    pub is_bare: bool,
}
