//! A tape read from a CSV file.
//!
//! Columns `a,p,q,f,l,T,m[,M]`, as in the exchange's archive: the header is optional, the
//! eighth column too, times are in microseconds or, below 10^13, in milliseconds, and
//! booleans are `True`/`False` in any case. Ids must rise; where they skip, the trades
//! between do not exist anywhere, which is how a proven absence is played. The file is
//! held in memory, 56 bytes a trade.

use std::fs::File;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};

use super::error::SimError;
use super::trade::{ONE_E8, SimTrade};

/// A raw time below this is in milliseconds.
const MICROSECONDS_FROM: i64 = 10_000_000_000_000;
/// How many decimals a price or a quantity may have.
const FRACTION_DIGITS: usize = 8;

/// The trades of a file, in id order.
#[derive(Debug)]
pub(crate) struct FileTape {
    trades: Vec<SimTrade>,
    times_rise: bool,
}

impl FileTape {
    /// Reads a whole file.
    pub(crate) fn open(path: &Path) -> Result<Self, SimError> {
        let file = File::open(path).map_err(|source| SimError::TapeFile {
            path: path.to_owned(),
            source,
        })?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(file);
        let mut trades: Vec<SimTrade> = Vec::new();
        let mut record = ByteRecord::new();
        loop {
            let line = reader.position().line();
            let bad_line = |line, reason| SimError::TapeLine {
                path: path.to_owned(),
                line,
                reason,
            };
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(bad_line(line, error.to_string())),
            }
            let line = record.position().map_or(line, csv::Position::line);
            if line == 1 && is_header(&record) {
                continue;
            }
            let trade = parse(&record).map_err(|reason| bad_line(line, reason))?;
            if let Some(last) = trades.last()
                && trade.id <= last.id
            {
                let reason = format!("the id {} does not follow {}", trade.id, last.id);
                return Err(bad_line(line, reason));
            }
            trades.push(trade);
        }
        let times_rise = trades.is_sorted_by_key(|trade| trade.time_us);
        Ok(Self { trades, times_rise })
    }

    /// How many trades the file has.
    pub(crate) fn len(&self) -> u64 {
        self.trades.len() as u64
    }

    /// Appends up to `count` trades from place `from` on.
    pub(crate) fn read(&self, from: u64, count: u64, out: &mut Vec<SimTrade>) {
        let end = from.saturating_add(count).min(self.len());
        if from < end {
            out.extend_from_slice(&self.trades[from as usize..end as usize]);
        }
    }

    /// The place of the first trade with this id or a higher one.
    pub(crate) fn place_of_id(&self, id: i64) -> u64 {
        self.trades.partition_point(|trade| trade.id < id) as u64
    }

    /// The place of the first trade at or after a time; by a walk through the file where
    /// times go back.
    pub(crate) fn place_of_time(&self, time_us: i64) -> u64 {
        let place = if self.times_rise {
            self.trades.partition_point(|trade| trade.time_us < time_us)
        } else {
            let found = self
                .trades
                .iter()
                .position(|trade| trade.time_us >= time_us);
            found.unwrap_or(self.trades.len())
        };
        place as u64
    }
}

/// A first line whose first field is no number is a header.
fn is_header(record: &ByteRecord) -> bool {
    record.get(0).is_some_and(|field| {
        let letters = field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field);
        letters.first().is_some_and(u8::is_ascii_alphabetic)
    })
}

