//! The check in progress: bars go in, series after series, and findings come out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    domain::{
        anchor::Anchor,
        row::{BarRead, BarRow, ExchangeName, Series, UnreadableRow},
        symbol::Symbol,
        threshold::Threshold,
        tiling::{Finding, IdRange, IdRanges, Periods, Tiling},
    },
    store::sink::{Store, StoreErrorKind},
};

use super::{PeriodsReport, SeriesReport, Span, Verified};

/// The check in progress.
pub(super) struct Audit {
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
    /// A check of bars from `since_us` on, where the trades `absent` do not exist.
    /// `unreadable` is what was found before.
    pub(super) fn new(
        absent: BTreeMap<(ExchangeName, Symbol), IdRanges>,
        unreadable: Vec<UnreadableRow>,
        since_us: Option<i64>,
    ) -> Self {
        Self {
            absent,
            since_us,
            current: None,
            seen: BTreeSet::new(),
            periods: BTreeMap::new(),
            reports: Vec::new(),
            unreadable,
        }
    }

    /// Takes the next bar.
    pub(super) fn take(&mut self, read: &BarRead) -> anyhow::Result<()> {
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
            let Some(series) = series else {
                self.unreadable.extend(read.as_ref().err().cloned());
                return Ok(());
            };
            self.begin(series)?;
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

    /// Ends the series of the last bar.
    pub(super) fn end_series(&mut self) {
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
    pub(super) async fn look_again(&mut self, store: &dyn Store) -> anyhow::Result<()> {
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

    /// What was found.
    pub(super) fn finish(mut self) -> Verified {
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
                all: periods,
            });
        }
        Verified {
            periods: all,
            series: self.reports,
            seals: Vec::new(),
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
