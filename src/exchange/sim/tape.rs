//! The tape: every symbol's trades in id order, seeded or from a file.

use std::io::Write;
use std::sync::Arc;

use jiff::civil::Date;

use super::clock::wall_us;
use super::config::{Config, Rate};
use super::error::SimError;
use super::tape_file::FileTape;
use super::trade::SimTrade;
use super::walk::{MAX_TRADES_PER_DAY, Walk};

/// Seconds in a UTC day.
const DAY_SECONDS: i64 = 86_400;
/// Trades of a seeded day where neither they nor a rate are given.
const DEFAULT_TRADES_PER_DAY: u64 = 864_000;
/// The day, counted from 1970, before which an endless tape ends (in the year 9909): times
/// and ids stay far from the bounds of an `i64`.
const LAST_DAY: u64 = 2_900_000;
/// How many trades are written to CSV at a time.
const WRITE_CHUNK: u64 = 10_000;

/// One symbol's trades, addressed by *place*: 0, 1, 2 … in id order. On a seeded tape the
/// place is the id.
#[derive(Debug)]
enum Trades {
    Seeded(Walk),
    File(Arc<FileTape>),
}

/// One symbol and its trades.
#[derive(Debug)]
pub(crate) struct SymbolTape {
    /// The symbol in capitals.
    pub(crate) symbol: String,
    trades: Trades,
    /// The place of the first trade that exists.
    pub(crate) start: u64,
    /// The place after the last trade that exists.
    pub(crate) end: u64,
}

impl SymbolTape {
    /// Appends up to `count` trades from place `from` on, none beyond the tape's end.
    pub(crate) fn read(&self, from: u64, count: u64, out: &mut Vec<SimTrade>) {
        let count = count.min(self.end.saturating_sub(from));
        match &self.trades {
            Trades::Seeded(walk) => walk.read(from, count, out),
            Trades::File(file) => file.read(from, count, out),
        }
    }

    /// The place of the first existing trade with this id or a higher one.
    pub(crate) fn place_of_id(&self, id: i64) -> u64 {
        let place = match &self.trades {
            Trades::Seeded(_) => u64::try_from(id).unwrap_or(0),
            Trades::File(file) => file.place_of_id(id),
        };
        place.clamp(self.start, self.end)
    }

    /// The place of the first existing trade at or after a time.
    pub(crate) fn place_of_time(&self, time_us: i64) -> u64 {
        let place = match &self.trades {
            Trades::Seeded(walk) => walk.first_id_at(time_us),
            Trades::File(file) => file.place_of_time(time_us),
        };
        place.clamp(self.start, self.end)
    }

    /// The trade at a place, if it exists.
    pub(crate) fn trade_at(&self, place: u64) -> Option<SimTrade> {
        if place < self.start {
            return None;
        }
        let mut one = Vec::with_capacity(1);
        self.read(place, 1, &mut one);
        one.pop()
    }

    /// The smallest price step and the smallest quantity step, in 1e-8.
    pub(crate) fn steps_e8(&self) -> (i64, i64) {
        match &self.trades {
            Trades::Seeded(walk) => walk.steps_e8(),
            Trades::File(_) => (1, 1),
        }
    }
}

/// The trades of all symbols of a sim.
#[derive(Debug)]
pub struct Tape {
    symbols: Vec<SymbolTape>,
}

impl Tape {
    /// Makes the tape that a sim with these settings plays.
    ///
    /// # Errors
    ///
    /// When the settings contradict each other, or the tape file cannot be read.
    pub fn new(config: &Config) -> Result<Self, SimError> {
        config.check()?;
        if let Some(path) = &config.tape_file {
            let file = Arc::new(FileTape::open(path)?);
            let end = config.length.unwrap_or(u64::MAX).min(file.len());
            let symbols = config.symbols.iter().map(|symbol| SymbolTape {
                symbol: symbol.clone(),
                trades: Trades::File(Arc::clone(&file)),
                start: 0,
                end,
            });
            return Ok(Self {
                symbols: symbols.collect(),
            });
        }
        let trades_per_day = trades_per_day(config)?;
        let day = if config.is_played() {
            first_day(config.day)?
        } else {
            0
        };
        let symbols = config.symbols.iter().map(|symbol| {
            let walk = Walk::new(config.seed, symbol, trades_per_day);
            let start = walk.first_id_of_day(day);
            let last = walk.first_id_of_day(LAST_DAY);
            SymbolTape {
                symbol: symbol.clone(),
                start,
                end: config
                    .length
                    .map_or(last, |length| start.saturating_add(length).min(last)),
                trades: Trades::Seeded(walk),
            }
        });
        Ok(Self {
            symbols: symbols.collect(),
        })
    }

    /// Up to `count` existing trades of a symbol, from id `from_id` on.
    ///
    /// # Errors
    ///
    /// When the tape does not hold the symbol.
    pub fn trades(
        &self,
        symbol: &str,
        from_id: i64,
        count: u64,
    ) -> Result<Vec<SimTrade>, SimError> {
        let tape = self.symbol(symbol)?;
        let mut out = Vec::new();
        tape.read(tape.place_of_id(from_id), count, &mut out);
        Ok(out)
    }

    /// The id of the first trade that exists; `None` for an empty tape.
    ///
    /// # Errors
    ///
    /// When the tape does not hold the symbol.
    pub fn first_id(&self, symbol: &str) -> Result<Option<i64>, SimError> {
        let tape = self.symbol(symbol)?;
        Ok(tape.trade_at(tape.start).map(|trade| trade.id))
    }

