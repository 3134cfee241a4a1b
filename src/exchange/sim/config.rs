//! The settings of a sim exchange.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;

use super::error::SimError;

/// The most trades a second and symbol that can be paced.
pub(super) const MAX_RATE: f64 = 1_000_000.0;

/// How fast a symbol's tape is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// So many trades a second.
    PerSecond(f64),
    /// As fast as the slowest subscriber takes it; a symbol waits for its first subscriber.
    Max,
}

impl FromStr for Rate {
    type Err = String;

    /// Reads `max` or a number of trades a second above 0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let rate: f64 = text
            .parse()
            .map_err(|_| format!("{text:?} is neither a number nor \"max\""))?;
        if rate > 0.0 && rate <= MAX_RATE {
            Ok(Self::PerSecond(rate))
        } else {
            Err(format!("a rate must be above 0 and at most {MAX_RATE}"))
        }
    }
}

/// The settings of a [`Server`](super::Server).
///
/// Without `history`, and with a seeded tape, the tape runs by the wall clock: a trade is
/// past when its time is, the whole earlier history is there, and a second run
/// continues the first. With `history`, a tape file or [`Rate::Max`] the tape is *played*:
/// it begins at the start of `day` (or of the file), that many trades are already
/// past, and the rest follow at `rate`, whatever their own times are.
#[derive(Debug, Clone)]
pub struct Config {
    /// The seed of the tape; unused with a tape file.
    pub seed: u64,
    /// The symbols that are served, in capitals, each once.
    pub symbols: Vec<String>,
    /// Trades a second and symbol.
    pub rate: Rate,
    /// How many trades of the tape are already past at the start; `None` is the wall clock.
    pub history: Option<u64>,
    /// Trades of a seeded UTC day; by default `rate × 86400`. Only for a played tape: by the
    /// wall clock the rate decides.
    pub trades_per_day: Option<u64>,
    /// The UTC day that a played seeded tape begins with; by default today.
    pub day: Option<Date>,
    /// A CSV file to play instead of the seeded tape, under every symbol.
    pub tape_file: Option<PathBuf>,
    /// Where a played tape ends, in trades a symbol from its beginning; by default a seeded tape
    /// never ends. At the end the streams stay open and quiet.
    pub length: Option<u64>,
    /// Request weight allowed in one window and address.
    pub weight_limit: u32,
    /// The window that request weight is counted in.
    pub weight_window: Duration,
    /// Requests that are answered 429 before an address that goes on is banned with 418.
    pub warnings_before_ban: u32,
    /// How long a ban lasts.
    pub ban: Duration,
    /// How often a stream is pinged.
    pub ping_interval: Duration,
    /// How long a ping may stay unanswered.
    pub pong_timeout: Duration,
    /// How long a stream connection lives.
    pub lifetime: Duration,
    /// How long a single write to a client may take before the client counts as too slow.
    pub write_timeout: Duration,
    /// How many bytes may wait for a client before it counts as too slow.
    pub backlog_size_bytes: usize,
    /// How far the streams lag behind the history that REST serves.
    pub stream_delay: Duration,
    /// Stream connections allowed in five minutes and address.
    pub connection_limit: u32,
    /// Messages, pings and pongs that a client may send in a second.
    pub client_message_limit: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            symbols: vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()],
            rate: Rate::PerSecond(10.0),
            history: None,
            trades_per_day: None,
            day: None,
            tape_file: None,
            length: None,
            weight_limit: 6000,
            weight_window: Duration::from_secs(60),
            warnings_before_ban: 10,
            ban: Duration::from_secs(120),
            ping_interval: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(60),
            lifetime: Duration::from_secs(24 * 3600),
            write_timeout: Duration::from_secs(10),
            backlog_size_bytes: 32 << 20,
            stream_delay: Duration::ZERO,
            connection_limit: 300,
            client_message_limit: 5,
        }
    }
}

impl Config {
    /// Whether the tape is played from its beginning, rather than by the wall clock.
    pub fn is_played(&self) -> bool {
        self.history.is_some() || self.tape_file.is_some() || self.rate == Rate::Max
    }

    /// Checks what no type can: that the settings fit together.
    pub(crate) fn check(&self) -> Result<(), SimError> {
        let wrong = |text: String| Err(SimError::Config(text));
        if self.symbols.is_empty() {
            return wrong("no symbol is given".to_owned());
        }
        for (index, symbol) in self.symbols.iter().enumerate() {
            let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            if symbol.is_empty() || symbol.len() > 20 || !symbol.bytes().all(legal) {
                return wrong(format!(
                    "{symbol:?} is not a symbol (1 to 20 of A-Z and 0-9)"
                ));
            }
            if self.symbols[..index].contains(symbol) {
                return wrong(format!("the symbol {symbol} is given twice"));
            }
        }
        if let Rate::PerSecond(rate) = self.rate
            && !(rate > 0.0 && rate <= MAX_RATE)
        {
            return wrong(format!("a rate must be above 0 and at most {MAX_RATE}"));
        }
        if self.trades_per_day == Some(0) {
            return wrong("a day must have at least one trade".to_owned());
        }
        if !self.is_played() {
            for (given, name) in [
                (self.trades_per_day.is_some(), "trades per day"),
                (self.day.is_some(), "a day"),
                (self.length.is_some(), "a length"),
            ] {
                if given {
                    return wrong(format!(
                        "{name} is only for a played tape: give a history too, 0 for none"
                    ));
                }
            }
        }
        if self.tape_file.is_some() && (self.trades_per_day.is_some() || self.day.is_some()) {
            return wrong("a tape file has its own days and trades".to_owned());
        }
        for (duration, name) in [
            (self.weight_window, "the weight window"),
            (self.ping_interval, "the ping interval"),
            (self.pong_timeout, "the pong timeout"),
            (self.write_timeout, "the write timeout"),
            (self.lifetime, "a connection's life"),
        ] {
            if duration.is_zero() {
                return wrong(format!("{name} must not be zero"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_are_sound() {
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let base = Config::default;
        let wrong = [
            Config {
                symbols: vec![],
                ..base()
            },
            Config {
                symbols: vec!["btcusdt".to_owned()],
                ..base()
            },
            Config {
                symbols: vec!["A".to_owned(), "A".to_owned()],
                ..base()
            },
            Config {
                rate: Rate::PerSecond(f64::NAN),
                ..base()
            },
            Config {
                rate: Rate::PerSecond(0.0),
                ..base()
            },
            Config {
                trades_per_day: Some(5),
                ..base()
            },
            Config {
                trades_per_day: Some(0),
                history: Some(0),
                ..base()
            },
            Config {
                ping_interval: Duration::ZERO,
                ..base()
            },
        ];
        for config in wrong {
            assert!(config.check().is_err(), "{config:?}");
        }
    }

    #[test]
    fn a_rate_is_a_number_or_max() {
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!("0.5".parse(), Ok(Rate::PerSecond(0.5)));
        for text in ["", "-1", "0", "nan", "inf", "fast"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
