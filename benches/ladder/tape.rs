//! An endless seeded tape that moves like a busy pair: prices in ticks around 60 000,
//! trades that share a microsecond with the burst they came in, sweeps over several
//! levels, several fills a trade.

use streamkit::domain::{
    price::{Price, Quantity},
    trade::Trade,
};

/// The smallest step of the price, 0.01.
const TICK: i64 = 1_000_000;

/// 2025-09-01, in µs.
const START_US: i64 = 1_756_684_800_000_000;

/// A tape that goes on for ever: a pure function of its seed.
#[derive(Debug, Clone)]
pub struct Tape {
    random: u64,
    id: i64,
    fill: i64,
    time_us: i64,
    price: i64,
    /// How many trades of the current burst are still to come.
    burst: u64,
    is_sell: bool,
}

impl Tape {
    /// The tape of `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            random: seed,
            id: 1,
            fill: 1,
            time_us: START_US,
            price: 6_000_000 * TICK,
            burst: 0,
            is_sell: false,
        }
    }

    /// Uniform below `bound` (SplitMix64, Steele et al. 2014).
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

impl Iterator for Tape {
    type Item = Trade;

    fn next(&mut self) -> Option<Trade> {
        if self.burst == 0 {
            // Most orders meet one level; few sweep through many.
            self.burst = match self.below(20) {
                0..14 => 1,
                14..19 => 2 + self.below(3),
                _ => 5 + self.below(20),
            };
            self.is_sell = self.below(2) == 0;
            self.time_us += 1 + self.below(120_000) as i64;
            // Between orders the quotes move, by up to 4.00: about 2.5 % in a day's million.
            self.price += (self.below(801) as i64 - 400) * TICK;
        } else {
            let levels = self.below(40) as i64;
            self.price += if self.is_sell { -levels } else { levels } * TICK;
        }
        self.burst -= 1;
        self.price = self.price.clamp(3_000_000 * TICK, 12_000_000 * TICK);
        let fills = match self.below(10) {
            0..7 => 1,
            _ => 1 + self.below(6) as i64,
        };
        let trade = Trade {
            id: self.id,
            price: Price(self.price),
            quantity: Quantity(1_000 + self.below(20_000_000) as i64),
            first_trade_id: self.fill,
            last_trade_id: self.fill + fills - 1,
            time_us: self.time_us,
            buyer_is_maker: self.is_sell,
        };
        self.id += 1;
        self.fill += fills;
        Some(trade)
    }
}
