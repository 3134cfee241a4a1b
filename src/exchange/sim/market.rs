//! What a symbol of the seeded tape looks like: its price level, tick and lot.

use super::random::Random;
use super::trade::ONE_E8;

/// Price levels of well-known symbols, so that a demo looks familiar.
const KNOWN_LEVELS: [(&str, f64); 8] = [
    ("BTCUSDT", 60_000.0),
    ("ETHUSDT", 3_000.0),
    ("BNBUSDT", 600.0),
    ("SOLUSDT", 150.0),
    ("LTCUSDT", 80.0),
    ("XRPUSDT", 0.5),
    ("ADAUSDT", 0.4),
    ("DOGEUSDT", 0.12),
];
/// The largest tick, in 1e-8: 0.01.
const MAX_TICK_E8: i64 = 1_000_000;
/// The tick is at most this share of the price, well below one trade's move.
const TICK_SHARE: f64 = 2e-5;
/// The finest lot, in 1e-8: 0.00001.
const MIN_LOT_E8: i64 = 1_000;

/// The fixed properties of one symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Market {
    /// The price that the walk wanders around.
    pub(crate) level: f64,
    /// The smallest price step, in 1e-8.
    pub(crate) tick_e8: i64,
    /// The smallest quantity step, in 1e-8.
    pub(crate) lot_e8: i64,
}

impl Market {
    /// The market of a symbol; `key` is the tape's hash of seed and symbol.
    pub(crate) fn of(symbol: &str, key: u64) -> Self {
        let known = KNOWN_LEVELS.iter().find(|(name, _)| *name == symbol);
        let level = known.map_or_else(|| hashed_level(key), |(_, level)| *level);
        Self {
            level,
            tick_e8: power_of_ten_up_to(level * TICK_SHARE, 1, MAX_TICK_E8),
            lot_e8: power_of_ten_up_to(1.0 / level, MIN_LOT_E8, ONE_E8),
        }
    }
}

/// A level between 0.001 and 1000, spread evenly over the orders of magnitude.
fn hashed_level(key: u64) -> f64 {
    let mut random = Random::at(key, u64::MAX);
    let magnitudes = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0];
    let magnitude = magnitudes[random.below(6) as usize];
    magnitude * (1.0 + f64::from(random.below(9_000)) / 1_000.0)
}

/// The largest power of ten, in 1e-8, that is not above `value`, kept within bounds.
fn power_of_ten_up_to(value: f64, min_e8: i64, max_e8: i64) -> i64 {
    let mut power_e8 = max_e8;
    while power_e8 > min_e8 && power_e8 as f64 > value * ONE_E8 as f64 {
        power_e8 /= 10;
    }
    power_e8
}

#[cfg(test)]
mod tests {
    use super::super::random::key_of;
    use super::*;

    #[test]
    fn ticks_and_lots_fit_the_price_level() {
        let bitcoin = Market::of("BTCUSDT", 0);
        assert_eq!((bitcoin.tick_e8, bitcoin.lot_e8), (1_000_000, 1_000));
        let doge = Market::of("DOGEUSDT", 0);
        assert_eq!((doge.tick_e8, doge.lot_e8), (100, ONE_E8));
    }

    #[test]
    fn every_symbol_has_a_level_far_above_its_tick() {
        for number in 0..200 {
            let symbol = format!("S{number}USDT");
            let market = Market::of(&symbol, key_of(1, &symbol));
            assert!(
                market.level * ONE_E8 as f64 >= 100.0 * market.tick_e8 as f64,
                "{symbol}"
            );
        }
    }
}
