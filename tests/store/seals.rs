//! What every store does with seals.

use std::collections::BTreeMap;

use streamkit::{
    domain::{
        anchor::Anchor,
        digest::Digest,
        seal::{SealKey, SealRow},
        threshold::Threshold,
        tiling::IdRange,
    },
    store::sink::{SealQuery, StoreErrorKind},
};

use crate::{place::Place, suite::suite};

suite! {
    a_seal_comes_back_bit_by_bit_and_the_higher_version_counts
    a_period_that_is_unsealed_has_no_seal_and_may_be_sealed_again
    a_query_of_seals_gets_what_it_asks_for_in_order
    a_seal_that_cannot_be_read_is_named
}

const DAY_US: i64 = 86_400_000_000;

fn seal(symbol: &str, day: i64, version: u64) -> SealRow {
    let threshold = |dbps| Threshold::new(dbps).expect("a threshold");
    let digest = |text: &str| Digest(format!("v1:{text}"));
    SealRow {
        key: SealKey {
            exchange: "sim".into(),
            symbol: symbol.parse().expect("a symbol"),
            anchor: Anchor::Day,
            period_start_us: (20_000 + day) * DAY_US,
        },
        ids: IdRange {
            first_id: 1000 * day,
            last_id: 1000 * day + 999,
        },
        trade_count: 1234,
        volume: 10_i128.pow(38) - 1,
        digests: BTreeMap::from([
            (threshold(25), digest("aa")),
            (threshold(250), digest("bb")),
        ]),
        sealed_at_us: (20_001 + day) * DAY_US + 7,
        version,
        is_deleted: false,
    }
}

async fn stored(place: &Place, query: &SealQuery) -> Vec<SealRow> {
    place.store.seals(query).await.expect("seals")
}

async fn a_seal_comes_back_bit_by_bit_and_the_higher_version_counts(place: Place) {
    let every = SealQuery::default();
    place.store.put_seals(&[]).await.expect("nothing to do");
    assert_eq!(stored(&place, &every).await, []);
    let first = [seal("BTCUSDT", 0, 5), seal("ETHUSDT", 0, 5)];
    place.store.put_seals(&first).await.expect("put");
    place.store.put_seals(&first).await.expect("put again");
    assert_eq!(stored(&place, &every).await, first);
    let mut next = seal("BTCUSDT", 0, 6);
    next.trade_count += 1;
    place.store.put_seals(&[next.clone()]).await.expect("put");
    let late = seal("BTCUSDT", 0, 4);
    place.store.put_seals(&[late]).await.expect("put");
    assert_eq!(stored(&place, &every).await, [next, first[1].clone()]);
    place.leave().await;
}

async fn a_period_that_is_unsealed_has_no_seal_and_may_be_sealed_again(place: Place) {
    let every = SealQuery::default();
    let sealed = seal("BTCUSDT", 0, 5);
    let unsealed = SealRow {
        version: 6,
        is_deleted: true,
        ..sealed.clone()
    };
    let again = SealRow {
        version: 7,
        ..sealed.clone()
    };
    place.store.put_seals(&[sealed]).await.expect("put");
    place.store.put_seals(&[unsealed]).await.expect("put");
    assert_eq!(stored(&place, &every).await, []);
    let rows = std::slice::from_ref(&again);
    place.store.put_seals(rows).await.expect("put");
    assert_eq!(stored(&place, &every).await, [again]);
    place.leave().await;
}

async fn a_query_of_seals_gets_what_it_asks_for_in_order(place: Place) {
    let mut elsewhere = seal("BTCUSDT", 0, 1);
    elsewhere.key.exchange = "binance".into();
    let mut monthly = seal("BTCUSDT", 0, 1);
    monthly.key.anchor = Anchor::Month;
    let rows = [
        elsewhere,
        seal("BTCUSDT", 0, 1),
        seal("BTCUSDT", 1, 1),
        monthly,
        seal("ETHUSDT", 1, 1),
    ];
    for row in rows.iter().rev() {
        let row = std::slice::from_ref(row);
        place.store.put_seals(row).await.expect("put");
    }
    let exchange = Some("sim".to_owned());
    let symbols = vec![rows[0].key.symbol.clone()];
    let since_us = Some(rows[2].key.period_start_us);
    for (query, wanted) in [
        (SealQuery::default(), vec![0, 1, 2, 3, 4]),
        (
            SealQuery {
                exchange: exchange.clone(),
                symbols,
                anchor: Some(Anchor::Day),
                ..SealQuery::default()
            },
            vec![1, 2],
        ),
        (
            SealQuery {
                since_us,
                ..SealQuery::default()
            },
            vec![2, 4],
        ),
        (
            SealQuery {
                exchange,
                until_us: since_us,
                ..SealQuery::default()
            },
            vec![1, 3],
        ),
    ] {
        let wanted: Vec<_> = wanted
            .into_iter()
            .map(|at: usize| rows[at].clone())
            .collect();
        assert_eq!(stored(&place, &query).await, wanted, "{query:?}");
    }
    place.leave().await;
}

async fn a_seal_that_cannot_be_read_is_named(place: Place) {
    let row = SealRow {
        key: SealKey {
            exchange: "sim".into(),
            ..seal("BTCUSDT", 0, 1).key
        },
        ..seal("BTCUSDT", 0, 1)
    };
    place
        .store
        .put_seals(&[row, seal("ETHUSDT", 0, 1)])
        .await
        .expect("put");
    place.break_seal("BTCUSDT").await;
    let read = place.store.stored_seals(&SealQuery::default()).await;
    let (good, bad): (Vec<_>, Vec<_>) = read.expect("read").into_iter().partition(Result::is_ok);
    assert_eq!(good, [Ok(seal("ETHUSDT", 0, 1))]);
    let told = bad[0].as_ref().expect_err("no seal").to_string();
    assert!(
        told.contains("of seals") && told.contains("digests") && told.contains("BTCUSDT"),
        "{told}"
    );
    let error = place.store.seals(&SealQuery::default()).await;
    assert_eq!(
        error.expect_err("no seals").kind,
        StoreErrorKind::Configuration
    );
    place.leave().await;
}
