//! Where each series of a symbol starts.
//!
//! From its checkpoint, if there is one. Else, if the store already has bars of the
//! series, with the period of its last bar, when that is near enough; else with the
//! first trade of the period that the newest trade lies in. The time that counts is the
//! trades' own: this machine's clock may be wrong.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::{
    domain::{
        ladder::{Checkpoint, Ladder, Rules, SeriesState},
        row::{BarRow, GapRow, GapState, Series},
        symbol::Symbol,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::source::SourceError,
    journal::JournalError,
    store::sink::StoreError,
};

use super::{
    event::Event,
    pipe::{Beginning, Pipe},
    session::Context,
    settings::micros,
};

/// Why a symbol cannot start yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("find out where to start: {0}")]
    Panicked(tokio::task::JoinError),
    #[error("find a first trade: {0} has never been traded")]
    NeverTraded(Symbol),
}

/// A pipe ready to run, and what is to be told about it.
pub(super) struct Started {
    pub pipe: Pipe,
    pub events: Vec<Event>,
}

/// Finds out where the series of `symbol` start.
pub(super) async fn start(context: &Context, symbol: &Symbol) -> Result<Started, StartError> {
    let settings = &context.settings;
    let rules = Rules {
        anchor: settings.anchor,
        gate: true,
    };
    let mut events = Vec::new();
    let text = context
        .journal
        .checkpoint(&context.exchange, symbol, settings.anchor)
        .await?;
    let known = match text.map(|text| Checkpoint::from_json(&text, rules)) {
        Some(Ok(checkpoint)) => checkpoint.series,
        Some(Err(error)) => {
            let reason = error.to_string();
            events.push(Event::CheckpointUnusable {
                symbol: symbol.clone(),
                reason,
            });
            Vec::new()
        }
        None => Vec::new(),
    };
    let (wanted, dormant): (Vec<SeriesState>, Vec<SeriesState>) = known
        .into_iter()
        .partition(|state| settings.thresholds.contains(&state.threshold));
    let fresh: Vec<Threshold> = settings
        .thresholds
        .iter()
        .copied()
        .filter(|threshold| wanted.iter().all(|state| state.threshold != *threshold))
        .collect();

    let mut ladder = Ladder::new(rules);
    if let Some(next_id) = wanted.iter().map(|state| state.last.id + 1).min() {
        events.push(Event::Resumed {
            symbol: symbol.clone(),
            next_id,
        });
    }
    for state in wanted {
        ladder.resume(state);
    }
    let mut gaps = Vec::new();
    if !fresh.is_empty() {
        let mut first_starts = FirstStarts::find(context, symbol).await?;
        let stored = join_all(fresh.iter().map(|&threshold| async move {
            let series = Series {
                exchange: Arc::clone(&context.exchange),
                symbol: symbol.clone(),
                threshold,
                anchor: settings.anchor,
            };
            context.store.last_bar(&series).await
        }));
        for (threshold, stored) in fresh.iter().copied().zip(stored.await) {
            let place = first_starts.of(context, threshold, stored?).await?;
            ladder.start(threshold, place.first_id);
            events.extend(place.hole.as_ref().map(|(_, event)| event.clone()));
            gaps.extend(place.hole.map(|(gap, _)| gap));
            note_start(
                &mut events,
                symbol,
                threshold,
                place.first_id,
                place.because,
            );
        }
    }
    let next_id = ladder.next_id().unwrap_or_default();
    let beginning = Beginning {
        symbol: symbol.clone(),
        exchange: Arc::clone(&context.exchange),
        anchor: settings.anchor,
        ladder,
        next_id,
        thresholds: settings.thresholds.clone(),
        dormant,
        gaps,
        record_trades: settings.record_trades,
    };
    let pipe = Pipe::new(beginning, &settings.limits, context.clock.steady_us());
    Ok(Started { pipe, events })
}

