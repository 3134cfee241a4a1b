//! What every store does.

use streamkit::domain::{
    anchor::Anchor,
    bar::ClosedBy,
    features::Features,
    price::Price,
    row::{GapState, Rows, Series},
    sums::{Side, Sums},
};
use streamkit::{
    domain::row::EventRow,
    store::sink::{BarQuery, EventQuery, GapQuery, SymbolIds},
};

use crate::{
    place::Place,
    rows::{TRADES, bar, bars, batch, btc, event, exactly, gap, series, trade},
};

macro_rules! suite {
    ($($name:ident)*) => {
        mod in_sqlite {
            $(#[tokio::test] async fn $name() {
                super::$name(crate::place::Place::sqlite().await).await;
            })*
        }
        mod in_clickhouse {
            $(#[tokio::test] async fn $name() {
                if let Some(place) = crate::place::Place::clickhouse().await {
                    super::$name(place).await;
                }
            })*
        }
    };
}

pub(crate) use suite;

suite! {
    making_the_schema_again_changes_nothing
    the_most_extreme_rows_come_back_bit_by_bit
    a_batch_that_is_sent_again_changes_nothing
    a_tombstone_hides_and_a_higher_version_brings_back
    rows_that_were_deleted_can_be_written_again
    the_higher_version_counts_in_whatever_order_they_come
    the_newest_of_each_series_are_its_last_ones
    a_query_gets_what_it_asks_for_in_order
    series_and_their_last_bars_are_found
    gaps_keep_their_latest_state
    events_come_by_time_and_only_those_that_are_asked_for
    of_events_only_the_last_of_each_kind_can_be_asked_for
    the_ids_that_bars_reach_over_are_counted_by_the_store
    a_hundred_thousand_rows_go_in_at_once_and_come_back_in_pieces
    a_reader_that_fails_ends_the_reading
    an_empty_store_answers
}

fn every() -> BarQuery {
    BarQuery::default()
}

async fn making_the_schema_again_changes_nothing(place: Place) {
    place.put(Rows::Bars(bars(&btc(), 3, 1)), "a").await;
    place.store.create_schema().await.expect("a schema");
    place.store.ping().await.expect("an answer");
    assert_eq!(place.bars(&every()).await, bars(&btc(), 3, 1));
    place.leave().await;
}

async fn the_most_extreme_rows_come_back_bit_by_bit(place: Place) {
    let largest = 10_i128.pow(38) - 1;
    let side = |part: i128| Side {
        volume: part,
        turnover: part,
        trade_count: i64::MAX.unsigned_abs() / 2,
    };
    let mut large = bar(&btc(), 0, i64::MAX.unsigned_abs());
    large.bar.first_agg_trade_id = i64::MAX - TRADES;
    large.bar.last_agg_trade_id = i64::MAX;
    large.bar.open_time_us = 1;
    large.bar.close_time_us = 4_102_444_799_999_999;
    large.bar.first_trade_id = i64::MIN;
    large.bar.last_trade_id = i64::MAX;
    large.bar.open = Price(i64::MAX);
    large.bar.low = Price(1);
    large.bar.sums = Sums::of_sides(
        side(largest - 12_345),
        side(12_345),
        i64::MAX.unsigned_abs(),
    );
    large.bar.features = Features {
        ofi: -0.0,
        vwap_close_deviation: 0.0,
        price_impact: f64::MAX,
        kyle_lambda_proxy: f64::MIN,
        trade_intensity: f64::from_bits(1),
        volume_per_trade: 1.0 / 3.0,
        aggression_ratio: 100.0,
        aggregation_density: f64::MIN_POSITIVE,
        turnover_imbalance: -1e-300,
    };
    large.bar.closed_by = ClosedBy::Gap;
    let mut small = bar(&btc(), 0, 0);
    small.bar.sums = Sums::of_sides(Side::default(), Side::default(), 0);
    small.bar.open = Price(0);
    small.bar.closed_by = ClosedBy::Anchor;
    let negative = {
        let mut row = bar(&btc(), 1, 1);
        row.bar.sums = Sums::of_sides(
            Side {
                volume: -largest,
                turnover: -1,
                trade_count: 0,
            },
            Side::default(),
            1,
        );
        row.bar.low = Price(i64::MIN);
        row
    };
    // Rows of one partition a batch, as the journal makes them.
    for (token, row) in [("1", &large), ("2", &small), ("3", &negative)] {
        place.put(Rows::Bars(vec![row.clone()]), token).await;
    }
    let expected = [small, negative, large];
    assert_eq!(exactly(&place.bars(&every()).await), exactly(&expected));
    place.leave().await;
}