    /// The id of the first existing trade at or after a time in microseconds; `None` if the tape
    /// ends before.
    ///
    /// # Errors
    ///
    /// When the tape does not hold the symbol.
    pub fn first_id_at(&self, symbol: &str, time_us: i64) -> Result<Option<i64>, SimError> {
        let tape = self.symbol(symbol)?;
        let first = tape.trade_at(tape.place_of_time(time_us));
        Ok(first.map(|trade| trade.id))
    }

    /// Writes up to `count` trades of a symbol as CSV, from id `from_id` on: the archive's
    /// columns `a,p,q,f,l,T,m,M` without a header, `T` in microseconds. Returns how many.
    ///
    /// # Errors
    ///
    /// When the tape does not hold the symbol, or the writer fails.
    pub fn write_csv(
        &self,
        symbol: &str,
        from_id: i64,
        count: u64,
        out: &mut impl Write,
    ) -> Result<u64, SimError> {
        let tape = self.symbol(symbol)?;
        let from = tape.place_of_id(from_id);
        let mut written = 0;
        let mut chunk = Vec::new();
        while written < count {
            chunk.clear();
            tape.read(from + written, WRITE_CHUNK.min(count - written), &mut chunk);
            if chunk.is_empty() {
                break;
            }
            for trade in &chunk {
                trade.write_csv_row(out).map_err(SimError::Write)?;
            }
            written += chunk.len() as u64;
        }
        out.flush().map_err(SimError::Write)?;
        Ok(written)
    }

    /// All symbols, in the order of the settings; their index is how the sim names them.
    pub(crate) fn symbols(&self) -> &[SymbolTape] {
        &self.symbols
    }

    /// The index of a symbol written in capitals.
    pub(crate) fn index_of(&self, symbol: &str) -> Option<usize> {
        self.symbols.iter().position(|tape| tape.symbol == symbol)
    }

    fn symbol(&self, symbol: &str) -> Result<&SymbolTape, SimError> {
        let found = self.symbols.iter().find(|tape| tape.symbol == symbol);
        found.ok_or_else(|| SimError::UnknownSymbol(symbol.to_owned()))
    }
}

/// Trades of a seeded day: as given, else as many as the rate makes of a day.
fn trades_per_day(config: &Config) -> Result<u64, SimError> {
    let trades = match (config.trades_per_day, config.rate) {
        (Some(trades), _) => trades,
        (None, Rate::PerSecond(rate)) => ((rate * DAY_SECONDS as f64).round() as u64).max(1),
        (None, Rate::Max) => DEFAULT_TRADES_PER_DAY,
    };
    if trades > MAX_TRADES_PER_DAY {
        let text = format!("a day can have at most {MAX_TRADES_PER_DAY} trades");
        return Err(SimError::Config(text));
    }
    Ok(trades)
}

/// The UTC day that a played tape begins with, counted from 1970.
fn first_day(day: Option<Date>) -> Result<u64, SimError> {
    let seconds = match day {
        None => wall_us().div_euclid(1_000_000),
        Some(day) => day
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|error| SimError::Config(error.to_string()))?
            .timestamp()
            .as_second(),
    };
    let day = u64::try_from(seconds.div_euclid(DAY_SECONDS)).unwrap_or(LAST_DAY);
    if day >= LAST_DAY {
        let text = "the tape must begin between the years 1970 and 9909";
        return Err(SimError::Config(text.to_owned()));
    }
    Ok(day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn played() -> Config {
        Config {
            history: Some(0),
            trades_per_day: Some(1000),
            day: Some(date(2025, 1, 1)),
            ..Config::default()
        }
    }

    #[test]
    fn a_played_tape_begins_with_its_day() {
        let tape = Tape::new(&played()).unwrap();
        let day = 1_735_689_600 / DAY_SECONDS;
        assert_eq!(tape.first_id("BTCUSDT").unwrap(), Some(day * 1000));
        let trades = tape.trades("BTCUSDT", 0, 3).unwrap();
        assert_eq!(trades[0].id, day * 1000);
        let tomorrow_us = (day + 1) * DAY_SECONDS * 1_000_000;
        let tomorrow = tape.first_id_at("BTCUSDT", tomorrow_us).unwrap();
        assert_eq!(tomorrow, Some((day + 1) * 1000));
        assert!(trades[0].time_us >= 1_735_689_600_000_000);
    }

    #[test]
    fn a_length_ends_the_tape() {
        let tape = Tape::new(&Config {
            length: Some(5),
            ..played()
        })
        .unwrap();
        assert_eq!(tape.trades("BTCUSDT", 0, 100).unwrap().len(), 5);
        let mut out = Vec::new();
        assert_eq!(tape.write_csv("ETHUSDT", 0, 100, &mut out).unwrap(), 5);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 5);
    }

    #[test]
    fn a_written_tape_reads_back_the_same() {
        let tape = Tape::new(&played()).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        tape.write_csv("ETHUSDT", 0, 2500, &mut file).unwrap();
        let again = Tape::new(&Config {
            tape_file: Some(file.path().to_owned()),
            ..Config::default()
        })
        .unwrap();
        let expected = tape.trades("ETHUSDT", 0, 2500).unwrap();
        assert_eq!(again.trades("ETHUSDT", 0, 9999).unwrap(), expected);
    }

    #[test]
    fn an_unknown_symbol_is_an_error() {
        let tape = Tape::new(&played()).unwrap();
        let error = tape.trades("XYZ", 0, 1).unwrap_err();
        assert_eq!(error.to_string(), "find the symbol XYZ on the tape");
    }
}
