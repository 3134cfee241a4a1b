//! The moments at which the program can be made to die, for tests.
//!
//! The points live in the ordinary binary and do nothing unless a hidden option arms
//! one of them. What is armed is handed in, so that no module knows how to die.

use std::{fmt, sync::Arc};

/// A place between two steps of the write path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CrashPoint {
    /// Trades were taken from the stream; nothing is committed.
    TradesTaken,
    /// A page of history was taken; nothing is committed.
    PageTaken,
    /// Rows are written in the journal's transaction; the checkpoint is not.
    JournalRowsWritten,
    /// Rows and checkpoint are written; the transaction is not committed.
    JournalBeforeCommit,
    /// The transaction is committed; nobody knows yet.
    JournalAfterCommit,
    /// A batch got its boundary and token.
    BatchSealed,
    /// The lease to deliver is taken.
    LeaseTaken,
    /// A batch is about to be sent.
    BeforeSend,
    /// The seals of a batch's periods are taken back; its rows are not written.
    Unsealed,
    /// A batch of bars is written; nobody has looked whether its periods were sealed meanwhile.
    BarsWritten,
    /// The store has confirmed a batch; the journal still holds it.
    StoreConfirmed,
    /// The batch is deleted from the journal.
    BatchDeleted,
    /// A batch that the store refuses is split.
    BatchSplit,
    /// A row that the store refuses is set aside.
    RowRefused,
    /// Everything is committed at a graceful stop; delivery is not finished.
    StopCommitted,
}

impl CrashPoint {
    /// Every point.
    pub const ALL: [Self; 15] = [
        Self::TradesTaken,
        Self::PageTaken,
        Self::JournalRowsWritten,
        Self::JournalBeforeCommit,
        Self::JournalAfterCommit,
        Self::BatchSealed,
        Self::LeaseTaken,
        Self::BeforeSend,
        Self::Unsealed,
        Self::BarsWritten,
        Self::StoreConfirmed,
        Self::BatchDeleted,
        Self::BatchSplit,
        Self::RowRefused,
        Self::StopCommitted,
    ];

    /// The points that are come to only when bars of sealed periods are written again.
    pub const ON_REWRITE: [Self; 1] = [Self::Unsealed];

    /// The points that are come to only when the store refuses rows for their content.
    pub const ON_REFUSAL: [Self; 2] = [Self::BatchSplit, Self::RowRefused];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TradesTaken => "trades-taken",
            Self::PageTaken => "page-taken",
            Self::JournalRowsWritten => "journal-rows-written",
            Self::JournalBeforeCommit => "journal-before-commit",
            Self::JournalAfterCommit => "journal-after-commit",
            Self::BatchSealed => "batch-sealed",
            Self::LeaseTaken => "lease-taken",
            Self::BeforeSend => "before-send",
            Self::Unsealed => "unsealed",
            Self::BarsWritten => "bars-written",
            Self::StoreConfirmed => "store-confirmed",
            Self::BatchDeleted => "batch-deleted",
            Self::BatchSplit => "batch-split",
            Self::RowRefused => "row-refused",
            Self::StopCommitted => "stop-committed",
        }
    }

    /// The point of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.as_str() == name)
    }
}

/// What happens at each point: nothing, unless something was armed.
#[derive(Clone, Default)]
pub struct CrashPoints(Option<Arc<dyn Fn(CrashPoint) + Send + Sync>>);

impl CrashPoints {
    /// Calls `reach` at every point.
    #[must_use]
    pub fn armed(reach: impl Fn(CrashPoint) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(reach)))
    }

    /// Says that the program has come to `point`.
    #[inline]
    pub fn reach(&self, point: CrashPoint) {
        if let Some(reach) = &self.0 {
            reach(point);
        }
    }
}

impl fmt::Debug for CrashPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "armed" } else { "inert" })
    }
}
