//! A writer on a real SQLite file that is locked, refuses, or holds seals.

use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use super::*;
use crate::{
    app::{
        backfill::patient_store::OnFailure,
        clock::Clock,
        seals::{SealRequest, confirm, seal},
        verify::testing::{rows, tape},
    },
    domain::{row::GapState, symbol::Symbol},
    store::{
        sink::{BarQuery, GapQuery, SealQuery, Store, StoreErrorKind},
        testing::{self, Locked},
    },
};

const OPEN: Duration = Duration::from_millis(80);

/// What a writer told of: why it failed, and how long it waits.
type Told = Arc<Mutex<Vec<(StoreErrorKind, Duration)>>>;

struct Scene {
    store: Arc<dyn Store>,
    directory: TempDir,
    told: Told,
}

impl Scene {
    async fn new() -> Self {
        let (store, directory) = testing::impatient_sqlite().await;
        Self {
            store,
            directory,
            told: Told::default(),
        }
    }

    /// One whose pauses are short, and which calls `on_failure` with the number of failures.
    fn writer(
        &self,
        patience: Duration,
        on_failure: impl Fn(usize) + Send + Sync + 'static,
    ) -> Writer {
        let limits = WriterLimits {
            batch_rows: 10,
            breaker_failures: 3,
            breaker_open: OPEN,
            retry_min: Duration::from_millis(1),
            retry_max: Duration::from_millis(4),
            patience,
        };
        let told = Arc::clone(&self.told);
        let on_failure: OnFailure = Arc::new(move |error, pause| {
            let count = {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                told.push((error.kind, pause));
                told.len()
            };
            on_failure(count);
        });
        let store = Arc::clone(&self.store);
        let store = PatientStore::new(store, Clock::system(), limits, on_failure);
        Writer::new(store, limits)
    }

    fn told(&self) -> Vec<(StoreErrorKind, Duration)> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    async fn stored(&self) -> Vec<BarRow> {
        let mut stored = Vec::new();
        let each = &mut |rows: Vec<BarRow>| {
            stored.extend(rows);
            Ok(())
        };
        let bars = self.store.bars(&BarQuery::default(), each).await;
        bars.expect("bars");
        stored
    }

    async fn seals(&self) -> usize {
        let seals = self.store.seals(&SealQuery::default()).await;
        seals.expect("seals").len()
    }

    /// Seals every whole day of the stored bars.
    async fn seal(&self) {
        let clock = Clock::system();
        let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
        let request = SealRequest {
            symbols: vec![symbol],
            ..SealRequest::default()
        };
        let sealing = seal(&*self.store, None, &clock, &request).await;
        let written = sealing.expect("sealed").written;
        confirm(&*self.store, &clock, written)
            .await
            .expect("confirmed");
    }
}

fn rewrite(bars: Vec<BarRow>) -> Rewrite {
    Rewrite {
        bars,
        ..Rewrite::default()
    }
}

fn later(mut row: BarRow) -> BarRow {
    row.version += 1;
    row
}

#[tokio::test]
async fn a_store_that_is_locked_gets_the_rows_once_when_it_is_free() {
    let scene = Scene::new().await;
    let bars = rows(&tape(), 250);
    assert!(bars.len() > 20, "several batches");
    let locked = Mutex::new(Some(Locked::new(&scene.directory)));
    let mut writer = scene.writer(Duration::from_secs(60), move |failures| {
        if failures == 4 {
            let mut locked = locked.lock().unwrap_or_else(PoisonError::into_inner);
            *locked = None;
        }
    });
    writer.write(rewrite(bars.clone())).await.expect("written");
    assert_eq!(scene.stored().await, bars);
    let told = scene.told();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|(kind, _)| *kind == StoreErrorKind::Retry));
    // The third failure in a row opens the breaker; the trial behind it fails, too.
    assert!(told[1].1 < OPEN / 2, "{told:?}");
    assert!(told[2].1 > OPEN / 2 && told[3].1 > OPEN / 2, "{told:?}");
}

#[tokio::test]
async fn a_store_that_stays_locked_is_given_up_and_nothing_is_in() {
    let scene = Scene::new().await;
    let locked = Locked::new(&scene.directory);
    let mut writer = scene.writer(Duration::from_millis(500), |_| {});
    let error = writer.write(rewrite(rows(&tape(), 250))).await;
    assert_eq!(error.expect_err("locked").kind, StoreErrorKind::Retry);
    assert!(scene.told().len() >= 3, "{:?}", scene.told());
    drop(locked);
    assert_eq!(scene.stored().await, []);
}

