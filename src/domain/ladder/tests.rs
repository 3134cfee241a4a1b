use proptest::prelude::*;

use super::*;
use crate::domain::{
    price::{Price, Quantity},
    random_tape::{DAY_US, tapes},
    reference::Reference,
};

fn trade(id: i64, price: i64, time_us: i64) -> Trade {
    Trade {
        id,
        price: Price(price),
        quantity: Quantity(10_000_000),
        first_trade_id: id * 2,
        last_trade_id: id * 2,
        time_us,
        buyer_is_maker: id % 2 == 0,
    }
}

fn dbps(value: u32) -> Threshold {
    Threshold::new(value).expect("a valid threshold")
}

fn ladder(rules: Rules, thresholds: &[Threshold], first_id: i64) -> Ladder {
    let mut ladder = Ladder::new(rules);
    for &threshold in thresholds {
        ladder.start(threshold, first_id);
    }
    ladder
}

fn push_all(ladder: &mut Ladder, tape: &[Trade]) -> Vec<Bar> {
    let mut bars = Vec::new();
    for trade in tape {
        ladder.push(trade, &mut bars).expect("the tape is in order");
    }
    bars
}

const DAILY: Rules = Rules {
    anchor: Anchor::Day,
    gate: true,
};

#[test]
fn a_trade_that_does_not_follow_is_refused_and_changes_nothing() {
    let mut ladder = ladder(DAILY, &[dbps(250)], 5);
    let mut bars = Vec::new();
    let refused = ladder.push(&trade(4, 100, 1), &mut bars);
    assert_eq!(
        refused,
        Err(OutOfOrder {
            expected: 5,
            got: 4
        })
    );
    ladder
        .push(&trade(5, 100, 1), &mut bars)
        .expect("5 is next");
    let before = ladder.checkpoint();
    for id in [5, 7] {
        let refused = ladder.push(&trade(id, 100, 1), &mut bars);
        assert_eq!(
            refused,
            Err(OutOfOrder {
                expected: 6,
                got: id
            })
        );
    }
    assert_eq!(ladder.checkpoint(), before);
    assert!(bars.is_empty());
}

#[test]
fn a_gap_cuts_every_bar_once_and_the_next_trade_opens_anew() {
    let mut ladder = ladder(DAILY, &[dbps(250), dbps(500)], 1);
    let mut bars = push_all(&mut ladder, &[trade(1, 1000, 1), trade(2, 1001, 2)]);
    ladder.skip_to(10, &mut bars).expect("10 lies ahead");
    assert_eq!(bars.len(), 2);
    assert!(
        bars.iter()
            .all(|bar| bar.closed_by == ClosedBy::Gap && bar.last_agg_trade_id == 2)
    );
    ladder
        .skip_to(10, &mut bars)
        .expect("skipping to the same id again");
    assert_eq!(bars.len(), 2, "a gap is cut once");
    ladder
        .push(&trade(10, 1000, 3), &mut bars)
        .expect("10 is next");
    assert_eq!(ladder.forming()[0].first_agg_trade_id, 10);
    assert!(ladder.skip_to(5, &mut bars).is_err());
}

#[test]
fn a_gap_closes_a_waiting_lane_with_the_last_trade_it_saw_itself() {
    let tape = [trade(1, 1000, 1), trade(2, 1001, 2), trade(3, 1002, 3)];
    let mut first = ladder(DAILY, &[dbps(250)], 1);
    push_all(&mut first, &tape[..1]);
    let mut second = ladder(DAILY, &[dbps(500)], 1);
    push_all(&mut second, &tape);
    let mut both = Ladder::new(DAILY);
    both.resume(first.checkpoint().series[0].clone());
    both.resume(second.checkpoint().series[0].clone());
    let mut bars = Vec::new();
    both.skip_to(10, &mut bars).expect("10 lies ahead");
    let ends: Vec<_> = bars
        .iter()
        .map(|b| (b.threshold.dbps(), b.last_agg_trade_id))
        .collect();
    assert_eq!(ends, [(250, 1), (500, 3)]);
    assert_eq!(both.next_id(), Some(10));
}

#[test]
fn a_cut_is_made_by_the_first_trade_of_the_next_period_and_periods_never_go_back() {
    let mut ladder = ladder(DAILY, &[dbps(1000)], 1);
    let tape = [
        trade(1, 1000, DAY_US - 1),
        trade(2, 1001, DAY_US),
        // Timed before the boundary that has passed: it belongs to the new period.
        trade(3, 1002, DAY_US - 1),
        trade(4, 1003, 2 * DAY_US),
    ];
    let bars = push_all(&mut ladder, &tape);
    let ids: Vec<_> = bars
        .iter()
        .map(|b| (b.first_agg_trade_id, b.last_agg_trade_id))
        .collect();
    assert_eq!(ids, [(1, 1), (2, 3)]);
    assert!(bars.iter().all(|bar| bar.closed_by == ClosedBy::Anchor));
}

#[test]
fn sums_that_wrapped_still_give_exact_differences() {
    let mut ladder = ladder(DAILY, &[dbps(100_000)], 1);
    let mut huge = trade(1, i64::MAX, 1);
    huge.quantity = Quantity(i64::MAX);
    let mut tape = Vec::new();
    for id in 1..10 {
        // Each day's trade alone nearly fills an i128; the running sums overflow.
        tape.push(Trade {
            id,
            time_us: id * DAY_US,
            ..huge
        });
    }
    let turnover = i128::from(i64::MAX) * i128::from(i64::MAX);
    for bar in push_all(&mut ladder, &tape) {
        assert_eq!(bar.sums.turnover(), turnover);
    }
}

