use super::*;

/// The thresholds' bars of the same four days, compared.
fn compared(sets: &[(u32, &[Bar])]) -> Comparison {
    let mut periods = Periods::default();
    for (threshold, bars) in sets {
        periods.add(dbps(*threshold), covered(bars, Anchor::Day));
    }
    periods.compare()
}

fn day_of(bar: &Bar) -> i64 {
    bar.open_time_us / DAY_US - 20_000
}

fn day_us(day: i64) -> i64 {
    (20_000 + day) * DAY_US
}

fn swinging(threshold: u32) -> Vec<Bar> {
    build(&swinging_tape(), dbps(threshold), Anchor::Day)
}

#[test]
fn first_bars_that_are_missing_are_seen_by_a_sibling_that_begins_earlier() {
    let (all, mut late) = (swinging(1_500), swinging(250));
    let kept = late.split_off(3);
    let found = compared(&[(250, &kept), (1_500, &all)]);
    let ids = ids(1, late[2].last_agg_trade_id);
    assert_eq!(found.edges, [(dbps(250), Finding::MissingStart { ids })]);
    assert_eq!(
        found.left_out,
        [LeftOut {
            threshold: dbps(250),
            reason: Reason::Damaged,
            periods: 1
        }]
    );
    assert_eq!((found.compared, found.disagreements), (3, vec![]));
    let text = found.edges[0].1.to_string();
    assert!(text.ends_with("other thresholds begin with id 1"), "{text}");
}

#[test]
fn a_start_that_is_missing_is_seen_in_a_period_that_is_still_open() {
    let first_day =
        |bars: Vec<Bar>| -> Vec<Bar> { bars.into_iter().filter(|bar| day_of(bar) == 0).collect() };
    // Without the bars that the anchor cut the day is still open.
    let (mut all, mut late) = (first_day(swinging(500)), first_day(swinging(250)));
    all.pop();
    late.pop();
    let missing = late.remove(0);
    let found = compared(&[(250, &late), (1_500, &all)]);
    let ids = ids(1, missing.last_agg_trade_id);
    assert_eq!(found.edges, [(dbps(250), Finding::MissingStart { ids })]);
    assert_eq!(found.compared, 0);
}

#[test]
fn a_series_that_begins_with_a_later_period_was_added_then() {
    let all = swinging(1_500);
    let tape = swinging_tape();
    let added_at = tape
        .iter()
        .position(|trade| trade.time_us >= day_us(2))
        .expect("a third day");
    let added = build(&tape[added_at..], dbps(250), Anchor::Day);
    let found = compared(&[(250, &added), (1_500, &all)]);
    assert_eq!(found.edges, []);
    assert_eq!(
        found.left_out,
        [LeftOut {
            threshold: dbps(250),
            reason: Reason::BeginsLater {
                start_us: day_us(2)
            },
            periods: 2
        }]
    );
    assert_eq!((found.compared, found.disagreements), (2, vec![]));
}

#[test]
fn last_bars_that_are_missing_are_seen_when_a_sibling_shows_the_period_to_be_over() {
    let (all, whole) = (swinging(1_500), swinging(250));
    // The series ends within the third day.
    let place = whole
        .iter()
        .position(|bar| day_of(bar) == 2)
        .expect("a third day");
    let ended = &whole[..place + 4];
    let last_id = ended[place + 3].last_agg_trade_id;
    let end = all
        .iter()
        .filter(|bar| day_of(bar) == 2)
        .map(|bar| bar.last_agg_trade_id)
        .max()
        .expect("a third day");
    let found = compared(&[(250, ended), (1_500, &all)]);
    let ids = ids(last_id + 1, end);
    assert_eq!(found.edges, [(dbps(250), Finding::MissingEnd { ids })]);
    let reasons: Vec<_> = found
        .left_out
        .iter()
        .map(|left_out| (left_out.reason, left_out.periods))
        .collect();
    assert_eq!(
        reasons,
        [
            (
                Reason::EndsEarlier {
                    start_us: day_us(2)
                },
                1
            ),
            (Reason::Damaged, 1)
        ]
    );
    assert_eq!(found.compared, 2);
}

#[test]
fn a_series_that_was_written_to_in_the_meantime_has_lost_no_end() {
    let (all, whole) = (swinging(1_500), swinging(250));
    let ended = &whole[..whole.len() - 5];
    let mut periods = Periods::default();
    periods.add(dbps(250), covered(ended, Anchor::Day));
    periods.add(dbps(1_500), covered(&all, Anchor::Day));
    let last_id = ended.last().expect("bars").last_agg_trade_id;
    assert_eq!(periods.ending_early(), [(dbps(250), last_id)]);
    periods.is_growing(dbps(250));
    let found = periods.compare();
    assert_eq!(found.edges, []);
    assert_eq!(found.left_out[0].reason, Reason::Growing);
    assert!(periods.ending_early().is_empty());
}

#[test]
fn a_series_that_ends_with_a_period_was_given_up_then() {
    let (all, whole) = (swinging(1_500), swinging(250));
    let given_up: Vec<Bar> = whole.into_iter().filter(|bar| day_of(bar) < 2).collect();
    let found = compared(&[(250, &given_up), (1_500, &all)]);
    assert_eq!((found.compared, found.edges), (2, vec![]));
    assert_eq!(
        found.left_out,
        [LeftOut {
            threshold: dbps(250),
            reason: Reason::EndsEarlier {
                start_us: day_us(1)
            },
            periods: 2
        }]
    );
}

#[test]
fn a_period_with_a_hole_is_left_out_and_a_lone_threshold_is_compared_with_nobody() {
    let (all, mut holey) = (swinging(1_500), swinging(250));
    let place = holey
        .iter()
        .position(|bar| day_of(bar) == 1)
        .expect("a second day");
    holey.remove(place + 2);
    let found = compared(&[(250, &holey), (1_500, &all)]);
    assert_eq!(
        found.left_out,
        [LeftOut {
            threshold: dbps(250),
            reason: Reason::Damaged,
            periods: 1
        }]
    );
    assert_eq!(
        found.left_out[0].to_string(),
        "250 dbps is left out of 1 closed period: bars are missing or damaged there"
    );
    let alone = compared(&[(250, &holey)]);
    assert_eq!(alone, Comparison::default());
}

#[test]
fn individual_ids_at_the_edges_of_a_period_are_compared() {
    let (all, mut altered) = (swinging(1_500), swinging(250));
    // An earlier id of the very first trade fits its bar, and there is no bar before.
    altered[0].first_trade_id -= 1;
    let found = compared(&[(250, &altered), (1_500, &all)]).disagreements;
    let figures: Vec<_> = found.iter().map(|found| found.figure).collect();
    assert_eq!(figures, ["first_trade_id"]);
}
