//! Requests for tests.

use crate::{
    app::backfill::overview::Overview,
    domain::{
        backfill_request::{Place, Progress, RequestRow, RequestState, Status, states},
        backfill_worker::WorkerRow,
    },
};

/// 2026-01-02 03:00 UTC.
pub(super) const NOW_US: i64 = 1_767_322_800_000_000;
pub(super) const SECOND_US: i64 = 1_000_000;

pub(super) fn request(symbol: &str, number: u32) -> RequestRow {
    RequestRow::new(format!("r{number}"), symbol.to_owned(), 0, NOW_US)
}

pub(super) fn claimed(symbol: &str, number: u32) -> RequestRow {
    let row = request(symbol, number);
    row.claimed("nas:4711", NOW_US, 3600 * SECOND_US).row
}

pub(super) fn running(symbol: &str, number: u32, progress: Progress) -> RequestRow {
    let row = claimed(symbol, number);
    row.renewed(progress, NOW_US, 3600 * SECOND_US).row
}

pub(super) fn ended(symbol: &str, number: u32, status: Status, error: &str) -> RequestRow {
    let progress = Progress {
        bars_written: 1_234,
        trades_done: 5,
        trades_total: 5,
    };
    let ended = claimed(symbol, number).ended(status, progress, error, NOW_US + SECOND_US);
    ended.row
}

pub(super) fn worker(name: &str, heartbeat_at_us: i64) -> WorkerRow {
    WorkerRow {
        worker: name.to_owned(),
        host: "nas".to_owned(),
        pid: 4711,
        started_at_us: NOW_US,
        requests: 0,
        is_ended: false,
        heartbeat_at_us,
    }
}

/// The queue so many seconds after [`NOW_US`].
pub(super) fn seen(rows: &[RequestRow], workers: &[WorkerRow], after_s: i64) -> Overview {
    let looked_at_us = NOW_US + after_s * SECOND_US;
    Overview {
        looked_at_us,
        store: "sqlite:/data/streamkit.db".to_owned(),
        requests: states(rows, workers, looked_at_us),
        workers: workers.to_vec(),
        unreadable: Vec::new(),
    }
}

/// One request in every state, and one worker that lives.
pub(super) fn every_state() -> Overview {
    let progress = Progress {
        bars_written: 412,
        trades_done: 1_200_000,
        trades_total: 5_000_000,
    };
    let mut queued = request("ETHUSDT", 2);
    queued.threshold_dbps = 1000;
    let rows = [
        running("BTCUSDT", 1, progress),
        queued,
        ended("BTCUSDT", 3, Status::Completed, ""),
        ended(
            "SOLUSDT",
            4,
            Status::Failed,
            "no archive of 2026-01-01,\nand no trades",
        ),
        ended("SOLUSDT", 5, Status::Skipped, "done 120s ago"),
    ];
    let mut at_work = worker("nas:4711", NOW_US + 97 * SECOND_US);
    at_work.requests = 1;
    let mut seen = seen(&rows, &[at_work], 100);
    let mut offline = request("XRPUSDT", 6);
    offline.threshold_dbps = 250;
    seen.requests.insert(
        2,
        RequestState {
            request: offline,
            place: Place::WatcherOffline {
                waited_us: 425 * SECOND_US,
            },
        },
    );
    seen
}
