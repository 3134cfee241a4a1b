//! What a failure does to data when nothing keeps it from doing so.
//!
//! A scenario names the harm that it would do without the remedy that it tests. A run without
//! that remedy has to show this harm, and not just any: else the scenario tests something
//! else, or nothing.

use std::fmt;

/// A kind of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// The failure is not seen, or too late.
    Unseen,
    /// Fresh rows do not come, or too late.
    Late,
    /// Trades are in no bar.
    Lost,
    /// Trades, or rows, are there twice.
    Duplicated,
    /// Rows came into the store behind later ones.
    Misordered,
    /// Bars are not those of the reference.
    Differing,
    /// What was not broken was restarted.
    Restarts,
    /// Too few alerts came, or too many.
    Alerts,
    /// Anything else that is not as it should be.
    Other,
}

impl Harm {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unseen => "unseen",
            Self::Late => "late",
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Misordered => "misordered",
            Self::Differing => "differing",
            Self::Restarts => "restarts",
            Self::Alerts => "alerts",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// What kind of harm it is.
    pub harm: Harm,
    /// What was measured and what was allowed, in words.
    pub text: String,
}

impl Miss {
    /// A harm, and what shows it.
    #[must_use]
    pub fn new(harm: Harm, text: impl Into<String>) -> Self {
        Self {
            harm,
            text: text.into(),
        }
    }

    /// Something that is no measure.
    #[must_use]
    pub fn other(text: impl Into<String>) -> Self {
        Self::new(Harm::Other, text)
    }
}
