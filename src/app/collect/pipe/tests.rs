use super::*;
use crate::{
    domain::{
        bar::ClosedBy,
        ladder::Rules,
        price::{Price, Quantity},
        row::Rows,
    },
    exchange::source::Malformed,
};

const SECOND: i64 = 1_000_000;

fn trade(id: i64) -> Trade {
    Trade {
        id,
        price: Price(100_000),
        quantity: Quantity(1),
        first_trade_id: id,
        last_trade_id: id,
        time_us: 1_000_000 + id,
        buyer_is_maker: false,
    }
}

fn pipe(next_id: i64) -> Pipe {
    let threshold = Threshold::new(250).expect("a threshold");
    let mut ladder = Ladder::new(Rules {
        anchor: Anchor::Day,
        gate: true,
    });
    ladder.start(threshold, next_id);
    let beginning = Beginning {
        symbol: "BTCUSDT".parse().expect("a symbol"),
        exchange: "sim".into(),
        anchor: Anchor::Day,
        ladder,
        next_id,
        last_fill_id: Some(next_id - 1),
        thresholds: vec![threshold],
        dormant: Vec::new(),
        gaps: Vec::new(),
        record_trades: false,
    };
    Pipe::new(beginning, &Limits::default(), 0)
}

fn page(ids: &[i64]) -> Page {
    let trades = ids.iter().copied().map(trade).collect();
    Page {
        trades,
        ..Page::default()
    }
}

fn malformed(id: i64) -> Malformed {
    Malformed {
        id: Some(id),
        reason: "no price".to_owned(),
        excerpt: String::new(),
    }
}

#[test]
fn live_trades_wait_for_history_and_then_follow() {
    let mut pipe = pipe(1);
    for id in [5, 6] {
        pipe.take_live(&trade(id), 1).expect("in order");
    }
    assert!(!pipe.sequence.is_joined());
    assert_eq!(
        pipe.take_page(1, &page(&[1, 2, 3, 4, 5]), 2),
        Ok(Taken::Progress)
    );
    assert_eq!(pipe.sequence.next_id(), 7);
    assert_eq!(
        pipe.fetched, 5,
        "held trades that followed were not fetched"
    );
}

#[test]
fn only_two_answers_an_interval_apart_cut_the_bars_and_only_once() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(1), 1).expect("in order");
    pipe.take_live(&trade(5), 1).expect("in order");
    let lacking = page(&[5, 6]);
    assert_eq!(pipe.take_page(2, &lacking, SECOND), Ok(Taken::Nothing));
    assert!(pipe.awaits_proof());
    assert_eq!(
        pipe.take_page(2, &page(&[]), 9 * SECOND),
        Ok(Taken::Nothing),
        "proves nothing"
    );
    assert_eq!(
        pipe.take_page(2, &lacking, 3 * SECOND),
        Ok(Taken::Nothing),
        "too soon"
    );
    let absence = Absence {
        first: 2,
        last: 4,
        is_malformed: false,
    };
    assert_eq!(
        pipe.take_page(2, &lacking, 10 * SECOND),
        Ok(Taken::Absent(absence))
    );
    assert_eq!(
        pipe.sequence.next_id(),
        7,
        "what was held behind the gap has followed"
    );
    let mut commit = Commit::default();
    pipe.drain_into(&mut commit).expect("a checkpoint");
    match &commit.rows[..] {
        [Rows::Bars(bars)] => {
            assert_eq!(bars.len(), 1);
            assert_eq!(bars[0].bar.closed_by, ClosedBy::Gap);
            assert_eq!(bars[0].bar.last_agg_trade_id, 1);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trade_that_comes_late_refutes_its_absence() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(3), 1).expect("in order");
    assert_eq!(pipe.take_page(1, &page(&[3]), SECOND), Ok(Taken::Nothing));
    assert_eq!(
        pipe.take_page(1, &page(&[1, 2, 3]), 20 * SECOND),
        Ok(Taken::Progress)
    );
    assert!(!pipe.awaits_proof());
    assert_eq!(pipe.sequence.next_id(), 4);
}

