//! The values that settings take, as types.

use std::{fmt, str::FromStr, time::Duration};

use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use url::Url;

/// The name of an exchange. Any name can be read back from a store or given to bars
/// from a file; collecting knows `binance` and `sim`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange(String);

/// The longest name of an exchange.
const MAX_EXCHANGE_LENGTH: usize = 32;

impl Exchange {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Exchange {
    fn default() -> Self {
        Self("binance".to_owned())
    }
}

impl FromStr for Exchange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_valid = (1..=MAX_EXCHANGE_LENGTH).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "'{}' is not the name of an exchange: 1 to {MAX_EXCHANGE_LENGTH} lower-case \
                 letters, digits, '-' or '_' are, such as binance or sim",
                text.escape_debug()
            ))
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The name of a collector in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorName(String);

/// The longest name of a collector.
const MAX_COLLECTOR_LENGTH: usize = 64;

impl CollectorName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CollectorName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_valid = (1..=MAX_COLLECTOR_LENGTH).contains(&text.len())
            && text.trim() == text
            && !text.contains(char::is_control);
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "'{}' is not the name of a collector: a text of up to {MAX_COLLECTOR_LENGTH} bytes \
                 without spaces around it is",
                text.escape_debug()
            ))
        }
    }
}

impl fmt::Display for CollectorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// From which ages on a symbol is stale: `SYMBOL=WARN/CRIT`, such as `BTCUSDT=1m/5m`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// The symbol, as it is named in the table.
    pub name: String,
    /// From which age on that is worth a warning.
    pub warn: Duration,
    /// From which age on it is critical.
    pub crit: Duration,
}

impl FromStr for Freshness {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let failed = |reason: &str| {
            format!(
                "'{}' is no limit of freshness ({reason}): SYMBOL=WARN/CRIT is, such as \
                 BTCUSDT=1m/5m",
                text.escape_debug()
            )
        };
        let (name, ages) = text
            .rsplit_once('=')
            .ok_or_else(|| failed("'=' is missing"))?;
        let (warn, crit) = ages
            .split_once('/')
            .ok_or_else(|| failed("'/' is missing"))?;
        if name.trim() != name || name.is_empty() {
            return Err(failed("the symbol is missing"));
        }
        let read = |text: &str| {
            let age = humantime::parse_duration(text.trim());
            age.map_err(|_| failed("durations are written 90s or 5m"))
        };
        let (warn, crit) = (read(warn)?, read(crit)?);
        if warn.is_zero() || warn > crit {
            return Err(failed("it warns at some age, and is critical later"));
        }
        Ok(Self {
            name: name.to_owned(),
            warn,
            crit,
        })
    }
}

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |age| humantime::format_duration(age).to_string().replace(' ', "");
        write!(f, "{}={}/{}", self.name, show(self.warn), show(self.crit))
    }
}

