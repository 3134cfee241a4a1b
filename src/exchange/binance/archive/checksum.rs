//! The checksum beside every file: `<sha256>  <file name>`.

use std::fmt;

use sha2::{Digest, Sha256};

/// How many hexadecimal digits tell files of one name apart.
const SHORT_DIGITS: usize = 16;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// Of all that went into `hash` so far.
    pub(super) fn of(hash: &Sha256) -> Self {
        Self(hash.clone().finalize().into())
    }

    /// Reads the checksum's file, which has to be that of the file `name`; none for
    /// anything else.
    pub(super) fn parse(text: &[u8], name: &str) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim();
        let (digits, named) = match text.split_once([' ', '\t']) {
            // A star says that the file was read as bytes.
            Some((digits, named)) => (digits, named.trim_start().trim_start_matches('*')),
            None => (text, name),
        };
        if named != name || digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Some(Self(bytes))
    }

    /// Enough digits to tell files of one name apart.
    pub(super) fn short(&self) -> String {
        let mut digits = self.to_string();
        digits.truncate(SHORT_DIGITS);
        digits
    }

    /// Whether `text` is what [`Self::short`] gives.
    pub(super) fn is_short(text: &str) -> bool {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.len() == SHORT_DIGITS && text.bytes().all(is_digit)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That of nothing at all.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_exchanges_form_is_read_and_any_other_refused() {
        let expected = Checksum::of(&Sha256::new());
        assert_eq!(expected.to_string(), EMPTY);
        assert_eq!(expected.short(), EMPTY[..16]);
        assert!(Checksum::is_short(&expected.short()) && !Checksum::is_short(EMPTY));
        let parse = |text: &str| Checksum::parse(text.as_bytes(), "a.zip");
        let upper = EMPTY.to_uppercase();
        for text in [
            format!("{EMPTY}  a.zip\n"),
            format!("{EMPTY} *a.zip\r\n"),
            format!("{upper}\ta.zip"),
            EMPTY.to_owned(),
        ] {
            assert_eq!(parse(&text), Some(expected), "{text}");
        }
        for text in [
            format!("{EMPTY}  b.zip"),
            format!("{}  a.zip", &EMPTY[1..]),
            format!("g{}  a.zip", &EMPTY[1..]),
            "<html>".to_owned(),
            String::new(),
        ] {
            assert_eq!(parse(&text), None, "{text}");
        }
    }
}
