//! Messages of the live stream: bytes in, trades out.
//!
//! The exchange documents two forms of one message, and sends no other:
//!
//! ```text
//! {"e":"aggTrade","E":1672515782136000,"s":"BNBBTC","a":12345,"p":"0.001","q":"100",
//!  "f":100,"l":105,"T":1672515782136000,"m":true,"M":true}
//! {"stream":"bnbbtc@aggTrade","data":{…the same…}}
//! ```
//!
//! without a space or a line break; `M` may be missing. A [scanner](scan()) reads
//! exactly this in one pass over the borrowed bytes. Whatever it does not accept goes
//! to a [general parser](read_generally), which takes any order of keys, spaces,
//! escapes and new fields, and tells other messages from damaged ones. The scanner
//! accepts only what the general parser would accept too, with equal values: that is
//! a property test.

mod general;
mod scanner;

pub use general::read as read_generally;
pub use scanner::scan;

use std::borrow::Cow;

use crate::{domain::trade::Trade, exchange::source::Malformed};

/// What the name of a stream of aggregate trades ends with.
pub(super) const STREAM_SUFFIX: &str = "@aggTrade";

/// The event that carries an aggregate trade.
pub(super) const TRADE_EVENT: &str = "aggTrade";

/// A trade as it stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned<'a> {
    /// The symbol in upper case, borrowed from the message.
    pub symbol: &'a [u8],
    /// The trade, checked.
    pub trade: Trade,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// An aggregate trade.
    Trade {
        /// The symbol as the exchange spells it.
        symbol: Cow<'a, str>,
        /// The trade, checked.
        trade: Trade,
    },
    /// Something that is not about a trade.
    Control(Control),
    /// Something that should have been a trade, or is nothing at all.
    Malformed(Malformed),
}

/// A message that is not about a trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The exchange will close the connection soon.
    ShutdownAnnounced,
    /// An answer to a request on this connection.
    Answer,
    /// An event of another kind, with its name.
    Event(String),
}

#[cfg(test)]
mod tests;
