//! Where each series of a symbol starts.
//!
//! From its checkpoint, if there is one that is not too far behind those of the other
//! series. Else, if the store already has bars of the series, with the period of its last
//! bar, when that is near enough; else with the first trade of the period that the newest
//! trade lies in. What can go on from a checkpoint does not wait for what cannot be found
//! out yet. The time that counts is the
//! trades' own: this machine's clock may be wrong.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::{
    domain::{
        ladder::{Checkpoint, Ladder, Rules, SeriesState},
        micros::micros,
        row::{BarRow, GapRow, GapState, Series},
        symbol::Symbol,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::source::{Source, SourceError},
    journal::JournalError,
    store::sink::StoreError,
};

use super::{
    event::Event,
    pipe::{Beginning, Pipe},
    session::Context,
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
    #[error("find a first trade: the last rows of {symbol}, up to the id {id}, are no trades")]
    NoTrades { symbol: Symbol, id: i64 },
    #[error("find a first trade: the exchange shows none of {symbol} since {since}, but id {id}")]
    NoneSince {
        symbol: Symbol,
        since: String,
        id: i64,
    },
}

/// A pipe ready to run, and what is to be told about it.
pub(super) struct Started {
    pub pipe: Pipe,
    pub events: Vec<Event>,
    /// The series that cannot start yet.
    pub delayed: Option<Delayed>,
}

/// Series that cannot start yet, though others of their symbol can.
pub(super) struct Delayed {
    pub thresholds: Vec<Threshold>,
    pub error: StartError,
    /// What their old checkpoints hold, where there are any.
    ended: Vec<Ended>,
}

/// How far a series had come that was not collected for too long.
#[derive(Debug, Clone, Copy)]
struct Ended {
    threshold: Threshold,
    /// The first id that is in no stored bar.
    next_id: i64,
    time_us: i64,
}

/// The series of a symbol, by where they can start.
struct Sorted {
    /// They go on after their checkpoint.
    wanted: Vec<SeriesState>,
    /// They are not wanted now, or were not for so long that they begin anew.
    dormant: Vec<SeriesState>,
    /// They begin anew.
    fresh: Vec<Threshold>,
    ended: Vec<Ended>,
}

/// Sorts the series of a checkpoint. One that lags too far behind the others was not
/// collected meanwhile, and is no reason to fetch all that time again.
fn sort(known: Vec<SeriesState>, thresholds: &[Threshold], reach_us: i64) -> Sorted {
    let newest_us = known.iter().map(|state| state.last.time_us).max();
    let mut sorted = Sorted {
        wanted: Vec::new(),
        dormant: Vec::new(),
        fresh: Vec::new(),
        ended: Vec::new(),
    };
    for state in known {
        let lag_us = newest_us.map_or(0, |newest_us| newest_us - state.last.time_us);
        let is_asked_for = thresholds.contains(&state.threshold);
        if is_asked_for && lag_us <= reach_us {
            sorted.wanted.push(state);
            continue;
        }
        if is_asked_for {
            let opened = state.open.as_ref();
            sorted.ended.push(Ended {
                threshold: state.threshold,
                next_id: opened.map_or(state.last.id + 1, |open| open.opened.first_agg_trade_id),
                time_us: state.last.time_us,
            });
        }
        sorted.dormant.push(state);
    }
    let is_wanted = |threshold: &Threshold| {
        let mut wanted = sorted.wanted.iter();
        wanted.any(|state| state.threshold == *threshold)
    };
    let fresh = thresholds.iter().copied();
    sorted.fresh = fresh.filter(|threshold| !is_wanted(threshold)).collect();
    sorted
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
    let reach_us = micros(settings.limits.resume_reach);
    let sorted = sort(known, &settings.thresholds, reach_us);
    let is_resumed = !sorted.wanted.is_empty();

    let mut ladder = Ladder::new(rules);
    let mut last_fill_id = None;
    let resumed = sorted.wanted.iter().min_by_key(|state| state.last.id);
    if let Some(state) = resumed {
        last_fill_id = Some(state.last.last_trade_id);
        events.push(Event::Resumed {
            symbol: symbol.clone(),
            next_id: state.last.id + 1,
        });
    }
    for state in sorted.wanted {
        ladder.resume(state);
    }
    let (mut gaps, mut delayed) = (Vec::new(), None);
    match places(context, symbol, &sorted.fresh, &sorted.ended).await {
        Ok(places) => {
            for (threshold, place) in places {
                if ladder
                    .next_id()
                    .is_none_or(|next_id| place.first_id < next_id)
                {
                    last_fill_id = None;
                }
                ladder.start(threshold, place.first_id);
                events.extend(place.hole.as_ref().map(|(_, event)| event.clone()));
                gaps.extend(place.hole.map(|(gap, _)| gap));
                let (first_id, because) = (place.first_id, place.because);
                note_start(&mut events, symbol, threshold, first_id, because);
            }
        }
        // The others need not wait for them.
        Err(error) if is_resumed => {
            delayed = Some(Delayed {
                thresholds: sorted.fresh,
                error,
                ended: sorted.ended,
            });
        }
        Err(error) => return Err(error),
    }
    let next_id = ladder.next_id().unwrap_or_default();
    let beginning = Beginning {
        symbol: symbol.clone(),
        exchange: Arc::clone(&context.exchange),
        anchor: settings.anchor,
        ladder,
        next_id,
        last_fill_id,
        thresholds: settings.thresholds.clone(),
        dormant: sorted.dormant,
        gaps,
        record_trades: settings.record_trades,
    };
    let pipe = Pipe::new(beginning, &settings.limits, context.clock.steady_us());
    Ok(Started {
        pipe,
        events,
        delayed,
    })
}

