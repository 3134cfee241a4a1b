//! Checking what a store holds against what bars have to be.
//!
//! Bars are streamed: what is kept is the last bar of the current series, sums per
//! period, and what was found.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    domain::{
        anchor::Anchor,
        row::{BarRead, BarRow, ExchangeName, GapState, Series, UnreadableRow},
        symbol::Symbol,
        threshold::Threshold,
        tiling::{Disagreement, Finding, IdRange, IdRanges, LeftOut, Periods, Tiling},
    },
    store::sink::{BarQuery, GapQuery, Store, StoreErrorKind},
};

/// Which bars to check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyRequest {
    /// Of this exchange; of all when none.
    pub exchange: Option<String>,
    /// Of these symbols.
    pub symbols: Vec<Symbol>,
    /// Of these thresholds; of all when empty.
    pub thresholds: Vec<Threshold>,
    /// Of this anchor; of all when none.
    pub anchor: Option<Anchor>,
    /// From the first bar that opened at or after this time (µs) on.
    pub since_us: Option<i64>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verified {
    /// Every series that was checked, by exchange, symbol, anchor and threshold.
    pub series: Vec<SeriesReport>,
    /// The comparison over thresholds, by exchange, symbol and anchor.
    pub periods: Vec<PeriodsReport>,
    /// What was asked for and has no bars.
    pub missing: Vec<MissingBars>,
    /// Rows that cannot be read and belong to no series.
    pub unreadable: Vec<UnreadableRow>,
}

/// What was found in one series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesReport {
    /// The series.
    pub series: Series,
    /// How many bars were checked.
    pub bars: u64,
    /// What they cover; none when none of them can be read.
    pub span: Option<Span>,
    /// What was found, by id.
    pub findings: Vec<Finding>,
}

/// What the bars of a series cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From the first bar's first id to the last bar's last.
    pub ids: IdRange,
    /// When the first of them opened, in µs.
    pub open_time_us: i64,
    /// When the last of them closed, in µs.
    pub close_time_us: i64,
}

/// What comparing the closed periods of all thresholds gave.
#[derive(Debug, Clone, PartialEq)]
pub struct PeriodsReport {
    /// The exchange.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// The anchor.
    pub anchor: Anchor,
    /// How many periods at least two thresholds could be compared in.
    pub compared: u64,
    /// Where they disagree, by time.
    pub disagreements: Vec<Disagreement>,
    /// Which thresholds were not compared in every closed period, and why.
    pub left_out: Vec<LeftOut>,
}

/// Something that was asked for and has no bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingBars {
    /// The symbol.
    pub symbol: Symbol,
    /// The threshold; none when the symbol has no bars at all.
    pub threshold: Option<Threshold>,
}

impl SeriesReport {
    /// How many findings are damage; with `strict`, proven holes are too.
    #[must_use]
    pub fn damage(&self, strict: bool) -> usize {
        self.findings
            .iter()
            .filter(|finding| strict || finding.is_damage())
            .count()
    }
}

impl Verified {
    /// How many findings are damage, bars that are not there included; with `strict`,
    /// holes that the exchange has proven are damage too.
    #[must_use]
    pub fn damage(&self, strict: bool) -> usize {
        let in_series: usize = self.series.iter().map(|report| report.damage(strict)).sum();
        let in_periods: usize = self
            .periods
            .iter()
            .map(|report| report.disagreements.len())
            .sum();
        in_series + in_periods + self.missing.len() + self.unreadable.len()
    }
}

/// Checks the bars that `store` holds.
///
/// # Errors
/// When the store cannot be read.
pub async fn verify(store: &dyn Store, request: &VerifyRequest) -> anyhow::Result<Verified> {
    let gaps = store
        .stored_gaps(&GapQuery {
            exchange: request.exchange.clone(),
            symbols: request.symbols.clone(),
        })
        .await?;
    // What a gap that cannot be read says is nothing.
    let (gaps, unreadable): (Vec<_>, Vec<_>) = gaps.into_iter().partition(Result::is_ok);
    let gaps = gaps.into_iter().flatten();
    let mut absent: BTreeMap<(ExchangeName, Symbol), Vec<IdRange>> = BTreeMap::new();
    for gap in gaps.filter(|gap| gap.state == GapState::Absent) {
        let ids = IdRange {
            first_id: gap.first_id,
            last_id: gap.last_id,
        };
        absent
            .entry((gap.exchange, gap.symbol))
            .or_default()
            .push(ids);
    }
    let absent = absent
        .into_iter()
        .map(|(tape, ids)| (tape, ids.into_iter().collect()))
        .collect();
    let query = BarQuery {
        exchange: request.exchange.clone(),
        symbols: request.symbols.clone(),
        thresholds: request.thresholds.clone(),
        anchor: request.anchor,
        since_us: request
            .since_us
            .map(|since_us| lead_in_us(since_us, request.anchor)),
        until_us: None,
        newest: None,
    };
    let mut audit = Audit::new(absent, request.since_us);
    audit.unreadable = unreadable.into_iter().filter_map(Result::err).collect();
    store
        .stored_bars(&query, &mut |read| {
            read.into_iter().try_for_each(|bar| audit.take(&bar))
        })
        .await?;
    audit.end_series();
    audit.look_again(store).await?;
    let mut verified = audit.finish();
    verified.missing = missing(request, &verified.series);
    Ok(verified)
}