/// Thresholds that start at the same place share one event.
fn note_start(
    events: &mut Vec<Event>,
    symbol: &Symbol,
    threshold: Threshold,
    first_id: i64,
    because: &'static str,
) {
    for event in events.iter_mut() {
        if let Event::Started {
            thresholds,
            first_id: known_id,
            because: known,
            ..
        } = event
            && *known_id == first_id
            && *known == because
        {
            thresholds.push(threshold);
            return;
        }
    }
    let thresholds = vec![threshold];
    events.push(Event::Started {
        symbol: symbol.clone(),
        thresholds,
        first_id,
        because,
    });
}

/// Where a series without a checkpoint starts.
struct Place {
    first_id: i64,
    because: &'static str,
    hole: Option<(GapRow, Event)>,
}

/// What the first starts of one symbol have in common.
struct FirstStarts<'a> {
    symbol: &'a Symbol,
    newest: Trade,
    /// First trades of periods that were asked for, by the period's start.
    firsts: Vec<(i64, Trade)>,
}

impl<'a> FirstStarts<'a> {
    async fn find(context: &Context, symbol: &'a Symbol) -> Result<Self, StartError> {
        let newest = context.source.latest(symbol).await?;
        let newest = newest.ok_or_else(|| StartError::NeverTraded(symbol.clone()))?;
        Ok(Self {
            symbol,
            newest,
            firsts: Vec::new(),
        })
    }

    async fn first_since(&mut self, context: &Context, time_us: i64) -> Result<Trade, StartError> {
        if let Some((_, trade)) = self.firsts.iter().find(|(known, _)| *known == time_us) {
            return Ok(*trade);
        }
        let first = context.source.first_since(self.symbol, time_us).await?;
        let first = first.unwrap_or(self.newest);
        self.firsts.push((time_us, first));
        Ok(first)
    }

    async fn of(
        &mut self,
        context: &Context,
        threshold: Threshold,
        stored: Option<BarRow>,
    ) -> Result<Place, StartError> {
        let anchor = context.settings.anchor;
        let current = anchor.period(self.newest.time_us);
        let first = self.first_since(context, current.start_us).await?;
        let Some(stored) = stored else {
            let because = "the first trade of the current period";
            return Ok(Place {
                first_id: first.id,
                because,
                hole: None,
            });
        };
        let bar = &stored.bar;
        let reach_us = micros(context.settings.limits.resume_reach);
        if self.newest.time_us - bar.close_time_us <= reach_us {
            let period = anchor.period(bar.open_time_us);
            let first = self.first_since(context, period.start_us).await?;
            let because = "the first trade of the period that the stored bars end in";
            return Ok(Place {
                first_id: first.id.min(bar.first_agg_trade_id),
                because,
                hole: None,
            });
        }
        let (first_id, last_id) = (bar.last_agg_trade_id + 1, first.id - 1);
        let because = "the first trade of the current period; the stored bars end too long ago";
        if last_id < first_id {
            return Ok(Place {
                first_id: first.id,
                because,
                hole: None,
            });
        }
        let gap = GapRow {
            exchange: Arc::clone(&context.exchange),
            symbol: self.symbol.clone(),
            first_id,
            last_id,
            found_at_us: context.clock.wall_us(),
            cause: format!("no checkpoint, and the stored bars of {threshold} dbps end before"),
            state: GapState::Open,
            proof: String::new(),
            version: 0,
        };
        let since = jiff::Timestamp::from_microsecond(bar.close_time_us)
            .map_or_else(|_| "the last bar".to_owned(), |time| time.to_string());
        let remedy = format!(
            "streamkit backfill {} -t {threshold} --from {since}",
            self.symbol
        );
        let event = Event::HoleLeft {
            symbol: self.symbol.clone(),
            first_id,
            last_id,
            remedy,
        };
        Ok(Place {
            first_id: first.id,
            because,
            hole: Some((gap, event)),
        })
    }
}