/// Looks whether series that could not start can now.
pub(super) async fn look(
    context: &Context,
    symbol: &Symbol,
    delayed: Delayed,
) -> Result<(), Delayed> {
    match places(context, symbol, &delayed.thresholds, &delayed.ended).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Delayed { error, ..delayed }),
    }
}

/// Where series without a checkpoint start.
async fn places(
    context: &Context,
    symbol: &Symbol,
    fresh: &[Threshold],
    ended: &[Ended],
) -> Result<Vec<(Threshold, Place)>, StartError> {
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let mut first_starts = FirstStarts::find(context, symbol).await?;
    let stored = join_all(fresh.iter().map(|&threshold| async move {
        let series = Series {
            exchange: Arc::clone(&context.exchange),
            symbol: symbol.clone(),
            threshold,
            anchor: context.settings.anchor,
        };
        context.store.last_bar(&series).await
    }));
    let mut places = Vec::with_capacity(fresh.len());
    for (&threshold, stored) in fresh.iter().zip(stored.await) {
        let ended = ended.iter().find(|ended| ended.threshold == threshold);
        let place = first_starts.of(context, threshold, stored?, ended).await?;
        places.push((threshold, place));
    }
    Ok(places)
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
        let newest = newest.trade.ok_or_else(|| StartError::NoTrades {
            symbol: symbol.clone(),
            id: newest.id,
        })?;
        Ok(Self {
            symbol,
            newest,
            firsts: Vec::new(),
        })
    }

    /// The first trade of a period. An answer without one proves nothing, not even that the
    /// newest trade is the first: a series that began there would have other bars than every
    /// other collector's, and nobody could tell.
    async fn first_since(
        &mut self,
        source: &dyn Source,
        time_us: i64,
    ) -> Result<Trade, StartError> {
        if let Some((_, trade)) = self.firsts.iter().find(|(known, _)| *known == time_us) {
            return Ok(*trade);
        }
        let first = source.first_since(self.symbol, time_us).await?;
        let first = first.ok_or_else(|| StartError::NoneSince {
            symbol: self.symbol.clone(),
            since: time_text(time_us),
            id: self.newest.id,
        })?;
        self.firsts.push((time_us, first));
        Ok(first)
    }

    async fn of(
        &mut self,
        context: &Context,
        threshold: Threshold,
        stored: Option<BarRow>,
        ended: Option<&Ended>,
    ) -> Result<Place, StartError> {
        let anchor = context.settings.anchor;
        let reach_us = micros(context.settings.limits.resume_reach);
        if let Some(BarRow { bar, .. }) = &stored
            && self.newest.time_us - bar.close_time_us <= reach_us
        {
            let period = anchor.period(bar.open_time_us);
            let first = self.first_since(&*context.source, period.start_us).await?;
            return Ok(Place {
                first_id: first.id.min(bar.first_agg_trade_id),
                because: "the first trade of the period that the stored bars end in",
                hole: None,
            });
        }
        let current = anchor.period(self.newest.time_us);
        let first = self.first_since(&*context.source, current.start_us).await?;
        // Where the series ends that begins anew here: what the store has counts, and what
        // was taken but never delivered.
        let stored = stored.map(|row| (row.bar.last_agg_trade_id + 1, row.bar.close_time_us));
        let ended = ended.map(|ended| (ended.next_id, ended.time_us));
        let Some((next_id, time_us)) = stored.max(ended) else {
            return Ok(Place {
                first_id: first.id,
                because: "the first trade of the current period",
                hole: None,
            });
        };
        let hole = (next_id < first.id).then(|| {
            let ids = (next_id, first.id - 1);
            self.hole(context, threshold, ids, time_us)
        });
        Ok(Place {
            first_id: first.id,
            because: "the first trade of the current period; the stored bars end too long ago",
            hole,
        })
    }

    /// A hole that only a backfill can mend.
    fn hole(
        &self,
        context: &Context,
        threshold: Threshold,
        (first_id, last_id): (i64, i64),
        time_us: i64,
    ) -> (GapRow, Event) {
        let gap = GapRow {
            exchange: Arc::clone(&context.exchange),
            symbol: self.symbol.clone(),
            first_id,
            last_id,
            found_at_us: context.clock.wall_us(),
            cause: format!("the bars of {threshold} dbps end before, too long ago to go on"),
            state: GapState::Open,
            proof: String::new(),
            version: 0,
        };
        let remedy = format!(
            "streamkit backfill {} -t {threshold} --from {}",
            self.symbol,
            time_text(time_us)
        );
        let event = Event::HoleLeft {
            symbol: self.symbol.clone(),
            first_id,
            last_id,
            remedy,
        };
        (gap, event)
    }
}

fn time_text(time_us: i64) -> String {
    jiff::Timestamp::from_microsecond(time_us)
        .map_or_else(|_| "the last bar".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests;
