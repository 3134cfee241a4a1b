//! What keeps a collector's data whole, each of which can be taken away.
//!
//! A test that cannot fail proves nothing. So each safeguard can be switched off by a hidden
//! option, and whoever measures what it is good for sees the harm that it keeps away. Nothing
//! else may ever switch one off.

use std::fmt;

/// Something that keeps data whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Safeguard {
    /// Connections that are lost are made anew.
    Reconnect,
    /// A connection is replaced before the exchange ends it.
    Renewal,
    /// Silence and missing pongs are noticed.
    Detection,
    /// A connection has to be made within a deadline.
    Deadlines,
    /// A stream that is slow is not taken for dead.
    Patience,
    /// A store that is slow is not taken for dead.
    StorePatience,
    /// Missing trades are fetched.
    GapRepair,
    /// Trades that come twice, or late, do not enter the tape as they come.
    Sequence,
    /// A message of an unusual form is read all the same.
    Fallback,
    /// A trade counts, whatever its price and its time are.
    EveryTrade,
    /// A batch that could not be delivered is tried again.
    DeliveryRetry,
    /// A batch is deleted only after the store has confirmed it.
    Confirmation,
    /// A batch that is sent again is the same insert.
    Tokens,
    /// Rows that the store refuses are kept aside.
    DeadLetters,
    /// A start goes on where the journal, or the store, left off.
    Resume,
    /// Rows and checkpoint are committed together.
    CommitOrder,
    /// Tasks that fail or hang are restarted.
    Supervision,
    /// Nothing is taken while there is no room for it.
    SpoolBound,
    /// Silence is measured on a clock that nobody sets.
    SteadyClock,
    /// Alerts that could not be sent are tried again.
    AlertRetry,
}

impl Safeguard {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Reconnect,
        Self::Renewal,
        Self::Detection,
        Self::Deadlines,
        Self::Patience,
        Self::StorePatience,
        Self::GapRepair,
        Self::Sequence,
        Self::Fallback,
        Self::EveryTrade,
        Self::DeliveryRetry,
        Self::Confirmation,
        Self::Tokens,
        Self::DeadLetters,
        Self::Resume,
        Self::CommitOrder,
        Self::Supervision,
        Self::SpoolBound,
        Self::SteadyClock,
        Self::AlertRetry,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reconnect => "reconnect",
            Self::Renewal => "renewal",
            Self::Detection => "detection",
            Self::Deadlines => "deadlines",
            Self::Patience => "patience",
            Self::StorePatience => "store-patience",
            Self::GapRepair => "gap-repair",
            Self::Sequence => "sequence",
            Self::Fallback => "fallback",
            Self::EveryTrade => "every-trade",
            Self::DeliveryRetry => "delivery-retry",
            Self::Confirmation => "confirmation",
            Self::Tokens => "tokens",
            Self::DeadLetters => "dead-letters",
            Self::Resume => "resume",
            Self::CommitOrder => "commit-order",
            Self::Supervision => "supervision",
            Self::SpoolBound => "spool-bound",
            Self::SteadyClock => "steady-clock",
            Self::AlertRetry => "alert-retry",
        }
    }
}

impl fmt::Display for Safeguard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text names no safeguard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no safeguard")]
pub struct SafeguardError(String);

impl std::str::FromStr for Safeguard {
    type Err = SafeguardError;

    fn from_str(text: &str) -> Result<Self, SafeguardError> {
        let found = Self::ALL.into_iter().find(|guard| guard.as_str() == text);
        found.ok_or_else(|| SafeguardError(text.to_owned()))
    }
}

/// The safeguards that are in force: all, unless some were taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Safeguards {
    /// A bit for each that was taken away, by its place in [`Safeguard::ALL`].
    missing: u32,
}

impl Safeguards {
    /// All but these.
    #[must_use]
    pub fn without(missing: &[Safeguard]) -> Self {
        let bits = missing.iter().map(|&guard| Self::bit(guard));
        Self {
            missing: bits.fold(0, |all, bit| all | bit),
        }
    }

    /// Whether this one is in force.
    #[inline]
    #[must_use]
    pub const fn has(self, guard: Safeguard) -> bool {
        self.missing & Self::bit(guard) == 0
    }

    const fn bit(guard: Safeguard) -> u32 {
        1 << guard as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_in_force_but_those_that_were_taken_away() {
        for guard in Safeguard::ALL {
            assert!(Safeguards::default().has(guard));
            assert_eq!(guard.as_str().parse(), Ok(guard));
            let without = Safeguards::without(&[guard]);
            for other in Safeguard::ALL {
                assert_eq!(without.has(other), other != guard, "{guard} {other}");
            }
        }
        assert!("luck".parse::<Safeguard>().is_err());
    }
}
