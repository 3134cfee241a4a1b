//! How one block of the seeded tape is made.
//!
//! The price at a block's edges is a sum of value noise over ten octaves of the
//! block number, so it wanders like a market but never far away, and any edge
//! is known without the blocks before it. Within the block a random walk is bent so
//! that it meets both edges. Trades come as *orders*: an order that sweeps
//! several price levels leaves several trades with one timestamp and one side.

use super::market::Market;
use super::random::{Random, noise};
use super::trade::{ONE_E8, SimTrade};
use super::walk_time::{DAY_US, DayTimes};

/// The most trades in a block.
pub(crate) const BLOCK_TRADES: u64 = 1024;
/// The standard deviation of one trade's relative price move: 0.02 %.
const MOVE: f64 = 2e-4;
/// Octaves of the noise: the slowest swing lasts 2^10 blocks, a million trades.
const OCTAVES: u32 = 11;
/// How strong the swing of the edges is, relative to the walk within a block.
const SWING: f64 = 0.5;
/// Individual trade ids reserved for a block; what it leaves unused is a hole in `f`/`l`.
const FILL_IDS: i64 = 4096;
/// The most fills of one trade, and the most individual ids skipped before one.
const MAX_FILLS: u32 = 8;
const MAX_HOLE: u32 = 5;
/// What a typical trade is worth, in the quote asset.
const TYPICAL_VALUE: f64 = 60.0;

/// Where a block lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockPlace {
    /// The UTC day, counted from 1970.
    pub(crate) day: u64,
    /// The block within the day.
    pub(crate) block: u64,
    /// The block counted over all days.
    pub(crate) number: u64,
    /// The id of its first trade.
    pub(crate) first_id: u64,
    /// How many trades it holds: 1 to [`BLOCK_TRADES`].
    pub(crate) count: u64,
}

/// What the blocks of one tape are made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockMaker {
    pub(crate) key: u64,
    pub(crate) market: Market,
    pub(crate) times: DayTimes,
    /// The usual number of trades in a block; it scales the swing between the edges.
    pub(crate) usual_count: u64,
}

/// The draft of one trade, before the price walk is bent and the time is known.
struct Draft {
    weight: u64,
    walked: f64,
    buyer_maker: bool,
}

impl BlockMaker {
    /// Makes the trades of a block.
    pub(crate) fn make(&self, place: BlockPlace) -> Vec<SimTrade> {
        let mut random = Random::at(self.key, place.number);
        let drafts = draft_orders(&mut random, place.count);
        let open = self.edge(place.number);
        let close = self.edge(place.number + 1);
        let walked_total = drafts.last().map_or(0.0, |draft| draft.walked);
        let weight_total = drafts.iter().map(|draft| draft.weight).sum::<u64>() + 1;
        let start_us = self.times.edge_us(place.day, place.block);
        let width_us = self.times.edge_us(place.day, place.block + 1) - start_us;

        let mut trades = Vec::with_capacity(drafts.len());
        let mut weight = 0;
        let mut fills = FillIds::new(place);
        for (index, draft) in drafts.iter().enumerate() {
            weight += draft.weight;
            let active_us = start_us
                + (u128::from(weight) * u128::from(width_us) / u128::from(weight_total)) as u64;
            let time_of_day = self.times.time_of_day_us(place.day, active_us);
            let share = (index + 1) as f64 / place.count as f64;
            let relative = open + (close - open) * share + draft.walked - walked_total * share;
            let price_e8 = self.price_e8(relative);
            let (first_id, last_id) = fills.next(&mut random);
            trades.push(SimTrade {
                id: (place.first_id + index as u64) as i64,
                price_e8,
                quantity_e8: self.quantity_e8(&mut random, price_e8),
                first_id,
                last_id,
                time_us: place.day as i64 * DAY_US + time_of_day as i64,
                buyer_maker: draft.buyer_maker,
                best_match: true,
            });
        }
        trades
    }

