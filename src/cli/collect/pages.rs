//! The pages of a running collector, made of the last look at it, and how old that is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

use crate::{
    app::{
        clock::Clock,
        collect::status::{HealthStatus, Status},
    },
    telemetry::{
        http::{Answer, Page, Site},
        metrics,
    },
};

use super::watching::LOOK_INTERVAL;

/// A look that is older than so many intervals tells nothing of the present.
const PATIENCE_LOOKS: u32 = 3;

/// The last look at the collector, and when on the steady clock it was. Cheap to clone;
/// clones share it.
#[derive(Clone)]
pub(super) struct Last {
    clock: Clock,
    look: Arc<Mutex<Option<(Status, i64)>>>,
}

impl Last {
    /// Nobody has looked yet.
    pub fn new(clock: Clock) -> Self {
        let look = Arc::default();
        Self { clock, look }
    }

    /// Somebody has looked, at `now_us` on the steady clock.
    pub fn set(&self, status: Status, now_us: i64) {
        *self.look.lock().unwrap_or_else(PoisonError::into_inner) = Some((status, now_us));
    }

    /// What was seen, with its present age; none when nobody has looked.
    fn get(&self) -> Option<Status> {
        let look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut status, looked_us) = look.clone()?;
        let age_ms = (self.clock.steady_us() - looked_us).max(0) / 1000;
        let patience_s = (LOOK_INTERVAL * PATIENCE_LOOKS).as_secs_f64();
        status.health.judged_before(age_ms as f64 / 1e3, patience_s);
        Some(status)
    }

    /// The pages.
    pub fn site(&self, token: Option<&str>) -> Site {
        let page = |make: fn(Option<Status>) -> Answer| -> Page {
            let last = self.clone();
            Arc::new(move || make(last.get()))
        };
        let pages = BTreeMap::from([
            ("/health", page(health)),
            ("/status", page(status)),
            ("/metrics", page(figures)),
        ]);
        Site::new(pages, token)
    }
}

fn health(status: Option<Status>) -> Answer {
    let health = status.map_or_else(starting, |status| status.health);
    json(if health.healthy { 200 } else { 503 }, &health)
}

/// What was seen is told however old it is; the HTTP status tells whether it can be relied on.
fn status(status: Option<Status>) -> Answer {
    status.map_or_else(
        || json(503, &starting()),
        |status| json(if is_old(&status) { 503 } else { 200 }, &status),
    )
}

/// Figures that are old say so: `streamkit_healthy` is 0 then, and no symbol is active.
fn figures(status: Option<Status>) -> Answer {
    status.map_or_else(
        || Answer {
            status: 503,
            content_type: "text/plain; charset=utf-8",
            body: "# it has only just begun\n".to_owned(),
        },
        |mut status| {
            if is_old(&status) {
                status
                    .symbols
                    .iter_mut()
                    .for_each(|line| line.active = false);
            }
            Answer {
                status: 200,
                content_type: metrics::CONTENT_TYPE,
                body: metrics::text(&status),
            }
        },
    )
}

/// Whether the look is too old to tell anything of the present.
fn is_old(status: &Status) -> bool {
    let patience_s = (LOOK_INTERVAL * PATIENCE_LOOKS).as_secs_f64();
    status.health.age_s.is_none_or(|age_s| age_s > patience_s)
}

fn starting() -> HealthStatus {
    HealthStatus::unknown("it has only just begun")
}

fn json(status: u16, document: &impl Serialize) -> Answer {
    match serde_json::to_string(document) {
        Ok(body) => Answer {
            status,
            content_type: "application/json",
            body: body + "\n",
        },
        Err(error) => Answer {
            status: 500,
            content_type: "text/plain; charset=utf-8",
            body: format!("{error}\n"),
        },
    }
}
