use super::*;
use crate::app::seals::diff::{Side, What, Why};

async fn compared(a: &Place, b: &Place) -> StoreDiff {
    let request = DiffRequest::default();
    diff(&*a.store, &*b.store, &request).await.expect("a diff")
}

#[tokio::test]
async fn what_one_store_did_not_collect_makes_no_difference_and_what_it_lost_does() {
    let (a, mut b) = (Place::full().await, Place::new().await);
    for threshold in [250, 500] {
        // It began with the second day, and lost a part of the third.
        let mut rows = rows(&tape()[100..], threshold);
        rows.retain(|row| row.bar.last_agg_trade_id < 230 || row.bar.first_agg_trade_id > 260);
        b.put(rows).await;
    }
    let found = compared(&a, &b).await;
    assert!(found.has_holes() && !found.is_equal(), "{found:#?}");
    assert!(found.differences.is_empty(), "{found:#?}");
    let periods: Vec<_> = found.series.iter().map(|series| series.equal).collect();
    assert_eq!(periods, [2, 2], "the second day and the fourth");
    let only: Vec<_> = found
        .only
        .iter()
        .map(|only| (only.side, only.periods, only.first_us / DAY_US))
        .collect();
    assert_eq!(only, [(Side::A, 1, 20_000); 2]);
    let whys: Vec<_> = found.not_whole.iter().map(|p| (p.side, p.why)).collect();
    assert_eq!(whys, [(Side::B, Why::Holes); 2]);

    let mut later = Place::new().await;
    for threshold in [250, 500] {
        later.put(rows(&tape()[100..], threshold)).await;
    }
    let found = compared(&a, &later).await;
    assert!(found.is_equal() && !found.is_complete(), "{found:#?}");
    assert!(found.not_whole.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn a_bar_that_covers_other_ids_is_a_difference_even_where_nothing_is_whole() {
    let (a, mut b) = (Place::full().await, Place::new().await);
    let mut changed = 0;
    for threshold in [250, 500] {
        let mut rows = rows(&tape(), threshold);
        if threshold == 500 {
            let bar = &mut rows[2].bar;
            bar.first_agg_trade_id += 1;
            changed = bar.first_agg_trade_id;
        }
        b.put(rows).await;
    }
    let found = compared(&a, &b).await;
    assert!(!found.is_equal());
    let [difference] = found.differences.as_slice() else {
        panic!("{found:#?}");
    };
    assert_eq!(difference.series.threshold, dbps(500));
    assert_eq!(difference.bar.first_id, changed - 1);
    assert_eq!(difference.what, What::OnlyIn(Side::A));
    assert!(found.not_whole.iter().all(|period| period.side == Side::B));
}

#[tokio::test]
async fn the_first_bar_that_differs_is_named_with_its_column_and_both_values() {
    let (a, mut b) = (Place::full().await, Place::full().await);
    let is_meant =
        |row: &BarRow| row.bar.threshold == dbps(250) && row.bar.open_time_us / DAY_US >= 20_001;
    b.alter(|row| row.bar.features.ofi = -0.125, is_meant).await;
    let found = compared(&a, &b).await;
    let [difference] = found.differences.as_slice() else {
        panic!("{found:#?}");
    };
    assert_eq!(difference.bar.first_id, 101);
    assert_eq!(difference.start_us, 20_001 * DAY_US);
    let told = difference.what.to_string();
    assert!(
        told.starts_with("ofi is ") && told.ends_with(" and -0.125 in B"),
        "{told}"
    );
    let counts = found.series.iter().map(|s| (s.equal, s.different));
    assert_eq!(counts.collect::<Vec<_>>(), [(1, 3), (4, 0)]);
}

#[tokio::test]
async fn empty_stores_are_not_equal() {
    let (a, b) = (Place::new().await, Place::new().await);
    let found = compared(&a, &b).await;
    assert!(!found.is_equal() && found.compared() == 0);
}
