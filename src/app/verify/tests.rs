use async_trait::async_trait;

use super::{
    testing::{DAY_US, dbps, tape},
    *,
};
use crate::{
    domain::{
        backfill_request::{Change, RequestRead},
        backfill_worker::{WorkerRead, WorkerRow},
        ladder::{Ladder, Rules},
        row::{BarRead, BarRow, EventRow, GapRead, GapRow, HealthRead, HealthRow, StoredBar},
        seal::{SealRead, SealRow},
        trade::Trade,
    },
    store::sink::{Batch, EventQuery, HealthQuery, RequestQuery, SealQuery, StoreError, SymbolIds},
};

/// A store in memory that hands bars over in small pieces.
#[derive(Default)]
struct Memory {
    bars: Vec<BarRow>,
    gaps: Vec<GapRow>,
}

#[async_trait]
impl Store for Memory {
    fn address(&self) -> String {
        "memory".to_owned()
    }

    async fn create_schema(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn clock_us(&self) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }

    async fn newest(
        &self,
        _: &crate::store::newest::NewestQuery,
    ) -> Result<Vec<crate::store::newest::NewestRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn insert(&self, _: &Batch) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_bars(
        &self,
        query: &BarQuery,
        each: &mut (dyn FnMut(Vec<BarRead>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        let wanted = |row: &&BarRow| {
            (query.symbols.is_empty() || query.symbols.contains(&row.symbol))
                && (query.thresholds.is_empty() || query.thresholds.contains(&row.bar.threshold))
                && query.anchor.is_none_or(|anchor| row.anchor == anchor)
                && query
                    .since_us
                    .is_none_or(|since_us| row.bar.open_time_us >= since_us)
        };
        let rows: Vec<_> = self.bars.iter().filter(wanted).cloned().collect();
        let read = |row: &BarRow| Ok(StoredBar::from(row.clone()));
        rows.chunks(7)
            .try_for_each(|rows| each(rows.iter().map(read).collect()))
    }

    async fn series(&self, _: &BarQuery) -> Result<Vec<Series>, StoreError> {
        Ok(Vec::new())
    }

    async fn last_bar(&self, _: &Series) -> Result<Option<BarRow>, StoreError> {
        Ok(None)
    }

    async fn stored_gaps(&self, _: &GapQuery) -> Result<Vec<GapRead>, StoreError> {
        Ok(self.gaps.iter().cloned().map(Ok).collect())
    }

    async fn put_seals(&self, _: &[SealRow]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_seals(&self, _: &SealQuery) -> Result<Vec<SealRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_request(&self, _: &Change) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_requests(&self, _: &RequestQuery) -> Result<Vec<RequestRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_worker(&self, _: &WorkerRow) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_workers(&self, _: i64) -> Result<Vec<WorkerRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_health(&self, _: &[HealthRow]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_health(&self, _: &HealthQuery) -> Result<Vec<HealthRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn events(&self, _: &EventQuery) -> Result<Vec<EventRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn id_ranges(&self, _: &BarQuery) -> Result<Vec<SymbolIds>, StoreError> {
        Ok(Vec::new())
    }
}

fn symbol(text: &str) -> Symbol {
    text.parse().expect("a symbol")
}

/// Bars of two symbols and two thresholds, ids 151 to 160 proven absent.
fn store() -> Memory {
    let mut memory = Memory::default();
    for name in ["AAA", "BBB"] {
        let mut bars = Vec::new();
        let mut ladder = Ladder::new(Rules {
            anchor: Anchor::Day,
            gate: true,
        });
        ladder.start(dbps(250), 1);
        ladder.start(dbps(500), 1);
        for trade in tape() {
            match trade.id {
                151..=160 => ladder.skip_to(161, &mut bars).expect("ahead"),
                _ => ladder.push(&trade, &mut bars).expect("in order"),
            }
        }
        bars.sort_by_key(|bar| (bar.threshold, bar.first_agg_trade_id));
        memory.bars.extend(bars.into_iter().map(|bar| BarRow {
            exchange: "sim".into(),
            symbol: symbol(name),
            anchor: Anchor::Day,
            bar,
            version: 1,
            is_deleted: false,
        }));
        memory.gaps.push(GapRow {
            exchange: "sim".into(),
            symbol: symbol(name),
            first_id: 151,
            last_id: 160,
            found_at_us: 1,
            cause: String::new(),
            state: GapState::Absent,
            proof: String::new(),
            version: 1,
        });
    }
    memory
}

fn request(names: &[&str]) -> VerifyRequest {
    VerifyRequest {
        symbols: names.iter().map(|name| symbol(name)).collect(),
        ..VerifyRequest::default()
    }
}

async fn run(store: &Memory, request: &VerifyRequest) -> Verified {
    verify(store, request).await.expect("a readable store")
}

#[tokio::test]
async fn good_bars_pass_and_a_proven_hole_is_damage_only_when_strict() {
    let verified = run(&store(), &request(&["AAA", "BBB"])).await;
    assert_eq!(verified.damage(false), 0, "{verified:#?}");
    assert_eq!(verified.damage(true), 4, "one hole in each series");
    assert_eq!(verified.series.len(), 4);
    for report in &verified.series {
        let ids = report.span.expect("readable bars").ids;
        assert_eq!(ids.first_id, 1);
        assert!(ids.last_id > 400 && report.bars > 40);
    }
    let compared: Vec<_> = verified
        .periods
        .iter()
        .map(|periods| periods.compared)
        .collect();
    assert_eq!(compared, [4, 4]);
}

#[tokio::test]
async fn a_gap_that_is_still_open_proves_nothing() {
    let mut store = store();
    for gap in &mut store.gaps {
        gap.state = GapState::Open;
    }
    assert_eq!(run(&store, &request(&["AAA"])).await.damage(false), 2);
}

#[tokio::test]
async fn damage_is_found_in_its_series_and_nowhere_else() {
    let mut store = store();
    let index = store
        .bars
        .iter()
        .position(|row| row.symbol == symbol("BBB") && row.bar.threshold == dbps(500))
        .expect("such a bar");
    let removed = store.bars.remove(index + 3);
    let verified = run(&store, &request(&["AAA", "BBB"])).await;
    assert_eq!(verified.damage(false), 1);
    let damaged: Vec<_> = verified
        .series
        .iter()
        .filter(|r| r.damage(false) > 0)
        .collect();
    assert_eq!(damaged.len(), 1);
    assert_eq!(damaged[0].series, removed.series());
    assert_eq!(
        damaged[0].findings[0].ids().map(|ids| ids.first_id),
        Some(removed.bar.first_agg_trade_id)
    );
}

#[tokio::test]
async fn what_has_no_bars_is_named() {
    let mut request = request(&["AAA", "CCC"]);
    request.thresholds = vec![dbps(250), dbps(600)];
    let verified = run(&store(), &request).await;
    assert_eq!(
        verified.missing,
        [
            MissingBars {
                symbol: symbol("AAA"),
                threshold: Some(dbps(600))
            },
            MissingBars {
                symbol: symbol("CCC"),
                threshold: None
            }
        ]
    );
    assert_eq!(verified.damage(false), 2);
}

#[tokio::test]
async fn since_a_time_the_report_begins_there_and_older_damage_is_left_alone() {
    let mut store = store();
    let oldest = store.bars.remove(2);
    let mut request = request(&["AAA"]);
    assert_eq!(run(&store, &request).await.damage(false), 1);

    let since_us = 20_003 * DAY_US + 50;
    request.since_us = Some(since_us);
    let verified = run(&store, &request).await;
    assert_eq!(verified.damage(false), 0, "{verified:#?}");
    for report in &verified.series {
        let span = report.span.expect("readable bars");
        assert!(span.open_time_us >= since_us);
        assert!(span.ids.first_id > oldest.bar.last_agg_trade_id);
    }
    // The day that `since` falls into is compared as a whole.
    assert_eq!(verified.periods[0].compared, 1);
}

#[tokio::test]
async fn a_late_trade_at_the_start_of_the_range_makes_no_hole() {
    let mut tape = tape();
    // The second bar of the fourth day opens with a trade of the day before.
    let rules = Rules {
        anchor: Anchor::Day,
        gate: true,
    };
    let build = |tape: &[Trade]| {
        let mut ladder = Ladder::new(rules);
        ladder.start(dbps(500), 1);
        let mut bars = Vec::new();
        for trade in tape {
            ladder.push(trade, &mut bars).expect("in order");
        }
        bars
    };
    let start_us = 20_003 * DAY_US;
    let second = build(&tape)
        .iter()
        .filter(|bar| bar.open_time_us >= start_us)
        .nth(1)
        .expect("a second bar")
        .first_agg_trade_id;
    tape[second as usize - 1].time_us = start_us - 1;
    let bars = build(&tape)
        .into_iter()
        .map(|bar| BarRow {
            exchange: "sim".into(),
            symbol: symbol("AAA"),
            anchor: Anchor::Day,
            bar,
            version: 1,
            is_deleted: false,
        })
        .collect();
    let store = Memory {
        bars,
        gaps: Vec::new(),
    };
    let mut request = request(&["AAA"]);
    request.since_us = Some(start_us);
    let verified = run(&store, &request).await;
    assert_eq!(verified.damage(true), 0, "{verified:#?}");
    let span = verified.series[0].span.expect("readable bars");
    assert_eq!(span.ids.first_id, 301);
}
