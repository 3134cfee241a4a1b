//! What the exchange plays, and to whom.

use jiff::civil::{Date, date};

use crate::exchange::sim::{Config, Rate};

/// The symbols of every run.
pub const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
/// The day that every tape begins with, so that a seed makes the same tape on any day.
const DAY: Date = date(2025, 6, 2);

/// How fast the tape is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Trades a second and symbol, whatever the time scale is.
    pub rate: f64,
    /// How many trades are past at the start.
    pub history: u64,
    /// Trades of a day of the tape: days are short, so that bars are cut in every run.
    pub trades_per_day: u64,
    /// How long a stream connection lives at the exchange, unscaled, in seconds.
    pub lifetime_s: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            rate: 200.0,
            history: 500,
            trades_per_day: 2000,
            lifetime_s: 86_400,
        }
    }
}

impl Load {
    /// The tape of a seed, as the sim and the oracle both make it.
    #[must_use]
    pub fn tape(&self, seed: u64) -> Config {
        Config {
            seed,
            symbols: SYMBOLS.map(str::to_owned).to_vec(),
            rate: Rate::PerSecond(self.rate),
            history: Some(self.history),
            trades_per_day: Some(self.trades_per_day),
            day: Some(DAY),
            ..Config::default()
        }
    }

    /// The same as options of `probe serve`.
    #[must_use]
    pub fn options(&self, seed: u64) -> Vec<String> {
        let option = |name: &str, value: String| [name.to_owned(), value];
        [
            option("--seed", seed.to_string()),
            option("--symbols", SYMBOLS.join(",")),
            option("--rate", self.rate.to_string()),
            option("--history", self.history.to_string()),
            option("--trades-per-day", self.trades_per_day.to_string()),
            option("--day", DAY.to_string()),
        ]
        .concat()
    }
}
