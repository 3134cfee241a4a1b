//! What has changed in the queue, a line each, for whoever watches it in a pipe.

use std::collections::HashMap;

use super::{
    status::workers,
    words::{rate, rough, state, subject},
};
use crate::{
    app::backfill::overview::Overview,
    domain::backfill_request::{Place, RequestState},
    report::{
        table::grouped,
        words::{counted, one_line},
    },
};

/// That work goes on is told so often, in µs. Everything else is told at once.
const PROGRESS_US: i64 = 10_000_000;

/// What was told last.
#[derive(Debug, Default)]
pub struct Changes {
    told: HashMap<String, Told>,
    /// The names of the workers that take requests; none before the first look.
    alive: Option<Vec<String>>,
}

#[derive(Debug, PartialEq)]
struct Told {
    state: String,
    /// When, in µs.
    at_us: i64,
    text: String,
}

impl Changes {
    /// The lines for what is to be seen now and has not been told.
    pub fn lines(&mut self, seen: &Overview) -> Vec<String> {
        let mut lines = Vec::new();
        let alive: Vec<String> = seen.alive().map(|worker| worker.worker.clone()).collect();
        if self.alive.as_ref() != Some(&alive) {
            lines.push(workers(seen));
            self.alive = Some(alive);
        }
        for shown in &seen.requests {
            let now = Told {
                state: state(&shown.place),
                at_us: seen.looked_at_us,
                text: sentence(shown),
            };
            let is_news = match self.told.get(&shown.request.request_id) {
                None => true,
                Some(told) if told.state != now.state => true,
                // How long it has waited by now, or how fast it is, is no change by itself.
                Some(told) => {
                    let is_running = matches!(shown.place, Place::Running { .. });
                    is_running
                        && told.text != now.text
                        && now.at_us.abs_diff(told.at_us) >= PROGRESS_US.unsigned_abs()
                }
            };
            if is_news {
                lines.push(now.text.clone());
                self.told.insert(shown.request.request_id.clone(), now);
            }
        }
        // What is not shown any more would be kept for ever.
        let is_shown = |id: &String| {
            let mut requests = seen.requests.iter();
            requests.any(|shown| shown.request.request_id == *id)
        };
        self.told.retain(|id, _| is_shown(id));
        lines
    }
}

/// A request and where it stands.
fn sentence(state: &RequestState) -> String {
    let request = &state.request;
    let subject = subject(request);
    match &state.place {
        Place::Queued { position } => format!("{subject}: queued {position}"),
        Place::WatcherOffline { .. } => format!("{subject}: no worker"),
        Place::Running {
            trades_per_s,
            remaining_us,
        } => {
            let progress = request.progress;
            let total = match progress.trades_total {
                0 => String::new(),
                total => format!(" of {}", grouped(total)),
            };
            let mut text = format!(
                "{subject}: running, {}, {}{total} trades",
                counted(progress.bars_written, "bar"),
                grouped(progress.trades_done),
            );
            if trades_per_s.is_some() {
                text.extend([", ", &rate(*trades_per_s)]);
            }
            if remaining_us.is_some() {
                text.extend([", ", &rough(*remaining_us), " left"]);
            }
            text
        }
        Place::Complete { bars } => format!("{subject}: complete, {}", counted(*bars, "bar")),
        Place::Failed { message } => format!("{subject}: failed: {}", one_line(message)),
        Place::Skipped { message } => format!("{subject}: skipped: {}", one_line(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::backfill_request::{Progress, Status},
        report::backfill::testing::{NOW_US, SECOND_US, ended, request, running, seen, worker},
    };

    fn progress(trades_done: u64) -> Progress {
        Progress {
            bars_written: 1,
            trades_done,
            trades_total: 1_000,
        }
    }

    #[test]
    fn changes_are_told_once_and_progress_every_ten_seconds() {
        let mut changes = Changes::default();
        let at = |after_s: i64| [worker("nas:1", NOW_US + after_s * SECOND_US)];
        let first = changes.lines(&seen(&[request("BTCUSDT", 1)], &at(0), 0));
        assert_eq!(
            first,
            [
                "1 worker: nas:1, heartbeat 0s ago",
                "BTCUSDT, all thresholds: queued 1"
            ]
        );
        assert_eq!(
            changes.lines(&seen(&[request("BTCUSDT", 1)], &at(1), 2)),
            [""; 0]
        );
        let row = running("BTCUSDT", 1, progress(100));
        assert_eq!(
            changes.lines(&seen(std::slice::from_ref(&row), &at(1), 10)),
            ["BTCUSDT, all thresholds: running, 1 bar, 100 of 1 000 trades, 10/s, 1m 30s left"]
        );
        let more = running("BTCUSDT", 1, progress(380));
        let more = std::slice::from_ref(&more);
        assert_eq!(changes.lines(&seen(more, &at(1), 19)), [""; 0]);
        assert_eq!(
            changes.lines(&seen(more, &at(1), 20)),
            ["BTCUSDT, all thresholds: running, 1 bar, 380 of 1 000 trades, 19/s, 32s left"]
        );
        let done = ended("BTCUSDT", 1, Status::Completed, "");
        assert_eq!(
            changes.lines(&seen(&[done], &[], 21)),
            [
                "no worker: 'streamkit backfill worker' takes requests",
                "BTCUSDT, all thresholds: complete, 1 234 bars"
            ]
        );
    }

    #[test]
    fn what_is_not_shown_any_more_is_forgotten() {
        let mut changes = Changes::default();
        changes.lines(&seen(&[request("BTCUSDT", 1)], &[], 0));
        assert_eq!(changes.told.len(), 1);
        changes.lines(&seen(&[], &[], 1));
        assert!(changes.told.is_empty());
    }

    #[test]
    fn one_that_waits_in_vain_is_told_of_once() {
        let mut changes = Changes::default();
        let rows = [request("BTCUSDT", 1)];
        changes.lines(&seen(&rows, &[], 0));
        let line = "BTCUSDT, all thresholds: no worker";
        assert_eq!(changes.lines(&seen(&rows, &[], 301)), [line]);
        assert_eq!(changes.lines(&seen(&rows, &[], 401)), [""; 0]);
    }
}
