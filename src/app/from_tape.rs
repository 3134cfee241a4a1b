//! Building bars straight from a tape in a file, without any store.

use crate::domain::{
    bar::Bar,
    ladder::{Ladder, Rules},
    threshold::Threshold,
    trade::{MalformedTrade, Trade},
};

/// One trade of a tape and the line that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TapeTrade {
    /// The line, from 1.
    pub line: u64,
    /// The trade.
    pub trade: Trade,
}

/// What a tape held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TapeSummary {
    /// The id of its first trade.
    pub first_id: i64,
    /// The id of its last trade.
    pub last_id: i64,
}

/// Why a tape gives no bars.
#[derive(Debug, thiserror::Error)]
pub enum TapeError<E> {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(E),
    /// It holds no trade.
    #[error("find a trade: there is none")]
    Empty,
    /// A trade does not follow the one before it.
    #[error("read line {line}: id {got} stands where {expected} has to follow")]
    NotNext {
        /// The line, from 1.
        line: u64,
        /// The id that has to follow.
        expected: i64,
        /// The id that is there.
        got: i64,
    },
    /// A trade is none.
    #[error("read line {line}")]
    Malformed {
        /// The line, from 1.
        line: u64,
        /// What is wrong with the trade.
        source: MalformedTrade,
    },
    /// A bar could not be handed on.
    #[error(transparent)]
    Handed(anyhow::Error),
}

/// Builds the bars of `thresholds` over a whole `tape` and hands each to `each` as it
/// closes: by threshold their first ids rise. The forming bars at the end are no bars.
///
/// # Errors
/// When the tape cannot be read, is empty, or is not whole: its ids have to rise by
/// exactly 1. Also when `each` fails.
pub fn from_tape<E>(
    tape: impl IntoIterator<Item = Result<TapeTrade, E>>,
    thresholds: &[Threshold],
    rules: Rules,
    mut each: impl FnMut(Bar) -> anyhow::Result<()>,
) -> Result<TapeSummary, TapeError<E>> {
    let mut ladder = Ladder::new(rules);
    let mut closed = Vec::new();
    let mut summary: Option<TapeSummary> = None;
    for item in tape {
        let TapeTrade { line, trade } = item.map_err(TapeError::Unreadable)?;
        trade
            .check()
            .map_err(|source| TapeError::Malformed { line, source })?;
        if let Some(summary) = &mut summary { summary.last_id = trade.id } else {
            for &threshold in thresholds {
                ladder.start(threshold, trade.id);
            }
            summary = Some(TapeSummary {
                first_id: trade.id,
                last_id: trade.id,
            });
        }
        ladder
            .push(&trade, &mut closed)
            .map_err(|error| TapeError::NotNext {
                line,
                expected: error.expected,
                got: error.got,
            })?;
        for bar in closed.drain(..) {
            each(bar).map_err(TapeError::Handed)?;
        }
    }
    summary.ok_or(TapeError::Empty)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::domain::{
        anchor::Anchor,
        price::{Price, Quantity},
    };

    fn tape(ids: &[i64]) -> Vec<Result<TapeTrade, Infallible>> {
        ids.iter()
            .zip(1..)
            .map(|(&id, line)| {
                let trade = Trade {
                    id,
                    price: Price(1_000_000 + (id % 2) * 10_000),
                    quantity: Quantity(1),
                    first_trade_id: id,
                    last_trade_id: id,
                    time_us: 1 + id,
                    buyer_is_maker: false,
                };
                Ok(TapeTrade { line, trade })
            })
            .collect()
    }

    fn build(ids: &[i64]) -> Result<(TapeSummary, Vec<Bar>), TapeError<Infallible>> {
        let thresholds = [Threshold::new(500).expect("a threshold")];
        let rules = Rules {
            anchor: Anchor::Day,
            gate: true,
        };
        let mut bars = Vec::new();
        let summary = from_tape(tape(ids), &thresholds, rules, |bar| {
            bars.push(bar);
            Ok(())
        })?;
        Ok((summary, bars))
    }

    #[test]
    fn the_forming_bar_at_the_end_is_left_out() {
        let (summary, bars) = build(&[7, 8, 9, 10, 11]).expect("a whole tape");
        assert_eq!((summary.first_id, summary.last_id), (7, 11));
        let ids: Vec<_> = bars
            .iter()
            .map(|bar| (bar.first_agg_trade_id, bar.last_agg_trade_id))
            .collect();
        assert_eq!(ids, [(7, 8), (9, 10)]);
    }

    #[test]
    fn a_missing_doubled_or_unordered_id_is_named_with_its_line() {
        for (ids, line, expected, got) in [
            (&[5, 6, 8][..], 3, 7, 8),
            (&[5, 6, 6][..], 3, 7, 6),
            (&[5, 4][..], 2, 6, 4),
        ] {
            let error = build(ids).expect_err("not whole");
            assert_eq!(
                error.to_string(),
                format!("read line {line}: id {got} stands where {expected} has to follow")
            );
        }
    }

    #[test]
    fn an_empty_tape_is_an_error() {
        assert!(matches!(build(&[]), Err(TapeError::Empty)));
    }
}
