//! The scanner for the usual line.

use crate::{
    domain::{
        price::{Price, Quantity},
        trade::{Trade, time_from_raw},
    },
    exchange::binance::digits::Cursor,
};

/// Reads a line of the usual form with its end; with the trade comes how many bytes
/// follow behind it. `text` must hold eight bytes more than the line; they may be
/// anything.
#[inline(always)]
pub(super) fn scan(text: &[u8]) -> Option<(Trade, usize)> {
    let mut cursor = Cursor::new(text);
    let id = cursor.integer()?;
    cursor.pass(b",")?;
    let price = Price(cursor.decimal()?);
    cursor.pass(b",")?;
    let quantity = Quantity(cursor.decimal()?);
    cursor.pass(b",")?;
    let first_trade_id = cursor.integer()?;
    cursor.pass(b",")?;
    let last_trade_id = cursor.integer()?;
    cursor.pass(b",")?;
    let time_us = time_from_raw(cursor.integer()?);
    cursor.pass(b",")?;
    let buyer_is_maker = boolean(&mut cursor)?;
    if cursor.passes(b",") {
        boolean(&mut cursor)?;
    }
    if !cursor.passes(b"\n") {
        cursor.pass(b"\r\n")?;
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
    Some((trade, cursor.rest().len()))
}

#[inline(always)]
fn boolean(cursor: &mut Cursor<'_>) -> Option<bool> {
    if cursor.passes(b"True") || cursor.passes(b"true") || cursor.passes(b"1") {
        Some(true)
    } else if cursor.passes(b"False") || cursor.passes(b"false") || cursor.passes(b"0") {
        Some(false)
    } else {
        None
    }
}
