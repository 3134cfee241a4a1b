//! What the archive's files are called, and where they are.

use std::{fmt, str::FromStr};

use jiff::{civil::Date, tz::TimeZone};
use url::Url;

use crate::domain::symbol::Symbol;

/// The UTC day or month that a file holds the trades of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// A day.
    Day(Date),
    /// The month that begins with this day.
    Month(Date),
}

impl Span {
    /// The day that a time in µs since 1970 lies in; none outside of the calendar.
    #[must_use]
    pub fn day_of(time_us: i64) -> Option<Self> {
        let time = jiff::Timestamp::from_microsecond(time_us).ok()?;
        Some(Self::Day(time.to_zoned(TimeZone::UTC).date()))
    }

    /// The month that a time in µs since 1970 lies in; none outside of the calendar.
    #[must_use]
    pub fn month_of(time_us: i64) -> Option<Self> {
        let time = jiff::Timestamp::from_microsecond(time_us).ok()?;
        Some(Self::Month(
            time.to_zoned(TimeZone::UTC).date().first_of_month(),
        ))
    }

    /// Its first microsecond, and the first one behind it, since 1970; none outside of
    /// the calendar.
    #[must_use]
    pub fn bounds_us(self) -> Option<(i64, i64)> {
        let (first, last) = match self {
            Self::Day(day) => (day, day),
            Self::Month(first) => (first.first_of_month(), first.last_of_month()),
        };
        let start_us = |day: Date| {
            Some(
                day.to_zoned(TimeZone::UTC)
                    .ok()?
                    .timestamp()
                    .as_microsecond(),
            )
        };
        Some((start_us(first)?, start_us(last.tomorrow().ok()?)?))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Month(day) => write!(f, "{:04}-{:02}", day.year(), day.month()),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    /// Reads `2025-09-01` or `2025-09`.
    fn from_str(text: &str) -> Result<Self, String> {
        let day = text.parse().map(Self::Day);
        let month = || format!("{text}-01").parse().map(Self::Month);
        let span = day.or_else(|_: jiff::Error| month());
        // Nothing but this way to write it is the name of a file.
        span.ok()
            .filter(|span| span.to_string() == text)
            .ok_or_else(|| format!("{text} is neither a day nor a month: 2025-09-01, 2025-09"))
    }
}

/// One file of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArchiveName {
    /// Whose trades.
    pub symbol: Symbol,
    /// When.
    pub span: Span,
}

impl ArchiveName {
    /// The name without its extension: `BTCUSDT-aggTrades-2025-09-01`.
    #[must_use]
    pub fn stem(&self) -> String {
        format!("{}-aggTrades-{}", self.symbol, self.span)
    }

    /// The address of the zip below `base`.
    #[must_use]
    pub fn url(&self, base: &Url) -> Url {
        let folder = match self.span {
            Span::Day(_) => "daily",
            Span::Month(_) => "monthly",
        };
        let mut url = base.clone();
        let path = base.path().trim_end_matches('/');
        let Self { symbol, .. } = self;
        let file = self.stem();
        url.set_path(&format!(
            "{path}/data/spot/{folder}/aggTrades/{symbol}/{file}.zip"
        ));
        url
    }

    /// The address of the zip's checksum below `base`.
    #[must_use]
    pub fn checksum_url(&self, base: &Url) -> Url {
        let mut url = self.url(base);
        let path = format!("{}.CHECKSUM", url.path());
        url.set_path(&path);
        url
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.zip", self.stem())
    }
}

impl FromStr for ArchiveName {
    type Err = String;

    /// Reads a file's name, with `.zip`, `.csv` or neither.
    fn from_str(text: &str) -> Result<Self, String> {
        let stem = text
            .strip_suffix(".zip")
            .or_else(|| text.strip_suffix(".csv"))
            .unwrap_or(text);
        let (symbol, span) = stem
            .split_once("-aggTrades-")
            .ok_or_else(|| format!("{text} is not named like SYMBOL-aggTrades-2025-09-01.zip"))?;
        Ok(Self {
            symbol: symbol.parse().map_err(|error| format!("{error}"))?,
            span: span.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ArchiveName {
        text.parse().expect(text)
    }

    #[test]
    fn addresses_are_those_of_the_archive() {
        let base: Url = "https://data.binance.vision".parse().expect("a URL");
        let day = name("BTCUSDT-aggTrades-2025-09-01.zip");
        assert_eq!(
            day.url(&base).as_str(),
            "https://data.binance.vision/data/spot/daily/aggTrades/BTCUSDT/\
             BTCUSDT-aggTrades-2025-09-01.zip"
        );
        let mirror: Url = "http://127.0.0.1:80/mirror/".parse().expect("a URL");
        let month = name("ETHUSDT-aggTrades-2024-02");
        assert_eq!(
            month.checksum_url(&mirror).as_str(),
            "http://127.0.0.1/mirror/data/spot/monthly/aggTrades/ETHUSDT/\
             ETHUSDT-aggTrades-2024-02.zip.CHECKSUM"
        );
        assert_eq!(month.to_string(), "ETHUSDT-aggTrades-2024-02.zip");
    }

    #[test]
    fn a_time_lies_within_its_day_and_its_month() {
        const DAY_US: i64 = 86_400_000_000;
        let time_us = 1_709_210_096_123_456;
        let day = Span::day_of(time_us).expect("a day");
        assert_eq!(day.to_string(), "2024-02-29");
        let (start_us, end_us) = day.bounds_us().expect("bounds");
        assert!((start_us..end_us).contains(&time_us) && end_us - start_us == DAY_US);
        let month = Span::month_of(time_us).expect("a month");
        assert_eq!(month.to_string(), "2024-02");
        let (start_us, end_us) = month.bounds_us().expect("bounds");
        assert!((start_us..end_us).contains(&time_us) && end_us - start_us == 29 * DAY_US);
        assert_eq!(
            Span::day_of(end_us).expect("a day").to_string(),
            "2024-03-01"
        );
    }

    #[test]
    fn other_names_are_refused() {
        for text in [
            "BTCUSDT.zip",
            "BTCUSDT-aggTrades-2025.zip",
            "BTCUSDT-aggTrades-2025-9-1.zip",
            "BTCUSDT-aggTrades-2025-02-30.zip",
            "-aggTrades-2025-09-01.zip",
        ] {
            assert!(text.parse::<ArchiveName>().is_err(), "{text}");
        }
    }
}
