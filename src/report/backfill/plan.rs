//! What a backfill would do. `schema/backfill-plan.schema.json` describes the JSON.

use serde_json::{Value, json};

use crate::{
    app::backfill::{
        feed::{Sources, Way},
        plan::{Plan, PlannedPeriod, Reading, Task},
    },
    domain::{
        tiling::IdRange,
        words::{list, span},
    },
    report::{
        OutputError, Printer,
        table::{Column, Table, grouped},
    },
};

use super::run::day;

/// How many trades a request for history brings, and what it weighs.
const PAGE_TRADES: u64 = 1000;
const PAGE_WEIGHT: u64 = 4;
/// The speed of a source, for a first estimate: an archive's file of 2 million trades takes some
/// seconds, a page by REST about a tenth of one.
const ARCHIVE_TRADES_PER_S: u64 = 400_000;
const REST_TRADES_PER_S: u64 = 8_000;
/// At most so many holes of a threshold are named.
const HOLES_SHOWN: usize = 3;

/// What one period would cost.
pub(super) struct Cost {
    pub(super) source: &'static str,
    /// Of these trades the archive has no file yet.
    pub(super) rest_trades: u64,
    pub(super) weight: u64,
    pub(super) time_us: i64,
}

fn cost(plan: &Plan, planned: &PlannedPeriod, reading: &Reading, sources: &Sources) -> Cost {
    let trades = reading.span.count();
    let (source, rest_trades) =
        match sources.way(&reading.stretch(&plan.wish.symbol, planned.period)) {
            Way::Files(_) => ("files", 0),
            Way::Archive { until_us, .. } => ("archive", trades_behind(until_us, reading)),
            Way::Rest => ("rest", trades),
        };
    let time_us = |trades: u64, per_s| trades.saturating_mul(1_000_000) / per_s;
    let of_files_us = time_us(trades - rest_trades, ARCHIVE_TRADES_PER_S);
    let all_us = of_files_us.saturating_add(time_us(rest_trades, REST_TRADES_PER_S));
    Cost {
        source,
        rest_trades,
        weight: rest_trades.div_ceil(PAGE_TRADES) * PAGE_WEIGHT,
        time_us: i64::try_from(all_us).unwrap_or(i64::MAX),
    }
}

/// How many trades there are behind the last file of the archive, which ends at this time.
pub(super) fn trades_behind(until_us: i64, reading: &Reading) -> u64 {
    let open_day = reading.open_day.filter(|first| first.time_us >= until_us);
    let behind = open_day.map(|first| IdRange {
        first_id: first.id.max(reading.span.first_id),
        last_id: reading.span.last_id,
    });
    behind.map_or(0, IdRange::count)
}

/// Prints plans.
///
/// # Errors
/// When they cannot be printed.
pub fn plans(
    printer: &Printer,
    plans: &[Plan],
    sources: &Sources,
    is_json: bool,
) -> Result<(), OutputError> {
    if is_json {
        let plans: Vec<_> = plans
            .iter()
            .map(|plan| {
                plan_json(plan, |planned, reading| {
                    cost(plan, planned, reading, sources)
                })
            })
            .collect();
        printer.line(json!({ "plans": plans }))?;
        return printer.flush();
    }
    let mut table = Table::new(vec![
        Column::words("SYMBOL"),
        Column::words("PERIOD"),
        Column::words("STATE"),
        Column::number("TRADES"),
        Column::words("SOURCE"),
        Column::number("WEIGHT").ranked(1),
        Column::words("TIME").ranked(2),
    ]);
    let mut whys = Vec::new();
    for plan in plans {
        for planned in &plan.periods {
            let mut row = vec![
                plan.wish.symbol.to_string(),
                day(planned.period),
                state(&planned.task).to_owned(),
            ];
            if let Task::Read(reading) = &planned.task {
                let cost = cost(plan, planned, reading, sources);
                row.push(grouped(reading.span.count()));
                row.push(match cost.source {
                    "archive" if cost.rest_trades > 0 => "archive, rest".to_owned(),
                    source => source.to_owned(),
                });
                row.push(grouped(cost.weight));
                row.push(rough(cost.time_us));
                whys.extend(why(plan, planned, reading));
            } else {
                row.extend([const { String::new() }; 4]);
            }
            table.push(row);
        }
    }
    for line in table.lines(printer.width()) {
        printer.line(line.trim_end())?;
    }
    for why in whys {
        for line in crate::report::words::wrapped(&why, 0, printer.width()) {
            printer.line(line)?;
        }
    }
    printer.flush()
}

