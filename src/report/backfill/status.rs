//! Requests and workers, for people and as JSON.
//!
//! `schema/backfill-status.schema.json` describes the JSON. Every key is always there; what
//! is not known is null. It grows by keys only, else its version goes up.

use serde_json::{Value, json};

use super::words::{dbps, rate, rough, state, subject, symbol};
use crate::{
    app::backfill::overview::Overview,
    domain::{
        backfill_request::{PATIENCE_US, Place, RequestState},
        backfill_worker::WorkerRow,
        row::UnreadableRow,
        words::span,
    },
    report::{
        style::bad,
        table::{Column, Table, grouped},
        words::{counted, minute, one_line, wrapped},
    },
};

/// The version of the document.
const VERSION: u32 = 1;

/// So many workers are named.
const WORKERS_SHOWN: usize = 5;

/// What there is to see, in lines of at most `width` characters.
#[must_use]
pub fn lines(seen: &Overview, width: usize, has_color: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if seen.requests.is_empty() {
        lines.push("no requests: 'streamkit backfill request SYMBOL' makes one".to_owned());
    } else {
        lines.extend(table(&seen.requests).lines(width));
    }
    for state in &seen.requests {
        if let Some(note) = note(state) {
            lines.extend(wrapped(&note, 0, width));
        }
    }
    for row in &seen.unreadable {
        let told = format!("cannot {}", one_line(&row.to_string()));
        lines.extend(
            wrapped(&told, 0, width)
                .iter()
                .map(|line| bad(line, has_color)),
        );
    }
    let is_missed = seen.has_open() && seen.alive().next().is_none();
    for line in wrapped(&workers(seen), 0, width) {
        lines.push(bad(&line, has_color && is_missed));
    }
    lines
}

fn table(requests: &[RequestState]) -> Table {
    let mut table = Table::new(vec![
        Column::words("symbol"),
        Column::number("dbps"),
        Column::words("state"),
        Column::number("bars"),
        Column::number("trades").ranked(1),
        Column::number("of").ranked(3),
        Column::number("rate").ranked(2),
        Column::number("left"),
        Column::words("asked (UTC)").ranked(4),
    ]);
    for RequestState { request, place } in requests {
        // What waits has written nothing, and what is known of an earlier attempt is past.
        let progress = match place {
            Place::Queued { .. } | Place::WatcherOffline { .. } => None,
            _ => Some(request.progress),
        };
        let count = |count: Option<u64>| count.map_or_else(String::new, grouped);
        let (trades_per_s, remaining_us) = pace(place);
        table.push(vec![
            symbol(request),
            dbps(request),
            state(place),
            count(progress.map(|progress| progress.bars_written)),
            count(progress.map(|progress| progress.trades_done)),
            count(
                progress
                    .map(|progress| progress.trades_total)
                    .filter(|total| *total > 0),
            ),
            rate(trades_per_s),
            rough(remaining_us),
            minute(request.requested_at_us),
        ]);
    }
    table
}

fn pace(place: &Place) -> (Option<f64>, Option<i64>) {
    match place {
        Place::Running {
            trades_per_s,
            remaining_us,
        } => (*trades_per_s, *remaining_us),
        _ => (None, None),
    }
}

/// What no column holds.
fn note(state: &RequestState) -> Option<String> {
    let subject = subject(&state.request);
    match &state.place {
        Place::Failed { message } => Some(format!("{subject}: failed: {}", one_line(message))),
        Place::Skipped { message } => Some(format!("{subject}: skipped: {}", one_line(message))),
        Place::Complete { .. } if !state.request.error.is_empty() => {
            let alone = one_line(&state.request.error);
            Some(format!("{subject}: complete; {alone}"))
        }
        Place::WatcherOffline { waited_us } => {
            Some(format!("{subject}: no worker for {}", span(*waited_us)))
        }
        _ => None,
    }
}