#[test]
fn rows_that_are_no_trade_are_given_up_after_the_second_answer_and_no_more_than_them() {
    let mut pipe = pipe(1);
    let rows = Page {
        malformed: vec![malformed(1), malformed(2)],
        ..Page::default()
    };
    assert_eq!(pipe.take_page(1, &rows, 0), Ok(Taken::Nothing));
    let absence = Absence {
        first: 1,
        last: 2,
        is_malformed: true,
    };
    assert_eq!(
        pipe.take_page(1, &rows, 6 * SECOND),
        Ok(Taken::Absent(absence))
    );
    assert_eq!(pipe.sequence.next_id(), 3);
}

#[test]
fn an_exchange_below_our_last_id_is_a_reset_only_if_it_stays_there() {
    let mut pipe = pipe(1);
    pipe.take_page(1, &page(&[1, 2, 3]), 0).expect("in order");
    pipe.asks_latest();
    assert!(!pipe.is_reset(2, 10 * SECOND, 0), "an answer may lag");
    assert!(pipe.is_suspect());
    assert!(!pipe.is_reset(3, 10 * SECOND, 11 * SECOND), "it caught up");
    assert!(!pipe.is_suspect());
    assert!(!pipe.is_reset(2, 10 * SECOND, 12 * SECOND));
    assert!(pipe.is_reset(2, 10 * SECOND, 22 * SECOND));
}

#[test]
fn a_lagging_exchange_is_no_reset_while_trades_follow() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(1), 0).expect("in order");
    pipe.asks_latest();
    assert!(!pipe.is_reset(0, 10 * SECOND, 0));
    pipe.take_live(&trade(2), SECOND).expect("in order");
    assert!(!pipe.is_reset(0, 10 * SECOND, 60 * SECOND));
}

#[test]
fn ids_that_the_exchange_never_reaches_are_dropped_after_patience() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(1), 0).expect("in order");
    pipe.take_live(&trade(1_000_000), 0).expect("held");
    assert_eq!(pipe.take_latest(1, 10 * SECOND, 0), 0);
    assert_eq!(pipe.take_latest(1, 10 * SECOND, 10 * SECOND), 1);
    assert_eq!(pipe.sequence.missing(), None);
}

#[test]
fn a_repeated_trade_is_no_sign_of_life() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(1), 0).expect("in order");
    pipe.take_live(&trade(1), 9 * SECOND).expect("a duplicate");
    assert_eq!(pipe.liveness.silence_us(9 * SECOND), 9 * SECOND);
}

#[test]
fn a_held_trade_that_the_exchange_proves_absent_enters_no_bar() {
    let mut pipe = pipe(1);
    pipe.take_page(1, &page(&[1]), 0).expect("in order");
    // 2 is lost on the stream, or came under the id 3.
    pipe.take_live(&trade(3), 0).expect("held");
    // History lacks 2 to 4, twice.
    let lacking = page(&[5, 6]);
    pipe.take_page(2, &lacking, SECOND).expect("in order");
    let taken = pipe.take_page(2, &lacking, 10 * SECOND).expect("in order");
    assert_eq!(
        taken,
        Taken::Absent(Absence {
            first: 2,
            last: 4,
            is_malformed: false
        })
    );
    assert_eq!(pipe.sequence.next_id(), 7);
    let shown = pipe.snapshot();
    assert_eq!((shown.trades, shown.unconfirmed), (3, 1));
}

#[test]
fn a_gap_that_garbage_lengthened_is_still_a_gap_without_it() {
    let mut pipe = pipe(1);
    pipe.take_page(1, &page(&[1]), 0).expect("in order");
    pipe.take_live(&trade(1_000_000), 0).expect("held");
    pipe.open_gap = Some(OpenGap {
        first_id: 2,
        last_id: 999_999,
        found_us: 0,
        found_wall_us: 0,
    });
    assert_eq!(pipe.take_latest(3, 10 * SECOND, 0), 0);
    assert_eq!(pipe.take_latest(3, 10 * SECOND, 10 * SECOND), 1);
    let gap = pipe.open_gap.expect("2 and 3 are still missing");
    assert_eq!((gap.first_id, gap.last_id), (2, 3));
    pipe.take_page(2, &page(&[2, 3]), 0).expect("in order");
    pipe.take_live(&trade(1_000_000), 0).expect("held");
    pipe.open_gap = Some(OpenGap { first_id: 4, ..gap });
    pipe.take_latest(3, 10 * SECOND, 20 * SECOND);
    assert_eq!(pipe.take_latest(3, 10 * SECOND, 30 * SECOND), 1);
    assert!(pipe.open_gap.is_none(), "nothing was missing");
}

