//! What was completed a moment ago is left alone for a while, so that one who asks again and
//! again keeps nobody else waiting.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    domain::{
        backfill_request::{RequestRow, Status},
        micros::micros,
        symbol::Symbol,
        threshold::Threshold,
    },
    store::sink::{RequestQuery, Store, StoreError},
};

/// How much longer each of `thresholds` rests at `now_us`: those for which a request that
/// reaches back as far as `from_us` was completed less than `cooldown_us` ago.
#[must_use]
fn resting(
    requests: &[RequestRow],
    symbol: &Symbol,
    thresholds: &[Threshold],
    from_us: i64,
    now_us: i64,
    cooldown_us: i64,
) -> BTreeMap<Threshold, i64> {
    let remaining = |threshold: Threshold| {
        let covers = |request: &&RequestRow| {
            let is_of_symbol = request.symbol.eq_ignore_ascii_case(symbol.as_str());
            let is_of_threshold = [0, threshold.dbps()].contains(&request.threshold_dbps);
            let reaches = request.since_us.is_some_and(|since_us| since_us <= from_us);
            request.status == Status::Completed && is_of_symbol && is_of_threshold && reaches
        };
        let completed = requests.iter().filter(covers);
        let completed_us = completed
            .filter_map(|request| request.completed_at_us)
            .max()?;
        let age_us = now_us.saturating_sub(completed_us);
        // A completion that lies in the future is a clock that was wrong.
        (0..cooldown_us)
            .contains(&age_us)
            .then(|| cooldown_us - age_us)
    };
    thresholds
        .iter()
        .filter_map(|&threshold| Some((threshold, remaining(threshold)?)))
        .collect()
}

/// Takes those of `thresholds` out that rest, and returns for how much longer each does, in µs.
///
/// # Errors
/// When the store cannot be read.
pub async fn take_resting(
    store: &dyn Store,
    symbol: &Symbol,
    thresholds: &mut Vec<Threshold>,
    from_us: i64,
    now_us: i64,
    cooldown: Duration,
) -> Result<BTreeMap<Threshold, i64>, StoreError> {
    if cooldown.is_zero() {
        return Ok(BTreeMap::new());
    }
    let query = RequestQuery {
        symbols: vec![symbol.to_string()],
        statuses: vec![Status::Completed],
        ..RequestQuery::default()
    };
    let read = store.stored_requests(&query).await?;
    // A row that cannot be read keeps nobody from working.
    let completed: Vec<RequestRow> = read.into_iter().flatten().collect();
    let cooldown_us = micros(cooldown);
    let resting = resting(&completed, symbol, thresholds, from_us, now_us, cooldown_us);
    thresholds.retain(|threshold| !resting.contains_key(threshold));
    Ok(resting)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN_US: i64 = 300_000_000;

    fn dbps(value: u32) -> Threshold {
        Threshold::new(value).expect("a threshold")
    }

    fn completed(threshold: u32, since_us: i64, at_us: i64) -> RequestRow {
        RequestRow {
            status: Status::Completed,
            since_us: Some(since_us),
            completed_at_us: Some(at_us),
            ..RequestRow::new("a".to_owned(), "btcusdt".to_owned(), threshold, 0)
        }
    }

    fn rest(requests: &[RequestRow], from_us: i64, now_us: i64) -> Vec<(u32, i64)> {
        let symbol = "BTCUSDT".parse().expect("a symbol");
        let thresholds = [dbps(250), dbps(500)];
        let resting = resting(requests, &symbol, &thresholds, from_us, now_us, COOLDOWN_US);
        resting.into_iter().map(|(t, us)| (t.dbps(), us)).collect()
    }

    #[test]
    fn a_threshold_rests_from_its_completion_on() {
        let requests = [completed(250, 100, 1_000), completed(250, 100, 2_000)];
        assert_eq!(rest(&requests, 100, 2_000), [(250, COOLDOWN_US)]);
        assert_eq!(rest(&requests, 100, 2_000 + COOLDOWN_US), []);
        assert_eq!(rest(&requests, 100, 1_999 + COOLDOWN_US), [(250, 1)]);
    }

    #[test]
    fn one_for_all_thresholds_counts_for_each() {
        let both = rest(&[completed(0, 100, 0)], 100, 10);
        assert_eq!(both, [(250, COOLDOWN_US - 10), (500, COOLDOWN_US - 10)]);
    }

    #[test]
    fn what_did_not_reach_so_far_failed_or_lies_in_the_future_does_not_count() {
        assert_eq!(rest(&[completed(0, 100, 0)], 99, 10), []);
        let failed = RequestRow {
            status: Status::Failed,
            ..completed(0, 100, 0)
        };
        assert_eq!(rest(&[failed], 100, 10), []);
        assert_eq!(rest(&[completed(0, 100, 50)], 100, 10), []);
    }
}