/// Who takes requests.
pub(super) fn workers(seen: &Overview) -> String {
    let alive: Vec<&WorkerRow> = seen.alive().collect();
    if alive.is_empty() {
        return "no worker: 'streamkit backfill worker' takes requests".to_owned();
    }
    let worker = |worker: &&WorkerRow| {
        let at_work = match worker.requests {
            0 => String::new(),
            count => format!(" at work on {}", counted(count, "request")),
        };
        let age = span(worker.age_us(seen.looked_at_us));
        format!("{}{at_work}, heartbeat {age} ago", one_line(&worker.worker))
    };
    let shown: Vec<_> = alive.iter().take(WORKERS_SHOWN).map(worker).collect();
    let count = counted(alive.len() as u64, "worker");
    let others = match alive.len().saturating_sub(WORKERS_SHOWN) {
        0 => String::new(),
        others => format!("; and {others} more"),
    };
    format!("{count}: {}{others}", shown.join("; "))
}

/// The same as one JSON object.
#[must_use]
pub fn json(seen: &Overview) -> Value {
    json!({
        "version": VERSION,
        "checked_at_us": seen.looked_at_us,
        "store": seen.store,
        "is_well": seen.is_well(),
        "requests": seen.requests.iter().map(request_json).collect::<Vec<_>>(),
        "workers": seen.workers.iter().map(|worker| worker_json(worker, seen)).collect::<Vec<_>>(),
        "unreadable": seen.unreadable.iter().map(unreadable_json).collect::<Vec<_>>(),
    })
}

/// The word for a state.
const fn state_word(place: &Place) -> &'static str {
    match place {
        Place::Queued { .. } => "queued",
        Place::WatcherOffline { .. } => "watcher-offline",
        Place::Running { .. } => "running",
        Place::Complete { .. } => "complete",
        Place::Failed { .. } => "failed",
        Place::Skipped { .. } => "skipped",
    }
}

fn request_json(state: &RequestState) -> Value {
    let RequestState { request, place } = state;
    let (trades_per_s, remaining_us) = pace(place);
    let position = match place {
        Place::Queued { position } => Some(*position),
        _ => None,
    };
    let waited_us = match place {
        Place::WatcherOffline { waited_us } => Some(*waited_us),
        _ => None,
    };
    let message = match place {
        Place::Failed { message } | Place::Skipped { message } => Some(message),
        Place::Complete { .. } => Some(&request.error).filter(|alone| !alone.is_empty()),
        _ => None,
    };
    json!({
        "request_id": request.request_id,
        "symbol": request.symbol,
        "threshold_decimal_bps": request.threshold_dbps,
        "since_us": request.since_us,
        "state": state_word(place),
        "position": position,
        "waited_us": waited_us,
        "bars_written": request.progress.bars_written,
        "trades_done": request.progress.trades_done,
        "trades_total": request.progress.trades_total,
        "trades_per_s": trades_per_s,
        "remaining_us": remaining_us,
        "gap_seconds": request.gap_seconds,
        "message": message,
        "worker": Some(&request.worker).filter(|worker| !worker.is_empty()),
        "attempt": request.attempt,
        "requested_at_us": request.requested_at_us,
        "started_at_us": request.started_at_us,
        "completed_at_us": request.completed_at_us,
    })
}

fn worker_json(worker: &WorkerRow, seen: &Overview) -> Value {
    json!({
        "worker": worker.worker,
        "host": worker.host,
        "pid": worker.pid,
        "requests": worker.requests,
        "started_at_us": worker.started_at_us,
        "heartbeat_at_us": worker.heartbeat_at_us,
        "heartbeat_age_us": worker.age_us(seen.looked_at_us),
        "is_alive": worker.is_alive(PATIENCE_US, seen.looked_at_us),
    })
}

