//! The scanner for the documented shape.

use super::{
    super::digits::{Cursor, WORD, word_at},
    Scanned,
};
use crate::domain::{
    price::{Price, Quantity},
    trade::{Trade, time_from_raw},
};

/// Names of this length or more go to the general parser.
const MAX_SYMBOL_BYTES: usize = 32;

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGH_BITS: u64 = 0x80 * ONES;
/// The bit that makes an ASCII letter lower-case; digits have it already.
const LOWER_BITS: u64 = 0x20 * ONES;

/// Reads a message of the documented shape; anything else is `None`.
#[inline]
#[must_use]
pub fn scan(message: &[u8]) -> Option<Scanned<'_>> {
    let mut cursor = Cursor::new(message);
    let stream = if cursor.passes(b"{\"stream\":\"") {
        let stream = until(b'@', &mut cursor)?;
        cursor.pass(b"@aggTrade\",\"data\":{\"e\":\"aggTrade\",\"E\":")?;
        Some(stream)
    } else {
        cursor.pass(b"{\"e\":\"aggTrade\",\"E\":")?;
        None
    };
    // The event time is not used, but it must be a number.
    cursor.integer()?;
    cursor.pass(b",\"s\":\"")?;
    let symbol = match stream {
        Some(stream) => symbol_of(stream, &mut cursor)?,
        None => plain_symbol(&mut cursor)?,
    };
    cursor.pass(b"\",\"a\":")?;
    let id = cursor.integer()?;
    cursor.pass(b",\"p\":\"")?;
    let price = Price(cursor.decimal()?);
    cursor.pass(b"\",\"q\":\"")?;
    let quantity = Quantity(cursor.decimal()?);
    cursor.pass(b"\",\"f\":")?;
    let first_trade_id = cursor.integer()?;
    cursor.pass(b",\"l\":")?;
    let last_trade_id = cursor.integer()?;
    cursor.pass(b",\"T\":")?;
    let time_us = time_from_raw(cursor.integer()?);
    cursor.pass(b",\"m\":")?;
    let buyer_is_maker = boolean(&mut cursor)?;
    if cursor.passes(b",\"M\":") {
        boolean(&mut cursor)?;
    }
    cursor.pass(b"}")?;
    if stream.is_some() {
        cursor.pass(b"}")?;
    }
    if !cursor.rest().is_empty() {
        return None;
    }
    let trade = Trade {
        id,
        price,
        quantity,
        first_trade_id,
        last_trade_id,
        time_us,
        buyer_is_maker,
    };
    trade.check().ok()?;
    Some(Scanned { symbol, trade })
}

/// A name, and what follows it in the message.
#[derive(Clone, Copy)]
struct Name<'a> {
    from_here: &'a [u8],
    length: usize,
}

/// Passes everything before `delimiter`, which must come within the longest name.
#[inline(always)]
fn until<'a>(delimiter: u8, cursor: &mut Cursor<'a>) -> Option<Name<'a>> {
    let from_here = cursor.rest();
    let mut length = 0;
    while length < MAX_SYMBOL_BYTES {
        let zero_at_delimiter = word_at(from_here, length)? ^ (u64::from(delimiter) * ONES);
        // The lowest bit that this sets belongs to the first zero byte.
        let found = zero_at_delimiter.wrapping_sub(ONES) & !zero_at_delimiter & HIGH_BITS;
        if found != 0 {
            length += (found.trailing_zeros() / 8) as usize;
            cursor.take(length)?;
            return Some(Name { from_here, length });
        }
        length += WORD;
    }
    None
}

/// Passes the symbol that belongs to a stream: the same name in upper case. Comparing
/// the two catches a name that was damaged into another one on the way.
#[inline(always)]
fn symbol_of<'a>(stream: Name<'_>, cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut at = 0;
    while at < stream.length {
        let inside = first_bytes(stream.length - at);
        let symbol = word_at(cursor.rest(), at)?;
        let lower = word_at(stream.from_here, at)?;
        if ((symbol | LOWER_BITS) ^ lower) & inside != 0 || !is_plain(symbol, inside) {
            return None;
        }
        at += WORD;
    }
    cursor.take(stream.length)
}

/// Passes a symbol that ends with a quotation mark.
#[inline(always)]
fn plain_symbol<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut ahead = *cursor;
    let symbol = until(b'"', &mut ahead)?;
    let mut at = 0;
    while at < symbol.length {
        let word = word_at(symbol.from_here, at)?;
        if !is_plain(word, first_bytes(symbol.length - at)) {
            return None;
        }
        at += WORD;
    }
    cursor.take(symbol.length)
}

/// A mask over the first `count` bytes of a word; over all of them from eight on.
#[inline(always)]
fn first_bytes(count: usize) -> u64 {
    u64::MAX >> (64 - 8 * count.clamp(1, WORD))
}

/// Whether the bytes under the mask are upper-case letters and digits.
#[inline(always)]
fn is_plain(word: u64, inside: u64) -> bool {
    // No sum can carry into the next byte when no byte has its highest bit set.
    let at_least = |first: u8| word.wrapping_add(u64::from(0x80 - first) * ONES);
    let letters = at_least(b'A') & !at_least(b'Z' + 1);
    let digits = at_least(b'0') & !at_least(b'9' + 1);
    let good = (letters | digits) & !word & HIGH_BITS;
    let word_has_high_bits = word & HIGH_BITS & inside != 0;
    !word_has_high_bits && good & inside == HIGH_BITS & inside
}

/// Passes `true` or `false`.
#[inline(always)]
fn boolean(cursor: &mut Cursor<'_>) -> Option<bool> {
    if cursor.passes(b"true") {
        Some(true)
    } else {
        cursor.pass(b"false")?;
        Some(false)
    }
}
