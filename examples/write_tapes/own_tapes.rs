//! The tapes in `tests/tapes`, made from seeds.

use std::fmt::Write as _;

/// A tape and the bars that are wanted of it.
pub struct OwnTape {
    /// The file's name without its ending.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
    /// Thresholds, and whether the gate is on.
    pub bars: &'static [(u32, bool)],
}

pub fn all() -> [OwnTape; 4] {
    [
        // Microseconds, bursts that share a time, several fills a trade, eight columns.
        OwnTape {
            name: "walk-us",
            text: walk(0x5eed_0001, 400, 1_000, &Style::ARCHIVE),
            bars: &[(2, true), (2, false), (5, true), (25, true), (100, false)],
        },
        // Milliseconds, a header, seven columns, CRLF, no end of the last line; sparse.
        OwnTape {
            name: "walk-ms",
            text: walk(0x5eed_0002, 300, 40_000_000, &Style::FUTURES),
            bars: &[(10, true), (10, false), (250, true), (400, true)],
        },
        OwnTape {
            name: "tiny-prices",
            text: TINY_PRICES.to_owned(),
            bars: &[(1, true), (250, true), (100_000, true)],
        },
        OwnTape {
            name: "huge-figures",
            text: HUGE_FIGURES.to_owned(),
            bars: &[(250, true)],
        },
    ]
}

/// A bound one unit away, a bound on the price itself, trades without quantity.
const TINY_PRICES: &str = "\
1,0.00000001,10.0,1,1,1735689600000001,True,True
2,0.00000001,0.0,2,2,1735689600000001,False,True
3,0.00000001,5,3,3,1735689600000002,False,True
4,0.00000002,0.00000001,4,4,1735689600000003,True,True
5,0.00000399,0.0,5,5,1735689600000004,True,True
6,0.00000399,0.0,6,9,1735689600000005,False,True
7,0.00000400,1.5,12,12,1735689600000005,False,True
8,0.00000400,1.5,13,13,1735689600000006,True,True
9,0.00000398,0.25,14,14,1735689600000006,True,True
10,0.00000800,0.25,15,20,1735689600000007,False,True
";

/// Turnovers near the top of what 128 bits hold, and an upper bound above every price.
const HUGE_FIGURES: &str = "\
90,92233720000.00000000,9223372036.00000000,1,1,1735689600000000,False,True
91,92233720368.54775807,9223372036.00000001,2,2,1735689600000010,True,True
92,92000000000.00000000,9000000000.12345678,3,7,1735689600000020,False,True
93,91000000000.00000000,9100000000.00000000,8,8,1735689600000030,True,True
94,91000000001.00000000,0.00000001,9,9,1735689600000040,True,True
";

struct Style {
    header: &'static str,
    line_end: &'static str,
    has_best_match: bool,
    is_in_ms: bool,
    ends_last_line: bool,
}

impl Style {
    const ARCHIVE: Self = Self {
        header: "",
        line_end: "\n",
        has_best_match: true,
        is_in_ms: false,
        ends_last_line: true,
    };
    const FUTURES: Self = Self {
        header: "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
        line_end: "\r\n",
        has_best_match: false,
        is_in_ms: true,
        ends_last_line: false,
    };
}

/// Xorshift: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn walk(seed: u64, count: u64, mean_wait_us: u64, style: &Style) -> String {
    let mut random = Random(seed);
    let mut text = String::new();
    if !style.header.is_empty() {
        text.push_str(style.header);
        text.push_str(style.line_end);
    }
    let mut price = 2_500_000_000_000_u64;
    let mut time_us = 1_740_787_190_000_000_u64;
    let mut next_fill = 700;
    for n in 0..count {
        // Half of the trades share the time of the one before.
        if random.below(2) == 0 {
            time_us += random.below(4 * mean_wait_us);
        }
        let step = random.below(price / 4_000);
        price = if random.below(2) == 0 {
            price + step
        } else {
            price - step
        };
        let fills = [1, 1, 1, 2, 3, 17][random.below(6) as usize];
        let quantity = random.below(300_000_000) * [1, 1, 0][random.below(3) as usize];
        let maker = random.below(2) == 0;
        write!(
            text,
            "{},{}.{:08},{}.{:08},{next_fill},{},{},{}",
            5000 + n,
            price / 100_000_000,
            price % 100_000_000,
            quantity / 100_000_000,
            quantity % 100_000_000,
            next_fill + fills - 1,
            if style.is_in_ms {
                time_us / 1000
            } else {
                time_us
            },
            if maker { "True" } else { "False" },
        )
        .expect("written");
        if style.has_best_match {
            text.push_str(",True");
        }
        if n + 1 < count || style.ends_last_line {
            text.push_str(style.line_end);
        }
        // Ids of fills may have holes.
        next_fill += fills + random.below(2);
    }
    text
}