async fn a_batch_that_is_sent_again_changes_nothing(place: Place) {
    let batches = [
        batch(Rows::Bars(bars(&btc(), 100, 1)), "bars"),
        batch(
            Rows::Trades((0..100).map(|id| trade(id, 1)).collect()),
            "trades",
        ),
        batch(
            Rows::Gaps(vec![gap("BTCUSDT", 1, 2, GapState::Open, 1)]),
            "gaps",
        ),
        batch(
            Rows::Events(vec![event("a"), event("a"), event("b")]),
            "events",
        ),
    ];
    for _ in 0..3 {
        for batch in &batches {
            place.store.insert(batch).await.expect("an insert");
        }
    }
    // Equal events are two events when they happened twice.
    for (table, rows) in [("bars", 100), ("trades", 100), ("gaps", 1), ("events", 3)] {
        let count = place.number(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count, rows, "{table}");
    }
    place
        .put(Rows::Events(vec![event("a")]), "other events")
        .await;
    assert_eq!(place.number("SELECT count(*) FROM events").await, 4);
    place.leave().await;
}

async fn a_tombstone_hides_and_a_higher_version_brings_back(place: Place) {
    let rows = bars(&btc(), 3, 1);
    place.put(Rows::Bars(rows.clone()), "first").await;
    let mut tombstone = rows[1].clone();
    tombstone.version = 2;
    tombstone.is_deleted = true;
    place.put(Rows::Bars(vec![tombstone]), "tombstone").await;
    let left = [rows[0].clone(), rows[2].clone()];
    assert_eq!(place.bars(&every()).await, left);
    assert_eq!(place.number("SELECT count(*) FROM bars_current").await, 2);

    let mut again = rows[1].clone();
    again.version = 3;
    place.put(Rows::Bars(vec![again.clone()]), "again").await;
    let all = [rows[0].clone(), again, rows[2].clone()];
    assert_eq!(place.bars(&every()).await, all);

    // A whole series of tombstones is no series.
    let tombstones = all.iter().cloned().map(|mut row| {
        row.version = 9;
        row.is_deleted = true;
        row
    });
    place.put(Rows::Bars(tombstones.collect()), "all").await;
    assert_eq!(place.store.series(&every()).await.expect("series"), []);
    assert_eq!(place.store.last_bar(&btc()).await.expect("a bar"), None);
    place.leave().await;
}

async fn rows_that_were_deleted_can_be_written_again(place: Place) {
    place.put(Rows::Bars(bars(&btc(), 3, 1)), "first").await;
    place
        .execute("DELETE FROM bars WHERE first_agg_trade_id >= 0")
        .await;
    assert_eq!(place.bars(&every()).await, []);
    place.put(Rows::Bars(bars(&btc(), 3, 2)), "second").await;
    assert_eq!(place.bars(&every()).await, bars(&btc(), 3, 2));
    place.leave().await;
}

async fn the_higher_version_counts_in_whatever_order_they_come(place: Place) {
    let mut newer = bar(&btc(), 0, 7);
    newer.bar.closed_by = ClosedBy::Gap;
    place.put(Rows::Bars(vec![newer.clone()]), "newer").await;
    place
        .put(Rows::Bars(vec![bar(&btc(), 0, 6)]), "older")
        .await;
    assert_eq!(place.bars(&every()).await, [newer]);
    // Both in one batch, too.
    let mut newest = bar(&btc(), 0, 9);
    newest.bar.closed_by = ClosedBy::Anchor;
    place
        .put(Rows::Bars(vec![newest.clone(), bar(&btc(), 0, 8)]), "both")
        .await;
    assert_eq!(place.bars(&every()).await, [newest]);
    place.leave().await;
}

