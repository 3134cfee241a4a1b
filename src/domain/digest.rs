//! The digest over the bars of one threshold in one anchor period.
//!
//! Whoever builds them from the same trades makes the same digest, because bars are a pure
//! function of the trades. It is `v1:` and SHA-256 in hex over `streamkit bars v1\n`
//! and then, for each bar of one threshold in the order of first ids, its own columns in
//! the order of the table `bars`, from `first_agg_trade_id` to `closed_by`. All numbers are
//! little-endian and of their column's width:
//!
//! | column | bytes |
//! | --- | --- |
//! | id, time in µs, price in 1e-8, `duration_us` | i64 |
//! | volume in 1e-8, turnover in 1e-16 | i128 |
//! | count | u64 |
//! | feature | the bits of the f64; those of 0.0 for −0.0, which not every store keeps |
//! | `closed_by` | u8: 1 breach, 2 anchor, 3 gap |
//!
//! Key, version and tombstone do not belong to it: the same bar may be written at any time.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    bar::{Bar, ClosedBy},
    row::ImpliedColumns,
};

const PREFIX: &[u8] = b"streamkit bars v1\n";
const VERSION: &str = "v1:";

/// The digest over the bars of one period and threshold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

/// Makes a digest, bar by bar.
#[derive(Debug, Clone)]
pub struct BarHasher(Sha256);

impl Default for BarHasher {
    fn default() -> Self {
        Self(Sha256::new_with_prefix(PREFIX))
    }
}

impl BarHasher {
    /// Takes the next bar by first id. The columns that its others imply are taken as they
    /// are stored.
    pub fn add(&mut self, bar: &Bar, implied: &ImpliedColumns) {
        let sums = &bar.sums;
        let mut bytes = Bytes::default();
        for number in [
            bar.first_agg_trade_id,
            bar.last_agg_trade_id,
            bar.first_trade_id,
            bar.last_trade_id,
            bar.open_time_us,
            bar.close_time_us,
            bar.open.0,
            bar.high.0,
            bar.low.0,
            bar.close.0,
            bar.vwap.0,
        ] {
            bytes.put(number.to_le_bytes());
        }
        for number in [
            implied.volume,
            sums.buy_volume(),
            sums.sell_volume(),
            implied.turnover,
            sums.buy_turnover(),
            sums.sell_turnover(),
        ] {
            bytes.put(number.to_le_bytes());
        }
        for number in [
            implied.trade_count,
            sums.buy_trade_count(),
            sums.sell_trade_count(),
            sums.agg_trade_count(),
        ] {
            bytes.put(number.to_le_bytes());
        }
        bytes.put(implied.duration_us.to_le_bytes());
        for (_, feature) in bar.features.columns() {
            bytes.put((feature + 0.0).to_bits().to_le_bytes());
        }
        bytes.put([match bar.closed_by {
            ClosedBy::Breach => 1,
            ClosedBy::Anchor => 2,
            ClosedBy::Gap => 3,
        }]);
        self.0.update(bytes.so_far());
    }

    /// The digest over everything that was taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        let mut text = VERSION.to_owned();
        for byte in self.0.finalize() {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Digest(text)
    }
}

/// 11 i64, 6 i128, 4 u64, one i64, nine f64 and a byte.
const BAR_BYTES: usize = 11 * 8 + 6 * 16 + 4 * 8 + 8 + 9 * 8 + 1;

/// A bar's bytes, gathered so that the hash takes them at once.
struct Bytes {
    bytes: [u8; BAR_BYTES],
    len: usize,
}

impl Default for Bytes {
    fn default() -> Self {
        Self {
            bytes: [0; BAR_BYTES],
            len: 0,
        }
    }
}

impl Bytes {
    fn put<const N: usize>(&mut self, more: [u8; N]) {
        self.bytes[self.len..self.len + N].copy_from_slice(&more);
        self.len += N;
    }

    fn so_far(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        anchor::Anchor,
        ladder::{Ladder, Rules},
        price::{Price, Quantity},
        threshold::Threshold,
        trade::Trade,
    };

    /// Bars of a price that goes up and down by 1 %.
    fn bars() -> Vec<Bar> {
        let mut ladder = Ladder::new(Rules {
            anchor: Anchor::Day,
            gate: true,
        });
        ladder.start(Threshold::new(50).expect("a threshold"), 1);
        let mut bars = Vec::new();
        for id in 1..=40 {
            let trade = Trade {
                id,
                price: Price(100_000_000 + (id % 3) * 1_000_000),
                quantity: Quantity(5 * id),
                first_trade_id: 2 * id,
                last_trade_id: 2 * id + 1,
                time_us: 1_000_000 * id,
                buyer_is_maker: id % 2 == 0,
            };
            ladder.push(&trade, &mut bars).expect("in order");
        }
        bars
    }