fn rough(time_us: i64) -> String {
    if time_us < 1_000_000 {
        return "< 1s".to_owned();
    }
    let words = span(time_us);
    let words: Vec<&str> = words.split(' ').take(2).collect();
    words.join(" ")
}

fn state(task: &Task) -> &'static str {
    match task {
        Task::Sealed { .. } => "sealed",
        Task::Empty => "no trades",
        Task::Right { ids } if ids.is_over => "right, to be sealed",
        Task::Right { .. } => "right so far",
        Task::Read(reading) if reading.ids.is_over => "to be read",
        Task::Read(_) => "to be read, not over",
    }
}

/// What is missing or wrong, a sentence for each threshold.
fn why(plan: &Plan, planned: &PlannedPeriod, reading: &Reading) -> Vec<String> {
    let name = format!("{} {}", plan.wish.symbol, day(planned.period));
    let mut whys = Vec::new();
    for (threshold, found) in &reading.found {
        let mut parts = Vec::new();
        if found.is_distrusted && !plan.wish.is_rebuild {
            parts.push("its bars are not what the seal or the other thresholds say".to_owned());
        }
        if found.wrong > 0 && !found.is_distrusted {
            parts.push(format!("{} wrong", grouped(found.wrong)));
        }
        if !found.holes.is_empty() {
            parts.push(format!("missing {}", holes(&found.holes)));
        }
        if !parts.is_empty() {
            whys.push(format!("{name}, {threshold} dbps: {}", parts.join("; ")));
        }
    }
    whys
}

fn holes(holes: &[IdRange]) -> String {
    let shown: Vec<_> = holes.iter().take(HOLES_SHOWN).collect();
    let more = holes.len() - shown.len();
    match more {
        0 => list(&shown),
        more => format!("{}, and {more} more holes", list(&shown)),
    }
}

pub(super) fn plan_json(plan: &Plan, cost: impl Fn(&PlannedPeriod, &Reading) -> Cost) -> Value {
    let periods = plan.periods.iter().map(|planned| {
        let mut period = json!({
            "period": day(planned.period),
            "state": code(&planned.task),
        });
        if let Task::Read(reading) = &planned.task {
            let cost = cost(planned, reading);
            period["first_id"] = reading.span.first_id.into();
            period["last_id"] = reading.span.last_id.into();
            period["trades"] = reading.span.count().into();
            period["is_over"] = reading.ids.is_over.into();
            period["source"] = cost.source.into();
            period["weight"] = cost.weight.into();
            period["estimated_ms"] = (cost.time_us / 1000).into();
            let found = reading.found.iter().map(|(threshold, found)| {
                json!({
                    "threshold_decimal_bps": threshold.dbps(),
                    "holes": found.holes,
                    "wrong": found.wrong,
                    "is_distrusted": found.is_distrusted,
                })
            });
            period["thresholds"] = found.collect();
        }
        period
    });
    json!({
        "symbol": plan.wish.symbol.as_str(),
        "anchor": plan.wish.anchor.as_str(),
        "thresholds": plan.wish.thresholds.iter().map(|t| t.dbps()).collect::<Vec<_>>(),
        "trades": plan.trades(),
        "periods": periods.collect::<Vec<_>>(),
    })
}

const fn code(task: &Task) -> &'static str {
    match task {
        Task::Sealed { .. } => "sealed",
        Task::Empty => "empty",
        Task::Right { .. } => "right",
        Task::Read(_) => "read",
    }
}
