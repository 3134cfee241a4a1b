//! One symbol's backfill, in turns.
//!
//! All thresholds of a symbol are one ladder: they are always at the same trade. The bars of
//! a period are kept until all its trades have come, and only then compared and written, so
//! that a source that breaks in the middle leaves nothing half-done.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    app::clock::Clock,
    domain::{
        anchor::Period,
        ladder::OutOfOrder,
        rewrite::rewrite,
        row::{BarRow, ExchangeName, GapRow, GapState, Series},
        symbol::Symbol,
        tiling::{IdRange, IdRanges},
        trade::Trade,
    },
    store::sink::{Store, StoreError},
};

use super::{
    board::SymbolBoard,
    event::{Event, Written},
    feed::{Fed, Feed, FeedEmit, FeedError, FeedEvent, SourceKind, Sources, Stretch},
    lanes::Lanes,
    plan::{Plan, Reading, Wish},
    stored::{Needed, StoredPeriod, absent_ids, gaps, stored_thresholds},
    writer::Writer,
};

/// Why a symbol could not be finished. What was written until then stays.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Its trades could not be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The store failed for too long, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store could not be read.
    #[error(transparent)]
    Unreadable(#[from] anyhow::Error),
    /// A source handed over what does not follow.
    #[error("build bars of {symbol}: {cause}")]
    OutOfOrder {
        /// The symbol.
        symbol: String,
        /// What does not follow.
        cause: OutOfOrder,
    },
}

/// What all jobs of a run share.
#[derive(Clone)]
pub struct Shared {
    /// The exchange's name in the store.
    pub exchange: ExchangeName,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Where trades come from.
    pub sources: Sources,
    /// What time it is.
    pub clock: Clock,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// There is more to do.
    More,
    /// Every bar is written.
    Done,
}

/// One symbol's backfill.
pub struct Job {
    shared: Shared,
    wish: Wish,
    waiting: VecDeque<(Period, Reading)>,
    current: Option<Current>,
    /// The ids that the bars of all wanted thresholds hold, as far as is known.
    right: Vec<IdRange>,
    writer: Writer,
    board: SymbolBoard,
}

impl Job {
    /// The work that `plan` names.
    #[must_use]
    pub fn new(shared: Shared, plan: &Plan, writer: Writer, board: SymbolBoard) -> Self {
        let waiting = plan.readings();
        Self {
            shared,
            wish: plan.wish.clone(),
            waiting: waiting
                .map(|(period, reading)| (period, reading.clone()))
                .collect(),
            current: None,
            right: plan.right().collect(),
            writer,
            board,
        }
    }

    /// Goes on until about `allowance` trades were read. Returns how many it were.
    ///
    /// # Errors
    /// When the symbol cannot be finished. It must not be gone on with.
    pub async fn turn(&mut self, allowance: u64) -> (u64, Result<Turned, JobError>) {
        let mut used = 0;
        let turned = self.work(allowance, &mut used).await;
        (used, turned)
    }

    async fn work(&mut self, allowance: u64, used: &mut u64) -> Result<Turned, JobError> {
        while *used < allowance {
            let mut current = match self.current.take() {
                Some(current) => current,
                None => match self.waiting.pop_front() {
                    Some((period, reading)) => self.begin(period, reading, false).await?,
                    None => break,
                },
            };
            let is_over = match current.read(&self.wish, &self.board, used).await {
                Err(JobError::Feed(FeedError::Untrustworthy(error))) => {
                    self.board.tell(Event::Feed(FeedEvent::ArchiveBroken {
                        reason: error.to_string(),
                    }));
                    let again = self.begin(current.period, current.reading, true).await?;
                    self.current = Some(again);
                    continue;
                }
                read => read?,
            };
            if is_over {
                self.finish(current).await?;
            } else {
                self.current = Some(current);
            }
        }
        if self.current.is_some() || !self.waiting.is_empty() {
            return Ok(Turned::More);
        }
        self.repair_gaps().await?;
        Ok(Turned::Done)
    }