    fn digest_of(bars: &[Bar], alter: impl Fn(usize, &mut ImpliedColumns)) -> Digest {
        let mut hasher = BarHasher::default();
        for (place, bar) in bars.iter().enumerate() {
            let mut implied = ImpliedColumns::of(bar);
            alter(place, &mut implied);
            hasher.add(bar, &implied);
        }
        hasher.finish()
    }

    fn digest(bars: &[Bar]) -> Digest {
        digest_of(bars, |_, _| {})
    }

    #[test]
    fn the_digest_of_given_bars_never_changes() {
        assert_eq!(
            digest(&bars()).0,
            "v1:9dc6853ed4a27305f233ea28168e30ab54d3d5d430f7bd473ddb346fd5fa021e"
        );
        assert_eq!(
            digest(&[]).0,
            "v1:f32243fd4c09fd389ca56719d1225d02dd53616fff44fe820e79ea2243eae2b5"
        );
    }

    #[test]
    fn every_column_counts() {
        let whole = digest(&bars());
        let alterations: [fn(&mut Bar); 24] = [
            |bar| bar.first_agg_trade_id += 1,
            |bar| bar.last_agg_trade_id += 1,
            |bar| bar.first_trade_id += 1,
            |bar| bar.last_trade_id += 1,
            |bar| bar.open_time_us += 1,
            |bar| bar.close_time_us += 1,
            |bar| bar.open.0 += 1,
            |bar| bar.high.0 += 1,
            |bar| bar.low.0 += 1,
            |bar| bar.close.0 += 1,
            |bar| bar.vwap.0 += 1,
            |bar| bar.closed_by = ClosedBy::Gap,
            |bar| bar.features.ofi = -bar.features.ofi,
            |bar| bar.features.vwap_close_deviation += 1e-9,
            |bar| bar.features.price_impact += 1e-9,
            |bar| bar.features.kyle_lambda_proxy += 1e-9,
            |bar| bar.features.trade_intensity += 1e-9,
            |bar| bar.features.volume_per_trade += 1e-9,
            |bar| bar.features.aggression_ratio += 1e-9,
            |bar| bar.features.aggregation_density += 1e-9,
            |bar| bar.features.turnover_imbalance += 1e-9,
            |bar| {
                bar.sums.add(&Trade {
                    quantity: Quantity(1),
                    ..ONE
                });
            },
            |bar| {
                bar.sums.add(&Trade {
                    buyer_is_maker: true,
                    ..ONE
                });
            },
            |bar| {
                bar.sums.add(&Trade {
                    last_trade_id: 5,
                    ..ONE
                });
            },
        ];
        for (number, alter) in alterations.into_iter().enumerate() {
            let mut bars = bars();
            alter(&mut bars[3]);
            assert_ne!(digest(&bars), whole, "alteration {number}");
        }
        let alterations: [fn(&mut ImpliedColumns); 4] = [
            |implied| implied.volume += 1,
            |implied| implied.turnover += 1,
            |implied| implied.trade_count += 1,
            |implied| implied.duration_us += 1,
        ];
        for alter in alterations {
            let altered = digest_of(&bars(), |place, implied| {
                if place == 3 {
                    alter(implied);
                }
            });
            assert_ne!(altered, whole);
        }
    }

    #[test]
    fn the_sign_of_zero_which_not_every_store_keeps_does_not_count() {
        let with = |zero: f64| {
            let mut bars = bars();
            bars[3].features.ofi = zero;
            digest(&bars)
        };
        assert_eq!(with(-0.0), with(0.0));
        assert_ne!(with(f64::MIN_POSITIVE), with(0.0));
    }

    const ONE: Trade = Trade {
        id: 1,
        price: Price(1),
        quantity: Quantity(0),
        first_trade_id: 1,
        last_trade_id: 1,
        time_us: 1,
        buyer_is_maker: false,
    };

    #[test]
    fn bars_that_are_missing_or_in_another_order_make_another_digest() {
        let (whole, mut bars) = (digest(&bars()), bars());
        bars.swap(1, 2);
        assert_ne!(digest(&bars), whole);
        bars.swap(1, 2);
        bars.pop();
        assert_ne!(digest(&bars), whole);
    }
}
