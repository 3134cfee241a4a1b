//! A trading pair's name, as the exchange spells it in upper case.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The longest name that any exchange here uses, with room to spare.
const MAX_LENGTH: usize = 32;

/// A symbol such as `BTCUSDT`: upper-case letters, digits, `-` and `_`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol(Arc<str>);

/// Why a text is not a symbol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a symbol: 1 to 32 letters, digits, '-' or '_' are")]
pub struct SymbolError {
    text: String,
}

impl Symbol {
    /// The name in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let valid = (1..=MAX_LENGTH).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && text.bytes().any(|b| b.is_ascii_alphanumeric());
        if valid {
            Ok(Self(text.to_ascii_uppercase().into()))
        } else {
            Err(SymbolError {
                text: text.to_owned(),
            })
        }
    }
}

impl TryFrom<String> for Symbol {
    type Error = SymbolError;

    fn try_from(text: String) -> Result<Self, SymbolError> {
        text.parse()
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.0.as_ref().to_owned()
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_is_taken_and_printed_in_upper_case() {
        assert_eq!(
            "btcusdt".parse::<Symbol>().map(|s| s.to_string()),
            Ok("BTCUSDT".to_owned())
        );
    }

    #[test]
    fn what_could_escape_into_a_url_or_a_query_is_refused() {
        for text in ["", "BTC/USDT", "a b", "a'b", "é", "--", &"A".repeat(33)] {
            assert!(text.parse::<Symbol>().is_err(), "{text:?}");
        }
    }
}
