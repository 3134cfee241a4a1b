//! A line read field by field, to say what is wrong with it.

use std::fmt;

use crate::{
    domain::{
        price::{DecimalError, Price, Quantity},
        trade::{MalformedTrade, Trade, time_from_raw},
    },
    exchange::binance::excerpt::excerpt,
};

/// The columns in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `a`
    Id,
    /// `p`
    Price,
    /// `q`
    Quantity,
    /// `f`
    FirstTradeId,
    /// `l`
    LastTradeId,
    /// `T`
    Time,
    /// `m`
    BuyerIsMaker,
    /// `M`
    BestMatch,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "a (aggregate id)",
            Self::Price => "p (price)",
            Self::Quantity => "q (quantity)",
            Self::FirstTradeId => "f (first id)",
            Self::LastTradeId => "l (last id)",
            Self::Time => "T (time)",
            Self::BuyerIsMaker => "m (buyer is maker)",
            Self::BestMatch => "M (best match)",
        })
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// The field that is wrong; none when it is the whole line.
    pub field: Option<Field>,
    /// What is wrong.
    pub reason: String,
    /// The beginning of the field or line.
    pub excerpt: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.reason)?;
        if !self.excerpt.is_empty() {
            write!(f, ": '{}'", self.excerpt)?;
        }
        Ok(())
    }
}

impl std::error::Error for LineError {}

impl LineError {
    fn line(reason: String, line: &[u8]) -> Self {
        Self {
            field: None,
            reason,
            excerpt: excerpt(line),
        }
    }

    fn field(field: Field, reason: impl fmt::Display, text: &[u8]) -> Self {
        Self {
            field: Some(field),
            reason: reason.to_string(),
            excerpt: excerpt(text),
        }
    }

    pub(super) fn too_long(block_bytes: usize) -> Self {
        let reason = format!("the line is longer than {block_bytes} bytes");
        Self::line(reason, b"")
    }

    pub(super) fn empty() -> Self {
        Self::line("the line is empty".to_owned(), b"")
    }

    pub(super) fn not_rising(id: i64, last_id: i64) -> Self {
        let reason = format!("the id does not rise after {last_id}");
        Self::field(Field::Id, reason, id.to_string().as_bytes())
    }
}

/// Reads a line without its end.
pub(super) fn read(line: &[u8]) -> Result<Trade, LineError> {
    let count = line.split(|&byte| byte == b',').count();
    if !(7..=8).contains(&count) {
        let reason = format!("it has {count} columns, 7 or 8 are due");
        return Err(LineError::line(reason, line));
    }
    let mut columns = line.split(|&byte| byte == b',');
    let mut next = || columns.next().unwrap_or_default();
    let trade = Trade {
        id: integer(Field::Id, next())?,
        price: decimal(Field::Price, next(), Price::parse)?,
        quantity: decimal(Field::Quantity, next(), Quantity::parse)?,
        first_trade_id: integer(Field::FirstTradeId, next())?,
        last_trade_id: integer(Field::LastTradeId, next())?,
        time_us: time_from_raw(integer(Field::Time, next())?),
        buyer_is_maker: boolean(Field::BuyerIsMaker, next())?,
    };
    if count == 8 {
        boolean(Field::BestMatch, next())?;
    }
    trade.check().map_err(|error| {
        let field = match error {
            MalformedTrade::NegativeId(_) => Field::Id,
            MalformedTrade::FillsBackwards { .. } => Field::LastTradeId,
            MalformedTrade::NoPrice => Field::Price,
            MalformedTrade::NegativeQuantity => Field::Quantity,
            MalformedTrade::TimeOutOfRange(_) => Field::Time,
        };
        LineError::field(field, error, line)
    })?;
    Ok(trade)
}

fn integer(field: Field, text: &[u8]) -> Result<i64, LineError> {
    let wrong = |reason| Err(LineError::field(field, reason, text));
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return wrong("it is no whole number");
    }
    if text.len() > 1 && text[0] == b'0' {
        return wrong("it begins with a needless zero");
    }
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .map_or_else(|| wrong("it exceeds 9223372036854775807"), Ok)
}

fn decimal<T>(
    field: Field,
    text: &[u8],
    parse: fn(&[u8]) -> Result<T, DecimalError>,
) -> Result<T, LineError> {
    parse(text).map_err(|error| LineError::field(field, error, text))
}

fn boolean(field: Field, text: &[u8]) -> Result<bool, LineError> {
    match text {
        b"True" | b"true" | b"1" => Ok(true),
        b"False" | b"false" | b"0" => Ok(false),
        _ => Err(LineError::field(
            field,
            "it is neither true nor false",
            text,
        )),
    }
}
