use super::*;
use crate::domain::{
    bar::Bar,
    ladder::{Ladder, Rules},
    price::{Price, Quantity},
    row::{BarRow, ImpliedColumns, Series, Table, UnreadableRow, stored::Place},
    threshold::Threshold,
    trade::Trade,
};

const DAY_US: i64 = 86_400_000_000;

/// Forty trades of one day, of which every second one breaches; and the first of the next.
fn tape() -> Vec<Trade> {
    (1..=41)
        .map(|id| Trade {
            id,
            price: Price(1_000_000 + (id % 2) * 10_000),
            quantity: Quantity(1_000 + id),
            first_trade_id: id,
            last_trade_id: id,
            time_us: if id == 41 { DAY_US + 1 } else { id },
            buyer_is_maker: id % 3 == 0,
        })
        .collect()
}

fn bars() -> Vec<Bar> {
    let mut ladder = Ladder::new(Rules {
        anchor: Anchor::Day,
        gate: true,
    });
    ladder.start(Threshold::new(500).expect("a threshold"), 1);
    let mut bars = Vec::new();
    for trade in tape() {
        ladder.push(&trade, &mut bars).expect("in order");
    }
    bars
}

#[allow(clippy::unnecessary_wraps, reason = "it stands for what a store reads")]
fn stored(bar: Bar) -> BarRead {
    Ok(StoredBar {
        implied: ImpliedColumns::of(&bar),
        row: BarRow {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            anchor: Anchor::Day,
            bar,
            version: 1,
            is_deleted: false,
        },
    })
}

fn day() -> PeriodIds {
    PeriodIds {
        ids: ids(1, 40),
        is_over: true,
    }
}

fn ids(first_id: i64, last_id: i64) -> IdRange {
    IdRange { first_id, last_id }
}

fn survey(stored: &[BarRead], period: PeriodIds) -> Survey {
    Survey::of(stored, period, Anchor::Day, &IdRanges::default())
}

fn all() -> Vec<BarRead> {
    bars().into_iter().map(stored).collect()
}

#[test]
fn the_bars_of_a_whole_period_are_right_and_hold_all_its_trades() {
    let found = survey(&all(), day());
    assert!(found.is_right() && found.bars == 20, "{found:?}");
    assert_eq!(found.sums().map(Sums::agg_trade_count), Some(40));
    // Those of other periods are passed over.
    let short = PeriodIds {
        ids: ids(1, 20),
        is_over: true,
    };
    assert!(survey(&all(), short).is_right());
}

#[test]
fn a_hole_is_read_again_and_nothing_else() {
    let mut bars = all();
    bars.drain(5..8);
    let found = survey(&bars, day());
    assert!(!found.is_right());
    assert_eq!(found.holes, [ids(11, 16)]);
    assert_eq!((found.first_id(1), found.last_id(day())), (11, 16));
    assert!(found.goes_on_at(17) && found.goes_on_at(19));
    assert!(!found.goes_on_at(15) && !found.goes_on_at(18));
}

#[test]
fn of_two_holes_all_between_is_read_again() {
    let mut bars = all();
    bars.drain(12..13);
    bars.drain(3..4);
    let found = survey(&bars, day());
    assert_eq!(found.holes, [ids(7, 8), ids(25, 26)]);
    assert_eq!((found.first_id(1), found.last_id(day())), (7, 26));
    assert!(found.goes_on_at(27) && !found.goes_on_at(9));
}

#[test]
fn a_missing_end_is_a_hole_only_when_the_period_is_over() {
    let bars: Vec<_> = all().into_iter().take(15).collect();
    let found = survey(&bars, day());
    assert_eq!(found.holes, [ids(31, 40)]);
    assert_eq!((found.first_id(1), found.last_id(day())), (31, 40));
    let open = PeriodIds {
        is_over: false,
        ..day()
    };
    let found = survey(&bars, open);
    assert!(found.is_right() && found.holes.is_empty());
    assert_eq!(found.first_id(1), 31);
}

