//! What a backfill does, step by step, and what it came to. `schema/backfill.schema.json`
//! describes the lines of JSON.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::live::told;
use crate::{
    app::backfill::{
        board::{Shown, Stage},
        event::{Emit, Event, Written},
        feed::FeedEvent,
        plan::{Plan, Task},
        run::Finished,
    },
    domain::{
        anchor::{Anchor, Period},
        symbol::Symbol,
        threshold::Threshold,
        words::{list, span},
    },
    report::{
        OutputError, Printer,
        seals::period_text,
        table::{Column, Table, grouped},
        words::counted,
    },
};

/// The thresholds that are left alone, each with how much longer in µs.
pub type Resting = Vec<(Symbol, BTreeMap<Threshold, i64>)>;

/// Tells of each step: in the log, or as a line of JSON.
#[must_use]
pub fn events(printer: Printer, is_json: bool) -> Emit {
    Arc::new(move |symbol, event| {
        if is_json {
            let line = event_json(symbol, &event);
            // Nobody is left to tell when this fails; the work goes on.
            let _ = line.map(|line| printer.line(line).and_then(|()| printer.flush()));
        } else {
            log(symbol, &event);
        }
    })
}

/// The first day of a period, by which it is named.
pub(super) fn day(period: Period) -> String {
    period_text(Anchor::Day, period.start_us)
}

fn log(symbol: &Symbol, event: &Event) {
    match event {
        Event::Planned(plan) => tracing::info!("{symbol}: {}", planned(plan)),
        Event::PeriodBegun {
            period,
            first_id,
            last_id,
        } => tracing::debug!(
            "{symbol} {}: reading from id {first_id} to {last_id} at most",
            day(*period)
        ),
        Event::PeriodWritten { period, written } => {
            let mut all = Written::default();
            written.values().for_each(|of| all.add(of));
            tracing::info!("{symbol} {}: {}", day(*period), done(&all));
        }
        Event::Feed(event) => match event {
            FeedEvent::Waiting { .. }
            | FeedEvent::ArchiveBroken { .. }
            | FeedEvent::Absent { .. } => {
                tracing::warn!("{symbol}: {event}");
            }
            FeedEvent::ArchiveFetched { failures, .. } if !failures.is_empty() => {
                tracing::warn!("{symbol}: {event}");
            }
            FeedEvent::ArchiveFetching { .. } => tracing::trace!("{symbol}: {event}"),
            FeedEvent::ArchiveFetched { .. } | FeedEvent::ArchiveAbsent { .. } => {
                tracing::debug!("{symbol}: {event}");
            }
        },
        Event::StoreFailed { reason, retry_in } => tracing::warn!(
            "{symbol}: failed to {reason}; trying again in {}",
            humantime::format_duration(Duration::from_millis(
                u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX)
            ))
        ),
        Event::Progress { shown, elapsed } => {
            tracing::info!("{symbol}: {}", told(shown, *elapsed));
        }
        Event::Sealed { period } => tracing::info!("{symbol} {}: sealed", day(*period)),
        Event::NotSealed { period, reason } => {
            tracing::warn!("{symbol} {}: not sealed: {reason}", day(*period));
        }
    }
}

/// What is to be done, in one line.
fn planned(plan: &Plan) -> String {
    let count = |is: &dyn Fn(&Task) -> bool| {
        plan.periods
            .iter()
            .filter(|planned| is(&planned.task))
            .count()
    };
    let periods = match plan.wish.anchor {
        Anchor::Month => "month",
        _ => "day",
    };
    let sealed = count(&|task| matches!(task, Task::Sealed { .. }));
    let right = count(&|task| matches!(task, Task::Right { .. } | Task::Empty));
    let to_read = plan.readings().count();
    if to_read == 0 {
        let all = counted(plan.periods.len() as u64, periods);
        return format!("nothing is missing in {all}, {sealed} of them sealed");
    }
    format!(
        "{} to read, with {} or more; {sealed} sealed, {right} right",
        counted(to_read as u64, periods),
        counted(plan.trades(), "trade"),
    )
}

/// What was written, in words.
fn done(written: &Written) -> String {
    let parts = [
        (written.added, "added"),
        (written.replaced, "replaced"),
        (written.removed, "removed"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(count)))
        .collect();
    let kept = format!("{} kept", grouped(written.kept));
    if parts.is_empty() {
        format!("no bar had to be written, {kept}")
    } else {
        format!("bars {}, {kept}", parts.join(", "))
    }
}

fn written_json(written: &BTreeMap<Threshold, Written>) -> Value {
    let each = written.iter().map(|(threshold, of)| {
        json!({
            "threshold_decimal_bps": threshold.dbps(),
            "added": of.added,
            "replaced": of.replaced,
            "removed": of.removed,
            "kept": of.kept,
            "unknown": of.unknown,
        })
    });
    each.collect()
}