const DAY_US: i64 = 86_400_000_000;

/// Where to start reading, so that the period of `since_us` is read from its very
/// beginning: a day earlier, because a bar that opens with a late trade is dated before
/// the period that it belongs to.
fn lead_in_us(since_us: i64, anchor: Option<Anchor>) -> i64 {
    // A month begins no later than any day of it.
    let anchor = anchor.unwrap_or(Anchor::Month);
    anchor.period(since_us).start_us.saturating_sub(DAY_US)
}

fn missing(request: &VerifyRequest, found: &[SeriesReport]) -> Vec<MissingBars> {
    let mut missing = Vec::new();
    for symbol in &request.symbols {
        let has = |threshold: Option<Threshold>| {
            found.iter().any(|report| {
                report.series.symbol == *symbol
                    && threshold.is_none_or(|threshold| report.series.threshold == threshold)
            })
        };
        if !has(None) {
            missing.push(MissingBars {
                symbol: symbol.clone(),
                threshold: None,
            });
            continue;
        }
        let thresholds = request.thresholds.iter().copied();
        missing.extend(
            thresholds
                .filter(|&threshold| !has(Some(threshold)))
                .map(|threshold| MissingBars {
                    symbol: symbol.clone(),
                    threshold: Some(threshold),
                }),
        );
    }
    missing
}

/// The check in progress.
struct Audit {
    absent: BTreeMap<(ExchangeName, Symbol), IdRanges>,
    since_us: Option<i64>,
    current: Option<Current>,
    seen: BTreeSet<Series>,
    periods: BTreeMap<Group, Periods>,
    reports: Vec<SeriesReport>,
    unreadable: Vec<UnreadableRow>,
}

/// What the thresholds that are compared have in common.
type Group = (ExchangeName, Symbol, Anchor);

/// The series that is being checked.
struct Current {
    series: Series,
    tiling: Tiling,
    /// None until a bar is new enough to be reported.
    report: Option<SeriesReport>,
}

impl Audit {
    fn new(absent: BTreeMap<(ExchangeName, Symbol), IdRanges>, since_us: Option<i64>) -> Self {
        Self {
            absent,
            since_us,
            current: None,
            seen: BTreeSet::new(),
            periods: BTreeMap::new(),
            reports: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    fn take(&mut self, read: &BarRead) -> anyhow::Result<()> {
        let (is_current, series, span) = match read {
            Ok(stored) => {
                let bar = &stored.row.bar;
                let span = Span {
                    ids: IdRange {
                        first_id: bar.first_agg_trade_id,
                        last_id: bar.last_agg_trade_id,
                    },
                    open_time_us: bar.open_time_us,
                    close_time_us: bar.close_time_us,
                };
                let is_current = self.is_current(|series| is_of(&stored.row, series));
                let series = (!is_current).then(|| stored.row.series());
                (is_current, series, Some(span))
            }
            Err(unreadable) => {
                let place = unreadable.place.as_ref();
                let series = place.map(|place| place.series.clone());
                let is_current = self.is_current(|current| Some(current) == series.as_ref());
                (is_current, series, None)
            }
        };
        if !is_current {
            match series {
                Some(series) => self.begin(series)?,
                None => {
                    self.unreadable.extend(read.as_ref().err().cloned());
                    return Ok(());
                }
            }
        }
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let mut findings = Vec::new();
        let open_time_us = match read {
            Ok(stored) => {
                current.tiling.push_stored(stored, &mut findings);
                Some(stored.row.bar.open_time_us)
            }
            Err(unreadable) => {
                current.tiling.push_unreadable(unreadable, &mut findings);
                let place = unreadable.place.as_ref();
                place.and_then(|place| place.open_time_us)
            }
        };
        let is_new_enough = match (self.since_us, open_time_us) {
            (Some(since_us), Some(open_time_us)) => open_time_us >= since_us,
            _ => true,
        };
        if current.report.is_none() && is_new_enough {
            current.report = Some(SeriesReport {
                series: current.series.clone(),
                bars: 0,
                span: None,
                findings: Vec::new(),
            });
        }
        if let Some(report) = &mut current.report {
            report.bars += 1;
            report.findings.append(&mut findings);
            report.span = match (report.span, span) {
                (Some(so_far), Some(more)) => Some(Span {
                    ids: IdRange {
                        first_id: so_far.ids.first_id,
                        last_id: so_far.ids.last_id.max(more.ids.last_id),
                    },
                    close_time_us: more.close_time_us,
                    ..so_far
                }),
                (so_far, more) => more.or(so_far),
            };
        }
        Ok(())
    }

    fn is_current(&self, is: impl FnOnce(&Series) -> bool) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| is(&current.series))
    }