    /// The relative distance from the price level at the start of a block.
    fn edge(&self, number: u64) -> f64 {
        let mut sum = 0.0;
        for octave in 0..OCTAVES {
            let period = 1u64 << octave;
            let key = self.key ^ (u64::from(octave) + 1).wrapping_mul(0xd6e8_feb8_6659_fd93);
            let cell = number / period;
            let left = noise(key, cell);
            let right = noise(key, cell + 1);
            let share = (number % period) as f64 / period as f64;
            sum += (period as f64).sqrt() * (left + (right - left) * share);
        }
        sum * SWING * MOVE * (self.usual_count as f64).sqrt()
    }

    /// The price at a relative distance from the level, on the tick grid.
    fn price_e8(&self, relative: f64) -> i64 {
        let ticks =
            self.market.level * (1.0 + relative) * ONE_E8 as f64 / self.market.tick_e8 as f64;
        ((ticks + 0.5) as i64).max(1) * self.market.tick_e8
    }

    /// A quantity, roughly log-normal in value, on the lot grid.
    fn quantity_e8(&self, random: &mut Random, price_e8: i64) -> i64 {
        let bits = random.bits();
        // The number of set bits among 16 is binomial: a bell of exponents around 8.
        let doublings = (bits & 0xffff).count_ones();
        let fraction = 1.0 + ((bits >> 16) & 0xffff) as f64 / 65_536.0;
        let value = TYPICAL_VALUE * f64::from(1u32 << doublings) / 256.0 * fraction;
        let quantity = value / (price_e8 as f64 / ONE_E8 as f64);
        let lots = quantity * ONE_E8 as f64 / self.market.lot_e8 as f64;
        ((lots + 0.5) as i64).max(1) * self.market.lot_e8
    }
}

/// Draws the orders of a block: sides, walk and relative waiting times.
fn draft_orders(random: &mut Random, count: u64) -> Vec<Draft> {
    let mut drafts = Vec::with_capacity(count as usize);
    let mut walked = 0.0;
    let mut sweeping = 0;
    let mut buyer_maker = random.chance(500);
    for _ in 0..count {
        let step = random.normal() * MOVE;
        let weight = if sweeping > 0 {
            // A sweeping order goes on in its own direction, at the same microsecond.
            sweeping -= 1;
            let forward = step.abs() * 0.5;
            walked += if buyer_maker { -forward } else { forward };
            0
        } else {
            if random.chance(300) {
                buyer_maker = !buyer_maker;
            }
            let with_the_side = random.chance(700);
            walked += if with_the_side == buyer_maker {
                -step.abs()
            } else {
                step.abs()
            };
            if random.chance(250) {
                sweeping = 1 + random.bits().trailing_zeros().min(9);
            }
            waiting_weight(random)
        };
        drafts.push(Draft {
            weight,
            walked,
            buyer_maker,
        });
    }
    drafts
}

/// How long an order waits after the one before: often next to nothing, so that
/// orders share a millisecond, else with a heavy tail.
fn waiting_weight(random: &mut Random) -> u64 {
    if random.chance(150) {
        return 1 + u64::from(random.below(8));
    }
    let doublings = random.bits().trailing_zeros().min(6);
    (1 + u64::from(random.below(1024))) << doublings
}

/// Hands out individual trade ids: rising, mostly without holes, within the block's share.
struct FillIds {
    next_id: i64,
    end_id: i64,
    trades_left: i64,
}

impl FillIds {
    fn new(place: BlockPlace) -> Self {
        let first = place.number as i64 * FILL_IDS;
        Self {
            next_id: first,
            end_id: first + FILL_IDS,
            trades_left: place.count as i64,
        }
    }

    /// The first and last individual id of the next trade.
    fn next(&mut self, random: &mut Random) -> (i64, i64) {
        let fills = if random.chance(700) {
            1
        } else {
            2 + random.below(MAX_FILLS - 1)
        };
        let hole = if random.chance(3) {
            1 + random.below(MAX_HOLE)
        } else {
            0
        };
        let wanted = i64::from(fills + hole);
        // Each later trade needs an id of its own, however unlikely it is to run short.
        let spare = self.end_id - self.next_id - self.trades_left;
        let (fills, hole) = if wanted > spare {
            (1, 0)
        } else {
            (fills, hole)
        };
        let first_id = self.next_id + i64::from(hole);
        self.next_id = first_id + i64::from(fills);
        self.trades_left -= 1;
        (first_id, self.next_id - 1)
    }
}