pub(super) fn event_json(of: &Symbol, event: &Event) -> Option<Value> {
    let symbol = of.as_str();
    Some(match event {
        Event::Planned(plan) => json!({
            "event": "planned",
            "symbol": symbol,
            "thresholds": plan.wish.thresholds.iter().map(|t| t.dbps()).collect::<Vec<_>>(),
            "anchor": plan.wish.anchor.as_str(),
            "periods": plan.periods.len(),
            "periods_to_read": plan.readings().count(),
            "trades": plan.trades(),
        }),
        Event::PeriodBegun {
            period,
            first_id,
            last_id,
        } => json!({
            "event": "period_begun",
            "symbol": symbol,
            "period": day(*period),
            "first_id": first_id,
            "last_id": last_id,
        }),
        Event::PeriodWritten { period, written } => json!({
            "event": "period_written",
            "symbol": symbol,
            "period": day(*period),
            "thresholds": written_json(written),
        }),
        // A line for every piece of a download would drown the others.
        Event::Feed(FeedEvent::ArchiveFetching { .. }) => return None,
        Event::Feed(event) => json!({
            "event": event.code(),
            "symbol": symbol,
            "text": event.to_string(),
        }),
        Event::StoreFailed { reason, retry_in } => json!({
            "event": "store.failed",
            "symbol": symbol,
            "text": format!("failed to {reason}"),
            "retry_in_ms": u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX),
        }),
        Event::Progress { shown, elapsed } => {
            return Some(progress_json(of, shown, *elapsed));
        }
        Event::Sealed { period } => json!({
            "event": "sealed",
            "symbol": symbol,
            "period": day(*period),
        }),
        Event::NotSealed { period, reason } => json!({
            "event": "not_sealed",
            "symbol": symbol,
            "period": day(*period),
            "code": reason.code(),
            "text": reason.to_string(),
        }),
    })
}

/// How far a symbol is after so long, as a line of JSON.
pub(super) fn progress_json(symbol: &Symbol, shown: &Shown, elapsed: Duration) -> Value {
    let stage = match shown.stage {
        Stage::Waiting => "planning",
        Stage::Reading => "reading",
        Stage::Sealing => "sealing",
        Stage::Over => "over",
    };
    let remaining_ms = shown
        .remaining(elapsed)
        .map(|remaining| u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX));
    json!({
        "event": "progress",
        "symbol": symbol.as_str(),
        "stage": stage,
        "period": shown.period.map(day),
        "trades_done": shown.trades_done,
        "trades_total": shown.trades_total,
        "trades_per_s": shown.rate(elapsed).round(),
        "remaining_ms": remaining_ms,
        "last_id": shown.last_id,
        "thresholds": written_json(&shown.written),
    })
}

/// Prints what a run came to.
///
/// # Errors
/// When it cannot be printed.
pub fn finished(
    printer: &Printer,
    finished: &[Finished],
    resting: &Resting,
    is_json: bool,
) -> Result<(), OutputError> {
    if is_json {
        for (symbol, thresholds) in resting {
            printer.line(skipped_json(symbol, thresholds))?;
        }
        for of in finished {
            printer.line(finished_json(of))?;
        }
        return printer.flush();
    }
    for (symbol, thresholds) in resting {
        let longest_us = thresholds.values().copied().max().unwrap_or(0);
        let dbps: Vec<_> = thresholds.keys().collect();
        printer.tell(format!(
            "{symbol} {} dbps: skipped, completed a moment ago; left alone for {}",
            list(&dbps),
            span(longest_us)
        ));
    }
    if finished.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(vec![
        Column::words("SYMBOL"),
        Column::number("DBPS"),
        Column::number("ADDED"),
        Column::number("REPLACED"),
        Column::number("REMOVED"),
        Column::number("KEPT"),
        Column::number("TRADES READ").ranked(2),
        Column::number("SEALED").ranked(1),
        Column::words("STATE"),
    ]);
    for of in finished {
        let mut trades = grouped(of.shown.trades_done);
        let mut sealed = of.seals.sealed.to_string();
        let mut symbol = of.symbol.to_string();
        for (threshold, written) in &of.shown.written {
            table.push(vec![
                std::mem::take(&mut symbol),
                threshold.to_string(),
                grouped(written.added),
                grouped(written.replaced),
                grouped(written.removed),
                grouped(written.kept),
                std::mem::take(&mut trades),
                std::mem::take(&mut sealed),
                state(of).to_owned(),
            ]);
        }
    }
    for line in table.lines(printer.width()) {
        printer.line(line)?;
    }
    for of in finished {
        // That of one symbol is what the program ends with.
        if let Some(Err(error)) = &of.result
            && finished.len() > 1
        {
            printer.tell(format!("{}: failed to {error}", of.symbol));
        }
        for (start_us, reason) in &of.seals.refused {
            let period = Period {
                start_us: *start_us,
                end_us: *start_us,
            };
            printer.tell(format!(
                "{} {}: not sealed: {reason}",
                of.symbol,
                day(period)
            ));
        }
    }
    printer.flush()
}

const fn state(finished: &Finished) -> &'static str {
    match finished.result {
        Some(Ok(())) => "complete",
        Some(Err(_)) => "failed",
        None => "interrupted",
    }
}

pub(super) fn finished_json(finished: &Finished) -> Value {
    let error = match &finished.result {
        Some(Err(error)) => Some(format!("failed to {error}")),
        _ => None,
    };
    let refused = finished.seals.refused.iter().map(|(start_us, reason)| {
        let period = Period {
            start_us: *start_us,
            end_us: *start_us,
        };
        json!({"period": day(period), "code": reason.code(), "text": reason.to_string()})
    });
    json!({
        "event": "finished",
        "symbol": finished.symbol.as_str(),
        "state": state(finished),
        "error": error,
        "trades_done": finished.shown.trades_done,
        "sealed": finished.seals.sealed,
        "not_sealed": refused.collect::<Vec<_>>(),
        "thresholds": written_json(&finished.shown.written),
    })
}

pub(super) fn skipped_json(symbol: &Symbol, thresholds: &BTreeMap<Threshold, i64>) -> Value {
    let each = thresholds.iter().map(|(threshold, remaining_us)| {
        json!({"threshold_decimal_bps": threshold.dbps(), "remaining_ms": remaining_us / 1000})
    });
    json!({
        "event": "skipped",
        "symbol": symbol.as_str(),
        "reason": "cooldown",
        "thresholds": each.collect::<Vec<_>>(),
    })
}
