//! What was asked for.
//!
//! The JSON is one object:
//!
//! ```text
//! {"requests": [{"request_id", "symbol", "threshold_decimal_bps", "since_us", "is_new",
//!                "status", "requested_at_us"}]}
//! ```

use serde_json::{Value, json};

use super::words::subject;
use crate::{
    app::backfill::queue::Asked,
    domain::backfill_request::Status,
    report::words::{minute, wrapped},
};

/// A sentence for each request.
#[must_use]
pub fn lines(asked: &[Asked], width: usize) -> Vec<String> {
    let line = |asked: &Asked| {
        let request = &asked.request;
        let what = if asked.is_new {
            "asked for".to_owned()
        } else {
            let since_us = match request.status {
                Status::Running => request.started_at_us,
                _ => None,
            };
            let since = minute(since_us.unwrap_or(request.requested_at_us));
            format!("already {} since {since} UTC", request.status)
        };
        let sentence = format!(
            "{}: {what} (request {})",
            subject(request),
            request.request_id
        );
        wrapped(&sentence, 0, width)
    };
    asked.iter().flat_map(line).collect()
}

/// The same as JSON.
#[must_use]
pub fn json(asked: &[Asked]) -> Value {
    let request = |asked: &Asked| {
        let request = &asked.request;
        json!({
            "request_id": request.request_id,
            "symbol": request.symbol,
            "threshold_decimal_bps": request.threshold_dbps,
            "since_us": request.since_us,
            "is_new": asked.is_new,
            "status": request.status,
            "requested_at_us": request.requested_at_us,
        })
    };
    json!({ "requests": asked.iter().map(request).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::backfill::testing::{NOW_US, claimed, request};

    #[test]
    fn what_is_new_and_what_was_asked_for_before_are_told_apart() {
        let asked = |request, is_new| Asked { request, is_new };
        let mut for_one = request("BTCUSDT", 2);
        for_one.threshold_dbps = 250;
        let asked = [
            asked(request("BTCUSDT", 1), true),
            asked(for_one, false),
            asked(claimed("ETHUSDT", 3), false),
        ];
        assert_eq!(
            lines(&asked, 80),
            [
                "BTCUSDT, all thresholds: asked for (request r1)",
                "BTCUSDT 250 dbps: already pending since 2026-01-02 03:00 UTC (request r2)",
                "ETHUSDT, all thresholds: already running since 2026-01-02 03:00 UTC (request r3)",
            ]
        );
        assert_eq!(
            json(&asked)["requests"][1],
            json!({
                "request_id": "r2", "symbol": "BTCUSDT", "threshold_decimal_bps": 250,
                "since_us": null, "is_new": false, "status": "pending",
                "requested_at_us": NOW_US,
            })
        );
    }
}