    /// Looks at the stored bars again: a live collector may have written since the plan was
    /// made, or an earlier period's bars have been mended.
    async fn begin(
        &mut self,
        period: Period,
        reading: Reading,
        is_by_rest: bool,
    ) -> Result<Current, JobError> {
        let Shared {
            exchange, sources, ..
        } = &self.shared;
        let distrusted: BTreeSet<_> = reading
            .found
            .iter()
            .filter(|(_, found)| found.is_distrusted)
            .map(|(threshold, _)| *threshold)
            .collect();
        let wish = &self.wish;
        let patient = self.writer.store();
        let store = patient.store();
        let read = || StoredPeriod::read(&*store, exchange, wish, period);
        let stored = patient.persist(read).await?;
        let read = || absent_ids(&*store, exchange, &wish.symbol);
        let absent = patient.persist(read).await?;
        let surveys = stored.surveys(&self.wish, reading.ids, &distrusted, &absent);
        let lanes = Lanes::new(&reading, period, &surveys, self.wish.anchor);
        let mut sources = sources.clone();
        if is_by_rest {
            sources.kind = SourceKind::Rest;
        }
        let needed = Needed::of(&surveys, reading.ids, period);
        let last_id = reading.ids.ids.last_id;
        let first_id = needed.map_or(last_id + 1, |needed| needed.span.first_id);
        self.board.begin(period, first_id, last_id);
        let mut current = Current {
            period,
            reading,
            symbol: wish.symbol.clone(),
            sources,
            emit: self.board.feed_events(),
            feed: None,
            needed,
            lanes,
            block: Vec::new(),
            absent: Vec::new(),
        };
        current.open();
        Ok(current)
    }

    /// All trades of a period have come: writes what the store has not, or not so.
    async fn finish(&mut self, mut current: Current) -> Result<(), JobError> {
        current.lanes.end(current.reading.closer.as_ref());
        let Shared {
            exchange, clock, ..
        } = &self.shared;
        let now_us = version(clock.wall_us());
        let mut counts = BTreeMap::new();
        // One threshold after the other, so that no more than the rows of one are held.
        for (threshold, lane) in current.lanes.each() {
            let Some(ids) = lane.ids() else { continue };
            let series = Series {
                exchange: Arc::clone(exchange),
                symbol: self.wish.symbol.clone(),
                threshold: *threshold,
                anchor: self.wish.anchor,
            };
            let only = Wish {
                thresholds: vec![*threshold],
                ..self.wish.clone()
            };
            let patient = self.writer.store();
            let store = patient.store();
            let read = || StoredPeriod::read(&*store, exchange, &only, current.period);
            let stored = patient.persist(read).await?;
            let bars = lane.take_bars();
            let found = rewrite(&series, &bars, stored.bars(*threshold), ids, now_us);
            drop(stored);
            // A seal that does not say what the trades make is none, though no bar may be wrong.
            let vouched = bars.into_iter().next().filter(|_| lane.is_distrusted());
            let vouched = vouched.map(|bar| BarRow {
                exchange: Arc::clone(exchange),
                symbol: self.wish.symbol.clone(),
                anchor: self.wish.anchor,
                bar,
                version: 0,
                is_deleted: false,
            });
            counts.insert(*threshold, Written::from(&found));
            self.writer.write(found).await?;
            self.writer.unseal(vouched.as_slice()).await?;
        }
        let absent = current.absent_rows(exchange, &self.wish, clock.wall_us());
        self.writer.write_gaps(absent).await?;
        self.right
            .extend(current.lanes.covered(current.reading.ids.ids));
        self.board.wrote(current.period, &counts);
        Ok(())
    }

