//! What the store should hold: the bars of the tape, made one threshold at a time by the plain
//! reference, and how what it holds differs from them.
//!
//! The oracle shares nothing with what it judges but the rules: the ladder never has a part
//! in it.

use crate::{
    domain::{
        anchor::Anchor,
        bar::Bar,
        price::{Price, Quantity},
        reference::Reference,
        row::BarRow,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::sim::{Config, SimError, SimTrade, Tape},
};

/// The tape of a run.
#[derive(Debug)]
pub struct Oracle {
    tape: Tape,
    anchor: Anchor,
}

/// How what is stored differs from what should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Damage {
    /// Trades that are in no bar.
    pub lost: u64,
    /// Trades that are in two bars.
    pub duplicated: u64,
    /// Bars that got a lower version than the one before them.
    pub misordered: u64,
    /// Bars that are not those of the reference.
    pub differing: u64,
}

impl Oracle {
    /// The tape that `config` makes.
    ///
    /// # Errors
    /// When the tape cannot be made.
    pub fn new(config: &Config, anchor: Anchor) -> Result<Self, SimError> {
        Ok(Self {
            tape: Tape::new(config)?,
            anchor,
        })
    }

    /// The first id of a symbol's tape.
    ///
    /// # Errors
    /// When the symbol has no tape.
    pub fn first_id(&self, symbol: &str) -> Result<i64, SimError> {
        Ok(self.tape.first_id(symbol)?.unwrap_or(0))
    }

    /// The trades of a symbol from its first one to the id `last_id`.
    ///
    /// # Errors
    /// When the symbol has no tape.
    pub fn trades(&self, symbol: &str, last_id: i64) -> Result<Vec<Trade>, SimError> {
        let first_id = self.first_id(symbol)?;
        let count = u64::try_from(last_id - first_id + 1).unwrap_or(0);
        let trades = self.tape.trades(symbol, first_id, count)?;
        Ok(trades.iter().map(domain_trade).collect())
    }

    /// The bars of a threshold that are closed by these trades.
    #[must_use]
    pub fn bars(&self, threshold: Threshold, trades: &[Trade]) -> Vec<Bar> {
        let mut reference = Reference::new(threshold, self.anchor, true);
        trades
            .iter()
            .flat_map(|trade| reference.push(trade))
            .collect()
    }

    /// Writes a symbol's tape up to the id `last_id` as CSV.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(
        &self,
        symbol: &str,
        last_id: i64,
        out: &mut impl std::io::Write,
    ) -> Result<(), SimError> {
        let first_id = self.first_id(symbol)?;
        let count = u64::try_from(last_id - first_id + 1).unwrap_or(0);
        self.tape.write_csv(symbol, first_id, count, out)?;
        Ok(())
    }
}

/// The sim's trades as those of the domain, which share no code.
#[must_use]
pub fn domain_trade(trade: &SimTrade) -> Trade {
    Trade {
        id: trade.id,
        price: Price(trade.price_e8),
        quantity: Quantity(trade.quantity_e8),
        first_trade_id: trade.first_id,
        last_trade_id: trade.last_id,
        time_us: trade.time_us,
        buyer_is_maker: trade.buyer_maker,
    }
}

/// Compares the rows of a series, by rising first id, with the bars that should be there. Rows
/// behind the last of those bars are not judged: they were made of later trades.
#[must_use]
pub fn compare(expected: &[Bar], stored: &[BarRow]) -> Damage {
    let mut damage = Damage::default();
    let Some(last) = expected.last() else {
        return damage;
    };
    let judged = stored
        .iter()
        .filter(|row| row.bar.first_agg_trade_id <= last.last_agg_trade_id);
    let mut next_id = expected[0].first_agg_trade_id;
    let mut last_version = 0;
    let mut due = expected.iter().peekable();
    for row in judged {
        let (first_id, last_id) = (row.bar.first_agg_trade_id, row.bar.last_agg_trade_id);
        let (missing, again) = (first_id - next_id, next_id - first_id);
        damage.lost += u64::try_from(missing).unwrap_or(0);
        damage.duplicated += u64::try_from(again.min(last_id - first_id + 1)).unwrap_or(0);
        next_id = next_id.max(last_id + 1);
        damage.misordered += u64::from(row.version < last_version);
        last_version = row.version;
        while due
            .next_if(|bar| bar.first_agg_trade_id < first_id)
            .is_some()
        {}
        let is_right = due.next_if(|bar| **bar == row.bar).is_some();
        damage.differing += u64::from(!is_right);
    }
    damage.lost += u64::try_from(last.last_agg_trade_id + 1 - next_id).unwrap_or(0);
    damage
}

