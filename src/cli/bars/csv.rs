//! Trades from a CSV file: `a,p,q,f,l,T,m[,best match]`, with or without a header.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use crate::{
    app::from_tape::TapeTrade,
    domain::{
        price::{Price, Quantity},
        trade::{Trade, time_from_raw},
    },
};

/// The longest line that is read. A trade takes a tenth of it.
const MAX_LINE_SIZE_BYTES: u64 = 1024;

/// Why a file is no tape.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// It cannot be read.
    #[error("read it")]
    Unreadable(#[from] io::Error),
    /// A line holds no trade.
    #[error("read line {line}: {reason}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// The trades of the file at `path`, in the file's order.
pub fn read(path: &Path) -> Result<impl Iterator<Item = Result<TapeTrade, CsvError>>, CsvError> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut number = 0;
    let mut text = String::new();
    Ok(std::iter::from_fn(move || {
        loop {
            text.clear();
            match file.by_ref().take(MAX_LINE_SIZE_BYTES).read_line(&mut text) {
                Ok(0) => return None,
                Ok(_) => number += 1,
                Err(error) => return Some(Err(error.into())),
            }
            let line = text.trim_end_matches(['\n', '\r']);
            let is_header = number == 1 && !line.starts_with(|c: char| c.is_ascii_digit());
            if is_header && line.split(',').count() >= 7 {
                continue;
            }
            let result = trade(line).map(|trade| TapeTrade {
                line: number,
                trade,
            });
            return Some(result.map_err(|reason| CsvError::Line {
                line: number,
                reason,
            }));
        }
    }))
}

fn trade(line: &str) -> Result<Trade, String> {
    let fields: Vec<&str> = line.split(',').collect();
    let [id, price, quantity, first, last, time, maker] = match fields.as_slice() {
        [fields @ .., _] if fields.len() == 7 => *fields.first_chunk().ok_or("no fields")?,
        fields if fields.len() == 7 => *fields.first_chunk().ok_or("no fields")?,
        fields => return Err(format!("it has {} fields, not 7 or 8", fields.len())),
    };
    let integer = |name: &str, text: &str| {
        text.parse::<i64>()
            .map_err(|_| format!("{name} is no whole number"))
    };
    let trade = Trade {
        id: integer("a", id)?,
        price: Price::parse(price.as_bytes()).map_err(|error| format!("p: {error}"))?,
        quantity: Quantity::parse(quantity.as_bytes()).map_err(|error| format!("q: {error}"))?,
        first_trade_id: integer("f", first)?,
        last_trade_id: integer("l", last)?,
        time_us: time_from_raw(integer("T", time)?),
        buyer_is_maker: match maker {
            "True" | "true" => true,
            "False" | "false" => false,
            _ => return Err("m is neither True nor False".to_owned()),
        },
    };
    Ok(trade)
}
