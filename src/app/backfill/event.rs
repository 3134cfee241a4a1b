//! What a backfill tells.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::domain::{anchor::Period, symbol::Symbol, threshold::Threshold, tiling::Unsealable};

use super::{board::Shown, feed::FeedEvent, plan::Plan};

/// Takes events, each with the symbol that it is about.
pub type Emit = Arc<dyn Fn(&Symbol, Event) + Send + Sync>;

/// What became of the bars of one threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Bars that were missing.
    pub added: u64,
    /// Bars that stood there with other content.
    pub replaced: u64,
    /// Rows that no trade explains, and that have a tombstone now.
    pub removed: u64,
    /// Bars that were right already.
    pub kept: u64,
    /// Rows that cannot be mended from here, because their key cannot be read.
    pub unknown: u64,
}

impl Written {
    /// The bars that went in.
    #[must_use]
    pub const fn bars(&self) -> u64 {
        self.added + self.replaced
    }

    /// Adds what was done in another period.
    pub const fn add(&mut self, other: &Self) {
        self.added += other.added;
        self.replaced += other.replaced;
        self.removed += other.removed;
        self.kept += other.kept;
        self.unknown += other.unknown;
    }
}

/// Something that a backfill did or met.
#[derive(Debug, Clone)]
pub enum Event {
    /// It is known what has to be done.
    Planned(Arc<Plan>),
    /// The trades of a period are read from now on.
    PeriodBegun {
        /// The period.
        period: Period,
        /// The first id that is read.
        first_id: i64,
        /// The last id that may be read.
        last_id: i64,
    },
    /// The bars of a period are as they should be.
    PeriodWritten {
        /// The period.
        period: Period,
        /// By threshold: what was done.
        written: BTreeMap<Threshold, Written>,
    },
    /// Something about where trades come from.
    Feed(FeedEvent),
    /// The store fails at the moment.
    StoreFailed {
        /// What it said.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// How far it is. Told again and again where nobody looks at the board.
    Progress {
        /// What stands on the board.
        shown: Box<Shown>,
        /// How long it has been going on.
        elapsed: Duration,
    },
    /// A period is sealed.
    Sealed {
        /// The period.
        period: Period,
    },
    /// A period that was read does not deserve a seal all the same.
    NotSealed {
        /// The period.
        period: Period,
        /// Why not.
        reason: Unsealable,
    },
}