fn parse(record: &ByteRecord) -> Result<SimTrade, String> {
    if !(7..=8).contains(&record.len()) {
        return Err(format!(
            "{} columns where 7 or 8 are expected",
            record.len()
        ));
    }
    let text = |column: usize| {
        let field = record.get(column).unwrap_or_default();
        std::str::from_utf8(field).map_err(|_| format!("column {} is not text", column + 1))
    };
    let integer = |column: usize| -> Result<i64, String> {
        let field = text(column)?;
        let all_digits = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
        let value = if all_digits { field.parse().ok() } else { None };
        value.ok_or_else(|| format!("column {}: {field:?} is not a whole number", column + 1))
    };
    let decimal = |column: usize| {
        let field = text(column)?;
        parse_decimal_e8(field)
            .ok_or_else(|| format!("column {}: {field:?} is not a decimal", column + 1))
    };
    let flag = |column: usize| {
        let field = text(column)?;
        match field {
            "True" | "true" | "TRUE" => Ok(true),
            "False" | "false" | "FALSE" => Ok(false),
            _ => Err(format!(
                "column {}: {field:?} is neither True nor False",
                column + 1
            )),
        }
    };
    let raw_time = integer(5)?;
    Ok(SimTrade {
        id: integer(0)?,
        price_e8: decimal(1)?,
        quantity_e8: decimal(2)?,
        first_id: integer(3)?,
        last_id: integer(4)?,
        time_us: if raw_time < MICROSECONDS_FROM {
            raw_time * 1000
        } else {
            raw_time
        },
        buyer_maker: flag(6)?,
        best_match: if record.len() == 8 { flag(7)? } else { true },
    })
}

/// Parses plain decimal text with at most eight decimals into units of 1e-8.
fn parse_decimal_e8(text: &str) -> Option<i64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > FRACTION_DIGITS {
        return None;
    }
    let mut fraction_e8: i64 = 0;
    for place in 0..FRACTION_DIGITS {
        let digit = fraction.as_bytes().get(place).map_or(0, |byte| byte - b'0');
        fraction_e8 = fraction_e8 * 10 + i64::from(digit);
    }
    let whole: i64 = whole.parse().ok()?;
    whole.checked_mul(ONE_E8)?.checked_add(fraction_e8)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn open(text: &str) -> Result<FileTape, SimError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        FileTape::open(file.path())
    }

    fn all(tape: &FileTape) -> Vec<SimTrade> {
        let mut out = Vec::new();
        tape.read(0, tape.len(), &mut out);
        out
    }

    #[test]
    fn milliseconds_and_microseconds_and_an_optional_header_are_read() {
        let tape = open(
            "a,p,q,f,l,T,m,M\n\
             1,0.00000399,1000000.0,1,1,1735689600000,False,True\n\
             2,60000,5.0,2,4,1735689600000123,true\n",
        )
        .unwrap();
        let trades = all(&tape);
        assert_eq!(trades[0].price_e8, 399);
        assert_eq!(trades[0].quantity_e8, 100_000_000_000_000);
        assert_eq!(trades[0].time_us, 1_735_689_600_000_000);
        assert_eq!(trades[1].time_us, 1_735_689_600_000_123);
        assert!(trades[1].buyer_maker && trades[1].best_match);
    }

    #[test]
    fn damage_names_the_file_and_the_line() {
        let good = "1,1,1,1,1,1735689600000,False,True\n";
        for (bad, word) in [
            ("2,1,1,1,1,1735689600000\n", "6 columns"),
            ("2,1e3,1,1,1,1735689600000,False,True\n", "column 2"),
            ("2,1.,1,1,1,1735689600000,False,True\n", "column 2"),
            ("2,1.123456789,1,1,1,1735689600000,False,True\n", "column 2"),
            ("2,92233720369,1,1,1,1735689600000,False,True\n", "column 2"),
            ("x,1,1,1,1,1735689600000,False,True\n", "column 1"),
            ("2,1,1,1,1,1735689600000,0,True\n", "column 7"),
            ("1,1,1,1,1,1735689600000,False,True\n", "does not follow"),
        ] {
            let error = open(&format!("{good}{bad}")).unwrap_err().to_string();
            assert!(
                error.contains("line 2") && error.contains(word),
                "{bad:?}: {error}"
            );
        }
    }

    #[test]
    fn places_are_found_by_id_and_by_time() {
        let tape = open(
            "10,1,1,1,1,1000,False\n\
             11,1,1,1,1,1000,False\n\
             15,1,1,1,1,1002,False\n",
        )
        .unwrap();
        assert_eq!(tape.place_of_id(0), 0);
        assert_eq!(tape.place_of_id(12), 2);
        assert_eq!(tape.place_of_id(16), 3);
        assert_eq!(tape.place_of_time(1_000_000), 0);
        assert_eq!(tape.place_of_time(1_000_001), 2);
        assert_eq!(tape.place_of_time(1_002_001), 3);
    }
}
