//! What the exchange says of symbols without new trades.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use tokio::time::{Instant, timeout_at};

use crate::{
    app::clock::Clock,
    domain::{
        freshness::{Dated, Exchange},
        symbol::Symbol,
    },
    exchange::source::Source,
};

use super::{
    look::{Name, Seen, Sight},
    settings::Settings,
};

/// The answers, by exchange and symbol. Who was not asked about is not here.
#[derive(Debug, Default)]
pub(super) struct Asked(BTreeMap<Name, Exchange>);

impl Asked {
    /// What is known of a symbol.
    pub fn about(&self, name: &Name) -> Exchange {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Asks `source` about every symbol of it whose newest trade is too old, within one
    /// deadline for all of them: whoever is not answered by then could not be asked.
    pub async fn ask(
        source: &Arc<dyn Source>,
        sight: &Sight,
        settings: &Settings,
        clock: &Clock,
    ) -> Self {
        let until = Instant::now() + settings.patience.exchange;
        let mut asked = BTreeMap::new();
        for (name, last_id) in silent(sight, settings, clock) {
            if name.0 != source.name() {
                continue;
            }
            let Ok(symbol) = Symbol::from_str(&name.1) else {
                continue;
            };
            let answer = timeout_at(until, question(source, &symbol, last_id)).await;
            asked.insert(name, answer.unwrap_or(Exchange::Unreachable));
        }
        Self(asked)
    }
}

/// Those whose newest trade is too old by every row, with the newest id of all rows. Times are
/// those of this machine's clock, whoever has dated the rows.
fn silent(sight: &Sight, settings: &Settings, clock: &Clock) -> BTreeMap<Name, Option<i64>> {
    let now_us = clock.wall_us();
    let skew_us = sight.skew_us.unwrap_or_default();
    let mut newest: BTreeMap<Name, (Option<i64>, Option<i64>)> = BTreeMap::new();
    for Seen {
        exchange,
        name,
        row,
        last_id,
        dated,
        ..
    } in &sight.seen
    {
        let known = newest.entry((exchange.clone(), name.clone())).or_default();
        let ahead_us = match dated {
            Dated::ByDatabase => skew_us,
            Dated::ByThisMachine => 0,
        };
        let received_at_us = row.received_at_us.map(|us| us.saturating_sub(ahead_us));
        known.0 = known.0.max(received_at_us);
        known.1 = known.1.max(*last_id);
    }
    let is_wanted = |name: &String| settings.wanted.is_empty() || settings.wanted.contains(name);
    newest
        .into_iter()
        .filter(|((_, name), (received_at_us, _))| {
            let limits = settings.limits_of(name);
            let is_silent =
                received_at_us.is_none_or(|at_us| now_us.saturating_sub(at_us) >= limits.warn_us);
            is_wanted(name) && is_silent
        })
        .map(|(name, (_, last_id))| (name, last_id))
        .collect()
}

async fn question(source: &Arc<dyn Source>, symbol: &Symbol, last_id: Option<i64>) -> Exchange {
    let newest_id = match source.latest(symbol).await {
        Ok(newest) => newest.map(|newest| newest.id),
        Err(error) => {
            tracing::debug!("cannot ask about {symbol}: failed to {error}");
            return Exchange::Unreachable;
        }
    };
    let Some(id) = newest_id.filter(|id| last_id.is_none_or(|last_id| *id > last_id)) else {
        let id = last_id.or(newest_id).unwrap_or_default();
        return Exchange::Same { id };
    };
    // Since when something is missing is shown by the first trade that is.
    let missing_since_us = match last_id {
        Some(last_id) => {
            let page = source.page(symbol, last_id.saturating_add(1)).await;
            page.ok()
                .and_then(|page| page.trades.first().map(|trade| trade.time_us))
        }
        None => None,
    };
    Exchange::Newer {
        id,
        missing_since_us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::watchdog::testing::settings, domain::freshness::Row};

    const SECOND: i64 = 1_000_000;
    const NOW: i64 = 1_767_322_800 * SECOND;

    #[test]
    fn who_is_silent_is_told_by_the_clock_that_the_rows_are_dated_by() {
        let clock = Clock::with_wall(|| NOW);
        for minutes in [-10, 0, 10] {
            let skew_us = minutes * 60 * SECOND;
            for (dated, by_us) in [
                (Dated::ByDatabase, NOW + skew_us),
                (Dated::ByThisMachine, NOW),
            ] {
                for (age_us, is_silent) in [(SECOND, false), (400 * SECOND, true)] {
                    let row = Row {
                        received_at_us: Some(by_us - age_us),
                        ..Row::default()
                    };
                    let seen = Seen {
                        exchange: "sim".to_owned(),
                        name: "BTCUSDT".to_owned(),
                        collector: None,
                        row,
                        last_id: Some(7),
                        dated,
                        has_ended: false,
                    };
                    let sight = Sight {
                        skew_us: Some(skew_us),
                        seen: vec![seen],
                        unreadable: Vec::new(),
                    };
                    let found = silent(&sight, &settings(), &clock);
                    assert_eq!(found.len(), usize::from(is_silent), "{minutes} {dated:?}");
                }
            }
        }
    }
}
