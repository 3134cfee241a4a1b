//! Sealing, unsealing and checking on a real SQLite file.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use tempfile::TempDir;

use super::*;
use crate::{
    app::{
        clock::Clock,
        verify::{
            SealState, VerifyRequest,
            testing::{DAY_US, dbps, rows, tape},
            verify,
        },
    },
    domain::{
        row::{BarRow, Rows},
        symbol::Symbol,
        threshold::Threshold,
        tiling::{IdRange, Unsealable},
        trade::Trade,
    },
    exchange::source::{LiveStream, Newest, Page, Source, SourceError},
    store::{
        sink::{Batch, SealQuery, Store},
        testing,
    },
};

mod diff;

/// An exchange that knows its first trades.
struct Known(BTreeMap<i64, Trade>);

#[async_trait]
impl Source for Known {
    fn name(&self) -> &'static str {
        "sim"
    }

    async fn connect(&self, _: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        Err(nobody())
    }

    async fn page(&self, _: &Symbol, _: i64) -> Result<Page, SourceError> {
        Err(nobody())
    }

    async fn latest(&self, _: &Symbol) -> Result<Option<Newest>, SourceError> {
        Err(nobody())
    }

    async fn first_since(&self, _: &Symbol, time_us: i64) -> Result<Option<Trade>, SourceError> {
        Ok(self.0.values().find(|t| t.time_us >= time_us).copied())
    }
}

/// Nobody asks for anything else.
fn nobody() -> SourceError {
    SourceError::Unreachable {
        endpoint: "here".to_owned(),
        cause: "it only knows first trades".to_owned(),
    }
}

fn known() -> Known {
    Known(tape().into_iter().map(|trade| (trade.id, trade)).collect())
}

fn symbol() -> Symbol {
    "BTCUSDT".parse().expect("a symbol")
}

struct Place {
    store: Arc<dyn Store>,
    batches: u64,
    _directory: TempDir,
}

impl Place {
    async fn new() -> Self {
        let (store, directory) = testing::sqlite().await;
        Self {
            store,
            batches: 0,
            _directory: directory,
        }
    }

    /// One with the bars of the tape of two thresholds.
    async fn full() -> Self {
        let mut place = Self::new().await;
        for threshold in [250, 500] {
            place.put(rows(&tape(), threshold)).await;
        }
        place
    }

    async fn put(&mut self, rows: Vec<BarRow>) {
        self.batches += 1;
        let batch = Batch {
            rows: Rows::Bars(rows),
            token: self.batches.to_string(),
        };
        self.store.insert(&batch).await.expect("inserted");
    }

    /// Replaces the bars that `is_meant` by what `alter` makes of them.
    async fn alter(&mut self, alter: impl Fn(&mut BarRow), is_meant: impl Fn(&BarRow) -> bool) {
        let mut altered = Vec::new();
        for threshold in [250, 500] {
            altered.extend(rows(&tape(), threshold).into_iter().filter(&is_meant));
        }
        for row in &mut altered {
            row.version = 2 + self.batches;
            alter(row);
        }
        self.put(altered).await;
    }

    async fn seal(&self, source: Option<&dyn Source>) -> Sealing {
        self.seal_wanting(source, None).await
    }

    async fn seal_wanting(
        &self,
        source: Option<&dyn Source>,
        wanted: Option<Vec<Threshold>>,
    ) -> Sealing {
        let request = SealRequest {
            symbols: vec![symbol()],
            wanted,
            ..SealRequest::default()
        };
        let clock = Clock::system();
        let sealing = seal(&*self.store, source, &clock, &request).await;
        let sealing = sealing.expect("sealing");
        let confirmed = confirm(&*self.store, &clock, sealing.written.clone()).await;
        assert_eq!(confirmed.expect("confirmed").sealed, sealing.written);
        sealing
    }

    /// The days that are sealed, the first being 0.
    async fn sealed(&self) -> Vec<i64> {
        let seals = self.store.seals(&SealQuery::default()).await;
        let days = seals.expect("seals").into_iter();
        days.map(|seal| seal.key.period_start_us / DAY_US - 20_000)
            .collect()
    }

