//! What the reader is measured against: the same work put together from parts, and the
//! least that any program of this design has to do.

use std::{fs::File, hint::black_box, io::Read, path::Path};

use flate2::{Decompress, FlushDecompress, Status};
use rangebar_core::{AggTrade, FixedPoint, RangeBarProcessor};
use serde::Deserialize;
use streamkit::domain::{
    price::{Price, Quantity},
    trade::Trade,
};

/// As large as the reader's own.
const BLOCK_BYTES: usize = 128 * 1024;

/// Where the content of a zip lies that was written without extra fields, and how long it is.
pub struct Content {
    bytes: Vec<u8>,
    start: usize,
}

impl Content {
    /// Reads a zip of one file whose name has `name_bytes`.
    pub fn of(path: &Path, name_bytes: usize) -> Self {
        let bytes = std::fs::read(path).expect("the zip");
        let extra = usize::from(u16::from_le_bytes([bytes[28], bytes[29]]));
        let start = 30 + name_bytes + extra;
        Self { bytes, start }
    }
}

/// Inflates all of it into one block that is used again and again, and shows each.
/// Returns how long it is.
pub fn inflate(content: &Content, mut each: impl FnMut(&[u8])) -> usize {
    let mut inflate = Decompress::new(false);
    let mut block = vec![0; BLOCK_BYTES];
    let mut filled = 0;
    loop {
        let input = &content.bytes[content.start + inflate.total_in() as usize..];
        let before = inflate.total_out();
        let status = inflate.decompress(input, &mut block[filled..], FlushDecompress::None);
        filled += (inflate.total_out() - before) as usize;
        let is_end = status.expect("deflate") == Status::StreamEnd;
        if filled == block.len() || is_end {
            each(black_box(&block[..filled]));
            filled = 0;
        }
        if is_end {
            return inflate.total_out() as usize;
        }
    }
}

/// Reads trades byte by byte, and believes everything.
#[derive(Default)]
pub struct ByteScan {
    /// The line that a block ends in.
    cut: Vec<u8>,
}

impl ByteScan {
    pub fn scan(&mut self, block: &[u8], mut each: impl FnMut(&Trade)) {
        let mut rest = block;
        if !self.cut.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            self.cut.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
            if self.cut.ends_with(b"\n") {
                each(&line(&self.cut).0);
                self.cut.clear();
            }
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |end| end + 1);
        let (mut lines, cut) = rest.split_at(whole);
        self.cut.extend_from_slice(cut);
        while !lines.is_empty() {
            let (trade, left) = line(lines);
            each(&trade);
            lines = left;
        }
    }
}

fn line(text: &[u8]) -> (Trade, &[u8]) {
    let mut place = 0;
    let mut integer = || {
        let mut value = 0;
        while text[place].is_ascii_digit() {
            value = value * 10 + i64::from(text[place] - b'0');
            place += 1;
        }
        place += 1;
        value
    };
    let id = integer();
    // The archive always writes eight digits behind the point.
    let price = integer() * 100_000_000 + integer();
    let quantity = integer() * 100_000_000 + integer();
    let (first_trade_id, last_trade_id, time_us) = (integer(), integer(), integer());
    let buyer_is_maker = text[place] == b'T';
    while text[place] != b'\n' {
        place += 1;
    }
    let trade = Trade {
        id,
        price: Price(price),
        quantity: Quantity(quantity),
        first_trade_id,
        last_trade_id,
        time_us,
        buyer_is_maker,
    };
    (trade, &text[place + 1..])
}

#[derive(Deserialize)]
struct Row<'a> {
    id: i64,
    price: &'a str,
    quantity: &'a str,
    first_id: i64,
    last_id: i64,
    time: i64,
    buyer_is_maker: &'a str,
    _best_match: &'a str,
}

/// The crates zip, csv and rangebar-core, a processor for each threshold. Returns how many
/// bars close.
pub fn from_parts(path: &Path, thresholds: &[u32]) -> usize {
    let mut processors: Vec<RangeBarProcessor> = thresholds
        .iter()
        .map(|&dbps| RangeBarProcessor::new(dbps).expect("a threshold"))
        .collect();
    let file = File::open(path).expect("the zip");
    let mut zip = zip::ZipArchive::new(file).expect("a zip");
    let member: &mut dyn Read = &mut zip.by_index(0).expect("a file");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(BLOCK_BYTES)
        .from_reader(member);
    let mut record = csv::StringRecord::new();
    let mut bars = 0;
    while reader.read_record(&mut record).expect("a row") {
        let row: Row<'_> = record.deserialize(None).expect("a trade");
        let trade = AggTrade {
            agg_trade_id: row.id,
            price: FixedPoint::from_str(row.price).expect("a price"),
            volume: FixedPoint::from_str(row.quantity).expect("a quantity"),
            first_trade_id: row.first_id,
            last_trade_id: row.last_id,
            timestamp: row.time,
            is_buyer_maker: row.buyer_is_maker == "True",
            is_best_match: None,
        };
        for processor in &mut processors {
            let bar = processor.process_single_trade(&trade).expect("in order");
            bars += usize::from(black_box(bar).is_some());
        }
    }
    bars
}
