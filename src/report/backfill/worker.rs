//! What a worker does with the queue.

use serde_json::{Value, json};

use crate::{
    app::backfill::worker::Event,
    domain::{
        backfill_request::{RequestRow, Status},
        words::list,
    },
    report::Printer,
};

use super::words::subject;

/// Tells of each event: in the log, or as a line of JSON.
pub fn events(printer: Printer, is_json: bool) -> impl Fn(Event) + Send + Sync + 'static {
    move |event| {
        if is_json {
            // Nobody is left to tell when this fails; the work goes on.
            let _ = printer
                .line(event_json(&event))
                .and_then(|()| printer.flush());
        } else {
            log(&event);
        }
    }
}

fn log(event: &Event) {
    match event {
        Event::Begun { job, request_ids } => {
            let what = match job.thresholds.as_slice() {
                [] => "all thresholds".to_owned(),
                thresholds => format!("{} dbps", list(thresholds)),
            };
            tracing::info!("{}, {what}: taken ({})", job.symbol, list(request_ids));
        }
        Event::Ended {
            request,
            status,
            reason,
        } => match status {
            Status::Completed if reason.is_empty() => {
                tracing::info!("{}: completed", subject(request));
            }
            Status::Completed => tracing::info!("{}: completed; {reason}", subject(request)),
            Status::Skipped => tracing::info!("{}: skipped: {reason}", subject(request)),
            _ => tracing::warn!("{}: {status}: {reason}", subject(request)),
        },
        Event::Released { request } => tracing::info!("{}: given back", subject(request)),
        Event::Lost { request } => tracing::warn!(
            "{}: lost: its lease was not renewed in time, and another worker may have it",
            subject(request)
        ),
        Event::Expired { request } => tracing::warn!(
            "{}: the lease of {} was over: it is {} again",
            subject(request),
            request.worker,
            request.status
        ),
        Event::Unreadable { row } => tracing::warn!("a request is left alone: failed to {row}"),
        Event::StoreFailed { what, reason } => tracing::warn!("failed to {what}: {reason}"),
    }
}

fn request_json(event: &str, request: &RequestRow) -> Value {
    json!({
        "event": event,
        "request_id": request.request_id,
        "symbol": request.symbol,
        "threshold_decimal_bps": request.threshold_dbps,
        "attempt": request.attempt,
    })
}

/// As a line of JSON, as `schema/backfill.schema.json` describes it.
pub(super) fn event_json(event: &Event) -> Value {
    match event {
        Event::Begun { job, request_ids } => json!({
            "event": "request.begun",
            "symbol": job.symbol.as_str(),
            "threshold_decimal_bps": job.thresholds.iter().map(|t| t.dbps()).collect::<Vec<_>>(),
            "request_ids": request_ids,
        }),
        Event::Ended {
            request,
            status,
            reason,
        } => {
            let mut line = request_json("request.ended", request);
            line["status"] = status.as_str().into();
            line["reason"] = reason.as_str().into();
            line
        }
        Event::Released { request } => request_json("request.released", request),
        Event::Lost { request } => request_json("request.lost", request),
        Event::Expired { request } => {
            let mut line = request_json("request.expired", request);
            line["status"] = request.status.as_str().into();
            line
        }
        Event::Unreadable { row } => json!({
            "event": "request.unreadable",
            "text": row.to_string(),
        }),
        Event::StoreFailed { what, reason } => json!({
            "event": "store.failed",
            "text": format!("failed to {what}: {reason}"),
        }),
    }
}