impl Damage {
    /// The same with what another series, or another look, has: losses of several thresholds
    /// are of the same trades, so the largest counts; the others are counted together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            lost: self.lost.max(other.lost),
            duplicated: self.duplicated + other.duplicated,
            misordered: self.misordered + other.misordered,
            differing: self.differing + other.differing,
        }
    }

    /// Of two looks at the same the worse, figure by figure.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        Self {
            lost: self.lost.max(other.lost),
            duplicated: self.duplicated.max(other.duplicated),
            misordered: self.misordered.max(other.misordered),
            differing: self.differing.max(other.differing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::probe::bench::load::Load;

    fn oracle() -> (Oracle, Vec<Bar>) {
        let oracle = Oracle::new(
            &Load::default().tape(1, std::path::Path::new("")),
            Anchor::Day,
        )
        .expect("a tape");
        let first_id = oracle.first_id("BTCUSDT").expect("a tape");
        let trades = oracle.trades("BTCUSDT", first_id + 4999).expect("trades");
        assert_eq!(trades.len(), 5000);
        let bars = oracle.bars(Threshold::new(10).expect("a threshold"), &trades);
        assert!(bars.len() > 100, "{}", bars.len());
        (oracle, bars)
    }

    fn rows(bars: &[Bar]) -> Vec<BarRow> {
        let row = |(place, bar): (usize, &Bar)| BarRow {
            exchange: "probe".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            anchor: Anchor::Day,
            bar: bar.clone(),
            version: place as u64 + 1,
            is_deleted: false,
        };
        bars.iter().enumerate().map(row).collect()
    }

    fn count(bar: &Bar) -> u64 {
        u64::try_from(bar.last_agg_trade_id - bar.first_agg_trade_id + 1).expect("a count")
    }

    #[test]
    fn what_is_as_it_should_be_has_no_damage_and_later_bars_are_not_judged() {
        let (_, bars) = oracle();
        assert_eq!(compare(&bars, &rows(&bars)), Damage::default());
        assert_eq!(compare(&bars[..50], &rows(&bars)), Damage::default());
        assert_eq!(compare(&[], &rows(&bars)), Damage::default());
    }

    #[test]
    fn each_kind_of_damage_is_told_by_itself() {
        let (_, bars) = oracle();
        let lost = |place: usize| Damage {
            lost: count(&bars[place]),
            ..Damage::default()
        };
        for place in [0, 7, bars.len() - 1] {
            let mut less = rows(&bars);
            less.remove(place);
            assert_eq!(compare(&bars, &less), lost(place), "{place}");
        }
        let mut other = rows(&bars);
        other[3].bar.high.0 += 1;
        let differing = Damage {
            differing: 1,
            ..Damage::default()
        };
        assert_eq!(compare(&bars, &other), differing);
        let mut late = rows(&bars);
        late[9].version = 1;
        let misordered = Damage {
            misordered: 1,
            ..Damage::default()
        };
        assert_eq!(compare(&bars, &late), misordered);
        let mut twice = rows(&bars);
        twice.insert(5, twice[4].clone());
        let duplicated = Damage {
            duplicated: count(&bars[4]),
            differing: 1,
            ..Damage::default()
        };
        assert_eq!(compare(&bars, &twice), duplicated);
        assert_eq!(
            compare(&bars, &[]).lost,
            bars.iter().map(count).sum::<u64>()
        );
    }
}
