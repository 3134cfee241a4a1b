//! What the exchange plays, and to whom.

use std::{fs, path::Path};

use jiff::civil::{Date, date};

use crate::{
    app::probe::error::ProbeError,
    exchange::sim::{Config, Rate, Tape},
};

/// The symbols of every run.
pub const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
/// The day that every tape begins with, so that a seed makes the same tape on any day.
const DAY: Date = date(2025, 6, 2);

/// How many trades a tape that is written to a file has: more than any run plays.
const WRITTEN_TRADES: u64 = 60_000;

/// What is wrong with the tape itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Nothing.
    None,
    /// One price in 997 is ten times as high as it should be.
    Spikes,
    /// One time in 499 is 5 s earlier than it should be.
    Backwards,
}

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
    /// What is wrong with the tape itself.
    pub edit: Edit,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            rate: 200.0,
            history: 500,
            trades_per_day: 2000,
            lifetime_s: 86_400,
            edit: Edit::None,
        }
    }
}

impl Load {
    /// The tape of a seed, as the sim and the oracle both make it. `directory` is the run's.
    #[must_use]
    pub fn tape(&self, seed: u64, directory: &Path) -> Config {
        let seeded = self.seeded(seed);
        if self.edit == Edit::None {
            return seeded;
        }
        Config {
            tape_file: Some(directory.join(TAPE_FILE)),
            day: None,
            trades_per_day: None,
            ..seeded
        }
    }

    fn seeded(&self, seed: u64) -> Config {
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

    /// Writes the tape to a file below `directory`, if there is something wrong with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, seed: u64, directory: &Path) -> Result<(), ProbeError> {
        if self.edit == Edit::None {
            return Ok(());
        }
        let tape = Tape::new(&self.seeded(seed))?;
        let first_id = tape.first_id(SYMBOLS[0])?.unwrap_or(0);
        let mut text = Vec::new();
        tape.write_csv(SYMBOLS[0], first_id, WRITTEN_TRADES, &mut text)?;
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().enumerate().map(|(place, line)| {
            let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
            self.edit.apply(place, &mut fields);
            fields.join(",") + "\n"
        });
        let path = directory.join(TAPE_FILE);
        fs::write(&path, lines.collect::<String>())
            .map_err(|cause| ProbeError::File { path, cause })
    }

    /// The same as options of `probe serve`.
    #[must_use]
    pub fn options(&self, seed: u64, directory: &Path) -> Vec<String> {
        let option = |name: &str, value: String| [name.to_owned(), value];
        let mut options = [
            option("--symbols", SYMBOLS.join(",")),
            option("--rate", self.rate.to_string()),
            option("--history", self.history.to_string()),
        ]
        .concat();
        if self.edit == Edit::None {
            options.extend(option("--seed", seed.to_string()));
            options.extend(option("--trades-per-day", self.trades_per_day.to_string()));
            options.extend(option("--day", DAY.to_string()));
        } else {
            let path = directory.join(TAPE_FILE);
            options.extend(option("--tape", path.to_string_lossy().into_owned()));
        }
        options
    }
}

/// Where a tape is written to, in the directory of its run.
const TAPE_FILE: &str = "tape.csv";
/// The columns of a price and of a time.
const PRICE: usize = 1;
const TIME: usize = 5;
/// 5 s in µs.
const BACK_US: i64 = 5_000_000;

impl Edit {
    fn apply(self, place: usize, fields: &mut [String]) {
        match self {
            Self::Spikes if place % 997 == 996 => {
                // The first digit again, in front of all others.
                let digit = fields[PRICE].get(..1).unwrap_or("1").to_owned();
                fields[PRICE].insert_str(0, &digit);
            }
            Self::Backwards if place % 499 == 498 => {
                let time_us: i64 = fields[TIME].parse().unwrap_or(0);
                fields[TIME] = (time_us - BACK_US).to_string();
            }
            _ => {}
        }
    }
}
