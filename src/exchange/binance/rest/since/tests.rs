use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::domain::price::{Price, Quantity};

/// A tape in memory that answers as the exchange does, and counts the requests.
struct Tape {
    first_id: i64,
    times_us: Vec<i64>,
    requests: Cell<u32>,
}

impl Tape {
    fn new(first_id: i64, times_us: Vec<i64>) -> Self {
        Self {
            first_id,
            times_us,
            requests: Cell::new(0),
        }
    }

    fn trade(&self, index: usize) -> Trade {
        Trade {
            id: self.first_id + index as i64,
            price: Price(1),
            quantity: Quantity(1),
            first_trade_id: 0,
            last_trade_id: 0,
            time_us: self.times_us[index],
            buyer_is_maker: false,
        }
    }

    fn lowest_id_since(&self, time_us: i64) -> Option<i64> {
        let index = self.times_us.iter().position(|&time| time >= time_us)?;
        Some(self.first_id + index as i64)
    }

    fn count(&self) {
        self.requests.set(self.requests.get() + 1);
    }
}

impl History for &Tape {
    async fn page(&self, from_id: i64) -> Result<Page, SourceError> {
        self.count();
        let start = (from_id - self.first_id).clamp(0, self.times_us.len() as i64) as usize;
        let end = (start + PAGE_ROWS).min(self.times_us.len());
        let trades: Vec<_> = (start..end).map(|index| self.trade(index)).collect();
        Ok(Page {
            is_full: trades.len() == PAGE_ROWS,
            trades,
            malformed: Vec::new(),
        })
    }

    async fn latest(&self) -> Result<Option<Trade>, SourceError> {
        self.count();
        Ok(self
            .times_us
            .len()
            .checked_sub(1)
            .map(|last| self.trade(last)))
    }

    async fn window(&self, start_ms: i64, end_ms: i64) -> Result<Page, SourceError> {
        self.count();
        let window = start_ms..=end_ms;
        let trades = (0..self.times_us.len())
            .filter(|&index| window.contains(&(self.times_us[index] / 1000)))
            .take(PAGE_ROWS)
            .map(|index| self.trade(index));
        Ok(Page {
            trades: trades.collect(),
            ..Page::default()
        })
    }

    fn contradiction(&self, reason: String) -> SourceError {
        SourceError::Unreadable {
            endpoint: String::new(),
            reason,
            excerpt: String::new(),
        }
    }
}

fn first_since(tape: &Tape, time_us: i64) -> Option<i64> {
    tape.requests.set(0);
    let search = Search {
        history: tape,
        time_us,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let found = runtime.block_on(search.run()).expect("an answer");
    found.map(|trade| trade.id)
}

const HOUR_US: i64 = 3_600_000_000;

#[test]
fn a_busy_market_costs_two_requests() {
    let tape = Tape::new(1000, (0..50_000).map(|n| n * 1_000_000).collect());
    assert_eq!(first_since(&tape, 20_000_000_000), Some(21_000));
    assert_eq!(tape.requests.get(), 2);
    assert_eq!(first_since(&tape, 20_000_000_001), Some(21_001));
    assert_eq!(first_since(&tape, 20_000_999_999), Some(21_001));
}

#[test]
fn a_quiet_month_costs_a_few_dozen_requests() {
    // Some trades, a month of nothing, some trades.
    let month_us = 30 * 24 * HOUR_US;
    let times = (0..400_000).map(|n| n * 1000 + if n < 200_000 { 0 } else { month_us });
    let tape = Tape::new(5_000_000_000, times.collect());
    assert_eq!(first_since(&tape, 2 * HOUR_US), Some(5_000_200_000));
    assert!(tape.requests.get() <= 24, "{}", tape.requests.get());
}

#[test]
fn before_the_first_trade_it_is_the_first_trade_and_after_the_last_there_is_none() {
    for (first_id, count) in [
        (0, 1),
        (0, 5000),
        (7, 1),
        (7, 5000),
        (1_000_000, 999),
        (1_000_000, 5000),
    ] {
        let times = (0..count).map(|n| 1000 * HOUR_US + n * 50_000);
        let tape = Tape::new(first_id, times.collect());
        assert_eq!(first_since(&tape, 0), Some(first_id));
        assert_eq!(first_since(&tape, -5), Some(first_id));
        assert_eq!(first_since(&tape, 999 * HOUR_US), Some(first_id));
        assert_eq!(first_since(&tape, 2000 * HOUR_US), None);
        assert!(tape.requests.get() <= 3, "{}", tape.requests.get());
    }
    assert_eq!(first_since(&Tape::new(0, Vec::new()), 0), None);
}

#[test]
fn a_burst_over_many_pages_is_left_at_its_beginning() {
    // The exchange shows a window's first page; here five pages share the millisecond
    // before the time that is asked for.
    let mut times = vec![10 * HOUR_US; 5000];
    times.extend((0..10).map(|n| 10 * HOUR_US + 900 + n));
    let tape = Tape::new(100, times);
    assert_eq!(first_since(&tape, 10 * HOUR_US + 1), Some(5100));
    assert_eq!(first_since(&tape, 10 * HOUR_US), Some(100));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_the_lowest_id_whose_time_is_not_before(
        first_id in prop_oneof![Just(0i64), 1..5_000i64, Just(3_000_000_000i64)],
        gaps in proptest::collection::vec(
            prop_oneof![8 => 0..2_000_000i64, 1 => 0..(3 * HOUR_US), 1 => Just(0)],
            0..6_000,
        ),
        disorder in proptest::collection::vec((any::<prop::sample::Index>(), -2_000_000..2_000_000i64), 0..20),
        asked in any::<prop::sample::Index>(),
        offset in -2_000_000..2_000_000i64,
    ) {
        let mut time = 1_000 * HOUR_US;
        let mut times: Vec<i64> = gaps.iter().map(|gap| { time += gap; time }).collect();
        // A few trades a second or two early or late.
        for (at, by) in &disorder {
            if !times.is_empty() {
                let at = at.index(times.len());
                times[at] += by;
            }
        }
        let around = if times.is_empty() { time } else { times[asked.index(times.len())] };
        let tape = Tape::new(first_id, times);
        let asked = around + offset;
        prop_assert_eq!(first_since(&tape, asked), tape.lowest_id_since(asked));
        prop_assert!(tape.requests.get() <= 40, "{} requests", tape.requests.get());
    }
}
