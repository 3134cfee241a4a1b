//! The seeded tape: a random walk that can be read anywhere, in any order.
//!
//! The tape is a pure function of seed, symbol, UTC day and the number of trades a
//! day. Trade `k` of day `d` (counted from 1970) has the aggregate id
//! `d × trades_per_day + k`, so ids run on across days, and a second run of the sim
//! continues the first. A day's trades are cut into blocks of at most 1024; a block is
//! made from its place alone, and the blocks last used are kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::market::Market;
use super::random::key_of;
use super::trade::SimTrade;
use super::walk_block::{BLOCK_TRADES, BlockMaker, BlockPlace};
use super::walk_time::{DAY_US, DayTimes};

/// How many blocks are kept: the newest one and those of some clients that page.
const KEPT_BLOCKS: usize = 32;
/// The most trades a day; ids then stay within an `i64` for longer than time does.
pub(crate) const MAX_TRADES_PER_DAY: u64 = 100_000_000_000;
/// Times are not searched for beyond this, about 90 000 years from 1970.
const LATEST_US: i64 = i64::MAX / 3;

type Block = Arc<Vec<SimTrade>>;

/// One symbol's seeded tape.
#[derive(Debug)]
pub(crate) struct Walk {
    trades_per_day: u64,
    blocks_per_day: u64,
    maker: BlockMaker,
    kept: Mutex<VecDeque<(u64, Block)>>,
}

impl Walk {
    /// The tape of `symbol` under `seed`, with `trades_per_day` in
    /// 1..=[`MAX_TRADES_PER_DAY`] (the caller has checked).
    pub(crate) fn new(seed: u64, symbol: &str, trades_per_day: u64) -> Self {
        let trades_per_day = trades_per_day.clamp(1, MAX_TRADES_PER_DAY);
        let blocks_per_day = trades_per_day.div_ceil(BLOCK_TRADES);
        let key = key_of(seed, symbol);
        let market = Market::of(symbol, key);
        Self {
            trades_per_day,
            blocks_per_day,
            maker: BlockMaker {
                key,
                market,
                times: DayTimes::new(key, blocks_per_day),
                usual_count: trades_per_day / blocks_per_day,
            },
            kept: Mutex::new(VecDeque::with_capacity(KEPT_BLOCKS)),
        }
    }

    /// The smallest price step and the smallest quantity step, in 1e-8.
    pub(crate) fn steps_e8(&self) -> (i64, i64) {
        (self.maker.market.tick_e8, self.maker.market.lot_e8)
    }

    /// The id of the first trade of a UTC day, counted from 1970.
    pub(crate) fn first_id_of_day(&self, day: u64) -> u64 {
        day.saturating_mul(self.trades_per_day)
    }

    /// Appends `count` trades from id `from` on.
    pub(crate) fn read(&self, from: u64, count: u64, out: &mut Vec<SimTrade>) {
        let end = from.saturating_add(count);
        let mut id = from;
        while id < end {
            let place = self.place_of(id);
            let block = self.block(place);
            let first = (id - place.first_id) as usize;
            let last = (end - place.first_id).min(place.count) as usize;
            out.extend_from_slice(&block[first..last]);
            id = place.first_id + place.count;
        }
    }