#[tokio::test]
async fn a_row_that_is_refused_ends_it_at_once_and_what_is_in_stays() {
    let scene = Scene::new().await;
    let bars = rows(&tape(), 250);
    let bad = bars[15].bar.first_agg_trade_id;
    let poison = format!(
        "CREATE TRIGGER poison BEFORE INSERT ON bars WHEN new.first_agg_trade_id = {bad} \
         BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
    );
    testing::execute(&scene.directory, &poison);
    let mut writer = scene.writer(Duration::from_secs(60), |_| {});
    let error = writer.write(rewrite(bars.clone())).await;
    assert_eq!(error.expect_err("refused").kind, StoreErrorKind::Content);
    assert_eq!(scene.told(), []);
    assert_eq!(scene.stored().await, bars[..10]);
    // The next one is not held up by it.
    testing::execute(&scene.directory, "DROP TRIGGER poison");
    writer.write(rewrite(bars.clone())).await.expect("written");
    assert_eq!(scene.stored().await, bars);
}

#[tokio::test]
async fn seals_are_taken_back_before_the_first_row_and_again_after_the_last() {
    let scene = Scene::new().await;
    let bars = rows(&tape(), 250);
    let mut writer = scene.writer(Duration::from_secs(60), |_| {});
    writer.write(rewrite(bars.clone())).await.expect("written");
    scene.seal().await;
    let sealed = scene.seals().await;
    assert!(sealed > 1);
    // No row goes in, and the seal of its day is gone all the same.
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON bars \
                  BEGIN SELECT RAISE(ABORT, 'poisoned'); END";
    testing::execute(&scene.directory, poison);
    let of_second_day = bars.iter().find(|row| row.bar.first_agg_trade_id > 100);
    let of_second_day = later(of_second_day.expect("a bar").clone());
    let refused = writer.write(rewrite(vec![of_second_day.clone()])).await;
    assert!(refused.is_err());
    assert_eq!(scene.seals().await, sealed - 1);
    // One that is made again while the rows go in is taken back, too.
    let resealed = "DROP TRIGGER poison; \
         CREATE TRIGGER seal_again AFTER INSERT ON bars BEGIN \
         UPDATE seals SET is_deleted = 0; END";
    testing::execute(&scene.directory, resealed);
    writer
        .write(rewrite(vec![of_second_day]))
        .await
        .expect("written");
    assert_eq!(scene.seals().await, sealed - 1);
}

#[tokio::test]
async fn what_one_run_wrote_another_writes_again_when_it_was_deleted() {
    let scene = Scene::new().await;
    let bars = rows(&tape(), 250);
    for _ in 0..2 {
        let mut writer = scene.writer(Duration::from_secs(60), |_| {});
        writer.write(rewrite(bars.clone())).await.expect("written");
        assert_eq!(scene.stored().await, bars);
        testing::execute(&scene.directory, "DELETE FROM bars");
        assert_eq!(scene.stored().await, []);
    }
}

#[tokio::test]
async fn tombstones_and_gaps_go_in_and_nothing_is_asked_for_nothing() {
    let scene = Scene::new().await;
    let locked = Locked::new(&scene.directory);
    let mut writer = scene.writer(Duration::from_millis(50), |_| {});
    writer
        .write(rewrite(Vec::new()))
        .await
        .expect("nothing to do");
    writer.write_gaps(Vec::new()).await.expect("nothing to do");
    drop(locked);
    let bars = rows(&tape(), 250);
    writer.write(rewrite(bars.clone())).await.expect("written");
    let gone = BarRow {
        is_deleted: true,
        ..later(bars[0].clone())
    };
    let rewrite = Rewrite {
        bars: vec![later(bars[1].clone())],
        tombstones: vec![gone],
        ..Rewrite::default()
    };
    writer.write(rewrite).await.expect("written");
    let stored = scene.stored().await;
    assert_eq!(stored.len(), bars.len() - 1);
    assert_eq!(stored[0], later(bars[1].clone()));
    let gap = GapRow {
        exchange: "sim".into(),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        first_id: 7,
        last_id: 9,
        found_at_us: 1,
        cause: "a test".to_owned(),
        state: GapState::Repaired,
        proof: String::new(),
        version: 1,
    };
    writer.write_gaps(vec![gap.clone()]).await.expect("written");
    let gaps = scene.store.gaps(&GapQuery::default()).await;
    assert_eq!(gaps.expect("gaps"), [gap]);
}

#[test]
fn a_batch_is_of_one_month_and_no_longer_than_allowed() {
    let month_us = 31 * crate::app::verify::testing::DAY_US;
    let mut rows = rows(&tape(), 250);
    rows.truncate(25);
    for row in &mut rows[12..] {
        row.bar.open_time_us += month_us;
    }
    let sizes: Vec<_> = batches(&rows, 10).iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 10, 2, 3]);
    assert_eq!(batches(&rows, 0).len(), 25);
}