    fn begin(&mut self, series: Series) -> anyhow::Result<()> {
        self.end_series();
        // Bars of a series that come in pieces would look like holes.
        anyhow::ensure!(
            self.seen.insert(series.clone()),
            "read the bars of {} at {} dbps in one piece: the store hands them over in several",
            series.symbol,
            series.threshold
        );
        let tape = (Arc::clone(&series.exchange), series.symbol.clone());
        let absent = self.absent.get(&tape).cloned().unwrap_or_default();
        self.current = Some(Current {
            tiling: Tiling::new(series.anchor, absent),
            series,
            report: None,
        });
        Ok(())
    }

    fn end_series(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        let series = current.series;
        self.reports.extend(current.report);
        let mut coverage = current.tiling.into_coverage();
        if let Some(since_us) = self.since_us {
            let first = series.anchor.period(since_us).start_us;
            coverage.periods.retain(|period| period.start_us >= first);
        }
        self.periods
            .entry((series.exchange, series.symbol, series.anchor))
            .or_default()
            .add(series.threshold, coverage);
    }

    /// Series are read one after the other, and a collector may be writing: what ends early
    /// is asked for its last bar again.
    async fn look_again(&mut self, store: &dyn Store) -> anyhow::Result<()> {
        for ((exchange, symbol, anchor), periods) in &mut self.periods {
            for (threshold, last_id) in periods.ending_early() {
                let series = Series {
                    exchange: Arc::clone(exchange),
                    symbol: symbol.clone(),
                    threshold,
                    anchor: *anchor,
                };
                let last = match store.last_bar(&series).await {
                    Ok(last) => last,
                    // The bar cannot be read, as was found before.
                    Err(error) if error.kind == StoreErrorKind::Configuration => None,
                    Err(error) => return Err(error.into()),
                };
                if last.is_some_and(|last| last.bar.last_agg_trade_id > last_id) {
                    periods.is_growing(threshold);
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Verified {
        self.reports
            .sort_by(|a, b| order(&a.series).cmp(&order(&b.series)));
        let mut all = Vec::new();
        for ((exchange, symbol, anchor), periods) in self.periods {
            let comparison = periods.compare();
            for (threshold, finding) in comparison.edges {
                let wanted = Series {
                    exchange: Arc::clone(&exchange),
                    symbol: symbol.clone(),
                    threshold,
                    anchor,
                };
                let mut reports = self.reports.iter_mut();
                if let Some(report) = reports.find(|report| report.series == wanted) {
                    let place = match finding {
                        Finding::MissingStart { .. } => 0,
                        _ => report.findings.len(),
                    };
                    report.findings.insert(place, finding);
                }
            }
            all.push(PeriodsReport {
                exchange,
                symbol,
                anchor,
                compared: comparison.compared,
                disagreements: comparison.disagreements,
                left_out: comparison.left_out,
            });
        }
        Verified {
            periods: all,
            series: self.reports,
            missing: Vec::new(),
            unreadable: self.unreadable,
        }
    }
}

fn is_of(row: &BarRow, series: &Series) -> bool {
    row.bar.threshold == series.threshold
        && row.anchor == series.anchor
        && row.symbol == series.symbol
        && row.exchange == series.exchange
}

/// The order of the report: what is compared stands together.
fn order(series: &Series) -> (&ExchangeName, &Symbol, Anchor, Threshold) {
    (
        &series.exchange,
        &series.symbol,
        series.anchor,
        series.threshold,
    )
}

#[cfg(test)]
mod tests;
