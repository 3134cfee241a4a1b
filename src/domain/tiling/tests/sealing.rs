use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::random_tape::tapes;

type Set = Vec<(Threshold, Vec<Bar>)>;

fn judge(set: &Set, first_ids: &BTreeMap<i64, i64>) -> Vec<Judged> {
    let mut periods = Periods::default();
    for (threshold, bars) in set {
        periods.add(*threshold, covered(bars, Anchor::Day));
    }
    let wanted: Vec<_> = set.iter().map(|(threshold, _)| *threshold).collect();
    periods.judge(&wanted, first_ids)
}

fn build_all(tape: &[Trade], thresholds: &[u32]) -> Set {
    let thresholds = thresholds.iter().map(|&value| dbps(value));
    thresholds
        .map(|threshold| (threshold, build(tape, threshold, Anchor::Day)))
        .collect()
}

/// The first id of each period of a tape, as an exchange knows them.
fn first_ids(tape: &[Trade]) -> BTreeMap<i64, i64> {
    let mut first_ids = BTreeMap::new();
    let mut newest_us = i64::MIN;
    for trade in tape {
        let start_us = Anchor::Day.period(trade.time_us).start_us;
        // A late trade belongs to the period that has begun.
        if start_us > newest_us {
            newest_us = start_us;
            first_ids.insert(start_us, trade.id);
        }
    }
    first_ids
}

fn day_us(day: i64) -> i64 {
    (20_000 + day) * DAY_US
}

fn refusals(judged: &[Judged]) -> Vec<String> {
    judged
        .iter()
        .map(|period| match &period.verdict {
            Ok(_) => "sealed".to_owned(),
            Err(error) => error.to_string(),
        })
        .collect()
}

#[test]
fn whole_periods_are_sealed_save_the_open_one_and_a_first_one_that_nobody_vouches_for() {
    let tape = swinging_tape();
    let set = build_all(&tape, &[250, 500]);
    let nobody = BTreeMap::new();
    assert_eq!(
        refusals(&judge(&set, &nobody)),
        [
            "nothing shows that the id 1 is its first, and the exchange has not said so",
            "sealed",
            "sealed",
            "it is not over",
        ]
    );
    let judged = judge(&set, &first_ids(&tape));
    let sealed = judged[0].verdict.as_ref().expect("sealed");
    assert_eq!(sealed.ids, ids(1, 99));
    let first_day = tape.iter().filter(|trade| trade.time_us < day_us(1));
    let volume: i64 = first_day.clone().map(|trade| trade.quantity.0).sum();
    let trade_count: u64 = first_day.map(Trade::fills).sum();
    assert_eq!(
        (sealed.volume, sealed.trade_count),
        (volume.into(), trade_count)
    );
    assert_eq!(sealed.digests.len(), 2);
}

#[test]
fn a_first_period_that_the_exchange_has_more_of_is_not_sealed() {
    let tape = swinging_tape();
    let set = build_all(&tape[10..], &[250]);
    assert_eq!(
        refusals(&judge(&set, &first_ids(&tape)))[0],
        "it begins with ids 1 to 10, which no bar holds"
    );
}

#[test]
fn a_threshold_without_bars_in_a_period_or_with_damaged_ones_keeps_it_unsealed() {
    let tape = swinging_tape();
    let mut set = build_all(&tape, &[250, 500]);
    set[1].1.retain(|bar| bar.open_time_us >= day_us(1));
    set[0]
        .1
        .iter_mut()
        .find(|bar| bar.open_time_us >= day_us(2))
        .expect("a bar")
        .vwap
        .0 += 1;
    let judged = refusals(&judge(&set, &first_ids(&tape)));
    assert_eq!(
        judged[..3],
        [
            "bars of 500 dbps do not fill it",
            "sealed",
            "bars of 250 dbps are missing or damaged",
        ]
    );
}

proptest! {
    #[test]
    fn collectors_that_began_on_other_days_make_the_same_seals(
        tape in tapes(1..=5_000_000, 2..250),
        values in proptest::collection::btree_set(1u32..=3_000, 1..4),
        later in any::<prop::sample::Index>(),
    ) {
        let values: Vec<u32> = values.into_iter().collect();
        let first_ids = first_ids(&tape);
        let starts: Vec<_> = first_ids.values().copied().collect();
        let first_id = starts[later.index(starts.len())];
        let place = tape.iter().position(|trade| trade.id == first_id).expect("a trade");
        let first = judge(&build_all(&tape, &values), &first_ids);
        let second = judge(&build_all(&tape[place..], &values), &first_ids);
        // The last one is over only when the trade that cut its bars is the last of all.
        let closed = first.split_last().map_or(&[][..], |(_, closed)| closed);
        for period in closed {
            prop_assert!(period.verdict.is_ok(), "{period:?}");
        }
        prop_assert_eq!(&first[first.len() - second.len()..], &second[..]);
    }

    #[test]
    fn a_bar_that_is_gone_or_altered_breaks_the_seal_of_its_period_and_of_no_other_save_its_neighbour(
        tape in tapes(1..=5_000_000, 20..250),
        place in any::<prop::sample::Index>(),
        gone in any::<bool>(),
    ) {
        let first_ids = first_ids(&tape);
        let mut set = build_all(&tape, &[20, 400]);
        let before = judge(&set, &first_ids);
        let bars = &mut set[0].1;
        prop_assume!(!bars.is_empty());
        let place = place.index(bars.len());
        let altered = bars[place].first_agg_trade_id;
        if gone {
            bars.remove(place);
        } else {
            bars[place].features.ofi += 1.0;
        }
        let after = judge(&set, &first_ids);
        let verdict_of = |judged: &[Judged], id: i64| {
            let mut judged = judged.iter();
            judged.find(|period| (period.ids.first_id..=period.ids.last_id).contains(&id)).map(|period| period.verdict.clone())
        };
        if let Some(Ok(_)) = verdict_of(&after, altered) {
            prop_assert!(false, "sealed although the bar at {} is wrong", altered);
        }
        for period in &after {
            if period.verdict.is_ok() {
                let first_id = period.ids.first_id;
                let unharmed = verdict_of(&before, first_id);
                prop_assert_eq!(Some(period.verdict.clone()), unharmed);
            }
        }
    }
}
