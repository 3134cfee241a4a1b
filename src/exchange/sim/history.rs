//! `GET /api/v3/aggTrades`: which trades a query asks for.
//!
//! - `fromId` alone: from that id on, inclusive. With a time: error -1128.
//! - `startTime` and `endTime`: from the start, inclusive, not beyond the end, inclusive.
//! - `startTime` alone: from the start on. `endTime` alone: the latest up to the end.
//! - Neither: the latest. Always oldest first, `limit` 500 unless given, at most 1000.
//!
//! Times are in milliseconds, or in microseconds from 10^13 on. An end in milliseconds includes the
//! whole millisecond.

use super::board::Board;
use super::json::Shape;
use super::reply::ApiError;
use super::tape::SymbolTape;
use super::trade::SimTrade;

/// How many trades are answered unless the query says.
const DEFAULT_LIMIT: u64 = 500;
/// How many trades are answered at most.
const MAX_LIMIT: u64 = 1000;
/// A raw time from here on is in microseconds.
const MICROSECONDS_FROM: i64 = 10_000_000_000_000;

/// The optional parameters of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HistoryQuery {
    from_id: Option<i64>,
    /// The first microsecond.
    start_us: Option<i64>,
    /// The first microsecond after the end.
    end_us: Option<i64>,
    limit: u64,
}

impl HistoryQuery {
    /// Reads the parameters; `get` looks one up by name.
    pub(crate) fn parse<'q>(get: impl Fn(&str) -> Option<&'q str>) -> Result<Self, ApiError> {
        let number = |name: &str| get(name).map(|text| parse_number(name, text)).transpose();
        let from_id = number("fromId")?;
        let start = number("startTime")?;
        let end = number("endTime")?;
        let limit = number("limit")?.map_or(DEFAULT_LIMIT, i64::unsigned_abs);
        if limit == 0 {
            return Err(ApiError::not_valid("limit"));
        }
        let backwards = matches!((start, end), (Some(start), Some(end)) if start > end);
        if backwards || (from_id.is_some() && (start.is_some() || end.is_some())) {
            return Err(ApiError::bad_combination());
        }
        Ok(Self {
            from_id,
            start_us: start.map(|raw| raw.saturating_mul(unit_us(raw))),
            end_us: end.map(|raw| raw.saturating_add(1).saturating_mul(unit_us(raw))),
            limit: limit.min(MAX_LIMIT),
        })
    }

    /// The trades asked for, among those of a symbol before place `past`, as the faults
    /// let them look.
    pub(crate) fn rows(
        &self,
        tape: &SymbolTape,
        symbol: usize,
        past: u64,
        board: &Board,
    ) -> Vec<(SimTrade, Shape)> {
        let end = self
            .end_us
            .map_or(past, |end_us| tape.place_of_time(end_us).min(past));
        let start = match (self.from_id, self.start_us) {
            (Some(id), _) => tape.place_of_id(id),
            (None, Some(start_us)) => tape.place_of_time(start_us),
            (None, None) => return self.latest(tape, symbol, end, board),
        };
        let mut rows = Vec::new();
        let mut place = start.max(tape.start);
        while place < end && (rows.len() as u64) < self.limit {
            // Trades that a fault has dropped do not count, so more may have to be read.
            let count = (self.limit - rows.len() as u64).min(end - place);
            let mut trades = Vec::with_capacity(count as usize);
            tape.read(place, count, &mut trades);
            rows.extend(board.look(symbol, &trades));
            place += count;
        }
        rows
    }

    fn latest(
        &self,
        tape: &SymbolTape,
        symbol: usize,
        end: u64,
        board: &Board,
    ) -> Vec<(SimTrade, Shape)> {
        let mut rows = Vec::new();
        let mut before = end;
        while before > tape.start && (rows.len() as u64) < self.limit {
            let count = (self.limit - rows.len() as u64).min(before - tape.start);
            before -= count;
            let mut trades = Vec::with_capacity(count as usize);
            tape.read(before, count, &mut trades);
            rows.splice(0..0, board.look(symbol, &trades));
        }
        rows
    }
}

fn parse_number(name: &str, text: &str) -> Result<i64, ApiError> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if all_digits { text.parse().ok() } else { None };
    number.ok_or_else(|| ApiError::illegal(name, "^[0-9]{1,20}$"))
}

