//! The sim's own trade: eight plain fields, and how they look as text.
//!
//! Prices and quantities are integers in units of 1e-8, times are microseconds
//! since 1970 UTC. Nothing here is shared with the rest of the crate: the sim
//! judges the adapter, so it must not inherit the adapter's mistakes.

use std::io::{self, Write};

/// How many decimals a price or a quantity has on the wire.
const FRACTION_DIGITS: usize = 8;
/// One unit of price or quantity, in 1e-8.
pub(crate) const ONE_E8: i64 = 100_000_000;

/// One aggregate trade of a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimTrade {
    /// The aggregate-trade id, `a` on the wire.
    pub id: i64,
    /// The price in 1e-8.
    pub price_e8: i64,
    /// The quantity in 1e-8.
    pub quantity_e8: i64,
    /// The first individual trade id, `f` on the wire.
    pub first_id: i64,
    /// The last individual trade id, `l` on the wire.
    pub last_id: i64,
    /// The trade time in microseconds since 1970 UTC.
    pub time_us: i64,
    /// Whether the buyer was the maker, which makes it a sell: `m` on the wire.
    pub buyer_maker: bool,
    /// The field to ignore, `M` on the wire.
    pub best_match: bool,
}

impl SimTrade {
    /// Writes the trade as a row of the exchange's archive:
    /// `a,p,q,f,l,T,m,M`, the time in microseconds, booleans as `True`/`False`.
    ///
    /// # Errors
    ///
    /// Whatever the writer returns.
    pub fn write_csv_row(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = Vec::with_capacity(128);
        push_integer(&mut line, self.id);
        line.push(b',');
        push_decimal(&mut line, self.price_e8);
        line.push(b',');
        push_decimal(&mut line, self.quantity_e8);
        for number in [self.first_id, self.last_id, self.time_us] {
            line.push(b',');
            push_integer(&mut line, number);
        }
        for flag in [self.buyer_maker, self.best_match] {
            line.extend_from_slice(if flag { b",True" } else { b",False" });
        }
        line.push(b'\n');
        out.write_all(&line)
    }
}

/// Appends an integer as decimal text.
pub(crate) fn push_integer(out: &mut Vec<u8>, value: i64) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(digits.format(value).as_bytes());
}

/// Appends a value in 1e-8 with exactly eight decimals, as the exchange writes it.
pub(crate) fn push_decimal(out: &mut Vec<u8>, value_e8: i64) {
    if value_e8 < 0 {
        out.push(b'-');
    }
    let magnitude = value_e8.unsigned_abs();
    let one = ONE_E8.unsigned_abs();
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(digits.format(magnitude / one).as_bytes());
    let mut fraction = magnitude % one;
    let mut text = [b'0'; FRACTION_DIGITS + 1];
    text[0] = b'.';
    for place in (1..=FRACTION_DIGITS).rev() {
        text[place] = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(value_e8: i64) -> String {
        let mut out = Vec::new();
        push_decimal(&mut out, value_e8);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_always_have_eight_places() {
        assert_eq!(decimal(0), "0.00000000");
        assert_eq!(decimal(1), "0.00000001");
        assert_eq!(decimal(6_000_012_300_000), "60000.12300000");
        assert_eq!(decimal(i64::MAX), "92233720368.54775807");
        assert_eq!(decimal(-150_000_000), "-1.50000000");
    }

    #[test]
    fn a_csv_row_has_the_columns_of_the_archive() {
        let trade = SimTrade {
            id: 101,
            price_e8: 6_000_039_000_000,
            quantity_e8: 16_264_535,
            first_id: 7,
            last_id: 9,
            time_us: 1_735_689_600_080_015,
            buyer_maker: false,
            best_match: true,
        };
        let mut out = Vec::new();
        trade.write_csv_row(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "101,60000.39000000,0.16264535,7,9,1735689600080015,False,True\n"
        );
    }
}
