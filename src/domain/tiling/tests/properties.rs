use proptest::prelude::*;

use super::*;
use crate::domain::random_tape::tapes;

/// One way to damage a bar.
#[derive(Debug, Clone, Copy)]
enum Alteration {
    FirstId,
    LastId,
    Open,
    High,
    Low,
    Close,
    Vwap,
    CloseTime,
    Volume,
    Feature,
}

fn alter(bar: &mut Bar, alteration: Alteration) {
    match alteration {
        Alteration::FirstId => bar.first_agg_trade_id += 1,
        Alteration::LastId => bar.last_agg_trade_id -= 1,
        Alteration::Open => bar.open = Price(bar.high.0 + 1),
        Alteration::High => bar.high = Price(bar.open.0.min(bar.close.0) - 1),
        Alteration::Low => bar.low = Price(bar.open.0.max(bar.close.0) + 1),
        Alteration::Close => bar.close = Price(bar.low.0 - 1),
        Alteration::Vwap => bar.vwap.0 += 1,
        // A week passes every daily boundary.
        Alteration::CloseTime => bar.close_time_us += 7 * DAY_US,
        Alteration::Volume => {
            let mut extra = trade(1, 1, 1);
            extra.quantity = Quantity(100_000_000);
            let mut sums = Sums::default();
            sums.add(&extra);
            bar.sums = bar.sums.since(&Sums::default().since(&sums));
        }
        Alteration::Feature => bar.features.volume_per_trade *= 1.000_000_1,
    }
}

fn alterations() -> impl Strategy<Value = Alteration> {
    prop_oneof![
        Just(Alteration::FirstId),
        Just(Alteration::LastId),
        Just(Alteration::Open),
        Just(Alteration::High),
        Just(Alteration::Low),
        Just(Alteration::Close),
        Just(Alteration::Vwap),
        Just(Alteration::CloseTime),
        Just(Alteration::Volume),
        Just(Alteration::Feature),
    ]
}

proptest! {
    #[test]
    fn what_the_ladder_builds_is_clean_and_its_periods_agree(
        tape in tapes(1..=5_000_000, 2..250),
        thresholds in proptest::collection::btree_set(1u32..=3_000, 2..6),
        monthly in any::<bool>(),
        gap in proptest::option::of((1usize..200, 1i64..50)),
    ) {
        let anchor = if monthly { Anchor::Month } else { Anchor::Day };
        let mut ladder = Ladder::new(Rules { anchor, gate: true });
        let thresholds: Vec<_> = thresholds.into_iter().map(dbps).collect();
        for &threshold in &thresholds {
            ladder.start(threshold, tape[0].id);
        }
        let mut bars = Vec::new();
        let mut absent = Vec::new();
        let mut shift = 0;
        for (index, trade) in tape.iter().enumerate() {
            if let Some((at, width)) = gap && at == index {
                absent.push(ids(trade.id, trade.id + width - 1));
                shift = width;
                ladder.skip_to(trade.id + width, &mut bars).expect("ahead");
            }
            let trade = Trade { id: trade.id + shift, ..*trade };
            ladder.push(&trade, &mut bars).expect("in order");
        }
        let absent: IdRanges = absent.into_iter().collect();
        let mut periods = Periods::default();
        for &threshold in &thresholds {
            let mut tiling = Tiling::new(anchor, absent.clone());
            let mut findings = Vec::new();
            for bar in bars.iter().filter(|bar| bar.threshold == threshold) {
                tiling.push(bar, &mut findings);
            }
            prop_assert!(findings.iter().all(|f| !f.is_damage()), "{findings:?}");
            prop_assert!(findings.len() <= usize::from(gap.is_some()));
            periods.add(threshold, tiling.into_coverage());
        }
        let comparison = periods.compare();
        prop_assert_eq!(comparison.disagreements, vec![]);
        prop_assert_eq!(comparison.edges, vec![]);
        prop_assert_eq!(comparison.left_out, vec![]);
    }

    #[test]
    fn whatever_is_removed_doubled_or_altered_is_found(
        tape in tapes(1..=5_000_000, 2..250),
        threshold in 1u32..=200,
        index in any::<prop::sample::Index>(),
        alteration in proptest::option::of(alterations()),
        double in any::<bool>(),
    ) {
        let bars = build(&tape, dbps(threshold), Anchor::Day);
        prop_assume!(bars.len() >= 3);
        // The first and the last bar have a neighbour on one side only.
        let index = 1 + index.index(bars.len() - 2);
        let mut damaged = bars.clone();
        match alteration {
            Some(alteration) => alter(&mut damaged[index], alteration),
            None if double => damaged.insert(index, bars[index].clone()),
            None => {
                let removed = damaged.remove(index);
                let hole = ids(removed.first_agg_trade_id, removed.last_agg_trade_id);
                let expected = Finding::Hole { ids: hole, is_absent: false };
                prop_assert!(check(&damaged, Anchor::Day).contains(&expected));
            }
        }
        let findings = check(&damaged, Anchor::Day);
        prop_assert!(findings.iter().any(Finding::is_damage), "{:?}", damaged[index]);
    }
}