/// Which messages are logged: directives such as `warn,streamkit=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter for `-v` and `-q`, given so many times.
    #[must_use]
    pub fn of_counts(verbose: u8, quiet: u8) -> Self {
        let directives = match i16::from(verbose) - i16::from(quiet) {
            ..=-2 => "error",
            -1 => "warn",
            0 => "warn,streamkit=info",
            1 => "info,streamkit=debug",
            2 => "debug,streamkit=trace",
            _ => "trace",
        };
        Self(directives.to_owned())
    }

    /// The directives.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self::of_counts(0, 0)
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let failed = |reason: &str| {
            format!(
                "'{}' is not a log filter ({reason}): error, warn, info, debug, trace, and \
                 lists such as warn,streamkit=debug are",
                text.escape_debug()
            )
        };
        EnvFilter::try_new(text).map_err(|error| failed(&error.to_string()))?;
        // The filter takes a lone word that is no level for the name of a module, and would
        // let nothing else through: a slip of the pen must not end the log.
        let is_lone_word = text.chars().all(|c| c.is_ascii_alphanumeric());
        if is_lone_word && text.parse::<LevelFilter>().is_err() {
            return Err(failed("it is no level"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How messages are written to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line of text a message.
    Text,
    /// One JSON object a message and line.
    Json,
}

/// Whether to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Color {
    /// Whether to use colours on an output that is a terminal or not.
    #[must_use]
    pub const fn is_on(self, is_terminal: bool, no_color: bool) -> bool {
        match self {
            Self::Auto => is_terminal && !no_color,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// A type with a fixed list of words, as the command line reads it.
macro_rules! words {
    ($type:ty, $what:literal) => {
        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                use clap::ValueEnum as _;
                <Self as clap::ValueEnum>::from_str(text, false).map_err(|_| {
                    let known: Vec<_> = Self::value_variants()
                        .iter()
                        .map(ToString::to_string)
                        .collect();
                    format!(
                        "'{}' is not {}: {} are",
                        text.escape_debug(),
                        $what,
                        known.join(", ")
                    )
                })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                use clap::ValueEnum as _;
                let value = self.to_possible_value();
                f.pad(value.as_ref().map_or("", |value| value.get_name()))
            }
        }
    };
}

words!(LogFormat, "a log format");
words!(Color, "a choice of colours");

/// Checks the address of an exchange: one of `schemes`, and a host.
pub(super) fn endpoint(text: &str, schemes: &[&str]) -> Result<String, String> {
    let wrong = |reason: &str| {
        format!(
            "'{}' is not an address: {reason}; {}://host[:port] is",
            masked(text).escape_debug(),
            schemes.join(":// or ")
        )
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !schemes.contains(&url.scheme()) {
        return Err(wrong("it has another scheme"));
    }
    if !url.has_host() {
        return Err(wrong("the host is missing"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("nothing may follow a '?' or '#'"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The address without a password: `***` stands in for it.
pub(super) fn masked(url: &str) -> String {
    let start = url.find("://").map_or(0, |scheme| scheme + 3);
    let (head, rest) = url.split_at(start);
    match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{head}{user}:***@{host}"),
            None => url.to_owned(),
        },
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_as_they_print() {
        for format in [LogFormat::Text, LogFormat::Json] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        for color in [Color::Auto, Color::Always, Color::Never] {
            assert_eq!(color.to_string().parse(), Ok(color));
        }
        assert_eq!(
            "Text".parse::<LogFormat>(),
            Err("'Text' is not a log format: text, json are".to_owned())
        );
    }

    #[test]
    fn automatic_colours_need_a_terminal_and_honour_no_color() {
        assert!(Color::Auto.is_on(true, false));
        assert!(!Color::Auto.is_on(true, true));
        assert!(!Color::Auto.is_on(false, false));
        assert!(Color::Always.is_on(false, true));
        assert!(!Color::Never.is_on(true, false));
    }

    #[test]
    fn each_v_says_more_and_each_q_says_less() {
        assert_eq!(LogFilter::of_counts(1, 1), LogFilter::default());
        assert_eq!(LogFilter::of_counts(0, 9).as_str(), "error");
        assert_eq!(LogFilter::of_counts(9, 0).as_str(), "trace");
        for count in 0..4 {
            let filter = LogFilter::of_counts(count, 0);
            assert_eq!(filter.as_str().parse(), Ok(filter));
        }
    }

    #[test]
    fn a_lone_word_that_is_no_level_is_a_slip_of_the_pen() {
        for text in [
            "info",
            "WARN",
            "off",
            "streamkit=debug",
            "warn,streamkit=info",
        ] {
            assert!(text.parse::<LogFilter>().is_ok(), "{text}");
        }
        for text in ["inof", "loud", "streamkit", "streamkit=loud"] {
            let error = text.parse::<LogFilter>().expect_err(text);
            assert!(
                error.starts_with(&format!("'{text}' is not a log filter (")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_limit_of_freshness_names_a_symbol_and_two_ages() {
        for text in ["BTCUSDT=1m/5m", "a=b=1m30s/1h"] {
            let freshness: Freshness = text.parse().expect(text);
            assert_eq!(freshness.to_string(), text);
        }
        for text in [
            "", "BTCUSDT", "=1m/5m", "A=1m", "A=5m/1m", "A=0s/1m", "A=x/1m", " A=1m/5m",
        ] {
            let error = text.parse::<Freshness>().expect_err(text);
            assert!(error.ends_with("such as BTCUSDT=1m/5m"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_has_a_scheme_and_a_host_and_hides_its_password() {
        let ws = |text| endpoint(text, &["ws", "wss"]);
        assert_eq!(ws("wss://h:9443/"), Ok("wss://h:9443".to_owned()));
        for text in [
            "h:9443",
            "http://h",
            "wss://",
            "",
            "wss://h?x=1",
            "ws://u:hunter2@h#x",
        ] {
            let error = ws(text).expect_err(text);
            assert!(error.ends_with("ws:// or wss://host[:port] is"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(masked("ws://u:hunter2@h"), "ws://u:***@h");
        assert_eq!(masked("ws://u@h"), "ws://u@h");
    }
}
