//! All places that trades may come from, and which of them are used for what.

use std::sync::Arc;

use crate::{
    app::{backfill::patient_source::PatientSource, clock::Clock},
    domain::{anchor::Period, symbol::Symbol, tiling::IdRange},
    exchange::{
        binance::archive::{Archive, ArchiveName, Span},
        source::Source,
    },
};

use super::{FeedEmit, FileIndex, PageLimits};

/// Where trades may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SourceKind {
    /// The daily archive where there is one and much is wanted of it, REST for the rest.
    #[default]
    Auto,
    /// The daily archive wherever there is one, REST for what it lacks.
    Archive,
    /// REST alone.
    Rest,
}

/// The bounds of feeds.
#[derive(Debug, Clone, Copy)]
pub struct FeedLimits {
    /// Of fewer trades REST brings them sooner than a whole day's file.
    pub few_trades: u64,
    /// How patient it is with REST.
    pub pages: PageLimits,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self {
            few_trades: 20_000,
            pages: PageLimits::default(),
        }
    }
}

/// All places that trades may come from. Cheap to clone.
#[derive(Clone)]
pub struct Sources {
    /// The exchange, for ids and by REST.
    pub exchange: Arc<dyn Source>,
    /// The exchange's archive; none when it has none.
    pub archive: Option<Arc<Archive>>,
    /// Files of the user, which are used in the place of the archive.
    pub files: Option<Arc<FileIndex>>,
    /// What is used when there are no files.
    pub kind: SourceKind,
    /// Bounds.
    pub limits: FeedLimits,
    /// What time it is: days that are not over are in no archive.
    pub clock: Clock,
}

/// What to read: every trade with an id in `ids`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The symbol.
    pub symbol: Symbol,
    /// The anchor period that all of them belong to.
    pub period: Period,
    /// The first of them happened no earlier, in µs.
    pub from_us: i64,
    /// Their ids.
    pub ids: IdRange,
}

impl Sources {
    /// The exchange, asked as patiently for single trades as for pages.
    #[must_use]
    pub fn patient(&self, emit: FeedEmit) -> PatientSource {
        PatientSource::new(Arc::clone(&self.exchange), self.limits.pages, emit)
    }

    /// Where the trades of a stretch are taken from; what is missing there comes by REST.
    #[must_use]
    pub fn way(&self, stretch: &Stretch) -> Way {
        if let Some(files) = &self.files {
            return Way::Files(Arc::clone(files));
        }
        let is_worth_it = match self.kind {
            SourceKind::Auto => stretch.ids.count() > self.limits.few_trades,
            SourceKind::Archive => true,
            SourceKind::Rest => false,
        };
        if self.archive.is_none() || !is_worth_it {
            return Way::Rest;
        }
        let end_us = stretch.period.end_us.min(self.clock.wall_us());
        let mut days = Vec::new();
        let mut time_us = stretch.from_us.max(stretch.period.start_us);
        while let Some(span) = Span::day_of(time_us)
            && let Some((_, next_us)) = span.bounds_us()
            && next_us <= end_us
        {
            let symbol = stretch.symbol.clone();
            days.push(ArchiveName { symbol, span });
            time_us = next_us;
        }
        if days.is_empty() {
            return Way::Rest;
        }
        Way::Archive {
            days,
            until_us: time_us,
        }
    }
}

/// Where trades are taken from.
pub enum Way {
    /// The user's files.
    Files(Arc<FileIndex>),
    /// Files of the archive.
    Archive {
        /// The days that are over, in order; at least one.
        days: Vec<ArchiveName>,
        /// Behind this time there is no file, in µs.
        until_us: i64,
    },
    /// REST alone.
    Rest,
}
