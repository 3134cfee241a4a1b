//! What was completed a moment ago is left alone for a while, so that one who asks again and
//! again keeps nobody else waiting.

use std::{collections::BTreeMap, time::Duration};

use super::stored::stored_thresholds;
use crate::{
    domain::{
        anchor::Anchor,
        backfill_request::{RequestRow, Status, left_alone},
        micros::micros,
        symbol::Symbol,
        threshold::Threshold,
    },
    store::sink::{RequestQuery, Store},
};

/// Who asks, and for what.
#[derive(Debug, Clone, Copy)]
pub struct CooldownQuery<'a> {
    /// The exchange's name in the store.
    pub exchange: &'a str,
    /// The symbol.
    pub symbol: &'a Symbol,
    /// Where bars are cut.
    pub anchor: Anchor,
    /// From when on bars are wanted, in µs.
    pub from_us: i64,
    /// What time it is, in µs.
    pub now_us: i64,
    /// For how long a threshold is left alone after it was completed.
    pub cooldown: Duration,
}

impl CooldownQuery<'_> {
    /// How much longer each of `thresholds` rests, in µs: those for which a request that reaches
    /// back as far was completed less than the cooldown ago.
    fn resting(
        &self,
        requests: &[RequestRow],
        thresholds: &[Threshold],
    ) -> BTreeMap<Threshold, i64> {
        let cooldown_us = micros(self.cooldown);
        let remaining = |threshold: Threshold| {
            let completed = requests.iter().filter(|row| self.covers(row, threshold));
            let completed_us = completed.filter_map(|row| row.completed_at_us).max()?;
            let age_us = self.now_us.saturating_sub(completed_us);
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

    /// Whether a request that is over has made the bars that are wanted.
    fn covers(&self, row: &RequestRow, threshold: Threshold) -> bool {
        row.status == Status::Completed
            && row.scope.is(self.exchange, self.anchor)
            && row.symbol.eq_ignore_ascii_case(self.symbol.as_str())
            && row
                .since_us
                .is_some_and(|since_us| since_us <= self.from_us)
            && match row.threshold_dbps {
                // What was left alone then had its rest from when it was made.
                0 => left_alone(&row.error).is_some_and(|alone| !alone.contains(&threshold)),
                dbps => dbps == threshold.dbps(),
            }
    }
}

/// Takes those of `thresholds` out that rest, and returns for how much longer each does, in µs.
///
/// What has no bar there in the store does not rest, whatever was completed.
///
/// # Errors
/// When the store cannot be read.
pub async fn take_resting(
    store: &dyn Store,
    asked: &CooldownQuery<'_>,
    thresholds: &mut Vec<Threshold>,
) -> anyhow::Result<BTreeMap<Threshold, i64>> {
    if asked.cooldown.is_zero() {
        return Ok(BTreeMap::new());
    }
    // Of all symbols: whoever put a row in may have written them in any case.
    let query = RequestQuery {
        statuses: vec![Status::Completed],
        ended_since_us: Some(asked.now_us.saturating_sub(micros(asked.cooldown))),
        ..RequestQuery::default()
    };
    let read = store.stored_requests(&query).await?;
    // A row that cannot be read keeps nobody from working.
    let completed: Vec<RequestRow> = read.into_iter().flatten().collect();
    let mut resting = asked.resting(&completed, thresholds);
    if !resting.is_empty() {
        let stored = stored_thresholds(store, asked.exchange, asked.symbol, asked.anchor).await?;
        resting.retain(|threshold, _| stored.contains(threshold));
    }
    thresholds.retain(|threshold| !resting.contains_key(threshold));
    Ok(resting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::backfill_request::{Scope, left_alone_text};

    const COOLDOWN_US: i64 = 300_000_000;

    fn dbps(value: u32) -> Threshold {
        Threshold::new(value).expect("a threshold")
    }

    fn completed(threshold: u32, since_us: i64, at_us: i64) -> RequestRow {
        RequestRow {
            status: Status::Completed,
            since_us: Some(since_us),
            completed_at_us: Some(at_us),
            scope: Scope::new("sim", Anchor::Day),
            ..RequestRow::new("a".to_owned(), "btcusdt".to_owned(), threshold, 0)
        }
    }

    fn rest(requests: &[RequestRow], from_us: i64, now_us: i64) -> Vec<(u32, i64)> {
        let symbol = "BTCUSDT".parse().expect("a symbol");
        let asked = CooldownQuery {
            exchange: "sim",
            symbol: &symbol,
            anchor: Anchor::Day,
            from_us,
            now_us,
            cooldown: Duration::from_secs(300),
        };
        let resting = asked.resting(requests, &[dbps(250), dbps(500)]);
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
    fn what_one_for_all_thresholds_has_left_alone_has_no_rest_from_that() {
        let alone = [(dbps(250), "done 5s ago".to_owned())].into();
        let row = RequestRow {
            error: left_alone_text(&alone),
            ..completed(0, 100, 0)
        };
        assert_eq!(
            rest(std::slice::from_ref(&row), 100, 10),
            [(500, COOLDOWN_US - 10)]
        );
        // Nobody knows what somebody else has noted there.
        let error = "something".to_owned();
        assert_eq!(rest(&[RequestRow { error, ..row }], 100, 10), []);
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

    #[test]
    fn bars_of_another_exchange_or_cut_elsewhere_do_not_count() {
        for scope in [
            Scope::new("sim", Anchor::Month),
            Scope::new("binance", Anchor::Day),
            Scope::default(),
        ] {
            let row = RequestRow {
                scope,
                ..completed(0, 100, 0)
            };
            assert_eq!(rest(&[row], 100, 10), []);
        }
    }
}