async fn the_newest_of_each_series_are_its_last_ones(place: Place) {
    let other = series("sim", "BTCUSDT", 500, Anchor::Day);
    place.put(Rows::Bars(bars(&btc(), 30, 1)), "a").await;
    place.put(Rows::Bars(bars(&other, 5, 1)), "b").await;
    let newest = |newest, until_us| BarQuery {
        newest: Some(newest),
        until_us,
        ..BarQuery::default()
    };
    let expected = |first: usize, last: usize, others: usize| {
        let mut rows = bars(&btc(), 30, 1)[first..last].to_vec();
        rows.extend_from_slice(&bars(&other, 5, 1)[others..]);
        rows
    };
    assert_eq!(place.bars(&newest(10, None)).await, expected(20, 30, 0));
    assert_eq!(place.bars(&newest(2, None)).await, expected(28, 30, 3));
    assert_eq!(place.bars(&newest(0, None)).await, []);
    let until_us = bar(&btc(), 20 * TRADES, 1).bar.open_time_us;
    assert_eq!(
        place.bars(&newest(5, Some(until_us))).await,
        expected(15, 20, 0)
    );
    place.leave().await;
}

async fn a_query_gets_what_it_asks_for_in_order(place: Place) {
    let kinds = [
        series("binance", "BTCUSDT", 250, Anchor::Day),
        series("sim", "BTCUSDT", 250, Anchor::Day),
        series("sim", "BTCUSDT", 500, Anchor::Day),
        series("sim", "BTCUSDT", 250, Anchor::Month),
        series("sim", "ETHUSDT", 250, Anchor::Day),
        series("sim's \\ own?", "ETHUSDT", 250, Anchor::Day),
    ];
    // Put in backwards; they come by exchange, symbol, anchor, threshold and id.
    for kind in kinds.iter().rev() {
        place
            .put(Rows::Bars(bars(kind, 4, 1)), &format!("{kind:?}"))
            .await;
    }
    let all = |wanted: &[usize]| -> Vec<_> {
        wanted
            .iter()
            .flat_map(|&at| bars(&kinds[at], 4, 1))
            .collect()
    };
    assert_eq!(place.bars(&every()).await, all(&[0, 1, 2, 3, 4, 5]));
    let of = |exchange: &str| BarQuery {
        exchange: Some(exchange.to_owned()),
        ..BarQuery::default()
    };
    assert_eq!(place.bars(&of("sim")).await, all(&[1, 2, 3, 4]));
    assert_eq!(place.bars(&of("sim's \\ own?")).await, all(&[5]));
    assert_eq!(place.bars(&of("nowhere' OR '1'='1")).await, []);
    let query = BarQuery {
        symbols: vec![kinds[4].symbol.clone(), kinds[0].symbol.clone()],
        thresholds: vec![kinds[0].threshold],
        anchor: Some(Anchor::Day),
        ..of("sim")
    };
    assert_eq!(place.bars(&query).await, all(&[1, 4]));
    let query = BarQuery {
        symbols: vec![kinds[0].symbol.clone()],
        since_us: Some(bar(&kinds[0], TRADES, 1).bar.open_time_us),
        until_us: Some(bar(&kinds[0], 3 * TRADES, 1).bar.open_time_us),
        ..of("binance")
    };
    assert_eq!(place.bars(&query).await, bars(&kinds[0], 4, 1)[1..3]);
    place.leave().await;
}

