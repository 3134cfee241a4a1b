//! Plain decimal digits, eight at a time.
//!
//! The scanners of this adapter accept exactly the shapes that the exchange
//! documents and give up on anything else, so every function here answers with
//! `None` when in doubt: a general parser then decides. What is accepted is always
//! the exact value.
//!
//! Eight bytes are loaded as one little-endian word, so that the first digit lies in
//! the lowest byte. A load needs eight bytes to be there: near the end of the input
//! the answer is `None`, and callers that read to the very end pad their buffer.

/// Eight times `'0'`.
const ZEROS: u64 = 0x3030_3030_3030_3030;
/// The highest bit of each byte.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// Lifts everything above '9' to 0x80 and higher, eight times.
const ABOVE_NINE: u64 = 0x4646_4646_4646_4646;

/// How many bytes one step looks at.
pub(super) const WORD: usize = 8;

/// Ten to the power of the index.
const POWERS_OF_TEN: [u64; WORD] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// How many units of 1e-8 make one.
const SCALE: u64 = 100_000_000;

/// Every number of up to eighteen digits fits an `i64`.
const MAX_INTEGER_DIGITS: usize = 18;

/// Whole parts of up to ten digits scale to less than 10^18, which always fits.
const MAX_WHOLE_DIGITS: usize = 10;

/// What is left of the input.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// The beginning of `bytes`.
    #[inline(always)]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What is left.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Passes `literal`, which must come next.
    #[inline(always)]
    pub(super) fn pass<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        let (next, rest) = self.0.split_first_chunk::<N>()?;
        if next != literal {
            return None;
        }
        self.0 = rest;
        Some(())
    }

    /// Passes `literal` if it comes next, and says whether it did.
    #[inline(always)]
    pub(super) fn passes<const N: usize>(&mut self, literal: &[u8; N]) -> bool {
        self.pass(literal).is_some()
    }

    /// The next `length` bytes, passed.
    #[inline(always)]
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Passes a whole number: one to eighteen digits, no leading zero.
    ///
    /// Where a word is full of digits the place moves on by a constant: the processor
    /// then guesses the way ahead instead of waiting for the count.
    #[inline(always)]
    pub(super) fn integer(&mut self) -> Option<i64> {
        let start = self.0;
        let mut word = self.word()?;
        let mut value = 0;
        if word.is_full() {
            value = word.value();
            self.take(WORD)?;
            word = self.word()?;
            if word.is_full() {
                value = value * SCALE + word.value();
                self.take(WORD)?;
                // A time in microseconds ends here.
                if !self.0.first()?.is_ascii_digit() {
                    return self.plain(start, value);
                }
                word = self.word()?;
            }
        }
        let count = word.count();
        self.take(count)?;
        // A third word full of digits makes 23 here, which is enough to be refused.
        if start.len() - self.0.len() > MAX_INTEGER_DIGITS {
            return None;
        }
        value = value * POWERS_OF_TEN[count] + word.short_value();
        self.plain(start, value)
    }

    /// The value of the digits since `start`, which must be some without a needless zero.
    #[inline(always)]
    fn plain(&self, start: &[u8], value: u64) -> Option<i64> {
        let length = start.len() - self.0.len();
        if length == 0 || (length > 1 && start[0] == b'0') {
            return None;
        }
        // At most eighteen digits always fit.
        Some(value.cast_signed())
    }

    /// Passes a decimal in units of 1e-8: one to ten digits, then at most eight more
    /// after a point.
    #[inline(always)]
    pub(super) fn decimal(&mut self) -> Option<i64> {
        let word = self.word()?;
        let whole = if word.is_full() {
            self.take(WORD)?;
            let more = self.word()?;
            let count = more.count();
            if WORD + count > MAX_WHOLE_DIGITS {
                return None;
            }
            self.take(count)?;
            word.value() * POWERS_OF_TEN[count] + more.short_value()
        } else {
            let count = word.count();
            if count == 0 {
                return None;
            }
            self.take(count)?;
            word.short_value()
        };
        let mut units = whole * SCALE;
        if self.passes(b".") {
            let word = self.word()?;
            if word.is_full() {
                // The exchange always sends eight digits.
                self.take(WORD)?;
                units += word.value();
            } else {
                let count = word.count();
                if count == 0 {
                    return None;
                }
                self.take(count)?;
                // Missing digits at the end are zeros: that is the scaling.
                units += word.short_value() * POWERS_OF_TEN[WORD - count];
            }
        }
        // Less than 10^18 + 10^8 always fits.
        Some(units.cast_signed())
    }

    #[inline(always)]
    fn word(&self) -> Option<Word> {
        word_at(self.0, 0).map(Word::new)
    }
}