    async fn states(&self) -> Vec<String> {
        let request = VerifyRequest {
            symbols: vec![symbol()],
            ..VerifyRequest::default()
        };
        let verified = verify(&*self.store, &request).await.expect("verified");
        let texts = verified.seals.iter().map(|seal| seal.state.to_string());
        texts.collect()
    }

    async fn check(&self) -> Vec<UnsealedPeriod> {
        let request = CheckRequest {
            exchange: None,
            symbols: vec![symbol()],
            window: Duration::from_secs(7 * 86_400),
            settle: SETTLE,
        };
        let now_us = 20_004 * DAY_US + DAY_US / 2;
        check(&*self.store, &request, now_us)
            .await
            .expect("checked")
    }
}

#[tokio::test]
async fn whole_days_are_sealed_the_first_one_once_the_exchange_has_vouched_for_it() {
    let place = Place::full().await;
    let sealing = place.seal(None).await;
    assert_eq!(place.sealed().await, [1, 2, 3]);
    assert_eq!(
        sealing.refused[0].1,
        Unsealable::StartUnknown { first_id: 1 }
    );
    assert_eq!(
        sealing.refused.len(),
        1,
        "the open day is nobody's business"
    );
    let sealing = place.seal(Some(&known())).await;
    assert_eq!((sealing.written.len(), sealing.standing.len()), (1, 3));
    assert_eq!(place.sealed().await, [0, 1, 2, 3]);
    assert_eq!(place.states().await, ["is sealed"; 4]);
    assert_eq!(place.check().await, []);
    let again = place.seal(Some(&known())).await;
    assert_eq!((again.written.len(), again.standing.len()), (0, 4));
}

