//! Whose row and whose journal count.

use super::*;
use crate::journal::trace::LastCommit;

/// The last commit of a collector, so many seconds before the start.
fn commit(collector: &str, age_s: i64) -> LastCommit {
    LastCommit {
        exchange: "sim".to_owned(),
        symbol: "BTCUSDT".to_owned(),
        collector: Some(collector.to_owned()),
        last_agg_trade_id: 8,
        committed_at_us: START - age_s * SECOND,
    }
}

/// A collector that was told to end, long ago.
fn ended() -> Seen {
    Seen {
        collector: Some("old".to_owned()),
        has_ended: true,
        ..row(2 * OLD)
    }
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_has_ended_hides_no_other_one_that_is_dead() {
    for wanted in [vec![], vec!["BTCUSDT".to_owned()]] {
        let mut scene = Scene::new(|_| sight(&[ended(), row(OLD)]));
        scene.watchdog.settings.wanted = wanted;
        scene.watchdog.settings.patience.recheck = Duration::from_millis(1);
        let outcome = scene.run().await;
        assert_eq!(scene.unit.restarts().len(), 1, "{outcome:?}");
        assert_eq!(outcome.symbols[0].collector.as_deref(), Some("nas"));
    }
    let outcome = Scene::new(|_| sight(&[ended()])).run().await;
    assert_eq!(outcome.level(), Level::Warning, "all there is");
    let outcome = Scene::new(|_| sight(&[ended(), row(0)])).run().await;
    assert_eq!(outcome.level(), Level::Fresh);
}

#[tokio::test(start_paused = true)]
async fn a_row_from_the_future_makes_a_symbol_unknown_unless_another_one_is_fresh() {
    let future = || Seen {
        collector: Some("vps".to_owned()),
        ..row(600 * SECOND)
    };
    let mut scene = Scene::new(move |_| sight(&[row(OLD), future()]));
    let outcome = scene.run().await;
    assert_eq!(outcome.symbols[0].verdict.cause, Cause::Future);
    assert_eq!(outcome.level(), Level::Unknown);
    assert_eq!(scene.unit.restarts(), [0_i64; 0]);
    let outcome = Scene::new(move |_| sight(&[future(), row(0)])).run().await;
    assert_eq!(outcome.level(), Level::Fresh, "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_vouches_for_its_own_collector_alone() {
    for (collector, age_s, restarted_at_us) in [
        // It advances, and that of the row is another one's: looked at twice.
        ("vps", 1, Some(70 * SECOND)),
        // It rests, and that is no proof of another one's death either.
        ("vps", 2000, Some(70 * SECOND)),
        ("nas", 2000, Some(0)),
        ("nas", 1, None),
    ] {
        let mut scene = Scene::new(|_| sight(&[row(OLD)]));
        scene.watchdog.journal = Some(Arc::new(move || Ok(vec![commit(collector, age_s)])));
        scene.watchdog.settings.patience.recheck = Duration::from_millis(1);
        let outcome = scene.run().await;
        let restarts = scene.unit.restarts();
        assert_eq!(restarts.first().copied(), restarted_at_us, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_read_restarts_nothing() {
    let mut scene = Scene::new(|_| sight(&[row(OLD)]));
    scene.watchdog.journal = Some(Arc::new(|| Err("no rights".to_owned())));
    let outcome = scene.run().await;
    assert_eq!(scene.unit.restarts(), [0_i64; 0]);
    assert_eq!(outcome.level(), Level::Critical);
    let reason = &outcome.symbols[0].verdict.reason;
    assert!(reason.contains("cannot be read"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_advances_means_late_and_one_that_rests_means_dead_at_once() {
    for (commit_age_s, cause, restarts) in [
        (1, Cause::DeliveringLate, 0),
        (2000, Cause::DeadCollector, 1),
    ] {
        let mut scene = Scene::new(|_| sight(&[row(OLD)]));
        scene.watchdog.journal = Some(Arc::new(move || Ok(vec![commit("nas", commit_age_s)])));
        scene.watchdog.settings.patience.recheck = Duration::from_millis(1);
        let outcome = scene.run().await;
        assert_eq!(scene.unit.restarts().len(), restarts, "{outcome:?}");
        if restarts == 0 {
            assert_eq!(outcome.symbols[0].verdict.cause, cause);
            assert_eq!(outcome.level(), Level::Critical);
        } else {
            assert_eq!(scene.unit.restarts(), [0], "without a second look");
        }
    }
}