    /// The id of the first trade at or after a time.
    pub(crate) fn first_id_at(&self, time_us: i64) -> u64 {
        if time_us <= 0 {
            return 0;
        }
        let time_us = time_us.min(LATEST_US);
        let day = (time_us / DAY_US) as u64;
        let time_of_day = (time_us % DAY_US) as u64;
        // The last block that begins before the time: all blocks before it end before
        // the time, all blocks after it begin at or after it.
        let (mut low, mut high) = (0, self.blocks_per_day - 1);
        while low < high {
            let middle = high - (high - low) / 2;
            if self.maker.times.block_start_us(day, middle) < time_of_day {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        let place = self.place(day, low);
        let block = self.block(place);
        place.first_id + block.partition_point(|trade| trade.time_us < time_us) as u64
    }

    fn place_of(&self, id: u64) -> BlockPlace {
        let day = id / self.trades_per_day;
        let within = id % self.trades_per_day;
        let share = u128::from(within) * u128::from(self.blocks_per_day);
        let mut block = (share / u128::from(self.trades_per_day)) as u64;
        // Rounding can land one block early; `first_of_block` has the last word.
        if self.first_of_block(block + 1) <= within {
            block += 1;
        }
        self.place(day, block)
    }

    fn place(&self, day: u64, block: u64) -> BlockPlace {
        let first = self.first_of_block(block);
        BlockPlace {
            day,
            block,
            number: day * self.blocks_per_day + block,
            first_id: self.first_id_of_day(day) + first,
            count: self.first_of_block(block + 1) - first,
        }
    }

    /// The place within the day of a block's first trade.
    fn first_of_block(&self, block: u64) -> u64 {
        let share = u128::from(block) * u128::from(self.trades_per_day);
        (share / u128::from(self.blocks_per_day)) as u64
    }

    fn block(&self, place: BlockPlace) -> Block {
        if let Some(block) = find(&self.kept(), place.number) {
            return block;
        }
        // Made outside the lock: two readers may make the same block, and get the same.
        let block: Block = Arc::new(self.maker.make(place));
        let mut kept = self.kept();
        if kept.len() == KEPT_BLOCKS {
            kept.pop_front();
        }
        kept.push_back((place.number, Arc::clone(&block)));
        block
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(u64, Block)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(kept: &VecDeque<(u64, Block)>, number: u64) -> Option<Block> {
    // The newest blocks are asked for most, and they are at the back.
    let entry = kept.iter().rev().find(|(kept, _)| *kept == number)?;
    Some(Arc::clone(&entry.1))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn read(walk: &Walk, from: u64, count: u64) -> Vec<SimTrade> {
        let mut out = Vec::new();
        walk.read(from, count, &mut out);
        out
    }

    #[test]
    fn the_tape_is_the_same_in_whatever_order_it_is_read() {
        let forward = Walk::new(7, "BTCUSDT", 5_000);
        let backward = Walk::new(7, "BTCUSDT", 5_000);
        let whole = read(&forward, 99_990_000, 20_000);
        for chunk in (0..20_u64).rev() {
            let part = read(&backward, 99_990_000 + chunk * 1000, 1000);
            assert_eq!(part, whole[chunk as usize * 1000..][..1000]);
        }
    }

    #[test]
    fn other_seeds_and_symbols_have_other_tapes() {
        let base = read(&Walk::new(7, "BTCUSDT", 5_000), 1_000_000, 100);
        assert_ne!(base, read(&Walk::new(8, "BTCUSDT", 5_000), 1_000_000, 100));
        assert_ne!(base, read(&Walk::new(7, "ETHUSDT", 5_000), 1_000_000, 100));
    }

    /// A second run of the sim continues the first also after an upgrade and on another machine,
    /// so the tape must never change.
    #[test]
    fn the_tape_is_what_it_has_always_been() {
        let walk = Walk::new(1, "BTCUSDT", 20_000);
        let mut rows = Vec::new();
        for trade in read(&walk, walk.first_id_of_day(20_089), 3) {
            trade.write_csv_row(&mut rows).unwrap();
        }
        let expected = "\
            401780000,52839.30000000,0.00200000,1645690880,1645690880,1735689611096842,False,True\n\
            401780001,52841.19000000,0.00162000,1645690881,1645690881,1735689611112971,False,True\n\
            401780002,52852.42000000,0.00189000,1645690882,1645690882,1735689611125068,False,True\n";
        assert_eq!(String::from_utf8(rows).unwrap(), expected);
        let later = read(&walk, walk.first_id_of_day(20_089), 60_000);
        let digest = later.iter().fold(0_i64, |digest, trade| {
            let fields = [
                trade.price_e8,
                trade.quantity_e8,
                trade.time_us,
                trade.last_id,
            ];
            fields.iter().fold(digest, |digest, field| {
                digest.wrapping_mul(31).wrapping_add(*field)
            })
        });
        assert_eq!(digest, -6_150_882_434_583_690_946);
    }

    #[test]
    fn ids_times_and_fills_run_on_across_midnight() {
        for trades_per_day in [1, 3, 1_000, 1_025, 20_000] {
            let walk = Walk::new(3, "ETHUSDT", trades_per_day);
            let midnight = walk.first_id_of_day(20_000);
            let from = midnight - trades_per_day.min(3_000);
            let trades = read(&walk, from, 2 * trades_per_day.min(3_000));
            for (index, trade) in trades.iter().enumerate() {
                assert_eq!(trade.id as u64, from + index as u64);
                assert_eq!(trade.time_us / DAY_US, trade.id / trades_per_day as i64);
                assert!(trade.last_id >= trade.first_id);
                assert!(trade.price_e8 > 0 && trade.quantity_e8 > 0);
            }
            for pair in trades.windows(2) {
                assert!(pair[1].time_us >= pair[0].time_us, "{pair:?}");
                assert!(pair[1].first_id > pair[0].last_id, "{pair:?}");
            }
        }
    }

    #[test]
    fn the_tape_looks_like_a_market() {
        let walk = Walk::new(1, "BTCUSDT", 864_000);
        let trades = read(&walk, walk.first_id_of_day(20_000), 100_000);
        let pairs = || trades.windows(2);
        let share = |count: usize| count as f64 / trades.len() as f64;
        let same_us = pairs().filter(|p| p[0].time_us == p[1].time_us).count();
        let same_ms = pairs()
            .filter(|p| p[0].time_us / 1000 == p[1].time_us / 1000)
            .count();
        let holes = pairs().filter(|p| p[1].first_id > p[0].last_id + 1).count();
        let fills = trades.iter().filter(|t| t.last_id > t.first_id).count();
        let sells = trades.iter().filter(|t| t.buyer_maker).count();
        let quiet = pairs()
            .filter(|p| p[1].time_us - p[0].time_us > 10_000_000)
            .count();
        assert!((0.1..0.6).contains(&share(same_us)), "same time {same_us}");
        assert!(same_ms > same_us, "same millisecond {same_ms}");
        assert!(holes > 10 && share(holes) < 0.02, "holes {holes}");
        assert!((0.2..0.4).contains(&share(fills)), "several fills {fills}");
        assert!((0.4..0.6).contains(&share(sells)), "sells {sells}");
        assert!(quiet > 0, "no quiet spell");
        let prices: HashSet<i64> = trades.iter().map(|t| t.price_e8).collect();
        assert!(prices.len() > 1000);
        assert!(
            prices
                .iter()
                .all(|p| (4_000_000_000_000..8_000_000_000_000).contains(p))
        );
    }

    #[test]
    fn bars_of_every_usual_size_close_within_a_few_thousand_trades() {
        let walk = Walk::new(1, "BTCUSDT", 864_000);
        let trades = read(&walk, walk.first_id_of_day(20_000), 20_000);
        for (dbps, at_least) in [(250, 40), (500, 10), (750, 4), (1000, 2)] {
            let mut closed = 0;
            let mut open = trades[0].price_e8;
            for trade in &trades {
                let delta = open / 100_000 * dbps;
                if (trade.price_e8 - open).abs() >= delta {
                    closed += 1;
                    open = trade.price_e8;
                }
            }
            assert!(closed >= at_least, "{closed} bars at {dbps}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_found_wherever_it_lies(
            trades_per_day in prop_oneof![Just(1_u64), Just(2), 3_u64..6_000],
            day in 0_u64..30_000,
            time_of_day in 0..DAY_US,
        ) {
            let walk = Walk::new(9, "BTCUSDT", trades_per_day);
            let time_us = day as i64 * DAY_US + time_of_day;
            let first = walk.first_id_of_day(day);
            let trades = read(&walk, first, trades_per_day);
            let naive = first + trades.iter().filter(|t| t.time_us < time_us).count() as u64;
            prop_assert_eq!(walk.first_id_at(time_us), naive);
            // The time of an actual trade is the hardest case: its burst begins there.
            let exact = trades[(time_of_day as usize) % trades.len()].time_us;
            let naive = first + trades.iter().filter(|t| t.time_us < exact).count() as u64;
            prop_assert_eq!(walk.first_id_at(exact), naive);
        }
    }
}