    /// Gaps that were open are repaired once the bars of all thresholds hold their trades, also
    /// of those that nobody asked for now.
    async fn repair_gaps(&mut self) -> Result<(), JobError> {
        let exchange = &self.shared.exchange;
        let (symbol, anchor) = (&self.wish.symbol, self.wish.anchor);
        let patient = self.writer.store();
        let store = patient.store();
        let read = || stored_thresholds(&*store, exchange, symbol, anchor);
        let stored = patient.persist(read).await?;
        let is_wanted = |threshold| self.wish.thresholds.contains(threshold);
        if !stored.iter().all(is_wanted) {
            return Ok(());
        }
        let gaps = patient.persist(|| gaps(&*store, exchange, symbol)).await?;
        let now_us = self.shared.clock.wall_us();
        let right: IdRanges = self.right.iter().copied().collect();
        let is_repaired = |gap: &GapRow| gap.state == GapState::Open && right.contain(gap.ids());
        let repaired = gaps.into_iter().filter(is_repaired);
        let repaired: Vec<_> = repaired
            .map(|gap| GapRow {
                state: GapState::Repaired,
                proof: "backfill has shown that bars hold these ids".to_owned(),
                version: version(now_us).max(gap.version.saturating_add(1)),
                ..gap
            })
            .collect();
        Ok(self.writer.write_gaps(repaired).await?)
    }
}

fn version(now_us: i64) -> u64 {
    u64::try_from(now_us).unwrap_or(0)
}

/// The period that is being read.
struct Current {
    period: Period,
    reading: Reading,
    symbol: Symbol,
    sources: Sources,
    emit: FeedEmit,
    feed: Option<Feed>,
    /// What `feed` brings.
    needed: Option<Needed>,
    lanes: Lanes,
    block: Vec<Trade>,
    absent: Vec<(IdRange, String)>,
}

impl Current {
    fn open(&mut self) {
        self.feed = self.needed.map(|needed| {
            let stretch = Stretch {
                symbol: self.symbol.clone(),
                period: self.period,
                from_us: needed.from_us,
                ids: needed.span,
            };
            self.sources.open(stretch, Arc::clone(&self.emit))
        });
    }

    /// What was thought to be needed has come. Where the good bars behind it do not go on from
    /// what was built, the rest of the period is read, too.
    fn go_on(&mut self) {
        let last_id = self.reading.ids.ids.last_id;
        self.needed = self.needed.and_then(|read| {
            let span = IdRange {
                first_id: read.span.last_id + 1,
                last_id,
            };
            let from_us = self.lanes.last_time_us().unwrap_or(read.from_us);
            (span.first_id <= last_id).then_some(Needed { span, from_us })
        });
        self.open();
    }

    /// Reads one block. Returns whether nothing more has to be read.
    async fn read(
        &mut self,
        wish: &Wish,
        board: &SymbolBoard,
        used: &mut u64,
    ) -> Result<bool, JobError> {
        let Some(feed) = &mut self.feed else {
            return Ok(true);
        };
        let out_of_order = |cause| JobError::OutOfOrder {
            symbol: wish.symbol.to_string(),
            cause,
        };
        match feed.next(&mut self.block).await? {
            Fed::Trades => {
                *used += self.block.len() as u64;
                self.lanes.push(&self.block).map_err(out_of_order)?;
            }
            Fed::Absent { ids, proof } => {
                self.lanes.skip(ids).map_err(out_of_order)?;
                self.absent.push((ids, proof));
            }
            Fed::End => {
                self.go_on();
                return Ok(self.feed.is_none());
            }
        }
        board.read(self.block.len() as u64, self.lanes.last_id());
        // Nobody needs more than where the good bars at the end begin.
        Ok(self.lanes.all_go_on())
    }

    fn absent_rows(&mut self, exchange: &ExchangeName, wish: &Wish, now_us: i64) -> Vec<GapRow> {
        let absent = std::mem::take(&mut self.absent);
        let rows = absent.into_iter().map(|(ids, proof)| GapRow {
            exchange: Arc::clone(exchange),
            symbol: wish.symbol.clone(),
            first_id: ids.first_id,
            last_id: ids.last_id,
            found_at_us: now_us,
            cause: "the exchange has no such trades".to_owned(),
            state: GapState::Absent,
            proof,
            version: version(now_us),
        });
        rows.collect()
    }
}
