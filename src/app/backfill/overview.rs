//! What there is to see of the queue: requests, and the workers that take them.

use std::{cmp::Reverse, collections::HashMap};

use crate::{
    app::clock::Clock,
    domain::{
        backfill_request::{
            PATIENCE_US, Place, RequestRead, RequestRow, RequestState, Status, states,
        },
        backfill_worker::WorkerRow,
        row::UnreadableRow,
        symbol::Symbol,
    },
    store::sink::{RequestQuery, Store, StoreError},
};

/// What has ended is shown for so long, and what has failed counts, in µs.
pub const RECENT_US: i64 = 86_400_000_000;

/// The queue at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// When it was looked at, in µs.
    pub looked_at_us: i64,
    /// Where the store is, without secrets.
    pub store: String,
    /// Requests: those under way, those that wait in the order in which they will be taken,
    /// then those that have ended, the latest first.
    pub requests: Vec<RequestState>,
    /// The workers that were heard of lately, by name.
    pub workers: Vec<WorkerRow>,
    /// What in the store cannot be read.
    pub unreadable: Vec<UnreadableRow>,
}

impl Overview {
    /// The workers that take requests, as far as can be told.
    pub fn alive(&self) -> impl Iterator<Item = &WorkerRow> {
        let alive = |worker: &&WorkerRow| worker.is_alive(PATIENCE_US, self.looked_at_us);
        self.workers.iter().filter(alive)
    }

    /// Whether anything waits or is under way.
    #[must_use]
    pub fn has_open(&self) -> bool {
        self.requests.iter().any(RequestState::is_open)
    }

    /// Whether nothing has failed lately, waits in vain, or cannot be read.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let since_us = self.looked_at_us.saturating_sub(RECENT_US);
        let is_bad = |state: &RequestState| {
            matches!(state.place, Place::WatcherOffline { .. }) || state.has_failed_since(since_us)
        };
        self.unreadable.is_empty() && !self.requests.iter().any(is_bad)
    }
}

/// Looks at the requests for `symbols`, or for all when there are none: those that are open,
/// and those that have ended lately, or whenever if `with_all_ended`. A store that was made
/// before there was a queue has nothing in it.
///
/// # Errors
/// When the store fails.
pub async fn overview(
    store: &dyn Store,
    clock: &Clock,
    symbols: &[Symbol],
    with_all_ended: bool,
) -> Result<Overview, StoreError> {
    let mut unreadable = Vec::new();
    // The open ones first: what ends in between is found by the second query.
    let open = RequestQuery {
        statuses: vec![Status::Pending, Status::Running],
        ..RequestQuery::default()
    };
    let mut rows = read(store, &open, &mut unreadable).await?;
    let recent_us = clock.wall_us().saturating_sub(RECENT_US);
    let ended = RequestQuery {
        statuses: Status::ALL
            .into_iter()
            .filter(|status| status.is_final())
            .collect(),
        ended_since_us: (!with_all_ended).then_some(recent_us),
        ..RequestQuery::default()
    };
    rows.extend(read(store, &ended, &mut unreadable).await?);
    // What was found by both has ended.
    let mut by_id: HashMap<String, RequestRow> = HashMap::new();
    for row in rows {
        by_id.insert(row.request_id.clone(), row);
    }
    let rows: Vec<RequestRow> = by_id.into_values().collect();
    let mut workers = Vec::new();
    for read in without_table(store.stored_workers(recent_us).await)? {
        match read {
            Ok(worker) => workers.push(worker),
            Err(row) => unreadable.push(row),
        }
    }
    let looked_at_us = clock.wall_us();
    let mut requests = states(&rows, &workers, looked_at_us);
    // Only now: whoever waits stands in line with requests for other symbols.
    requests.retain(|state| {
        let is_symbol =
            |symbol: &Symbol| symbol.as_str().eq_ignore_ascii_case(&state.request.symbol);
        symbols.is_empty() || symbols.iter().any(is_symbol)
    });
    requests.sort_by_cached_key(|state| {
        let (rank, ended_us) = match state.place {
            Place::Running { .. } => (0, None),
            Place::Queued { .. } | Place::WatcherOffline { .. } => (1, None),
            _ => (2, state.request.completed_at_us),
        };
        let id = state.request.request_id.clone();
        (rank, Reverse(ended_us), state.request.requested_at_us, id)
    });
    Ok(Overview {
        looked_at_us,
        store: store.address(),
        requests,
        workers,
        unreadable,
    })
}

async fn read(
    store: &dyn Store,
    query: &RequestQuery,
    unreadable: &mut Vec<UnreadableRow>,
) -> Result<Vec<RequestRow>, StoreError> {
    let mut rows = Vec::new();
    for read in without_table::<RequestRead>(store.stored_requests(query).await)? {
        match read {
            Ok(row) => rows.push(row),
            Err(row) => unreadable.push(row),
        }
    }
    Ok(rows)
}

