//! Random numbers that are a pure function of where they are drawn.
//!
//! The seeded tape is read at any place in any order, so a block's numbers
//! may depend only on the block. Only integers, and floating point operations that
//! IEEE 754 rounds exactly, are used: the tape is the same on every machine.

/// The 64-bit golden ratio, the increment of SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast and good enough for a market.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// A stream of numbers for one place: `key` names the tape, `index` the place.
    pub(crate) fn at(key: u64, index: u64) -> Self {
        Self {
            state: mix(key ^ mix(index.wrapping_add(GOLDEN))),
        }
    }

    /// The next 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number in `0..bound`; the bias is below bound / 2^32.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// True in `per_mille` of 1000 draws.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// Roughly normal, mean 0, standard deviation 1: the sum of four uniform numbers.
    pub(crate) fn normal(&mut self) -> f64 {
        let bits = self.bits();
        let sum: i64 = (0..4)
            .map(|part| i64::from(((bits >> (part * 16)) & 0xffff) as u16))
            .sum();
        // Four uniform 16-bit numbers have mean 2 × 65535 and variance 4 × 65536² / 12.
        (sum - 131_070) as f64 / 37_837.227_000_2
    }
}

/// A uniform number in -1..1 that depends on `key` and `index` alone.
pub(crate) fn noise(key: u64, index: u64) -> f64 {
    let bits = Random::at(key, index).bits();
    ((bits >> 11) as f64) / ((1u64 << 52) as f64) - 1.0
}

/// A hash of some text under a seed (FNV-1a, then mixed).
pub(crate) fn key_of(seed: u64, text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(hash ^ mix(seed))
}

/// The finaliser of SplitMix64.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_depend_on_the_place_alone() {
        let first: Vec<u64> = (0..4).map(|_| Random::at(7, 9).bits()).collect();
        assert!(first.iter().all(|bits| *bits == first[0]));
        assert_ne!(Random::at(7, 9).bits(), Random::at(7, 10).bits());
        assert_ne!(Random::at(7, 9).bits(), Random::at(8, 9).bits());
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let mut random = Random::at(1, 2);
        let draws: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }

    #[test]
    fn noise_stays_within_its_bounds() {
        assert!((0..10_000).all(|index| noise(3, index).abs() <= 1.0));
    }
}