fn unreadable_json(row: &UnreadableRow) -> Value {
    json!({
        "table": row.table.as_str(),
        "key": row.key,
        "column": row.column,
        "text": row.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::row::Table as StoredTable,
        report::{
            backfill::testing::{NOW_US, SECOND_US, every_state, seen, worker},
            json_schema::violations,
            redraw::visible_chars,
        },
    };

    fn schema() -> Value {
        let text = include_str!("../../../schema/backfill-status.schema.json");
        serde_json::from_str(text).expect("the schema is JSON")
    }

    fn unreadable() -> UnreadableRow {
        UnreadableRow {
            table: StoredTable::BackfillRequests,
            key: "'r\u{1b}7'".to_owned(),
            place: None,
            column: "status",
            reason: "'x' is not a status".to_owned(),
        }
    }

    #[test]
    fn every_state_has_its_row_and_reasons_stand_below() {
        let lines = lines(&every_state(), 80, false);
        assert_eq!(
            lines,
            [
                "symbol   dbps  state       bars     trades         of      rate    left",
                "BTCUSDT   all  running      412  1 200 000  5 000 000  12 000/s  5m 16s",
                "ETHUSDT  1000  queued 1",
                "XRPUSDT   250  no worker",
                "BTCUSDT   all  complete   1 234          5          5",
                "SOLUSDT   all  failed     1 234          5          5",
                "SOLUSDT   all  skipped    1 234          5          5",
                "XRPUSDT 250 dbps: no worker for 7m 5s",
                "SOLUSDT, all thresholds: failed: no archive of 2026-01-01, and no trades",
                "SOLUSDT, all thresholds: skipped: done 120s ago",
                "1 worker: nas:4711 at work on 1 request, heartbeat 3s ago",
            ]
        );
    }

    #[test]
    fn nothing_is_wider_than_allowed_whatever_was_put_in() {
        let mut seen = every_state();
        seen.requests[0].request.symbol = format!("\u{1b}[31m{}", "X".repeat(500));
        seen.requests[0].request.progress.trades_total = u64::MAX;
        seen.unreadable.push(unreadable());
        seen.workers = (0..9)
            .map(|number| worker(&format!("machine-{number}.example:4711"), NOW_US))
            .collect();
        for width in [80, 120] {
            for line in lines(&seen, width, true) {
                assert!(visible_chars(&line) <= width, "{width}: {line}");
                let plain = line.replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
                assert!(!plain.contains('\u{1b}'), "{line:?}");
            }
        }
    }

    #[test]
    fn workers_that_are_gone_are_not_counted() {
        let late = NOW_US - PATIENCE_US;
        let mut ended = worker("c", NOW_US);
        ended.is_ended = true;
        let told = |workers: &[WorkerRow]| super::workers(&seen(&[], workers, 0));
        let none = "no worker: 'streamkit backfill worker' takes requests";
        assert_eq!(told(&[]), none);
        assert_eq!(told(&[worker("a", late - 1), ended.clone()]), none);
        assert_eq!(
            told(&[worker("a", late), worker("b", NOW_US + SECOND_US), ended]),
            "2 workers: a, heartbeat 5m ago; b, heartbeat 0s ago"
        );
        let lines = lines(&seen(&[], &[], 0), 80, true);
        assert_eq!(
            lines,
            [
                "no requests: 'streamkit backfill request SYMBOL' makes one",
                none
            ]
        );
    }

    #[test]
    fn the_json_follows_its_schema_and_names_every_state_of_it() {
        let mut seen = every_state();
        seen.unreadable.push(unreadable());
        let document = json(&seen);
        assert_eq!(violations(&schema(), &document), [""; 0], "{document:#}");
        let requests = document["requests"].as_array().expect("requests");
        let mut states: Vec<_> = requests.iter().map(|request| &request["state"]).collect();
        let place = "/properties/requests/items/properties/state/enum";
        let mut wanted: Vec<_> = schema()
            .pointer(place)
            .expect("states")
            .clone()
            .as_array()
            .expect("a list")
            .clone();
        states.sort_by_key(ToString::to_string);
        wanted.sort_by_key(ToString::to_string);
        assert_eq!(states, wanted.iter().collect::<Vec<_>>());
        assert_eq!(requests[0]["trades_per_s"], 12_000.0);
        assert_eq!(requests[1]["position"], 1);
        assert_eq!(document["workers"][0]["heartbeat_age_us"], 3 * SECOND_US);
        assert_eq!(document["is_well"], false);
        let empty = json(&super::super::testing::seen(&[], &[], 0));
        assert_eq!(violations(&schema(), &empty), [""; 0]);
        assert_eq!(empty["is_well"], true);
    }
}