#[test]
fn nothing_stored_is_one_hole() {
    let found = survey(&[], day());
    assert_eq!(found.holes, [ids(1, 40)]);
    assert_eq!((found.first_id(1), found.last_id(day())), (1, 40));
}

#[test]
fn a_damaged_bar_is_read_again_with_its_neighbours_kept() {
    let mut bars = all();
    if let Ok(bar) = &mut bars[4] {
        bar.implied.volume += 1;
    }
    let found = survey(&bars, day());
    assert_eq!((found.wrong, found.first_id(1)), (1, 9));
    assert!(found.goes_on_at(11));
    let mut shifted = all();
    if let Ok(stored) = &mut shifted[4] {
        stored.row.bar.first_agg_trade_id += 1;
    }
    let found = survey(&shifted, day());
    assert_eq!((found.wrong, found.first_id(1)), (1, 9));
    assert!(found.goes_on_at(11) && !found.goes_on_at(10));
}

#[test]
fn of_two_bars_that_overlap_neither_is_trusted() {
    let mut bars = all();
    let mut double = bars[6].clone();
    if let Ok(stored) = &mut double {
        stored.row.bar.first_agg_trade_id += 1;
    }
    bars.insert(7, double);
    let found = survey(&bars, day());
    assert_eq!((found.head, found.first_id(1)), (None, 1));
    assert!(!found.is_right() && found.goes_on_at(15) && !found.goes_on_at(13));
}

#[test]
fn a_last_bar_that_ends_with_a_gap_which_is_none_is_wrong() {
    let mut bars = all();
    if let Ok(stored) = &mut bars[19] {
        stored.row.bar.closed_by = ClosedBy::Gap;
    }
    assert!(!survey(&bars, day()).is_right());
}

#[test]
fn what_is_proven_absent_is_no_hole() {
    let mut ladder = Ladder::new(Rules {
        anchor: Anchor::Day,
        gate: true,
    });
    ladder.start(Threshold::new(500).expect("a threshold"), 1);
    let mut bars = Vec::new();
    for trade in tape() {
        if trade.id == 10 {
            ladder.skip_to(17, &mut bars).expect("forwards");
        } else if !(10..17).contains(&trade.id) {
            ladder.push(&trade, &mut bars).expect("in order");
        }
    }
    let bars: Vec<_> = bars.into_iter().map(stored).collect();
    let absent: IdRanges = [ids(10, 16)].into_iter().collect();
    assert!(Survey::of(&bars, day(), Anchor::Day, &absent).is_right());
    // Where the exchange has them after all, the bar that was cut would have gone on.
    let found = survey(&bars, day());
    assert_eq!(found.holes, [ids(10, 16)]);
    assert_eq!((found.wrong, found.head), (1, None));
    assert!(found.goes_on_at(17));
    let cut: Vec<_> = bars.into_iter().take(5).collect();
    let found = survey(&cut, day());
    assert_eq!((found.wrong, found.head), (1, None));
}

#[test]
fn a_row_that_cannot_be_read_inside_a_good_bar_is_read_over() {
    let inside = UnreadableRow {
        table: Table::Bars,
        key: "sim BTCUSDT 500 10".to_owned(),
        place: Some(Box::new(Place {
            series: Series {
                exchange: "sim".into(),
                symbol: "BTCUSDT".parse().expect("a symbol"),
                anchor: Anchor::Day,
                threshold: Threshold::new(500).expect("a threshold"),
            },
            first_id: Some(10),
            last_id: None,
            open_time_us: None,
        })),
        column: "open",
        reason: "it is no price".to_owned(),
    };
    for period in [
        day(),
        PeriodIds {
            is_over: false,
            ..day()
        },
    ] {
        let mut bars = all();
        bars.insert(5, Err(inside.clone()));
        let found = survey(&bars, period);
        assert!(!found.is_right());
        assert_eq!((found.wrong, found.first_id(1)), (1, 1));
        assert!(found.goes_on_at(11));
    }
}
