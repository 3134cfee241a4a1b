use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    anchor::Anchor,
    ladder::{Ladder, Rules},
    random_tape::{DAY_US, tapes},
    row::{Table, UnreadableRow, stored::Place},
    threshold::Threshold,
    trade::Trade,
};

fn series() -> Series {
    Series {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        threshold: Threshold::new(25).expect("a threshold"),
        anchor: Anchor::Day,
    }
}

fn bars_of(tape: &[Trade]) -> Vec<Bar> {
    let series = series();
    let mut ladder = Ladder::new(Rules {
        anchor: series.anchor,
        gate: true,
    });
    let mut bars = Vec::new();
    if let Some(first) = tape.first() {
        ladder.start(series.threshold, first.id);
    }
    for trade in tape {
        ladder.push(trade, &mut bars).expect("in order");
    }
    bars
}

fn row(bar: &Bar, version: u64) -> BarRow {
    let series = series();
    BarRow {
        exchange: series.exchange,
        symbol: series.symbol,
        anchor: series.anchor,
        bar: bar.clone(),
        version,
        is_deleted: false,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a store hands over")]
fn stored(bar: &Bar, version: u64) -> BarRead {
    Ok(StoredBar::from(row(bar, version)))
}

fn unreadable(bar: &Bar) -> BarRead {
    Err(UnreadableRow {
        table: Table::Bars,
        key: bar.first_agg_trade_id.to_string(),
        place: Some(Box::new(Place {
            series: series(),
            first_id: Some(bar.first_agg_trade_id),
            last_id: None,
            open_time_us: Some(bar.open_time_us),
        })),
        column: "low",
        reason: "it is what cannot be".to_owned(),
    })
}

const EVERY: IdRange = IdRange {
    first_id: 0,
    last_id: i64::MAX,
};

/// What a store shows that keeps rows apart by day: of each key, over all days, the row
/// with the highest version, unless it is a tombstone.
fn shown(stored: &[BarRead], change: &Rewrite) -> Vec<Bar> {
    let mut parts: BTreeMap<(i64, i64), (u64, Option<Bar>)> = BTreeMap::new();
    let read = stored.iter().map(|read| match read {
        Ok(bar) => (bar.row.version, false, bar.row.bar.clone()),
        Err(unreadable) => {
            let place = unreadable.place.as_ref().expect("a place");
            let mut bar = bars_of(&one_breach())[0].clone();
            bar.first_agg_trade_id = place.first_id.expect("an id");
            bar.open_time_us = place.open_time_us.expect("a time");
            (0, false, bar)
        }
    });
    let written = change.bars.iter().chain(&change.tombstones);
    let written = written.map(|row| (row.version, row.is_deleted, row.bar.clone()));
    for (version, is_deleted, bar) in read.chain(written) {
        let key = (bar.open_time_us.div_euclid(DAY_US), bar.first_agg_trade_id);
        let row = (version, (!is_deleted).then_some(bar));
        let kept = parts.entry(key).or_insert_with(|| row.clone());
        if row.0 >= kept.0 {
            *kept = row;
        }
    }
    // The parts of a key are merged when it is read, and each for itself in the background:
    // both have to show the same.
    let mut keys: BTreeMap<i64, Vec<(u64, Option<Bar>)>> = BTreeMap::new();
    for ((_, first_id), row) in parts {
        keys.entry(first_id).or_default().push(row);
    }
    let shown = keys.into_values().filter_map(|mut rows| {
        rows.sort_by_key(|(version, _)| *version);
        let living = rows.iter().filter(|(_, bar)| bar.is_some()).count();
        assert!(living <= 1, "a row lives on in another part");
        rows.pop()?.1
    });
    shown.collect()
}

fn one_breach() -> Vec<Trade> {
    use crate::domain::price::{Price, Quantity};
    [(1, 1000), (2, 2000)]
        .map(|(id, price)| Trade {
            id,
            price: Price(price),
            quantity: Quantity(5),
            first_trade_id: id,
            last_trade_id: id,
            time_us: id,
            buyer_is_maker: false,
        })
        .to_vec()
}

/// What may have happened to a stored bar.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Fine,
    Missing,
    OtherFigures,
    Shifted,
    Unreadable,
    OtherDay,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Fine),
        1 => Just(Fate::Missing),
        1 => Just(Fate::OtherFigures),
        1 => Just(Fate::Shifted),
        1 => Just(Fate::Unreadable),
        1 => Just(Fate::OtherDay),
    ]
}