#[test]
fn patience_with_unconfirmed_ids_starts_anew_with_each_gap() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(1), 0).expect("in order");
    // A gap at the live edge; history lags behind the stream.
    pipe.take_live(&trade(4), 0).expect("held");
    assert_eq!(pipe.take_latest(2, 10 * SECOND, 0), 0);
    // It is repaired at once.
    pipe.take_page(2, &page(&[2, 3]), SECOND).expect("in order");
    assert_eq!(pipe.sequence.missing(), None);
    // An hour later, the same again.
    let later = 3600 * SECOND;
    pipe.take_live(&trade(7), later).expect("held");
    assert_eq!(pipe.sequence.held(), 1);
    assert_eq!(
        pipe.take_latest(5, 10 * SECOND, later),
        0,
        "a real live trade is dropped without any patience"
    );
}

#[test]
fn a_first_answer_about_another_id_is_not_awaited_any_more() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(2), 0).expect("held");
    pipe.take_page(1, &page(&[2]), 0).expect("in order");
    assert!(pipe.awaits_proof());
    // It comes by stream after all.
    pipe.take_live(&trade(1), 0).expect("in order");
    assert_eq!(pipe.sequence.next_id(), 3);
    // Garbage far ahead; history has nothing more.
    pipe.take_live(&trade(1_000_000), 0).expect("held");
    assert_eq!(pipe.take_page(3, &page(&[]), SECOND), Ok(Taken::Nothing));
    assert!(
        !pipe.awaits_proof(),
        "the session waits for a proof and never asks for the newest id"
    );
}

#[test]
fn a_tape_that_begins_with_a_gap_still_makes_bars() {
    let mut pipe = pipe(1);
    let lacking = page(&[5]);
    pipe.take_page(1, &lacking, 0).expect("in order");
    pipe.take_page(1, &lacking, 10 * SECOND).expect("in order");
    assert_eq!(pipe.sequence.next_id(), 6);
    pipe.take_live(&trade(6), 0).expect("in order");
    let mut commit = Commit::default();
    pipe.drain_into(&mut commit).expect("a checkpoint");
    let state = &commit.checkpoints[0].state;
    assert!(state.contains("\"threshold\""), "no series in {state}");
}

#[test]
fn what_was_only_fetched_on_a_connection_has_not_come_by_it() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(1), 0).expect("in order");
    pipe.reconnected(SECOND);
    pipe.judge_stream(1, SECOND);
    // 2 is traded on the new connection; a page of history has it, the stream never.
    pipe.take_page(2, &page(&[2]), 2 * SECOND)
        .expect("in order");
    pipe.liveness.check(11 * SECOND, false);
    pipe.judge_stream(2, 11 * SECOND);
    assert_eq!(pipe.pulse(), Pulse::Overdue);
}

#[test]
fn a_trade_that_was_fetched_a_moment_before_shows_that_a_new_connection_lives() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(1), 0).expect("in order");
    pipe.reconnected(SECOND);
    pipe.judge_stream(1, SECOND);
    pipe.take_page(2, &page(&[2]), 2 * SECOND)
        .expect("in order");
    pipe.take_live(&trade(1), 2 * SECOND).expect("a duplicate");
    assert!(!pipe.has_lived_since(SECOND), "it was here before");
    pipe.take_live(&trade(2), 2 * SECOND).expect("a duplicate");
    assert!(pipe.has_lived_since(SECOND));
    pipe.liveness.check(12 * SECOND, false);
    pipe.judge_stream(2, 12 * SECOND);
    assert_eq!(pipe.pulse(), Pulse::Quiet);
}

#[test]
fn a_new_connection_to_a_market_where_nothing_has_happened_is_no_unexplained_silence() {
    let mut pipe = pipe(1);
    pipe.take_live(&trade(1), 0).expect("in order");
    let unexplained_us = |pipe: &Pipe| pipe.liveness.signs().unexplained_us(102 * SECOND);
    pipe.reconnected(100 * SECOND);
    assert_eq!(unexplained_us(&pipe), 102 * SECOND);
    pipe.judge_stream(1, 101 * SECOND);
    assert_eq!(unexplained_us(&pipe), SECOND);
    pipe.reconnected(101 * SECOND);
    pipe.judge_stream(9, 102 * SECOND);
    assert_eq!(unexplained_us(&pipe), SECOND, "there were trades to come");
}
