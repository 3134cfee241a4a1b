use super::*;
use crate::domain::{
    ladder::{Ladder, Rules},
    price::{Price, Quantity},
    random_tape::DAY_US,
    sums::Sums,
    threshold::Threshold,
    trade::Trade,
};

fn dbps(value: u32) -> Threshold {
    Threshold::new(value).expect("a valid threshold")
}

fn ids(first_id: i64, last_id: i64) -> IdRange {
    IdRange { first_id, last_id }
}

fn trade(id: i64, price: i64, time_us: i64) -> Trade {
    Trade {
        id,
        price: Price(price),
        quantity: Quantity(10_000_000 + id % 7),
        first_trade_id: id * 2,
        last_trade_id: id * 2 + id % 2,
        time_us,
        buyer_is_maker: id % 3 == 0,
    }
}

fn build(tape: &[Trade], threshold: Threshold, anchor: Anchor) -> Vec<Bar> {
    let mut ladder = Ladder::new(Rules { anchor, gate: true });
    ladder.start(threshold, tape[0].id);
    let mut bars = Vec::new();
    for trade in tape {
        ladder.push(trade, &mut bars).expect("the tape is in order");
    }
    bars
}

fn check_with(bars: &[Bar], anchor: Anchor, absent: IdRanges) -> Vec<Finding> {
    let mut tiling = Tiling::new(anchor, absent);
    let mut findings = Vec::new();
    for bar in bars {
        tiling.push(bar, &mut findings);
    }
    findings
}

fn check(bars: &[Bar], anchor: Anchor) -> Vec<Finding> {
    check_with(bars, anchor, IdRanges::default())
}

/// A price that swings, so that bars close every few trades, over four days.
fn swinging_tape() -> Vec<Trade> {
    (1..=400)
        .map(|id| {
            let price = 1_000_000 + (id % 20) * 1_000;
            trade(id, price, 20_000 * DAY_US + id * DAY_US / 100)
        })
        .collect()
}

#[test]
fn a_removed_bar_is_a_hole_with_exactly_its_ids() {
    let mut bars = build(&swinging_tape(), dbps(500), Anchor::Day);
    let removed = bars.remove(5);
    let hole = ids(removed.first_agg_trade_id, removed.last_agg_trade_id);
    assert_eq!(
        check(&bars, Anchor::Day),
        [Finding::Hole {
            ids: hole,
            is_absent: false
        }]
    );
}

#[test]
fn a_hole_that_is_proven_absent_is_listed_and_no_damage() {
    let tape = swinging_tape();
    let mut ladder = Ladder::new(Rules {
        anchor: Anchor::Day,
        gate: true,
    });
    ladder.start(dbps(500), 1);
    let mut bars = Vec::new();
    for trade in &tape[..50] {
        ladder.push(trade, &mut bars).expect("in order");
    }
    ladder.skip_to(61, &mut bars).expect("61 lies ahead");
    for trade in &tape[60..] {
        ladder.push(trade, &mut bars).expect("in order");
    }
    let absent: IdRanges = [ids(51, 55), ids(56, 60)].into_iter().collect();
    let findings = check_with(&bars, Anchor::Day, absent);
    assert_eq!(
        findings,
        [Finding::Hole {
            ids: ids(51, 60),
            is_absent: true
        }]
    );
    assert!(!findings[0].is_damage());

    let partly: IdRanges = [ids(51, 59)].into_iter().collect();
    let findings = check_with(&bars, Anchor::Day, partly);
    assert!(findings[0].is_damage());
    assert_eq!(findings[0].ids(), Some(ids(51, 60)));
}

#[test]
fn a_bar_that_is_stored_twice_overlaps_itself() {
    let mut bars = build(&swinging_tape(), dbps(500), Anchor::Day);
    bars.insert(5, bars[5].clone());
    let bar = ids(bars[5].first_agg_trade_id, bars[5].last_agg_trade_id);
    assert_eq!(
        check(&bars, Anchor::Day),
        [Finding::Overlap { ids: bar, bar }]
    );
}

#[test]
fn a_long_bar_overlaps_all_that_follow_until_it_ends() {
    let tape = swinging_tape();
    let mut bars = build(&tape, dbps(500), Anchor::None);
    let wide = build(&tape, dbps(1_700), Anchor::None).remove(0);
    let end = wide.last_agg_trade_id;
    let within = bars
        .iter()
        .filter(|bar| bar.first_agg_trade_id > 1 && bar.first_agg_trade_id <= end)
        .count();
    assert!(within > 1, "the wide bar covers several");
    bars[0] = wide;
    let overlaps = check(&bars, Anchor::None)
        .iter()
        .filter(|finding| finding.code() == "overlap")
        .count();
    assert_eq!(overlaps, within);
}

#[test]
fn bars_built_without_cuts_do_not_pass_as_daily_bars() {
    let bars = build(&swinging_tape(), dbps(1_700), Anchor::None);
    assert_eq!(check(&bars, Anchor::None), []);
    let findings = check(&bars, Anchor::Day);
    assert!(!findings.is_empty());
    assert!(
        findings
            .iter()
            .all(|finding| finding.code() == "spans_anchor"),
        "{findings:?}"
    );
}

#[test]
fn a_trade_timed_before_a_boundary_already_passed_is_no_damage() {
    let tape = [
        trade(1, 1000, DAY_US - 1),
        trade(2, 1001, DAY_US),
        trade(3, 1002, DAY_US - 1),
        // Opens a bar with a late time, and ends it before it opened.
        trade(4, 2000, DAY_US + 1),
        trade(5, 2001, DAY_US - 5),
        trade(6, 1000, DAY_US - 7),
        trade(7, 1001, 2 * DAY_US),
        trade(8, 1001, 3 * DAY_US),
    ];
    let bars = build(&tape, dbps(1000), Anchor::Day);
    assert!(bars.iter().any(|bar| bar.close_time_us < bar.open_time_us));
    assert_eq!(check(&bars, Anchor::Day), []);
}

