//! Which bars a request is about, beside symbol, threshold and time.

use serde::{Deserialize, Serialize};

use crate::domain::anchor::Anchor;

/// From which exchange bars are made, and where they are cut: bars of another scope are other
/// bars.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// The exchange's name in the store; empty when that is left to the worker.
    pub exchange: String,
    /// Where bars are cut; none when that is left to the worker.
    pub anchor: Option<Anchor>,
}

impl Scope {
    /// Bars of this exchange that are cut like this.
    #[must_use]
    pub fn new(exchange: &str, anchor: Anchor) -> Self {
        Self {
            exchange: exchange.to_owned(),
            anchor: Some(anchor),
        }
    }

    /// Whether nothing in the one contradicts the other.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let exchanges = [&self.exchange, &other.exchange];
        let anchors = [self.anchor, other.anchor];
        (exchanges[0] == exchanges[1] || exchanges.iter().any(|name| name.is_empty()))
            && (anchors[0] == anchors[1] || anchors.contains(&None))
    }

    /// What is left open is as in `other`.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            exchange: if self.exchange.is_empty() {
                other.exchange.clone()
            } else {
                self.exchange.clone()
            },
            anchor: self.anchor.or(other.anchor),
        }
    }

    /// Whether it is about bars of this exchange that are cut like this, and says so.
    #[must_use]
    pub fn is(&self, exchange: &str, anchor: Anchor) -> bool {
        self.exchange == exchange && self.anchor == Some(anchor)
    }

    /// The anchor's word in the store; empty when there is none.
    #[must_use]
    pub fn anchor_text(&self) -> &'static str {
        self.anchor.map_or("", Anchor::as_str)
    }

    /// As it is read from the store.
    ///
    /// # Errors
    /// A sentence, when the anchor is none.
    pub fn read(exchange: &str, anchor: &str) -> Result<Self, String> {
        let anchor = match anchor {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| format!("'{text}' is not an anchor"))?,
            ),
        };
        Ok(Self {
            exchange: exchange.to_owned(),
            anchor,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_open_contradicts_nothing() {
        let (open, day) = (Scope::default(), Scope::new("sim", Anchor::Day));
        let month = Scope::new("sim", Anchor::Month);
        assert!(open.agrees_with(&day) && day.agrees_with(&open) && day.agrees_with(&day));
        assert!(!day.agrees_with(&month));
        assert!(!day.agrees_with(&Scope::new("binance", Anchor::Day)));
        assert_eq!(open.or(&day), day);
        assert_eq!(month.or(&day), month);
        assert!(day.is("sim", Anchor::Day) && !open.is("sim", Anchor::Day));
        for scope in [open, day, month] {
            let read = Scope::read(&scope.exchange, scope.anchor_text());
            assert_eq!(read, Ok(scope));
        }
        assert!(Scope::read("sim", "week").is_err());
    }
}