async fn series_and_their_last_bars_are_found(place: Place) {
    let mut kinds: Vec<Series> = ["BTCUSDT", "ETHUSDT"]
        .into_iter()
        .flat_map(|symbol| [1000, 250].map(|dbps| series("sim", symbol, dbps, Anchor::Month)))
        .collect();
    for kind in &kinds {
        place
            .put(Rows::Bars(bars(kind, 4, 1)), &format!("{kind:?}"))
            .await;
    }
    kinds.sort();
    assert_eq!(place.store.series(&every()).await.expect("series"), kinds);
    for kind in &kinds {
        let last = place.store.last_bar(kind).await.expect("a bar");
        assert_eq!(last, bars(kind, 4, 1).pop());
    }
    let later = BarQuery {
        since_us: Some(bar(&kinds[0], 4 * TRADES, 1).bar.open_time_us),
        ..BarQuery::default()
    };
    assert_eq!(place.store.series(&later).await.expect("series"), []);
    assert_eq!(place.store.last_bar(&btc()).await.expect("a bar"), None);
    place.leave().await;
}

async fn gaps_keep_their_latest_state(place: Place) {
    let open = gap("BTCUSDT", 10, 20, GapState::Open, 1);
    let mut repaired = gap("BTCUSDT", 10, 20, GapState::Repaired, 2);
    repaired.proof.push_str("fetched by id");
    let part = gap("BTCUSDT", 10, 12, GapState::Open, 3);
    let other = gap("ADAUSDT", 5, 5, GapState::Absent, 1);
    for (number, row) in [&other, &repaired, &open, &part].into_iter().enumerate() {
        place
            .put(Rows::Gaps(vec![row.clone()]), &number.to_string())
            .await;
    }
    let all = place.store.gaps(&GapQuery::default()).await.expect("gaps");
    // What is said about a part of a gap does not touch the whole.
    assert_eq!(all, [other.clone(), part.clone(), repaired.clone()]);
    let query = GapQuery {
        exchange: Some("sim".to_owned()),
        symbols: vec![part.symbol.clone()],
    };
    let some = place.store.gaps(&query).await.expect("gaps");
    assert_eq!(some, [part, repaired]);
    let query = GapQuery {
        exchange: Some("binance".to_owned()),
        symbols: Vec::new(),
    };
    assert_eq!(place.store.gaps(&query).await.expect("gaps"), []);
    place.leave().await;
}

/// An event of BTCUSDT, of a collector that is called `here`.
fn event_at(time_us: i64, code: &str) -> EventRow {
    EventRow {
        time_us,
        ..event(code)
    }
}

async fn found(place: &Place, query: EventQuery) -> Vec<EventRow> {
    place.store.events(&query).await.expect("events")
}

async fn events_come_by_time_and_only_those_that_are_asked_for(place: Place) {
    assert_eq!(found(&place, EventQuery::default()).await, []);
    let (first, second, third) = (event_at(1, "b"), event_at(2, "a"), event_at(3, "b"));
    let other = EventRow {
        collector: "it's \\ another?".to_owned(),
        ..event_at(2, "c")
    };
    let global = EventRow {
        symbol: String::new(),
        ..event_at(4, "d")
    };
    let all = [&first, &second, &other, &third, &global].map(Clone::clone);
    let stored = [&third, &global, &second, &first, &other].map(Clone::clone);
    place.put(Rows::Events(stored.into()), "events").await;
    assert_eq!(found(&place, EventQuery::default()).await, all);
    let between = EventQuery {
        since_us: Some(2),
        until_us: Some(4),
        ..EventQuery::default()
    };
    assert_eq!(found(&place, between).await, all[1..4]);
    let of_other = EventQuery {
        collector: Some(other.collector.clone()),
        ..EventQuery::default()
    };
    assert_eq!(found(&place, of_other).await, [other]);
    let of_none = EventQuery {
        symbols: vec![String::new()],
        codes: vec!["a".to_owned(), "d".to_owned()],
        ..EventQuery::default()
    };
    assert_eq!(found(&place, of_none).await, [global]);
    let coded = EventQuery {
        codes: vec!["b".to_owned()],
        symbols: vec!["BTCUSDT".to_owned()],
        ..EventQuery::default()
    };
    assert_eq!(found(&place, coded).await, [first, third]);
    place.leave().await;
}

