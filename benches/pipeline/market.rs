//! Four pairs on one connection, and their trades as the exchange sends them.

use std::{io::Write as _, iter::Peekable};

use streamkit::domain::trade::Trade;

use crate::tape::Tape;

/// The symbols, in the order of their indices.
pub const SYMBOLS: [&str; 4] = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"];

/// How long after the trade the exchange sends it.
const SENDING_DELAY_US: i64 = 1_500;

/// The first byte of an unmasked text frame that is a whole message (RFC 6455, 5.2).
const WHOLE_TEXT: u8 = 0x81;
/// The second byte of an unmasked frame with its length in the next two.
const LENGTH_IN_TWO_BYTES: u8 = 126;

/// The trades of all pairs in the order of their time: a pure function of the seed.
pub struct Market {
    tapes: [Peekable<Tape>; SYMBOLS.len()],
}

impl Market {
    /// The market of `seed`.
    pub fn new(seed: u64) -> Self {
        let tape = |index: usize| Tape::new(seed + index as u64).peekable();
        Self {
            tapes: std::array::from_fn(tape),
        }
    }
}

impl Iterator for Market {
    type Item = (usize, Trade);

    fn next(&mut self) -> Option<(usize, Trade)> {
        let times = self
            .tapes
            .iter_mut()
            .map(|tape| tape.peek().map(|trade| trade.time_us));
        let (index, _) = times.enumerate().min_by_key(|(_, time_us)| *time_us)?;
        self.tapes[index].next().map(|trade| (index, trade))
    }
}

/// Writes trades as WebSocket frames.
#[derive(Default)]
pub struct Encoder {
    payload: Vec<u8>,
}

impl Encoder {
    /// Appends the frame of one trade to `frames`.
    pub fn append(&mut self, symbol: usize, trade: &Trade, frames: &mut Vec<u8>) {
        const SCALE: i64 = 100_000_000;
        let name = SYMBOLS[symbol];
        self.payload.clear();
        write!(
            self.payload,
            r#"{{"stream":"{}@aggTrade","data":{{"e":"aggTrade","E":{},"s":"{name}","a":{},"p":"{}.{:08}","q":"{}.{:08}","f":{},"l":{},"T":{},"m":{},"M":true}}}}"#,
            name.to_ascii_lowercase(),
            trade.time_us + SENDING_DELAY_US,
            trade.id,
            trade.price.0 / SCALE,
            trade.price.0 % SCALE,
            trade.quantity.0 / SCALE,
            trade.quantity.0 % SCALE,
            trade.first_trade_id,
            trade.last_trade_id,
            trade.time_us,
            trade.buyer_is_maker,
        )
        .expect("a Vec takes everything");
        let length = u16::try_from(self.payload.len()).expect("a short message");
        frames.extend([WHOLE_TEXT, LENGTH_IN_TWO_BYTES]);
        frames.extend(length.to_be_bytes());
        frames.extend(&self.payload);
    }
}
