//! What stands in a file of the archive: the trades of a UTC day or month as CSV, zipped,
//! with the checksum and the marks that HTTP knows it by.

use std::io::{self, Write};

use bytes::Bytes;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::archive_fault::{ArchiveFault, BooleanText, ZipDamage};
use super::archive_zip::ZipWriter;
use super::board::Board;
use super::fault::FaultKind;
use super::json::Shape;
use super::tape::SymbolTape;
use super::trade::{SimTrade, push_decimal, push_integer};

/// How many trades are written at a time.
const CHUNK: u64 = 10_000;

/// The UTC day or month of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    /// Its first microsecond.
    pub(crate) start_us: i64,
    /// The first microsecond behind it.
    pub(crate) end_us: i64,
}

impl Period {
    /// The day of `2025-09-01`.
    pub(crate) fn day(text: &str) -> Option<Self> {
        let date: Date = text.parse().ok()?;
        // Nothing but this way to write it is the name of a file.
        (date.to_string() == text).then_some(())?;
        Self::between(date, date.tomorrow().ok()?)
    }

    /// The month of `2025-09`.
    pub(crate) fn month(text: &str) -> Option<Self> {
        let first: Date = format!("{text}-01").parse().ok()?;
        (first.to_string() == format!("{text}-01")).then_some(())?;
        Self::between(first, first.last_of_month().tomorrow().ok()?)
    }

    fn between(first: Date, next: Date) -> Option<Self> {
        let time_us = |date: Date| {
            Some(
                date.to_zoned(TimeZone::UTC)
                    .ok()?
                    .timestamp()
                    .as_microsecond(),
            )
        };
        Some(Self {
            start_us: time_us(first)?,
            end_us: time_us(next)?,
        })
    }
}

/// A file as it is published.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) zip: Bytes,
    /// The checksum in hexadecimal digits.
    pub(crate) checksum: String,
    /// With its quotes.
    pub(crate) etag: String,
}

/// Writes the file `name` (without its extension) of the trades from place `from` to
/// before `to`, with the faults that it is published with.
pub(crate) fn publish(
    name: &str,
    tape: &SymbolTape,
    symbol: usize,
    (from, to): (u64, u64),
    faults: &[FaultKind],
    board: &Board,
) -> io::Result<Published> {
    let mut form = Form::default();
    for fault in faults {
        if let FaultKind::Archive(fault) = fault {
            form.take(fault);
        }
    }
    let mut zip = ZipWriter::new(format!("{name}.csv"));
    if form.header {
        let columns = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,\
                       is_buyer_maker,is_best_match";
        let shown = if form.seven_columns {
            columns.trim_end_matches(",is_best_match")
        } else {
            columns
        };
        writeln!(zip, "{shown}")?;
    }
    let to = to.saturating_sub(form.short_by).max(from);
    let mut trades = Vec::new();
    let mut text = Vec::new();
    let mut place = from;
    while place < to {
        trades.clear();
        text.clear();
        tape.read(place, CHUNK.min(to - place), &mut trades);
        place += CHUNK.min(to - place);
        for (trade, shape) in board.look(symbol, &trades) {
            form.push(&trade, shape, &mut text);
        }
        zip.write_all(&text)?;
    }
    let zip = zip.finish(form.damage)?;
    let digest = Sha256::digest(&zip);
    let mut checksum = String::with_capacity(2 * digest.len());
    for byte in digest {
        let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
        checksum.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    Ok(Published {
        etag: format!("\"{}\"", &checksum[..32]),
        checksum,
        zip: zip.into(),
    })
}

/// How the rows are written.
#[derive(Debug, Default)]
struct Form {
    header: bool,
    seven_columns: bool,
    milliseconds: bool,
    booleans: BooleanText,
    short_by: u64,
    twice: Vec<i64>,
    left_out: Vec<i64>,
    broken: Vec<i64>,
    damage: Option<ZipDamage>,
}

impl Form {
    fn take(&mut self, fault: &ArchiveFault) {
        match fault {
            ArchiveFault::Short { by } => self.short_by = *by,
            ArchiveFault::Twice { id } => self.twice.push(*id),
            ArchiveFault::LeavesOut { ids } => self.left_out.extend_from_slice(ids),
            ArchiveFault::BrokenLine { id } => self.broken.push(*id),
            ArchiveFault::Damaged { how } => self.damage = Some(*how),
            ArchiveFault::Dialect {
                header,
                seven_columns,
                milliseconds,
                booleans,
            } => {
                self.header = *header;
                self.seven_columns = *seven_columns;
                self.milliseconds = *milliseconds;
                self.booleans = *booleans;
            }
            _ => {}
        }
    }

    fn push(&self, trade: &SimTrade, shape: Shape, out: &mut Vec<u8>) {
        if self.left_out.contains(&trade.id) {
            return;
        }
        if self.broken.contains(&trade.id) {
            out.extend_from_slice(b"\x00\x00\x00,oops\n");
            return;
        }
        self.push_row(trade, shape, out);
        if self.twice.contains(&trade.id) {
            self.push_row(trade, shape, out);
        }
    }

    fn push_row(&self, trade: &SimTrade, shape: Shape, out: &mut Vec<u8>) {
        let (mut first_id, mut last_id) = (trade.first_id, trade.last_id);
        if shape == Shape::LastBelowFirst {
            (first_id, last_id) = (last_id + 1, first_id);
        }
        push_integer(out, trade.id);
        out.push(b',');
        push_decimal(out, trade.price_e8);
        if shape == Shape::BadPrice {
            out.extend_from_slice(b"e0");
        }
        out.push(b',');
        push_decimal(out, trade.quantity_e8);
        let time = if self.milliseconds {
            trade.time_us / 1000
        } else {
            trade.time_us
        };
        for number in [first_id, last_id, time] {
            out.push(b',');
            push_integer(out, number);
        }
        let flags = [trade.buyer_maker, trade.best_match];
        for flag in &flags[..if self.seven_columns { 1 } else { 2 }] {
            out.push(b',');
            out.extend_from_slice(self.boolean(*flag));
        }
        out.push(b'\n');
    }

    fn boolean(&self, flag: bool) -> &'static [u8] {
        match (self.booleans, flag) {
            (BooleanText::Title, true) => b"True",
            (BooleanText::Title, false) => b"False",
            (BooleanText::Lower, true) => b"true",
            (BooleanText::Lower, false) => b"false",
            (BooleanText::Digit, true) => b"1",
            (BooleanText::Digit, false) => b"0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_those_of_the_calendar() {
        let day = Period::day("2025-01-01").unwrap();
        assert_eq!(day.start_us, 1_735_689_600_000_000);
        assert_eq!(day.end_us - day.start_us, 86_400_000_000);
        let month = Period::month("2024-02").unwrap();
        assert_eq!(month.end_us - month.start_us, 29 * 86_400_000_000);
        for text in ["2025-1-1", "2025-02-30", "20250101", "2025-01", ""] {
            assert_eq!(Period::day(text), None, "{text}");
        }
        for text in ["2025-13", "2025-1", "2025-01-01", ""] {
            assert_eq!(Period::month(text), None, "{text}");
        }
    }
}
