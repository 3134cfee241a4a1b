//! Checking what a store holds against what bars have to be.
//!
//! Bars are streamed: what is kept is the last bar of the current series, sums per
//! period, and what was found.

use std::collections::BTreeMap;

use crate::{
    domain::{
        anchor::{Anchor, DAY_US},
        row::{ExchangeName, GapState, Series, UnreadableRow},
        symbol::Symbol,
        threshold::Threshold,
        tiling::{Disagreement, Finding, IdRange, LeftOut, Periods},
    },
    store::sink::{BarQuery, GapQuery, SealQuery, Store},
};

mod audit;
pub mod seals;

use audit::Audit;
pub use seals::{PeriodSeal, SealState, stored_seals};

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
    /// Every closed period with its seal, or why it has none, by exchange, symbol, anchor and
    /// time.
    pub seals: Vec<PeriodSeal>,
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
    /// What all thresholds cover, period by period.
    pub all: Periods,
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
        let seals = self.seals.iter().filter(|seal| seal.state.is_damage());
        in_series + in_periods + seals.count() + self.missing.len() + self.unreadable.len()
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
        let ids = gap.ids();
        absent
            .entry((gap.exchange, gap.symbol))
            .or_default()
            .push(ids);
    }
    let absent = absent
        .into_iter()
        .map(|(tape, ids)| (tape, ids.into_iter().collect()))
        .collect();
    // Seals come first: one that is made meanwhile is not held against older bars.
    let seal_query = SealQuery {
        exchange: request.exchange.clone(),
        symbols: request.symbols.clone(),
        anchor: request.anchor,
        since_us: request.first_period_us(),
        until_us: None,
    };
    let sealed = stored_seals(store, &seal_query).await?;
    let versions = seals::versions(&sealed);
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
    let unreadable = unreadable.into_iter().filter_map(Result::err).collect();
    let mut audit = Audit::new(absent, unreadable, request.since_us);
    store
        .stored_bars(&query, &mut |read| {
            read.into_iter().try_for_each(|bar| audit.take(&bar))
        })
        .await?;
    audit.end_series();
    audit.look_again(store).await?;
    let mut verified = audit.finish();
    verified.compare_seals(sealed, request);
    if verified.seals.iter().any(|seal| seal.state.is_damage()) {
        let now = stored_seals(store, &seal_query).await?;
        verified.forget_rewritten(&versions, &now);
    }
    verified.missing = missing(request, &verified.series);
    Ok(verified)
}

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

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
