use super::*;
use crate::domain::row::{
    BarRow, Series, Table,
    stored::{Place, StoredBar},
};

fn unreadable(bar: &Bar, first_id: Option<i64>, last_id: Option<i64>) -> UnreadableRow {
    UnreadableRow {
        table: Table::Bars,
        key: "(sim, BTCUSDT, …)".to_owned(),
        place: Some(Box::new(Place {
            series: Series {
                exchange: "sim".into(),
                symbol: "BTCUSDT".parse().expect("a symbol"),
                threshold: bar.threshold,
                anchor: Anchor::Day,
            },
            first_id,
            last_id,
            open_time_us: None,
        })),
        column: "closed_by",
        reason: "'x' is no cause".to_owned(),
    }
}

/// Checks the bars, of which that at `place` comes as `fault`.
fn check_faulty(bars: &[Bar], place: usize, fault: &UnreadableRow) -> (Vec<Finding>, Coverage) {
    let mut tiling = Tiling::new(Anchor::Day, IdRanges::default());
    let mut findings = Vec::new();
    for (index, bar) in bars.iter().enumerate() {
        if index == place {
            tiling.push_unreadable(fault, &mut findings);
        } else {
            tiling.push(bar, &mut findings);
        }
    }
    (findings, tiling.into_coverage())
}

#[test]
fn a_bar_that_cannot_be_read_is_one_finding_whatever_of_its_ids_is_known() {
    let bars = build(&swinging_tape(), dbps(500), Anchor::Day);
    let (first_id, last_id) = (bars[5].first_agg_trade_id, bars[5].last_agg_trade_id);
    for known_last in [Some(last_id), None] {
        let fault = unreadable(&bars[5], Some(first_id), known_last);
        let (findings, coverage) = check_faulty(&bars, 5, &fault);
        assert_eq!(findings.len(), 1, "{findings:?}");
        let ids = ids(first_id, known_last.unwrap_or(first_id));
        assert_eq!(findings[0].ids(), Some(ids));
        assert!(findings[0].is_damage());
        assert!(!coverage.periods[0].is_whole && coverage.periods[1].is_whole);
    }
    let fault = unreadable(&bars[5], None, Some(last_id));
    let (findings, _) = check_faulty(&bars, 5, &fault);
    let codes: Vec<_> = findings.iter().map(Finding::code).collect();
    assert_eq!(codes, ["unreadable", "hole"]);
    assert_eq!(findings[0].ids(), None);
}

#[test]
fn a_bar_that_cannot_be_read_and_opens_a_period_leaves_the_one_before_whole() {
    let bars = build(&swinging_tape(), dbps(500), Anchor::Day);
    let place = bars
        .iter()
        .position(|bar| bar.open_time_us >= 20_001 * DAY_US)
        .expect("a second day");
    let bar = &bars[place];
    let mut fault = unreadable(
        bar,
        Some(bar.first_agg_trade_id),
        Some(bar.last_agg_trade_id),
    );
    fault.place.as_mut().expect("a place").open_time_us = Some(bar.open_time_us);
    let (findings, coverage) = check_faulty(&bars, place, &fault);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(coverage.periods[0].is_whole);
    let days: Vec<_> = coverage
        .periods
        .iter()
        .map(|period| period.start_us / DAY_US - 20_000)
        .collect();
    assert_eq!(days, [0, 2, 3], "the second day has no sums");
}

#[test]
fn a_hole_beside_a_bar_that_cannot_be_read_is_still_found() {
    let mut bars = build(&swinging_tape(), dbps(500), Anchor::Day);
    let fault = unreadable(
        &bars[5],
        Some(bars[5].first_agg_trade_id),
        Some(bars[5].last_agg_trade_id),
    );
    bars.remove(6);
    bars.remove(4);
    let (findings, _) = check_faulty(&bars, 4, &fault);
    let codes: Vec<_> = findings.iter().map(Finding::code).collect();
    assert_eq!(codes, ["hole", "unreadable", "hole"]);
}

#[test]
fn a_last_bar_without_an_end_is_not_said_to_end_early() {
    let (all, bars) = (
        build(&swinging_tape(), dbps(250), Anchor::Day),
        build(&swinging_tape(), dbps(500), Anchor::Day),
    );
    let place = bars.len() - 1;
    let fault = unreadable(&bars[place], Some(bars[place].first_agg_trade_id), None);
    let (_, coverage) = check_faulty(&bars, place, &fault);
    let mut periods = Periods::default();
    periods.add(dbps(250), covered(&all, Anchor::Day));
    periods.add(dbps(500), coverage);
    assert_eq!(periods.compare().edges, []);
}

#[test]
fn a_stored_column_that_the_others_deny_is_a_finding() {
    let bars = build(&swinging_tape(), dbps(500), Anchor::Day);
    let mut stored = StoredBar::from(BarRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        anchor: Anchor::Day,
        bar: bars[0].clone(),
        version: 1,
        is_deleted: false,
    });
    stored.implied.duration_us += 1;
    let mut findings = Vec::new();
    Tiling::new(Anchor::Day, IdRanges::default()).push_stored(&stored, &mut findings);
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0].to_string().contains("has the duration_us"),
        "{}",
        findings[0]
    );
}

#[test]
fn individual_ids_that_cannot_be_are_found() {
    let mut bars = build(&swinging_tape(), dbps(500), Anchor::Day);
    bars[2].last_trade_id = bars[2].first_trade_id - 1;
    bars[4].first_trade_id = bars[3].last_trade_id;
    bars[6].first_trade_id = bars[6].last_trade_id;
    let codes: Vec<_> = check(&bars, Anchor::Day)
        .iter()
        .map(Finding::code)
        .collect();
    assert_eq!(
        codes,
        ["fills_backwards", "fills_overlap", "too_many_fills"]
    );
}