#[tokio::test]
async fn rows_that_are_written_again_unseal_their_periods_and_no_others() {
    let place = Place::full().await;
    place.seal(Some(&known())).await;
    let of_day_1: Vec<_> = rows(&tape(), 250)
        .into_iter()
        .filter(|row| row.bar.open_time_us / DAY_US == 20_001)
        .collect();
    let taken = unseal(&*place.store, &of_day_1, 5).await.expect("unsealed");
    let days: Vec<_> = taken.iter().map(|seal| seal.ids).collect();
    let ids = |first_id, last_id| IdRange { first_id, last_id };
    assert_eq!(days, [ids(101, 200)]);
    assert_eq!(place.sealed().await, [0, 2, 3]);
    assert_eq!(
        unseal(&*place.store, &of_day_1, 5).await.expect("again"),
        []
    );
    let sealing = place.seal(None).await;
    assert_eq!(sealing.written.len(), 1, "equal rows deserve it again");
    assert_eq!(place.sealed().await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_bar_of_a_late_trade_unseals_the_period_that_its_ids_belong_to() {
    let place = Place::full().await;
    place.seal(Some(&known())).await;
    let mut row = rows(&tape(), 250).remove(0);
    // It is dated to the day before the one that it is of.
    row.bar.first_agg_trade_id = 101;
    row.bar.last_agg_trade_id = 101;
    unseal(&*place.store, &[row], 5).await.expect("unsealed");
    assert_eq!(place.sealed().await, [2, 3]);
}

#[tokio::test]
async fn a_bar_that_was_altered_after_sealing_breaks_the_seal_which_nobody_renews() {
    let mut place = Place::full().await;
    place.seal(Some(&known())).await;
    let is_meant =
        |row: &BarRow| row.bar.threshold == dbps(250) && row.bar.open_time_us / DAY_US == 20_002;
    // What is altered makes sense by itself.
    place
        .alter(|row| row.bar.features.ofi += 1e-9, is_meant)
        .await;
    let broken = "is sealed, and the bars of 250 dbps are not those that were sealed";
    assert_eq!(place.states().await[2], broken);
    place.seal(Some(&known())).await;
    assert_eq!(place.states().await[2], broken);
    let [unsealed] = place.check().await.try_into().expect("one");
    assert!(unsealed.state.is_damage());
    assert!(unsealed.remedy.contains("--rebuild"), "{}", unsealed.remedy);
}

#[tokio::test]
async fn a_new_seal_is_taken_back_when_the_bars_were_written_meanwhile() {
    let mut place = Place::full().await;
    let clock = Clock::system();
    let request = SealRequest {
        symbols: vec![symbol()],
        ..SealRequest::default()
    };
    let sealing = seal(&*place.store, Some(&known()), &clock, &request).await;
    let written = sealing.expect("sealed").written;
    // Somebody whose second look came before the seals.
    place
        .alter(
            |row| row.bar.features.ofi += 1e-9,
            |row| row.bar.open_time_us / DAY_US == 20_001,
        )
        .await;
    let confirmed = confirm(&*place.store, &clock, written).await;
    let confirmed = confirmed.expect("confirmed");
    assert_eq!((confirmed.sealed.len(), confirmed.lost.len()), (3, 1));
    assert_eq!(place.sealed().await, [0, 2, 3]);
}

#[tokio::test]
async fn a_threshold_that_came_later_is_not_held_against_a_seal() {
    let mut place = Place::full().await;
    place.seal(Some(&known())).await;
    place.put(rows(&tape()[200..], 750)).await;
    let states = place.states().await;
    assert_eq!(states[1], "is sealed");
    assert_eq!(states[2], "is sealed without 750 dbps");
    let wanted = Some(vec![dbps(250), dbps(750)]);
    let sealing = place.seal_wanting(None, wanted).await;
    let added: Vec<_> = sealing
        .written
        .iter()
        .map(|row| row.digests.len())
        .collect();
    assert_eq!(added, [3, 3], "the others stay in the seal");
    assert_eq!(place.sealed().await, [0, 1, 2, 3]);
    assert_eq!(sealing.refused.len(), 2);
}

#[tokio::test]
async fn the_check_names_what_is_missing_and_the_command_that_mends_it() {
    let mut place = Place::new().await;
    let is_kept = |row: &BarRow, ids: [i64; 2]| {
        row.bar.last_agg_trade_id < ids[0] || row.bar.first_agg_trade_id > ids[1]
    };
    // The second day lacks a part, and the fourth is not there at all.
    for threshold in [250, 500] {
        let mut rows = rows(&tape(), threshold);
        rows.retain(|row| is_kept(row, [301, 400]) && is_kept(row, [130, 160]));
        place.put(rows).await;
    }
    place.seal(Some(&known())).await;
    let found = place.check().await;
    let told: Vec<_> = found
        .iter()
        .map(|period| {
            let ids = period.ids_to_mend.iter().map(ToString::to_string);
            (
                period.state.code(),
                ids.collect::<Vec<_>>().join(", "),
                period.remedy.as_str(),
            )
        })
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    let (code, ids, remedy) = &told[0];
    assert_eq!(*code, "damaged");
    assert!(ids.starts_with("ids 1"), "{ids}");
    assert_eq!(
        *remedy,
        "streamkit backfill BTCUSDT --all-thresholds --anchor day --from 2024-10-05 \
         --to 2024-10-06 --exchange sim"
    );
    let (_, ids, remedy) = &told[1];
    assert_eq!(*ids, "ids 301 to 400");
    assert!(
        remedy.contains("--from 2024-10-06 --to 2024-10-08"),
        "{remedy}"
    );
}

#[tokio::test]
async fn a_whole_period_without_a_seal_is_told_of_with_the_command_that_seals_it() {
    let place = Place::full().await;
    let found = place.check().await;
    let states: Vec<_> = found.iter().map(|period| &period.state).collect();
    assert_eq!(
        states,
        [
            &SealState::Unsealed(Unsealable::StartUnknown { first_id: 1 }),
            &SealState::Deserving,
            &SealState::Deserving,
            &SealState::Deserving,
        ]
    );
    assert_eq!(
        found[1].remedy,
        "streamkit verify BTCUSDT --anchor day --since 2024-10-05 --seal --exchange sim"
    );
    assert_eq!(found[1].ids_to_mend, []);
}