#[test]
fn a_checkpoint_of_another_version_or_other_rules_is_named() {
    let mut ladder = ladder(DAILY, &[dbps(250)], 1);
    push_all(&mut ladder, &[trade(1, 1000, 1)]);
    let text = ladder.checkpoint().to_json().expect("JSON");
    assert!(Checkpoint::from_json(&text, DAILY).is_ok());
    let monthly = Rules {
        anchor: Anchor::Month,
        gate: true,
    };
    assert!(matches!(
        Checkpoint::from_json(&text, monthly),
        Err(CheckpointError::OtherRules {
            anchor: Anchor::Day,
            gate: true
        })
    ));
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    assert!(matches!(
        Checkpoint::from_json(&newer, DAILY),
        Err(CheckpointError::UnknownVersion { found: 2 })
    ));
    assert!(matches!(
        Checkpoint::from_json(&text[..text.len() / 2], DAILY),
        Err(CheckpointError::Unreadable(_))
    ));
}

fn anchors() -> impl Strategy<Value = Anchor> {
    prop_oneof![Just(Anchor::None), Just(Anchor::Day), Just(Anchor::Month)]
}

fn threshold_sets() -> impl Strategy<Value = Vec<Threshold>> {
    proptest::collection::btree_set(1u32..=5_000, 1..=32)
        .prop_map(|set| set.into_iter().map(dbps).collect())
}

fn bits(bars: &[Bar]) -> Vec<String> {
    // Debug prints floats so that equal text means equal bits (−0 and 0 differ).
    bars.iter().map(|bar| format!("{bar:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_ladder_equals_the_reference_whatever_restarts_happen(
        tape in tapes(0..=5_000_000, 1..300),
        thresholds in threshold_sets(),
        anchor in anchors(),
        gate in any::<bool>(),
        restarts in proptest::collection::btree_set(0usize..300, 0..6),
        late in 0usize..200,
    ) {
        let rules = Rules { anchor, gate };
        // One threshold starts later than the others, where time has not gone back: a
        // series starts with the first trade of a period.
        let is_newest = |late: usize| {
            tape[..late].iter().all(|trade| trade.time_us <= tape[late].time_us)
        };
        let late_start = (late < tape.len() && thresholds.len() > 1 && is_newest(late))
            .then_some(late);
        let mut ladder = Ladder::new(rules);
        for (index, &threshold) in thresholds.iter().enumerate() {
            let start = if index == 0 { late_start.unwrap_or(0) } else { 0 };
            ladder.start(threshold, tape[start].id);
        }
        let mut bars = Vec::new();
        for (index, trade) in tape.iter().enumerate() {
            if restarts.contains(&index) {
                let text = ladder.checkpoint().to_json().expect("JSON");
                let mut restored = Ladder::new(rules);
                let checkpoint = Checkpoint::from_json(&text, rules).expect("readable");
                let known: Vec<_> = checkpoint.series.iter().map(|s| s.threshold).collect();
                for state in checkpoint.series {
                    restored.resume(state);
                }
                for (i, &threshold) in thresholds.iter().enumerate() {
                    if !known.contains(&threshold) {
                        let start = if i == 0 { late_start.unwrap_or(0) } else { 0 };
                        restored.start(threshold, tape[start].id);
                    }
                }
                ladder = restored;
            }
            ladder.push(trade, &mut bars).expect("in order");
        }
        for (index, &threshold) in thresholds.iter().enumerate() {
            let start = if index == 0 { late_start.unwrap_or(0) } else { 0 };
            let mut reference = Reference::new(threshold, anchor, gate);
            let expected: Vec<Bar> =
                tape[start..].iter().flat_map(|trade| reference.push(trade)).collect();
            let got: Vec<Bar> =
                bars.iter().filter(|bar| bar.threshold == threshold).cloned().collect();
            prop_assert_eq!(bits(&got), bits(&expected));
            let forming: Vec<Bar> = ladder
                .forming()
                .into_iter()
                .filter(|bar| bar.threshold == threshold)
                .collect();
            prop_assert_eq!(bits(&forming), bits(reference.forming().as_slice()));
        }
    }
}

#[test]
fn a_fresh_lane_behind_a_gap_takes_trades() {
    let mut ladder = ladder(DAILY, &[dbps(250)], 1);
    let mut bars = Vec::new();
    ladder.skip_to(5, &mut bars).expect("5 lies ahead");
    assert_eq!(ladder.next_id(), Some(5));
    ladder
        .push(&trade(5, 1000, 1), &mut bars)
        .expect("5 is next");
    assert_eq!(ladder.forming().len(), 1);
}

#[test]
fn a_fresh_lane_behind_a_gap_does_not_wait_for_a_later_one() {
    let mut ladder = Ladder::new(DAILY);
    ladder.start(dbps(250), 1);
    ladder.start(dbps(500), 10);
    let mut bars = Vec::new();
    ladder.skip_to(5, &mut bars).expect("5 lies ahead");
    ladder
        .push(&trade(5, 1000, 1), &mut bars)
        .expect("5 is next");
}