async fn of_events_only_the_last_of_each_kind_can_be_asked_for(place: Place) {
    let mut rows: Vec<_> = (1..=100).map(|time| event_at(time, "up")).collect();
    rows.extend((1..=50).map(|time| event_at(time, "down")));
    for row in &mut rows {
        row.text = format!("at {}", row.time_us);
    }
    place.put(Rows::Events(rows), "events").await;
    let last = |until_us| EventQuery {
        last_of_each: true,
        until_us,
        ..EventQuery::default()
    };
    let told = |rows: Vec<EventRow>| -> Vec<_> {
        let told = rows
            .into_iter()
            .map(|row| (row.time_us, row.code, row.text));
        told.collect()
    };
    let row = |time: i64, code: &str| (time, code.to_owned(), format!("at {time}"));
    let expected = [row(50, "down"), row(100, "up")];
    assert_eq!(told(found(&place, last(None)).await), expected);
    let expected = [row(9, "down"), row(9, "up")];
    assert_eq!(told(found(&place, last(Some(10))).await), expected);
    place.leave().await;
}

async fn the_ids_that_bars_reach_over_are_counted_by_the_store(place: Place) {
    let ids = async |query: &BarQuery| place.store.id_ranges(query).await.expect("ids");
    assert_eq!(ids(&every()).await, []);
    let kinds = [
        series("sim", "BTCUSDT", 250, Anchor::Day),
        series("sim", "BTCUSDT", 500, Anchor::Day),
        series("sim", "ETHUSDT", 250, Anchor::Day),
    ];
    for (number, kind) in (5..).zip(&kinds) {
        let rows = Rows::Bars(bars(kind, number, 1));
        place.put(rows, &format!("{kind:?}")).await;
    }
    let range = |symbol: &str, first_id, count| SymbolIds {
        exchange: "sim".to_owned(),
        symbol: symbol.to_owned(),
        first_id,
        last_id: count * TRADES - 1,
    };
    let all = [range("BTCUSDT", 0, 6), range("ETHUSDT", 0, 7)];
    assert_eq!(ids(&every()).await, all);
    let since = BarQuery {
        exchange: Some("sim".to_owned()),
        symbols: vec![btc().symbol],
        thresholds: vec![btc().threshold],
        anchor: Some(Anchor::Day),
        since_us: Some(bar(&btc(), 2 * TRADES, 1).bar.open_time_us),
        ..BarQuery::default()
    };
    assert_eq!(ids(&since).await, [range("BTCUSDT", 2 * TRADES, 5)]);
    // What was deleted is not counted.
    let mut tombstone = bar(&btc(), 4 * TRADES, 2);
    tombstone.is_deleted = true;
    place.put(Rows::Bars(vec![tombstone]), "tombstone").await;
    assert_eq!(ids(&since).await, [range("BTCUSDT", 2 * TRADES, 4)]);
    place.leave().await;
}

async fn a_hundred_thousand_rows_go_in_at_once_and_come_back_in_pieces(place: Place) {
    let rows = bars(&btc(), 100_000, 1);
    place.put(Rows::Bars(rows.clone()), "many").await;
    let back = place.bars(&every()).await;
    assert_eq!(back.len(), rows.len());
    assert!(back == rows, "the rows differ");
    place.leave().await;
}

async fn a_reader_that_fails_ends_the_reading(place: Place) {
    place.put(Rows::Bars(bars(&btc(), 20_000, 1)), "a").await;
    let mut pieces = 0;
    let mut each = |_| {
        pieces += 1;
        anyhow::bail!("the pipe is closed")
    };
    let error = place
        .store
        .bars(&every(), &mut each)
        .await
        .expect_err("it fails");
    assert_eq!(error.to_string(), "the pipe is closed");
    assert_eq!(pieces, 1);
    assert_eq!(place.bars(&every()).await.len(), 20_000);
    place.leave().await;
}

async fn an_empty_store_answers(place: Place) {
    place.put(Rows::Bars(Vec::new()), "nothing").await;
    assert_eq!(place.bars(&every()).await, []);
    assert_eq!(
        place.store.gaps(&GapQuery::default()).await.expect("gaps"),
        []
    );
    let address = place.store.address();
    assert_eq!(address, place.address.to_string());
    place.leave().await;
}