/// How many microseconds a raw time counts.
fn unit_us(raw: i64) -> i64 {
    if raw < MICROSECONDS_FROM { 1000 } else { 1 }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::super::config::Config;
    use super::super::fault::{Fault, FaultKind};
    use super::super::tape::Tape;
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const MIDNIGHT_MS: i64 = 1_735_689_600_000;
    const PAST: usize = 3_000;

    fn tape() -> Tape {
        Tape::new(&Config {
            history: Some(0),
            trades_per_day: Some(1_500),
            day: Some(date(2025, 1, 1)),
            ..Config::default()
        })
        .unwrap()
    }

    fn query(pairs: &[(&str, i64)]) -> Result<HistoryQuery, ApiError> {
        let texts: HashMap<&str, String> = pairs
            .iter()
            .map(|(name, value)| (*name, value.to_string()))
            .collect();
        HistoryQuery::parse(|name| texts.get(name).map(String::as_str))
    }

    fn ids(tape: &Tape, pairs: &[(&str, i64)], board: &Board) -> Vec<i64> {
        let symbol = &tape.symbols()[0];
        let rows = query(pairs)
            .unwrap()
            .rows(symbol, 0, symbol.start + PAST as u64, board);
        rows.iter().map(|(trade, _)| trade.id).collect()
    }

    /// The rules once more, over a plain list.
    fn naive(all: &[SimTrade], pairs: &[(&str, i64)]) -> Vec<i64> {
        let get = |name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| *value)
        };
        let limit = get("limit").unwrap_or(500).min(1000) as usize;
        let ms = |trade: &&SimTrade| trade.time_us / 1000;
        let chosen: Vec<i64> = all
            .iter()
            .filter(|trade| get("fromId").is_none_or(|from| trade.id >= from))
            .filter(|trade| get("startTime").is_none_or(|start| ms(trade) >= start))
            .filter(|trade| get("endTime").is_none_or(|end| ms(trade) <= end))
            .map(|trade| trade.id)
            .collect();
        let from_the_end = get("fromId").is_none() && get("startTime").is_none();
        let skip = if from_the_end {
            chosen.len().saturating_sub(limit)
        } else {
            0
        };
        chosen.into_iter().skip(skip).take(limit).collect()
    }

    proptest! {
        #[test]
        fn every_query_answers_what_a_plain_list_would(
            limit in proptest::option::of(1_i64..1_200),
            from in proptest::option::of(-10_i64..3_100),
            start in proptest::option::of(-1_000..2 * DAY_MS),
            length in proptest::option::of(0..DAY_MS),
        ) {
            let tape = tape();
            let all = tape.trades("BTCUSDT", 0, PAST as u64).unwrap();
            let mut pairs = Vec::new();
            pairs.extend(limit.map(|limit| ("limit", limit)));
            if start.is_none() && length.is_none() {
                pairs.extend(from.map(|from| ("fromId", all[0].id + from)));
            }
            pairs.extend(start.map(|start| ("startTime", MIDNIGHT_MS + start)));
            let end = |length| ("endTime", MIDNIGHT_MS + start.unwrap_or(0) + length);
            pairs.extend(length.map(end));
            prop_assert_eq!(ids(&tape, &pairs, &Board::default()), naive(&all, &pairs));
        }
    }

    #[test]
    fn paging_by_id_visits_every_trade_once() {
        let tape = tape();
        let first = tape.first_id("BTCUSDT").unwrap().unwrap();
        let mut seen = Vec::new();
        loop {
            let next = seen.last().map_or(first, |last| last + 1);
            let page = ids(
                &tape,
                &[("fromId", next), ("limit", 700)],
                &Board::default(),
            );
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen, (first..first + PAST as i64).collect::<Vec<i64>>());
    }

    #[test]
    fn times_may_be_microseconds() {
        let tape = tape();
        let all = tape.trades("BTCUSDT", 0, 100).unwrap();
        let (start, end) = (all[10].time_us, all[40].time_us);
        let page = ids(
            &tape,
            &[("startTime", start), ("endTime", end)],
            &Board::default(),
        );
        let expected: Vec<i64> = all
            .iter()
            .filter(|trade| (start..=end).contains(&trade.time_us))
            .map(|trade| trade.id)
            .collect();
        assert_eq!(page, expected);
    }

    #[test]
    fn a_page_is_full_although_trades_were_dropped() {
        let tape = tape();
        let first = tape.first_id("BTCUSDT").unwrap().unwrap();
        let board = Board::default();
        let dropped: Vec<i64> = (first + 5..first + 15).collect();
        board.add(Fault::new(FaultKind::DropIds { ids: dropped }), None);
        let page = ids(&tape, &[("fromId", first + 4), ("limit", 3)], &board);
        assert_eq!(page, [first + 4, first + 15, first + 16]);
        assert_eq!(ids(&tape, &[("limit", 1000)], &board).len(), 1000);
    }

    #[test]
    fn mistakes_have_the_codes_of_the_exchange() {
        let code = |pairs: &[(&str, i64)]| query(pairs).map_err(|error| error.code);
        assert_eq!(code(&[("fromId", 1), ("startTime", 1)]), Err(-1128));
        assert_eq!(code(&[("startTime", 2), ("endTime", 1)]), Err(-1128));
        assert_eq!(code(&[("fromId", -1)]), Err(-1100));
        assert_eq!(code(&[("limit", 0)]), Err(-1130));
        assert_eq!(code(&[("limit", 5000)]).unwrap().limit, 1000);
    }
}