/// No rows where there is no table.
fn without_table<T>(read: Result<Vec<T>, StoreError>) -> Result<Vec<T>, StoreError> {
    match read {
        Err(error) if error.lacks_table() => Ok(Vec::new()),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        domain::backfill_request::{Change, Progress},
        store::{StoreOptions, address::StoreAddress, open, testing},
    };

    const NOW_US: i64 = 1_700_000_000_000_000;
    const LEASE_US: i64 = 120_000_000;

    fn clock() -> Clock {
        Clock::with_wall(|| NOW_US)
    }

    fn request(symbol: &str, asked_ago_us: i64) -> RequestRow {
        let id = format!("{symbol}-{asked_ago_us}");
        RequestRow::new(id, symbol.to_owned(), 0, NOW_US - asked_ago_us)
    }

    async fn put(store: &Arc<dyn Store>, row: &RequestRow) {
        let (row, token) = (row.clone(), format!("{}:{}", row.request_id, row.version));
        store
            .put_request(&Change { row, token })
            .await
            .expect("put");
    }

    fn ids(overview: &Overview) -> Vec<&str> {
        let ids = overview
            .requests
            .iter()
            .map(|state| &*state.request.request_id);
        ids.collect()
    }

    #[tokio::test]
    async fn open_requests_come_first_and_what_ended_long_ago_only_when_wanted() {
        let (store, _directory) = testing::sqlite().await;
        let ended = |asked_ago_us, ended_ago_us, status| {
            let claimed = request("BTCUSDT", asked_ago_us)
                .claimed("w", 0, LEASE_US)
                .row;
            claimed
                .ended(status, Progress::default(), "why", NOW_US - ended_ago_us)
                .row
        };
        let running = request("ETHUSDT", 5).claimed("w", NOW_US - 4, LEASE_US).row;
        for row in [
            request("BTCUSDT", 10),
            request("ETHUSDT", 20),
            running,
            ended(4 * RECENT_US, RECENT_US, Status::Completed),
            ended(3 * RECENT_US, RECENT_US + 1, Status::Failed),
            ended(2 * RECENT_US, 7, Status::Skipped),
        ] {
            put(&store, &row).await;
        }
        let all = overview(&*store, &clock(), &[], true).await.expect("seen");
        let (old, new, failed) = (4 * RECENT_US, 2 * RECENT_US, 3 * RECENT_US);
        let [old, new, failed] = [old, new, failed].map(|us| format!("BTCUSDT-{us}"));
        let open = ["ETHUSDT-5", "ETHUSDT-20", "BTCUSDT-10"];
        assert_eq!(ids(&all), [&open[..], &[&new, &old, &failed]].concat());
        // A failure that is older than a day is none to be alarmed by.
        assert!(all.is_well() && all.has_open());
        let recent = overview(&*store, &clock(), &[], false).await.expect("seen");
        assert_eq!(ids(&recent), [&open[..], &[&new, &old]].concat());
        // The position counts those of other symbols, too.
        let symbols = ["BTCUSDT".parse().expect("a symbol")];
        let some = overview(&*store, &clock(), &symbols, false)
            .await
            .expect("seen");
        assert_eq!(ids(&some), ["BTCUSDT-10", &new, &old]);
        assert_eq!(some.requests[0].place, Place::Queued { position: 2 });
        put(&store, &ended(1, 0, Status::Failed)).await;
        let bad = overview(&*store, &clock(), &[], false).await.expect("seen");
        assert!(!bad.is_well());
    }

    #[tokio::test]
    async fn a_request_that_nobody_could_take_is_not_well_until_a_worker_is_heard_of() {
        let (store, _directory) = testing::sqlite().await;
        put(&store, &request("BTCUSDT", PATIENCE_US + 1)).await;
        let alone = overview(&*store, &clock(), &[], false).await.expect("seen");
        assert!(!alone.is_well() && alone.alive().next().is_none());
        let mut worker = WorkerRow::sample(NOW_US - PATIENCE_US);
        store.put_worker(&worker).await.expect("put");
        let seen = overview(&*store, &clock(), &[], false).await.expect("seen");
        assert!(seen.is_well());
        assert_eq!(seen.alive().collect::<Vec<_>>(), [&worker]);
        // One that has said that it ends is none any more.
        worker.is_ended = true;
        worker.heartbeat_at_us += 1;
        store.put_worker(&worker).await.expect("put");
        let ended = overview(&*store, &clock(), &[], false).await.expect("seen");
        assert_eq!((ended.workers.len(), ended.alive().count()), (1, 0));
    }

    #[tokio::test]
    async fn a_store_from_before_there_was_a_queue_has_an_empty_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("old.sqlite");
        std::fs::File::create(&path).expect("a file");
        let address = StoreAddress::Sqlite(path);
        let store = open(&address, StoreOptions::default()).expect("a store");
        let seen = overview(&*store, &clock(), &[], true).await.expect("seen");
        assert_eq!((seen.requests.len(), seen.workers.len()), (0, 0));
        assert!(seen.is_well() && !seen.has_open());
    }
}