#[test]
fn every_wrong_cause_of_closing_is_found() {
    let bars = build(&swinging_tape(), dbps(1_500), Anchor::Day);
    for (index, bar) in bars.iter().enumerate().take(bars.len() - 1) {
        for closed_by in [ClosedBy::Breach, ClosedBy::Anchor, ClosedBy::Gap] {
            let mut altered = bars.clone();
            altered[index].closed_by = closed_by;
            let findings = check(&altered, Anchor::Day);
            assert_eq!(
                findings.is_empty(),
                closed_by == bar.closed_by,
                "{} for {}: {findings:?}",
                closed_by,
                bar.closed_by
            );
        }
    }
}

fn covered(bars: &[Bar], anchor: Anchor) -> Coverage {
    let mut tiling = Tiling::new(anchor, IdRanges::default());
    for bar in bars {
        tiling.push(bar, &mut Vec::new());
    }
    tiling.into_coverage()
}

#[test]
fn closed_periods_agree_and_one_more_trade_in_one_of_them_is_found() {
    let tape = swinging_tape();
    let mut periods = Periods::default();
    for threshold in [dbps(250), dbps(500), dbps(1_500)] {
        let bars = build(&tape, threshold, Anchor::Day);
        periods.add(threshold, covered(&bars, Anchor::Day));
    }
    let expected = Comparison {
        compared: 4,
        ..Comparison::default()
    };
    assert_eq!(periods.compare(), expected);

    let mut bars = build(&tape, dbps(750), Anchor::Day);
    let bar = bars
        .iter_mut()
        .find(|bar| bar.open_time_us >= 20_001 * DAY_US)
        .expect("a bar of the second day");
    let mut extra = Sums::default();
    let mut more = trade(3, 1_000_000, 1);
    more.quantity = Quantity(1);
    extra.add(&more);
    // Subtracting from nothing and then from that is adding.
    bar.sums = bar.sums.since(&Sums::default().since(&extra));
    periods.add(dbps(750), covered(&bars, Anchor::Day));
    let found = periods.compare().disagreements;
    let figures: Vec<_> = found.iter().map(|found| found.figure).collect();
    assert_eq!(
        figures,
        [
            "sell_volume",
            "sell_turnover",
            "sell_trade_count",
            "agg_trade_count"
        ]
    );
    assert!(found.iter().all(|found| found.start_us == 20_001 * DAY_US));
}

#[test]
fn a_period_that_begins_with_different_trades_is_found() {
    let tape = swinging_tape();
    // In the second tape the boundary is seen one trade later.
    let mut shifted = tape.clone();
    let second_day = shifted
        .iter_mut()
        .find(|trade| trade.time_us >= 20_001 * DAY_US)
        .expect("a second day");
    second_day.time_us = 20_001 * DAY_US - 1;
    let mut periods = Periods::default();
    for (threshold, tape) in [(dbps(250), &tape), (dbps(500), &shifted)] {
        let bars = build(tape, threshold, Anchor::Day);
        periods.add(threshold, covered(&bars, Anchor::Day));
    }
    let found = periods.compare().disagreements;
    let figures: Vec<_> = found.iter().map(|found| found.figure).collect();
    assert_eq!(figures, ["last_agg_trade_id", "first_agg_trade_id"]);
}

#[test]
fn figures_beyond_every_calendar_and_range_are_findings_and_no_panic() {
    let mut bars = build(&swinging_tape(), dbps(500), Anchor::Day);
    bars[3].open_time_us = i64::MIN;
    bars[3].close_time_us = i64::MAX;
    bars[4].first_agg_trade_id = i64::MIN;
    bars[4].last_agg_trade_id = i64::MAX;
    bars[5].first_agg_trade_id = i64::MAX;
    bars[5].last_agg_trade_id = i64::MIN;
    bars[6].low = Price(i64::MIN);
    bars[6].open = Price(i64::MAX);
    let findings = check(&bars, Anchor::Month);
    for code in [
        "times_outside",
        "ids_backwards",
        "overlap",
        "trade_count",
        "price_outside",
    ] {
        assert!(
            findings.iter().any(|finding| finding.code() == code),
            "{code}"
        );
    }
    for finding in findings {
        assert!(finding.is_damage() && !finding.to_string().is_empty());
    }
}

#[test]
fn findings_read_as_sentences_with_ids() {
    let hole = Finding::Hole {
        ids: ids(120, 150),
        is_absent: false,
    };
    assert_eq!(hole.to_string(), "ids 120 to 150 are missing (31 trades)");
    let spans = Finding::SpansAnchor {
        bar: ids(7, 9),
        boundary_us: DAY_US,
    };
    assert_eq!(
        spans.to_string(),
        "the bar of ids 7 to 9 goes on past the boundary 1970-01-02T00:00:00Z"
    );
    let no_breach = Finding::NoBreach {
        bar: ids(7, 7),
        close: Price(100_000_000),
        bounds: dbps(250).bounds(Price(100_000_000)),
    };
    assert_eq!(
        no_breach.to_string(),
        "the bar of id 7 is closed by a breach, but its close 1.00000000 touches neither \
         0.99750000 nor 1.00250000"
    );
}

mod comparison;
mod properties;
mod sealing;
mod unreadable;
