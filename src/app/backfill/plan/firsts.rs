//! Where periods begin.

use std::collections::BTreeMap;

use crate::{
    app::backfill::patient_source::PatientSource,
    domain::{anchor::Period, survey::PeriodIds, symbol::Symbol, tiling::IdRange, trade::Trade},
    exchange::source::SourceError,
};

/// The first trades of periods, each asked for once.
pub(super) struct Firsts<'a> {
    pub(super) source: &'a PatientSource,
    pub(super) symbol: &'a Symbol,
    pub(super) newest: Trade,
    pub(super) known: BTreeMap<i64, Trade>,
}

impl Firsts<'_> {
    /// The first trade at or after a time that is not behind the newest one's.
    async fn since(&mut self, time_us: i64) -> Result<Trade, SourceError> {
        if let Some(first) = self.known.get(&time_us) {
            return Ok(*first);
        }
        let asked = self.source.first_before(self.symbol, time_us, self.newest);
        let first = asked.await?;
        self.known.insert(time_us, first);
        Ok(first)
    }

    /// The ids of a period that has begun, and the first trade behind it; none when it has no
    /// trade.
    pub(super) async fn ids(
        &mut self,
        period: Period,
    ) -> Result<Option<(PeriodIds, Option<Trade>)>, SourceError> {
        let newest = self.newest;
        let first = self.since(period.start_us).await?;
        if first.time_us >= period.end_us {
            // It is the next one's first.
            self.known.insert(period.end_us, first);
            return Ok(None);
        }
        // What has not begun has no first trade, and need not be asked for.
        let closer = if newest.time_us >= period.end_us {
            Some(self.since(period.end_us).await?)
        } else {
            None
        };
        let last_id = closer.map_or(newest.id, |closer| closer.id - 1);
        let ids = IdRange {
            first_id: first.id,
            last_id: last_id.max(first.id),
        };
        let is_over = closer.is_some();
        Ok(Some((PeriodIds { ids, is_over }, closer)))
    }
}