fn suffer(bar: &Bar, fate: Fate, version: u64) -> Option<BarRead> {
    let mut altered = bar.clone();
    match fate {
        Fate::Fine => {}
        Fate::Missing => return None,
        Fate::OtherFigures => altered.high.0 += 1,
        Fate::Shifted => altered.first_agg_trade_id += 1,
        Fate::Unreadable => return Some(unreadable(bar)),
        Fate::OtherDay => altered.open_time_us += 3 * DAY_US,
    }
    Some(stored(&altered, version))
}

proptest! {
    #[test]
    fn whatever_is_stored_the_bars_are_those_of_the_tape_afterwards_and_no_good_row_is_touched(
        tape in tapes(1..=1000, 1..200),
        fates in prop::collection::vec(fate(), 200),
        clock_us in 1_u64..50,
    ) {
        let built = bars_of(&tape);
        let mut before: Vec<BarRead> = (1_u64..)
            .zip(built.iter().zip(&fates))
            .filter_map(|(number, (bar, fate))| suffer(bar, *fate, number % 40))
            .collect();
        before.sort_by_key(|read| placed(read).map(|(first_id, _)| first_id));
        // A shifted bar may have come upon the next one's key, which a table holds once.
        before.dedup_by_key(|read| placed(read).map(|(first_id, _)| first_id));
        let change = rewrite(&series(), &built, &before, EVERY, clock_us);
        prop_assert_eq!(&shown(&before, &change), &built);
        prop_assert_eq!(change.unknown, 0);
        prop_assert_eq!(change.kept + change.bars.len() as u64, built.len() as u64);
        let read = before.iter().flatten().map(|bar| bar.row.version).max().unwrap_or(0);
        let mut written = change.bars.iter().chain(&change.tombstones);
        prop_assert!(written.all(|row| row.version > read && row.version >= clock_us));
        let after: Vec<BarRead> = built.iter().map(|bar| stored(bar, 1)).collect();
        prop_assert!(rewrite(&series(), &built, &after, EVERY, clock_us).is_empty());
    }
}

#[test]
fn bars_that_begin_outside_of_the_ids_are_left_alone() {
    let tape: Vec<Trade> = (0..20).flat_map(|_| one_breach()).collect();
    let tape: Vec<Trade> = (1..)
        .zip(tape)
        .map(|(id, trade)| Trade { id, ..trade })
        .collect();
    let built = bars_of(&tape);
    assert!(built.len() > 4);
    let before: Vec<BarRead> = built.iter().map(|bar| stored(bar, 1)).collect();
    let inner = &built[1..3];
    let ids = IdRange {
        first_id: inner[0].first_agg_trade_id,
        last_id: inner[1].last_agg_trade_id,
    };
    let change = rewrite(&series(), inner, &before, ids, 9);
    assert_eq!((change.kept, change.is_empty()), (2, true));
    let nothing = rewrite(&series(), &[], &before, ids, 9);
    assert_eq!((nothing.tombstones.len(), nothing.added()), (2, 0));
    assert_eq!(nothing.tombstones[0].version, 9);
    assert_eq!(
        nothing.tombstones[0].bar.open_time_us,
        inner[0].open_time_us
    );
}

#[test]
fn a_row_without_a_key_is_counted_and_left() {
    let mut nameless = unreadable(&bars_of(&one_breach())[0]);
    if let Err(unreadable) = &mut nameless {
        unreadable.place = None;
    }
    let change = rewrite(&series(), &[], &[nameless], EVERY, 9);
    assert_eq!((change.unknown, change.is_empty()), (1, true));
}