/// Eight bytes of `bytes` from `at` on.
#[inline(always)]
pub(super) fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    let chunk = bytes.get(at..)?.first_chunk::<WORD>()?;
    Some(u64::from_le_bytes(*chunk))
}

/// Eight bytes of which the first ones may be digits.
#[derive(Clone, Copy)]
struct Word {
    /// The values of the digits; whatever, from the first other byte on.
    values: u64,
    /// The lowest bit that is set here belongs to the first byte that is no digit.
    others: u64,
}

impl Word {
    #[inline(always)]
    fn new(word: u64) -> Self {
        // A byte below '0' sets its highest bit in the difference, one above '9' in the
        // sum, and one from 0x80 on in either. Borrows and carries come from such a
        // byte only, and reach only the bytes behind it.
        let values = word.wrapping_sub(ZEROS);
        let above = word.wrapping_add(ABOVE_NINE);
        Self {
            values,
            others: (values | above) & HIGH_BITS,
        }
    }

    /// Whether it is eight digits.
    #[inline(always)]
    fn is_full(self) -> bool {
        self.others == 0
    }

    /// How many digits it begins with, if they are less than eight; else seven.
    #[inline(always)]
    fn count(self) -> usize {
        (self.first_other_bit() / 8) as usize
    }

    /// Setting the last bit spares the processor the case that none is set.
    #[inline(always)]
    fn first_other_bit(self) -> u32 {
        (self.others | 1 << 63).trailing_zeros()
    }

    /// The number that its eight digits make.
    #[inline(always)]
    fn value(self) -> u64 {
        value_of(self.values)
    }

    /// The number that its first digits make, if they are less than eight; 0 for none.
    #[inline(always)]
    fn short_value(self) -> u64 {
        // The digits move to the end, behind zeros, which do not change a number: by
        // 64 bits without a digit, in two steps because one by 64 would be none.
        value_of(self.values << 8 << (63 - self.first_other_bit()))
    }
}

/// The number that eight digit values make, the first one in the lowest byte: pairs
/// are joined, then pairs of pairs, then the two halves.
#[inline(always)]
fn value_of(values: u64) -> u64 {
    let pairs = (values.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    quads.wrapping_mul(10_000 << 32 | 1) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::price::parse_units;

    fn padded(text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend_from_slice(b"\",        ");
        bytes
    }

    #[test]
    fn whole_numbers_are_exact_and_never_padded_with_zeros() {
        for text in [
            "0",
            "7",
            "12345678",
            "123456789",
            "1735689600157336",
            "999999999999999999",
        ] {
            let bytes = padded(text);
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(cursor.integer(), text.parse().ok(), "{text}");
            assert_eq!(cursor.rest(), padded(""));
        }
        for text in [
            "",
            "-1",
            "01",
            "00",
            "1000000000000000000",
            "99999999999999999999999999",
        ] {
            assert_eq!(Cursor::new(&padded(text)).integer(), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_decimal_has_the_value_that_the_strict_parser_gives(
            text in "[0-9]{0,12}(\\.[0-9]{0,9})?[-+e. ]?",
        ) {
            let bytes = padded(&text);
            let mut cursor = Cursor::new(&bytes);
            let scanned = cursor.decimal().filter(|_| cursor.rest()[0] == b'"');
            match (scanned, parse_units(text.as_bytes())) {
                (Some(units), strict) => prop_assert_eq!(Ok(units), strict),
                (None, Ok(units)) => prop_assert!(units >= 100_000_000_000_000_000
                    || text.split('.').next().is_some_and(|whole| whole.len() > 10)),
                (None, Err(_)) => {}
            }
        }

        #[test]
        fn an_accepted_integer_has_the_value_that_the_standard_parser_gives(
            value in 0..1_000_000_000_000_000_000i64, shift in 0..18u32,
        ) {
            let text = (value / 10i64.pow(shift)).to_string();
            prop_assert_eq!(Cursor::new(&padded(&text)).integer(), text.parse().ok());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Cursor::new(&bytes).integer();
            let _ = Cursor::new(&bytes).decimal();
        }
    }
}
